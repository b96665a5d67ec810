"""A verdict, and an error in its place, as they are told to others."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from stabkit.announce import Announcement
from stabkit.case import Case
from stabkit.errors import StabkitError
from stabkit.redact import redact_text
from stabkit.report.display import markdown_text
from stabkit.report.sections import verdict
from stabkit.text import plain
from stabkit.vocabulary import EXIT_CODES

__all__ = ["error_announcement", "gate_announcement"]


def gate_announcement(case: Case, *, exit_code: int, page: str | None = None, job: str | None = None) -> Announcement:
    """Return the verdict of a case as it is told to others: the words of the page, from the same object.

    Parameters
    ----------
    case : Case
    exit_code : int
        The code with which the command ends.
    page, job : str or None
        Addresses of the report's page and of the job.
    """
    shown, run = verdict(case), case.candidate.run
    subject = shown.subject
    assert subject is not None, "a gate's verdict has its subject"
    return Announcement(
        verdict=shown.word,
        exit_code=exit_code,
        title=plain(subject.title, 300),
        headline=plain(shown.sentence, 1_000),
        markdown=f"### {markdown_text(subject.title)}\n\n{shown.markdown()}",
        reasons=tuple(
            {"outcome": one.outcome, "subject": plain(one.subject, 300), "text": plain(one.text, 1_000)}
            for one in shown.reasons
        ),
        runs=shown.runs,
        baseline=subject.baseline,
        candidate=subject.candidate,
        project=subject.project,
        environment=subject.environment,
        page=page,
        job=job,
        started_at=_moment(run["started_at"]),
        finished_at=_moment(run["finished_at"]),
    )


def error_announcement(error: Exception, *, page: str | None = None, job: str | None = None) -> Announcement:
    """Return that there is no verdict, and why: a comment that says STABLE must not stay as it was."""
    said = redact_text(plain(error if isinstance(error, StabkitError) else f"{type(error).__name__}: {error}", 1_000))
    title = "Stability: no verdict"
    return Announcement(
        verdict="error",
        exit_code=EXIT_CODES["error"],
        title=title,
        headline=said,
        markdown=f"### {title}\n\n**✗ ERROR** {markdown_text(said)}",
        page=page,
        job=job,
    )


def _moment(value: Any) -> datetime | None:
    return None if pd.isna(value) else value.to_pydatetime()
