"""Journeys: protected, at risk, regressed, unguarded; tied to what changed."""

import pandas as pd
import pytest

from stabkit.analyze.change import journey_states
from stabkit.analyze.outcome import ConditionResult, Gate
from stabkit.config import Config, Journey
from stabkit.schema import conform, empty


def states(journeys, *conditions, checks=None, paths=()):
    rows = [{"path": path, "status": "modified"} for path in paths]
    changes = conform("changes", pd.DataFrame(rows)) if rows else empty("changes")
    config = Config(journeys=tuple(Journey.model_validate(journey) for journey in journeys))
    known = empty("checks") if checks is None else conform("checks", pd.DataFrame(checks))
    return journey_states(config, Gate("stable", conditions), known, changes)


def condition(name, outcome, kind="latency", target=None):
    return ConditionResult(name, kind, outcome, target=target)


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        (("stable",), "protected"),
        (("improved", "stable"), "protected"),
        (("stable", "inconclusive"), "at_risk"),
        (("stable", "regressed", "inconclusive"), "regressed"),
        ((), "unguarded"),
    ],
)
def test_the_worst_guard_decides(outcomes, state):
    guards = [condition(f"c{number}", outcome) for number, outcome in enumerate(outcomes)]
    (found,) = states([{"name": "buy", "guarded_by": [guard.name for guard in guards]}], *guards)
    assert found.state == state


def test_a_guard_that_is_not_there_is_no_guard():
    kept = condition("c", "stable")
    lost, part = states([{"name": "a", "guarded_by": ["gone"]}, {"name": "b", "guarded_by": ["c", "gone"]}], kept)
    assert (lost.state, part.state) == ("unguarded", "at_risk")
    assert [(guard.name, guard.outcome) for guard in part.guards] == [("gone", None), ("c", "stable")]


def test_suites_and_checks_guard_too():
    suite = condition("unit tests", "stable", kind="tests", target="unit")
    rows = [{"target": "api", "check": "status", "outcome": outcome} for outcome in ("pass", "fail")]
    journeys = [
        {"name": "by suite", "suites": ["unit"]},
        {"name": "by check", "checks": ["api: status"]},
        {"name": "by other", "suites": ["flow"], "checks": ["speed"]},
    ]
    found = {one.journey.name: one.state for one in states(journeys, suite, checks=rows)}
    assert found == {"by suite": "protected", "by check": "regressed", "by other": "unguarded"}


def test_those_that_the_change_touches_come_first_of_their_state():
    journeys = [
        {"name": "quiet", "paths": ["docs/"], "share": 0.9},
        {"name": "touched", "paths": ["shop/**/*.py"], "share": 0.1},
        {"name": "kept", "guarded_by": ["c"]},
    ]
    found = states(journeys, condition("c", "stable"), paths=["shop/a/b.py", "web/app.js"])
    assert [one.journey.name for one in found] == ["touched", "quiet", "kept"]
    assert found[0].touched == ("shop/a/b.py",)
