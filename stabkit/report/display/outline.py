"""The sections of a stability report, and how a link names one."""

from __future__ import annotations

from enum import StrEnum

from stabkit.report.display.escape import slug

__all__ = ["Section", "heading_id"]


class Section(StrEnum):
    """The sections in their order, each named as the report's method that shows it; the value is the heading."""

    executive_summary = "Executive summary"
    key_metrics = "Key metrics"
    availability = "Service availability"
    websocket = "WebSocket validation"
    compliance = "Compliance"
    change_impact = "Change impact"
    test_results = "Regression results by suite"
    response_times = "Response-time stability"
    business_value = "Business-value protection"
    risks = "Risks"
    resources = "Performance, resources"
    readiness = "Production readiness"
    recommendations = "Recommendations"
    conclusion = "Conclusion"
    evidence_and_method = "Evidence and method"


def heading_id(section: str) -> str:
    """Return the id that JupyterLab gives a section's heading; a page has its own, and settles its links.

    Examples
    --------
    >>> heading_id(Section.response_times), heading_id("My own <section>")
    ('8-Response-time-stability', 'my-own-section')
    """
    headings = list(Section)
    return (
        f"{headings.index(Section(section)) + 1} {section}".replace(" ", "-") if section in headings else slug(section)
    )
