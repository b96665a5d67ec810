"""How often a whole gate of five targets decides, and how often it is wrong: unchanged, and with one target changed.

    python benchmarks/gates.py [--quick] [--gates N] [--only NAME]

Both sides are probed in the same rounds; each target is judged by its response time and its errors, with the usual
margins. Times of a request, about 20 ms:

- ``demo``: log sd 0.066, rounds of a side differ by 4 %, 0.6 of that shared by both sides
- ``plain``: log sd 0.25, rounds differ by 2 %, half shared
- ``real``: log sd 0.12 with neighbours correlated by 0.3, an exponential part of 1 ms, rounds differ by 1.5 %
- ``heavy``: plain, and one request in fifty is slower by a Pareto factor of shape 1.5
- ``pausing``: plain, and a pause of 200 ms each 120 requests, with the queue behind it

``need`` follows the advice of open gates once: a new collection of as many rounds as the gate asked for. ± is two
standard errors of a share of one half.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.signal import lfilter
from targets import met

from stabkit.analyze import Gate, RunEvidence
from stabkit.analyze.gate import evaluate_gate
from stabkit.config import Config
from stabkit.schema import Evidence

SEED: Final = 20_261_130
TARGETS: Final = tuple(f"t{number}" for number in range(5))
Side = np.ndarray  # ms, shape (rounds, each)
CONFIG: Final = Config.model_validate(
    {
        "condition": [
            {"name": f"{name} {words}", "kind": kind, "target": name, "metric": "response_time"}
            for name in TARGETS
            for kind, words in (("latency", "response time"), ("error_rate", "errors"))
        ]
    }
)
_STARTED: Final = pd.Timestamp("2026-01-01", tz="UTC")


def service(rng: np.random.Generator, rounds: int, each: int, kind: str) -> list[Side]:
    """Return both sides of one unchanged target."""
    sd, noise, shared, phi = {
        "demo": (0.066, 0.04, 0.6, 0.0),
        "real": (0.12, 0.015, 0.5, 0.3),
    }.get(kind, (0.25, 0.02, 0.5, 0.0))
    both = rng.standard_normal((rounds, 1))
    sides = []
    for _ in range(2):
        z = rng.standard_normal((rounds, each))
        if phi:
            z[:, 1:] *= math.sqrt(1 - phi * phi)
            z = lfilter([1], [1, -phi], z, axis=1)
        level = noise * (math.sqrt(shared) * both + math.sqrt(1 - shared) * rng.standard_normal((rounds, 1)))
        times = 20 * np.exp(sd * z + level)
        if kind == "real":
            times = times + rng.exponential(1.0, times.shape)
        if kind == "heavy":
            times = np.where(rng.random(times.shape) < 0.02, times * (1 + rng.pareto(1.5, times.shape)), times)
        if kind == "pausing":
            times = _paused(times, int(rng.integers(120)))
        sides.append(times)
    return sides


def _paused(times: Side, first: int) -> Side:
    every = times.ravel().copy()
    for start in range(first, every.size, 120):
        waiting = 200.0 - 25.0 * np.arange(8)
        end = min(every.size, start + waiting.size)
        every[start:end] += waiting[: end - start]
    return every.reshape(times.shape)


Changed = Callable[[np.random.Generator, Side], Side]
CHANGES: Final[Mapping[str, Changed]] = {
    "nothing": lambda _, t: t,
    "x1.05": lambda _, t: t * 1.05,
    "x1.10": lambda _, t: t * 1.10,
    "slowest 5 % x1.15": lambda _, t: np.where(t > np.quantile(t, 0.95), t * 1.15, t),
    "1 in 200 x10": lambda rng, t: t * np.where(rng.random(t.shape) < 1 / 200, 10, 1),
    "1 in 500 x50": lambda rng, t: t * np.where(rng.random(t.shape) < 1 / 500, 50, 1),
}


def clocked(sides: list[Side], step_of: float) -> list[Side]:
    """Return times as a clock reads them whose step is this share of the median."""
    step = step_of * 20
    return [np.maximum(step, np.round(side / step) * step) for side in sides]


def bad_rounds(rng: np.random.Generator, sides: list[Side]) -> list[Side]:
    """Return sides of which one round in ten, each side by itself, is half as slow again."""
    return [side * np.where(rng.random((len(side), 1)) < 0.1, 1.5, 1.0) for side in sides]


def thinned(sides: list[Side]) -> list[Side]:
    """Return sides of which the candidate answered a fifth of the requests of each round."""
    return [sides[0], sides[1][:, : sides[1].shape[1] // 5]]


def gate_of(sides: Mapping[str, list[Side]], config: Config = CONFIG) -> Gate:
    runs = []
    for number, label in enumerate(("before", "after")):
        parts = [_samples(name, both[number]) for name, both in sides.items()]
        run = {"run_id": label, "environment": "local", "collection_id": "c", "complete": True}
        runs.append(RunEvidence(run, Evidence.of(samples=pd.concat(parts, ignore_index=True))))
    return evaluate_gate(config, runs[0], runs[1])


def _samples(target: str, times: Side) -> pd.DataFrame:
    rounds, each = times.shape
    flat = times.ravel()
    known: dict[str, Any] = {
        "target": target, "metric": "response_time", "round": np.repeat(np.arange(rounds), each),
        "sequence": np.arange(flat.size), "service_ms": flat, "response_ms": flat, "late_ms": 0.05,
        "own_late_ms": 0.0, "connection": "reused", "warmup": False, "ok": True,
        "due_at": _STARTED + pd.to_timedelta(np.arange(flat.size) * 100, unit="ms"),
    }  # fmt: skip
    return pd.DataFrame(known)


def simulate(
    rng: np.random.Generator, size: tuple[int, int], kind: str, change: str, spoil: Callable[..., Any] | None = None
) -> Gate:
    rounds, each = size
    sides = {name: service(rng, rounds, each, kind) for name in TARGETS}
    sides["t0"][1] = CHANGES[change](rng, sides["t0"][1])
    if spoil is not None:
        sides = {name: spoil(rng, both) for name, both in sides.items()}
    return gate_of(sides)


def row(name: str, gates: int, judge: Callable[[np.random.Generator], Gate], *limits: tuple[str, float, bool]) -> None:
    rng = np.random.default_rng(SEED)
    found = Counter(judge(rng).verdict for _ in range(gates))
    share = {word: found[word] / gates for word in ("stable", "regressed")}
    said = "  ".join(f"{word[0].upper()} {100 * value:5.1f}" for word, value in share.items())
    kept = "; ".join(
        f"{word} {'≤' if most else '≥'} {100 * limit:g} %: {met(share[word], limit, gates, at_most=most)}"
        for word, limit, most in limits
    )
    print(f"{name:46} {said}  {kept}", flush=True)


def needs(gates: int, rounds: int, each: int, kind: str) -> None:
    """Follow the advice of open gates once."""
    rng = np.random.default_rng(SEED)
    open_ = decided = unable = 0
    asked = []
    for _ in range(gates):
        first = simulate(rng, (rounds, each), kind, "nothing")
        if first.verdict != "inconclusive":
            continue
        open_ += 1
        if first.plan is None:
            unable += 1
            continue
        asked.append(first.plan.rounds)
        decided += simulate(rng, (first.plan.rounds, each), kind, "nothing").verdict == "stable"
    share = decided / max(1, open_)
    middle = f"{np.median(asked):.0f} rounds asked for" if asked else "none asked for"
    kept = met(share, 0.80, open_, at_most=False) if open_ else "all decided"
    print(
        f"need, {kind} {rounds} x {each}: {open_} of {gates} open, {middle}, {unable} without a number, "
        f"followed once {100 * share:.1f} % stable; ≥ 80 %: {kept}",
        flush=True,
    )


# Kind, rounds, each, change -> targets: verdict, limit, at most.
Limit = tuple[str, float, bool]
GREEN_90, GREEN_85 = ("stable", 0.90, False), ("stable", 0.85, False)
RED_2, AT_MARGIN = ("regressed", 0.02, True), ("stable", 0.04, True)
CASES: Final[tuple[tuple[str, int, int, str, tuple[Limit, ...]], ...]] = (
    ("demo", 20, 60, "nothing", (GREEN_90, RED_2)),
    ("real", 20, 60, "nothing", (GREEN_85, RED_2)),
    ("plain", 20, 60, "nothing", (RED_2,)),
    ("heavy", 20, 60, "nothing", (RED_2,)),
    ("pausing", 20, 60, "nothing", (RED_2,)),
    ("demo", 40, 60, "nothing", (RED_2,)),
    ("pausing", 40, 60, "nothing", (RED_2,)),
    ("heavy", 40, 60, "nothing", (RED_2,)),
    *((kind, 10, 100, "nothing", (RED_2,)) for kind in ("demo", "real", "plain")),
    *((kind, 30, 100, "nothing", (RED_2,)) for kind in ("demo", "real", "plain", "heavy", "pausing")),
    *((kind, 30, 100, "x1.05", (AT_MARGIN,)) for kind in ("demo", "real", "plain", "heavy")),
    *((kind, 30, 100, "x1.10", ()) for kind in ("demo", "real", "plain", "heavy")),
    *((kind, 30, 100, "slowest 5 % x1.15", (AT_MARGIN,)) for kind in ("demo", "real", "plain")),
    *((kind, 30, 100, "1 in 200 x10", (("stable", 0.02, True),)) for kind in ("demo", "real", "plain", "heavy")),
    *((kind, 30, 100, "1 in 500 x50", (("stable", 0.10, True),)) for kind in ("demo", "real", "plain", "heavy")),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--gates", type=int, default=400)
    parser.add_argument("--only", default="", help="rows whose name holds this")
    options = parser.parse_args()
    gates = 40 if options.quick else options.gates
    began = time.perf_counter()
    print(f"{gates} gates of {len(TARGETS)} targets a row, ± {100 / math.sqrt(gates):.1f}\n")
    for kind, rounds, each, change, limits in CASES:
        name = f"{kind} {rounds} x {each}, {change}"
        if options.only in name:
            row(name, gates, lambda rng, c=((rounds, each), kind, change): simulate(rng, *c), *limits)
    spoilt: tuple[tuple[str, str, str, Callable[..., Any], tuple[Limit, ...]], ...] = (
        ("clock of 1/6 of the median", "plain", "nothing", lambda _, s: clocked(s, 1 / 6), (("stable", 0.75, False),)),
        ("clock of 1/3 of the median", "plain", "nothing", lambda _, s: clocked(s, 1 / 3), (("stable", 0.75, False),)),
        ("clock of 1/6 of the median", "plain", "x1.05", lambda _, s: clocked(s, 1 / 6), (AT_MARGIN,)),
        ("100 against 20 a round", "plain", "x1.05", lambda _, s: thinned(s), (AT_MARGIN,)),
        ("bad rounds", "plain", "nothing", bad_rounds, (RED_2,)),
        ("bad rounds", "plain", "x1.05", bad_rounds, (AT_MARGIN,)),
    )
    for words, kind, change, spoil, limits in spoilt:
        name = f"{kind} 30 x 100, {words}, {change}"
        if options.only in name:
            row(name, gates, lambda rng, c=((30, 100), kind, change, spoil): simulate(rng, *c), *limits)
    for kind, rounds, each in (("demo", 10, 60), ("plain", 10, 60), ("real", 10, 60), ("heavy", 20, 60)):
        if options.only in f"need, {kind}":
            needs(gates, rounds, each, kind)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
