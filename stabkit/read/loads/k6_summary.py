"""k6's machine-readable summary: metrics in a list, each with its values, and the checks of the script.

Source: grafana/k6-summary, JSON Schema of version 1.0.0. What ``handleSummary`` is given holds the same where k6 was
asked for this form. The older summaries are read by :mod:`.k6`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from stabkit.read.content import ReportError
from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import entries, listed, mapped, text, whole
from stabkit.read.loads._parts.k6_verdicts import TARGET, stated_thresholds
from stabkit.read.loads._parts.requests import Load, Percentiles, ToolCheck, milliseconds
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "k6-summary"
KIND: Final = "load"
_DURATION: Final = "http_req_duration"
_KNOWN: Final = "1."


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is k6's machine-readable summary."""
    return {"metadata", "config", "results"} <= set(json_keys(head)) and b'"k6Version"' in head


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return what the summary states of all requests, its checks, and the ``sources`` row.

    That k6 itself calls the test failed is a failed check, whatever its metrics say. Iterations that it dropped leave
    the source partial.

    Raises
    ------
    ReportError
        Not JSON, cut off, or of another shape: no list of metrics, one metric twice, or another version.
    """
    content = load_json(path)
    value = mapped(content.value)
    version = text(value.get("version")) or ""
    if not version.startswith(_KNOWN):
        raise ReportError(f"a summary of k6 in version {version[:20] or 'unknown'}; version 1 is known")
    results = mapped(value.get("results"))
    metrics = _by_name(listed(results.get("metrics"), "metrics"))
    duration, count, share = (metrics.get(name, {}) for name in (_DURATION, "http_reqs", "http_req_failed"))
    n = whole(count.get("count"))
    n = whole(duration.get("count")) if n is None else n
    rate = share.get("rate")
    known = isinstance(rate, (int, float)) and not isinstance(rate, bool) and 0 <= rate <= 1
    failed = None if n is None or rate is None or not known else round(n * rate)
    p50, p95, p99, mean = milliseconds(duration.get(key) for key in ("med", "p(95)", "p(99)", "avg"))
    found = [Percentiles("all requests", n, failed, p50, p95, p99, mean)] if duration else []
    load = Load(percentiles=found, warnings=list(content.warnings), method="k6, linear interpolation")
    if failed:
        load.warnings.append("its percentiles count a request without an answer as 0 ms")
    load.checks = [*_checks(results), *stated_thresholds(_with_thresholds(results))]
    load.dropped = whole(metrics.get("dropped_iterations", {}).get("count")) or 0
    seconds = mapped(value.get("config")).get("duration")
    if isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and seconds > 0:
        load.seconds = float(seconds)
    load.warnings.append("k6's times leave connecting out")
    return load.evidence(path, form=FORMAT, suite=suite)


def _by_name(metrics: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the values of each metric; one that is told twice is no summary of one test."""
    found: dict[str, dict[str, Any]] = {}
    for metric in metrics:
        name = text(metric.get("name")) or "(?)"
        if name in found:
            raise ReportError(f"it tells the metric {name[:80]} twice")
        found[name] = mapped(metric.get("values"))
    return found


def _checks(results: dict[str, Any]) -> list[ToolCheck]:
    """Return the checks of the script, and k6's own word for the whole test."""
    stated = mapped(results.get("checks"))
    # The first drafts of the format called the list otherwise.
    every = stated.get("results") if "results" in stated else stated.get("orderedChecks")
    found = []
    for check in listed(every or [], "checks"):
        passed, fails = (whole(check.get(key)) or 0 for key in ("passes", "fails"))
        found.append(ToolCheck(TARGET, text(check.get("name")) or "(?)", passed, fails))
    word = results.get("passed")
    if isinstance(word, bool):
        found.append(ToolCheck(TARGET, "the test as a whole", int(word), int(not word)))
    return found


def _with_thresholds(results: dict[str, Any]) -> dict[str, Any]:
    """Return the metrics as the older summary has them: a threshold by its expression, with whether it is ok."""
    found: dict[str, Any] = {}
    for metric in listed(results.get("metrics"), "metrics"):
        rules = metric.get("thresholds")
        told = rules if isinstance(rules, dict) else {}
        for rule in entries(rules) if isinstance(rules, list) else []:
            one = mapped(rule)
            expression = text(one.get("source")) or text(one.get("threshold")) or "(?)"
            told[expression] = {"ok": one.get("ok", one.get("passed"))}
        found[text(metric.get("name")) or "(?)"] = {"values": mapped(metric.get("values")), "thresholds": told}
    return found
