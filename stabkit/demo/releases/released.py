"""Which releases are recorded, and when each came out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

__all__ = ["PROJECT", "RELEASES", "released_at"]

PROJECT: Final = "datasette"

#: Release -> the UTC day it came out, by the project's changelog. One line of development: maintenance releases of an
#: older line, which came out between others, are left out, so that each release stands against the one before it.
RELEASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "0.46": "2020-08-09",
        "0.48": "2020-08-16",
        "0.49.1": "2020-09-15",
        "0.50.2": "2020-10-10",
        "0.51.1": "2020-11-01",
        "0.52.5": "2020-12-09",
        "0.53": "2020-12-11",
        "0.54.1": "2021-02-02",
        "0.55": "2021-02-19",
        "0.56": "2021-03-29",
        "0.57.1": "2021-06-08",
        "0.58.1": "2021-07-16",
        "0.59": "2021-10-14",
        "0.59.4": "2021-11-30",
        "0.60.2": "2022-02-07",
        "0.61.1": "2022-03-23",
        "0.62": "2022-08-14",
        "0.63": "2022-10-27",
        "0.63.2": "2022-11-19",
        "1.0a1": "2022-12-01",
        "1.0a2": "2022-12-15",
        "1.0a3": "2023-08-09",
        "1.0a4": "2023-08-22",
        "1.0a5": "2023-08-29",
        "1.0a6": "2023-09-08",
        "1.0a7": "2023-09-21",
        "1.0a8": "2024-02-07",
        "1.0a11": "2024-02-19",
        "1.0a12": "2024-02-29",
        "1.0a13": "2024-03-13",
        "1.0a14": "2024-08-05",
        "1.0a15": "2024-08-16",
        "1.0a16": "2024-09-06",
        "1.0a17": "2025-02-06",
        "1.0a18": "2025-04-17",
        "1.0a19": "2025-04-22",
        "1.0a20": "2025-11-03",
        "1.0a21": "2025-11-05",
        "1.0a22": "2025-11-13",
        "1.0a23": "2025-12-03",
        "1.0a24": "2026-01-29",
        "1.0a25": "2026-02-26",
        "1.0a26": "2026-03-18",
        "1.0a28": "2026-04-17",
        "1.0a29": "2026-05-12",
        "1.0a31": "2026-05-29",
        "1.0a33": "2026-06-11",
        "1.0a35": "2026-06-23",
        "1.0a36": "2026-07-07",
        "1.0a37": "2026-07-14",
    }
)


def released_at(label: str) -> datetime:
    """Return noon UTC of the day a release came out.

    Examples
    --------
    >>> released_at("1.0a16").isoformat()
    '2024-09-06T12:00:00+00:00'
    """
    return datetime.fromisoformat(f"{RELEASES[label]}T12:00:00").replace(tzinfo=UTC)
