"""The texts of wrk and ab: counts and percentiles, no requests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from stabkit.collect.content import text_lines
from stabkit.collect.load_reports._requests import Load, Percentiles, milliseconds
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "wrk-ab"
KIND: Final = "load"

_UNITS: Final = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
_WRK: Final = re.compile(r"^\s+(50|95|99)(?:\.0+)?%\s+([\d.]+)(us|ms|s|m)\s*$", re.MULTILINE)
_AB: Final = re.compile(r"^\s+(50|95|99)%\s+(\d+)\s*$", re.MULTILINE)
_REQUESTS: Final = re.compile(r"^\s*(\d+) requests in |^Complete requests:\s+(\d+)", re.MULTILINE)
_AB_FAILED: Final = re.compile(r"^(?:Failed requests|Non-2xx responses):\s+(\d+)", re.MULTILINE)
_WRK_FAILED: Final = re.compile(r"^\s*Non-2xx or 3xx responses: (\d+)", re.MULTILINE)
_SOCKETS: Final = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")
_MEAN: Final = re.compile(r"^Time per request:\s+([\d.]+) \[ms\] \(mean\)", re.MULTILINE)


def recognise(head: bytes, name: str) -> bool:  # noqa: ARG001 - the name never decides
    """Say whether a file that begins with these bytes is the text of wrk or ab."""
    return head.startswith((b"Running ", b"This is ApacheBench")) or b"Percentage of the requests served" in head


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return the percentiles that the text states, as claims of the ``sources`` row.

    ab's percentiles are whole milliseconds. Both measure from the send: with a fixed number of connections a service
    that stalls is asked less, so these are service times.

    Raises
    ------
    ReportError
        The file is refused.
    """
    said = "\n".join(text_lines(path))
    wrk = {share: milliseconds([value], _UNITS[unit])[0] for share, value, unit in _WRK.findall(said)}
    ab = {share: milliseconds([value])[0] for share, value in _AB.findall(said)}
    shares = wrk or ab
    counted = _REQUESTS.search(said)
    failed = [int(count[:15]) for pattern in (_AB_FAILED, _WRK_FAILED) for count in pattern.findall(said)]
    failed += [int(count[:15]) for counts in _SOCKETS.findall(said) for count in counts]
    mean = _MEAN.search(said)
    found = Percentiles(
        "all requests",
        int((counted.group(1) or counted.group(2))[:15]) if counted else None,
        sum(failed),
        shares.get("50"),
        shares.get("95"),
        shares.get("99"),
        milliseconds([mean.group(1)])[0] if mean else None,
    )
    load = Load(percentiles=[found], resolution_ms=1.0 if ab else None, method="ab" if ab else "wrk, a histogram")
    if counted is None:
        load.unread = "it says nothing of how many requests were made"
    return load.evidence(path, form=FORMAT, suite=suite)
