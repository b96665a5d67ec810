"""What is accepted is shown as accepted, in the tables of tests and findings too: on the page, in Markdown and JSON."""

import json

import pytest

from stabkit.case import load_case
from stabkit.config import Config
from stabkit.report.explanation import explain
from stabkit.report.sections import compliance, tests, verdict

ENTRY = {"reason": "vendor code", "owner": "ann", "until": "9999-12-31"}
SAID = "accepted by ann until 9999-12-31: vendor code"


def junit(path, **cases):
    inner = "".join(
        f'<testcase classname="T" name="{name}">{"" if good else "<failure/>"}</testcase>'
        for name, good in cases.items()
    )
    path.write_text(f'<testsuite name="unit">{inner}</testsuite>', encoding="utf-8")


def sarif(path, *lines):
    where = [{"artifactLocation": {"uri": "a.py"}, "region": {"startLine": line}} for line in lines]
    results = [
        {
            "ruleId": "R1",
            "level": "error",
            "message": {"text": f"value {'abc'[n]}"},
            "locations": [{"physicalLocation": one}],
        }
        for n, one in enumerate(where)
    ]
    run = {"tool": {"driver": {"name": "lint", "version": "1"}}, "results": results}
    path.write_text(json.dumps({"version": "2.1.0", "runs": [run]}), encoding="utf-8")


@pytest.fixture
def sides(tmp_path):
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
    junit(tmp_path / "before" / "j.xml", a=True, b=True, c=True)
    junit(tmp_path / "after" / "j.xml", a=False, b=True, c=True)
    sarif(tmp_path / "before" / "s.sarif", 3)
    sarif(tmp_path / "after" / "s.sarif", 3, 9)
    return str(tmp_path / "before"), str(tmp_path / "after")


def case_of(sides, *accepted):
    return load_case(*sides, config=Config.model_validate({"accepted": [{**ENTRY, **one} for one in accepted]}))


def shown(piece):
    return f"{piece!r}\n{piece.markdown()}"


def records(document, column):
    """Return the rows of all tables within a document that have a column."""
    if isinstance(document, dict):
        own = [document] if column in document else []
        return own + [row for value in document.values() for row in records(value, column)]
    return [row for value in document for row in records(value, column)] if isinstance(document, (list, tuple)) else []


def test_a_test_that_is_accepted_is_shown_as_that(sides):
    case = case_of(sides, {"test": "*::a"}, {"finding": "R1 a.py:9"})
    assert case.gate.verdict == "stable"
    piece = tests.results(case)
    for text in (repr(piece), piece.markdown()):
        assert SAID in text
        assert "failed 0 times" not in text
    (row,) = [row for row in records(piece.piece(), "transition") if row["test_id"].endswith("::a")]
    assert (row["transition"], row["accepted"]["until"]) == ("accepted", "9999-12-31")
    (suite,) = records(piece.piece(), "mcnemar_p")
    assert (suite["regressed"], suite["accepted"]) == (0, 1)
    assert SAID in repr(explain(case.gate, next(c for c in case.gate.conditions if c.kind == "tests")))
    assert "accepted" in repr(verdict(case))


def test_a_finding_that_is_accepted_is_shown_as_that(sides):
    case = case_of(sides, {"test": "*::a"}, {"finding": "R1 a.py:9"})
    piece = compliance.compliance(case)
    for text in (repr(piece), piece.markdown()):
        assert SAID in text
        assert "1 is accepted" in text
        assert "is new" not in text
    (row,) = [row for row in records(piece.piece(), "fingerprint") if row["line"] == 9]
    assert (row["state"], row["accepted"]["was"]) == ("accepted", "new")


def test_without_an_entry_and_after_its_day_nothing_is_called_accepted(sides):
    for case in (case_of(sides), case_of(sides, {"test": "*::a", "until": "2020-01-01"})):
        for piece in (tests.results(case), compliance.compliance(case)):
            assert "accepted" not in shown(piece)
            assert not records(piece.piece(), "accepted")
