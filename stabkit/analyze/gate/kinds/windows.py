"""Judging a reading over the windows before and after a deploy, by the same windows on days without one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from stabkit.analyze.facts import About, Need, Subject
from stabkit.analyze.gate.kinds.measured import Compared, uncovered
from stabkit.analyze.latency import Population
from stabkit.analyze.outcome import Estimate, Outcome, outcome_within
from stabkit.analyze.sides import Sides
from stabkit.analyze.statistics import (
    LEAST_PLACEBOS,
    LEAST_VALUES,
    FloatArray,
    PlaceboContrast,
    as_ratio,
    level_of,
)
from stabkit.config import Condition
from stabkit.kinds import usual_margin
from stabkit.samples import failed
from stabkit.vocabulary import Worse

__all__ = ["compare_windows", "of_windows", "usual_change"]

_USUAL_DAYS: Final = 7


def of_windows(population: Population) -> bool:
    """Say whether readings are of windows around a deploy, on either side."""
    return any(bool(rows["days_before"].notna().any()) for rows in (population.baseline, population.candidate))


def compare_windows(condition: Condition, sides: Sides, population: Population, worse: Worse) -> Compared:
    """Compare the window after a deploy with the one before it, less what the days before it did at these hours."""
    windows = [_by_day(rows) for rows in (population.baseline, population.candidate)]
    lacking = _lacking(sides, population, windows)
    if lacking is not None:
        return "inconclusive", (), (lacking,)
    days = sorted(set(windows[0]) & set(windows[1]))
    margin = condition.margin or usual_margin("resource")
    values = [(windows[0][day], windows[1][day]) for day in days]
    differences = condition.absolute_margin is not None or any((side <= 0).any() for pair in values for side in pair)
    sign = -1.0 if worse == "lower" else 1.0

    def _scaled(side: FloatArray) -> FloatArray:
        return sign * (side if differences else np.log(side))

    scaled = [(_scaled(before), _scaled(after)) for before, after in values]
    contrast = PlaceboContrast(*scaled[0], scaled[1:])
    after = float(scaled[0][1].mean())
    level = [after - contrast.effect, after]  # what the window before let expect, and what came
    if differences:
        g = condition.absolute_margin or margin * abs(float(scaled[0][0].mean()))
    else:
        g = -math.log1p(-margin) if worse == "lower" else math.log1p(margin)
    estimate = _estimate(contrast, level, g, sides, worse, differences=differences)
    estimate = replace(
        estimate,
        unit=_unit(population),
        margin=(g or None) if differences else margin,
        n_baseline=values[0][0].size,
        n_candidate=values[0][1].size,
        rounds=min(side.size for side in values[0]),
    )
    outcome = estimate.outcome
    if contrast.days < LEAST_PLACEBOS:
        outcome, _ = uncovered(outcome, [estimate])
        needs = _more_days(contrast, g, sides) if outcome == "inconclusive" else []
        return outcome, (replace(estimate, outcome=outcome, need=needs[0] if needs else None),), needs
    return outcome, (estimate,), [estimate.need] if estimate.need is not None else []


def usual_change(population: Population) -> dict[str, Any] | None:
    """Return what a reading does at these hours on days without a deploy; None where too few are known.

    ``before`` is its level before the deploy, ``usual`` its mean change on those days, and ``spread`` what one of them
    differs from another by: logs of ratios, or differences where a reading may be 0.
    """
    windows = [_by_day(rows) for rows in (population.baseline, population.candidate)]
    days = sorted((set(windows[0]) & set(windows[1])) - {0})
    if len(days) < LEAST_PLACEBOS or 0 not in windows[0]:
        return None
    own = windows[0][0]
    sides = [[window[day] for day in days] for window in windows]
    ratio = all((side > 0).all() for window in sides for side in window)
    means = [np.array([(np.log(side) if ratio else side).mean() for side in window]) for window in sides]
    moved = means[1] - means[0]
    return {
        "metric": population.metric,
        "days": len(days),
        "scale": "ratio" if ratio else "difference",
        "unit": _unit(population),
        "before": float(np.exp(np.log(own).mean())) if ratio and (own > 0).all() else float(own.mean()),
        "usual": float(moved.mean()),
        "spread": float(moved.std(ddof=1)),
    }


def _by_day(rows: pd.DataFrame) -> dict[int, FloatArray]:
    """Return the values of each day, 0 the deploy's own, in order of time."""
    taken = rows[~failed(rows) & rows["value"].notna() & rows["days_before"].notna()]
    return {
        int(day): own.sort_values(["round", "sequence"], kind="stable")["value"].to_numpy(dtype="float64")
        for day, own in taken.groupby("days_before", sort=True)
    }


