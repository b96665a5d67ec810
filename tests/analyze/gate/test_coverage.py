"""Coverage as a condition: the changed lines of the range, the whole against the baseline, and what leaves it open."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from stabkit.analyze import RunEvidence
from stabkit.analyze.gate import evaluate_gate
from stabkit.config import Condition, Config, CoverageSource
from stabkit.report.words import item_text
from stabkit.schema import Evidence

CHANGED = Condition(name="changed lines", kind="coverage")
WHOLE = Condition(name="the whole", kind="coverage", at_least=0)


def file(path: str, covered: list, missed: list, report: str = "unit") -> dict[str, Any]:
    count = {name: sum(last - first + 1 for first, last in of) for name, of in (("c", covered), ("m", missed))}
    return {
        "report": report, "path": path, "lines": count["c"] + count["m"], "covered": count["c"],
        "covered_lines": json.dumps(covered), "missed_lines": json.dumps(missed),
    }  # fmt: skip


def change(path: str, hunks: Any = ((2, 0, 3, 4),), status: str = "modified", **more: Any) -> dict[str, Any]:
    kept = None if hunks is None else json.dumps(hunks)
    return {"path": path, "status": status, "added": 4, "deleted": 0, "category": "internal", "hunks": kept, **more}


def run_of(label: str, files: list, changes: list | None = None, sources: list | None = None) -> RunEvidence:
    tables: dict[str, list] = {"coverage": files, "changes": changes or []}
    tables["sources"] = sources or [{"kind": "coverage", "path": "coverage.xml", "status": "ok"}]
    if changes is not None:
        tables["sources"] = [*tables["sources"], {"kind": "changes", "path": ".", "status": "ok"}]
    return RunEvidence(
        {"run_id": label, "complete": True},
        Evidence.of(**{name: pd.DataFrame(rows) for name, rows in tables.items() if rows}),
    )


BEFORE = [file("shop/cart.py", [[1, 8]], [[9, 10]]), file("shop/tax.py", [[1, 10]], [])]
AFTER = [file("shop/cart.py", [[1, 12]], [[13, 14]]), file("shop/tax.py", [[1, 10]], [])]


def judge(after: RunEvidence, condition: Condition = CHANGED, before: list | None = BEFORE) -> Any:
    baseline = None if before is None else run_of("v1", before)
    (found,) = evaluate_gate(Config(condition=(condition,)), baseline, after).conditions[:1]
    return found


def about(found: Any) -> set[str]:
    return {need.about for need in found.needs}


def test_changed_lines_that_ran_are_stable():
    found = judge(run_of("v2", AFTER, [change("shop/cart.py")]))
    assert found.outcome == "stable"
    assert (found.facts["changed"], found.facts["changed_covered"]) == (4, 4)


def test_changed_lines_that_did_not_run_are_a_regression_with_their_numbers():
    found = judge(run_of("v2", AFTER, [change("shop/cart.py", [[9, 0, 12, 3]])]))
    assert (found.outcome, found.exact) == ("regressed", True)
    (item,) = found.items
    assert item["what"] == "shop/cart.py"
    assert (item["changed"], item["missed"]) == (3, [[13, 14]])
    assert item_text("coverage", item) == "2 of 3 changed lines did not run: 13-14"


@pytest.mark.parametrize(("least", "outcome"), [(0.3, "stable"), (1 / 3, "stable"), (0.34, "regressed"), (0, "stable")])
def test_the_share_that_has_to_run_is_stated(least, outcome):
    condition = Condition(name="c", kind="coverage", at_least=least)
    assert judge(run_of("v2", AFTER, [change("shop/cart.py", [[9, 0, 12, 3]])]), condition).outcome == outcome


def test_lines_that_cannot_run_and_deleted_files_have_nothing_to_cover():
    changes = [
        change("shop/cart.py", [[9, 0, 40, 3]]),
        change("shop/gone.py", [], status="deleted"),
        change("README.md"),
        change("tests/test_cart.py", category="test"),
        change("shop/tax.py", [[3, 2, 3, 0]]),
        change("logo.png", None) | {"added": None, "deleted": None},
    ]
    found = judge(run_of("v2", AFTER, changes))
    assert found.outcome == "stable", found.needs
    assert found.facts["changed"] == 0


def test_without_a_range_nothing_is_known():
    found = judge(run_of("v2", AFTER))
    assert found.outcome == "inconclusive"
    assert about(found) == {"git_range"}
    assert judge(run_of("v2", AFTER, []), CHANGED).outcome == "stable"  # looked at, and nothing changed


@pytest.mark.parametrize(
    ("after", "before", "what"),
    [
        (run_of("v2", [], [change("shop/cart.py")]), BEFORE, "coverage"),
        (run_of("v2", AFTER, [change("shop/cart.py")]), [], "coverage"),
        (run_of("v2", AFTER, [change("shop/cart.py")]), None, "baseline"),
        (run_of("v2", AFTER, [change("shop/new.py")]), BEFORE, "coverage_untold"),
        (run_of("v2", AFTER, [change("shop/cart.py", None)]), BEFORE, "coverage_lines"),
        (run_of("v2", AFTER, [change("shop/cart.py") | {"hunks": "[[1]]"}]), BEFORE, "coverage_lines"),
        (run_of("v2", AFTER[:1], [change("shop/cart.py")]), BEFORE, "coverage_gone"),
        (run_of("v2", [AFTER[0], file("shop/tax.py", [], [])], [change("shop/cart.py")]), BEFORE, "coverage_gone"),
    ],
    ids=["no report", "none before", "no baseline", "untold", "no lines", "broken lines", "file gone", "lines gone"],
)
def test_what_is_missing_is_never_green(after, before, what):
    found = judge(after, before=before)
    assert found.outcome == "inconclusive"
    assert what in about(found)


def test_a_partial_report_is_never_green():
    partial = [{"kind": "coverage", "path": "coverage.xml", "status": "partial", "message": "cut"}]
    assert judge(run_of("v2", AFTER, [change("shop/cart.py")], partial)).outcome == "inconclusive"


def test_the_whole_may_lose_a_margin_and_no_more():
    worse = [file("shop/cart.py", [[1, 8]], [[9, 10]]), file("shop/tax.py", [[1, 8]], [[9, 10]])]
    found = judge(run_of("v2", worse), WHOLE)
    assert found.outcome == "regressed"
    assert item_text("coverage", found.items[0]) == "90.0\u202f% of all lines before, 80.0\u202f% now"
    assert judge(run_of("v2", worse), Condition(name="c", kind="coverage", at_least=0, margin=0.1)).outcome == "stable"
    assert judge(run_of("v2", BEFORE), WHOLE).outcome == "stable"


def test_files_that_the_range_deleted_or_renamed_are_not_gone():
    deleted = [change("shop/tax.py", [], status="deleted")]
    assert judge(run_of("v2", AFTER[:1], deleted), WHOLE).outcome == "stable"
    renamed = [change("shop/vat.py", [], status="renamed", old_path="shop/tax.py")]
    after = [AFTER[0], file("shop/vat.py", [[1, 10]], [])]
    assert judge(run_of("v2", after, renamed), WHOLE).outcome == "stable"


@pytest.mark.parametrize(
    ("names", "changed", "told"),
    [
        (["shop/cart.py"], "shop/cart.py", True),
        # packages of Java, modules of Go, folders of another machine, a folder in the repository
        (["com/example/Cart.java"], "app/src/main/java/com/example/Cart.java", True),
        (["example.com/shop/lib/cart.go", "example.com/shop/main.go"], "lib/cart.go", True),
        (["/ci/build-7/shop/cart.py", "/ci/build-7/other/a.py"], "shop/cart.py", True),
        # a name alone may be that of any folder, and a folder may be one of the repository
        (["/ci/build-7/lib/cart.py"], "cart.py", False),
        (["vendor/shop/cart.py", "shop/other.py"], "shop/cart.py", False),
        (["a/shop/cart.py", "b/shop/cart.py"], "shop/cart.py", False),
        (["cart.py"], "shop/cart.py", False),
    ],
)
def test_a_changed_file_is_known_by_the_names_of_reports_where_that_is_sure(names, changed, told):
    after = [file(name, [[1, 9]], []) for name in names]
    found = judge(run_of("v2", after, [change(changed)]), before=after)
    assert (found.outcome == "stable") == told
    assert ("coverage_untold" in about(found)) != told


def test_two_changed_files_never_share_the_lines_of_one():
    after = [file("shop/cart.py", [[1, 9]], [])]
    changes = [change("one/shop/cart.py"), change("two/shop/cart.py")]
    assert "coverage_untold" in about(judge(run_of("v2", after, changes), before=after))


def test_a_line_ran_if_it_did_in_any_report():
    after = [file("a.py", [[1, 3]], [[4, 6]], "unit"), file("a.py", [[4, 6]], [[1, 3]], "browser")]
    changes = [change("a.py", [[0, 0, 1, 6]])]
    assert judge(run_of("v2", after, changes), before=after).outcome == "stable"
    unit = Condition(name="c", kind="coverage", target="unit")
    assert judge(run_of("v2", after, changes), unit, before=after).outcome == "regressed"


def test_folders_of_builds_do_not_tell_files_apart():
    one, two = ([file(f"/ci/{n}/shop/{name}.py", [[1, 9]], []) for name in "ab"] for n in (17, 18))
    assert judge(run_of("v2", two), WHOLE, before=one).outcome == "stable"
    assert "coverage_gone" in about(judge(run_of("v2", two[:1]), WHOLE, before=one))


def test_conditions_follow_from_reports_and_from_declarations():
    without = evaluate_gate(Config(), run_of("v1", BEFORE), run_of("v2", AFTER))
    assert [(c.name, c.outcome) for c in without.conditions] == [("coverage", "stable")]
    ranged = evaluate_gate(Config(), run_of("v1", BEFORE), run_of("v2", AFTER, [change("shop/new.py")]))
    assert ranged.verdict == "inconclusive"
    declared = Config(coverage={"browser": CoverageSource(files=("c.xml",))})
    gate = evaluate_gate(declared, run_of("v1", BEFORE), run_of("v2", AFTER))
    assert [(c.name, c.outcome) for c in gate.conditions] == [("browser coverage", "inconclusive")]
    assert {(one.kind, one.name) for one in gate.missing} == {("coverage", "browser")}
