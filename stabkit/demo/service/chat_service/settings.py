"""Settings, from the environment."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """What the service is told from outside."""

    environment: str
    health_ms: float
    answer_ms: float
    step_ms: float


def load_settings():
    """Read the settings from the environment."""
    return Settings(
        environment=os.environ.get("CHAT_ENVIRONMENT", "demo"),
        health_ms=float(os.environ.get("CHAT_HEALTH_MS", "2")),
        answer_ms=float(os.environ.get("CHAT_ANSWER_MS", "5")),
        step_ms=float(os.environ.get("CHAT_STEP_MS", "6")),
    )
