"""An annotation in Grafana over the time of the candidate's collection; one for each run, renewed.

Source: Grafana HTTP API, annotations (``/api/annotations``).
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any, Final

from stabkit.announce.announcement import Announcement
from stabkit.announce.exchange import Exchange
from stabkit.errors import StabkitError
from stabkit.redact import redact_text
from stabkit.text import plain

__all__ = ["annotate_grafana"]

_WHERE: Final = "grafana"
_LONGEST_TAG: Final = 90
_HINTS: Final = {
    401: "Check GRAFANA_TOKEN: it is wrong, or has expired.",
    403: "The service account needs the permission to write annotations of the organisation (role Editor).",
    404: "Check GRAFANA_URL: it is the address at which Grafana's own page opens.",
}


def annotate_grafana(announcement: Announcement, variables: Mapping[str, str], *, limit_s: float) -> str:
    """Write or renew the annotation, and return what was done.

    Raises
    ------
    StabkitError
        The environment lacks something, or Grafana refuses.
    """
    for key in ("GRAFANA_URL", "GRAFANA_TOKEN"):
        if not variables.get(key):
            raise StabkitError(f"{key} is not set.", where=_WHERE, hint="Set GRAFANA_URL and GRAFANA_TOKEN.")
    if announcement.started_at is None or not announcement.runs:
        return "there is no run whose time could be marked"
    address = f"{variables['GRAFANA_URL'].rstrip('/')}/api/annotations"
    run = _tag("run", announcement.runs[-1])
    start = _milliseconds(announcement.started_at)
    body: dict[str, Any] = {
        "time": start,
        "timeEnd": start if announcement.finished_at is None else _milliseconds(announcement.finished_at),
        "tags": [*_tags(announcement), run],
        "text": _text(announcement),
    }
    headers = {"Authorization": f"Bearer {variables['GRAFANA_TOKEN']}"}
    with Exchange(_WHERE, headers, limit_s=limit_s, hints=_HINTS) as service:
        found = service.ask("GET", address, query={"tags": ["stabkit", run], "type": "annotation", "limit": 10})
        own = [entry["id"] for entry in found.value or [] if {"stabkit", run} <= set(entry.get("tags") or [])]
        if own and service.ask("PATCH", f"{address}/{own[0]}", body=body, accept=(404,)).status != 404:
            return f"renewed the annotation of {announcement.candidate}"
        service.ask("POST", address, body=body)
    return f"annotated {announcement.candidate}"


def _tags(announcement: Announcement) -> list[str]:
    named = (("project", announcement.project), ("environment", announcement.environment))
    return ["stabkit", announcement.verdict, *(_tag(name, value) for name, value in named if value)]


def _tag(name: str, value: str) -> str:
    return f"{name}:{plain(value)}"[:_LONGEST_TAG]


def _text(announcement: Announcement) -> str:
    """Return the words; Grafana shows them as HTML."""
    said = f"{announcement.verdict.upper()}: {announcement.title}. {announcement.headline}"
    words = html.escape(redact_text(plain(said, 2_000)))
    page = announcement.page or announcement.job
    return f'{words}<br><a href="{html.escape(page)}">Report</a>' if page else words


def _milliseconds(moment: Any) -> int:
    return int(moment.timestamp() * 1000)
