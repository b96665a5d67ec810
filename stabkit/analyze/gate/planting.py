"""Changes that are planted into samples of which nothing changed, to see what a gate makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from stabkit.config import Condition
from stabkit.kinds import KINDS
from stabkit.samples import TO_MS, counted, failed
from stabkit.vocabulary import REQUEST_METRICS, Worse, is_time

__all__ = ["PLANTS", "Plant", "concerned", "plant", "plants_of"]

Judged = Literal["times", "failures", "readings"]

_SIZES: Final = (1.02, 1.05, 1.10, 1.20, 1.50)
_TIMES: Final = ("response_ms", "service_ms")
_STAGES: Final = ("late_ms", "own_late_ms", "dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "transfer_ms", "value")


@dataclass(frozen=True)
class Plant:
    """One change, as it is planted.

    Attributes
    ----------
    judges : str
        What it changes, and the kinds of conditions that judge it: ``times``, ``failures`` or ``readings``.
    share : float
        Of the samples that change.
    factor : float or None
        What their values become, in multiples; None: they fail.
    """

    judges: Judged
    share: float = 1.0
    factor: float | None = None


PLANTS: Final = (
    *(Plant("times", factor=size) for size in _SIZES),
    Plant("times", share=0.02, factor=3.0),
    Plant("failures", share=0.01),
    Plant("failures", share=0.05),
    *(Plant("readings", factor=size) for size in _SIZES),
)
"""All of them, small ones first."""

_WANTED: Final[dict[str, Callable[[str], bool]]] = {
    "times": is_time,
    "failures": REQUEST_METRICS.__contains__,
    "readings": ("memory", "cpu").__contains__,
}


def plants_of(condition: Condition) -> tuple[Plant, ...]:
    """Return what can be planted into the evidence of a condition; nothing where items are judged one by one.

    Examples
    --------
    >>> [one.share for one in plants_of(Condition(name="errors", kind="error_rate"))]
    [0.01, 0.05]
    >>> plants_of(Condition(name="unit", kind="tests"))
    ()
    """
    return tuple(one for one in PLANTS if one.judges == KINDS[condition.kind].judges)


def concerned(condition: Condition, samples: pd.DataFrame) -> pd.Series:
    """Return which samples a condition speaks of."""
    of = (
        pd.Series(data=True, index=samples.index)
        if condition.target is None
        else samples["target"].eq(condition.target)
    )
    if condition.metric is not None:
        return of & samples["metric"].eq(condition.metric)
    wanted = _WANTED[KINDS[condition.kind].judges]
    return of & samples["metric"].isin([name for name in samples["metric"].unique() if wanted(name)])


def plant(
    change: Plant, samples: pd.DataFrame, chosen: pd.Series, *, seed: int, worse: Worse = "higher"
) -> pd.DataFrame:
    """Return samples with a change in those that are chosen and count; the others as they are.

    Parameters
    ----------
    change : Plant
        A share of the samples changes, one at least.
    samples : DataFrame
        Table ``samples``; not changed.
    chosen : Series
        Which rows may change.
    seed : int
        Which of them do: equal seeds, equal rows.
    worse : str
        Which way a reading gets worse; it is divided where less is.

    Examples
    --------
    >>> from stabkit.schema import conform
    >>> rows = {"target": "api", "metric": "response_time", "round": 0, "sequence": range(100), "ok": True}
    >>> samples = conform("samples", pd.DataFrame({**rows, "response_ms": 20.0}))
    >>> every = pd.Series(True, index=samples.index)
    >>> plant(Plant("times", factor=1.5), samples, every, seed=1)["response_ms"].unique().tolist()
    [30.0]
    >>> int(plant(Plant("failures", share=0.05), samples, every, seed=1)["response_ms"].isna().sum())
    5
    """
    able = samples.loc[chosen & ~failed(samples)] if change.factor is None else counted(samples[chosen])
    rows = able.index
    if change.share < 1 and len(rows):
        size = max(1, round(change.share * len(rows)))
        rows = rows[np.random.default_rng(seed).permutation(len(rows))[:size]]
    hit = pd.Series(samples.index.isin(rows), index=samples.index)
    if change.factor is None:
        unknown = {name: samples[name].mask(hit) for name in (*_TIMES, *_STAGES, "status")}
        return samples.assign(ok=samples["ok"] & ~hit, error=samples["error"].mask(hit, "planted"), **unknown)
    factor = pd.Series(
        np.where(hit, 1 / change.factor if worse == "lower" else change.factor, 1.0), index=samples.index
    )
    if change.judges == "readings":
        return samples.assign(value=samples["value"] * factor)
    timed = {name: samples[name] * factor for name in _TIMES}
    return samples.assign(
        value=samples["value"].where(~samples["unit"].isin(list(TO_MS)), samples["value"] * factor), **timed
    )
