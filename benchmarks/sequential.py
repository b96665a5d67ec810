"""What looking while collecting costs and saves, where the truth is known, beside peeking with plain procedures.

    python benchmarks/sequential.py [--quick]

Pairs of interleaved rounds: times are 20 ms · exp(0.25 z), z an AR(1) with correlation 0.5 within each round, and
rounds vary by 2 %, half of that variance shared by both sides. At each look the procedure may stop with ``regressed``
or ``stable``. The seeds of these tables were used for nothing else. ± is two standard errors of the simulation.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.signal import lfilter
from scipy.stats import mannwhitneyu
from targets import met

from stabkit.analyze.gate.looks import look_confidence
from stabkit.analyze.latency.comparison import compare_latency

SEED = 20_261_123
ROUNDS, EACH, PHI, NOISE = 40, 50, 0.5, 0.02
FEWEST = 5  # rounds before the first look

Pair = tuple[np.ndarray, np.ndarray]


class Ended(NamedTuple):
    outcome: str
    rounds: int


def pair(rng: np.random.Generator, ratio: float) -> Pair:
    """Return baseline and candidate, shape (rounds, each)."""
    shared = rng.standard_normal((ROUNDS, 1))
    sides = []
    for _ in range(2):
        z = rng.standard_normal((ROUNDS, EACH))
        z[:, 1:] *= math.sqrt(1 - PHI**2)
        own = rng.standard_normal((ROUNDS, 1))
        moved = NOISE * math.sqrt(0.5) * (shared + own)
        sides.append(20 * np.exp(0.25 * lfilter([1.0], [1.0, -PHI], z, axis=1) + moved))
    return sides[0], sides[1] * ratio


def frame(side: np.ndarray, rounds: int) -> pd.DataFrame:
    return pd.DataFrame({"round": np.repeat(np.arange(rounds), EACH), "response_ms": side[:rounds].ravel()})


def judged(before: np.ndarray, after: np.ndarray, rounds: int, confidence: float) -> str:
    return compare_latency(frame(before, rounds), frame(after, rounds), confidence=confidence).outcome


def planned(looks: int) -> Callable[[Pair], Ended]:
    """Return the procedure of ``stabkit collect --until-decided``, with so many equal looks."""

    def procedure(sides: Pair) -> Ended:
        for look in range(1, looks + 1):
            rounds = round(ROUNDS * look / looks)
            outcome = judged(*sides, rounds, look_confidence([k / looks for k in range(1, look + 1)]))
            if outcome != "inconclusive":
                return Ended(outcome, rounds)
        return Ended("inconclusive", ROUNDS)

    return procedure


def plain_peeks(sides: Pair) -> Ended:
    """Look after every round with the same 95 % bounds."""
    for rounds in range(FEWEST, ROUNDS + 1):
        outcome = judged(*sides, rounds, 0.95)
        if outcome != "inconclusive":
            return Ended(outcome, rounds)
    return Ended("inconclusive", ROUNDS)


def alarm_peeks(sides: Pair) -> Ended:
    """Look after every round with the same 95 % bounds, and stop for a regression only."""
    for rounds in range(FEWEST, ROUNDS + 1):
        if judged(*sides, rounds, 0.95) == "regressed":
            return Ended("regressed", rounds)
    return Ended("inconclusive", ROUNDS)


def mann_whitney_peeks(sides: Pair) -> Ended:
    """Look after every round with a test at 5 %, and stop when it is significant and the candidate is slower."""
    before, after = sides
    for rounds in range(FEWEST, ROUNDS + 1):
        found = mannwhitneyu(after[:rounds].ravel(), before[:rounds].ravel())
        if found.pvalue < 0.05 and found.statistic > (rounds * EACH) ** 2 / 2:
            return Ended("regressed", rounds)
    return Ended("stable", ROUNDS)


def at_the_end(sides: Pair) -> Ended:
    return Ended(judged(*sides, ROUNDS, 0.95), ROUNDS)


PROCEDURES: dict[str, Callable[[Pair], Ended]] = {
    "one look at the end, 95 %": at_the_end,
    "5 planned looks": planned(5),
    "40 planned looks": planned(40),
    "36 peeks, plain 95 % bounds": plain_peeks,
    "36 peeks, plain, alarms only": alarm_peeks,
    "36 peeks, Mann-Whitney": mann_whitney_peeks,
}


PLANNED = ("one look at the end, 95 %", "5 planned looks", "40 planned looks")


def scene(
    title: str, ratio: float, trials: int, seed: int, names: Sequence[str] = PLANNED
) -> dict[str, Sequence[Ended]]:
    print(f"\n{title}, {trials} pairs of {ROUNDS} x {EACH}")
    print(
        f"  {'procedure':<31}{'stable':>8}{'impr.':>8}{'regr.':>8}{'incon.':>8}{'±':>6}"
        f"{'rounds':>9}{'±':>6}{'saved':>8}",
        flush=True,
    )
    rng = np.random.default_rng([SEED, seed])
    drawn = [pair(rng, ratio) for _ in range(trials)]
    found = {}
    for name in names:
        ended = [PROCEDURES[name](sides) for sides in drawn]
        found[name] = ended
        words = [one.outcome for one in ended]
        shares = [100 * words.count(word) / trials for word in ("stable", "improved", "regressed", "inconclusive")]
        error = max(200 * math.sqrt(s / 100 * (1 - s / 100) / trials) for s in shares)
        rounds = np.array([one.rounds for one in ended], dtype=float)
        spread = 2 * rounds.std(ddof=1) / math.sqrt(trials)
        saved = 100 * (1 - rounds.mean() / ROUNDS)
        print(
            f"  {name:<31}" + "".join(f"{share:8.1f}" for share in shares) + f"{error:6.1f}"
            f"{rounds.mean():9.1f}{spread:6.1f}{saved:7.0f}%",
            flush=True,
        )  # fmt: skip
    return found


def target(name: str, ended: Sequence[Ended], limit: float) -> None:
    share = sum(one.outcome == "regressed" for one in ended) / len(ended)
    word = met(share, limit, len(ended))
    print(f"  -> false alarms, {name}: {100 * share:.1f} %, target <= {100 * limit:.0f} %: {word}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fifth of the pairs")
    share = 5 if parser.parse_args().quick else 1
    began = time.perf_counter()
    same = scene("A/A", 1.0, 600 // share, 1, tuple(PROCEDURES))
    for name in ("5 planned looks", "40 planned looks"):
        target(name, same[name], 0.03)
    scene("true +5 %, the margin itself: `stable` is wrong", 1.05, 400 // share, 2)
    scene("true +10 %", 1.10, 400 // share, 3)
    scene("true +25 %", 1.25, 400 // share, 4)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
