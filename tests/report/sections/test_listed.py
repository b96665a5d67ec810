"""What a result lists of very many tests and findings: the first of each kind, the counts of all, the whole beside."""

import base64
import io
import json

import pandas as pd
import pytest

from stabkit.case import load_case
from stabkit.report.display import WHOLE_MIME
from stabkit.report.explanation import explain, explanation_document
from stabkit.report.sections import compliance, listed, tests, verdict
from stabkit.report.words import gaps


def junit(path, number, *, failing=()):
    cases = "".join(
        f'<testcase classname="a.T" name="t{n:05d}">{"<failure/>" if n in failing else ""}</testcase>'
        for n in range(number)
    )
    path.write_text(f'<testsuite name="unit">{cases}</testsuite>', encoding="utf-8")


def sarif(path, lines):
    results = [
        {
            "ruleId": "R1",
            "message": {"text": f"value {'abcdefghijklmnopqrstuvwxyz'[n]} is not used"},
            "locations": [
                {"physicalLocation": {"artifactLocation": {"uri": f"m{n}.py"}, "region": {"startLine": n + 1}}}
            ],
        }
        for n in lines
    ]
    run = {"tool": {"driver": {"name": "lint"}}, "results": results}
    path.write_text(json.dumps({"version": "2.1.0", "runs": [run]}), encoding="utf-8")


@pytest.fixture
def bound(monkeypatch):
    for module in (gaps, listed):
        monkeypatch.setattr(module, "LISTED", 3)
    return 3


def case_of_tests(folder, number, failing):
    junit(folder / "before.xml", number)
    junit(folder / "after.xml", number, failing=failing)
    return load_case(str(folder / "before.xml"), str(folder / "after.xml"))


def tables(piece):
    for one in piece.get("pieces", [piece]):
        if one["kind"] == "table":
            yield one
        elif one["kind"] in ("group", "fold"):
            yield from tables(one)


def the_file(section, name):
    return pd.read_parquet(io.BytesIO(base64.b64decode(section._repr_mimebundle_()[WHOLE_MIME][name])))


def test_the_gate_lists_the_first_and_counts_all(tmp_path, bound):
    case = case_of_tests(tmp_path, 20, failing=range(10))
    found = verdict(case).piece()["gate"]["conditions"][0]
    assert [item["what"] for item in found["items"]] == [f"a.T::t{n:05d}" for n in range(bound)]
    assert found["more"] == {"unconfirmed": 7}
    assert found["facts"]["unconfirmed"] == 10
    (need,) = found["needs"]
    assert (len(need["subjects"]), need["more"]) == (3, 7)
    assert "and 5 more" in need["detail"]
    assert len(case.gate.conditions[0].items) == 10  # who judges, keeps all


def test_below_the_bound_nothing_is_said_of_it(tmp_path, bound):
    case = case_of_tests(tmp_path, 20, failing=range(bound))
    found = verdict(case).piece()["gate"]["conditions"][0]
    assert "more" not in found
    assert "more" not in found["needs"][0]
    section = tests.results(case)
    assert WHOLE_MIME not in section._repr_mimebundle_()
    assert all("more" not in table for table in tables(section.piece()))
    assert "parquet" not in section.markdown()


def test_all_forms_of_a_section_count_alike_and_the_whole_lies_beside(tmp_path, bound):
    case = case_of_tests(tmp_path, 40, failing=range(30))
    section = tests.results(case)
    table = next(one for one in tables(section.piece()) if one["caption"] == "Tests that changed")
    assert (len(table["rows"]), table["more"]) == (bound, 27)
    for form in (section.markdown(), section.text(), section._repr_html_()):
        assert "and 27 more" in form
        assert ".tests.parquet" in form
    whole = the_file(section, "tests")
    assert len(whole) == 40
    assert whole["transition"].value_counts().to_dict() == {"regressed": 30, "still_passing": 10}
    assert "message" not in whole


def test_each_transition_has_its_own_bound(bound):
    frame = pd.DataFrame({"transition": ["regressed"] * 5 + ["flaky"] * 2, "n": range(7)})
    assert listed.first_of_each(frame, "transition")["n"].tolist() == [0, 1, 2, 5, 6]


def test_findings_are_bounded_by_state(tmp_path, bound):
    sarif(tmp_path / "before.sarif", range(20))
    sarif(tmp_path / "after.sarif", range(8, 26))
    case = load_case(str(tmp_path / "before.sarif"), str(tmp_path / "after.sarif"))
    condition = verdict(case).piece()["gate"]["conditions"][0]
    assert condition["more"] == {"new": 3, "fixed": 5}
    assert (condition["facts"]["new"], condition["facts"]["fixed"]) == (6, 8)
    section = compliance.compliance(case)
    cut = {table["caption"]: table["more"] for table in tables(section.piece()) if "more" in table}
    assert cut == {"Findings that changed": 3, "Fixed findings": 5}
    states = the_file(section, "findings")["state"].value_counts().to_dict()
    assert states == {"persisting": 12, "new": 6, "fixed": 8}
    assert ".findings.parquet" in section.markdown()


def test_explain_lists_as_much_as_the_gate(tmp_path, bound):
    case = case_of_tests(tmp_path, 20, failing=range(10))
    (condition,) = case.gate.conditions
    assert explanation_document(case.gate, condition)["condition"]["more"] == {"unconfirmed": 7}
    assert "What moved or blocks: 10 items" in explain(case.gate, condition).text()


def test_twenty_thousand_tests_make_a_small_result(tmp_path):
    case = case_of_tests(tmp_path, 20_000, failing=range(0, 20_000, 3))
    piece = verdict(case).piece()
    condition = piece["gate"]["conditions"][0]
    assert (len(condition["items"]), condition["more"]) == (1000, {"unconfirmed": 5667})
    section = tests.results(case)
    assert len(json.dumps([piece, section.piece()])) < 2_000_000
    assert len(the_file(section, "tests")) == 20_000
