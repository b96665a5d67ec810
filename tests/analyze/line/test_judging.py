"""One statistic of a run against the runs of its line, where the truth is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from stabkit.analyze import RunValue
from stabkit.analyze.line import FEWEST_RUNS, judge_on_line
from stabkit.analyze.line.baseline import accepted_level, recent_level
from stabkit.analyze.line.interval import extra_variance
from stabkit.analyze.line.judging import slower_versions
from stabkit.analyze.line.need import line_need
from stabkit.analyze.line.noise import LineNoise, line_noise

MARGIN = math.log1p(0.10)


def line(seed: int, n: int, sd: float = 0.01, level: float = 0.0) -> list[RunValue]:
    return [RunValue(3.0 + level + sd * z) for z in np.random.default_rng(seed).standard_normal(n)]


def judged(history, value, margin=MARGIN, repeat=None):
    again = [] if repeat is None else [RunValue(3.0 + repeat)]
    return judge_on_line(history, RunValue(3.0 + value), margin, repeats=again)


# --- noise ------------------------------------------------------------------------------------------------------------


def test_a_step_is_no_noise_and_costs_a_degree_of_freedom():
    steady, moved = line(1, 12), [*line(1, 12), *line(2, 12, level=0.3)]
    assert line_noise(moved).starts == (0, 12)
    assert line_noise(moved).df == 22
    assert line_noise(moved).sd < 2 * line_noise(steady).sd


def test_runs_far_off_are_noise_of_the_next_run_too():
    odd = [RunValue(run.value + (0.10 if place % 6 == 5 else 0.0)) for place, run in enumerate(line(3, 24, sd=0.005))]
    assert line_noise(odd).sd > 0.03


def test_what_varied_lately_counts_and_a_quiet_week_does_not():
    wild, quiet = line(4, 20, sd=0.005), line(5, 8, sd=0.05)
    grown, calmed = line_noise([*wild, *quiet]), line_noise([*line(5, 20, sd=0.05), *line(4, 8, sd=0.005)])
    assert grown.grew
    assert grown.sd >= np.std([run.value for run in quiet]) * 0.9
    assert not calmed.grew
    assert calmed.sd > 0.02


def test_a_clock_that_is_coarse_never_means_no_noise():
    assert line_noise([RunValue(3.0, floor=0.02)] * 6).sd == 0.02


# --- levels -----------------------------------------------------------------------------------------------------------


def test_a_level_is_of_ten_runs_at_most_and_of_one_segment():
    history = line(6, 20, sd=0.001)
    assert recent_level(history, LineNoise(1.0, 19, (0,))).count == 10
    assert recent_level(history, LineNoise(1.0, 18, (0, 16))).count == 4


def test_a_level_that_is_not_settled_is_said_to_be_so():
    found = judged([*line(7, 12, sd=0.01), RunValue(3.06)], 0.06)
    assert found.recent.count == 1
    assert not found.recent.settled


def test_creep_is_shown_by_the_level_that_does_not_move():
    runs = [RunValue(3.0 + 0.005 * max(0, place - 9) + 0.002 * (-1) ** place) for place in range(30)]
    found = judge_on_line(runs, RunValue(3.105), MARGIN, repeats=[RunValue(3.104)])
    assert found.against.at(0.025)[1] < MARGIN  # the newest runs alone would pass it
    assert found.outcome != "stable"
    assert found.crept
    assert found.level_runs == tuple(runs[:10])


def test_an_accepted_level_begins_anew():
    moved = [*line(8, 12), *(replace(run, accepted=n == 0) for n, run in enumerate(line(9, 6, level=0.3)))]
    assert accepted_level(moved).first == 12
    assert judged(moved, 0.3).outcome == "stable"
    assert judged([replace(run, accepted=False) for run in moved], 0.3).outcome != "stable"


# --- outcomes ---------------------------------------------------------------------------------------------------------


def test_too_few_runs_say_nothing():
    assert judged(line(10, FEWEST_RUNS - 1), 0.0) is None
    assert judged(line(10, FEWEST_RUNS), 0.0) is not None


def test_slower_is_red_only_if_it_repeats():
    history = line(11, 10)
    once, twice, not_again = (judged(history, 0.2, repeat=repeat) for repeat in (None, 0.19, 0.0))
    assert [found.outcome for found in (once, twice, not_again)] == ["inconclusive", "regressed", "inconclusive"]
    assert once.slower
    assert once.need.reason == "not_repeated"
    assert once.need.side == "candidate"
    assert dict(once.need.numbers)["slower_share"] == pytest.approx(math.expm1(once.against.change))


def test_faster_mirrors_slower():
    history = line(11, 10)
    assert [judged(history, -0.2, repeat=repeat).outcome for repeat in (None, -0.19, 0.0)] == [
        "stable",
        "improved",
        "stable",
    ]


def test_inside_the_margin_is_stable_though_it_is_slower():
    found = judged(line(12, 20, sd=0.003), 0.03, repeat=0.03)
    assert found.outcome == "stable"
    assert found.against.at(found.error)[0] > 0


def test_a_wider_margin_never_loses_stable_and_more_confidence_never_gains_it():
    for seed in range(40):
        history, value = line(seed, 8, sd=0.02), 0.02 * np.random.default_rng(seed).standard_normal()
        narrow, wide = (judged(history, value, math.log1p(margin)).outcome for margin in (0.05, 0.2))
        assert not (narrow == "stable" and wide != "stable")
        surer = judge_on_line(history, RunValue(3.0 + value), MARGIN, error=0.001).outcome
        assert not (surer == "stable" and judged(history, value).outcome != "stable")


def test_what_was_slower_twice_is_no_measure_until_it_is_accepted():
    step = [replace(run, version="step") for run in line(13, 2, level=0.2)]
    history = [*line(14, 12), *step]
    assert slower_versions(history, MARGIN) == {"step"}
    assert len(judged(history, 0.2).runs) == 12
    accepted = [*history[:12], replace(step[0], accepted=True), step[1]]
    assert slower_versions(accepted, MARGIN) == frozenset()
    assert len(judged(accepted, 0.2).runs) == 14


def test_one_run_of_each_build_after_a_step_is_never_green():
    for later in range(1, 15):
        history = [*line(15, 20, sd=0.02), *line(16, later, sd=0.02, level=math.log1p(0.25))]
        assert judged(history, math.log1p(0.25), math.log1p(0.15)).outcome != "stable", later


def test_fewer_requests_widen_the_interval():
    history = [RunValue(run.value, 1e-6, 9, 1000) for run in line(17, 10)]
    few, many = (RunValue(3.0, 4e-3, 9, n) for n in (100, 1000))
    assert judge_on_line(history, many, MARGIN).outcome == "stable"
    found = judge_on_line(history, few, MARGIN)
    assert found.outcome == "inconclusive"
    assert found.against.extra > 0


# --- what would decide ------------------------------------------------------------------------------------------------


def test_need_followed_decides_in_four_of_five():
    rng = np.random.default_rng(18)
    decided = asked = 0
    for _ in range(300):
        history = [RunValue(3.0 + 0.025 * z) for z in rng.standard_normal(4)]
        found = judge_on_line(history, RunValue(3.0 + 0.025 * rng.standard_normal()), MARGIN)
        if found.need is None or found.need.reason != "short_line":
            continue
        more = [RunValue(3.0 + 0.025 * z) for z in rng.standard_normal(found.need.amount)]
        again = judge_on_line([*history, *more], RunValue(3.0 + 0.025 * rng.standard_normal()), MARGIN)
        asked += 1
        decided += again.outcome in ("stable", "improved")
    assert asked > 50
    assert decided / asked > 0.7


def test_noise_that_no_run_takes_away_names_the_margin_within_reach():
    level = recent_level(line(19, 20), LineNoise(0.1, 19, (0,)))
    need = line_need(LineNoise(0.1, 19, (0,)), level, MARGIN)
    assert (need.amount, need.about) == (None, "line_noise")
    assert 0.25 < need.decidable_margin < 0.45


def test_whoever_runs_a_slow_version_until_it_looks_fast_proves_nothing():
    history = line(14, 10)
    slow, fast = RunValue(3.2), RunValue(3.0)
    found = {
        name: judge_on_line(history, fast, MARGIN, repeats=repeats)
        for name, repeats in (("one", [slow]), ("two", [slow, slow]), ("most", [slow, fast]), ("all", [fast, fast]))
    }
    assert {name: one.outcome for name, one in found.items()} == {
        "one": "inconclusive",
        "two": "inconclusive",
        "most": "stable",
        "all": "stable",
    }
    assert found["two"].need.about == "runs_disagree"


def test_what_is_not_known_of_a_candidate_makes_no_interval_narrow():
    runs = [RunValue(3.0, variance=1e-4, n=1000)] * 5
    level = recent_level(runs, LineNoise(0.01, 4, (0,)))
    assert extra_variance(RunValue(3.0, variance=math.inf, n=50), runs, level) == math.inf
