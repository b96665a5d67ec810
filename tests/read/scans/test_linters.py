"""ruff, eslint, bandit, Code Climate, mypy and flake8 in their own formats: an unread file is no clean file."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stabkit.read.readers import read_file
from stabkit.schema import Evidence


def read(folder: Path, content: Any) -> Evidence:
    path = folder / "report.txt"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_file(path, root=Path("/build"))


def source(found: Evidence) -> dict[str, Any]:
    return found["sources"].to_dict("records")[0]


def scan(found: Evidence) -> dict[str, Any]:
    return found["scans"].to_dict("records")[0]


def rows(found: Evidence) -> list[tuple[Any, ...]]:
    frame = found["findings"]
    line = frame["line"].astype(object).where(frame["line"].notna(), None)
    return list(zip(frame["rule"], frame["path"], line, frame["severity"], strict=True))


def violation(code: str | None, row: int = 3, **more: Any) -> dict[str, Any]:
    place = {"row": row, "column": 1}
    return {"code": code, "filename": "/build/a.py", "location": place, "message": f"says {code}", **more}


def test_ruff_violation_without_a_code_is_an_unread_file(tmp_path):
    found = read(tmp_path, [violation("F401"), violation(None, message="SyntaxError")])
    assert [row[:3] for row in rows(found)] == [("F401", "a.py", 3)]
    assert (source(found)["status"], scan(found)["complete"]) == ("partial", False)
    assert "SyntaxError" in source(found)["message"]


def test_ruff_as_it_is_run_here(tmp_path):
    (tmp_path / "a.py").write_text("import os\n")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--output-format", "json", "a.py"]
    output = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60).stdout
    (tmp_path / "ruff.json").write_text(output)
    found = read_file(tmp_path / "ruff.json", root=tmp_path)
    assert [row[:3] for row in rows(found)] == [("F401", "a.py", 1)]
    assert scan(found)["tool"] == "ruff"


def test_an_empty_list_is_no_clean_scan_of_a_tool_that_nobody_named(tmp_path):
    found = read(tmp_path, [])
    assert source(found)["status"] == "error"
    assert "names no tool" in source(found)["message"]


def test_eslint_knows_every_scanned_file(tmp_path):
    found = read(
        tmp_path,
        [
            {"filePath": "/build/clean.js", "messages": []},
            {"filePath": "/build/old.js", "messages": [{"ruleId": None, "severity": 1, "message": "File ignored"}]},
            {
                "filePath": "/build/a.js",
                "messages": [
                    {"ruleId": "no-var", "severity": 2, "message": "m", "line": 3},
                    {"ruleId": None, "severity": 1, "message": "File ignored"},
                ],
                "suppressedMessages": [{"ruleId": "eqeqeq", "severity": 1, "message": "m", "line": 4}],
            },
        ],
    )
    assert rows(found) == [("no-var", "a.js", 3, "error"), ("eqeqeq", "a.js", 4, "warning")]
    assert list(found["findings"]["suppressed"]) == [False, True]
    assert (scan(found)["files_scanned"], json.loads(scan(found)["paths"])) == (2, ["a.js", "clean.js"])
    assert "File ignored" in source(found)["message"]
    fatal = [{"filePath": "b.js", "messages": [{"ruleId": None, "fatal": True, "message": "Parsing error", "line": 1}]}]
    assert scan(read(tmp_path, fatal))["complete"] is False


def test_bandit_counts_silenced_lines_that_no_file_has(tmp_path):
    metrics = {"a.py": {"nosec": 1, "skipped_tests": 0}, "_totals": {"nosec": 2, "skipped_tests": 0}}
    report = {"errors": [], "generated_at": "2026-01-02T03:04:05Z", "metrics": metrics, "results": []}
    path = tmp_path / "bandit.json"
    path.write_text(json.dumps(report))
    (source,) = read_file(path)["sources"].to_dict("records")
    assert source["status"] == "partial"
    assert "1 silenced line or test counts in no file" in source["message"]
    metrics["a.py"]["nosec"] = 2
    path.write_text(json.dumps(report))
    assert read_file(path)["sources"]["status"].iloc[0] == "ok"


def test_bandit_errors_are_unread_files(tmp_path):
    result = {"test_id": "B602", "filename": "./a.py", "line_number": 7, "issue_text": "m", "issue_severity": "HIGH"}
    report = {
        "errors": [],
        "generated_at": "2026-01-02T03:04:05Z",
        "metrics": {"_totals": {"loc": 3}, "./a.py": {}, "./b.py": {}},
        "results": [result],
    }
    found = read(tmp_path, report)
    assert rows(found) == [("B602", "a.py", 7, "high")]
    assert (scan(found)["files_scanned"], source(found)["status"]) == (2, "ok")
    assert scan(found)["scanned_at"].isoformat() == "2026-01-02T03:04:05+00:00"
    broken = read(tmp_path, report | {"errors": [{"filename": "c.py", "reason": "syntax error"}]})
    assert (source(broken)["status"], scan(broken)["complete"]) == ("partial", False)


def test_code_climate_keeps_the_tools_own_fingerprints(tmp_path):
    lines = {"type": "issue", "check_name": "dup", "description": "d", "fingerprint": "f1", "severity": "major",
             "location": {"path": "a.rb", "lines": {"begin": 4, "end": 9}}, "engine_name": "flay"}  # fmt: skip
    positions = {"check_name": "len", "description": "d", "fingerprint": "f2", "severity": "info",
                 "location": {"path": "b.rb", "positions": {"begin": {"line": 8}}}}  # fmt: skip
    positions["type"] = "Issue"  # whatever it is called, it is no measurement
    found = read(tmp_path, [lines, positions, {"type": "measurement", "location": {}}])
    assert rows(found) == [("dup", "a.rb", 4, "major"), ("len", "b.rb", 8, "info")]
    assert list(found["findings"]["fingerprint"]) == ["f1", "f2"]
    assert scan(found)["tool"] == "flay"


def test_mypy_notes_belong_to_the_error_before_them(tmp_path):
    found = read(
        tmp_path,
        """src/a.py:3: error: Incompatible types  [assignment]
