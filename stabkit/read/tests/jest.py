"""jest's and vitest's JSON: ``testResults``, one entry a file, with ``assertionResults``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import listed, mapped, text, whole
from stabkit.read.tests._parts.cases import Attempt, Case, Report, number
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "jest"
KIND: Final = "tests"

_STATUS: Final[Mapping[str, str]] = {
    "passed": "pass",
    "failed": "fail",
    "pending": "skip",
    "skipped": "skip",
    "todo": "skip",
    "disabled": "skip",
}
_MOST_RETRIES: Final = 100


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is jest's JSON."""
    return bool({"numTotalTests", "testResults"} & set(json_keys(head)))


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the report and its ``sources`` row.

    A file that failed to load has no assertions and becomes a case in error. ``invocations`` above 1 are attempts that
    failed before the last one. What a reporter is handed, which some write down as it is, has ``testResults`` in place
    of ``assertionResults`` in each file, and is read alike.

    Raises
    ------
    ReportError
        Not JSON, cut off, refused, or without ``testResults``.
    """
    content = load_json(path)
    value = mapped(content.value)
    claims = {"tests": "numTotalTests", "passed": "numPassedTests", "failed": "numFailedTests"}
    report = Report(
        warnings=list(content.warnings), claimed={ours: whole(value.get(theirs)) for ours, theirs in claims.items()}
    )
    for file in listed(value.get("testResults"), "testResults"):
        name = text(file.get("name")) or text(file.get("testFilePath"))
        found = list(_cases(file, name))
        report.cases += found
        failed = file.get("status") == "failed" or file.get("testExecError")
        if failed and not any(case.status in ("fail", "no_result") for case in found):
            report.add_uncarried(name, text(file.get("message")) or text(file.get("failureMessage")), file=name)
        if not {"assertionResults", "testResults"} & set(file):
            report.unread = "a file of tests has no results"
    # vitest counts each describe as one, so that only none at all is known to be too few.
    stated = any(whole(value.get(key)) for key in ("numFailedTestSuites", "numRuntimeErrorTestSuites"))
    if value.get("wasInterrupted") is True:
        report.unread = "the run was interrupted"
    elif (stated or value.get("success") is False) and not report.failing:
        report.unread = "the run was not successful, and no test says why"
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _cases(file: Mapping[str, Any], name: str | None) -> Iterator[Case]:
    key = "assertionResults" if "assertionResults" in file else "testResults"
    for test in listed(file.get(key, []), key):
        titles = test.get("ancestorTitles")
        group = " > ".join(str(title) for title in titles) if isinstance(titles, list) else ""
        said = [part for part in _texts(test.get("failureMessages")) if part]
        status = _STATUS.get(str(test.get("status")), "no_result")
        last = Attempt(status, number(test.get("duration"), scale=0.001), "\n".join(said) or None)
        reasons = _texts(test.get("retryReasons"))
        again = min((whole(test.get("invocations")) or 1) - 1, _MOST_RETRIES)
        earlier = [Attempt("fail", None, reasons[i] if i < len(reasons) else None) for i in range(max(0, again))]
        yield Case(text(test.get("title")) or text(test.get("fullName")), [*earlier, last], group or None, name)


def _texts(value: object) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []
