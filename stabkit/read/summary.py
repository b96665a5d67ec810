"""What each source gave, counted: the ``sources`` of ``stabkit read --format json``."""

from __future__ import annotations

import json
from typing import Any, Final

import pandas as pd

from stabkit.read import records
from stabkit.read.tests import MASKED
from stabkit.redact import redact_text
from stabkit.samples import best_column, counted, failed, milliseconds
from stabkit.schema import Evidence
from stabkit.vocabulary import BAD, GOOD, STATUS_COUNTS

__all__ = ["source_summary"]

_QUANTILES: Final = {"p50_ms": 0.50, "p95_ms": 0.95, "p99_ms": 0.99}
_NO_TESTS: Final[dict[str, Any]] = dict.fromkeys(("tests", "cases", *STATUS_COUNTS, "flaky"), 0) | {"time_s": None}


def source_summary(evidence: Evidence) -> list[dict[str, Any]]:
    """Return one JSON object a source: path, kind, format, status, message, line, column, counts and claimed.

    Notes
    -----
    Counts of tests: ``tests`` (ids), ``cases`` (rows but for superseded attempts), ``passed``, ``failed``, ``errors``,
    ``skipped`` (they sum to cases; xfail is skipped, xpass passed, no_result an error), ``flaky`` (ids that recovered
    in this file) and ``time_s`` (null if no case has a time). Of scans: ``findings``, ``suppressed`` among them,
    ``by_severity``, ``by_rule`` (suppressed ones left out of both) and ``scans``. Of load files: ``samples``,
    ``failed_samples``, percentiles of ``response_ms`` (of ``service_ms`` where a tool gives no other) by nearest rank
    over its ok samples, ``rows`` (``raw``; ``summary``: all of these are the tool's own, null where it has none); and,
    where there are any, ``transactions`` and ``failed_transactions`` (they repeat the time of samples, and are none),
    ``checks`` of the tool's own with ``passed`` and ``failed``, and iterations that it ``dropped``. Of coverage:
    ``files``, ``lines`` that can run, those ``covered``, and their share. A
    record counts the rows of each table it holds. A claim, and a source that gave nothing for an error, has no
    counts: not zero tests, but unknown.
    """
    sources = evidence["sources"]
    alone = len(sources) == 1
    tests = _tests(evidence["tests"])
    return [
        _summary(source, evidence, tests.get(str(source["path"]), _NO_TESTS), samples, alone=alone)
        for source, samples in zip(sources.to_dict("records"), _samples_of_each(evidence), strict=True)
    ]


def _summary(
    source: dict[str, Any],
    evidence: Evidence,
    tests: dict[str, Any],
    samples: pd.DataFrame | None,
    *,
    alone: bool,
) -> dict[str, Any]:
    counts: dict[str, Any] = {}
    claim = source["format"] == records.FORMAT and source["kind"] != records.KIND
    if claim or (source["status"] == "error" and not source["rows"]):
        pass
    elif source["kind"] == "tests":
        counts = tests
    elif source["kind"] == "scan":
        counts = _scans(evidence, str(source["path"]), alone=alone)
    elif source["kind"] == "coverage":
        counts = _coverage(evidence, source, alone=alone)
    elif source["kind"] == "load":
        counts = _load(source, samples)
    elif source["kind"] == "records" and alone:
        counts = {name: len(evidence[name]) for name in evidence if name != "sources"}
    return {
        "path": source["path"],
        "kind": source["kind"],
        "format": _null(source["format"]),
        "status": source["status"],
        "message": _null(source["message"]),
        "fault": _null(source["fault"]),
        "line": _null(source["line"]),
        "column": _null(source["column"]),
        "counts": counts,
        "claimed": json.loads(source["claimed"]) if _null(source["claimed"]) else {},
    }


def _null(value: Any) -> Any:
    if pd.isna(value):
        return None
    return value if isinstance(value, str) else int(value)


