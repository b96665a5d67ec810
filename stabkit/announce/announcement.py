"""What is told to others: a verdict in plain values, and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from stabkit.redact import redact_text

__all__ = ["Announcement"]

_MOST_REASONS: Final = 20


@dataclass(frozen=True)
class Announcement:
    """A verdict as it is told to others.

    Parameters
    ----------
    verdict : {"stable", "regressed", "inconclusive", "error"}
        ``error`` where there is no verdict: what was told before must not stand any longer.
    exit_code : int
        The code with which the command ends.
    title : str
        Which runs are judged.
    headline : str
        One sentence; of an error what is wrong.
    markdown : str
        The verdict as Markdown in which all evidence is escaped.
    reasons : tuple of mapping
        ``outcome``, ``subject``, ``text`` of each condition that speaks for the verdict, in order of weight.
    runs : tuple of str
        Run ids, baseline first.
    baseline, candidate, project, environment : str or None
    page, job : str or None
        Addresses of the report's page and of the job that judged.
    started_at, finished_at : datetime or None
        The candidate's collection, UTC.
    """

    verdict: Literal["stable", "regressed", "inconclusive", "error"]
    exit_code: int
    title: str
    headline: str
    markdown: str
    reasons: tuple[Mapping[str, Any], ...] = ()
    runs: tuple[str, ...] = ()
    baseline: str | None = None
    candidate: str | None = None
    project: str | None = None
    environment: str | None = None
    page: str | None = None
    job: str | None = None
    started_at: datetime | None = field(default=None)
    finished_at: datetime | None = field(default=None)

    def document(self) -> dict[str, Any]:
        """Return the announcement as the JSON that a webhook gets, secrets of addresses masked.

        Examples
        --------
        >>> told = Announcement("stable", 0, "v2 against v1", "All is stable.", "**STABLE**")
        >>> told.document()["verdict"], told.document()["schema"]
        ('stable', 1)
        """
        reasons = [
            {name: redact_text(str(reason[name])) for name in ("outcome", "subject", "text")}
            for reason in self.reasons[:_MOST_REASONS]
        ]
        return {
            "schema": 1,
            "kind": "announcement",
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "title": redact_text(self.title),
            "headline": redact_text(self.headline),
            "reasons": reasons,
            "more": max(0, len(self.reasons) - _MOST_REASONS),
            "runs": list(self.runs),
            "baseline": self.baseline,
            "candidate": self.candidate,
            "project": self.project,
            "environment": self.environment,
            "started_at": _text(self.started_at),
            "finished_at": _text(self.finished_at),
            "page": self.page,
            "job": self.job,
        }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
