"""What a change may cost: who owns which files, which journeys carry value, what must be answered before a release."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stabkit.config.model import Model

__all__ = ["Area", "ChecklistLine", "Journey"]


class Area(Model):
    """What is known of the files under some paths. Never guessed."""

    paths: tuple[str, ...] = Field(min_length=1, description="prefixes or globs")
    owner: str | None = None
    criticality: Literal["critical", "high", "normal", "low"] | None = None
    value: str | None = None


class Journey(Model):
    """A user journey that carries business value, and the conditions that guard it."""

    name: str
    value: str | None = None
    guarded_by: tuple[str, ...] = ()


class ChecklistLine(Model):
    """One line of the production-readiness checklist."""

    line: str
    condition: str | None = Field(default=None, description="answered by this condition's outcome")
    target: str | None = None
    check: str | None = Field(default=None, description="answered by this check of that target")
