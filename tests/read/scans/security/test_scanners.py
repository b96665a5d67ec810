"""Checkstyle, Semgrep, Trivy, Grype and GitLab: what was found, what was looked at, what was not."""

# ruff: noqa: E501 - reports read best in one line

import json
from pathlib import Path
from typing import Any

import pytest

from stabkit.analyze.findings import match_findings
from stabkit.read.readers import read_file
from stabkit.read.summary import source_summary
from stabkit.schema import Evidence

RECORDED = Path(__file__).parents[1] / "recorded"


def read(folder: Path, content: Any, name: str = "report", encoding: str = "utf-8") -> Evidence:
    path = folder / name
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_bytes(text.encode(encoding))
    return read_file(path)


def source(found: Evidence) -> tuple[str, str]:
    row = found["sources"].iloc[0]
    return row["status"], str(row["message"])


def rows(found: Evidence, *columns: str) -> list[list[Any]]:
    frame = found["findings"][list(columns)].astype(object)
    return frame.where(frame.notna(), None).to_numpy().tolist()


@pytest.mark.parametrize(
    ("name", "status", "by_rule"),
    [
        # eslint itself: 4 findings in one file, 2 in another, and one file that it could not parse
        (
            "eslint-checkstyle.xml",
            "partial",
            {"eslint.rules.no-undef": 3, "eslint.rules.semi": 2, "eslint.rules.eqeqeq": 1},
        ),
        # Semgrep itself: 2 findings on 3 files, 85.7 % of the lines parsed; its report for GitLab does not say so
        ("semgrep.json", "partial", {"no-eval": 1, "no-print": 1}),
        ("semgrep-gitlab.json", "ok", {"no-eval": 1, "no-print": 1}),
    ],
)
def test_counts_are_those_of_the_tool(name, status, by_rule):
    (found,) = source_summary(read_file(RECORDED / name))
    assert (found["status"], found["counts"]["by_rule"]) == (status, by_rule)


def test_a_checkstyle_report_lists_what_was_looked_at_only_with_clean_files(tmp_path):
    error = '<error line="3" severity="WARNING" message="m" source="standard:indent"/>'
    one = read(tmp_path, f'<checkstyle><file name="a.kt">{error}</file></checkstyle>')
    assert one["scans"]["paths"].isna().all()
    assert rows(one, "rule", "severity", "path", "line") == [["standard:indent", "warning", "a.kt", 3]]
    two = read(tmp_path, f'<checkstyle><file name="a.kt">{error}</file><file name="b.kt"/></checkstyle>')
    assert json.loads(two["scans"]["paths"].item()) == ["a.kt", "b.kt"]
    assert two["scans"]["complete"].all()


@pytest.mark.parametrize(
    "inner",
    ["<exception>boom</exception>", '<error severity="error" message="Parsing error: x" source=""/>',
     '<error message="An error" source="Internal.Exception"/>'],
)  # fmt: skip
def test_a_file_that_checkstyle_could_not_read_leaves_the_scan_incomplete(tmp_path, inner):
    found = read(tmp_path, f'<checkstyle><file name="a.kt">{inner}</file></checkstyle>')
    assert source(found)[0] == "partial"
    assert not len(found["findings"])


def semgrep(*results: Any, **more: Any) -> dict[str, Any]:
    return {"version": "1.9", "results": list(results), "errors": [], "paths": {"scanned": ["a.py"]}, **more}


def test_semgrep_hides_snippets_and_fingerprints_from_those_without_an_account(tmp_path):
    hidden, shown = (
        {"check_id": "r", "path": "a.py", "start": {"line": 3}, "extra": {"message": "m", "severity": "INFO", **extra}}
        for extra in (
            {"lines": "requires login", "fingerprint": "requires login"},
            {"lines": "x = 1", "fingerprint": "abc_0", "is_ignored": True},
        )
    )
    found = read(tmp_path, semgrep(hidden, shown))["findings"]
    assert list(found["snippet_sha256"].isna()) == [True, False]
    assert found["fingerprint"].iloc[1] == "abc_0"
    assert "requires" not in found["fingerprint"].iloc[0]
    assert list(found["suppressed"]) == [False, True]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"errors": [{"level": "warn", "path": "b.py", "message": "Syntax error"}]}, "partial"),
        ({"skipped_rules": [{"rule_id": "r"}]}, "partial"),
        ({"paths": {"scanned": [], "skipped": [{"path": "b.py", "reason": "exceeded_size_limit"}]}}, "partial"),
        (
            {"paths": {"scanned": ["a.py"], "skipped": [{"path": "b.py", "reason": "semgrepignore_patterns_match"}]}},
            "ok",
        ),
    ],
)
def test_what_semgrep_did_not_read_leaves_the_scan_incomplete(tmp_path, more, status):
    assert source(read(tmp_path, semgrep(**more)))[0] == status


