"""Findings run by run: how many are open, and how old they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from stabkit.analyze.findings import finding_ages, finding_history
from stabkit.chart import AgeBars, OpenBars
from stabkit.chart.drawing import draw_in
from stabkit.plot.sources import one_of, tables_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ages", "open_findings"]


def open_findings(
    source: Any,
    ax: Axes | None = None,
    *,
    scans: pd.DataFrame | None = None,
    runs: pd.DataFrame | None = None,
    tool: str | None = None,
) -> Axes:
    """Draw the open findings of one tool, scan by scan and by severity.

    Parameters
    ----------
    source : Store or DataFrame
        The store, or the table ``findings``.
    ax : Axes, optional
        None: a new figure.
    scans, runs : DataFrame, optional
        The tables ``scans`` and ``runs``; needed with the table ``findings``.
    tool : str, optional
        Which; needed where several scanned.

    Raises
    ------
    UsageError
        A table is missing; or no such tool, or several and none was named.

    Examples
    --------
    >>> import stabkit
    >>> ax = stabkit.plot.open_findings(stabkit.open("data/sample"))
    """
    given = {"scans": scans, "runs": runs}
    findings, known, ordered = tables_of(source, given, ("findings", "scans", "runs"), "plot.open_findings")
    chosen = one_of(known["tool"], tool, "tool", "that scanned", "plot.open_findings")
    frame = finding_history(findings, known, ordered)
    return draw_in(OpenBars(frame[frame["tool"] == chosen].reset_index(drop=True)), ax)


def ages(
    source: Any, ax: Axes | None = None, *, scans: pd.DataFrame | None = None, runs: pd.DataFrame | None = None
) -> Axes:
    """Draw how old the open findings are, in scans, the oldest first.

    Parameters
    ----------
    source : Store or DataFrame
        The store, or the table ``findings``.
    ax : Axes, optional
        None: a new figure.
    scans, runs : DataFrame, optional
        The tables ``scans`` and ``runs``; needed with the table ``findings``.

    Raises
    ------
    UsageError
        A table is missing.

    Examples
    --------
    >>> import stabkit
    >>> ax = stabkit.plot.ages(stabkit.open("data/sample"))
    """
    given = {"scans": scans, "runs": runs}
    return draw_in(AgeBars(finding_ages(*tables_of(source, given, ("findings", "scans", "runs"), "plot.ages"))), ax)
