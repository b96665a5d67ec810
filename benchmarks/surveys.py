"""Which of 10,000 histories moved: how long it takes, how many are found, how many of those told are chance.

    python benchmarks/surveys.py [--quick] [--histories 10000] [--runs 120]

Nine of ten histories are stable (2 % noise; some with lone spikes, some of two levels in turns, some correlated); of
the others half change by 5 % somewhere in the middle and half drift by 10 %. Beside it stands what a user would do
without a survey: each history by itself at its usual level.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
from numpy.typing import NDArray

from stabkit.analyze.history import analyze_history, merged_surveys, survey

TARGET_S = 10.0
NOISE = 0.02
STABLE = ("plain", "spikes", "bimodal", "AR 0.3")

Floats = NDArray[np.float64]


def stable(rng: np.random.Generator, kind: str, runs: int) -> Floats:
    shocks = rng.normal(size=runs) * NOISE
    if kind == "spikes":
        places = rng.choice(runs, size=3, replace=False)
        shocks[places] += rng.uniform(0.1, 0.5, size=3)
    elif kind == "bimodal":
        shocks = shocks / 2 + 0.06 * (rng.random(runs) < 0.5)
    elif kind == "AR 0.3":
        for place in range(1, runs):
            shocks[place] = 0.3 * shocks[place - 1] + np.sqrt(1 - 0.09) * shocks[place]
    return shocks


def moved(rng: np.random.Generator, kind: str, runs: int) -> Floats:
    shocks = rng.normal(size=runs) * NOISE
    if kind == "step":
        shocks[int(rng.integers(runs // 4, 3 * runs // 4)) :] += np.log1p(0.05) * rng.choice([1, -1])
    else:
        shocks += np.linspace(0, np.log1p(0.1), runs) * rng.choice([1, -1])
    return shocks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2000 histories instead of 10,000")
    parser.add_argument("--histories", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=120)
    parser.add_argument("--seed", type=int, default=20261)
    options = parser.parse_args()
    number = 2000 if options.quick else options.histories
    rng = np.random.default_rng(options.seed)
    histories = []
    for place in range(number):
        kind = ("step", "drift")[place // 10 % 2] if place % 10 == 0 else STABLE[place % len(STABLE)]
        make = moved if place % 10 == 0 else stable
        histories.append(({"kind": kind}, 20 * np.exp(make(rng, kind, options.runs))))

    begun, clock = time.process_time(), time.perf_counter()
    told = merged_surveys([survey(histories)])
    cpu, wall = time.process_time() - begun, time.perf_counter() - clock
    some = histories[:: max(1, number // 1000)]
    begun = time.process_time()
    each = [history for history in some if _tells(history[1])]
    alone = (time.process_time() - begun) * number / len(some)

    real = {"step", "drift"}
    print(f"{number} histories of {options.runs} runs, a tenth of them moved")
    print(f"{'':24}{'CPU s':>10}{'s':>8}{'moved, found':>16}{'of those told, chance':>24}")
    found = [one for one in told.moved if one.about["kind"] in real]
    chance = 1 - len(found) / max(1, len(told.moved))
    print(f"{'survey':24}{cpu:10.1f}{wall:8.1f}{len(found) / (number / 10):16.1%}{chance:24.1%}")
    true = [history for history in each if history[0]["kind"] in real]
    share = len(true) / max(1, sum(history[0]["kind"] in real for history in some))
    print(f"{'each by itself':24}{alone:10.1f}{'':8}{share:16.1%}{1 - len(true) / max(1, len(each)):24.1%}")
    limit = TARGET_S * number / 10_000
    print(f"  -> CPU time {cpu:.1f} s of one core, target <= {limit:g} s: {'met' if cpu <= limit else 'MISSED'}")
    print(f"  -> chance {chance:.1%} of those told, target <= 5 %: {'met' if chance <= 0.05 else 'MISSED'}")
    if chance > 0.1:
        sys.exit("too many of those told are chance")


def _tells(values: Floats) -> bool:
    history = analyze_history(values)
    return bool(history.changes) or history.drift.outcome == "drifting"


if __name__ == "__main__":
    main()
