"""Compliance history: open findings, what came and went, their ages, and what a score can mean."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import pandas as pd

from stabkit.analyze.findings import finding_ages, finding_history
from stabkit.case import load_history
from stabkit.chart import AgeBars, NewFixedBars, OpenBars
from stabkit.config import Config
from stabkit.errors import UsageError, nearest
from stabkit.numbers import amount_text, duration
from stabkit.report.arguments import store_by_name
from stabkit.report.display import Column, Figure, Group, NoEvidence, Piece, Statement, Subject, Table
from stabkit.report.sections import breaks_in_words, history_subject, score_pieces
from stabkit.report.words import break_text, known_text, place_text, sentence
from stabkit.text import count, joined, plain
from stabkit.vocabulary import severity_rank

__all__ = ["ComplianceHistory", "compliance_history"]

SHOWN_ROWS = 20
SECONDS_PER_DAY = 86_400


@store_by_name("tool")
def compliance_history(
    *, data: str | Path | None = None, config: str | Path | Config | None = None, tool: str | None = None
) -> ComplianceHistory:
    """Return the history of the compliance scans in a store.

    Parameters
    ----------
    data, config : optional
        Store and configuration, as :func:`stabkit.report.stability.stability_report` takes them.
    tool : str, optional
        One scan tool; None or empty: all.

    Raises
    ------
    UsageError
        No scan of that tool; names the nearest. Or the store is not given by name.
    StoreError, ConfigError
        There is no store, or the configuration is wrong.

    Examples
    --------
    >>> compliance_history(data="data/sample").scans["tool"].unique().tolist()
    ['ruff']
    """
    stored = load_history("scans", "findings", data=data, config=config)
    scans, findings = stored.evidence["scans"], stored.evidence["findings"]
    known = sorted(set(scans["tool"]))
    if tool and tool not in known:
        guess = nearest(tool, known)
        hint = f"Did you mean {guess!r}?" if guess else f"Known: {', '.join(known) or 'none'}."
        raise UsageError(f"No scan by {tool!r}.", where="compliance_history", hint=hint)
    if tool:
        scans, findings = scans[scans["tool"] == tool], findings[findings["tool"] == tool]
    return ComplianceHistory(
        scans.reset_index(drop=True),
        findings.reset_index(drop=True),
        stored.runs,
        stored.again.collect,
        subject=history_subject(stored.runs, stored.config),
    )


class ComplianceHistory:
    """The scans of a store over its runs, tool by tool.

    Attributes
    ----------
    scans, findings, runs : DataFrame
        The evidence it speaks of.
    collect : str
        The command that gathers more of it.
    subject : Subject, optional
        Whose runs these are, for the head of a page.
    """

    def __init__(
        self,
        scans: pd.DataFrame,
        findings: pd.DataFrame,
        runs: pd.DataFrame,
        collect: str | None = "stabkit collect",
        *,
        subject: Subject | None = None,
    ) -> None:
        self.collect = collect
        self.subject = subject
        self.scans = scans
        self.findings = findings
        self.runs = runs

    @cached_property
    def _histories(self) -> tuple[pd.DataFrame, ...]:
        """One frame for each tool that scanned, the runs before its first scan left out."""
        if self.scans.empty:
            return ()
        frame = finding_history(self.findings, self.scans, self.runs)
        return tuple(group.reset_index(drop=True) for _, group in frame.groupby("tool", sort=True))

    @property
    def _missing(self) -> NoEvidence:
        return NoEvidence("scans", self.collect)

    def headline(self) -> Statement:
        """Return what is open now and what came and went in the last scan, tool by tool."""
        found = []
        for frame in self._histories:
            seen = frame[frame["open"].notna()]
            now = seen.iloc[-1]
            parts = [f"{plain(now['tool'])}: {count(int(now['open']), 'finding')} open"]
            if pd.notna(now["new"]):
                fixed = "fixed unknown" if pd.isna(now["fixed"]) else f"{int(now['fixed'])} fixed"
                parts.append(f"{int(now['new'])} new and {fixed} since the scan before")
            found.append(sentence(f"{', '.join(parts)}{_severities(now)}"))
        if not found:
            return Statement((self._missing.sentence,), command=self._missing.command, subject=self.subject)
        return Statement(tuple(found), subject=self.subject, points=len(found) > 1)

    def open_findings(self) -> Piece:
        """Return open findings by severity, run by run."""
        return self._drawn(OpenBars)

    def new_and_fixed(self) -> Piece:
        """Return what came and went, scan by scan."""
        return self._drawn(NewFixedBars)

    def _drawn(self, chart: type[OpenBars | NewFixedBars]) -> Piece:
        pieces = [Figure.of(chart(breaks_in_words(frame))) for frame in self._histories]
        return Group(tuple(pieces)) if pieces else self._missing

    def ages(self) -> Piece:
        """Return the open findings, the most severe first and of these the oldest, with the run that first had them."""
        if not self._histories:
            return self._missing
        ages = finding_ages(self.findings, self.scans, self.runs)
        if ages.empty:
            return Statement(("No finding is open in the last scan.",), quiet=True)
        ages = ages.sort_values("severity", key=_gravity, kind="stable", ignore_index=True)
        rows = tuple(
            {
                "rule": (plain(row["rule"]), place_text(row)),
                "severity": known_text(row["severity"]),
                "first": plain(row["first_label"] if pd.notna(row["first_label"]) else row["first_run_id"]),
                "age": ("at least " if row["at_least"] else "") + count(int(row["age_runs"]), "scan"),
                "open": duration(row["age_days"] * SECONDS_PER_DAY or None),
            }
            for row in ages.to_dict("records")
        )
        columns = (
            Column("rule", "Rule and place", "head"),
            Column("severity", "Severity"),
            Column("first", "First seen in"),
            Column("age", "Age", "number"),
            Column("open", "Open for", "number"),
        )
        figure = Figure.of(AgeBars(ages), height=0.85 + 0.22 * min(len(ages), 12))
        return Group(
            (figure, Table(columns, rows, "Open findings, the most severe first, then the oldest", limit=SHOWN_ROWS))
        )

    def scores(self) -> Piece:
        """Return the claimed scores of the last run against each formula."""
        if self.scans.empty:
            return self._missing
        last = [run for run in self.runs["run_id"] if run in set(self.scans["run_id"])][-1]
        scans, findings = (frame[frame["run_id"] == last] for frame in (self.scans, self.findings))
        pieces = score_pieces(scans, findings, "last scan")
        return (
            Group(tuple(pieces)) if pieces else Statement(("No scan claims a score, so none is computed.",), quiet=True)
        )

    def breaks(self) -> Piece:
        """Return where a line of scans breaks, and why: other version, rules or files, or an incomplete scan."""
        frames = self._histories
        if not frames:
            return self._missing
        frame = pd.concat(frames, ignore_index=True)
        broken = frame[frame["why"].notna()]
        notes = sorted({break_text(assumed) for assumed in frame["assumed"].dropna()})
        lead = sentence(
            f"{count(len(broken), 'break')} in {count(int(frame['open'].notna().sum()), 'scan')}"
            if len(broken)
            else f"no break in {count(int(frame['open'].notna().sum()), 'scan')}",
            f"assumed: {joined(notes, most=4)}" if notes else "",
        )
        if broken.empty:
            return Statement((lead,), quiet=True)
        rows = tuple(
            {
                "run": plain(row["label"] if pd.notna(row["label"]) else row["run_id"]),
                "tool": plain(row["tool"]),
                "reason": plain(break_text(row["why"]), 200),
            }
            for row in broken.to_dict("records")
        )
        columns = (Column("run", "Run", "head"), Column("tool", "Tool"), Column("reason", "Not comparable because"))
        return Group((Statement((lead,)), Table(columns, rows, "Breaks")))


def _gravity(severities: pd.Series) -> pd.Series:
    """Return what sorts severities, the gravest first; those of no known word last."""
    ranks = [severity_rank(None if pd.isna(word) else str(word)) for word in severities]
    return pd.Series([1 if rank is None else -rank for rank in ranks], index=severities.index)


def _severities(row: pd.Series) -> str:
    """Return how many are open of each severity, the gravest first: "; open: 1 error, 3 warning"."""
    known = pd.Series([name for name in row.index if str(name).startswith("open_") and row[name] > 0], dtype="object")
    words = known.str.removeprefix("open_")
    ordered = words.iloc[_gravity(words).argsort(kind="stable")] if len(words) else words
    parts = [f"{amount_text(int(row[f'open_{word}']))} {plain(word)}" for word in ordered]
    return f"; open: {', '.join(parts)}" if parts else ""
