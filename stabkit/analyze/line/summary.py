"""What is kept of an earlier run: its statistics and the load that it was put under, without its samples."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from stabkit.analyze.earlier import EarlierRun, Measure, RunValue
from stabkit.analyze.latency import load_facts
from stabkit.analyze.line.statistic import STATISTICS, run_value
from stabkit.analyze.sides import RunEvidence
from stabkit.analyze.statistics import read_rounds
from stabkit.samples import TIME_COLUMNS, counted, milliseconds
from stabkit.vocabulary import is_time

__all__ = ["calibration_log", "due_rates", "earlier_run", "version_of"]


def earlier_run(side: RunEvidence) -> EarlierRun:
    """Return what a complete run leaves behind for later ones.

    Parameters
    ----------
    side : RunEvidence
        With its samples and sources.
    """
    name = str(side.fact("label") or side.fact("run_id"))
    version = version_of(side)
    samples = side.evidence["samples"]
    calibration = calibration_log(side)
    values = {
        measure: replace(value, version=version, name=name, calibration=calibration)
        for measure, value in _values(samples)
    }
    machine = side.fact("machine")
    together = side.fact("collection_id") is not None
    return EarlierRun(name, version, machine, together, values, due_rates(samples), load_facts(side))


def version_of(side: RunEvidence) -> str | None:
    """Return what tells one version of the system from another: label and commit; None where neither is known."""
    known = [side.fact(name) for name in ("label", "commit")]
    return None if known == [None, None] else "\n".join(str(part or "") for part in known)


def calibration_log(side: RunEvidence) -> float | None:
    """Return the logarithm of what a fixed piece of work took, in ms, on the machine of a run; None if not measured."""
    took = side.fact("calibration_ms")
    return math.log(took) if isinstance(took, float) and 0 < took < math.inf else None


def due_rates(samples: pd.DataFrame) -> dict[str, float]:
    """Return how many requests a second were due, by target; a load that waits for answers has no such rate."""
    due = samples.loc[samples["due_at"].notna(), ["target", "round", "due_at"]]
    if due.empty:
        return {}
    rates = {}
    for target, rows in due.groupby("target"):
        spans = rows.groupby("round")["due_at"].agg(["size", "min", "max"])
        seconds = (spans["max"] - spans["min"]).dt.total_seconds()
        if seconds.sum() > 0:
            rates[str(target)] = float((spans["size"] - 1).sum() / seconds.sum())
    return rates


def _values(samples: pd.DataFrame) -> Iterator[tuple[Measure, RunValue]]:
    rows = counted(samples)
    rows = rows[rows["metric"].isin([name for name in rows["metric"].unique() if is_time(name)])]
    kinds = rows["connection"].fillna("")
    for (target, metric, kind), own in rows.groupby(["target", "metric", kinds], sort=False):
        ordered = own.sort_values(["round", "sequence"], kind="stable")
        for column in TIME_COLUMNS:
            times = milliseconds(ordered, column)
            if times.isna().any() or ordered["round"].isna().any() or not (times > 0).all():
                continue  # what a judge would refuse is no measure of others
            side = read_rounds(pd.DataFrame({"round": ordered["round"], "response_ms": times}), where="history")
            for statistic in STATISTICS:
                value = run_value(side, statistic)
                if value is not None:
                    yield (str(target), str(metric), str(kind) or None, column, statistic), value