def trivy(*targets: Any, **more: Any) -> dict[str, Any]:
    return {
        "SchemaVersion": 2,
        "ArtifactName": "shop:1",
        "ArtifactType": "container_image",
        "Results": list(targets),
        **more,
    }


CVE = {
    "VulnerabilityID": "CVE-2026-1",
    "PkgName": "openssl",
    "InstalledVersion": "3.0.1",
    "FixedVersion": "3.0.2",
    "Severity": "HIGH",
    "Title": "Overflow",
}


def test_trivy_packages_settings_secrets_and_licences(tmp_path):
    system = {"Target": "shop:1 (debian 12.1)", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": [CVE]}
    config = {"Target": "Dockerfile", "Class": "config", "Type": "dockerfile", "MisconfSummary": {"Failures": 1}, "Misconfigurations": [
        {"ID": "DS002", "Status": "FAIL", "Severity": "HIGH", "Message": "runs as root", "CauseMetadata": {"StartLine": 3}},
        {"ID": "DS001", "Status": "PASS", "Severity": "LOW"}]}  # fmt: skip
    secrets = {
        "Target": ".env",
        "Class": "secret",
        "Secrets": [{"RuleID": "aws", "Severity": "CRITICAL", "StartLine": 1, "Title": "key"}],
    }
    licences = {
        "Target": "npm",
        "Class": "license",
        "Licenses": [{"Name": "GPL-3.0", "PkgName": "left", "Category": "restricted", "Severity": "HIGH"}],
    }
    ignored = {"Target": "a.lock", "ExperimentalModifiedFindings": [{"Status": "ignored", "Finding": CVE}]}
    found = read(tmp_path, trivy(system, config, secrets, licences, ignored))
    assert rows(found, "rule", "path", "line", "severity", "suppressed") == [
        ["CVE-2026-1", "debian", None, "high", False],
        ["DS002", "Dockerfile", 3, "high", False],
        ["aws", ".env", 1, "critical", False],
        ["GPL-3.0", "npm", None, "high", False],
        ["CVE-2026-1", "a.lock", None, "high", True],
    ]
    assert found["findings"]["message"].iloc[0] == "openssl 3.0.1, fixed in 3.0.2: Overflow"
    assert json.loads(found["scans"]["paths"].item()) == [".env", "Dockerfile", "a.lock", "debian", "npm"]
    assert source(found)[0] == "ok"


def test_a_vulnerability_stays_the_same_in_another_image_and_version(tmp_path):
    sides = [
        read(tmp_path, trivy({"Target": f"shop:{tag} (debian 12)", "Class": "os-pkgs", "Type": "debian",
                              "Vulnerabilities": [CVE | {"InstalledVersion": version}]}), tag)
        for tag, version in (("1", "3.0.1"), ("2", "3.0.1-u2"))
    ]  # fmt: skip
    states = match_findings(*(side["findings"] for side in sides), *(side["scans"] for side in sides)).states
    assert list(states["state"]) == ["updated"]


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (trivy(), "names no target"),
        (trivy() | {"Results": None}, "names no target"),
        (trivy({"Target": "Dockerfile", "MisconfSummary": {"Failures": 2}}), "more failed checks"),
    ],
)
def test_a_trivy_report_of_nothing_is_no_clean_scan(tmp_path, report, words):
    assert source(read(tmp_path, report))[0] == "partial"
    assert words in source(read(tmp_path, report))[1]