src/a.py:3: note: see the docs
C:\\b\\c.py:9:5: error: No rule
Found 2 errors in 2 files (checked 31 source files)
""",
    )
    assert rows(found) == [("assignment", "src/a.py", 3, "error"), ("(?)", "C:/b/c.py", 9, "error")]
    assert found["findings"]["message"].iloc[0] == "Incompatible types\nnote: see the docs"
    assert (scan(found)["tool"], scan(found)["files_scanned"], scan(found)["complete"]) == ("mypy", 31, True)
    clean = read(tmp_path, "Success: no issues found in 12 source files\n")
    assert (len(clean["findings"]), scan(clean)["files_scanned"], source(clean)["status"]) == (0, 12, "ok")
    text = "a.py:1: error: invalid syntax  [syntax]\nFound 1 error in 1 file (errors prevented further checking)\n"
    assert scan(read(tmp_path, text))["complete"] is False


def test_mypy_as_it_is_run_here(tmp_path):
    (tmp_path / "a.py").write_text("x: int = 'a'\n")
    command = [sys.executable, "-m", "mypy", "--no-incremental", "--cache-dir", str(tmp_path / "c"), "a.py"]
    output = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120).stdout
    found = read(tmp_path, output)
    assert rows(found) == [("assignment", "a.py", 1, "error")]
    assert scan(found)["files_scanned"] == 1


def test_flake8_lines(tmp_path):
    found = read(tmp_path, "./a.py:3:80: E501 line too long\nC:\\b.py:1:1: F401 unused\n./c.py:1:2: E999 SyntaxError\n")
    assert [row[:3] for row in rows(found)] == [("E501", "a.py", 3), ("F401", "C:/b.py", 1)]
    assert (scan(found)["tool"], scan(found)["complete"]) == ("flake8", False)


def test_mypys_wrapped_lines_keep_their_rule(tmp_path):
    found = read(
        tmp_path,
        """pkg/c.py:1:25:1:27: error: Incompatible return value type (got "str", expected
"int")  [return-value]
    def ok() -> int: return "s"
                            ^~~
