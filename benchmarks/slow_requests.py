"""What compare_slow_requests gets right and wrong where the truth is known, and which default margin it can bear.

    python benchmarks/slow_requests.py [--quick]

Times are 20 ms · exp(0.25 z) with z an AR(1) of correlation phi within a round; each round of each side has a level of
its own (standard deviation ``noise``), half its variance shared by the pair; ``bursts`` makes a share of the rounds
slower, which puts many slow requests into few rounds; ``light`` is the demo's handler, uniform within 6 %. ``true`` is
the change of the share beyond the baseline's true 95th percentile, ``holm`` how often the p-value also stands as the
smallest among 16 metrics. ± is two standard errors.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from scipy.signal import lfilter
from targets import met

from stabkit.analyze.latency.slow_requests import compare_slow_requests

SEED = 20_261_101  # tuning used seeds below 100 000
OUTCOMES = ("stable", "improved", "regressed", "inconclusive")
MARGINS = (0.03, 0.04, 0.05)
Pair = tuple[np.ndarray, np.ndarray]


def pair(
    rng: np.random.Generator, *, rounds: int = 15, each: int = 60, phi: float = 0.0, noise: float = 0.0,
    bursts: float = 0.0, light: bool = False, ratio: float = 1.0, slowed: float = 0.0, factor: float = 3.0,
) -> Pair:  # fmt: skip
    """Return baseline and candidate, shape (rounds, each)."""
    shared = rng.standard_normal((rounds, 1))
    sides = []
    for _ in range(2):
        z = rng.standard_normal((rounds, each))
        z[:, 1:] *= math.sqrt(1 - phi**2)
        z = lfilter([1.0], [1.0, -phi], z, axis=1)
        level = noise * math.sqrt(0.5) * (shared + rng.standard_normal((rounds, 1)))
        spread = rng.uniform(-0.06, 0.06, z.shape) if light else 0.25 * z
        busy = np.where(rng.random((rounds, 1)) < bursts, 1.5, 1.0)
        sides.append(20 * np.exp(spread + level) * busy)
    sides[1] = sides[1] * ratio * np.where(rng.random(sides[1].shape) < slowed, factor, 1.0)
    return sides[0], sides[1]


def frame(side: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"round": np.repeat(np.arange(len(side)), side.shape[1]), "response_ms": side.ravel()})


def truth(setting: dict[str, Any], limit_ms: float | None) -> float:
    """Return the true change of the share of slow requests, of 2 million draws."""
    before, after = pair(np.random.default_rng(SEED + 1), **{**setting, "rounds": 20_000, "each": 100})
    limit = float(np.quantile(before, 0.95)) if limit_ms is None else limit_ms
    return float((after > limit).mean() - (before > limit).mean())


def row(name: str, setting: dict[str, Any], pairs: int, limit_ms: float | None = None) -> tuple[float, float]:
    """Print one case; return the greatest share of ``regressed``, and of ``stable`` below the true change."""
    rng = np.random.default_rng(SEED)
    counts = {margin: Counter[str]() for margin in MARGINS}
    strong = covered = 0
    true = truth(setting, limit_ms)
    for _ in range(pairs):
        before, after = (frame(side) for side in pair(rng, **setting))
        for margin in MARGINS:
            found, _ = compare_slow_requests(before, after, margin=margin, slower_than_ms=limit_ms)
            counts[margin][found.outcome] += 1
        assert found.low is not None
        assert found.high is not None
        assert found.p_worse is not None
        strong += found.p_worse <= 0.025 / 16
        covered += found.low <= true <= found.high
    shares = " ".join(
        f"{margin:g}: " + "/".join(f"{100 * counts[margin][o] / pairs:5.1f}" for o in OUTCOMES) for margin in MARGINS
    )
    rest = f"holm {100 * strong / pairs:5.1f} cover {100 * covered / pairs:5.1f}"
    print(f"{name:44s} true {100 * true:+5.2f} {shares}  {rest}", flush=True)
    below = [counts[margin]["stable"] for margin in MARGINS if margin < true]
    return max(counts[margin]["regressed"] for margin in MARGINS) / pairs, max(below, default=0) / pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="200 pairs a row instead of 1000")
    pairs = 200 if parser.parse_args().quick else 1_000
    error = 200 * math.sqrt(0.03 * 0.97 / pairs)
    print(f"{pairs} pairs a row, ±{error:.1f} points at 3 %; by margin: {'/'.join(OUTCOMES)}, %")
    print("\nnothing changed: every regressed is false")
    found = [row(name, setting, pairs) for name, setting in SAME.items()]
    found.append(row("limit 30 ms, noise 5 %", {"noise": 0.05}, pairs, 30.0))
    found.append(row("limit 100 ms: none is ever slow", {}, pairs, 100.0))
    worst = max(alarms for alarms, _ in found)
    print(f"  -> regressed, worst of {len(found)} cases: {100 * worst:.1f} %, target <= 3 %: {met(worst, 0.03, pairs)}")
    print("\nmore slow requests: every stable at a margin below the true change is false")
    found = [row(name, setting, pairs) for name, setting in WORSE.items()]
    found.append(row("limit 30 ms, one in twenty x3", {"slowed": 0.05}, pairs, 30.0))
    worst = max(passed for _, passed in found)
    print(f"  -> stable, worst of {len(found)} cases: {100 * worst:.1f} %, target <= 5 %: {met(worst, 0.05, pairs)}")
    before, after = (frame(side) for side in pair(np.random.default_rng(1)))
    begin = time.perf_counter()
    for _ in range(100):
        compare_slow_requests(before, after)
    print(f"\n{10 * (time.perf_counter() - begin):.2f} ms a comparison of 15 x 60")


SAME: dict[str, dict[str, Any]] = {
    "15 x 60": {},
    "15 x 60, light": {"light": True},
    "15 x 60, phi 0.5": {"phi": 0.5},
    "15 x 60, phi 0.8": {"phi": 0.8},
    "15 x 60, noise 2 %": {"noise": 0.02},
    "15 x 60, light, noise 2 %": {"light": True, "noise": 0.02},
    "15 x 60, noise 10 %": {"noise": 0.10},
    "15 x 60, noise 10 %, phi 0.8": {"noise": 0.10, "phi": 0.8},
    "15 x 60, one round in ten slow": {"bursts": 0.1},
    "10 x 50": {"rounds": 10, "each": 50},
    "10 x 50, noise 5 %": {"rounds": 10, "each": 50, "noise": 0.05},
    "5 x 100, noise 5 %": {"rounds": 5, "each": 100, "noise": 0.05},
    "30 x 100, noise 2 %": {"rounds": 30, "each": 100, "noise": 0.02},
    "1 x 900": {"rounds": 1, "each": 900},
    "1 x 900, phi 0.8": {"rounds": 1, "each": 900, "phi": 0.8},
}
WORSE: dict[str, dict[str, Any]] = {
    "15 x 60, one in twenty x3": {"slowed": 0.05},
    "15 x 60, light, one in twenty x3": {"slowed": 0.05, "light": True},
    "15 x 60, light, noise 2 %, one in twenty x3": {"slowed": 0.05, "light": True, "noise": 0.02},
    "15 x 60, noise 5 %, one in twenty x3": {"slowed": 0.05, "noise": 0.05},
    "15 x 60, 4.3 % of requests x3": {"slowed": 0.043},
    "15 x 60, light, 4.3 % of requests x3": {"slowed": 0.043, "light": True},
    "15 x 60, 5.4 % of requests x3": {"slowed": 0.054},
    "15 x 60, all 7 % slower, noise 2 %": {"ratio": 1.077, "noise": 0.02},
    "15 x 60, light, all 0.5 % slower": {"ratio": 1.0049, "light": True},
    "30 x 100, noise 2 %, one in twenty x3": {"rounds": 30, "each": 100, "noise": 0.02, "slowed": 0.05},
    "10 x 50, one in twenty x3": {"rounds": 10, "each": 50, "slowed": 0.05},
}


if __name__ == "__main__":
    main()
