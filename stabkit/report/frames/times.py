"""Whether response times of frames or arrays stayed the same, population by population."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import pandas as pd

from stabkit.analyze import Estimate, Outcome, combine, to_json
from stabkit.analyze.latency import LatencyComparison, quantile_shift
from stabkit.analyze.latency import compare_latency as compare_times
from stabkit.analyze.statistics import CONFIDENCE
from stabkit.errors import UsageError
from stabkit.report.display import Piece, badge
from stabkit.report.frames.populations import Part, interleaved, names_of, parts_of, times_of
from stabkit.report.frames.result import (
    FrameResult,
    chosen,
    estimate_rows,
    estimates_table,
    largest_need,
    need_sentence,
    worse_together,
)
from stabkit.report.words import sentence
from stabkit.text import count, joined
from stabkit.vocabulary import is_time

__all__ = ["LatencyResult", "compare_latency"]

_OTHERWISE: Final = "times"
_FLAGS: Final[Mapping[str, str]] = {
    "run_noise_unknown": "the sides were not measured in turns, and how much two equal runs differ is not known",
    "rounds_unpaired": "rounds of one side only were left out",
    "rounds_unequal": "one round is held against several",
    "few_rounds": "fewer than five rounds, which are never stable",
    "slower_within_margin": "slower for sure, by less than the margin",
    "clock_tick": "the clock is coarser than the evidence",
}


@dataclass(frozen=True, repr=False)
class LatencyResult(LatencyComparison, FrameResult):
    """Median and slowest requests of the candidate against the baseline, of one population or of several.

    Attributes
    ----------
    outcome, need, quantiles, slowest, flags
        As of :class:`stabkit.analyze.latency.LatencyComparison`. Of several populations the outcome is that of all:
        ``regressed`` only by Holm over all their estimates, stable or improved only if each is; the estimates are
        named after their population, and ``slowest`` is None.
    name : str
        What was measured, in words.
    about : mapping
        Target, metric and connection, as far as the frames say them.
    by : mapping
        Name of a population to its own result; empty where there is one.
    paired : bool
        Whether equal round numbers were taken as measured in turns.
    """

    name: str = _OTHERWISE
    about: Mapping[str, str | None] = field(default_factory=dict)
    by: Mapping[str, LatencyResult] = field(default_factory=dict)
    paired: bool = True
    sides: tuple[Any, Any] | None = field(default=None, compare=False)

    def __getitem__(self, name: str) -> LatencyResult:
        """Return the result of one population, by its name; a part of the name that only one has is enough."""
        return chosen(self.by or {self.name: self}, name)

    @cached_property
    def shift(self) -> pd.DataFrame:
        """How far each percentile moved, ms, with a 95 % band that holds for all of them at once.

        As :func:`stabkit.analyze.latency.quantile_shift` returns it: paired by round where the sides were.

        Raises
        ------
        UsageError
            The result is of several populations: choose one.
        """
        before, after = self.times
        return quantile_shift(before, after, paired=self.paired)

    @property
    def times(self) -> tuple[Any, Any]:
        """The times of both sides that were compared, as frames with ``round`` and ``response_ms``, or as given.

        Raises
        ------
        UsageError
            The result is of several populations: choose one.
        """
        if self.sides is None:
            raise UsageError(
                f"This result is of {len(self.by)} populations: {joined(list(self.by), most=5)}.",
                where=self.name,
                hint=f"Choose one of them: result[{next(iter(self.by), '')!r}].",
            )
        return self.sides

    @property
    def shown(self) -> Piece:
        """The result as a display object: the outcome in words, and a row for each estimate."""
        named = [(_row_name(self, one, e), e) for one in self._each for e in one.estimates]
        word = badge(self.outcome)[2]
        lead = [sentence(f"{self.name}: {word}")]
        if self.by:
            lead = [sentence(f"{self.name}: {word}", _counts(self.by))]
        lead += [need_sentence(self.need)] if self.need is not None else []
        lead += [sentence(_FLAGS[flag]) for flag in self.flags if flag in _FLAGS]
        return estimates_table(lead, named, "Median and slowest requests", self.to_frame())

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each estimate.

        Returns
        -------
        DataFrame
            ``target``, ``metric``, ``connection`` as far as known; ``quantity`` (p50, p99, slowest 5 %), ``unit``,
            ``scale`` (ratio), ``baseline``, ``candidate`` (ms), ``change``, ``low``, ``high`` (candidate / baseline),
            ``margin``, ``outcome``, ``p_worse``, ``n_baseline``, ``n_candidate``, ``rounds``, ``method``.
        """
        return estimate_rows([(one.about, e) for one in self._each for e in one.estimates])

    def to_dict(self) -> dict[str, Any]:
        """Return the whole result as plain JSON values."""
        own = {"name": self.name, "outcome": self.outcome, "paired": self.paired, "flags": list(self.flags)}
        return {
            **own,
            "need": to_json(self.need),
            "estimates": to_json(self.estimates),
            "by": {name: one.to_dict() for name, one in self.by.items()},
        }

    @property
    def _each(self) -> Sequence[LatencyResult]:
        return list(self.by.values()) or [self]

    # dataclass leaves an inherited repr alone only where the class itself has one.
    __repr__ = FrameResult.__repr__


