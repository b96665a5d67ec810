"""Whether readings of frames or arrays, such as memory, kept their level, and whether memory grows."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from stabkit.analyze.latency import compare_resource as compare_readings
from stabkit.analyze.statistics import CONFIDENCE
from stabkit.errors import SchemaError, UsageError, nearest
from stabkit.report.frames.populations import Part, interleaved, names_of, pandas_of, parts_of, that_count
from stabkit.report.frames.result import EstimateResult
from stabkit.text import joined, plain
from stabkit.vocabulary import REQUEST_METRICS, Worse, is_time, metric_of

__all__ = ["ResourceResult", "compare_resource"]

_OTHERWISE: Final = "readings"


class ResourceResult(EstimateResult):
    """Level, and growth of memory, of the candidate against the baseline, of one reading or of several."""

    caption = "Readings"
    several = "reading"


def compare_resource(
    baseline: Any,
    candidate: Any,
    *,
    metric: str | None = None,
    margin: float = 0.10,
    paired: bool | None = None,
    confidence: float = CONFIDENCE,
    worse: Worse | None = None,
    absolute_margin: float | None = None,
) -> ResourceResult:
    """Say whether readings kept their level, and for memory whether they grow faster than before.

    Parameters
    ----------
    baseline, candidate : array-like or DataFrame
        A frame with ``round`` and ``value``, such as ``store.samples("v1.4")``; or 1-D readings, one a round. Where a
        frame says ``target``, ``metric`` or ``series``, each of them is compared by itself.
    metric : str, optional
        What the readings are: ``memory`` and ``container_memory`` are judged for growth as well. Of a frame with the
        column ``metric``: which of them is compared; None: all that are readings.
    margin : float
        Allowed relative worsening of the level, and of the growth over the rounds collected.
    paired : bool, optional
        As of :func:`stabkit.compare_latency`.
    confidence : float
        Of the interval between both bounds.
    worse : str, optional
        ``higher`` or ``lower``. None: as the metric's name says, else ``higher``.
    absolute_margin : float, optional
        Allowed worsening of the level in the unit of the readings; it takes the place of ``margin`` there.

    Returns
    -------
    ResourceResult
        Fewer than five rounds are ``inconclusive``.

    Raises
    ------
    SchemaError
        A column is missing, a value is no number, or one metric is given in several units.
    UsageError
        A side holds several runs, which are named; no metric is a reading; or a margin is no such number.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> def side(step):
    ...     return 60 + step * np.arange(20) + rng.normal(0, 0.3, 20)
    >>> compare_resource(side(0), side(0), metric="memory").outcome
    'stable'
    >>> [e.outcome for e in compare_resource(side(0), side(2), metric="memory").estimates]
    ['regressed', 'regressed']
    """
    if worse not in (None, "higher", "lower"):
        raise UsageError(f"worse is {worse!r}.", where="compare_resource", hint="Give higher or lower.")
    framed = [_framed(side) for side in (baseline, candidate)]
    wanted = _is_reading if metric is None else metric.__eq__
    _check_known(metric, framed)
    parts = parts_of(*framed, where="compare_resource", keys=("target", "metric", "series"), wanted=wanted)

    def compared(part: Part, name: str) -> ResourceResult:
        own = part.about.get("metric") or metric or ""
        estimates = compare_readings(
            that_count(part.baseline),
            that_count(part.candidate),
            metric=own,
            margin=margin,
            paired=interleaved(part) if paired is None else paired,
            confidence=confidence,
            worse=worse or (metric_of(own).worse if own else None) or "higher",
            absolute_margin=absolute_margin,
            unit=_unit(part, name),
        )
        return ResourceResult.of(estimates, name, {**part.about, "metric": own or None})

    abouts = [{**part.about, "metric": part.about.get("metric") or metric} for part in parts]
    each = [compared(part, name) for part, name in zip(parts, names_of(abouts, _OTHERWISE), strict=True)]
    return ResourceResult.together(each, confidence)


def _check_known(metric: str | None, framed: list[pd.DataFrame]) -> None:
    """Refuse a metric that no side has, and name the nearest."""
    named = [side["metric"].dropna().unique() for side in framed if "metric" in side.columns]
    known = sorted({str(name) for names in named for name in names if _is_reading(str(name))})
    if metric is None or not known or metric in known:
        return
    guess = nearest(metric, known)
    hint = f"Did you mean {guess!r}?" if guess else f"Known: {joined([plain(name) for name in known], most=8)}."
    raise UsageError(f"There are no readings of {plain(metric)!r}.", where="compare_resource", hint=hint)


def _is_reading(name: str) -> bool:
    return not is_time(name) and name not in REQUEST_METRICS and name != "redirect_hop"


def _framed(side: Any) -> pd.DataFrame:
    side = pandas_of(side)
    if isinstance(side, pd.DataFrame):
        return side
    values = np.asarray(side)
    if values.ndim != 1:
        raise SchemaError(
            f"The readings have {values.ndim} dimensions.",
            where="compare_resource",
            hint="Give 1-D readings, one a round, or a frame with the columns round and value.",
        )
    return pd.DataFrame({"round": np.arange(values.size), "value": side})


def _unit(part: Part, name: str) -> str | None:
    """Return the one unit of both sides; None where frames say none.

    Raises
    ------
    SchemaError
        There are several.
    """
    framed = [side for side in part.sides if "unit" in side.columns]
    units = sorted({str(unit) for side in framed for unit in side["unit"].dropna().unique()})
    if len(units) > 1:
        raise SchemaError(
            f"{name} is given in {joined([plain(unit) for unit in units])}.",
            where="compare_resource",
            hint="Convert one of them first.",
        )
    return units[0] if units else None
