"""Findings over time: not scanned is a gap, and only comparable scans share a line."""

from __future__ import annotations

import pandas as pd
import pytest

from stabkit.analyze.findings.findings_over_runs import finding_ages, finding_history
from stabkit.schema import empty


def make_runs(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "run_id": [f"r{k}" for k in range(n)],
            "label": [f"v{k}" for k in range(n)],
            "started_at": pd.date_range("2026-01-01", periods=n, tz="UTC"),
            "complete": True,
        }
    )


def make_scans(n: int, *, without: tuple[int, ...] = (), incomplete: tuple[int, ...] = (), **columns) -> pd.DataFrame:
    frame = pd.DataFrame({"run_id": [f"r{k}" for k in range(n)], "scan_id": "s", "tool": "ruff", "scope": "all"})
    frame = frame.assign(complete=[k not in incomplete for k in range(n)], **columns)
    return frame.drop(index=list(without))


def make_findings(*scans: str, suppressed: str = "") -> pd.DataFrame:
    """One letter a finding: its fingerprint; capitals are critical."""
    return pd.DataFrame(
        [
            {"run_id": f"r{k}", "scan_id": "s", "tool": "ruff", "rule": "E1", "scope": "all", "path": "a.py"}
            | {"severity": "critical" if f.isupper() else None, "fingerprint": f, "suppressed": f in suppressed}
            for k, letters in enumerate(scans)
            for f in letters
        ]
    )


def test_equal_totals_hide_new_and_fixed():
    history = finding_history(make_findings("abC", "abD"), make_scans(2), make_runs(2))
    assert history["open"].tolist() == [3, 3]
    assert history.loc[1, ["new", "fixed", "persisting", "not_scanned"]].tolist() == [1, 1, 2, 0]
    assert history["open_critical"].tolist() == [1, 1]
    assert history["open_unknown"].tolist() == [2, 2]
    assert history.loc[0, ["new", "fixed", "persisting"]].isna().all()


def test_not_scanned_is_a_gap_and_clean_is_zero():
    history = finding_history(make_findings("a", "", ""), make_scans(3, without=(1,)), make_runs(3))
    assert history["open"].isna().tolist() == [False, True, False]
    assert history.loc[2, ["open", "fixed", "open_unknown"]].tolist() == [0, 1, 0]
    assert history.loc[1, ["new", "open_unknown", "complete"]].isna().all()
    assert history["line"].tolist() == [1, 1, 1]


def test_the_same_fingerprint_twice_is_two_findings():
    history = finding_history(make_findings("aa", "a"), make_scans(2), make_runs(2))
    assert history.loc[1, ["open", "fixed", "persisting"]].tolist() == [1, 1, 1]


def test_what_an_incomplete_scan_missed_is_neither_fixed_nor_new_again():
    history = finding_history(make_findings("ab", "a", "ab"), make_scans(3, incomplete=(1,)), make_runs(3))
    assert pd.isna(history.loc[1, "fixed"])
    assert history.loc[1, "not_scanned"] == 1
    assert history["comparable"].fillna(value=False).tolist() == [False, False, True]
    assert history.loc[2, ["new", "persisting"]].tolist() == [0, 2]
    found = [(one.code, one.side) for why in history["why"].dropna() for one in why]
    assert found == [("incomplete", "candidate"), ("after_incomplete", None)]
    assert history["line"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"version": ["1.0", "1.1"]}, ("versions", ("1.0", "1.1"), ())),
        ({"rules_sha256": ["x", "y"]}, ("rules", (), ())),
        ({"scope_sha256": ["x", "y"], "files_scanned": [10, 12]}, ("files", (), ())),
        ({"files_scanned": [273, 1138]}, ("file_counts", (), (273, 1138))),
    ],
)
def test_what_is_not_comparable_breaks_the_line(columns, why):
    history = finding_history(make_findings("a", "ab"), make_scans(2, **columns), make_runs(2))
    assert history["line"].tolist() == [1, 2]
    assert not history.loc[1, "comparable"]
    assert [(one.code, one.subjects, one.numbers) for one in history.loc[1, "why"]] == [why]
    assert history.loc[1, "new"] == 1


def test_what_is_unknown_is_assumed_and_said():
    known = {"version": "1", "rules_sha256": "x"}
    history = finding_history(make_findings("a", "a"), make_scans(2, **known), make_runs(2))
    assert history.loc[1, "comparable"]
    assert [one.code for one in history.loc[1, "assumed"]] == ["unknown_files"]


def test_suppressed_findings_are_counted_apart():
    history = finding_history(make_findings("ab", suppressed="b"), make_scans(1), make_runs(1))
    assert history.loc[0, ["open", "suppressed"]].tolist() == [1, 1]


def test_two_tools_and_two_scans_of_one_tool_are_series_of_their_own():
    scans = pd.concat([make_scans(2), make_scans(2).assign(scan_id="t"), make_scans(2).assign(tool="mypy")])
    history = finding_history(make_findings("a", "a"), scans, make_runs(2))
    assert history.groupby("line")["open"].sum().tolist() == [0, 2, 0]


def test_ages_count_scans_and_days():
    found = make_findings("a", "ab", "a", "abc", "abc")
    ages = finding_ages(found, make_scans(5, without=(3,)), make_runs(5)).set_index("fingerprint")
    assert ages.index.tolist() == ["a", "b", "c"]
    assert ages["age_runs"].tolist() == [3, 2, 0]
    assert ages["age_days"].tolist() == [4, 3, 0]
    assert ages["at_least"].tolist() == [True, False, False]
    assert ages["reopened"].tolist() == [False, True, False]
    assert ages.loc["b", ["first_run_id", "first_label"]].tolist() == ["r1", "v1"]


def test_nothing_gives_nothing():
    assert finding_history(empty("findings"), empty("scans"), make_runs(2)).empty
    assert finding_ages(empty("findings"), empty("scans"), make_runs(2)).empty
    assert finding_ages(empty("findings"), make_scans(2), make_runs(2)).empty
    assert finding_history(empty("findings"), make_scans(2), make_runs(2))["open"].tolist() == [0, 0]
