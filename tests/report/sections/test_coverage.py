"""What section 7 shows of coverage: how it came out, and the changed lines that no test ran."""

import json

from stabkit.case import load_case
from stabkit.report.sections.coverage import coverage_pieces

BEFORE = "SF:shop/cart.js\nDA:1,1\nDA:2,1\nend_of_record\n"
AFTER = "SF:shop/cart.js\nDA:1,1\nDA:2,1\nDA:3,0\nDA:4,0\nDA:5,1\nend_of_record\n"
CHANGES = {"path": "shop/cart.js", "status": "modified", "added": 3, "deleted": 0, "hunks": [[2, 0, 3, 3]]}


def case_of(folder, *, changes=True):
    for name, report in (("before", BEFORE), ("after", AFTER)):
        (folder / name).mkdir()
        (folder / name / "lcov.info").write_text(report)
    if changes:
        (folder / "after" / "changes.json").write_text(json.dumps({"stabkit": 1, "changes": [CHANGES]}))
    return load_case(str(folder / "before"), str(folder / "after"))


def test_changed_lines_that_no_test_ran_stand_in_a_table(tmp_path):
    case = case_of(tmp_path)
    assert case.gate.verdict == "regressed"
    lead, table = coverage_pieces(case)
    assert "1 of 3 changed lines ran, 80" in lead.markdown()
    assert "| shop/cart.js | ✗ regressed | 2 of 3 changed lines did not run: 3-4 |" in table.markdown()


def test_without_a_range_the_whole_is_told_and_no_table(tmp_path):
    case = case_of(tmp_path, changes=False)
    (lead,) = coverage_pieces(case)
    assert "of all lines before" in lead.markdown()


def test_without_reports_there_is_nothing(tmp_path):
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.tap").write_text(f"1..1\nok 1 - {name}\n")
    assert coverage_pieces(load_case(str(tmp_path / "before"), str(tmp_path / "after"))) == []