def test_grype_matches_in_each_place_and_ignored_ones(tmp_path):
    match = {"vulnerability": {"id": "GHSA-1", "severity": "Critical", "fix": {"versions": ["2.0"]}},
             "artifact": {"name": "log4j", "version": "1.0", "locations": [{"path": "/a.jar"}, {"path": "/b.jar"}]}}  # fmt: skip
    nowhere = {"vulnerability": {"id": "GHSA-2", "severity": "Unknown"}, "artifact": {"name": "left"}}
    found = read(
        tmp_path,
        {
            "matches": [match],
            "ignoredMatches": [nowhere],
            "descriptor": {"version": "0.9", "timestamp": "2026-01-02T03:04:05Z"},
        },
    )
    assert rows(found, "rule", "path", "severity", "suppressed") == [
        ["GHSA-1", "/a.jar", "critical", False], ["GHSA-1", "/b.jar", "critical", False], ["GHSA-2", None, "unknown", True],
    ]  # fmt: skip
    assert found["findings"]["message"].iloc[0] == "log4j 1.0, fixed in 2.0"
    assert found["scans"][["tool", "version"]].to_numpy().tolist() == [["grype", "0.9"]]
    assert source(read(tmp_path, {"matches": None, "descriptor": {}}))[0] == "error"


def gitlab(*found: Any, **scan: Any) -> dict[str, Any]:
    about = {
        "scanner": {"id": "gemnasium", "version": "5"},
        "status": "success",
        "end_time": "2026-01-02T03:04:05",
        **scan,
    }
    return {"version": "15.0.4", "vulnerabilities": list(found), "scan": about}


def test_gitlab_rules_are_identifiers_and_packages_are_named(tmp_path):
    one = {"id": "drawn-anew", "name": "Overflow", "severity": "High", "identifiers": [{"type": "cve", "value": "CVE-1"}, {"value": "CWE-1"}],
           "location": {"file": "go.sum", "dependency": {"package": {"name": "left"}, "version": "1.0"}}}  # fmt: skip
    found = read(tmp_path, gitlab(one))
    assert rows(found, "rule", "path", "message", "severity") == [["CVE-1", "go.sum", "left 1.0: Overflow", "high"]]
    assert found["findings"]["fingerprints"].isna().all()
    assert found["scans"]["tool"].item() == "gemnasium"


@pytest.mark.parametrize("scan", [{"status": "failure"}, {"messages": [{"level": "warn", "value": "timed out"}]}])
def test_a_gitlab_scan_that_did_not_go_well_is_incomplete(tmp_path, scan):
    assert source(read(tmp_path, gitlab(**scan)))[0] == "partial"
    assert source(read(tmp_path, gitlab(messages=[{"level": "info", "value": "3 files"}])))[0] == "ok"


SOUND = [
    "<checkstyle><file name='a.kt'/></checkstyle>", semgrep(), trivy({"Target": "a.lock"}),
    {"matches": [], "descriptor": {"version": "0"}}, gitlab(),
]  # fmt: skip


@pytest.mark.parametrize("report", SOUND, ids=["checkstyle", "semgrep", "trivy", "grype", "gitlab"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_windows_are_no_hindrance(tmp_path, report, encoding):
    found = read(tmp_path, report, encoding=encoding)
    assert (source(found)[0], len(found["scans"])) == ("ok", 1)


@pytest.mark.parametrize(
    "content",
    [
        "<checkstyle><file name='a.kt'><error source='r'/>",
        '<!DOCTYPE checkstyle [<!ENTITY a "b">]><checkstyle>&a;</checkstyle>',
        json.dumps(semgrep()).replace("[]", "{}", 1),
        '{"SchemaVersion": 2, "ArtifactName": ".", "Results": [{"Vulnerabilities": [1]}]}',
        '{"SchemaVersion": 2, "ArtifactName": ".", "Results": [{"Target": "a", "Target": "b"}]}',
        '{"matches": [' + '{"vulnerability": ' * 60_000,
        json.dumps(gitlab())[:-20],
    ],
    ids=["cut", "entities", "results", "vulnerabilities", "a key twice", "deep", "cut json"],
)
def test_what_cannot_be_believed_is_an_error(tmp_path, content):
    assert source(read(tmp_path, content))[0] == "error"
