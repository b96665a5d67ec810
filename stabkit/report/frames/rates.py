"""Whether the share of failed requests of frames, arrays or counts stayed the same, target by target."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from stabkit.analyze import Estimate
from stabkit.analyze.latency import compare_counts, compare_failures
from stabkit.analyze.statistics import CONFIDENCE
from stabkit.errors import SchemaError
from stabkit.report.frames.populations import Part, interleaved, names_of, pandas_of, parts_of
from stabkit.report.frames.result import EstimateResult
from stabkit.vocabulary import REQUEST_METRICS

__all__ = ["RateResult", "compare_rates"]

_OTHERWISE: Final = "failed requests"
# Failed requests have no kind of connection of their own: one that failed to connect was neither fresh nor reused.
_POPULATION: Final = ("target", "metric")


class RateResult(EstimateResult):
    """The share of failed requests of the candidate against the baseline, of one target or of several."""

    caption = "Share of failed requests"
    points = True


def compare_rates(
    baseline: Any,
    candidate: Any,
    *,
    margin: float = 0.005,
    paired: bool | None = None,
    confidence: float = CONFIDENCE,
) -> RateResult:
    """Say whether the share of failed requests stayed within an absolute margin, or what is missing to say it.

    Parameters
    ----------
    baseline, candidate : DataFrame, array-like or (failed, n)
        A frame with ``ok`` (true for a good request) and ``round``, in time order, such as ``store.samples("v1.4")``;
        warm-up counts, as a failed warm-up request is a failure. Or 1-D truth values, true for a good request: one
        round. Or a pair of whole numbers: how many failed, among how many. Where a frame says ``target`` or
        ``metric``, each of them is compared by itself.
    margin : float
        Absolute: 0.005 allows half a percentage point more failures.
    paired : bool, optional
        As of :func:`stabkit.compare_latency`.
    confidence : float
        Of the interval between both bounds.

    Returns
    -------
    RateResult
        Without requests on a side: ``inconclusive``. Counts alone do not show whether failures came together, as in
        one bad minute: what is worse by them without being beyond the margin for sure stays open.

    Raises
    ------
    SchemaError
        A column is missing, ``ok`` is neither true nor false, counts are no counts, or the sides are given in two ways.
    UsageError
        A side holds several runs, which are named, or the margin is not between 0 and 1.

    Examples
    --------
    >>> compare_rates((0, 1000), (90, 1000)).outcome, compare_rates((0, 600), (0, 600)).outcome
    ('regressed', 'inconclusive')
    >>> rounds = np.repeat(np.arange(10), 100)
    >>> fine = pd.DataFrame({"target": "api", "round": rounds, "ok": True})
    >>> compare_rates(fine, fine.assign(ok=np.arange(1000) % 30 > 0)).to_frame()[["target", "outcome"]].to_dict("list")
    {'target': ['api'], 'outcome': ['regressed']}
    """
    given = _counts(baseline), _counts(candidate)
    if (given[0] is None) is not (given[1] is None):
        raise SchemaError(
            "One side is counts, the other is not.",
            where="compare_rates",
            hint="Give both as (failed, n), or both as requests.",
        )
    if given[0] is not None and given[1] is not None:
        return _result(
            Part({}, *given), _OTHERWISE, compare_counts(*given[0], *given[1], margin=margin, confidence=confidence)
        )
    baseline, candidate = pandas_of(baseline), pandas_of(candidate)
    framed = [_framed(side, name) for side, name in ((baseline, "baseline"), (candidate, "candidate"))]
    parts = parts_of(*framed, where="compare_rates", keys=_POPULATION, wanted=REQUEST_METRICS.__contains__)
    each = [
        _result(
            part,
            name,
            compare_failures(
                *part.sides,
                margin=margin,
                paired=interleaved(part) if paired is None else paired,
                confidence=confidence,
            ),
        )
        for part, name in zip(parts, names_of([part.about for part in parts], _OTHERWISE), strict=True)
    ]
    return RateResult.together(each, confidence)


def _counts(side: Any) -> tuple[int, int] | None:
    """Return failed and n where a side is a pair of whole numbers."""
    whole = (int, np.integer)
    pair = isinstance(side, (tuple, list)) and len(side) == 2
    if pair and all(isinstance(value, whole) and not isinstance(value, bool) for value in side):
        return int(side[0]), int(side[1])
    return None


def _framed(side: Any, name: str) -> pd.DataFrame:
    if isinstance(side, pd.DataFrame):
        missing = [column for column in ("round", "ok") if column not in side.columns]
        if missing:
            raise SchemaError(
                f"Required columns are missing: {', '.join(missing)}.",
                where=name,
                hint="A frame needs the columns round and ok; (failed, n) are counts.",
            )
        return side
    values = np.asarray(side)
    if values.ndim != 1 or (values.size and values.dtype.kind != "b" and not _truths(values)):
        raise SchemaError(
            "These are no truth values.",
            where=name,
            hint="Give true for a good request and false for a failed one, or a pair: (failed, n).",
        )
    return pd.DataFrame({"round": np.zeros(values.size), "ok": values.astype(bool)})


def _truths(values: np.ndarray) -> bool:
    return values.dtype.kind == "O" and all(isinstance(value, (bool, np.bool_)) for value in values)


def _result(part: Part, name: str, estimate: Estimate) -> RateResult:
    return RateResult.of([estimate], name, part.about)
