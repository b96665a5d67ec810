"""What a page says of claimed scores: which formula fits, and what no formula can give."""

import json

import pytest

from stabkit.read.readers import read_file
from stabkit.report.display import Statement, Table
from stabkit.report.sections.compliance import score_pieces


@pytest.fixture
def pieces(tmp_path):
    """Two findings in 100 counted files, and one in a category that counts none and claims 100 %."""

    def violation(path):
        return {"file_path": path, "violation_type": "size", "severity": "low", "description": "long"}

    report = {
        "total_violations": 3,
        "compliance_score": 97.0,
        "violations": [violation(path) for path in ("tests/a.py", "tests/a.py", "scripts/b.py")],
        "summary": {"total_files_checked": 100},
        "category_scores": {
            "test_files": {"total_files": 100, "violations": 2, "score": 97.5},
            "other": {"total_files": 0, "violations": 1, "score": 100.0},
        },
    }
    path = tmp_path / "compliance.json"
    path.write_text(json.dumps(report))
    evidence = read_file(path)
    return score_pieces(evidence["scans"], evidence["findings"], "candidate")


def test_each_claim_is_tried_and_none_is_nan(pieces):
    words = " ".join(" ".join(piece.sentences) for piece in pieces if isinstance(piece, Statement)).replace(
        "\u202f", " "
    )
    assert "nan" not in words
    assert "100 % of other of the candidate's scan" in words
    assert "cannot be checked against a formula: 1 finding in 0 counted files" in words
    assert "97.5 % of test_files of the candidate's scan compliance.json fits neither formula" in words
    assert "97 % of the candidate's scan compliance.json fits “1 − findings / files”" in words
    assert "1 finding belongs to no group with counted files, so the groups do not add up to the whole" in words


def test_a_score_is_printed_with_what_it_may_be_compared_by(pieces):
    table = next(piece for piece in pieces if isinstance(piece, Table))
    assert "architecture-compliance, version unknown, scope unknown, rules unknown" in table.caption
    other = next(row for row in table.rows if row["scope"] == "other")
    assert (other["clean_files"], other["fits"]) == (None, None)
    assert {"tool", "version", "scope_sha256", "rules_sha256", "files", "findings"} <= set(table.records[0])
