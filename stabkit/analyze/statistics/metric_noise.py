"""What comparing a system with itself shows of one metric: how often it alarms, and how much identical runs differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stabkit.analyze.facts import Need
from stabkit.analyze.statistics.bounds import RunNoise

__all__ = ["MAX_ALARMS", "MetricNoise"]

MAX_ALARMS: Final = 0.05
"""Where more A/A pairs than this are proven to come out as a change, measured times cannot be judged."""

_QUANTILES: Final = ("p50", "p99")


@dataclass(frozen=True)
class MetricNoise:
    """What A/A pairs show of one target's metric.

    Attributes
    ----------
    connection : str or None
        ``fresh`` or ``reused``; None where there is no such difference.
    margin, tail_margin : float
        The margins that the pairs were judged with.
    pairs : int
        How many were compared.
    rounds, samples : float
        Of one run, their medians over the pairs.
    stable, improved, regressed, inconclusive : int
        How many pairs came out so.
    alarms_low, alarms_high : float
        Exact 95 % bounds on the share of false alarms: pairs that come out ``regressed`` or ``improved``. Which side
        is called first is chance, so both are equally wrong.
    pair_sd, tail_pair_sd : float or None
        Standard deviation of the log ratio of two interleaved runs, of the median and of the 99th percentile.
    run_sd, tail_run_sd : float or None
        The same of two runs at different times: what separate runs differ by. None below two pairs of a sitting.
    run_df : int
        Degrees of freedom of ``run_sd``.
    lag1 : float or None
        Correlation of neighbouring samples within a round, of their logs.
    effective_n : float or None
        Independent samples that one run's median is worth.
    decidable_margin : float or None
        Smallest margin that a pair of such runs decides in four cases of five, for the median.
    """

    target: str
    metric: str
    connection: str | None
    margin: float
    tail_margin: float
    pairs: int
    rounds: float
    samples: float
    stable: int
    improved: int
    regressed: int
    inconclusive: int
    alarms_low: float
    alarms_high: float
    pair_sd: float | None = None
    tail_pair_sd: float | None = None
    run_sd: float | None = None
    tail_run_sd: float | None = None
    run_df: int = 0
    lag1: float | None = None
    effective_n: float | None = None
    decidable_margin: float | None = None

    @property
    def false_alarms(self) -> int:
        """How many pairs came out as a change that is none."""
        return self.regressed + self.improved

    @property
    def unfit(self) -> bool:
        """True if identical systems are proven to come out as a change too often here."""
        return self.alarms_low > MAX_ALARMS

    @property
    def run_noise(self) -> Mapping[str, RunNoise] | None:
        """What separate runs differ by, by quantile, as ``compare_latency`` takes it; None if it is not known."""
        if self.run_sd is None or self.tail_run_sd is None or self.run_df < 1:
            return None
        return dict(zip(_QUANTILES, (RunNoise(sd, self.run_df) for sd in (self.run_sd, self.tail_run_sd)), strict=True))

    @property
    def alarms(self) -> Need:
        """The need that follows where there are too many, with their number and the lower bound of their share."""
        numbers = (("alarms", self.false_alarms), ("pairs", self.pairs), ("least_share", self.alarms_low))
        return Need(None, "evidence", "false_alarms", numbers=numbers)
