"""The texts of wrk and ab: counts and percentiles, no requests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from stabkit.read.content import short_text
from stabkit.read.loads._requests import Load, Percentiles, milliseconds
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "wrk-ab"
KIND: Final = "load"

_SHARES: Final = ("50", "95", "99")
_UNITS: Final = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
_WRK: Final = re.compile(r"^\s+(50|95|99)(?:\.0+)?%\s+([\d.]+)(us|ms|s|m)\s*$", re.MULTILINE)
_AB: Final = re.compile(r"^\s+(50|95|99)%\s+(\d+)\s*$", re.MULTILINE)
_REQUESTS: Final = re.compile(r"^\s*(\d+) requests in |^Complete requests:\s+(\d+)", re.MULTILINE)
_AB_FAILED: Final = re.compile(r"^Failed requests:\s+(\d+)", re.MULTILINE)
_AB_KINDS: Final = re.compile(r"\(Connect: (\d+), Receive: (\d+), Length: (\d+), Exceptions: (\d+)\)")
_AB_REFUSED: Final = re.compile(r"^Non-2xx responses:\s+(\d+)", re.MULTILINE)
_WRK_FAILED: Final = re.compile(r"^\s*Non-2xx or 3xx responses: (\d+)", re.MULTILINE)
_SOCKETS: Final = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")
_MEAN: Final = re.compile(r"^Time per request:\s+([\d.]+) \[ms\] \(mean\)", re.MULTILINE)
_WRK_MEAN: Final = re.compile(r"^\s+Latency\s+([\d.]+)(us|ms|s|m)\s", re.MULTILINE)
_WRK_HEAD: Final = re.compile(rb"^Running \S+ test @ \S+\s+\d+ threads and \d+ connections", re.MULTILINE)
_AB_HEAD: Final = b"This is ApacheBench"


def recognise(head: bytes, name: str) -> bool:  # noqa: ARG001 - the name never decides
    """Say whether a file that begins with these bytes is the text of wrk or ab."""
    return _WRK_HEAD.search(head) is not None or _AB_HEAD in head or b"Percentage of the requests served" in head


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return the percentiles that the text states, as claims of the ``sources`` row.

    ab's percentiles are whole milliseconds; both tools count failures in them. Both measure from the send: with a
    fixed number of connections a service that stalls is asked less, so these are service times.

    Raises
    ------
    ReportError
        The file is refused.
    """
    said = short_text(path)
    ab = _AB_HEAD.decode() in said or _AB.search(said) is not None
    load = _ab(said) if ab else _wrk(said)
    if load.percentiles[0].n is None:
        load.unread = "it says nothing of how many requests were made"
    return load.evidence(path, form=FORMAT, suite=suite)


def _ab(said: str) -> Load:
    """Return ab's claims; an answer that is no 2xx and of another length stands in two of its counts, here in one."""
    shares = {share: milliseconds([value])[0] for share, value in _AB.findall(said)}
    failed, refused = (_number(pattern, said) or 0 for pattern in (_AB_FAILED, _AB_REFUSED))
    kinds = _AB_KINDS.search(said)
    other_length = int(kinds.group(3)[:15]) if kinds else 0
    p50, p95, p99 = (shares.get(share) for share in _SHARES)
    mean = _MEAN.search(said)
    found = Percentiles(
        "all requests",
        _number(_REQUESTS, said),
        failed + max(0, refused - other_length),
        p50,
        p95,
        p99,
        milliseconds([mean.group(1)])[0] if mean else None,
    )
    return Load(percentiles=[found], resolution_ms=1.0, method="ab")


def _wrk(said: str) -> Load:
    """Return wrk's claims, printed with two decimals of their unit; without ``--latency`` it prints the mean alone."""
    stated = {share: (value, unit) for share, value, unit in _WRK.findall(said)}
    mean = _WRK_MEAN.search(said)
    shares = {share: milliseconds([value], _UNITS[unit])[0] for share, (value, unit) in stated.items()}
    units = [unit for _, unit in stated.values()] + ([mean.group(2)] if mean else [])
    p50, p95, p99 = (shares.get(share) for share in _SHARES)
    sockets = _SOCKETS.search(said)
    found = Percentiles(
        "all requests",
        _number(_REQUESTS, said),
        (_number(_WRK_FAILED, said) or 0) + sum(int(count[:15]) for count in (sockets.groups() if sockets else ())),
        p50,
        p95,
        p99,
        milliseconds([mean.group(1)], _UNITS[mean.group(2)])[0] if mean else None,
    )
    resolution = max((_UNITS[unit] for unit in units), default=None)
    return Load(
        percentiles=[found],
        resolution_ms=None if resolution is None else resolution / 100,
        method="wrk, a histogram",
    )


def _number(pattern: re.Pattern[str], said: str) -> int | None:
    found = pattern.search(said)
    return next((int(text[:15]) for text in found.groups() if text), None) if found else None