def _tests(tests: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the counts of each source, by its path; all at once, since a folder may hold a thousand."""
    own = ["source", "test_id"]
    masked = tests["message"].fillna("").str.startswith(MASKED)
    bad, good = tests["status"].isin(BAD), tests["status"].isin(GOOD)
    after = tests[[*own, "attempt"]].shift(-1)
    following = (after[own] == tests[own]).all(axis=1) & after["attempt"].eq(tests["attempt"] + 1)
    # A masked attempt is a case of the file: its reporter wrote it down as one that passed.
    cases = tests[~(following.fillna(value=False).astype(bool) & bad & ~masked)]
    status = cases["status"].mask(masked.loc[cases.index], "pass")
    kinds = pd.DataFrame({key: status.isin(words) for key, words in STATUS_COUNTS.items()})
    kinds = kinds.groupby(cases["source"]).sum()
    times = cases.groupby("source")["time_s"].agg(lambda found: found.sum(min_count=1))
    ids = tests.groupby("source")["test_id"].nunique()
    sizes = cases.groupby("source").size()
    flaky = _recovered(tests, bad, good)
    return {
        path: {
            "tests": int(ids[path]),
            "cases": int(sizes[path]),
            **{key: int(kinds.loc[path, key]) for key in STATUS_COUNTS},
            "flaky": flaky.get(path, 0),
            "time_s": round(float(times[path]), 6) if pd.notna(times[path]) else None,
        }
        for path in ids.index
    }


def _recovered(tests: pd.DataFrame, bad: pd.Series, good: pd.Series) -> dict[str, int]:
    """Return how many ids of each source failed in an early attempt and ended well in a later one."""
    several = tests["attempt"] > 1
    if not several.any():
        return {}
    own = ["source", "test_id"]
    first = tests[bad].groupby(own)["attempt"].min()
    last = tests[good].groupby(own)["attempt"].max()
    recovered = first < last.reindex(first.index)
    # A repeat of an id has attempt 1 in each row, so its first failure is never before its last success.
    counted: pd.Series = recovered[recovered.fillna(value=False).astype(bool)].groupby("source").size()
    return {str(path): int(number) for path, number in counted.items()}


def _scans(evidence: Evidence, path: str, *, alone: bool) -> dict[str, Any]:
    findings, scans = evidence["findings"], evidence["scans"]
    if not alone:
        # Read without a configured name, a scan is called by its file.
        path = redact_text(path)
        findings = findings[findings["scan_id"].str.replace(r"#\d+$", "", regex=True) == path]
        scans = scans[scans["scan_id"].str.replace(r"#\d+$", "", regex=True) == path]
    active = findings[~findings["suppressed"].astype(bool)]
    return {
        "scans": int(scans["scan_id"].nunique()),
        "findings": len(findings),
        "suppressed": len(findings) - len(active),
        "by_severity": _counts(active["severity"].fillna("(none)")),
        "by_rule": _counts(active["rule"]),
    }


def _coverage(evidence: Evidence, source: dict[str, Any], *, alone: bool) -> dict[str, Any]:
    found = evidence["coverage"]
    if not alone:  # read without a configured name, a report is called by its file
        found = found[found["report"] == str(source["path"])]
    lines, covered = int(found["lines"].sum()), int(found["covered"].sum())
    return {
        "files": len(found),
        "lines": lines,
        "covered": covered,
        "covered_share": round(covered / lines, 6) if lines else None,
    }


def _counts(values: pd.Series) -> dict[str, int]:
    counted = {str(key): int(count) for key, count in values.value_counts().items()}
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _load(source: dict[str, Any], samples: pd.DataFrame | None) -> dict[str, Any]:
    """Return the counts of one load file; ``samples`` are its own, None if it cannot be told which they are."""
    claimed = json.loads(source["claimed"]) if _null(source["claimed"]) else {}
    own = {key: claimed[key] for key in ("checks", "dropped") if key in claimed}
    if not source["rows"]:
        return _stated_load(claimed) | own
    if samples is None:
        return {"samples": int(source["rows"])} | own
    transactions = samples[samples["metric"] == "transaction_time"]
    if len(transactions):
        own |= {"transactions": len(transactions), "failed_transactions": int(failed(transactions).sum())}
    # The queueing of a job that ran is no time of running.
    samples = samples[~samples["metric"].isin(["queue_time", "transaction_time"])]
    good = counted(samples)
    column = best_column([good])
    ranked = sorted(milliseconds(good, column).dropna()) if column else []
    return {
        "samples": len(samples),
        "failed_samples": int(failed(samples).sum()),
        **{name: _nearest_rank(ranked, share) for name, share in _QUANTILES.items()},
        "rows": "raw",
        **own,
    }


def _stated_load(claimed: dict[str, Any]) -> dict[str, Any]:
    """Return what a tool without requests states of them all: its own total, or that of its only endpoint.

    Percentiles of several endpoints are never averaged: without a total there is none.
    """
    endpoints = claimed.get("endpoints", [])
    whole = claimed.get("total") or (endpoints[0] if len(endpoints) == 1 else {})
    return {
        "samples": _sum(endpoints if not whole else [whole], "n"),
        "failed_samples": _sum(endpoints if not whole else [whole], "failed"),
        **{name: whole.get(name) for name in _QUANTILES},
        "rows": "summary" if endpoints else "raw",
    }


def _sum(endpoints: list[dict[str, int]], key: str) -> int | None:
    counts = [entry[key] for entry in endpoints if key in entry]
    return sum(counts) if len(counts) == len(endpoints) else None


def _samples_of_each(evidence: Evidence) -> list[pd.DataFrame | None]:
    """Return the samples of each source; None where a record or a probe stands between them.

    Samples do not say which file they came from, but those of the files stand in the order of the files.
    """
    sources, samples = evidence["sources"], evidence["samples"]
    rows = sources["rows"].where(sources["kind"] == "load", 0).fillna(0).astype("int64")
    if rows.sum() != len(samples):
        return [None] * len(sources)
    ends = rows.cumsum()
    return [samples.iloc[end - count : end] for end, count in zip(ends, rows, strict=True)]


def _nearest_rank(ranked: list[float], share: float) -> float | None:
    return float(ranked[max(0, -int(-share * len(ranked) // 1) - 1)]) if ranked else None
