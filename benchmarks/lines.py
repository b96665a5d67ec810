"""What the history of a line can decide about a run at another time, where the truth is known.

    python benchmarks/lines.py [--quick]

Every run has a log level of its own, normal with the given sd; a candidate is judged on the N runs before it. S is
STABLE, R is REGRESSED by a second run too, FS is STABLE although the candidate is slower by the whole margin. The
smallest margin is the one that unchanged candidates are proven within in 80 %. The seeds of these tables were used for
nothing else. ± is two standard errors of the simulation.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence

import numpy as np
from targets import met

from stabkit.analyze import RunValue
from stabkit.analyze.line import LineJudgement, judge_on_line

SEED = 20_261_201
MARGINS = (0.05, 0.10, 0.15, 0.20)


def values(rng: np.random.Generator, n: int, sd: float, level: float = 0.0) -> list[RunValue]:
    return [RunValue(3.0 + level + sd * z) for z in rng.standard_normal(n)]


def judged(history: Sequence[RunValue], pair: Sequence[RunValue], margin: float) -> LineJudgement:
    found = judge_on_line(history, pair[0], math.log1p(margin), repeat=pair[1])
    assert found is not None
    return found


def highest(found: LineJudgement) -> float:
    """Return the smallest margin that a candidate is proven within, on the log scale."""
    return max(one.at(found.error)[1] for one in (found.against, found.against_accepted))


def cell(runs: int, sd: float, trials: int) -> tuple[float, float]:
    """Print one row; return the largest share of false STABLE and of false REGRESSED."""
    rng = np.random.default_rng([SEED, runs, round(1000 * sd)])
    reach = np.empty(trials)
    once = twice = false_stable = found_10 = 0
    for trial in range(trials):
        history = values(rng, runs, sd)
        pair = values(rng, 2, sd)
        plain = judged(history, pair, 0.10)
        reach[trial] = highest(plain)
        once += plain.slower
        twice += plain.outcome == "regressed"
        moved = [RunValue(run.value + math.log1p(0.10)) for run in pair]
        shifted = judged(history, moved, 0.10)
        false_stable += shifted.outcome in ("stable", "improved")
        found_10 += shifted.outcome == "regressed"
    stable = [float((reach < math.log1p(margin)).mean()) for margin in MARGINS]
    smallest = math.expm1(float(np.quantile(reach, 0.80)))
    shares = (*stable, false_stable / trials, found_10 / trials, once / trials, twice / trials)
    print(
        f"  {runs:>4}{100 * sd:>6.1f} %"
        + "".join(f"{100 * share:8.1f}" for share in shares)
        + f"{100 * smallest:9.1f} %",
        flush=True,
    )
    return false_stable / trials, twice / trials


def creep(trials: int) -> None:
    """A line that grows by half a percent a run after its first ten."""
    print("\nCreep of .5 % a run after ten settled runs, sd 1 %, margin 5 %: S, and R by a second run")
    for steps in (5, 10, 15, 20):
        rng = np.random.default_rng([SEED, 7, steps])
        counts = {"stable": 0, "regressed": 0}
        for _ in range(trials):
            level = np.concatenate([np.zeros(10), np.log1p(0.005) * np.arange(1, steps)])
            history = [
                RunValue(3.0 + at + 0.01 * z) for at, z in zip(level, rng.standard_normal(level.size), strict=True)
            ]
            pair = values(rng, 2, 0.01, np.log1p(0.005) * steps)
            outcome = judged(history, pair, 0.05).outcome
            counts[outcome] = counts.get(outcome, 0) + 1
        print(
            f"  {100 * math.expm1(steps * math.log1p(0.005)):5.1f} % slower{100 * counts['stable'] / trials:8.1f}"
            f"{100 * counts['regressed'] / trials:8.1f}"
        )


def after_a_step(trials: int) -> None:
    """A step of 10 % that was seen twice, and builds at its level afterwards."""
    print("\nA step of 10 % after 20 runs, sd 2 %, margin 10 %, seen twice; builds at its level afterwards: S, R")
    for later in (0, 3, 6, 12):
        rng = np.random.default_rng([SEED, 9, later])
        stable = regressed = 0
        for _ in range(trials):
            step = math.log1p(0.10)
            first = [RunValue(run.value, version="step") for run in values(rng, 2, 0.02, step)]
            history = [*values(rng, 20, 0.02), *(first if later else []), *values(rng, max(0, later - 1), 0.02, step)]
            outcome = judged(history, values(rng, 2, 0.02, step), 0.10).outcome
            stable += outcome in ("stable", "improved")
            regressed += outcome == "regressed"
        print(f"  {later:>3} builds later{100 * stable / trials:8.1f}{100 * regressed / trials:8.1f}")


def forty_builds(trials: int) -> None:
    """Any red in forty builds of which none changed anything."""
    rng = np.random.default_rng([SEED, 40])
    once = twice = 0
    for _ in range(trials):
        history = values(rng, 5, 0.02)
        red = slower = False
        for _ in range(40):
            pair = values(rng, 2, 0.02)
            found = judged(history, pair, 0.10)
            slower |= found.slower
            red |= found.outcome == "regressed"
            history.append(pair[0])
        once += slower
        twice += red
    shares = [f"{100 * count / trials:.0f} %" for count in (once, twice)]
    print("\nForty unchanged builds, sd 2 %: any that looks slower {}, any red {}".format(*shares))


def fewer(trials: int) -> None:
    """A candidate of a tenth of the requests, whose own error is larger than all noise between the runs."""
    print(
        "\nA candidate of a tenth of the requests (its own sd 3 %, runs 1 %), 20 runs, margin 10 %: S unchanged, FS, R"
    )
    rng = np.random.default_rng([SEED, 10])
    counts = [0, 0, 0]
    for _ in range(trials):
        history = [RunValue(run.value, 1e-6, 9, 1000) for run in values(rng, 20, 0.01)]
        pair = []
        for _ in range(2):
            rounds = 0.03 * math.sqrt(10) * rng.standard_normal(10)
            own = float(rounds.var(ddof=1)) / 10
            pair.append(RunValue(3.0 + 0.01 * rng.standard_normal() + float(rounds.mean()), own, 9, 100))
        outcome = judged(history, pair, 0.10).outcome
        counts[0] += outcome in ("stable", "improved")
        counts[2] += outcome == "regressed"
        moved = [RunValue(run.value + math.log1p(0.10), run.variance, 9, 100) for run in pair]
        counts[1] += judged(history, moved, 0.10).outcome in ("stable", "improved")
    print("  " + "".join(f"{100 * count / trials:8.1f}" for count in counts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fifth of the trials")
    trials = 200 if parser.parse_args().quick else 1000
    began = time.perf_counter()
    print(
        f"  {'runs':>4}{'noise':>8}"
        + "".join(f"{f'S {100 * m:.0f} %':>8}" for m in MARGINS)
        + f"{'FS 10 %':>8}{'R +10 %':>8}{'slower':>8}{'R':>8}{'smallest':>11}"
    )
    found = [cell(runs, sd, trials) for runs in (3, 5, 10, 30) for sd in (0.005, 0.01, 0.02, 0.04)]
    print(f"  ± at most {200 * math.sqrt(0.25 / trials):.1f}")
    for name, share, target in (
        ("STABLE", max(s for s, _ in found), 0.03),
        ("REGRESSED", max(r for _, r in found), 0.025),
    ):
        said = f"{100 * share:.1f} %, target <= {100 * target:.1f} %"
        print(f"  -> false {name}, worst cell: {said}: {met(share, target, trials)}")
    creep(trials // 2)
    after_a_step(trials // 2)
    forty_builds(trials // 10)
    fewer(trials)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
