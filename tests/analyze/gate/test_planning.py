"""One number of rounds for a whole gate."""

import numpy as np
import pandas as pd
import pytest

from stabkit.analyze import RunEvidence, Sides
from stabkit.analyze.gate import evaluate_gate
from stabkit.analyze.gate.planning import plan_collection
from stabkit.analyze.outcome import ConditionResult, Need
from stabkit.config import Config
from stabkit.schema import Evidence

NAMES = ("a", "b", "c")
CONFIG = Config.model_validate(
    {"condition": [{"name": n, "kind": "latency", "target": n, "metric": "response_time"} for n in NAMES]}
)
START = pd.Timestamp("2026-01-01", tz="UTC")


def side(seed: int, rounds: int, *, sd: float = 0.12, every_s: float = 2.0) -> RunEvidence:
    rng = np.random.default_rng(seed)
    frames = []
    for name in NAMES:
        level = np.repeat(0.04 * rng.standard_normal(rounds), 50)
        times = 20 * np.exp(sd * rng.standard_normal(rounds * 50) + level)
        number = np.repeat(np.arange(rounds), 50)
        frames.append(
            pd.DataFrame(
                {
                    "target": name, "metric": "response_time", "round": number, "sequence": np.arange(number.size),
                    "due_at": START + pd.to_timedelta(number * every_s, unit="s"), "response_ms": times,
                    "service_ms": times, "late_ms": 0.0, "own_late_ms": 0.0, "connection": "reused", "warmup": False,
                    "ok": True,
                }
            )
        )  # fmt: skip
    run = {"run_id": str(seed), "environment": "local", "collection_id": "c", "complete": True}
    return RunEvidence(run, Evidence.of(samples=pd.concat(frames, ignore_index=True)))


def test_what_is_decided_needs_no_plan():
    gate = evaluate_gate(CONFIG, side(1, 60), side(2, 60))
    assert (gate.verdict, gate.plan) == ("stable", None)


def test_the_plan_covers_every_open_condition_and_those_that_have_to_be_shown_again():
    gate = evaluate_gate(CONFIG, side(1, 8), side(2, 8))
    assert gate.verdict == "inconclusive"
    asked = [8 + need.amount for c in gate.conditions for need in c.needs if need.unit == "rounds" and need.amount]
    assert gate.plan.rounds >= max(asked)
    assert gate.plan.seconds == pytest.approx(2.0 * gate.plan.rounds)


def test_followed_once_it_decides_four_gates_of_five():
    decided = tried = 0
    for seed in range(40):
        gate = evaluate_gate(CONFIG, side(10 * seed, 8), side(10 * seed + 1, 8))
        if gate.plan is None:
            continue
        tried += 1
        again = evaluate_gate(CONFIG, side(10 * seed + 2, gate.plan.rounds), side(10 * seed + 3, gate.plan.rounds))
        decided += again.verdict == "stable"
    assert tried >= 20
    assert decided >= 0.7 * tried  # 80 % within the error of so few


def test_doubts_that_rounds_do_not_take_away_ask_for_none():
    sides = Sides(CONFIG, side(1, 8), side(2, 8))
    noise = ConditionResult("a", "latency", "inconclusive", needs=(Need(None, "evidence", "prober_late"),))
    assert plan_collection([noise], sides) is None


def test_failures_that_are_open_are_planned_for_by_the_requests_of_a_round():
    """500 requests without a failure leave half a point open; 765 show it, which are 16 rounds of 50, and a reserve."""
    rule = {"name": "errors", "kind": "error_rate", "target": "a", "metric": "response_time"}
    gate = evaluate_gate(Config.model_validate({"condition": [rule]}), side(1, 10), side(2, 10))
    assert gate.verdict == "inconclusive"
    assert 16 <= gate.plan.rounds <= 22
