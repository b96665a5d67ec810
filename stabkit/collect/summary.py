"""What each source gave, counted: the ``sources`` of ``stabkit read --format json``."""

from __future__ import annotations

import json
from typing import Any, Final

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
_NO_TESTS: Final[dict[str, Any]] = {"tests": 0, "cases": 0, **dict.fromkeys(_KEYS, 0), "flaky": 0, "time_s": None}


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
    sources = evidence["sources"]
    alone = len(sources) == 1
    single_load = int((sources["kind"] == "load").sum()) == 1
    tests = _tests(evidence["tests"])
    return [
        _summary(source, evidence, tests.get(str(source["path"]), _NO_TESTS), alone=alone, single_load=single_load)
        for source in sources.to_dict("records")
    ]


def _summary(
    source: dict[str, Any], evidence: Evidence, tests: dict[str, Any], *, alone: bool, single_load: bool
) -> dict[str, Any]:
    counts: dict[str, Any] = {}
    claim = source["format"] == records.FORMAT and source["kind"] != records.KIND
    if claim or (source["status"] == "error" and not source["rows"]):
        pass
    elif source["kind"] == "tests":
        counts = tests
    elif source["kind"] == "scan":
        counts = _scans(evidence, str(source["path"]), alone=alone)
    elif source["kind"] == "load":
        # Samples do not say which file they came from.
        counts = _load(evidence["samples"]) if single_load else {"samples": int(source["rows"])}
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


def _tests(tests: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the counts of each source, by its path; all at once, since a folder may hold a thousand."""
    own = ["source", "test_id"]
    masked = tests["message"].fillna("").str.startswith(MASKED)
    bad, good = tests["status"].isin(_BAD), tests["status"].isin(_GOOD)
    after = tests[[*own, "attempt"]].shift(-1)
    following = (after[own] == tests[own]).all(axis=1) & after["attempt"].eq(tests["attempt"] + 1)
    # A masked attempt is a case of the file: its reporter wrote it down as one that passed.
    cases = tests[~(following.fillna(value=False).astype(bool) & bad & ~masked)]
    status = cases["status"].mask(masked.loc[cases.index], "pass")
    kinds = pd.DataFrame({key: status.isin(words) for key, words in _KEYS.items()}).groupby(cases["source"]).sum()
    times = cases.groupby("source")["time_s"].agg(lambda found: found.sum(min_count=1))
    ids = tests.groupby("source")["test_id"].nunique()
    sizes = cases.groupby("source").size()
    flaky = _recovered(tests, bad, good)
    return {
        path: {
            "tests": int(ids[path]),
            "cases": int(sizes[path]),
            **{key: int(kinds.loc[path, key]) for key in _KEYS},
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
