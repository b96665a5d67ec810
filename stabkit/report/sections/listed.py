"""What a section lists one by one of what moved, and the whole beside it where that is too long for a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from stabkit.numbers import amount_text
from stabkit.report.words import sentence
from stabkit.text import count
from stabkit.vocabulary import LISTED

__all__ = ["all_text", "first_of_each", "whole_beside"]

WHOLE: Final[Mapping[str, tuple[str, ...]]] = {
    "tests": (
        *("test_id", "suite", "transition", "baseline_status", "candidate_status", "confirmed", "attempts", "failures"),
        *("need_reruns", "hidden_by", "explained_by", "baseline_time_s", "candidate_time_s"),
    ),
    "findings": (
        *("state", "tool", "rule", "severity", "scope", "path", "line", "message", "fingerprint", "suppressed"),
        *("matched_by", "reason", "baseline_path", "baseline_line", "baseline_severity"),
    ),
}
"""Columns of the files beside a page, by what a row of them is."""


def first_of_each(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return the rows that a result lists: the first so many of each kind, in their order.

    Parameters
    ----------
    kind : str
        The column that says what became of a row's test or finding.
    """
    return frame if len(frame) <= LISTED else frame[frame.groupby(kind).cumcount() < LISTED]


def whole_beside(name: str, frame: pd.DataFrame, changed: pd.DataFrame, kind: str) -> dict[str, Any]:
    """Return the whole frame under its name, where the result lists less than what changed; else nothing.

    Parameters
    ----------
    name : str
        What a row is: a key of :data:`WHOLE`.
    frame, changed : DataFrame
        All rows, and those that tables show.
    """
    cut = len(first_of_each(changed, kind)) < len(changed)
    return {name: frame[list(WHOLE[name])]} if cut else {}


def all_text(name: str, frame: pd.DataFrame) -> str:
    """Return where all rows are, where a result lists the first of them alone."""
    all_ = count(len(frame), name.removesuffix("s"))
    file = f"a report leaves beside its page in a file that ends in .{name}.parquet"
    return sentence(f"the JSON result lists the first {amount_text(LISTED)} of each kind; all {all_} {file}")
