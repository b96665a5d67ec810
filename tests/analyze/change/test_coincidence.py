"""What got worse beside what changed, the nearest first; nothing says that one caused the other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stabkit.analyze.change import area_coincidence, suspects
from stabkit.analyze.outcome import ConditionResult, Gate
from stabkit.config import Area, Config
from stabkit.schema import empty
from tests.analyze.change.evidence import changes

SLOW = ConditionResult("api response time", "latency", "regressed", target="api", metric="response_time")
STABLE = ConditionResult("api errors", "error_rate", "stable", target="api")


def broken(what: str, state: str = "new_failing") -> Gate:
    return Gate("regressed", (ConditionResult("unit", "tests", "regressed", items=({"state": state, "what": what},)),))


def finding(path: str, state: str = "new") -> Gate:
    item = {"state": state, "what": "S101", "path": path}
    return Gate("regressed", (ConditionResult("scan", "findings", "regressed", items=(item,)),))


def test_a_regression_coincides_with_runtime_areas_only() -> None:
    frame = changes({}, {"path": "docs/a.md", "category": "doc", "area": "docs"})
    found = area_coincidence(frame, Gate("regressed", (SLOW, STABLE)))
    assert found[["condition", "area", "files", "added"]].to_numpy().tolist() == [["api response time", "app", 1, 3]]
    assert found["how"].isna().all(), "it only changed in the same range"


def test_nothing_changed_or_nothing_worse_coincides_with_nothing() -> None:
    assert area_coincidence(empty("changes"), Gate("regressed", (SLOW,))).empty
    assert area_coincidence(changes(), Gate("stable", (STABLE,))).empty
    assert suspects(empty("changes"), Gate("regressed", (SLOW,))) == ()
    assert suspects(changes(), Gate("stable", (STABLE,))) == ()


def test_what_is_tied_hides_what_merely_changed_as_well() -> None:
    config = Config(areas={"pay": Area(paths=("pay/",), targets=("api",))})
    frame = changes({"path": "pay/a.py", "area": "pay"}, {"path": "web/b.py", "area": "web"})
    found = area_coincidence(frame, Gate("regressed", (SLOW,)), config)
    assert found[["area", "how"]].to_numpy().tolist() == [["pay", "configured"]]
    assert [one.path for one in suspects(frame, Gate("regressed", (SLOW,)), config)] == ["pay/a.py"]


@pytest.mark.parametrize(
    ("row", "gate", "how", "near"),
    [
        ({}, finding("app/core.py"), "same_file", True),
        ({"old_path": "app/core.py", "path": "lib/core.py"}, finding("app/core.py"), "same_file", True),
        ({"path": "tests/test_core.py"}, broken("tests/test_core.py::test_a"), "same_file", True),
        ({"tests_reaching": {"tests/test_core.py": 1}}, broken("tests/test_core.py::test_a"), "imports", True),
        ({"tests_reaching": {"tests/test_core.py": 1}}, broken("tests.test_core.Case::test_a"), "imports", True),
        ({"tests_reaching": {"tests/test_core.py": 2}}, broken("tests/test_core.py::test_a"), "imports", False),
        ({"partners": [["tests/test_core.py", 0.8]]}, broken("tests/test_core.py::a"), "changes_together", False),
    ],
)
def test_each_tie(row: dict[str, Any], gate: Gate, how: str, near: bool) -> None:
    told = {key: json.dumps(value) if isinstance(value, dict | list) else value for key, value in row.items()}
    (found,) = suspects(changes(told), gate)
    assert (found.how, found.near) == (how, near)


@pytest.mark.parametrize(
    ("row", "gate"),
    [
        ({}, finding("app/other.py")),
        ({}, finding("app/core.py", "unchanged")),
        ({"tests_reaching": {"tests/test_core.py": 1}}, broken("tests/test_core.py::test_a", "still_failing")),
        ({"tests_reaching": {"tests/test_core.py": 1}}, broken("tests/test_corex.py::test_a")),
        ({"tests_reaching": {"tests/test_core.py": "near"}}, broken("tests/test_core.py::test_a")),
        ({"tests_reaching": "{"}, broken("tests/test_core.py::test_a")),
        ({"partners": [["tests/test_core.py"], 7, ["tests/test_core.py", None]]}, broken("tests/test_core.py::a")),
    ],
)
def test_what_is_not_tied(row: dict[str, Any], gate: Gate) -> None:
    told = {key: json.dumps(value) if isinstance(value, dict | list) else value for key, value in row.items()}
    assert suspects(changes(told), gate) == ()


def test_the_nearest_first_and_each_file_once() -> None:
    frame = changes(
        {"path": "far.py", "tests_reaching": json.dumps({"tests/test_core.py": 3})},
        {
            "path": "near.py",
            "tests_reaching": json.dumps({"tests/test_core.py": 1}),
            "partners": json.dumps([["tests/test_core.py", 0.9]]),
        },
    )
    found = suspects(frame, broken("tests/test_core.py::test_a"))
    assert [(one.path, one.how) for one in found] == [("near.py", "imports"), ("far.py", "imports")]


def test_a_broken_test_names_what_it_imports_the_nearest_first() -> None:
    frame = changes(
        {"path": "shop/far.py", "tests_reaching": json.dumps({"tests/test_cart.py": 3})},
        {"path": "shop/cart.py", "tests_reaching": json.dumps({"tests/test_cart.py": 1, "tests/test_b.py": 1})},
        {"path": "shop/other.py", "tests_reaching": json.dumps({"tests/test_b.py": 1})},
        {"path": "shop/pair.js", "partners": json.dumps([["tests/test_cart.py", 0.8]])},
        {"path": "tests/test_cart.py", "category": "test"},
    )
    found = suspects(frame, broken("tests/test_cart.py::test_sum", "regressed"))
    told = [(one.path, one.how, one.distance) for one in found]
    assert told == [
        ("tests/test_cart.py", "same_file", 0.0),
        ("shop/cart.py", "imports", 1.0),
        ("shop/far.py", "imports", 3.0),
        ("shop/pair.js", "changes_together", 1.0 - 0.8),
    ]
