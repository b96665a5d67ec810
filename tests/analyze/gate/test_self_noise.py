"""What A/A pairs show, against noise of known size; and what a judgement makes of it."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stabkit.analyze.gate.evaluation import evaluate_gate
from stabkit.analyze.gate.self_noise import SelfPair, alarm_bounds, measure_noise
from stabkit.analyze.latency.slow_requests import compare_slow_requests
from stabkit.analyze.outcome import Gate
from stabkit.analyze.sides import RunEvidence
from stabkit.analyze.statistics.bounds import RunNoise
from stabkit.analyze.statistics.metric_noise import MetricNoise
from stabkit.config import Config
from stabkit.report.words.gaps import detail_text
from stabkit.schema import Evidence

CONFIG = Config.model_validate(
    {"condition": [{"name": "times", "kind": "latency", "target": "api", "metric": "response_time"}]}
)
START = pd.Timestamp("2026-01-01", tz="UTC")


def run(
    seed: int, *, shift: float = 0.0, phi: float = 0.0, rounds: int = 10, each: int = 150, name: str = "r", **row: Any
) -> RunEvidence:
    """Return a run of log-normal times, sd 10 %, AR(1) within each round, moved by ``shift`` on logs."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((rounds, each))
    for i in range(1, each) if phi else ():
        z[:, i] = phi * z[:, i - 1] + math.sqrt(1 - phi**2) * z[:, i]
    times = 20 * np.exp(shift + 0.1 * z).ravel()
    frame = pd.DataFrame(
        {
            "target": "api",
            "metric": "response_time",
            "round": np.repeat(np.arange(rounds), each),
            "sequence": np.arange(times.size),
            "due_at": START + pd.to_timedelta(np.arange(times.size) * 50, unit="ms"),
            "service_ms": times,
            "response_ms": times,
            "late_ms": 0.01,
            "connection": "reused",
            "warmup": False,
            "ok": True,
        }
    )
    known = {"run_id": f"{name}-{seed}", "environment": "local", "collection_id": None, "complete": True, **row}
    return RunEvidence(known, Evidence.of(samples=frame))


def pairs(
    count: int, *, between: float = 0.0, within: float = 0.0, sitting: str = "s", seed: int = 1, **how: Any
) -> list[SelfPair]:
    """Return A/A pairs: ``between`` moves both runs of a pair alike, ``within`` each by itself (sd on logs)."""
    rng = np.random.default_rng([77, seed])
    found = []
    for number in range(count):
        shared, own = between * rng.standard_normal(), within * rng.standard_normal(2)
        sides = [
            run(1000 * seed + 2 * number + i, shift=shared + float(own[i]), collection_id=f"{sitting}{number}", **how)
            for i in range(2)
        ]
        found.append(SelfPair(sitting, sides[0], sides[1]))
    return found


def only(found: tuple[MetricNoise, ...]) -> MetricNoise:
    (noise,) = found
    return noise


def test_identical_runs_are_stable_and_their_size_is_told() -> None:
    noise = only(measure_noise(pairs(12), CONFIG))
    assert (noise.target, noise.metric, noise.connection) == ("api", "response_time", "reused")
    assert (noise.pairs, noise.rounds, noise.samples) == (12, 10, 1500)
    assert noise.stable + noise.improved + noise.regressed + noise.inconclusive == 12
    assert noise.stable >= 10
    assert (noise.alarms_low, noise.alarms_high) == alarm_bounds(noise.regressed + noise.improved, 12)
    # The median of 1500 such values has a standard error of 0.1 * 1.2533 / sqrt(1500), its log ratio √2 times that.
    assert noise.pair_sd == pytest.approx(0.1 * 1.2533 / math.sqrt(1500) * math.sqrt(2), rel=0.5)
    assert abs(noise.lag1 or 1) < 0.06
    assert 900 < (noise.effective_n or 0) <= 1500
    assert 0.005 < (noise.decidable_margin or 0) < 0.05
    assert not noise.unfit


