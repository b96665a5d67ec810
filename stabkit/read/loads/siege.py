"""siege's summary, as JSON and as text: counts and a mean in hundredths of a second, no percentile at all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from stabkit.read.content import short_text
from stabkit.read.loads._requests import Load, Percentiles, milliseconds
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "siege"
KIND: Final = "load"
# One shape for both: "failed_transactions": 5, and Failed transactions: 5
_ENTRY: Final = re.compile(rb'^[\s{]*"?([A-Za-z]+(?:[_ ][a-z]+)?)"?:\s+([\d.]+)(?: (secs|ms))?', re.MULTILINE)
_SIGNS: Final = frozenset({b"transactions", b"availability"})
_FACTORS: Final = {"ms": 1.0, "secs": 1000.0, "": 1000.0}


def _entries(text: bytes) -> dict[bytes, tuple[bytes, bytes]]:
    if b"availability" not in text.lower():  # every report's head comes by here: no search line by line in vain
        return {}
    found = {name.lower().replace(b" ", b"_"): (value, unit) for name, value, unit in _ENTRY.findall(text)}
    return found if found.keys() >= _SIGNS else {}


def recognise(head: bytes, name: str) -> bool:  # noqa: ARG001 - the name never decides
    """Say whether these bytes hold siege's summary; a remark may stand before it."""
    return bool(_entries(head))


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return the counts and the mean that the summary states, as claims of the ``sources`` row.

    A transaction is a request that was answered; a failed one is none of them. siege has no percentile, so none is
    stated.

    Raises
    ------
    ReportError
        The file is refused.
    """
    entries = _entries(short_text(path).encode())

    def number(name: bytes) -> int | None:
        value = entries.get(name, (b"", b""))[0]
        return int(value[:15]) if value.isdigit() else None

    answered, good, bad = (number(b"transactions"), number(b"successful_transactions"), number(b"failed_transactions"))
    n = answered + bad if answered is not None and bad is not None else None
    failed = n - good if n is not None and good is not None and good <= n else bad
    time, unit = (part.decode() for part in entries.get(b"response_time", (b"", b"")))
    (mean,) = milliseconds([time], _FACTORS[unit])
    load = Load(
        percentiles=[Percentiles("all requests", n, failed, mean_ms=mean)],
        resolution_ms=_FACTORS[unit] / 100,
        method="siege states no percentile",
    )
    if n is None:
        load.unread = "it says nothing of how many requests were made"
    return load.evidence(path, form=FORMAT, suite=suite)
