"""Reports that real tools wrote, as the law sees them: each is its own baseline, and becomes worse in four ways.

It loses a part, its end or all of one suite, or one of its passing cases fails. Reports from elsewhere are tried by
``python -m tests.law --reports FOLDER``; those of this repository by its tests.
"""

from __future__ import annotations

import random
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from stabkit.readers import read_file
from tests.law.damage import cut, shape_of, without_part, written
from tests.law.law import Example

__all__ = ["REPORTS", "readable", "recorded_example"]

_TESTS = Path(__file__).parents[1] / "read" / "tests" / "recorded"
_REFERENCE = Path(__file__).parents[2] / "data" / "reference" / "after"
REPORTS: tuple[Path, ...] = (
    *sorted(path for path in _TESTS.iterdir() if path.suffix != ".md"),
    *sorted(path for path in _REFERENCE.iterdir() if path.suffix in (".json", ".xml", ".sarif")),
)
LARGEST: Final = 200_000
"""Reports of more bytes are left out: each example reads its report anew."""

_CASES: Final = ("testcase", "test-case", "test-method", "UnitTestResult", "test")
_SUITES: Final = ("testsuite", "test-suite", "class", "collection", "assembly")
_MARKS: Final = ("failure", "error", "skipped", "ignored", "rerunFailure", "rerunError")
_GOOD: Final = ("passed", "success", "pass", "")
# What a case that fails says of itself, by the element that it is.
_FAILS: Final[Mapping[str, Mapping[str, str]]] = {
    "test-case": {"result": "Failed", "success": "False"},
    "test-method": {"status": "FAIL"},
    "UnitTestResult": {"outcome": "Failed"},
    "test": {"result": "Fail"},
}
# A passing result where there are no elements, and how the same one reads that failed.
_PASSES: Final = (
    (r'("Action": *")pass("(?=[^\n]*"Test":))', r"\1fail\2"),
    (r'("(?:status|outcome)": *")passed(")', r"\1failed\2"),
    (r'("result": *")success(", *"skipped": *false, *"hidden": *false)', r"\1failure\2"),
    (r'("type": *"test"[^\n]*"event": *")ok(")', r"\1failed\2"),
    (r"(?m)^( *)ok( \d+)", r"\1not ok\2"),
)


def readable(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the format and the path of each report of a folder that is read as sound and holds results."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size < LARGEST):
        evidence = read_file(path)
        source = evidence["sources"].iloc[0]
        if source["status"] == "ok" and source["rows"] and _decoded(path) is not None:
            yield str(source["format"]), path


def _decoded(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return None


def recorded_example(path: Path, draw: random.Random) -> Example:
    """Return a real report that lost a part, a suite or its end, or in which a case fails that passed."""
    text = path.read_text(encoding="utf-8-sig")
    shape = shape_of(text)
    before, after = {"report": f"{text}\n"}, {"report": text}
    way = draw.choice(("cut off", "without a part", "without a part", "without a suite", "a case fails"))
    if way == "cut off":
        return Example(before, after, {"report": cut(text, draw)}, way, shape != "lines")
    if way == "a case fails":
        failing = _failing(text, shape, draw)
        return Example(before, after, {"report": failing}, way, failing != text, added=True)
    left = _without_suite(text, draw) if way == "without a suite" and shape == "xml" else None
    if left is None:
        left = without_part(text, shape, draw)
    gone = _passing(text, shape) - _passing(left, shape)
    return Example(before, after, {"report": left}, way, bool(gone), mended="violations" in text)


def _failing(text: str, shape: str, draw: random.Random) -> str:
    """Return a report in which a case fails that passed; the report itself where none is known to have passed."""
    if shape == "xml":
        root = ET.fromstring(text)
        passing = _cases_passed(root)
        if passing:
            case = draw.choice(passing)
            told = case.find("status")
            if told is not None:
                told.set("status", "FAIL")
                return written(root)
            case.attrib.update({key: word for key, word in _FAILS.get(_name(case), {}).items() if key in case.attrib})
            if _name(case) in ("testcase", "test-case", "test"):
                ET.SubElement(case, "failure").text = "it failed"
        return written(root) if passing else text
    for pattern, change in _PASSES:
        found = list(re.finditer(pattern, text))
        if found:
            match = draw.choice(found)
            return text[: match.start()] + match.expand(change) + text[match.end() :]
    return text


def _without_suite(text: str, draw: random.Random) -> str | None:
    root = ET.fromstring(text)
    suites = [(parent, child) for parent in root.iter() for child in parent if _name(child) in _SUITES]
    if not suites:
        return None
    parent, child = draw.choice(suites)
    parent.remove(child)
    return written(root)


def _passing(text: str, shape: str) -> set[str]:
    """Return the names of the cases that passed, where the notation names them in one place.

    A name that several attempts share is gone with the last of them.
    """
    if shape != "xml":
        return set(re.findall(r'"(?:nodeid|full_description)": *"([^"]+)"[^{}]*"(?:status|outcome)": *"passed', text))
    return {
        f"{case.get('classname')} {case.get('name') or case.get('testName') or case.get('signature')}"
        for case in _cases_passed(ET.fromstring(text))
    }


def _cases_passed(root: ET.Element) -> list[ET.Element]:
    """Return the cases that passed; of Robot Framework, none of a suite whose tear-down failed."""
    torn = {
        case
        for suite in root.iter("suite")
        if suite.find("kw[@type='TEARDOWN']/status[@status='FAIL']") is not None
        for case in suite.iter("test")
    }
    return [case for case in root.iter() if _passed(case) and case not in torn]


def _passed(case: ET.Element) -> bool:
    if _name(case) not in _CASES or case.get("is-config") == "true" or any(_name(child) == "class" for child in case):
        return False  # a <test> of TestNG holds classes
    told = case.find("status")
    if told is not None:
        return told.get("status") == "PASS"  # Robot Framework
    said = (case.get("result") or case.get("status") or case.get("outcome") or "").lower()
    return said in _GOOD and not any(_name(child) in _MARKS for child in case)


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
