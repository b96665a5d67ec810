"""Two windows around a deploy against the same windows on days without one: how often each word is right and wrong.

FS is STABLE although the true change equals the margin (2.5 % is asked for), R is REGRESSED although nothing changed,
S is STABLE where nothing changed, found is REGRESSED at twice the margin. Beside it, what two usual ways say: every
point as independent, and this day less the same day last week.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import numpy as np

from stabkit.analyze.outcome import outcome_within
from stabkit.analyze.statistics import PlaceboContrast, t_quantile

STEPS = 120
LEVEL = 0.025
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Day = tuple[Floats, Floats]


def wander(rng: np.random.Generator) -> Floats:
    """A level that wanders: correlation .95 from step to step, about 2 % up and down, and 3 % of noise."""
    shocks = rng.normal(0, 0.02 * math.sqrt(1 - 0.95**2), 2 * STEPS)
    level = np.empty(2 * STEPS)
    level[0] = rng.normal(0, 0.02)
    for step in range(1, 2 * STEPS):
        level[step] = 0.95 * level[step - 1] + shocks[step]
    return level + rng.normal(0, 0.03, 2 * STEPS)


def ramp(rng: np.random.Generator) -> Floats:
    """The traffic of the morning: every day up by about 10 % through both windows, never quite alike."""
    return rng.normal(0.10, 0.02) * np.linspace(0, 1, 2 * STEPS) + rng.normal(0, 0.03, 2 * STEPS)


def bursts(rng: np.random.Generator) -> Floats:
    """Two bursts a day on average, each of some minutes and up to 30 % more."""
    values = rng.normal(0, 0.03, 2 * STEPS)
    for _ in range(rng.poisson(2)):
        start, length = rng.integers(0, 2 * STEPS), rng.integers(4, 16)
        values[start : start + length] += rng.uniform(0.1, 0.3)
    return values


SHAPES: dict[str, Callable[[np.random.Generator], Floats]] = {"wander": wander, "ramp": ramp, "bursts": bursts}


def split(values: Floats) -> Day:
    return values[:STEPS], values[STEPS:]


def placebo(days: list[Day]) -> tuple[float, float]:
    return PlaceboContrast(*days[0], days[1:]).at(LEVEL)


def independent(days: list[Day]) -> tuple[float, float]:
    before, after = days[0]
    half = t_quantile(LEVEL, 2 * STEPS - 2) * math.sqrt((before.var(ddof=1) + after.var(ddof=1)) / STEPS)
    return after.mean() - before.mean() - half, after.mean() - before.mean() + half


def last_week(days: list[Day]) -> tuple[float, float]:
    sides = [*days[0], *days[1]]
    half = t_quantile(LEVEL, 4 * STEPS - 4) * math.sqrt(sum(side.var(ddof=1) for side in sides) / STEPS)
    effect = (days[0][1].mean() - days[0][0].mean()) - (days[1][1].mean() - days[1][0].mean())
    return effect - half, effect + half


WAYS = {"placebo days": placebo, "points as independent": independent, "less last week": last_week}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--margin", type=float, default=0.05, help="a share, as in stabkit.toml")
    options = parser.parse_args()
    repeats = 500 if options.quick else 3000
    g = math.log1p(options.margin)
    error = 100 * math.sqrt(0.025 * 0.975 / repeats)
    print(f"margin {100 * options.margin:g} %, {repeats} deploys each, standard error of 2.5 %: {error:.1f} points\n")
    print(f"{'shape':8} {'days':>4}  {'way':22} {'FS':>5} {'R':>5} {'S':>5} {'found':>6}")
    for shape, make in SHAPES.items():
        for count in (0, 3, 7, 28):
            rng = np.random.default_rng(28)
            found = {way: np.zeros(4) for way in WAYS}
            for _ in range(repeats):
                days = [split(make(rng)) for _ in range(max(count, 1) + 1)]
                for way, bounds in WAYS.items():
                    used = days[:1] if way == "placebo days" and not count else days
                    low, high = bounds(used)
                    found[way] += [
                        outcome_within(low + g, high + g, g) in ("stable", "improved"),
                        outcome_within(low, high, g) == "regressed",
                        outcome_within(low, high, g) == "stable",
                        outcome_within(low + 2 * g, high + 2 * g, g) == "regressed",
                    ]
            for way, counts in found.items():
                if way == "placebo days" or count == 7:
                    fs, r, s, hit = 100 * counts / repeats
                    print(f"{shape:8} {count:4}  {way:22} {fs:5.1f} {r:5.1f} {s:5.1f} {hit:6.1f}")


if __name__ == "__main__":
    main()
