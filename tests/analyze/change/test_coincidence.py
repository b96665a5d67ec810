"""What got worse beside what changed: ranked by what ties them, and never called a cause."""

import json

import pandas as pd

from stabkit.analyze.change import area_coincidence, suspects
from stabkit.analyze.outcome import ConditionResult, Gate
from stabkit.config import Area, Config
from stabkit.schema import conform, empty

BROKEN = ConditionResult(
    "unit tests",
    "tests",
    "regressed",
    target="unit",
    items=({"state": "regressed", "what": "tests/test_cart.py::test_sum"},),
)
SLOW = ConditionResult("api response time", "latency", "regressed", target="api", metric="response_time")
FOUND = ConditionResult(
    "scan findings", "findings", "regressed", items=({"state": "new", "what": "S101", "path": "shop/cart.py"},)
)


def changes(*rows):
    base = {"status": "modified", "added": 3, "deleted": 1, "category": "internal", "area": "shop"}
    return conform("changes", pd.DataFrame([base | row for row in rows]))


def test_a_broken_test_names_what_it_imports_the_nearest_first():
    frame = changes(
        {"path": "shop/far.py", "tests_reaching": json.dumps({"tests/test_cart.py": 3})},
        {"path": "shop/cart.py", "tests_reaching": json.dumps({"tests/test_cart.py": 1, "tests/test_b.py": 1})},
        {"path": "shop/other.py", "tests_reaching": json.dumps({"tests/test_b.py": 1})},
        {"path": "shop/pair.js", "partners": json.dumps([["tests/test_cart.py", 0.8]])},
    )
    found = suspects(frame, Gate("regressed", (BROKEN,)))
    told = [(one.path, one.how, one.distance, one.near) for one in found]
    assert told == [
        ("shop/cart.py", "imports", 1.0, True),
        ("shop/far.py", "imports", 3.0, False),
        ("shop/pair.js", "changes_together", 1.0 - 0.8, False),
    ]


def test_a_test_that_changed_itself_comes_before_what_it_imports():
    frame = changes(
        {"path": "shop/cart.py", "tests_reaching": json.dumps({"tests/test_cart.py": 1})},
        {"path": "tests/test_cart.py", "category": "test", "area": "tests"},
    )
    found = suspects(frame, Gate("regressed", (BROKEN,)))
    assert [(one.path, one.how) for one in found] == [("tests/test_cart.py", "same_file"), ("shop/cart.py", "imports")]


def test_ids_by_module_name_their_file_too():
    by_module = ConditionResult(
        "unit tests", "tests", "regressed", items=({"state": "regressed", "what": "tests.test_cart::test_sum"},)
    )
    frame = changes({"path": "shop/cart.py", "tests_reaching": json.dumps({"tests/test_cart.py": 1})})
    assert len(suspects(frame, Gate("regressed", (by_module,)))) == 1


def test_a_new_finding_is_in_its_file_also_under_its_old_name():
    frame = changes({"path": "shop/cart.py"}, {"path": "shop/a.py", "old_path": "shop/b.py"})
    assert [one.path for one in suspects(frame, Gate("regressed", (FOUND,)))] == ["shop/cart.py"]


def test_a_metric_is_tied_by_configuration_alone():
    frame = changes({"path": "shop/cart.py"}, {"path": "web/app.js", "area": "web"})
    gate = Gate("regressed", (SLOW,))
    assert suspects(frame, gate) == ()
    # Nothing ties it: each changed area may stand beside it.
    assert area_coincidence(frame, gate)["area"].tolist() == ["shop", "web"]
    config = Config(areas={"web": Area(paths=("web/",), targets=("api",))})
    told = area_coincidence(frame, gate, config)
    assert told[["area", "how"]].to_numpy().tolist() == [["web", "configured"]]


def test_what_did_not_regress_coincides_with_nothing():
    kept = ConditionResult("api errors", "error_rate", "inconclusive", target="api")
    assert suspects(changes({"path": "a.py"}), Gate("inconclusive", (kept,))) == ()
    assert area_coincidence(empty("changes"), Gate("regressed", (SLOW,))).empty
