"""Every format of coverage reports, as the law sees it: a name is a file, which fails if none of its lines ran."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tests.law.notations import Notation, Result, counted, edited

__all__ = ["COVERAGE"]

_LINES = 4


def _total(found: Sequence[Result]) -> tuple[int, int]:
    """Return how many lines there are, and how many ran."""
    return _LINES * len(found), _LINES * sum(one.status == "pass" for one in found)


def _cobertura(found: Sequence[Result]) -> str:
    lines, covered = _total(found)
    classes = [
        f'<class name="{one.name}" filename="{one.group}/{one.name}.py" line-rate="1"><methods/><lines>'
        + "".join(f'<line number="{line}" hits="{int(one.status == "pass")}"/>' for line in range(1, _LINES + 1))
        + "</lines></class>"
        for one in found
    ]
    return (
        f'<coverage version="7" timestamp="1767225600" lines-valid="{lines}" lines-covered="{covered}" line-rate="1">'
        f'<packages><package name="p"><classes>{"".join(classes)}</classes></package></packages></coverage>'
    )


def _jacoco(found: Sequence[Result]) -> str:
    def counter(of: Sequence[Result]) -> str:
        lines, covered = _total(of)
        return f'<counter type="LINE" missed="{lines - covered}" covered="{covered}"/>'

    def file(one: Result) -> str:
        counts = 'mi="0" ci="3"' if one.status == "pass" else 'mi="3" ci="0"'
        lines = "".join(f'<line nr="{line}" {counts} mb="0" cb="0"/>' for line in range(1, _LINES + 1))
        return f'<sourcefile name="{one.name}.java">{lines}{counter([one])}</sourcefile>'

    groups = dict.fromkeys(one.group for one in found)
    packages = [
        f'<package name="{name}">{"".join(file(one) for one in found if one.group == name)}</package>'
        for name in groups
    ]
    return f'<report name="shop"><sessioninfo id="a" start="1" dump="2"/>{"".join(packages)}{counter(found)}</report>'


def _coverage_py(found: Sequence[Result]) -> str:
    def file(one: Result) -> dict[str, object]:
        every = list(range(1, _LINES + 1))
        ran = every if one.status == "pass" else []
        summary = {"covered_lines": len(ran), "num_statements": _LINES}
        missing = [line for line in every if line not in ran]
        return {"executed_lines": ran, "summary": summary, "missing_lines": missing}

    lines, covered = _total(found)
    report = {
        "meta": {"format": 3, "version": "7", "timestamp": "2026-01-02T03:04:05"},
        "files": {f"{one.group}/{one.name}.py": file(one) for one in found},
        "totals": {"covered_lines": covered, "num_statements": lines},
    }
    return json.dumps(report)


def _lcov(found: Sequence[Result]) -> str:
    records = []
    for one in found:
        hits = int(one.status == "pass")
        lines = "".join(f"DA:{line},{hits}\n" for line in range(1, _LINES + 1))
        totals = f"LF:{_LINES}\nLH:{hits * _LINES}\n"
        records.append(f"TN:\nSF:{one.group}/{one.name}.js\n{lines}{totals}end_of_record\n")
    return "".join(records)


def _go(found: Sequence[Result]) -> str:
    blocks = [
        f"example.com/shop/{one.group}/{one.name}.go:1.20,{_LINES}.2 3 {int(one.status == 'pass')}\n" for one in found
    ]
    return "".join(["mode: set\n", *blocks])


_TWO = ("pass", "fail")
COVERAGE = (
    Notation(
        "cobertura", "xml", _cobertura, r'filename="group_\d+/(case_\d+)\.py"', statuses=_TWO,
        failures={
            "lines claimed": counted("lines-valid"),
            "lines claimed that did not run": edited(r'lines-covered="\d+"', 'lines-covered="0"'),
            "lines that did not run": edited(r'(<line [^>]*)hits="1"(.*?)hits="1"', r'\1hits="0"\2hits="0"'),
            "a line that does not say": edited(r'hits="1"', 'hits="many"'),
        },
    ),
    Notation(
        "jacoco", "xml", _jacoco, r'<sourcefile name="(case_\d+)\.java"', statuses=_TWO,
        failures={
            "lines claimed": counted("missed"), "lines claimed by all": counted("missed", last=True),
            "lines that did not run": edited(r'ci="3"(.*?)ci="3"', r'ci="0"\1ci="0"'),
        },
    ),
    Notation(
        "coverage-py", "json", _coverage_py, r'"group_\d+/(case_\d+)\.py"', statuses=_TWO,
        failures={
            "lines claimed": counted("num_statements", shape="json"),
            "lines claimed by all": counted("num_statements", shape="json", last=True),
            "lines claimed that did not run": edited(r'"covered_lines": [1-9]\d*', '"covered_lines": 0'),
        },
    ),
    Notation(
        "lcov", "lines", _lcov, r"SF:group_\d+/(case_\d+)\.js", statuses=_TWO,
        failures={
            "lines claimed": edited(r"LF:(\d+)", lambda match: f"LF:{int(match[1]) + 1}"),
            "lines claimed that did not run": edited(r"LH:[1-9]\d*", "LH:0"),
            "lines that did not run": edited(r"DA:1,1\nDA:2,1", "DA:1,0\nDA:2,0"),
            "a line told otherwise": edited(r"(DA:2,1)", r"\1\nDA:2,0"),
        },
    ),
    # A profile counts nothing beside its blocks: one that is gone was never there, for all that it says.
    Notation(
        "go-cover", "lines", _go, r"group_\d+/(case_\d+)\.go", statuses=_TWO, found=r" 3 0\n", open_end=True,
        endless=True,
        failures={
            "a block that did not run": edited(r"(1\.20,4\.2 3) 1\n", r"\1 0\n"),
            "a broken block": edited(r" 3 1\n", " 3 one\n"),
        },
    ),
)  # fmt: skip