pkg/d.py: error: Source file found twice under different module names
Found 2 errors in 2 files (checked 2 source files)
""",
    )
    assert rows(found)[0] == ("return-value", "pkg/c.py", 1, "error")
    assert found["findings"]["message"].iloc[0] == 'Incompatible return value type (got "str", expected "int")'
    assert rows(found)[1][:2] == ("(?)", "pkg/d.py")
    assert scan(found)["complete"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "a.py:1: error: x  [attr]\nFound 3 errors in 2 files (checked 9 source files)\n",
            "counted 3 errors, and 1 stand",
        ),
        ("a.py:1:1: F401 unused\nb.py:2:9: invalid-syntax: Expected a name\nFound 2 errors.\n", "invalid-syntax"),
        ("a.py:1:1: F401 unused\nFound 2 errors.\n", "counted 2 errors, and 1 stand"),
        ("a.py:1:1: F401 unused\nb.py:2:9: something of a later version\n", "unread: b.py:2:9"),
        ("a.py:1:1: F401 unused\nb.py:0:1: E902 FileNotFoundError\n", "unread: b.py"),
    ],
)
def test_lines_that_are_missing_or_not_understood_are_never_clean(tmp_path, text, words):
    found = read(tmp_path, text)
    assert (source(found)["status"], bool(scan(found)["complete"])) == ("partial", False)
    assert words in source(found)["message"]


def test_ruffs_text_is_ruffs(tmp_path):
    found = read(tmp_path, "a.py:1:1: F401 [*] `os` imported but unused\nFound 1 error.\n[*] 1 fixable with `--fix`.\n")
    assert (scan(found)["tool"], found["findings"]["message"].iloc[0]) == ("ruff", "`os` imported but unused")
    assert scan(found)["complete"]


def test_a_syntax_error_among_code_climate_issues_leaves_the_scan_incomplete(tmp_path):
    issue = {"check_name": "invalid-syntax", "description": "Expected a name", "fingerprint": "f",
             "location": {"path": "b.py", "lines": {"begin": 1}}}  # fmt: skip
    assert source(read(tmp_path, [issue]))["status"] == "partial"


SEEDS = [
    json.dumps([violation("F401")]),
    json.dumps([{"filePath": "a.js", "messages": [{"ruleId": "r", "severity": 2, "message": "m", "line": 1}]}]),
    json.dumps({"errors": [], "generated_at": "x", "metrics": {}, "results": [{"test_id": "B1"}]}),
    json.dumps([{"check_name": "c", "fingerprint": "f", "location": {"path": "a", "lines": {"begin": 1}}}]),
    json.dumps(
        {
            "version": "1",
            "results": [
                {
                    "check_id": "r",
                    "path": "a.py",
                    "start": {"line": 3},
                    "extra": {"message": "m", "severity": "ERROR", "lines": "x"},
                }
            ],
            "errors": [],
            "paths": {"scanned": ["a.py"]},
        }
    ),
    json.dumps(
        {
            "SchemaVersion": 2,
            "ArtifactName": ".",
            "Results": [
                {
                    "Target": "a.lock",
                    "Class": "lang-pkgs",
                    "Type": "npm",
                    "Vulnerabilities": [{"VulnerabilityID": "CVE-1", "PkgName": "p", "Severity": "HIGH"}],
                    "Misconfigurations": [{"ID": "D1", "Status": "FAIL", "CauseMetadata": {"StartLine": 3}}],
                    "Secrets": [{"RuleID": "key", "StartLine": 1}],
                    "Licenses": [{"Name": "GPL", "PkgName": "p"}],
                }
            ],
        }
    ),
    json.dumps(
        {
            "matches": [
                {
                    "vulnerability": {"id": "CVE-1", "severity": "High", "fix": {"versions": ["2"]}},
                    "artifact": {"name": "p", "version": "1", "locations": [{"path": "/a.jar"}]},
                }
            ],
            "descriptor": {"name": "grype", "version": "0"},
        }
    ),
    json.dumps(
        {
            "version": "15",
            "vulnerabilities": [
                {
                    "message": "m",
                    "severity": "High",
                    "location": {"file": "a.rb", "start_line": 3, "dependency": {"package": {"name": "p"}}},
                    "identifiers": [{"value": "CWE-1"}],
                }
            ],
            "scan": {"scanner": {"id": "b"}, "status": "success", "messages": []},
        }
    ),
    '<checkstyle><file name="a.kt"><error line="3" severity="error" message="m" source="r"/></file></checkstyle>',
    "a.py:3: error: x  [rule]\nFound 1 error in 1 file (checked 1 source file)\n",
    "a.py:3:1: E501 long\n",
    "2026-01-02 03:04:05 ERROR order 3 failed\nValueError: x\n",
]


@pytest.mark.parametrize("seed", SEEDS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_report_is_a_scan_or_an_error(tmp_path, seed, data):
    raw = bytearray(seed.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from(["cut", "byte", "drop"])):
            case "cut":
                raw = raw[: place + 1]
            case "byte":
                raw[place] = data.draw(st.integers(0, 255))
            case "drop":
                raw[place : place + data.draw(st.integers(1, 20))] = b" "
    path = tmp_path / "report"
    path.write_bytes(bytes(raw))
    found = read_file(path)
    assert len(found["sources"]) == 1
    assert (source(found)["status"] == "error") == (not len(found["scans"]))
