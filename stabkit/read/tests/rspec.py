"""RSpec's JSON formatter: ``examples`` with their descriptions and files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import listed, mapped, text, whole
from stabkit.read.tests._parts.cases import Case, Report, number
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "rspec"
KIND: Final = "tests"

_STATUS: Final[Mapping[str, str]] = {"passed": "pass", "failed": "fail", "pending": "skip"}


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is RSpec's JSON."""
    keys = set(json_keys(head))
    return "examples" in keys and bool({"version", "summary", "messages", "seed"} & keys)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the report and its ``sources`` row.

    A pending example that failed as expected is ``xfail``. Errors outside of examples become one case in error: files
    that could not be loaded hide their examples.

    Raises
    ------
    ReportError
        Not JSON, cut off, refused, or without ``examples``.
    """
    content = load_json(path)
    value = mapped(content.value)
    summary = mapped(value.get("summary"))
    report = Report(
        warnings=list(content.warnings),
        claimed={
            "tests": whole(summary.get("example_count")),
            "failures": whole(summary.get("failure_count")),
            "skipped": whole(summary.get("pending_count")),
        },
    )
    report.cases = [_case(example) for example in listed(value.get("examples"), "examples")]
    outside = whole(summary.get("errors_outside_of_examples_count")) or 0
    if outside:
        messages = value.get("messages")
        told = [entry for entry in messages if isinstance(entry, str)] if isinstance(messages, list) else []
        report.unread = f"{outside} errors outside of examples" if outside > 1 else "1 error outside of examples"
        report.add_uncarried("outside of examples", "\n".join(told) or None)
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _case(example: Mapping[str, Any]) -> Case:
    error = mapped(example.get("exception"))
    status = _STATUS.get(str(example.get("status")), "no_result")
    if status == "skip" and error:
        status = "xfail"
    said = [part for part in (text(error.get("class")), text(error.get("message"))) if part]
    return Case.of(
        text(example.get("full_description")) or text(example.get("description")),
        status,
        time_s=number(example.get("run_time")),
        message=": ".join(said) or text(example.get("pending_message")),
        file=text(example.get("file_path")),
    )
