"""Unchanged pairs judged as they are and with planted changes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stabkit.analyze import RunEvidence, to_json
from stabkit.analyze.gate.backtest import PLANTED_PAIRS, UnchangedPair, _moved, least_caught, run_backtest
from stabkit.analyze.gate.planting import PLANTS, Plant, plant
from stabkit.analyze.outcome import Estimate
from stabkit.config import Config
from stabkit.runs import new_run
from stabkit.schema import Evidence, conform

ROUNDS = 12


def samples(seed, *, target="api", each=60, unsteady=0.01):
    rng = np.random.default_rng(seed)
    count = ROUNDS * each
    times = 20 * np.exp(0.06 * rng.standard_normal(count) + np.repeat(unsteady * rng.standard_normal(ROUNDS), each))
    requests = pd.DataFrame(
        {
            "target": target, "metric": "response_time", "round": np.repeat(np.arange(ROUNDS), each),
            "sequence": np.arange(count), "response_ms": times, "service_ms": times, "late_ms": 0.01,
            "connection": "reused", "warmup": False, "ok": True,
        }
    )  # fmt: skip
    memory = pd.DataFrame(
        {
            "target": target, "metric": "memory", "round": np.arange(ROUNDS), "sequence": np.arange(ROUNDS),
            "value": 100 * np.exp(0.002 * rng.standard_normal(ROUNDS)), "unit": "MB", "ok": True,
        }
    )  # fmt: skip
    return conform("samples", pd.concat([requests, memory], ignore_index=True))


def pairs(count, make=samples, **how):
    found = []
    for number in range(count):
        sides = [
            RunEvidence(
                pd.Series(new_run(label=f"{number}{side}", collection_id=f"c{number}")),
                Evidence({"samples": make(2 * number + place, **how)}),
            )
            for place, side in enumerate("ab")
        ]
        found.append(UnchangedPair("aa", *sides))
    return tuple(found)


def conditions(*rules):
    return Config.model_validate({"condition": list(rules)})


TIMES = {"name": "times", "kind": "latency", "target": "api", "metric": "response_time"}


def test_what_did_not_change_is_counted_and_what_is_planted_is_caught():
    found = run_backtest(pairs(6), Config())
    assert found.verdicts.total == len(found.pairs) == 6
    assert found.verdicts.regressed == 0
    assert found.alarms_high == pytest.approx(1 - 0.025 ** (1 / 6))
    times, errors, memory = found.conditions
    assert (times.kind, errors.kind, memory.kind) == ("latency", "error_rate", "resource")
    assert times.unchanged.stable == 6
    shares = {one.plant.factor: one.caught for one in times.planted if one.plant.share == 1}
    assert shares[1.5] == shares[1.1] == 1
    assert shares[1.02] < 1
    assert not any(one.missed for one in times.planted)
    assert {one.plant.judges for one in errors.planted} == {"failures"}
    assert errors.planted[-1].caught == 1
    assert least_caught(times.planted, "times").factor in (1.05, 1.1)
    assert found.not_backtested == ()


def test_equal_seeds_give_equal_results():
    assert to_json(run_backtest(pairs(2), Config())) == to_json(run_backtest(pairs(2), Config()))


def test_the_margin_that_is_carried_is_the_one_that_four_of_five_pairs_keep():
    config = conditions({**TIMES, "margin": 0.001})
    (times,) = run_backtest(pairs(5), config).conditions
    median = next(margin for margin in times.margins if margin.quantity == "p50")
    assert times.unchanged.stable == 0
    assert median.too_narrow
    wide = conditions({**TIMES, "margin": median.carries * 1.0001, "tail_margin": 1.0})
    narrow = conditions({**TIMES, "margin": median.carries * 0.9999, "tail_margin": 1.0})
    assert run_backtest(pairs(5), wide).conditions[0].unchanged.stable == 4
    assert run_backtest(pairs(5), narrow).conditions[0].unchanged.stable == 3


def test_the_tail_is_told_in_the_margin_that_is_configured():
    (times,) = run_backtest(pairs(5), conditions({**TIMES, "tail_margin": 0.4})).conditions
    tail = next(margin for margin in times.margins if margin.quantity == "tail")
    assert tail.margin == 0.4
    assert 0 < tail.carries < 0.4


def test_a_change_of_one_target_is_judged_among_all_the_others():
    two = pairs(3, make=lambda seed: pd.concat([samples(seed), samples(100 + seed, target="web")], ignore_index=True))
    found = run_backtest(two, Config())
    largest = next(one for one in found.planted if one.plant == Plant("times", factor=1.5))
    assert largest.outcomes.total == 6  # three pairs, each with one of two targets changed
    assert largest.outcomes.regressed == 6
    assert all(one.planted[0].outcomes.total == 3 for one in found.conditions)


def test_conditions_that_judge_items_or_find_no_samples_are_named():
    config = conditions(
        TIMES,
        {"name": "unit", "kind": "tests", "target": "unit"},
        {"name": "web times", "kind": "latency", "target": "web"},
        {"name": "every finding", "kind": "findings"},
    )
    found = run_backtest(pairs(1), config)
    assert [(one.name, one.reason) for one in found.not_backtested] == [
        ("unit", "items"), ("web times", "no_samples"), ("every finding", "items"),
    ]  # fmt: skip
    assert [one.name for one in found.conditions] == ["times"]


def test_a_condition_without_gating_is_counted_and_decides_nothing():
    config = conditions(
        TIMES, {"name": "memory", "kind": "resource", "target": "api", "metric": "memory", "gating": False}
    )
    found = run_backtest(pairs(2), config)
    readings = [one for one in found.planted if one.plant.judges == "readings"]
    assert not any(one.outcomes.regressed or one.missed for one in readings)
    assert found.conditions[1].planted[-1].caught == 1


def test_without_pairs_nothing_is_claimed():
    found = run_backtest((), conditions(TIMES))
    assert (found.pairs, found.conditions, found.planted) == ((), (), ())
    assert (found.alarms_low, found.alarms_high) == (0.0, 1.0)
    assert found.not_backtested[0].reason == "no_samples"


def test_changes_are_planted_into_the_newest_pairs_alone():
    found = run_backtest(pairs(PLANTED_PAIRS + 1, each=10), conditions(TIMES))
    assert found.conditions[0].unchanged.total == PLANTED_PAIRS + 1
    assert {one.outcomes.total for one in found.conditions[0].planted} == {PLANTED_PAIRS}


class TestPlanting:
    @pytest.mark.parametrize("change", PLANTS)
    def test_changes_what_is_chosen_and_nothing_else(self, change):
        frame = samples(1)
        chosen = frame["metric"] == ("memory" if change.judges == "readings" else "response_time")
        before = frame.copy(deep=True)
        planted = plant(change, frame, chosen, seed=1)
        pd.testing.assert_frame_equal(frame, before)
        pd.testing.assert_frame_equal(planted[~chosen], frame[~chosen])
        conform("samples", planted)
        column = "value" if change.judges == "readings" else "response_ms"
        moved = (planted[column] != frame[column])[chosen]
        assert moved.mean() == pytest.approx(change.share, abs=0.002)
        if change.factor is None:
            failed = planted[~planted["ok"].astype(bool)]
            assert len(failed) == moved.sum()
            assert failed[["response_ms", "service_ms", "late_ms", "status"]].isna().all(axis=None)

    def test_of_few_requests_one_changes_at_least(self):
        frame = samples(1).head(8)
        planted = plant(Plant("failures", share=0.01), frame, frame["ok"].astype(bool), seed=1)
        assert int((~planted["ok"].astype(bool)).sum()) == 1

    def test_where_less_is_worse_a_reading_is_divided(self):
        frame = samples(1)
        memory = frame["metric"] == "memory"
        planted = plant(Plant("readings", factor=2.0), frame, memory, seed=1, worse="lower")
        assert np.allclose(planted.loc[memory, "value"], frame.loc[memory, "value"] / 2)

    def test_failed_requests_stay_as_they_are(self):
        frame = samples(1).head(100).assign(ok=False, response_ms=np.nan)
        planted = plant(Plant("failures", share=0.05), frame, frame["round"].notna(), seed=1)
        pd.testing.assert_frame_equal(planted, frame)


def test_what_moves_within_its_margin_is_not_missed_but_right():
    (times,) = run_backtest(pairs(2), conditions({**TIMES, "margin": 0.3, "tail_margin": 0.6})).conditions
    came = {one.plant.factor: one for one in times.planted if one.plant.share == 1}
    assert (came[1.2].outcomes.stable, came[1.2].missed) == (2, 0)
    assert came[1.5].caught == 1


@pytest.mark.parametrize(
    ("scale", "worse", "before", "after", "beyond"),
    [
        ("ratio", "higher", 1.0, 1.05, False), ("ratio", "higher", 1.02, 1.02 * 1.06, True),
        ("ratio", "lower", 1.0, 0.94, True), ("ratio", "lower", 1.0, 1.5, False),
        ("difference", "higher", 0.01, 0.07, True), ("difference", "higher", 0.01, 0.05, False),
    ],
)  # fmt: skip
def test_beyond_is_by_how_far_the_estimate_itself_moved(scale, worse, before, after, beyond):
    unmoved = Estimate("p50", "ms", scale, "stable", change=before, margin=0.05, worse=worse)
    assert _moved(unmoved, replace(unmoved, change=after), limit=False) is beyond
    assert _moved(unmoved, replace(unmoved, change=after, margin=0.06), limit=True) is (after > 0.06)
