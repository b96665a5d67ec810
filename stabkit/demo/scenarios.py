"""The bundled service's versions: real edits of its source, each with the effect its scenario is named for.

A scenario changes the candidate's source (or the machine's load), never the verdict: what comes out is measured.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from stabkit.errors import UsageError, nearest

__all__ = ["RELEASE", "SCENARIOS", "SERVICE", "Edit", "Scenario", "apply_edits", "find_scenario", "write_service"]

SERVICE: Final = Path(__file__).parent / "service"


@dataclass(frozen=True)
class Edit:
    """One exact replacement in one file; without ``old``, a new file."""

    path: str
    new: str
    old: str = ""


@dataclass(frozen=True)
class Scenario:
    """What the candidate really does differently, and whether the machine is kept busy meanwhile."""

    name: str
    summary: str
    commit: str = ""
    edits: tuple[Edit, ...] = ()
    busy_processes: int = 0


def write_service(folder: Path) -> None:
    """Write the service's baseline source into a folder, over what is there."""
    shutil.copytree(SERVICE, folder, ignore=shutil.ignore_patterns("__pycache__", ".*"), dirs_exist_ok=True)


def apply_edits(folder: Path, edits: Iterable[Edit]) -> None:
    """Change the source in place.

    Raises
    ------
    ValueError
        The text to replace does not stand exactly once in its file: the edit no longer fits the source.
    """
    for edit in edits:
        file = folder / edit.path
        if not edit.old:
            file.write_text(edit.new, encoding="utf-8")
            continue
        text = file.read_text(encoding="utf-8")
        if text.count(edit.old) != 1:
            raise ValueError(f"edit of {edit.path} fits {text.count(edit.old)} places, not one: {edit.old!r}")
        file.write_text(text.replace(edit.old, edit.new), encoding="utf-8")


TIDY_STORAGE: Final = (
    Edit("chat_service/storage.py", "import sqlite3\n", old="import sqlite3\nimport os\n"),
    Edit("chat_service/storage.py", "        except sqlite3.Error:\n", old="        except Exception as error:\n"),
)
STORAGE_TEST: Final = (
    Edit(
        "tests/test_storage.py",
        """import sqlite3

import pytest

from chat_service.storage import MessageStore


def test_open_store_is_ready():
    assert MessageStore().ready()


def test_closed_store_is_not_ready():
    store = MessageStore()
    store.connection.close()
    assert not store.ready()


def test_closed_store_takes_no_message():
    store = MessageStore()
    store.connection.close()
    with pytest.raises(sqlite3.ProgrammingError):
        store.add("ann", "main", "hello")
""",
    ),
)
VERSION_1_5: Final = (
    Edit("chat_service/__init__.py", '__version__ = "1.5.0"', old='__version__ = "1.4.0"'),
    Edit("pyproject.toml", 'version = "1.5.0"', old='version = "1.4.0"'),
    Edit(
        "README.md",
        "receive the five events of the agent that answers it\n\nEach event has seven fields: type, event_id, user_id, "
        "thread_id, run_id, timestamp, data.\n",
        old="receive the five events of the agent that answers it\n",
    ),
)

#: What every candidate brings, by commit message: two findings fixed, a test file, documentation, the version.
RELEASE: Final[Mapping[str, tuple[Edit, ...]]] = MappingProxyType(
    {
        "Tidy the message store": TIDY_STORAGE,
        "Test what the store does when it is closed": STORAGE_TEST,
        "Release 1.5.0 and describe the events": VERSION_1_5,
    }
)

# 11 % more of the answer's own 5 ms are 8 % of the 7 ms that a client waits.
SLOWER_ANSWER: Final = (
    Edit(
        "chat_service/agent.py",
        "    await work(settings.answer_ms * 1.11)  # reads the thread's last messages first\n",
        old="    await work(settings.answer_ms)\n",
    ),
)
EVENTS_TO_NAMESAKES: Final = (
    Edit(
        "chat_service/app.py",
        "        follows = self.connections.items()\n"
        "        return [socket for (_, thread), sockets in follows if thread == thread_id for socket in sockets]\n",
        old="        return list(self.connections.get((user_id, thread_id), ()))\n",
    ),
)
KEPT_TRANSCRIPTS: Final = (
    Edit(
        "chat_service/app.py",
        "        self.connections = {}\n        self.transcripts = []\n",
        old="        self.connections = {}\n",
    ),
    Edit(
        "chat_service/app.py",
        '        self.store.add(user_id, "main", text)\n'
        '        self.transcripts.append(f"{user_id}: {text}\\n" * 1500)\n',
        old='        self.store.add(user_id, "main", text)\n',
    ),
)
EVENT_WITHOUT_RUN: Final = (
    Edit(
        "chat_service/events.py",
        """        message = {
            "type": self.type,
            "event_id": f"{self.run_id}-{next(_numbers)}",
            "user_id": self.user_id,
            "thread_id": self.thread_id,
            "timestamp": time.time(),
            "data": self.data,
        }
        if self.type != "tool_completed":
            message["run_id"] = self.run_id
        return message
""",
        old="""        return {
            "type": self.type,
            "event_id": f"{self.run_id}-{next(_numbers)}",
            "user_id": self.user_id,
            "thread_id": self.thread_id,
            "run_id": self.run_id,
            "timestamp": time.time(),
            "data": self.data,
        }
""",
    ),
)
LONG_TAIL: Final = (
    Edit(
        "chat_service/agent.py",
        "_runs = itertools.count(1)\n_lookups = itertools.count(1)\n",
        old="_runs = itertools.count(1)\n",
    ),
    Edit(
        "chat_service/agent.py",
        "    await work(settings.answer_ms * (1 if next(_lookups) % 20 else 3))  # retries\n",
        old="    await work(settings.answer_ms)\n",
    ),
)

SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        scenario.name: scenario
        for scenario in (
            Scenario("stable", "the candidate only tidies up"),
            Scenario("slow", "the chat takes 8 % longer to answer", "Read the thread before answering", SLOWER_ANSWER),
            Scenario(
                "broken",
                "events reach other users whose thread has the same name, and a test says so",
                "Look up recipients faster",
                EVENTS_TO_NAMESAKES,
            ),
            Scenario("leak", "every question keeps its transcript in memory", "Keep transcripts", KEPT_TRANSCRIPTS),
            Scenario(
                "contract",
                "the event tool_completed lacks its field run_id; no test notices",
                "Build messages step by step",
                EVENT_WITHOUT_RUN,
            ),
            Scenario("noisy", "nothing but tidying, on a machine under load", busy_processes=2),
            Scenario(
                "tail",
                "one answer in twenty takes three times as long",
                "Retry slow lookups",
                LONG_TAIL,
            ),
        )
    }
)


def find_scenario(name: str) -> Scenario:
    """Return the scenario of that name.

    Raises
    ------
    UsageError
        There is none; names the nearest.
    """
    if name not in SCENARIOS:
        guess = nearest(name, SCENARIOS)
        raise UsageError(
            f"There is no scenario {name!r}.",
            hint=(f"Did you mean {guess!r}? " if guess else "") + f"Known: {', '.join(SCENARIOS)}.",
        )
    return SCENARIOS[name]
