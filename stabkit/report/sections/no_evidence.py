"""What a section without evidence says: why there is none, and the command that fills it."""

from __future__ import annotations

from typing import Final

from stabkit.case import Case
from stabkit.report.display import NoEvidence
from stabkit.report.words import sentence
from stabkit.text import joined

__all__ = ["absent"]

_TABLES: Final = {"changes": "[changes]"}


def absent(case: Case, subject: str, *declared_as: str, reason: str | None = None) -> NoEvidence:
    """Return that there is no evidence of something, with the step that comes before collecting it, if one does.

    Parameters
    ----------
    subject : str
        "WebSocket sessions".
    declared_as : str
        The tables of the configuration that make a collection gather it; none of them: any collection does.
    reason : str, optional
        Why there is none, if that is known.
    """
    if case.config_path is None:
        step = sentence("no stabkit.toml says what to collect")
        return NoEvidence(subject, "stabkit init", " ".join(filter(None, (reason, step))))
    declared = not declared_as or any(getattr(case.config, name) for name in (*declared_as, "records"))
    if not declared:
        tables = joined((_TABLES.get(name, f"[{name}.NAME]") for name in declared_as), last="or")
        step = sentence(f"the configuration declares none: add {tables} to {case.config_path.name} first")
        reason = " ".join(filter(None, (reason, step)))
    return NoEvidence(subject, case.again.collect if case.stored else None, reason)