def test_noise_between_runs_is_seen_between_pairs_and_not_within() -> None:
    noise = only(measure_noise(pairs(30, between=0.05), CONFIG))
    assert noise.run_sd == pytest.approx(math.sqrt(2) * 0.05, rel=0.35)
    assert noise.pair_sd is not None
    assert noise.pair_sd < 0.01, "what both runs of a pair share cancels"
    assert noise.run_df == 29
    assert noise.run_noise is not None
    assert noise.run_noise["p50"].sd == noise.run_sd
    assert noise.run_noise["p99"].sd == noise.tail_run_sd


def test_correlated_neighbours_are_worth_less() -> None:
    noise = only(measure_noise(pairs(6, phi=0.8, each=200), CONFIG))
    assert noise.lag1 == pytest.approx(0.8, abs=0.06)
    assert (noise.effective_n or 0) < 0.5 * noise.samples


def test_one_pair_says_nothing_of_separate_runs() -> None:
    noise = only(measure_noise(pairs(1), CONFIG))
    assert (noise.run_sd, noise.run_noise, noise.run_df) == (None, None, 0)
    assert (noise.alarms_low, noise.pairs) == (0.0, 1)


def test_sittings_are_not_mixed_up_and_the_larger_spread_counts() -> None:
    calm = pairs(4, sitting="a", seed=1)
    moved = pairs(4, sitting="b", seed=2)
    moved = [
        SelfPair("b", run(900 + i, shift=0.2, name="x"), run(950 + i, shift=0.2, name="y")) for i in range(len(moved))
    ]
    apart = only(measure_noise([*calm, *moved], CONFIG))
    alone = only(measure_noise(calm, CONFIG))
    assert apart.run_df == 6
    assert (apart.run_sd or 0) > 10 * (alone.run_sd or 1), "a system that moved between sittings leaves verdicts open"


def test_pairs_without_whole_evidence_do_not_count() -> None:
    assert measure_noise([], CONFIG) == ()
    broken = [
        SelfPair("s", run(1, complete=False), run(2)),
        SelfPair("s", RunEvidence({"complete": True}, Evidence()), run(2)),
    ]
    assert measure_noise(broken, CONFIG) == ()


def test_a_handful_of_samples_is_counted_and_measures_nothing() -> None:
    noise = only(measure_noise(pairs(3, rounds=1, each=3), CONFIG))
    assert (noise.inconclusive, noise.pair_sd, noise.run_sd, noise.effective_n) == (3, None, None, None)


@pytest.mark.parametrize("n", [1, 20, 100])
def test_alarm_bounds_are_exact(n: int) -> None:
    low, high = alarm_bounds(0, n)
    assert low == 0
    assert (1 - high) ** n == pytest.approx(0.025), "the largest rate that would still show none"
    assert alarm_bounds(n, n) == pytest.approx((1 - high, 1.0))


def judged(noise: tuple[MetricNoise, ...], *, shift: float = 0.0, paired: bool = False) -> Gate:
    together = {"collection_id": "c"} if paired else {}
    before, after = (run(5000 + i, shift=moved, **together) for i, moved in enumerate((0.0, shift)))
    return evaluate_gate(CONFIG, before, after, noise=noise)


def reasons(gate: Gate) -> set[str]:
    return {need.reason for result in gate.conditions for need in result.needs}


def test_separate_runs_need_known_noise_to_be_stable() -> None:
    unknown = judged(())
    assert unknown.verdict == "inconclusive"
    assert "run_noise_unknown" in reasons(unknown)
    quiet = measure_noise(pairs(15), CONFIG)
    assert judged(quiet).verdict == "stable"
    assert judged(quiet, shift=math.log(1.2)).verdict == "regressed"


