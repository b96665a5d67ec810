"""What became of each finding between two scans of one's own frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from stabkit.analyze import records, to_json
from stabkit.analyze.findings import FINDING_STATES, FindingComparison
from stabkit.analyze.findings import match_findings as match_scans
from stabkit.report.display import Column, Group, Piece, Statement, Table
from stabkit.report.frames.populations import one_run
from stabkit.report.frames.result import FrameResult
from stabkit.report.words import differences_texts, place_text, sentence
from stabkit.schema import empty
from stabkit.text import plain

__all__ = ["FindingResult", "match_findings"]

_SHOWN: Final = 20
_COLUMNS: Final = (
    Column("place", "Finding", "head"),
    Column("state", "State"),
    Column("severity", "Severity"),
    Column("message", "Message"),
)


@dataclass(frozen=True, eq=False, repr=False)
class FindingResult(FindingComparison, FrameResult):
    """The findings of two scans, matched one to one; its attributes are those of ``FindingComparison``."""

    __repr__ = FrameResult.__repr__

    @property
    def counts(self) -> dict[str, int]:
        """How many findings are in each state that occurs, the worst state first."""
        found = self.states["state"].value_counts()
        return {state: int(found[state]) for state in FINDING_STATES if state in found}

    @property
    def shown(self) -> Piece:
        """The result as a display object: the counts, why scans are not comparable, and what did not merely persist."""
        words = ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in self.counts.items())
        said = [sentence(words or "no finding on either side")]
        said += [sentence("the scans cannot be compared", *differences_texts(self.why))] if not self.comparable else []
        lead = Statement(tuple(said))
        moved = self.states[self.states["state"] != "persisting"]
        if moved.empty:
            return lead
        rows = tuple(
            {
                "place": (plain(row["rule"]), place_text(row)),
                "state": str(row["state"]).replace("_", " "),
                "severity": None if pd.isna(row["severity"]) else plain(row["severity"]),
                "message": None if pd.isna(row["message"]) else plain(row["message"]),
            }
            for row in moved.to_dict("records")
        )
        caption = "Findings that did not merely persist"
        return Group((lead, Table(_COLUMNS, rows, caption, records=tuple(records(moved)), limit=_SHOWN)))

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of ``states``: a row a finding, the worst state first."""
        return self.states.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return the whole result as plain JSON values."""
        return {
            "counts": self.counts,
            "comparable": self.comparable,
            "why": to_json(self.why),
            "assumed": to_json(self.assumed),
            "findings": to_json(list(records(self.states))),
        }


def match_findings(
    baseline_findings: pd.DataFrame,
    candidate_findings: pd.DataFrame,
    baseline_scans: pd.DataFrame | None = None,
    candidate_scans: pd.DataFrame | None = None,
    *,
    hunks: Any = None,
    changes: pd.DataFrame | None = None,
    history: pd.DataFrame | None = None,
) -> FindingResult:
    """Match the findings of two scans one to one and give each its state.

    Parameters
    ----------
    baseline_findings, candidate_findings : DataFrame
        Tables ``findings`` of one run each, as ``store.findings("v1.4")`` gives them.
    baseline_scans, candidate_scans : DataFrame, optional
        Tables ``scans`` of the same runs. Without them nothing proves that a finding is fixed, and the result is not
        ``comparable``.
    hunks : mapping, optional
        Candidate's path -> [(old_start, old_count, new_start, new_count)] of ``git diff -M -U0``.
    changes : DataFrame, optional
        Table ``changes`` of the range: renames, deleted and added files.
    history : DataFrame, optional
        Table ``findings`` of runs before the baseline, for ``reopened``.

    Raises
    ------
    UsageError
        A frame holds several runs, which are named.
    SchemaError
        A frame breaks its table's contract.

    Examples
    --------
    >>> import stabkit
    >>> store = stabkit.open("data/sample")
    >>> result = match_findings(*(read(run) for read in (store.findings, store.scans) for run in ("v1.4", "v1.5")))
    >>> result.comparable, sum(result.counts.values()) == len(result.to_frame())
    (True, True)
    """
    framed = {
        "baseline findings": baseline_findings,
        "candidate findings": candidate_findings,
        "baseline scans": empty("scans") if baseline_scans is None else baseline_scans,
        "candidate scans": empty("scans") if candidate_scans is None else candidate_scans,
    }
    for name, frame in framed.items():
        one_run(frame, where="match_findings", name=name)
    found = match_scans(*framed.values(), hunks=hunks, changes=changes, history=history)
    return FindingResult(found.states, found.comparable, found.why, found.assumed, found.scans)
