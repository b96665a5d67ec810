"""Reports that real tools wrote, as the law sees them: each is its own baseline, and loses parts of itself."""

from __future__ import annotations

import json
import random
import re
import xml.etree.ElementTree as ET
from pathlib import Path

from tests.law.damage import cut, without_part
from tests.law.law import Example

__all__ = ["REPORTS", "recorded_example"]

_TESTS = Path(__file__).parents[1] / "read" / "tests" / "recorded"
_REFERENCE = Path(__file__).parents[2] / "data" / "reference" / "after"
REPORTS: tuple[Path, ...] = (
    *sorted(path for path in _TESTS.iterdir() if path.suffix != ".md"),
    *sorted(path for path in _REFERENCE.iterdir() if path.suffix in (".json", ".xml", ".sarif")),
)
_CASES = ("testcase", "test-case", "test-method", "UnitTestResult")
_MARKS = ("failure", "error", "skipped", "rerunFailure", "rerunError")


def recorded_example(path: Path, draw: random.Random) -> Example:
    """Return a real report that lost a part, or its end: it counts where a case that passed is gone or the end is."""
    text = path.read_text(encoding="utf-8")
    shape = _shape(text)
    before, after = {"report": f"{text}\n"}, {"report": text}
    if draw.randrange(3) == 0:
        left = cut(text, draw)
        return Example(before, after, {"report": left}, "cut off", shape != "lines")
    left = without_part(text, shape, draw)
    gone = _passing(text, shape) - _passing(left, shape)
    return Example(before, after, {"report": left}, "without a part", bool(gone), mended="violations" in text)


def _shape(text: str) -> str:
    if text.lstrip("\ufeff \n").startswith("<"):
        return "xml"
    try:
        json.loads(text)
    except ValueError:
        return "lines"
    return "json"


def _passing(text: str, shape: str) -> set[str]:
    """Return the names of the cases that passed, where the notation names them in one place.

    A name that several attempts share is gone with the last of them.
    """
    if shape != "xml":
        return set(re.findall(r'"(?:nodeid|full_description)": *"([^"]+)"[^{}]*"(?:status|outcome)": *"passed', text))
    cases = [element for element in ET.fromstring(text).iter() if element.tag in _CASES]
    good = [case for case in cases if not any(child.tag in _MARKS for child in case)]
    return {f"{case.get('classname')} {case.get('name')}" for case in good if _said(case) in ("passed", "success", "")}


def _said(case: ET.Element) -> str:
    return (case.get("result") or case.get("status") or case.get("outcome") or "").lower()
