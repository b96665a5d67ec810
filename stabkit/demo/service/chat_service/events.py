"""The events that tell a user what the agent is doing."""

import itertools
import time
from dataclasses import dataclass, field
from typing import Any, Dict

EVENT_TYPES = (
    "agent_started",
    "agent_thinking",
    "tool_executing",
    "tool_completed",
    "agent_completed",
)

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Event:
    """One event; it knows whose it is."""

    type: str
    user_id: str
    thread_id: str
    run_id: str
    data: Dict[str, Any] = field(default_factory=dict)

    def to_message(self):
        """Return the seven fields that go over the wire."""
        return {
            "type": self.type,
            "event_id": f"{self.run_id}-{next(_numbers)}",
            "user_id": self.user_id,
            "thread_id": self.thread_id,
            "run_id": self.run_id,
            "timestamp": time.time(),
            "data": self.data,
        }
