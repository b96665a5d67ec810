"""What each source gave, counted: the ``sources`` of ``stabkit read --format json``."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from stabkit.collect import records
from stabkit.collect.test_reports.junit import MASKED
from stabkit.redact import redact_text
from stabkit.schema import Evidence

__all__ = ["source_summary"]

_BAD = ("fail", "error", "no_result")
_GOOD = ("pass", "xfail", "xpass")
_KEYS = {
    "passed": ("pass", "xpass"),
    "failed": ("fail",),
    "errors": ("error", "no_result"),
    "skipped": ("skip", "xfail"),
}


def source_summary(evidence: Evidence) -> list[dict[str, Any]]:
    """Return one JSON object a source: path, kind, format, status, message, line, column, counts and claimed.

    Notes
    -----
    Counts of tests: ``tests`` (ids), ``cases`` (rows but for superseded attempts), ``passed``, ``failed``, ``errors``,
    ``skipped`` (they sum to cases; xfail is skipped, xpass passed, no_result an error), ``flaky`` (ids that recovered
    in this file) and ``time_s`` (null if no case has a time). Of scans: ``findings``, ``suppressed`` among them,
    ``by_severity``, ``by_rule`` (suppressed ones left out of both) and ``scans``. Of load files: ``samples``,
    ``failed_samples``, percentiles of ``response_ms`` (of ``service_ms`` where a tool gives no other), ``rows``. A
    record counts the rows of each table it holds. A claim, and a source that gave nothing for an error, has no
    counts: not zero tests, but unknown.
    """
    alone = len(evidence["sources"]) == 1
    return [_summary(source, evidence, alone=alone) for source in evidence["sources"].to_dict("records")]


def _summary(source: dict[str, Any], evidence: Evidence, *, alone: bool) -> dict[str, Any]:
    counts: dict[str, Any] = {}
    claim = source["format"] == records.FORMAT and source["kind"] != records.KIND
    if claim or (source["status"] == "error" and not source["rows"]):
        pass
    elif source["kind"] == "tests":
        tests = evidence["tests"]
        counts = _tests(tests[tests["source"] == source["path"]])
    elif source["kind"] == "scan":
        counts = _scans(evidence, str(source["path"]), alone=alone)
    elif source["kind"] == "load":
        counts = _load(evidence["samples"])
    elif source["kind"] == "records" and alone:
        counts = {name: len(evidence[name]) for name in evidence if name != "sources"}
    return {
        "path": source["path"],
        "kind": source["kind"],
        "format": _null(source["format"]),
        "status": source["status"],
        "message": _null(source["message"]),
        "line": _null(source["line"]),
        "column": _null(source["column"]),
        "counts": counts,
        "claimed": json.loads(source["claimed"]) if _null(source["claimed"]) else {},
    }


def _null(value: Any) -> Any:
    if pd.isna(value):
        return None
    return value if isinstance(value, str) else int(value)


def _tests(tests: pd.DataFrame) -> dict[str, Any]:
    following = tests["test_id"].shift(-1).eq(tests["test_id"]) & tests["attempt"].shift(-1).eq(tests["attempt"] + 1)
    masked = tests["message"].fillna("").str.startswith(MASKED)
    # A masked attempt is a case of the file: its reporter wrote it down as one that passed.
    cases = tests[~(following.fillna(value=False).astype(bool) & tests["status"].isin(_BAD) & ~masked)]
    status = cases["status"].mask(masked.loc[cases.index], "pass")
    # Attempts of one id, unlike repeats of it, carry numbers above 1.
    several = tests[tests["test_id"].isin(tests.loc[tests["attempt"] > 1, "test_id"])]
    failed = several.loc[several["status"].isin(_BAD), ["test_id", "attempt"]]
    good = several.loc[several["status"].isin(_GOOD), ["test_id", "attempt"]]
    first, last = failed.groupby("test_id")["attempt"].min(), good.groupby("test_id")["attempt"].max()
    recovered = (first < last.reindex(first.index)).fillna(value=False)
    times = cases["time_s"].dropna()
    return {
        "tests": int(tests["test_id"].nunique()),
        "cases": len(cases),
        **{key: int(status.isin(words).sum()) for key, words in _KEYS.items()},
        "flaky": int(recovered.sum()),
        "time_s": round(float(times.sum()), 6) if len(times) else None,
    }


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


def _counts(values: pd.Series) -> dict[str, int]:
    counted = {str(key): int(count) for key, count in values.value_counts().items()}
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _load(samples: pd.DataFrame) -> dict[str, Any]:
    ok = samples[samples["ok"].astype(bool) & ~samples["warmup"].fillna(value=False).astype(bool)]
    times = ok["response_ms"] if ok["response_ms"].notna().any() else ok["service_ms"]
    ranked = sorted(times.dropna())
    quantiles = {"p50_ms": 0.50, "p95_ms": 0.95, "p99_ms": 0.99}
    return {
        "samples": len(samples),
        "failed_samples": int((~samples["ok"].astype(bool)).sum()),
        **{name: _nearest_rank(ranked, share) for name, share in quantiles.items()},
        "rows": "raw" if len(samples) else "summary",
    }


def _nearest_rank(ranked: list[float], share: float) -> float | None:
    return float(ranked[max(0, -int(-share * len(ranked) // 1) - 1)]) if ranked else None
