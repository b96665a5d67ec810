"""Whose runs a page is about, for its head: project, environment, period."""

from __future__ import annotations

import pandas as pd

from stabkit.case import Case, states_its_start
from stabkit.config import Config
from stabkit.report.display import Subject
from stabkit.report.words import apart_text, dated_text, known_text, run_name
from stabkit.text import count, plain

__all__ = ["case_subject", "history_subject"]


def case_subject(case: Case, title: str = "") -> Subject:
    """Return what a page about two runs is about."""
    run = case.candidate.run
    measured = dated_text(side.run for side in (case.candidate, case.baseline) if side is not None)
    notes = [note for note in (measured, apart_text() if case.apart else None) if note]
    return Subject(
        title=title,
        project=known_text(run["project"]) or case.config.project.name,
        environment=known_text(run["environment"]),
        baseline=run_name(case.baseline.run) if case.baseline else None,
        candidate=run_name(run),
        at=run["started_at"].isoformat(),
        until=None if measured else _ended(case),
        rounds=case.again.rounds or None,
        note=" · ".join(notes) or None,
    )


def history_subject(runs: pd.DataFrame, config: Config) -> Subject | None:
    """Return what a page about the history of a store is about; None where there is no run.

    Parameters
    ----------
    runs : DataFrame
        Table ``runs``, oldest first.
    """
    if runs.empty:
        return None
    last = runs.iloc[-1]
    environments = [plain(one) for one in dict.fromkeys(runs["environment"].dropna())]
    ends = [plain(run["label"] if pd.notna(run["label"]) else run["run_id"]) for run in (runs.iloc[0], last)]
    span = " to ".join(dict.fromkeys(ends))
    measured = dated_text(run for _, run in runs.iterrows())
    return Subject(
        title="",
        project=known_text(last["project"]) or config.project.name,
        environment=environments[0] if len(environments) == 1 else None,
        at=runs["started_at"].iloc[0].isoformat(),
        until=last["started_at"].isoformat(),
        note=f"{count(len(runs), 'run')}, {span}"
        + (f", in {count(len(environments), 'environment')}" if len(environments) > 1 else "")
        + (f" · {measured}" if measured else ""),
    )


def _ended(case: Case) -> str | None:
    """Return when the candidate's collection ended, ISO 8601; None where that is not known."""
    ended = case.candidate.run["finished_at"]
    return ended.isoformat() if pd.notna(ended) and states_its_start(case.candidate) else None
