"""Cucumber's JSON, and behave's: features of scenarios of steps, each step with its result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import load_json
from stabkit.read.json_shapes import array_keys, entries, listed, mapped, text
from stabkit.readers import Case, Report, number
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "cucumber"
KIND: Final = "tests"

_STATUS: Final[Mapping[str, str]] = {
    "passed": "pass",
    "failed": "fail",
    # A step that nobody wrote, or that two definitions fit, and one that is still to do fail the run.
    "undefined": "error",
    "ambiguous": "error",
    "pending": "error",
    "error": "error",
    "hook_error": "error",
    "cleanup_error": "error",
    "skipped": "skip",
}
_WORST_FIRST: Final = ("fail", "error", "no_result", "skip", "pass")
_NANOSECOND: Final = 1e-9


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a list of features."""
    return "elements" in array_keys(head) and (b'"keyword"' in head or b'"steps"' in head)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the report and its ``sources`` row.

    A scenario ends as the worst of its steps, its hooks and the background before it; without a step it has no result.
    The rows of an outline share its name, and each is a result. What Cucumber ran again stands here with its last
    attempt alone.

    Raises
    ------
    ReportError
        Not JSON, cut off, refused, or no list of features.
    """
    content = load_json(path)
    report = Report(warnings=list(content.warnings))
    for feature in listed(content.value, "the report"):
        name, file = text(feature.get("name")), text(feature.get("uri")) or _place(feature)
        # behave counts seconds and says where a feature stands in its own way.
        scale = 1.0 if "uri" not in feature and "location" in feature else _NANOSECOND
        background: list[dict[str, Any]] = []
        for element in listed(feature.get("elements", []), "elements"):
            if str(element.get("type")).lower() == "background":
                # behave lists it once, without results, and its steps again in each scenario.
                background = [step for step in _steps(element) if "result" in step]
                continue
            report.cases.append(_case(element, background, scale, group=name, file=file))
            background = []
        if background:
            report.unread = "a background without its scenario: the run was interrupted"
        if str(feature.get("status")) == "failed" and not report.failing:
            report.unread = report.unread or f"feature {name} failed, and no scenario says why"
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _place(feature: Mapping[str, Any]) -> str | None:
    place = text(feature.get("location"))
    return place.rpartition(":")[0] or place if place else None


def _steps(element: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the steps and the hooks of an element, those of its steps included, in order."""
    yield from listed(element.get("before") or [], "before")
    for step in listed(element.get("steps") or [], "steps"):
        yield from listed(step.get("before") or [], "before")
        yield step
        yield from listed(step.get("after") or [], "after")
    yield from listed(element.get("after") or [], "after")


def _case(
    element: Mapping[str, Any], background: list[dict[str, Any]], scale: float, *, group: str | None, file: str | None
) -> Case:
    steps = [*background, *_steps(element)]
    results = [mapped(step.get("result")) for step in steps]
    told = [_STATUS.get(str(result.get("status")).lower(), "no_result") for result in results]
    # behave leaves out the result of a step that was not reached: what is before it says why.
    if "fail" in told or "error" in told:
        told = [status for status, result in zip(told, results, strict=True) if result]
    status = next((word for word in _WORST_FIRST if word in told), "no_result")
    if not listed(element.get("steps") or [], "steps"):
        status = "no_result" if status in ("pass", "skip") else status
    said = _STATUS.get(str(element.get("status")).lower())
    if said is not None and _WORST_FIRST.index(said) < _WORST_FIRST.index(status):
        status = said  # as where a hook failed, which behave does not list
    times = [seconds for result in results if (seconds := number(result.get("duration"), scale=scale)) is not None]
    return Case.of(
        text(element.get("name")) or text(element.get("keyword")),
        status,
        time_s=sum(times) if times else None,
        message=_message(results, steps) if status not in ("pass", "skip") else None,
        group=group,
        file=file,
    )


def _message(results: list[dict[str, Any]], steps: list[dict[str, Any]]) -> str | None:
    for result, step in zip(results, steps, strict=True):
        status = str(result.get("status")).lower()
        if _STATUS.get(status) in ("fail", "error"):
            what = f"{text(step.get('keyword')) or ''}{text(step.get('name')) or ''}".strip()
            error = result.get("error_message")
            said = "\n".join(str(line) for line in entries(error)) if isinstance(error, list) else text(error)
            return "\n".join(part for part in (f"{what}: {status}".lstrip(": "), said) if part)
    return None
