"""Gatling's ``simulation.log`` as text, which it wrote up to version 3.11: a line for each request, tabs between."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from stabkit.read.content import head_lines, text_lines
from stabkit.read.loads._parts.requests import Load, ToolCheck
from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "gatling"
KIND: Final = "load"

_KINDS: Final = ("RUN", "USER", "REQUEST", "GROUP", "ERROR", "ASSERTION")
# What stands before the name (scenario, user, groups) differs from version to version.
_REQUEST: Final = re.compile(r"REQUEST\t(?:.*\t)?([^\t]*)\t(\d{13})\t(\d{13})\t(OK|KO)(?:\t(.*))?")
_RESOLUTION_MS: Final = 1.0


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is such a log."""
    lines = [line.split("\t") for line in head_lines(head)[:50]]
    words = [fields[0] for fields in lines if len(fields) > 2]
    return "RUN" in words and set(words) <= set(_KINDS)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return the ``samples`` of the requests and the ``sources`` row.

    Gatling measures from the send, in whole milliseconds. An error of the simulation itself, as of a request that
    could not be built, is a failed check.

    Raises
    ------
    ReportError
        An unresolved merge conflict, or a line beyond the limit.
    """
    columns: dict[str, list[Any]] = {"target": [], "service_ms": [], "ok": [], "error": []}
    at: list[float] = []
    errors, foreign, last = 0, 0, ""
    for line in text_lines(path):
        kind = line.partition("\t")[0]
        found = _REQUEST.fullmatch(line) if kind == "REQUEST" else None
        if found is not None:
            name, start, end, word, said = found.groups()
            good = word == "OK"
            columns["target"].append(name.strip() or "(?)")
            columns["service_ms"].append(float(int(end) - int(start)) if good else None)
            columns["ok"].append(good)
            columns["error"].append(None if good else (said or "").strip() or "KO")
            at.append(int(start) / 1000)
        elif kind == "ERROR":
            errors, last = errors + 1, line
        elif kind not in _KINDS or kind == "REQUEST":
            foreign += bool(line.strip())
    load = Load(columns, at=at or None, resolution_ms=_RESOLUTION_MS)
    if foreign:
        load.unread = amount(foreign, "line is no record", "lines are no records") + ": the file may be cut"
    if at:
        told = last.split("\t")[1] if errors and "\t" in last else None
        load.checks = [ToolCheck("simulation", "no error", 0 if errors else 1, errors, observed=told)]
    return load.evidence(path, form=FORMAT, suite=suite)
