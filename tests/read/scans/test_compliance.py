import json

import pytest

from stabkit.read.readers import read_file


def violation(path="src\\a.py", rule="file_size", text="412 lines, limit 300", **more):
    return {
        "file_path": path,
        "violation_type": rule,
        "severity": "HIGH",
        "line_number": 1,
        "description": text,
        **more,
    }


@pytest.fixture
def read(tmp_path):
    def read(**report):
        path = tmp_path / "scan.json"
        path.write_text(json.dumps({"compliance_score": 98.7, "total_violations": 1, **report}))
        return read_file(path)

    return read


def test_backslashes_and_changed_numbers_give_one_fingerprint(read):
    old = read(violations=[violation()])["findings"].iloc[0]
    new = read(violations=[violation("src/a.py", text="415 lines, limit 300")])["findings"].iloc[0]
    assert old["path"] == new["path"] == "src/a.py"
    assert old["fingerprint"] == new["fingerprint"]
    assert old["severity"] == "high"


def test_the_whole_and_each_category_are_rows_of_one_scan(read):
    categories = {
        "real_system": {"violations": 0, "files_with_violations": 0, "total_files": 865, "score": 100.0},
        "other": {"violations": 3, "files_with_violations": 2, "total_files": 0, "score": 100.0},
    }
    evidence = read(violations=[violation()], category_scores=categories, summary={"total_files_checked": 865})
    scans = evidence["scans"].set_index("scope")
    assert list(scans.index) == ["all", "real_system", "other"]
    assert scans["scan_id"].nunique() == 1
    assert scans.loc["other", "files_scanned"] == 0
    assert scans.loc["all", "claimed_score"] == 98.7
    assert "3 findings in 0 counted files" in evidence["sources"]["message"].iloc[0]


def test_totals_are_claims_and_rows_count(read):
    evidence = read(total_violations=15, violations=[violation(), violation(rule="x")])
    assert len(evidence["findings"]) == 2
    assert evidence["scans"]["claimed_findings"].iloc[0] == 15
    assert "claims 15 findings and lists 2" in evidence["sources"]["message"].iloc[0]


def test_totals_without_rows_are_no_complete_scan(read):
    evidence = read(total_violations=15)
    assert not evidence["scans"]["complete"].iloc[0]
    assert evidence["sources"]["status"].iloc[0] == "partial"


def test_a_clean_scan_is_complete(read):
    evidence = read(total_violations=0, violations=[])
    assert evidence["scans"]["complete"].iloc[0]
    assert evidence["sources"]["status"].iloc[0] == "ok"


def test_odd_numbers_become_null_with_a_word(read):
    evidence = read(total_violations="many", violations=[violation(line_number=-3)], compliance_score="high")
    assert evidence["scans"]["claimed_score"].isna().iloc[0]
    assert evidence["findings"]["line"].isna().iloc[0]
    assert "no count" in evidence["sources"]["message"].iloc[0]
