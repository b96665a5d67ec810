from typing import Any

import pandas as pd
import pytest

from stabkit.analyze.findings.scores import score_claims, score_conflicts
from stabkit.schema import conform, empty


def scans(*scopes: dict[str, Any]) -> pd.DataFrame:
    return conform(
        "scans", pd.DataFrame([{"scan_id": "c", "tool": "compliance", "complete": True, **s} for s in scopes])
    )


def findings(scope: str, paths: list[str]) -> list[dict[str, Any]]:
    base = {"scan_id": "c", "tool": "compliance", "rule": "ssot", "scope": scope, "suppressed": False}
    return [{**base, "path": path, "fingerprint": f"{scope}{i}"} for i, path in enumerate(paths)]


REFERENCE = (
    {"scope": "all", "files_scanned": 1138, "claimed_score": 98.7, "claimed_findings": 15},
    {"scope": "real_system", "files_scanned": 865, "claimed_score": 100.0},
    {"scope": "test_files", "files_scanned": 273, "claimed_score": 95.2},
)


def row(table: pd.DataFrame, scope: str, score_id: str) -> pd.Series:
    return table[(table["scope"] == scope) & (table["score_id"] == score_id)].iloc[0]


def test_the_reference_case_mixes_two_formulas() -> None:
    table = score_claims(scans(*REFERENCE), empty("findings"))
    clean = row(table, "test_files", "clean_files")
    assert (clean["numerator"], clean["denominator"], bool(clean["fits"])) == (260, 273, True)
    assert clean["value"] == pytest.approx(95.238, abs=1e-3)
    assert bool(row(table, "test_files", "findings_per_file")["fits"])
    whole = row(table, "all", "findings_per_file")
    assert (whole["numerator"], whole["denominator"], bool(whole["fits"])) == (1123, 1138, True)
    other = row(table, "all", "clean_files")
    assert (other["numerator"], bool(other["fits"])) == (1125, False)
    assert other["value"] == pytest.approx(98.858, abs=1e-3)


def test_the_conflict_is_stated_as_data() -> None:
    conflicts = score_conflicts(score_claims(scans(*REFERENCE), empty("findings")))
    fits = conflicts.claims.set_index("scope")["fits"].to_dict()
    assert fits == {
        "all": "findings_per_file",
        "real_system": "clean_files,findings_per_file",
        "test_files": "clean_files,findings_per_file",
    }
    assert conflicts.conflict
    assert conflicts.single_formula == ()
    assert conflicts.uncounted_findings == 2


def test_findings_in_a_group_without_files_are_never_a_hundred_per_cent() -> None:
    other = {"scope": "other", "files_scanned": 0, "claimed_score": 100.0, "claimed_findings": 3}
    table = score_claims(scans(other), empty("findings"))
    assert table["why"].tolist() == ["no_files"] * 2
    assert table["value"].isna().all()
    assert table["fits"].isna().all()
    assert score_conflicts(table).conflict


def test_rows_decide_over_claims() -> None:
    rows = findings("test_files", [f"t{i % 12}.py" for i in range(13)])
    table = score_claims(scans(REFERENCE[2] | {"claimed_findings": 99}), conform("findings", pd.DataFrame(rows)))
    clean, each = row(table, "test_files", "clean_files"), row(table, "test_files", "findings_per_file")
    assert (clean["numerator"], each["numerator"], clean["findings_from"]) == (261, 260, "rows")
    assert (bool(clean["fits"]), bool(each["fits"])) == (False, True)


def test_unknown_files_give_bounds() -> None:
    table = score_claims(scans(REFERENCE[0]), empty("findings"))
    clean = row(table, "all", "clean_files")
    assert (clean["numerator_low"], clean["numerator"]) == (1123, 1137)
    assert (clean["why"], clean["findings"]) == ("spread", 15)


def test_findings_per_file_can_be_negative() -> None:
    table = score_claims(scans({"scope": "all", "files_scanned": 2, "claimed_findings": 5}), empty("findings"))
    assert row(table, "all", "findings_per_file")["value"] == -150
    assert pd.isna(row(table, "all", "findings_per_file")["fits"])


def test_suppressed_findings_do_not_count() -> None:
    rows = conform("findings", pd.DataFrame(findings("all", ["a.py", "b.py"])).assign(suppressed=[True, False]))
    table = score_claims(scans({"scope": "all", "files_scanned": 4}), rows)
    assert row(table, "all", "clean_files")["numerator"] == 3


def test_one_formula_for_all_is_no_conflict() -> None:
    rows = conform("findings", pd.DataFrame(findings("tests", ["a.py"])))
    claims = scans(
        {"scope": "all", "files_scanned": 20, "claimed_score": 95.0},
        {"scope": "tests", "files_scanned": 10, "claimed_score": 90.0},
        {"scope": "src", "files_scanned": 10, "claimed_score": 100.0},
    )
    conflicts = score_conflicts(score_claims(claims, rows))
    assert not conflicts.conflict
    assert conflicts.uncounted_findings == 0
    assert conflicts.single_formula == ("clean_files", "findings_per_file")


def test_no_claim_is_no_conflict() -> None:
    conflicts = score_conflicts(score_claims(scans({"scope": "all", "files_scanned": 5}), empty("findings")))
    assert not conflicts.conflict
    assert conflicts.single_formula == ()
