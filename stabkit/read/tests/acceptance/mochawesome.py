"""mochawesome's JSON, as Cypress and mocha write it: nested suites with their tests and hooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import listed, mapped, text, whole
from stabkit.readers import Case, Report, number
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "mochawesome"
KIND: Final = "tests"

_STATUS: Final[Mapping[str, str]] = {"passed": "pass", "failed": "fail", "pending": "skip"}
_HOOKS: Final = ("beforeHooks", "afterHooks")


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is mochawesome's JSON."""
    keys = set(json_keys(head))
    return {"stats", "results"} <= keys and (b'"testsRegistered"' in head or b'"passPercent"' in head)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the report and its ``sources`` row.

    What mochawesome calls skipped never ran, since a hook before it failed: it has no result. A hook that failed is a
    case in error. Of a test that was retried the last attempt stands here alone.

    Raises
    ------
    ReportError
        Not JSON, cut off, refused, or without ``results``.
    """
    content = load_json(path)
    value = mapped(content.value)
    stats = mapped(value.get("stats"))
    registered = whole(stats.get("testsRegistered"))
    report = Report(
        warnings=list(content.warnings),
        claimed={
            "tests": whole(stats.get("tests")) if registered is None else registered,
            "passed": whole(stats.get("passes")),
            "failures": whole(stats.get("failures")),
        },
    )
    for block, titles, file in _blocks(listed(value.get("results"), "results")):
        group = " > ".join(titles) or None
        for test in listed(block.get("tests", []), "tests"):
            report.cases.append(_case(test, group, file))
        for hook in (hook for key in _HOOKS for hook in listed(block.get(key) or [], key)):
            if hook.get("fail") is True or hook.get("state") == "failed":
                report.add_uncarried(text(hook.get("title")), _said(hook), group=group, file=file)
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _blocks(results: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], tuple[str, ...], str | None]]:
    """Yield each suite with the titles down to it, and its file, in document order."""
    stack: list[tuple[dict[str, Any], tuple[str, ...], str | None]] = [(one, (), None) for one in reversed(results)]
    while stack:
        block, above, file = stack.pop()
        title = text(block.get("title"))
        titles = above if title is None else (*above, title)
        place = (text(block.get("file")) or "").lstrip("/\\") or file
        yield block, titles, place
        stack += [(inner, titles, place) for inner in reversed(listed(block.get("suites", []), "suites"))]


def _case(test: Mapping[str, Any], group: str | None, file: str | None) -> Case:
    status = _STATUS.get(str(test.get("state")), "no_result")
    if status == "pass" and (test.get("fail") is True or test.get("pass") is False):
        status = "fail" if test.get("fail") is True else "no_result"
    message = _said(test) or ("it never ran" if test.get("skipped") is True and status == "no_result" else None)
    took = number(test.get("duration"), scale=0.001)
    return Case.of(text(test.get("title")), status, time_s=took, message=message, group=group, file=file)


def _said(test: Mapping[str, Any]) -> str | None:
    error = mapped(test.get("err"))
    return text(error.get("estack")) or text(error.get("message"))
