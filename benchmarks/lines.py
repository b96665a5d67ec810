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
from dataclasses import replace

import numpy as np
from targets import met

from stabkit.analyze import RunValue
from stabkit.analyze.line import LineJudgement, judge_on_line

SEED = 20_261_201
MARGINS = (0.05, 0.10, 0.15, 0.20)


def values(rng: np.random.Generator, n: int, sd: float, level: float = 0.0) -> list[RunValue]:
    return [RunValue(3.0 + level + sd * z) for z in rng.standard_normal(n)]


def judged(history: Sequence[RunValue], pair: Sequence[RunValue], margin: float) -> LineJudgement:
    found = judge_on_line(history, pair[0], math.log1p(margin), repeats=pair[1:])
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
    """A line that grows by half a percent a run after its first ten; what looks slower is measured twice."""
    print("\nCreep of .5 % a run after ten settled runs, sd 1 %, margin 5 %: S, R by a second run, and any R so far")
    builds, step = 20, math.log1p(0.005)
    counts = np.zeros((builds + 1, 3))
    rng = np.random.default_rng([SEED, 7])
    for _ in range(trials):
        history, red = values(rng, 10, 0.01), False
        for build in range(1, builds + 1):
            pair = [RunValue(run.value, version=str(build)) for run in values(rng, 2, 0.01, step * build)]
            found = judged(history, pair, 0.05)
            red |= found.outcome == "regressed"
            counts[build] += (found.outcome in ("stable", "improved"), found.outcome == "regressed", red)
            history += pair if found.slower else pair[:1]
    for build in (5, 10, 15, 20):
        shares = "".join(f"{100 * share:8.1f}" for share in counts[build] / trials)
        print(f"  {100 * math.expm1(step * build):5.1f} % slower{shares}")


def thirty_builds(trials: int) -> None:
    """Thirty builds with a step at the twenty-first, judged one by one; what looks slower is measured twice."""
    print(
        "\nThirty builds, +25 % from the 21st on, sd 3 % (tail 4 %): green before the step of 17 judged; histories with"
    )
    print("a red before it, with a green after it, with the step red at once")
    for margins in ((0.10, 0.20), (0.15, 0.30)):
        rng = np.random.default_rng([SEED, 30, round(100 * margins[0])])
        green = wrong_red = wrong_green = found_step = 0
        for _ in range(trials):
            lines: list[list[RunValue]] = [[], []]
            red = late = False
            for build in range(1, 31):
                level = math.log1p(0.25) if build > 20 else 0.0
                pairs = [
                    [RunValue(run.value, version=str(build)) for run in values(rng, 2, sd, level)]
                    for sd in (0.03, 0.04)
                ]
                slower = False
                if build > 3:
                    found = [judged(*known) for known in zip(lines, pairs, margins, strict=True)]
                    slower = any(one.slower for one in found)
                    regressed = any(one.outcome == "regressed" for one in found)
                    stable = all(one.outcome in ("stable", "improved") for one in found)
                    green += stable and build <= 20
                    red |= regressed and build <= 20
                    late |= stable and build > 20
                    found_step += regressed and build == 21
                for line, pair in zip(lines, pairs, strict=True):
                    line.extend(pair if slower else pair[:1])
            wrong_red += red
            wrong_green += late
        shares = "".join(f"{100 * count / trials:8.1f}" for count in (wrong_red, wrong_green, found_step))
        print(f"  {100 * margins[0]:.0f} and {100 * margins[1]:.0f} %{green / trials:8.1f}{shares}")


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


def paced(rng: np.random.Generator, n: int, shared: float, level: float = 0.0, swapped: float = 0.0) -> list[RunValue]:
    """Return runs with sd 3 %, of which a share of the variance is the machine's own and shows in its calibration."""
    sd = 0.03
    machine = swapped + math.sqrt(shared) * sd * rng.standard_normal(n)
    own = math.sqrt(1 - shared) * sd * rng.standard_normal(n)
    measured = machine + 0.003 * rng.standard_normal(n)  # what the calibration itself is off by
    return [
        RunValue(3.0 + level + pace + rest, calibration=math.log(5) + told)
        for pace, rest, told in zip(machine, own, measured, strict=True)
    ]


def calibrated(trials: int) -> None:
    """Runs whose machine is a part of what they differ by: with and without their calibration."""
    print("\nRuns of sd 3 % with a calibration that tells a share of it; 20 runs, margin 5 %: S, FS, R, R at +5 %")
    print("without and with; then a machine that is 8 % slower from the candidate on, and from the tenth run on")
    for shared, swap in ((0.0, None), (0.5, None), (0.8, None), (0.95, None), (0.8, 20), (0.8, 10)):
        rng = np.random.default_rng([SEED, 3, round(100 * shared), swap or 0])
        counts = np.zeros((2, 4))
        for _ in range(trials):
            slower = math.log1p(0.08)
            before = paced(rng, swap or 20, shared)
            history = before + (paced(rng, 20 - swap, shared, swapped=slower) if swap else [])
            pair = paced(rng, 2, shared, swapped=slower if swap else 0.0)
            moved = [replace(run, value=run.value + math.log1p(0.05)) for run in pair]
            for known in (0, 1):
                runs, same, worse = (
                    part if known else [replace(run, calibration=None) for run in part]
                    for part in (history, pair, moved)
                )
                unchanged, found = (judged(runs, of, 0.05).outcome for of in (same, worse))
                green = ("stable", "improved")
                counts[known] += (unchanged in green, found in green, unchanged == "regressed", found == "regressed")
        where = "" if swap is None else f", swapped at {swap}"
        shares = "  |".join("".join(f"{100 * share:8.1f}" for share in row) for row in counts / trials)
        print(f"  {100 * shared:3.0f} % of it{where:16}{shares}", flush=True)


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
    creep(trials // 10)
    after_a_step(trials // 2)
    forty_builds(trials // 10)
    fewer(trials)
    calibrated(trials)
    thirty_builds(trials // 10)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
