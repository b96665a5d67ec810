"""What compare_failures gets right and wrong where the truth is known, beside the usual procedures.

    python benchmarks/error_rates.py [--quick]

A request fails with probability ``rate``, or in an incident: a Poisson number with mean ``incidents`` a side, at random
times, each lasting so many requests in a row of which the share ``loss`` fails. The margin is half a percentage point
unless the case says otherwise. The seeds of these tables were used for nothing else. ± is two standard errors.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact, norm
from targets import met

from stabkit.analyze.latency.rates import compare_failures

SEED = 20_261_125
OUTCOMES = ("stable", "improved", "regressed", "inconclusive")
MARGIN = 0.005


@dataclass(frozen=True)
class Service:
    """One side: how often it is asked, and how it fails."""

    rounds: int = 10
    each: int = 100
    rate: float = 0.0
    incidents: float = 0.0
    lasts: int = 1
    loss: float = 1.0
    whole: bool = False  # incidents hit whole rounds

    @property
    def n(self) -> int:
        return self.rounds * self.each

    @property
    def truth(self) -> float:
        """The probability that a request fails: incidents wrap around the end of the run, so each is alike."""
        hit = 1 - math.exp(-self.incidents * self.lasts / self.n)
        return self.rate + (1 - self.rate) * self.loss * hit

    def draw(self, rng: np.random.Generator, incidents: int | None = None) -> np.ndarray:
        """Return which requests failed, in time order; ``incidents`` of them if given, else a Poisson number."""
        count = rng.poisson(self.incidents) if incidents is None else incidents
        step = self.lasts if self.whole else 1
        starts = step * rng.integers(0, self.n // step, count)
        hit = np.zeros(self.n, dtype=bool)
        hit[(starts[:, None] + np.arange(self.lasts)).ravel() % self.n] = True
        return (rng.random(self.n) < self.rate) | (hit & (rng.random(self.n) < self.loss))


@dataclass(frozen=True)
class Case:
    before: Service
    after: Service
    margin: float = MARGIN
    once: bool = False  # exactly one incident, on either side by chance

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        if not self.once:
            return self.before.draw(rng), self.after.draw(rng)
        side = int(rng.integers(2))
        return self.before.draw(rng, side), self.after.draw(rng, 1 - side)


def same(*, once: bool = False, **how: float) -> Case:
    service = Service(**how)  # type: ignore[arg-type]
    return Case(service, service, once=once)


def rise(before: dict[str, float], after: dict[str, float], times: float = 1.0, **both: float) -> Case:
    """Return a true rise that is ``times`` the margin."""
    sides = Service(**both, **before), Service(**both, **after)  # type: ignore[arg-type]
    return Case(*sides, (sides[1].truth - sides[0].truth) / times)


def frame(service: Service, failed: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"round": np.repeat(np.arange(service.rounds), service.each), "ok": ~failed})


def by_p(p: float, change: float) -> str:
    """Read "not significant" as "no change", as these procedures are used."""
    return "stable" if p >= 0.05 else "regressed" if change > 0 else "improved"


def z_test(before: np.ndarray, after: np.ndarray, _: float) -> str:
    change = float(after.mean() - before.mean())
    pooled = (before.sum() + after.sum()) / (before.size + after.size)
    se = math.sqrt(pooled * (1 - pooled) * (1 / before.size + 1 / after.size))
    return by_p(float(2 * norm.sf(abs(change) / se)) if se else 1.0, change)


def fisher(before: np.ndarray, after: np.ndarray, _: float) -> str:
    table = [[int(side.sum()), int((~side).sum())] for side in (after, before)]
    return by_p(float(fisher_exact(table)[1]), float(after.mean() - before.mean()))


def bare_difference(before: np.ndarray, after: np.ndarray, margin: float) -> str:
    change = after.mean() - before.mean()
    return "regressed" if change > margin else "improved" if change < -margin else "stable"


RIVALS: dict[str, Callable[[np.ndarray, np.ndarray, float], str]] = {
    "z test": z_test,
    "Fisher": fisher,
    "bare difference": bare_difference,
}


def line(case: str, name: str, outcomes: list[str], note: str = "") -> Counter[str]:
    counts, total = Counter(outcomes), len(outcomes)
    shares = [100 * counts[word] / total for word in OUTCOMES]
    error = max(200 * math.sqrt(s / 100 * (1 - s / 100) / total) for s in shares)
    print(f"  {case:<46}{name:<17}" + "".join(f"{share:7.1f}" for share in shares) + f"{error:5.1f}{note}", flush=True)
    return counts


def scene(
    title: str, cases: dict[str, Case], trials: int, word: str, limit: float | None = None, *, rivals: bool = False
) -> None:
    """Print the outcomes for each case, and whether the worst case keeps to the target."""
    print(f"\n{title}\n  {'case':<46}{'procedure':<17}{'stable':>7}{'impr.':>7}{'regr.':>7}{'incon.':>7}    ±")
    shares = []
    for i, (name, case) in enumerate(cases.items()):
        rng = np.random.default_rng([SEED, i, *title.encode()])
        drawn = [case.draw(rng) for _ in range(trials)]
        found = [
            compare_failures(frame(case.before, b), frame(case.after, a), margin=case.margin).outcome for b, a in drawn
        ]
        # Where nothing failed on either side, nothing shows of incidents to come: the promise has its limit there.
        quiet = [not (b.any() or a.any()) for b, a in drawn]
        silent = sum(outcome == "stable" for outcome, none in zip(found, quiet, strict=True) if none)
        note = f"   {100 * silent / trials:.1f} stable with no failure on either side" if silent else ""
        shares.append(line(name, "stabkit", found, note)[word] / trials)
        for rival, judge in RIVALS.items() if rivals else ():
            line("", rival, [judge(b, a, case.margin) for b, a in drawn])
    if limit is not None:
        target(f"{word}, worst of {len(shares)} cases", max(shares), limit, trials)


def target(text: str, share: float, limit: float, trials: int) -> None:
    print(f"  -> {text}: {100 * share:.1f} %, target <= {100 * limit:.0f} %: {met(share, limit, trials)}")


SIZES: dict[str, dict[str, int]] = {
    "10 x 100": {},
    "5 x 200": {"rounds": 5, "each": 200},
    "30 x 100": {"rounds": 30},
    "1 x 1000": {"rounds": 1, "each": 1000},
}
BURSTS: dict[str, float] = {"lasts": 10}
SAME: dict[str, Case] = {
    **{f"10 x 100, {100 * rate:g} % fail": same(rate=rate) for rate in (0.0, 0.001, 0.01, 0.05)},
    **{f"{name}, 1 % fail": same(rate=0.01, **how) for name, how in SIZES.items() if name != "10 x 100"},
    **{
        f"{name}, one bad round, 30 % of it fail": same(
            once=True, lasts=how.get("each", 100), loss=0.3, whole=True, **how
        )
        for name, how in SIZES.items()
        if name != "1 x 1000"
    },
    "10 x 100, a bad round in ten, and 1 %": same(rate=0.01, incidents=1, lasts=100, loss=0.3, whole=True),
    "30 x 100, a bad round in ten": same(rounds=30, incidents=3, lasts=100, loss=0.3, whole=True),
    "1 x 1000, one bad minute of 60, half fail": same(once=True, rounds=1, each=1000, lasts=60, loss=0.5),
    "1 x 3000, 3 bad minutes of 60, half fail": same(rounds=1, each=3000, incidents=3, lasts=60, loss=0.5),
    **{f"{name}, bursts of ten, 2 in all": same(incidents=2, **BURSTS, **how) for name, how in SIZES.items()},
    "10 x 100, bursts of ten, 10 in all": same(incidents=10, **BURSTS),
    "1 x 1000, bursts of ten, 10 in all": same(rounds=1, each=1000, incidents=10, **BURSTS),
    "10 x 100 and 10 x 300, 1 % fail": Case(Service(rate=0.01), Service(each=300, rate=0.01)),
    "10 x 300 and 10 x 100, 1 % fail": Case(Service(each=300, rate=0.01), Service(rate=0.01)),
    "30 x 100 and 10 x 100, bursts, 10 a thousand": Case(
        Service(rounds=30, incidents=30, lasts=10), Service(incidents=10, lasts=10)
    ),
}  # fmt: skip


def rises(times: float) -> dict[str, Case]:
    """Return true rises of so many margins."""
    found = {f"{name}, 0 -> 1 % fail": rise({}, {"rate": 0.01}, times, **how) for name, how in SIZES.items()}
    found |= {
        "10 x 100, 1 -> 3 % fail": rise({"rate": 0.01}, {"rate": 0.03}, times),
        "30 x 100, 1 -> 2 % fail": rise({"rate": 0.01}, {"rate": 0.02}, times, rounds=30),
        "30 x 100, 5 -> 10 % fail": rise({"rate": 0.05}, {"rate": 0.10}, times, rounds=30),
        "30 x 300, 1 -> 2 % fail": rise({"rate": 0.01}, {"rate": 0.02}, times, rounds=30, each=300),
        "10 x 100, bursts of ten, 2 -> 6": rise({"incidents": 2}, {"incidents": 6}, times, **BURSTS),
        "30 x 100, bursts of ten, 3 -> 12": rise({"incidents": 3}, {"incidents": 12}, times, rounds=30, **BURSTS),
        "1 x 3000, bursts of ten, 3 -> 12": rise(
            {"incidents": 3}, {"incidents": 12}, times, rounds=1, each=3000, **BURSTS
        ),
        "30 x 100, bad rounds, 1 -> 4": rise(
            {"incidents": 1}, {"incidents": 4}, times, rounds=30, lasts=100, loss=0.3, whole=True
        ),
    }
    return found


def rare() -> dict[str, Case]:
    """Return rises made of incidents so rare that many runs meet none."""
    return {
        f"{name}, {mean:g} incident of ten a run": rise({}, {"incidents": mean}, **BURSTS, **how)
        for mean in (0.5, 1)
        for name, how in SIZES.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fifth of the pairs: under a minute")
    trials = 200 if parser.parse_args().quick else 1000
    began = time.perf_counter()
    scene("A/A: nothing changed; per cent of pairs", SAME, trials, "regressed", 0.03, rivals=True)
    scene("a true rise equal to the margin: stable is false", rises(1), trials, "stable", 0.05)
    scene("a true rise of twice the margin: stable is false", rises(2), trials, "stable", 0.05)
    scene("a rise equal to the margin, of incidents that many runs never meet", rare(), trials, "stable", 0.05)
    power = {name: replace(case, margin=MARGIN) for name, case in rises(1).items() if "fail" in name}
    scene("the rises above, margin half a point", power, trials, "regressed", rivals=True)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
