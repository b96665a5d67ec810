"""The lines of the change checklist: each ``pass``, ``fail`` or ``not_checked``, with what was examined.

A line that examined nothing is never a pass. Proven answers come from parsed files; where only a pattern was matched,
the fact says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from stabkit.change.api import answer_api, answer_entry_points, answer_modules
from stabkit.change.contracts import answer_contracts
from stabkit.change.credentials import answer_credentials
from stabkit.change.dependencies import answer_dependencies
from stabkit.change.environment import answer_configuration, answer_environment, answer_flags
from stabkit.change.facts import Answer
from stabkit.change.rights import answer_permissions
from stabkit.change.schema import answer_old_code, answer_rollback, answer_schema
from stabkit.change.snapshots import Snapshots
from stabkit.vocabulary import CHANGE_FACTS

__all__ = ["LINES", "checklist"]

LINES: Final[Mapping[str, tuple[str, Callable[[Snapshots], Answer]]]] = MappingProxyType(
    {
        "api_break": ("no break in public signatures", answer_api),
        "deleted_module": ("every module is imported by its name", answer_modules),
        "entry_point_removed": ("every command and option is there", answer_entry_points),
        "contract_break": ("callers get what they got", answer_contracts),
        "dependency_change": ("resolved versions equal", answer_dependencies),
        "environment_change": ("names and defaults equal", answer_environment),
        "configuration_change": ("key paths and values equal", answer_configuration),
        "flag_change": ("names and defaults equal", answer_flags),
        "schema_change": ("no migration, model field or schema file changed", answer_schema),
        "breaking_migration": ("what the old code reads and writes is there", answer_old_code),
        "irreversible_migration": ("nothing irreversible", answer_rollback),
        "permission_widened": ("no more rights than before", answer_permissions),
        "secret_added": ("no key, token or password", answer_credentials),
    }
)
"""What a change may do -> what is expected instead, and the line that looks for it."""


def checklist(snapshots: Snapshots | None, why: str = "") -> list[dict[str, Any]]:
    """Return one ``checks`` row a line.

    All lines are ``not_checked`` because of ``why`` if there are no snapshots. What nobody foresaw in one line leaves
    that line open and the others told.
    """
    rows: list[dict[str, Any]] = []
    for fact, (expected, line) in LINES.items():
        answer = Answer("not_checked", why=why) if snapshots is None else _asked(line, snapshots)
        rows.append({"target": "changes", "check": CHANGE_FACTS[fact], "expected": expected, **answer.row()})
    return rows


def _asked(line: Callable[[Snapshots], Answer], snapshots: Snapshots) -> Answer:
    try:
        return line(snapshots)
    except Exception as error:  # noqa: BLE001 - any repository may hold what no parser foresaw; the answer is unknown
        return Answer("not_checked", why=f"could not be examined: {type(error).__name__}: {error}")
