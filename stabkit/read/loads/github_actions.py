"""GitHub Actions' jobs, as its REST API and ``gh`` return them: how long each job ran, and how long it queued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import listed, mapped, moment, text, whole
from stabkit.read.loads._parts.requests import Load, ToolCheck
from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "github-actions"
KIND: Final = "load"
_LEFT_OUT: Final = ("skipped", "neutral", "cancelled")


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a list of jobs."""
    return "jobs" in json_keys(head) and b'"started_at"' in head


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return two ``samples`` a finished job, ``run_time`` and ``queue_time``, and the ``sources`` row.

    Queueing is not running. Each attempt of a run is a round. Skipped and cancelled jobs were not measured; a job that
    has not ended leaves the source partial. How the last attempt of a job was concluded is a check.

    Raises
    ------
    ReportError
        Not JSON, cut off, or of another shape.
    """
    content = load_json(path)
    jobs = listed(mapped(content.value).get("jobs"), "jobs")
    rows: list[dict[str, Any]] = []
    running = 0
    for job in jobs:
        if job.get("status", "completed") != "completed":
            running += 1
        elif job.get("conclusion") not in _LEFT_OUT:
            rows += _rows(job)
    frame = pd.DataFrame(rows, columns=["target", "metric", "round", "service_ms", "ok", "error"])
    load = Load({name: frame[name] for name in frame}, warnings=list(content.warnings), resolution_ms=1000.0)
    load.checks = _conclusions(jobs)
    total = whole(mapped(content.value).get("total_count"))
    if running:
        load.unread = amount(running, "job has not ended", "jobs have not ended")
    elif total is not None and total > len(jobs):
        load.unread = f"it says {total} jobs and lists {len(jobs)}: a page is missing"
    return load.evidence(path, form=FORMAT, suite=suite)


def _conclusions(jobs: Sequence[Mapping[str, Any]]) -> list[ToolCheck]:
    """Return a check for each job that was concluded, by its last attempt; one that was cancelled says nothing."""
    last: dict[str, Mapping[str, Any]] = {}
    for job in sorted(jobs, key=lambda job: whole(job.get("run_attempt")) or 1):
        if job.get("status", "completed") == "completed" and job.get("conclusion") not in ("skipped", "neutral"):
            last[text(job.get("name")) or "(?)"] = job
    found = []
    for name, job in last.items():
        conclusion = text(job.get("conclusion")) or "none"
        good, bad = conclusion == "success", conclusion not in ("success", "cancelled", "none")
        found.append(ToolCheck(name, "conclusion", int(good), int(bad), "success", conclusion))
    return found


def _rows(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    created, started, ended = (moment(job.get(key)) for key in ("created_at", "started_at", "completed_at"))
    attempt = max(0, (whole(job.get("run_attempt")) or 1) - 1)
    good = job.get("conclusion") == "success"
    shared = {"target": text(job.get("name")) or "(?)", "round": attempt}
    error = None if good else text(job.get("conclusion")) or "no conclusion"
    rows = [{**shared, "metric": "run_time", "service_ms": _between(started, ended), "ok": good, "error": error}]
    if created is not None:
        waited = _between(created, started)
        rows.append({**shared, "metric": "queue_time", "service_ms": waited, "ok": waited is not None, "error": None})
    return rows


def _between(start: pd.Timestamp | None, end: pd.Timestamp | None) -> float | None:
    if start is None or end is None or end < start:
        return None
    return float((end - start).total_seconds() * 1000)
