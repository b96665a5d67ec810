"""Every format of scans, as the law sees it: a group is a rule, a name the file of one finding."""

# ruff: noqa: E501 - notations read best in one line

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.law.notations import Notation, Result, counted, edited

__all__ = ["SCANS"]


def _json(value: Any) -> str:
    return json.dumps(value, separators=(", ", ": "))


def _places(found: Sequence[Result]) -> list[tuple[str, str, int]]:
    return [(one.group.upper(), f"{one.name}.py", 3) for one in found if one.status == "fail"]


def _files(found: Sequence[Result]) -> list[str]:
    return sorted({f"{one.name}.py" for one in found})


def _bandit(found: Sequence[Result]) -> str:
    results = [
        {"test_id": rule, "filename": path, "line_number": line, "issue_text": "m", "issue_severity": "HIGH"}
        for rule, path, line in _places(found)
    ]
    metrics = {name: {"loc": 1, "nosec": 0, "skipped_tests": 0} for name in (*_files(found), "_totals")}
    stated = {"errors": [], "generated_at": "2026-01-02T03:04:05Z", "metrics": metrics, "results": results}
    return _json(stated)


def _code_climate(found: Sequence[Result]) -> str:
    kept = [("KNOWN", "known.py", 9), *_places(found)]
    return _json(
        [
            {"type": "issue", "check_name": rule, "description": "m", "fingerprint": f"{rule}-{path}",
             "severity": "major", "location": {"path": path, "lines": {"begin": line}}}
            for rule, path, line in kept
        ]
    )  # fmt: skip


def _compliance(found: Sequence[Result]) -> str:
    places = _places(found)
    return _json(
        {
            "total_violations": len(places),
            "compliance_score": 90.0,
            "timestamp": "2026-01-01T00:00:00Z",
            "violations_by_type": {rule: sum(rule == one[0] for one in places) for rule, _, _ in places},
            "summary": {"total_files_checked": len(found), "files_with_violations": len({p for _, p, _ in places})},
            "category_scores": {},
            "violations": [
                {"file_path": path, "violation_type": rule, "severity": "high", "line_number": line, "description": "d"}
                for rule, path, line in places
            ],
        }
    )


def _eslint(found: Sequence[Result]) -> str:
    places = _places(found)
    files = []
    for name in _files(found):
        mine = [place for place in places if place[1] == name]
        messages = [{"ruleId": rule, "severity": 2, "message": "m", "line": line} for rule, _, line in mine]
        files.append(
            {"filePath": name, "messages": messages, "errorCount": len(mine), "warningCount": 0, "fatalErrorCount": 0}
        )
    return _json(files)


def _mypy(found: Sequence[Result]) -> str:
    places = _places(found)
    lines = [f"{path}:{line}: error: m  [{rule.lower()}]" for rule, path, line in places]
    last = (
        f"Found {len(places)} errors in {len(places)} files (checked {len(_files(found))} source files)"
        if places
        else f"Success: no issues found in {len(_files(found))} source files"
    )
    return "\n".join([*lines, last, ""])


def _ruff_lines(found: Sequence[Result]) -> str:
    places = [("F401", "known.py", 9), *(("F841", path, line) for _, path, line in _places(found))]
    return "\n".join(
        [*(f"{path}:{line}:1: {rule} m" for rule, path, line in places), f"Found {len(places)} errors.", ""]
    )


def _ruff(found: Sequence[Result]) -> str:
    kept = [("F401", "known.py", 9), *_places(found)]
    return _json(
        [
            {"code": rule, "filename": path, "location": {"row": line, "column": 1}, "message": "m"}
            for rule, path, line in kept
        ]
    )


def _sarif(found: Sequence[Result]) -> str:
    """Return a log with a run for each tool: what one finds, and a second one that is clean."""
    results = [
        {
            "ruleId": rule,
            "level": "error",
            "message": {"text": "m"},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": path}, "region": {"startLine": line}}}],
        }
        for rule, path, line in _places(found)
    ]
    artifacts = [{"location": {"uri": name}, "roles": ["analysisTarget"]} for name in _files(found)]
    rules = [
        {"id": rule, "defaultConfiguration": {"level": "error"}} for rule in ("GROUP_0", "GROUP_1", "GROUP_2", "NEW")
    ]
    runs = [
        {
            "tool": {"driver": {"name": name, "version": "1", "rules": rules}},
            "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": []}],
            "artifacts": artifacts,
            "results": mine,
        }
        for name, mine in (("tool_one", results), ("tool_two", []))
    ]
    return _json({"version": "2.1.0", "runs": runs})


