"""The prober's own lateness: what of a response time is the fault of the one who measures."""

from __future__ import annotations

from typing import Final

import pandas as pd

from stabkit.analyze.facts import Need
from stabkit.analyze.latency.comparison import TAIL_MEAN_MARGIN
from stabkit.analyze.latency.populations import Population
from stabkit.analyze.sides import Sides
from stabkit.analyze.statistics import TAIL
from stabkit.samples import counted

__all__ = ["crowded", "own_lateness", "prober_late", "slow_by_prober", "without_lateness"]

_LATE_SHARE: Final = 0.5  # of the margin in ms; beyond it the prober, not the target, could decide


def own_lateness(samples: pd.DataFrame) -> pd.Series:
    """Return how late each request was sent by the prober's own fault, in ms.

    Parameters
    ----------
    samples : DataFrame
        Rows of the table ``samples`` of one run and one target, all its metrics, warm-up and failures included.

    Returns
    -------
    Series of float
        By the index of ``samples``; null where it cannot be known: no due time, or a failed request just before.

    Notes
    -----
    What the prober noted itself (``own_late_ms``) is taken; runs of versions that did not are worked out from the order
    of their requests, as one connection served them.

    In an open loop a request that waits behind a slow reply is late by the target's fault. The prober's own part is the
    send minus the later of the due time and the end of the reply before: ``late_ms`` less the time by which the
    earlier requests of the round outlast the due time. Metrics of one session share a due time and count as one.

    Examples
    --------
    >>> due = pd.to_datetime(["2026-01-01 00:00:00.000", "2026-01-01 00:00:00.100"], utc=True)
    >>> frame = pd.DataFrame({"round": 0, "due_at": due, "response_ms": [150.0, 60.0], "late_ms": [0.5, 51.0]})
    >>> own_lateness(frame).round(3).tolist()
    [0.5, 1.0]
    """
    if "own_late_ms" in samples and samples["own_late_ms"].notna().any():
        return samples["own_late_ms"].astype("float64")
    known = samples[samples["due_at"].notna()]
    if known.empty:
        return pd.Series(float("nan"), index=samples.index)
    visits = known.groupby(["round", "due_at"], as_index=False)["response_ms"].max()
    visits = visits.rename(columns={"response_ms": "longest"})
    visits["failed"] = visits["longest"].isna()
    origin = visits["due_at"].min()
    visits["due_ms"] = (visits["due_at"] - origin).dt.total_seconds() * 1_000
    by_round = visits.groupby("round")
    visits["free_ms"] = (visits["due_ms"] + visits["longest"].fillna(0.0)).groupby(visits["round"]).cummax()
    visits["free_ms"] = by_round["free_ms"].shift()
    after_failure = by_round["failed"].shift().fillna(value=False).astype(bool)
    behind = (visits["free_ms"] - visits["due_ms"]).clip(lower=0).fillna(0.0).mask(after_failure)
    at = known[["round", "due_at"]].merge(visits.assign(behind=behind), on=["round", "due_at"], how="left")
    own = (known["late_ms"] - at["behind"].to_numpy()).clip(lower=0)
    return own.reindex(samples.index)


def crowded(samples: pd.DataFrame) -> list[tuple[str, float, float]]:
    """Return the HTTP targets that are asked more than they answer: name, median wait and median service time, in ms.

    Parameters
    ----------
    samples : DataFrame
        Table ``samples`` of one run.

    Notes
    -----
    A request waits where the connections are still busy with those before it. Where half of them wait longer than they
    are served, a queue grows through the round, and its length, not the target, makes most of ``response_ms``.
    """
    asked = counted(samples[samples["metric"] == "response_time"])
    found = []
    for target, rows in asked.groupby("target"):
        waited = (rows["late_ms"] - own_lateness(samples[samples["target"] == target]).reindex(rows.index)).median()
        served = rows["service_ms"].median()
        if waited > served:
            found.append((str(target), float(waited), float(served)))
    return found


def prober_late(sides: Sides, population: Population, margins: tuple[float, float]) -> Need | None:
    """Ask for a better prober where its own lateness could decide the outcome.

    A quantile of the sum moves by the lateness that is as frequent: the median's lateness is held against the median's
    margin in ms, the 99th percentile's against the tail's. The mean of the slowest requests moves by what they were
    late themselves. Times from the send hold no lateness.
    """
    if population.times.column != "response_ms":
        return None
    baseline_ms = population.times.baseline["response_ms"]
    for name, side in sides.named:
        samples = side.evidence["samples"]
        same = samples[samples["target"] == population.target]
        own = own_lateness(same)[same["metric"] == population.metric].dropna()
        for share, margin in zip((0.5, 0.99), margins, strict=True):
            if own.empty:
                break
            late, allowed = own.quantile(share), _LATE_SHARE * margin * baseline_ms.quantile(share)
            if late > allowed:
                numbers = (("quantile", share), ("late_ms", float(late)), ("allowed_ms", float(allowed)))
                return Need(None, "evidence", "prober_late", "late_at_quantile", numbers=numbers, side=name)
        times = getattr(population.times, name)["response_ms"]
        slowest = times.nlargest(max(1, round(TAIL * len(times))))
        late = float(own.reindex(slowest.index).fillna(0.0).mean())
        allowed = _LATE_SHARE * TAIL_MEAN_MARGIN * margins[1] * float(slowest.mean())
        if late > allowed:
            numbers = (("share", TAIL), ("late_ms", late), ("allowed_ms", allowed))
            return Need(None, "evidence", "prober_late", "slowest_late", numbers=numbers, side=name)
    return None


def slow_by_prober(sides: Sides, population: Population, limit: float, margin: float) -> Need | None:
    """Ask for a better prober where requests are slow by its own lateness alone, and so many that it could decide."""
    if population.times.column != "response_ms":
        return None
    timed = population.times.baseline, population.times.candidate
    for (name, side), frame in zip(sides.named, timed, strict=True):
        samples = side.evidence["samples"]
        own = own_lateness(samples[samples["target"] == population.target])
        times = frame["response_ms"]
        share = float(((times > limit) & (times - own.reindex(times.index).fillna(0.0) <= limit)).mean())
        if share > _LATE_SHARE * margin:
            numbers = (("slow_share", share), ("allowed_share", _LATE_SHARE * margin))
            return Need(None, "evidence", "prober_late", "slow_by_lateness", numbers=numbers, side=name)
    return None


def without_lateness(sides: Sides, population: Population) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both sides as they would be had the prober been on time.

    A change that stands with and without its lateness is not its doing.
    """
    found = []
    for (_, side), times in zip(sides.named, (population.times.baseline, population.times.candidate), strict=True):
        samples = side.evidence["samples"]
        own = own_lateness(samples[samples["target"] == population.target]).reindex(times.index).fillna(0.0)
        found.append(times.assign(response_ms=times["response_ms"] - own))
    return found[0], found[1]
