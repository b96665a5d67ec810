"""Known-truth histories: how often change and drift detection are wrong, right, and how fast.

Run: python benchmarks/trends.py [--quick] [--seed N]

120 builds with 2 % noise. Seeds below 1000 were used while building; report on others (the default is 20261). Beside
stabkit stand the bare detectors that vote in it, and "says never", which is never wrong about a stable history.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stabkit.analyze.history.trends import REPLAYS, detect_changes, detect_drift, replayed_changes
from stabkit.analyze.statistics.segments import (
    RANK_PENALTY,
    linear_cost,
    mean_boundaries,
    noise_scale,
    partition,
    rank_cost,
)

Floats = NDArray[np.float64]
N, NOISE = 120, 0.02


def noise(rng: np.random.Generator, phi: float = 0.0) -> Floats:
    shocks = rng.normal(size=N + 50)
    for t in range(1, N + 50):
        shocks[t] = phi * shocks[t - 1] + np.sqrt(1 - phi * phi) * shocks[t]
    return NOISE * shocks[50:]


def spikes(rng: np.random.Generator) -> Floats:
    logs = noise(rng)
    places = rng.choice(N // 2, size=rng.integers(1, 6), replace=False) * 2
    logs[places] += rng.uniform(0.1, 0.5, size=len(places)) * rng.choice([1, 1, 1, -1], size=len(places))
    return logs


def step(rng: np.random.Generator, size: float, phi: float = 0.0) -> tuple[Floats, list[int]]:
    place = int(rng.integers(30, 91))
    logs = noise(rng, phi)
    logs[place:] += np.log1p(size) * rng.choice([1, -1])
    return logs, [place]


def step_and_back(rng: np.random.Generator) -> tuple[Floats, list[int]]:
    place, length = int(rng.integers(30, 71)), int(rng.integers(10, 21))
    logs = noise(rng)
    logs[place : place + length] += np.log1p(0.05)
    return logs, [place, place + length]


def drift(rng: np.random.Generator, builds: int) -> Floats:
    """10 % over 60 builds, the history ending with it, or standing in a longer one."""
    start = int(rng.integers(0, builds - 60 + 1))
    return noise(rng)[:builds] + np.clip((np.arange(builds) - start) / 60, 0, 1) * np.log1p(0.1)


STABLE: dict[str, Callable[[np.random.Generator], Floats]] = {
    "plain": noise,
    "lone spikes": spikes,
    "AR 0.3": lambda rng: noise(rng, 0.3),
    "AR 0.6": lambda rng: noise(rng, 0.6),
    "bimodal": lambda rng: noise(rng) / 2 + 0.06 * (rng.random(N) < 0.5),
    "growing variance": lambda rng: noise(rng) * np.linspace(1, 3, N),
}
CHANGED: dict[str, Callable[[np.random.Generator], tuple[Floats, list[int]]]] = {
    "step 3 %": lambda rng: step(rng, 0.03),
    "step 5 %": lambda rng: step(rng, 0.05),
    "step 10 %": lambda rng: step(rng, 0.10),
    "step 5 %, AR 0.3": lambda rng: step(rng, 0.05, 0.3),
    "5 % and back": step_and_back,
}
DRIFTING: dict[str, Callable[[np.random.Generator], Floats]] = {
    "drift, 60 builds": lambda rng: drift(rng, 60),
    "drift within 120": lambda rng: drift(rng, 120),
}


def standardised(values: Floats) -> Floats:
    logs = np.log(values)
    result: Floats = (logs - np.median(logs)) / noise_scale(logs)
    return result


DETECTORS: dict[str, Callable[[Floats], list[int]]] = {
    "stabkit": lambda v: [change.index for change in detect_changes(v)],
    "mean alone": lambda v: mean_boundaries(standardised(v)),
    "ranks alone": lambda v: partition(len(v), rank_cost(standardised(v)), RANK_PENALTY * np.log(len(v))),
    "lines alone": lambda v: partition(len(v), linear_cost(standardised(v)), 3 * np.log(len(v)), shortest=3),
    "says never": lambda _: [],
}


def found_and_extra(found: list[int], truth: list[int]) -> tuple[int, int]:
    """Count true changes met within 5 builds (each alarm serves one), and the alarms left over."""
    rest = list(found)
    hits = 0
    for place in truth:
        near = [alarm for alarm in rest if abs(alarm - place) <= 5]
        if near:
            rest.remove(min(near, key=lambda alarm: abs(alarm - place)))
            hits += 1
    return hits, len(rest)


def replay(values: Floats, replays: int) -> list[int]:
    """Judge the history at every build from the eighth; return the builds at which a change was told."""
    return [
        end
        for end in range(8, len(values) + 1)
        if any(change.confirmed for change in replayed_changes(values[:end], replays=replays))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="100 histories a row instead of 2000")
    parser.add_argument("--seed", type=int, default=20261)
    options = parser.parse_args()
    count = 100 if options.quick else 2000
    rng = np.random.default_rng(options.seed)

    print(f"{count} histories a row of {N} builds, noise {NOISE:.0%}, seed {options.seed}")
    print(f"Monte Carlo error: up to ±{196 * np.sqrt(0.25 / count):.1f} points\n")
    cost = dict.fromkeys(DETECTORS, 0.0)
    judged = 0
    print(f"{'any alarm, %':20}" + "".join(f"{name:>14}" for name in DETECTORS))
    for name, make in STABLE.items():
        histories = [20 * np.exp(make(rng)) for _ in range(count)]
        judged += count
        cells = []
        for detector, detect in DETECTORS.items():
            begun = time.process_time()
            alarms = sum(bool(detect(values)) for values in histories)
            cost[detector] += time.process_time() - begun
            cells.append(f"{100 * alarms / count:14.1f}")
        print(f"{name:20}" + "".join(cells))

    print(f"\n{'found %, extra each':20}" + "".join(f"{name:>14}" for name in DETECTORS))
    for name, make_changed in CHANGED.items():
        pairs = [make_changed(rng) for _ in range(count)]
        cells = []
        for detect in DETECTORS.values():
            scores = [found_and_extra(detect(20 * np.exp(logs)), truth) for logs, truth in pairs]
            hits = 100 * sum(score[0] for score in scores) / sum(len(truth) for _, truth in pairs)
            cells.append(f"{hits:8.1f} {sum(score[1] for score in scores) / count:5.2f}")
        print(f"{name:20}" + "".join(cells))

    print(f"\n{'drift, %':20}{'drifting':>14}{'any trend':>14}")
    every = DRIFTING | STABLE | {name: (lambda rng, m=make: m(rng)[0]) for name, make in CHANGED.items()}
    begun, drifts = time.process_time(), 0
    for name, make in every.items():
        results = [detect_drift(20 * np.exp(make(rng))) for _ in range(count)]
        drifts += count
        drifting = sum(result.outcome == "drifting" for result in results)
        trend = sum(result.p_value is not None and result.p_value < 0.001 for result in results)
        print(f"{name:20}{100 * drifting / count:14.1f}{100 * trend / count:14.1f}")
    drift_s = time.process_time() - begun

    looks = max(10, count // 20)
    print(f"\nReplay, build by build, {looks} histories: told at some time %, by one look and by {REPLAYS} in a row")
    for name in ("plain", "lone spikes", "AR 0.3"):
        histories = [20 * np.exp(STABLE[name](rng)) for _ in range(looks)]
        shares = [np.mean([bool(replay(values, number)) for values in histories]) for number in (1, REPLAYS)]
        print(f"{name:20}" + "".join(f"{100 * share:14.1f}" for share in shares))
    stepped = [step(rng, 0.05, 0.3) for _ in range(looks)]
    for number in (1, REPLAYS):
        told = [(replay(20 * np.exp(logs), number), truth[0]) for logs, truth in stepped]
        delays = [
            min(end - place for end in ends if end > place) for ends, place in told if any(e > place for e in ends)
        ]
        middle = float(np.median(delays)) if delays else float("nan")
        print(
            f"step 5 %, AR 0.3, {number} in a row: found {100 * len(delays) / looks:.1f} %, after {middle:.0f} builds"
        )

    print("\nStable histories per second of CPU, one core")
    for detector, seconds in cost.items():
        print(f"{detector:20}{judged / max(seconds, 1e-9):14.0f}")
    print(f"{'detect_drift':20}{drifts / drift_s:14.0f}   (all rows above, making the histories included)")


if __name__ == "__main__":
    main()
