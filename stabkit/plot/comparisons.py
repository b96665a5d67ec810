"""Two sides compared: where their times differ, how heavy their tails are, what is estimated, readings by round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from stabkit.analyze.latency import quantile_shift, tail_shares
from stabkit.chart import SHARES, DumbbellChart, ResourceLines, ShiftPlot, TailCurve
from stabkit.chart.drawing import draw_in
from stabkit.errors import SchemaError, UsageError
from stabkit.plot.sources import one_of
from stabkit.samples import counted
from stabkit.text import joined, plain
from stabkit.vocabulary import metric_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["dumbbell", "readings", "shift", "tail"]

_SHIFT: Final = ("quantile", "difference_ms", "low_ms", "high_ms")


def shift(result: Any, ax: Axes | None = None) -> Axes:
    """Draw where two distributions of times differ: candidate - baseline at each percentile.

    The band is simultaneous: it holds for all percentiles at once with 95 %, and is paired by round where the sides
    were measured in turns. The title calls faster or slower only what the comparison does.

    Parameters
    ----------
    result : LatencyResult or DataFrame
        What :func:`stabkit.compare_latency` returned, of one population; or its ``shift``.
    ax : Axes, optional
        None: a new figure.

    Raises
    ------
    UsageError
        The result is of several populations, which are named; or it is something else.

    Examples
    --------
    >>> import stabkit
    >>> store = stabkit.open("data/sample")
    >>> result = stabkit.compare_latency(store.samples("build-12"), store.samples("build-13"))
    >>> ax = stabkit.plot.shift(result["backend"])
    """
    if isinstance(result, pd.DataFrame):
        missing = [name for name in _SHIFT if name not in result.columns]
        if missing:
            raise SchemaError(
                f"Required columns are missing: {joined(missing)}.",
                where="plot.shift",
                hint="Give the result of stabkit.compare_latency, or its shift.",
            )
        return draw_in(ShiftPlot(result), ax)
    before, after = _times(result, "plot.shift")
    frame = quantile_shift(before, after, paired=result.paired)
    sizes = _sizes(result)
    return draw_in(ShiftPlot(frame, of=result.name, sizes=sizes, judged=_judged(result)), ax)


def tail(result: Any, ax: Axes | None = None, *, objective_ms: float | None = None) -> Axes:
    """Draw how heavy the tails of two distributions of times are: the share slower than each time.

    Parameters
    ----------
    result : LatencyResult
        What :func:`stabkit.compare_latency` returned, of one population.
    ax : Axes, optional
        None: a new figure.
    objective_ms : float, optional
        A limit to show, ms.

    Raises
    ------
    UsageError
        The result is of several populations, which are named; or it is something else.

    Examples
    --------
    >>> import stabkit
    >>> store = stabkit.open("data/sample")
    >>> result = stabkit.compare_latency(store.samples("build-12"), store.samples("build-13"))
    >>> ax = stabkit.plot.tail(result["backend"], objective_ms=5)
    """
    before, after = (_framed(side) for side in _times(result, "plot.tail"))
    frame = tail_shares(before, after, objective_ms=objective_ms, named=SHARES)
    return draw_in(TailCurve(frame, of=result.name, objective_ms=objective_ms, sizes=_sizes(result)), ax)


def dumbbell(result: Any, ax: Axes | None = None) -> Axes:
    """Draw what a comparison of times estimates, a row each: baseline, candidate and its interval, with the outcome.

    Parameters
    ----------
    result : LatencyResult
        What :func:`stabkit.compare_latency` returned, of one population or of several.
    ax : Axes, optional
        None: a new figure.

    Raises
    ------
    UsageError
        It is something else.

    Examples
    --------
    >>> import stabkit
    >>> store = stabkit.open("data/sample")
    >>> before, after = (store.samples(run).query("metric == 'response_time'") for run in ("v1.4", "v1.5"))
    >>> ax = stabkit.plot.dumbbell(stabkit.compare_latency(before, after))
    """
    if not hasattr(result, "by") or not hasattr(result, "quantiles"):
        raise _no_comparison("plot.dumbbell")
    each = list(result.by.values()) or [result]
    rows = [
        {
            "name": f"{one.about.get('target') or one.name} {e.name}" if result.by else e.name,
            "baseline": e.baseline,
            "candidate": e.candidate,
            "low": None if e.baseline is None or e.low is None else e.baseline * e.low,
            "high": None if e.baseline is None or e.high is None else e.baseline * e.high,
            "outcome": e.outcome,
        }
        for one in each
        for e in one.deciding
    ]
    frame = pd.DataFrame(rows, columns=["name", "baseline", "candidate", "low", "high", "outcome"])
    return draw_in(DumbbellChart(frame, of="times"), ax)


def readings(
    baseline: pd.DataFrame,
    candidate: pd.DataFrame,
    ax: Axes | None = None,
    *,
    metric: str = "memory",
    target: str | None = None,
) -> Axes:
    """Draw readings, such as memory, round by round, a line a side.

    Parameters
    ----------
    baseline, candidate : DataFrame
        With ``round``, ``metric``, ``value`` and ``unit``, as ``store.samples("v1.4")`` gives them.
    ax : Axes, optional
        None: a new figure.
    metric : str
        Which reading.
    target : str, optional
        Whose; needed where several have that reading.

    Raises
    ------
    UsageError
        No target has that reading, or several have.

    Examples
    --------
    >>> import stabkit
    >>> store = stabkit.open("data/sample")
    >>> ax = stabkit.plot.readings(store.samples("v1.4"), store.samples("v1.5"), metric="cpu")
    """
    frame = pd.concat([baseline.assign(side="baseline"), candidate.assign(side="candidate")], ignore_index=True)
    frame = frame[frame["metric"] == metric] if "metric" in frame.columns else frame.assign(metric=metric)
    if {"ok", "warmup"} <= set(frame.columns):
        frame = counted(frame)
    if "target" in frame.columns:
        target = one_of(frame["target"], target, "target", f"with readings of {metric}", "plot.readings")
        frame = frame[frame["target"] == target]
    frame = frame if "unit" in frame.columns else frame.assign(unit=metric_of(metric).unit)
    return draw_in(ResourceLines(frame, metric=metric, of=plain(target) if target else ""), ax)


def _times(result: Any, where: str) -> tuple[Any, Any]:
    if not hasattr(result, "times") or not hasattr(result, "paired"):
        raise _no_comparison(where)
    before, after = result.times
    return before, after


def _no_comparison(where: str) -> UsageError:
    return UsageError(
        "This is no comparison of times.", where=where, hint="Give what stabkit.compare_latency(before, after) returns."
    )


def _framed(side: Any) -> pd.DataFrame:
    return side if isinstance(side, pd.DataFrame) else pd.DataFrame({"response_ms": list(side)})


def _sizes(result: Any) -> dict[str, tuple[int, int]]:
    first = result.estimates[0]
    return {"baseline": (first.n_baseline, first.rounds), "candidate": (first.n_candidate, first.rounds)}


def _judged(result: Any) -> Mapping[str, str]:
    """Return the outcome of what decides; what the whole does not call regressed, no title does."""
    return {
        e.name: "inconclusive" if e.outcome == "regressed" and result.outcome != "regressed" else e.outcome
        for e in result.deciding
    }