def _lacking(sides: Sides, population: Population, windows: list[dict[int, FloatArray]]) -> Need | None:
    """Return why two windows cannot be compared at all; None if they can."""
    measured = (population.measured,)
    for name, rows in (("baseline", population.baseline), ("candidate", population.candidate)):
        series = rows.loc[rows["days_before"] == 0, "series"].drop_duplicates()
        if len(series) > 1:
            numbers = (("series", float(len(series))),)
            return Need(None, "evidence", "undeclared", "window_series", measured, numbers, side=name)
    mixed = any(rows["days_before"].isna().any() for rows in (population.baseline, population.candidate))
    if mixed or not sides.paired:
        return Need(None, "evidence", "not_comparable", "one_deploy", measured)
    units = [set(rows["unit"].dropna()) for rows in (population.baseline, population.candidate)]
    if units[0] != units[1] or len(units[0]) > 1:
        named: tuple[Subject, ...] = (population.measured, *(", ".join(sorted(side)) or "no unit" for side in units))
        return Need(None, "evidence", "not_comparable", "units", named)
    for name, found in zip(("baseline", "candidate"), windows, strict=True):
        count = found[0].size if 0 in found else 0
        if count < LEAST_VALUES:
            sizes = (("values", float(count)), ("least", float(LEAST_VALUES)))
            return Need(None, "evidence", "too_few_samples", "window_values", measured, sizes, side=name)
    return None


def _unit(population: Population) -> str:
    return next(iter(population.candidate["unit"].dropna()), "")


def _estimate(
    contrast: PlaceboContrast, level: list[float], g: float, sides: Sides, worse: Worse, *, differences: bool
) -> Estimate:
    error = level_of(sides.confidence)
    low, high = contrast.at(error)
    outcome: Outcome = "stable" if low == high == 0 else outcome_within(low, high, g)
    need = None
    if outcome == "inconclusive":
        need = _more_days(contrast, g, sides)[0]
    sign = -1.0 if worse == "lower" else 1.0
    ends = sorted((sign * low, sign * high))
    known: dict[str, Any] = {
        "name": "level",
        "outcome": outcome,
        "p_worse": contrast.p_worse,
        "beyond_margin": low > g,
        "method": f"two windows against those of {contrast.days} days without a deploy",
        "flags": ("placebo_days",) if contrast.days >= LEAST_PLACEBOS else ("run_noise_unknown",),
        "need": need,
        "worse": worse,
        "unit": "",
    }
    if differences:
        return Estimate(
            scale="difference",
            baseline=sign * level[0] + 0.0,  # never −0
            candidate=sign * level[1] + 0.0,
            change=sign * contrast.effect + 0.0,
            low=ends[0] + 0.0,
            high=ends[1] + 0.0,
            **known,
        )
    return Estimate(
        scale="ratio",
        baseline=math.exp(sign * level[0]),
        candidate=math.exp(sign * level[1]),
        change=as_ratio(sign * contrast.effect),
        low=as_ratio(ends[0]),
        high=as_ratio(ends[1]),
        **known,
    )


def _more_days(contrast: PlaceboContrast, g: float, sides: Sides) -> list[Need]:
    """Return what would decide: more days without a deploy, longer windows, or a wider margin."""
    error = level_of(sides.confidence)
    numbers = (("days", float(contrast.days)),)
    if g <= 0:
        decides = (("decides", contrast.reachable(error)),)
        return [Need(None, "evidence", "undeclared", "absolute_margin", numbers=decides)]
    days = contrast.days_needed(g, error)
    if contrast.days < LEAST_PLACEBOS:
        wanted = max(days or 0, _USUAL_DAYS if days is None else LEAST_PLACEBOS)
        return [Need(wanted - contrast.days, "days", "too_few_samples", "placebo_days", numbers=numbers)]
    if days is not None:
        return [Need(days - contrast.days, "days", "wide_interval", "placebo_days", numbers=numbers)]
    reach = as_ratio(contrast.reachable(error)) - 1
    about: About = "placebo_days" if contrast.by_days else "window_noise"
    return [Need(None, "days", "smallest_margin", about, numbers=numbers, decidable_margin=reach)]