def test_loud_noise_leaves_separate_runs_open() -> None:
    loud = measure_noise(pairs(15, between=0.08), CONFIG)
    for shift in (0.0, math.log(1.1)):
        gate = judged(loud, shift=shift)
        assert gate.verdict == "inconclusive"
        assert "run_noise_unknown" not in reasons(gate)
    assert judged(loud, paired=True).verdict == "stable", "interleaved rounds need none of it"


def test_noise_of_another_population_covers_nothing() -> None:
    fresh = tuple(
        MetricNoise(**{**noise.__dict__, "connection": "fresh"}) for noise in measure_noise(pairs(15), CONFIG)
    )
    assert "run_noise_unknown" in reasons(judged(fresh))


def test_where_identical_systems_alarm_nothing_is_judged() -> None:
    unfit = measure_noise(pairs(12, within=0.3), CONFIG)
    assert only(unfit).unfit, only(unfit).alarms
    for paired in (True, False):
        for shift in (0.0, math.log(1.5)):
            gate = judged(unfit, shift=shift, paired=paired)
            assert gate.verdict == "inconclusive"
            assert "false_alarms" in reasons(gate)
    found = next(need for result in judged(unfit).conditions for need in result.needs)
    alarms = only(unfit).regressed + only(unfit).improved
    assert dict(found.numbers) == {"alarms": alarms, "pairs": 12, "least_share": only(unfit).alarms_low}
    assert detail_text(found).startswith(f"{alarms} of 12 A/A pairs came out as a change")


def test_a_later_judgement_takes_the_confidence_of_the_last_look() -> None:
    looks = '[{"rounds": 10, "share": 0.4, "confidence": 0.9981}]'
    before, after = run(1, collection_id="c"), run(2, collection_id="c", looks=looks)
    strict, plain = evaluate_gate(CONFIG, before, after), evaluate_gate(CONFIG, before, after, confidence=0.95)
    assert (strict.confidence, plain.confidence) == (0.9981, 0.95)
    widths = [gate.conditions[0].estimates[0] for gate in (strict, plain)]
    assert widths[0].high is not None
    assert widths[1].high is not None
    assert widths[0].high > widths[1].high


SLOW_REQUESTS = {"kind": "slow_requests", "target": "api", "metric": "response_time", "margin": 0.08}
SLOW = Config.model_validate({"condition": [{"name": "slow", **SLOW_REQUESTS}]})


def slow_gate(noise: tuple[MetricNoise, ...], *, shift: float = 0.0) -> Gate:
    before, after = run(5000, each=400), run(5001, each=400, shift=shift)
    return evaluate_gate(SLOW, before, after, noise=noise)


def test_known_noise_covers_the_share_of_slow_requests_too() -> None:
    assert "run_noise_unknown" in reasons(slow_gate(()))
    quiet = measure_noise(pairs(15), CONFIG)
    assert slow_gate(quiet).verdict == "stable"
    assert slow_gate(quiet, shift=math.log(1.2)).verdict == "regressed"
    loud = measure_noise(pairs(15, between=0.08), CONFIG)
    for shift in (0.0, math.log(1.1)):
        assert slow_gate(loud, shift=shift).verdict == "inconclusive", "such a shift is what separate runs do anyway"


def test_noise_only_widens_the_share_of_slow_requests() -> None:
    before, after = (run(seed).evidence["samples"] for seed in (1, 2))
    found = [
        compare_slow_requests(before, after, paired=False, run_noise=RunNoise(sd, 12))[0]
        for sd in (0.0, 0.01, 0.05, 0.5)
    ]
    for narrow, wide in pairwise(found):
        assert narrow.low is not None
        assert narrow.high is not None
        assert wide.low is not None
        assert wide.high is not None
        assert wide.low <= narrow.low <= narrow.high <= wide.high
    paired = [compare_slow_requests(before, after, run_noise=noise)[0] for noise in (None, RunNoise(0.5, 12))]
    assert paired[0] == paired[1]
