"""CTRF, the Common Test Report Format: ``results.tests`` with times in whole milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.read.content import ReportError
from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import listed, mapped, text, whole
from stabkit.read.tests._parts.cases import Attempt, Case, Report, number
from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "ctrf"
KIND: Final = "tests"

_STATUS: Final[Mapping[str, str]] = {"passed": "pass", "failed": "fail", "skipped": "skip", "pending": "skip"}


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a CTRF report."""
    keys = json_keys(head)
    return "results" in keys and (b'"CTRF"' in head or b'"tests"' in head) and not {"testResults", "stats"} & set(keys)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the report and its ``sources`` row.

    A status other than those four is ``no_result``. A passed test that is called flaky, or retried, but keeps none
    of its attempts gets one failed attempt, so that the retry is not lost.

    Raises
    ------
    ReportError
        Not JSON, cut off, refused, or without ``results.tests``.
    """
    content = load_json(path)
    results = mapped(mapped(content.value).get("results"))
    if "tests" not in results:
        raise ReportError("not a CTRF report: it has no results.tests")
    summary = mapped(results.get("summary"))
    claims = {"tests": "tests", "passed": "passed", "failed": "failures"}
    report = Report(
        warnings=list(content.warnings), claimed={ours: whole(summary.get(theirs)) for theirs, ours in claims.items()}
    )
    report.cases = [_case(test) for test in listed(results["tests"], "results.tests")]
    other = whole(summary.get("other")) or 0
    if other > (known := sum(case.status == "no_result" for case in report.cases)):
        report.unread = f"its summary counts {amount(other, 'other result', 'other results')}, its tests {known}"
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _case(test: Mapping[str, Any]) -> Case:
    earlier = [_attempt(entry) for entry in listed(test.get("retryAttempts") or [], "retryAttempts")]
    last = _attempt(test)
    retried = test.get("flaky") is True or bool(whole(test.get("retries")))
    if not earlier and retried and last.status == "pass":
        earlier = [Attempt("fail", None, "the report says that this test was retried and keeps no failed attempt")]
    group = test.get("suite")
    steps = group if isinstance(group, list) else [group]
    return Case(
        text(test.get("name")),
        [*earlier, last],
        group=" > ".join(step for step in steps if isinstance(step, str) and step) or None,
        file=text(test.get("filePath")),
        variant=text(test.get("browser")) or text(test.get("device")),
    )


def _attempt(entry: Mapping[str, Any]) -> Attempt:
    said = [part for part in (text(entry.get("message")), text(entry.get("trace"))) if part]
    status = _STATUS.get(str(entry.get("status")), "no_result")
    return Attempt(status, number(entry.get("duration"), scale=0.001), "\n".join(said) or None)