_TWO = ("pass", "fail")
_NOTE = '"toolExecutionNotifications": [{"level": "LEVEL", "message": {"text": "timeout in case_0.py"}}'
SCANS = (
    Notation(
        "bandit", "json", _bandit, r'"(case_\d+\.py)": \{', found=r'"issue_text"', statuses=_TWO,
        failures={
            "a file not read": edited(r'"errors": \[', '"errors": [{"filename": "case_0.py", "reason": "syntax error"}'),
        },
    ),
    Notation("code-climate", "json", _code_climate, r"(?!)", found=r'"check_name"', statuses=_TWO, failures={
        "another place": edited(r'("severity": "major")', r'\1, "other_locations": [{"path": "case_9.py", "lines": {"begin": 8}}]'),
        "a file not parsed": edited(r"\]\Z", ', {"type": "issue", "check_name": "invalid-syntax", "description": "m", '
                                    '"fingerprint": "x", "location": {"path": "a.py", "lines": {"begin": 1}}}]'),
    }),
    Notation("architecture-compliance", "json", _compliance, r"(?!)", found=r'"violation_type"', statuses=_TWO, failures={
        "violations claimed": counted("total_violations", shape="json"),
    }),
    Notation("eslint", "json", _eslint, r'"filePath": "(case_\d+\.py)", "messages"', found=r'"ruleId": "', statuses=_TWO, failures={
        "a file not parsed": edited(r'"messages": \[', '"messages": [{"ruleId": null, "fatal": true, "severity": 2, '
                                    '"message": "m", "line": 1}'),
        "errors claimed": counted("errorCount", shape="json"),
        "fatal errors claimed": counted("fatalErrorCount", shape="json"),
    }),
    Notation("lint-lines", "lines", _mypy, r"(?!)", found=r": error: ", statuses=_TWO, failures={
        "errors claimed": edited(r"Found (\d+)", lambda match: f"Found {int(match[1]) + 1}"),
        "stopped": edited(r"\Z", "a.py: error: INTERNAL ERROR -- m\n"),
        "a file not parsed": edited(r"\A", "a.py:1: error: invalid syntax  [syntax]\n"),
    }),
    Notation("lint-lines", "lines", _ruff_lines, r"(?!)", found=r":3:1: ", statuses=_TWO, open_end=True, failures={
        "errors claimed": edited(r"Found (\d+)", lambda match: f"Found {int(match[1]) + 1}"),
        "a file not parsed": edited(r"\A", "b.py:2:9: invalid-syntax: Expected a name\n"),
    }),
    Notation("ruff", "json", _ruff, r"(?!)", found=r'"code": "', statuses=_TWO, failures={
        "a file not parsed": edited(r"\]\Z", ', {"code": null, "filename": "b.py", "location": {"row": 1}, "message": "m"}]'),
    }),
    Notation("sarif", "json", _sarif, r'"name": "(tool_\w+)"', found=r'"startLine"', statuses=_TWO, failures={
        "another place": edited(r'("locations": \[)', r'\1{"physicalLocation": {"artifactLocation": {"uri": "case_9.py"}, '
                                r'"region": {"startLine": 8}}}, '),
        "another result": edited(r'("results": \[)\]', r'\1{"ruleId": "NEW", "level": "error", "message": {"text": "m"}}]', last=True),
        "no success": edited('"executionSuccessful": true', '"executionSuccessful": false'),
        "no success of the last": edited('"executionSuccessful": true', '"executionSuccessful": false', last=True),
        "did not start": edited('"executionSuccessful": true', '"executionSuccessful": true, "processStartFailureMessage": "m"'),
        "an error": edited(r'"toolExecutionNotifications": \[', _NOTE.replace("LEVEL", "error")),
        "a warning": edited(r'"toolExecutionNotifications": \[', _NOTE.replace("LEVEL", "warning")),
        "an unknown level": edited(r'"toolExecutionNotifications": \[', _NOTE.replace("LEVEL", "Warning")),
        "a warning about configuration": edited(
            r'"toolExecutionNotifications": \[',
            '"toolConfigurationNotifications": [{"level": "warning", "message": {"text": "m"}}], '
            '"toolExecutionNotifications": [',
        ),
        "no results": edited(r'"results": \[\]', '"results": null', last=True),
        "results elsewhere": edited(r'"artifacts": ', '"externalPropertyFileReferences": {"results": [{}]}, "artifacts": '),
        "a rule switched off": edited(
            '"executionSuccessful": true', '"executionSuccessful": true, "ruleConfigurationOverrides": '
            '[{"descriptor": {"id": "GROUP_0"}, "configuration": {"enabled": false}}]', last=True
        ),
    }),
)  # fmt: skip
