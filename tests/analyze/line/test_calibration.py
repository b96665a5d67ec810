"""Runs of a line brought to one pace of the machine, where their calibration tells it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from stabkit.analyze import RunValue
from stabkit.analyze.line import judge_on_line
from stabkit.analyze.line.calibration import FEWEST_CALIBRATED, calibration_of
from stabkit.analyze.line.noise import line_noise

MARGIN = math.log1p(0.05)


def paced(seed: int, n: int, *, machine: float = 0.03, own: float = 0.005, slower: float = 0.0) -> list[RunValue]:
    """Return runs whose machine varies by ``machine``, which their calibration tells, and whose service by ``own``."""
    rng = np.random.default_rng(seed)
    paces = slower + machine * rng.standard_normal(n)
    return [RunValue(3.0 + pace + own * z, calibration=1.6 + pace)
            for pace, z in zip(paces, rng.standard_normal(n), strict=True)]  # fmt: skip


def untold(runs: list[RunValue]) -> list[RunValue]:
    return [replace(run, calibration=None) for run in runs]


def test_what_the_machine_explains_is_no_noise_between_runs() -> None:
    runs = paced(1, 20)
    found = calibration_of(runs)
    assert found is not None
    assert found.slope == pytest.approx(1, abs=0.15)
    assert found.noise.sd < 0.009 < 0.015 < line_noise(runs).sd  # type: ignore[union-attr]
    assert found.noise.df == 18  # the slope takes one


def test_values_that_do_not_follow_the_machine_stay_as_they_are() -> None:
    rng = np.random.default_rng(2)
    runs = [RunValue(3.0 + 0.02 * z, calibration=1.6 + 0.03 * c) for z, c in rng.standard_normal((30, 2))]
    assert calibration_of(runs) is None
    assert not judge_on_line(runs, RunValue(3.0, calibration=1.6), MARGIN).calibrated  # type: ignore[union-attr]


def test_a_slope_takes_runs_that_all_have_a_calibration() -> None:
    runs = paced(3, FEWEST_CALIBRATED)
    assert calibration_of(runs) is not None
    assert calibration_of(runs[1:]) is None
    assert calibration_of([*runs[1:], replace(runs[0], calibration=None)]) is None
    assert calibration_of([replace(run, calibration=1.6) for run in runs]) is None  # nothing to follow


def test_a_machine_that_became_slower_is_no_slower_service() -> None:
    history, pair = paced(4, 24), paced(5, 2, machine=0.0, slower=0.09)
    seen = judge_on_line(history, pair[0], MARGIN, repeats=pair[1:])
    blind = judge_on_line(untold(history), untold(pair)[0], MARGIN, repeats=untold(pair)[1:])
    assert seen is not None
    assert blind is not None
    assert (seen.outcome, seen.calibrated) == ("stable", True)
    assert (blind.outcome, blind.calibrated) == ("regressed", False)


def test_a_slower_service_is_red_on_a_faster_machine_too() -> None:
    history = paced(6, 24)
    slower = [replace(run, value=run.value + 0.08) for run in paced(7, 2, slower=-0.06)]
    found = judge_on_line(history, slower[0], MARGIN, repeats=slower[1:])
    assert found is not None
    assert found.outcome == "regressed"
    assert judge_on_line(untold(history), untold(slower)[0], MARGIN).outcome != "regressed"  # type: ignore[union-attr]


def test_a_machine_far_from_all_that_was_seen_widens_the_interval() -> None:
    history = paced(8, 16, machine=0.005, own=0.001)
    near, far = (
        judge_on_line(history, RunValue(3.0 + pace, calibration=1.6 + pace), MARGIN).against  # type: ignore[union-attr]
        for pace in (0.0, 0.5)
    )
    assert far.se > 10 * near.se


def test_a_candidate_without_calibration_is_judged_as_before() -> None:
    history = paced(9, 20)
    found = judge_on_line(history, RunValue(3.0), MARGIN)
    assert found is not None
    assert found.against == judge_on_line(untold(history), RunValue(3.0), MARGIN).against  # type: ignore[union-attr]


def test_a_step_of_the_service_is_not_taken_for_the_machine() -> None:
    before, after = paced(10, 15), [replace(run, value=run.value + 0.3) for run in paced(11, 15)]
    found = calibration_of([*before, *after])
    assert found is not None
    assert found.slope == pytest.approx(1, abs=0.2)
    assert found.noise.starts == (0, 15)
