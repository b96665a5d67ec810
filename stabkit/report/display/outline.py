"""The sections of a stability report, and how a link names one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stabkit.report.display.escape import slug

__all__ = ["SECTIONS", "heading_id"]

SECTIONS: Final[Mapping[int, str]] = dict(
    enumerate(
        (
            "Executive summary",
            "Key metrics",
            "Service availability",
            "WebSocket validation",
            "Compliance",
            "Change impact",
            "Regression results by suite",
            "Response-time stability",
            "Business-value protection",
            "Risks",
            "Performance, resources",
            "Production readiness",
            "Recommendations",
            "Conclusion",
            "Evidence and method",
        ),
        start=1,
    )
)
_NUMBERS: Final = {title: number for number, title in SECTIONS.items()}


def heading_id(section: str) -> str:
    """Return the id that JupyterLab gives a section's heading; a page has its own, and settles its links.

    Examples
    --------
    >>> heading_id("Response-time stability"), heading_id("My own <section>")
    ('8-Response-time-stability', 'my-own-section')
    """
    number = _NUMBERS.get(section)
    return f"{number} {section}".replace(" ", "-") if number else slug(section)
