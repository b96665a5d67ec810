"""Checkstyle's XML, the reports of security scanners and logs, as the law sees them."""

# ruff: noqa: E501 - notations read best in one line

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.law.notations import Notation, Result, counted, edited

__all__ = ["SECURITY"]


def _json(value: Any) -> str:
    return json.dumps(value, separators=(", ", ": "))


def _failing(found: Sequence[Result]) -> list[Result]:
    return [one for one in found if one.status == "fail"]


def _names(found: Sequence[Result]) -> list[str]:
    return sorted({one.name for one in found})


def _checkstyle(found: Sequence[Result]) -> str:
    def errors(name: str) -> str:
        return "".join(
            f'<error line="3" severity="error" message="m" source="lint.{one.group}"/>'
            for one in _failing(found)
            if one.name == name
        )

    files = "".join(f'<file name="{name}.kt">{errors(name)}</file>' for name in _names(found))
    return f'<checkstyle version="8"><file name="clean.kt"/>{files}</checkstyle>'


def _semgrep(found: Sequence[Result]) -> str:
    results = [
        {"check_id": one.group, "path": f"{one.name}.py", "start": {"line": 3, "col": 1},
         "extra": {"message": "m", "severity": "ERROR", "fingerprint": "requires login", "lines": "requires login"}}
        for one in _failing(found)
    ]  # fmt: skip
    scanned = [f"{name}.py" for name in _names(found)]
    return _json(
        {"version": "1.9", "results": results, "errors": [], "paths": {"scanned": scanned}, "skipped_rules": []}
    )


def _trivy(found: Sequence[Result]) -> str:
    def target(name: str) -> dict[str, Any]:
        known = [
            {"VulnerabilityID": f"CVE-2026-{one.group}", "PkgName": "left", "InstalledVersion": "1.0",
             "Severity": "HIGH", "Title": "m"}
            for one in _failing(found)
            if one.name == name
        ]  # fmt: skip
        about = {"Target": f"{name}.lock", "Class": "lang-pkgs", "Type": "npm"}
        return about | ({"Vulnerabilities": known} if known else {})

    config = {"Target": "Dockerfile", "Class": "config", "Type": "dockerfile"}
    config |= {"MisconfSummary": {"Successes": 20, "Failures": 0}}
    return _json(
        {"SchemaVersion": 2, "CreatedAt": "2026-01-02T03:04:05Z", "ArtifactName": ".", "ArtifactType": "filesystem",
         "Results": [*(target(name) for name in _names(found)), config]}
    )  # fmt: skip


def _grype(found: Sequence[Result]) -> str:
    matches = [
        {"vulnerability": {"id": f"CVE-2026-{one.group}", "severity": "High", "fix": {"versions": ["2"]}},
         "artifact": {"name": "left", "version": "1", "locations": [{"path": f"/{one.name}.jar"}]}}
        for one in _failing(found)
    ]  # fmt: skip
    descriptor = {"name": "grype", "version": "0.9", "timestamp": "2026-01-02T03:04:05Z"}
    return _json({"matches": matches, "source": {"type": "directory", "target": "."}, "descriptor": descriptor})


def _gitlab(found: Sequence[Result]) -> str:
    known = [
        {"id": f"{number}", "category": "sast", "message": "m", "severity": "High",
         "location": {"file": f"{one.name}.rb", "start_line": 3},
         "identifiers": [{"type": "t", "name": one.group, "value": one.group}]}
        for number, one in enumerate(_failing(found))
    ]  # fmt: skip
    scan = {"scanner": {"id": "brakeman", "version": "6"}, "status": "success", "type": "sast", "messages": [],
            "end_time": "2026-01-02T03:04:05"}  # fmt: skip
    return _json({"version": "15.0.4", "vulnerabilities": known, "scan": scan})


def _log(found: Sequence[Result]) -> str:
    words = {"fail": "ERROR", "pass": "INFO"}
    lines = [f"2026-01-02 03:04:05 {words[one.status]} {one.group}: {one.name} was asked" for one in found]
    return "\n".join(["2026-01-02 03:04:05 INFO started", *lines, "2026-01-02 03:04:06 INFO stopped", ""])


_TWO = ("pass", "fail")
_NEVER = r"(?!)"
SECURITY = (
    Notation(
        "checkstyle", "xml", _checkstyle, r'<file name="(case_\d+)\.kt"', found=r"<error ", statuses=_TWO,
        failures={
            "an exception": edited(r'<file name="clean.kt" */>', '<file name="clean.kt"><exception>m</exception></file>'),
            "a file not parsed": edited(
                r'<file name="clean.kt" */>', '<file name="clean.kt"><error message="Parsing error: m" source=""/></file>'
            ),
            "an error without a rule": edited(r"</checkstyle>", '<file name="new.kt"><error message="m"/></file></checkstyle>'),
        },
    ),
    Notation(
        "semgrep", "json", _semgrep, r'"(case_\d+)\.py"(?=[^{]*\], *"skipped|[^{]*\]\})', found=r'"check_id"',
        statuses=_TWO,
        failures={
            "a file parsed in part": edited(r'"errors": \[', '"errors": [{"level": "warn", "path": "a.py", "message": "m"}'),
            "a file too large": edited(r'"paths": \{', '"paths": {"skipped": [{"path": "b.py", "reason": "exceeded_size_limit"}], '),
            "a rule that was skipped": edited(r'"skipped_rules": \[', '"skipped_rules": [{"rule_id": "a"}'),
        },
    ),
    Notation(
        "trivy", "json", _trivy, r'"Target": "(case_\d+)\.lock"', found=r'"VulnerabilityID"', statuses=_TWO,
        failures={
            "a failed check": edited(
                r'("MisconfSummary")',
                r'"Misconfigurations": [{"ID": "D1", "Status": "FAIL", "Severity": "HIGH", "Message": "m"}], \1',
            ),
            "failed checks claimed": counted("Failures", shape="json"),
            "a secret": edited(
                r'("MisconfSummary")', r'"Secrets": [{"RuleID": "key", "Severity": "CRITICAL", "StartLine": 3}], \1'
            ),
            "no target": edited(r'"Results": \[.*\]', '"Results": null'),
        },
    ),
    Notation(
        "grype", "json", _grype, _NEVER, found=r'"vulnerability"', statuses=_TWO,
        failures={
            "another place": edited(r'("locations": \[)', r'\1{"path": "/other.jar"}, '),
        },
    ),
    # A log says nothing of what did not happen: a line that is gone was never written.
    Notation(
        "log", "lines", _log, _NEVER, found=r" ERROR ", statuses=_TWO, open_end=True, endless=True,
        failures={
            "a line that is fatal": edited(r"(?=2026-01-02 03:04:06)", "2026-01-02 03:04:05 FATAL no disk\n"),
            "an uncaught exception": edited(
                r"(?=2026-01-02 03:04:06)", "Traceback (most recent call last):\n  File 'a'\nValueError: 3\n"
            ),
        },
    ),
    Notation(
        "gitlab", "json", _gitlab, _NEVER, found=r'"identifiers"', statuses=_TWO,
        failures={
            "no success": edited('"status": "success"', '"status": "failure"'),
            "a warning": edited(r'"messages": \[', '"messages": [{"level": "warn", "value": "two files timed out"}'),
        },
    ),
)  # fmt: skip
