"""GitLab's security reports (SAST, dependencies, containers, secrets): vulnerabilities and the scan behind them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import entries, listed, mapped, moment, text
from stabkit.read.scans._results import Result, Scan, positive
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "gitlab"
KIND: Final = "scan"
_QUIET: Final = ("info", "debug")


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is such a report."""
    keys = set(json_keys(head))
    return "vulnerabilities" in keys and "version" in keys and (b'"identifiers"' in head or "scan" in keys)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``findings`` of the report, its ``scans`` and its ``sources`` row.

    The rule is the first identifier. The ids of vulnerabilities, which some scanners draw anew, are no fingerprints.
    A scan that did not succeed, or says more than information about itself, is incomplete.

    Raises
    ------
    ReportError
        Not JSON, cut off, or of another shape.
    """
    content = load_json(path)
    report = mapped(content.value)
    about = mapped(report.get("scan"))
    scanner = mapped(about.get("scanner"))
    scan = Scan(
        text(scanner.get("id")) or text(scanner.get("name")) or FORMAT,
        text(scanner.get("version")),
        warnings=list(content.warnings),
        scanned_at=moment(about.get("end_time")),
    )
    status = text(about.get("status"))
    if status is not None and status != "success":
        scan.unread.append(f"the scan ended with {status}")
    for message in listed(about.get("messages") or [], "messages"):
        if str(message.get("level")).lower() not in _QUIET:
            scan.unread.append(text(message.get("value")) or "a message without words")
    scan.results = [_result(one) for one in listed(report.get("vulnerabilities"), "vulnerabilities")]
    return scan.evidence(path, form=FORMAT, suite=suite, root=root)


def _result(one: Mapping[str, Any]) -> Result:
    place = mapped(one.get("location"))
    first = next((mapped(entry) for entry in entries(one.get("identifiers"))), {})
    dependency = mapped(place.get("dependency"))
    package = text(mapped(dependency.get("package")).get("name"))
    said = text(one.get("message")) or text(one.get("name")) or text(one.get("description"))
    behind = " ".join(filter(None, (package, text(dependency.get("version")))))
    return Result(
        text(first.get("value")) or text(first.get("name")) or text(one.get("name")),
        text(place.get("file")) or text(place.get("operating_system")) or text(place.get("image")),
        positive(place.get("start_line")),
        f"{behind}: {said}" if behind and said else behind or said,
        text(one.get("severity")),
    )