def compare_latency(
    baseline: Any,
    candidate: Any,
    *,
    margin: float = 0.05,
    tail_margin: float = 0.20,
    paired: bool | None = None,
    run_noise: Any = None,
    confidence: float = CONFIDENCE,
) -> LatencyResult:
    """Say whether response times stayed within the margins, or what is missing to say it.

    Parameters
    ----------
    baseline, candidate : array-like or DataFrame
        1-D milliseconds in time order, shape (n,): one round. Or a frame with ``round`` and ``response_ms``, rows of a
        round in time order, such as ``store.samples("v1.4")``. Not changed. Where a frame says ``warmup`` and ``ok``,
        warm-up and failed requests are left out. Where it says ``target``, ``metric`` or ``connection``, each of them
        is compared by itself; metrics that are no times are left out.
    margin, tail_margin : float
        Allowed relative growth of the median and of the 99th percentile; 0.05 is 5 %.
    paired : bool, optional
        True if equal round numbers were measured next to each other; False for two separate runs. None: as the column
        ``due_at`` tells where both sides have it, else True.
    run_noise : RunNoise, (sd, df), sequence of float, or mapping of these by ``p50`` and ``p99``, optional
        How much the log ratio of two identical runs varies: known, or the log ratios of A/A pairs. Interleaved rounds
        need none and ignore it.
    confidence : float
        Of the interval between both bounds.

    Returns
    -------
    LatencyResult
        Never an error for want of evidence: no sample, one sample, or fewer than ten are ``inconclusive``.

    Raises
    ------
    SchemaError
        A value is null, infinite, zero or negative, is no number, a column is missing, or one side alone says which
        target a row is of.
    UsageError
        A side holds several runs, which are named; no metric is a time; or a margin, the run noise or the confidence
        is no such number.

    Notes
    -----
    The statistics are those of :func:`stabkit.analyze.latency.compare_latency`, which the gate uses.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> def side(**ms):
    ...     parts = [
    ...         pd.DataFrame({
    ...             "target": name,
    ...             "round": np.repeat(np.arange(30), 100),
    ...             "response_ms": level * np.exp(0.1 * rng.standard_normal(3000)),
    ...         })
    ...         for name, level in ms.items()
    ...     ]
    ...     return pd.concat(parts, ignore_index=True)
    >>> result = compare_latency(side(chat=100, login=40), side(chat=100, login=48))
    >>> result.outcome, {name: one.outcome for name, one in result.by.items()}
    ('regressed', {'chat': 'stable', 'login': 'regressed'})
    >>> result["login"].to_frame()[["quantity", "outcome"]].to_dict("list")["outcome"][0]
    'regressed'
    >>> compare_latency([125.0], [126.0]).need.amount
    30
    """
    parts = parts_of(baseline, candidate, where="compare_latency", keys=_POPULATION, wanted=is_time)

    def compared(part: Part, name: str) -> LatencyResult:
        before, after = times_of(part)
        in_turns = interleaved(part) if paired is None else paired
        found = compare_times(
            before, after, margin=margin, tail_margin=tail_margin, paired=in_turns, run_noise=run_noise,
            confidence=confidence,
        )  # fmt: skip
        own = {name: getattr(found, name) for name in ("outcome", "need", "quantiles", "flags", "slowest")}
        return LatencyResult(**own, name=name, about=dict(part.about), paired=in_turns, sides=(before, after))

    names = names_of([part.about for part in parts], _OTHERWISE)
    each = [compared(part, name) for part, name in zip(parts, names, strict=True)]
    return each[0] if len(each) == 1 else _together(each, confidence)


_POPULATION: Final = ("target", "metric", "connection")


def _together(each: Sequence[LatencyResult], confidence: float) -> LatencyResult:
    """Return several populations as one result, whose outcome no number of them makes more likely to be wrong."""
    estimates = [e for one in each for e in one.estimates]
    outcome = _outcome(each, estimates, confidence)
    needs = [one.need for one in each if one.need is not None]
    named = [replace(e, name=f"{one.name}, {e.name}") for one in each for e in one.estimates]
    return LatencyResult(
        outcome,
        largest_need(needs) if outcome == "inconclusive" else None,
        tuple(named),
        tuple(dict.fromkeys(flag for one in each for flag in one.flags)),
        name=count(len(each), "population"),
        by={one.name: one for one in each},
        paired=all(one.paired for one in each),
    )


def _outcome(each: Sequence[LatencyResult], estimates: Sequence[Estimate], confidence: float) -> Outcome:
    whole = combine([one.outcome for one in each])
    if whole == "regressed" and not worse_together(estimates, confidence):
        return "inconclusive"
    return whole


def _counts(by: Mapping[str, LatencyResult]) -> str:
    worse = [name for name, one in by.items() if one.outcome == "regressed"]
    open_ = [name for name, one in by.items() if one.outcome == "inconclusive"]
    said = [f"{joined(worse, most=3)} regressed"] if worse else []
    said += [f"{joined(open_, most=3)} {badge('inconclusive')[2]}"] if open_ else []
    return ", ".join(said)


def _row_name(whole: LatencyResult, one: LatencyResult, estimate: Estimate) -> str:
    return f"{one.name}, {estimate.name}" if whole.by else estimate.name
