"""Two runs of a store, of which the candidate lost rounds, series, results, or what was said of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import pandas as pd

import stabkit
from stabkit.analyze import RunEvidence
from stabkit.analyze.gate import evaluate_gate
from stabkit.case import load_run
from stabkit.config import Config
from stabkit.runs import new_run
from stabkit.schema import Evidence

__all__ = ["FAULTS", "LOSSES", "StoreJudge", "side"]

Tables = Mapping[str, pd.DataFrame]
Edit = Callable[[Tables], Tables]
ROUNDS: Final = 20
EACH: Final = 50
_START: Final = datetime(2026, 3, 1, 21, 0, tzinfo=UTC)
_JOBS: Final = ("py311", "py312")


def side(seed: int) -> dict[str, pd.DataFrame]:
    """Return what a collection leaves: requests of two targets, readings of two series, tests, scans, checks."""
    samples = [_requests(seed, "api"), _requests(seed + 1, "shop"), _readings(seed + 2)]
    tests = [
        {"source": f"{job}.xml", "suite": "unit", "class": "c", "name": f"t{n}", "test_id": f"c::t{n}", "variant": job,
         "attempt": 1, "status": "pass", "time_s": 0.1}
        for job in _JOBS for n in range(5)
    ]  # fmt: skip
    scans = [
        {"scan_id": f"lint#{n}", "tool": tool, "scope": "all", "complete": True, "files_scanned": 2,
         "paths": json.dumps(["a.py", "b.py"])}
        for n, tool in enumerate(("ruff", "mypy"))
    ]  # fmt: skip
    findings = [_finding("ruff", "F401", "a.py"), _finding("mypy", "misc", "b.py")]
    checks = [
        {"target": "api", "check": name, "expected": "yes", "observed": "yes", "outcome": "pass"}
        for name in ("status", "schema")
    ]
    told = [("http", "api"), ("http", "shop"), ("resources", "db"), ("scan", "lint.sarif")]
    sources = [{"kind": kind, "path": name, "target": name, "status": "ok"} for kind, name in told]
    sources += [{"kind": "tests", "path": f"{job}.xml", "target": "unit", "status": "ok"} for job in _JOBS]
    listed = {"tests": tests, "scans": scans, "findings": findings, "checks": checks, "sources": sources}
    return {"samples": pd.concat(samples, ignore_index=True), **{name: pd.DataFrame(v) for name, v in listed.items()}}


def _requests(seed: int, target: str) -> pd.DataFrame:
    n = ROUNDS * EACH
    grid = [NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)]
    ms = 20 * np.exp(0.08 * np.random.default_rng(seed).permutation(grid))
    due = pd.Timestamp(_START) + pd.to_timedelta(np.arange(n) * 0.05, unit="s")
    frame = pd.DataFrame({"round": np.repeat(np.arange(ROUNDS), EACH), "sequence": np.arange(n), "due_at": due})
    timed = {"service_ms": ms, "response_ms": ms, "late_ms": 0.02, "connection": "reused", "ok": True, "status": 200}
    return frame.assign(target=target, metric="response_time", **timed)


def _readings(seed: int) -> pd.DataFrame:
    rounds = np.tile(np.arange(ROUNDS), 2)
    value = 100 + np.random.default_rng(seed).normal(0, 0.2, 2 * ROUNDS)
    series = np.repeat([json.dumps({"pod": name}) for name in "ab"], ROUNDS)
    frame = pd.DataFrame({"round": rounds, "sequence": np.arange(2 * ROUNDS), "value": value, "series": series})
    return frame.assign(target="db", metric="memory", unit="MB", ok=True)


def _finding(tool: str, rule: str, path: str) -> dict[str, Any]:
    scan = "lint#0" if tool == "ruff" else "lint#1"
    return {"scan_id": scan, "tool": tool, "rule": rule, "severity": "high", "scope": "all", "path": path, "line": 3,
            "message": "m", "fingerprint": f"{rule}-{path}", "suppressed": False}  # fmt: skip


def _without(table: str, gone: Callable[[pd.DataFrame], pd.Series]) -> Edit:
    return lambda tables: {**tables, table: tables[table][~gone(tables[table])]}


def _set(table: str, rows: Callable[[pd.DataFrame], pd.Series], **values: Any) -> Edit:
    return lambda tables: {**tables, table: tables[table].assign(
        **{name: tables[table][name].astype("object").mask(rows(tables[table]), value) if name in tables[table]
           else pd.Series(None, index=tables[table].index, dtype="object").mask(rows(tables[table]), value)
           for name, value in values.items()})}  # fmt: skip


def _slow(target: str, first: int) -> Edit:
    def edit(tables: Tables) -> Tables:
        samples = tables["samples"]
        rows = (samples["target"] == target) & (samples["round"] >= first)
        times = {name: samples[name].where(~rows, samples[name] * 3) for name in ("service_ms", "response_ms")}
        return {**tables, "samples": samples.assign(**times)}

    return edit


def _of(column: str, value: object) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda frame: frame[column].eq(value)


def _found(tables: Tables) -> Tables:
    new = pd.DataFrame([_finding("mypy", "call-arg", "a.py")])
    return {**tables, "findings": pd.concat([tables["findings"], new], ignore_index=True)}


_END: Final = (ROUNDS - 0.6) * EACH
_B: Final = json.dumps({"pod": "b"})
LOSSES: Final[Mapping[str, Edit]] = {
    "a round of a target": _without("samples", lambda s: s["target"].eq("api") & s["round"].eq(7)),
    "the first round": _without("samples", lambda s: s["round"].eq(0) & s["series"].isna()),
    "the last rounds of a target": _without("samples", lambda s: s["target"].eq("api") & s["round"].ge(ROUNDS - 3)),
    "the end of the samples": _without("samples", lambda s: s["target"].eq("api") & s["sequence"].ge(_END)),
    "the last rounds of all": _without("samples", lambda s: s["round"].ge(ROUNDS - 2)),
    "most rounds": _without("samples", lambda s: s["round"].ge(5)),
    "a target": _without("samples", _of("target", "api")),
    "a series": _without("samples", _of("series", _B)),
    "the end of a series": _without("samples", lambda s: s["series"].eq(_B) & s["round"].ge(ROUNDS - 3)),
    "all readings": _without("samples", _of("target", "db")),
    "a job": _without("tests", _of("variant", "py312")),
    "a test of a job": _without("tests", lambda t: t["variant"].eq("py312") & t["name"].eq("t3")),
    "a suite": _without("tests", _of("suite", "unit")),
    "a scan": lambda tables: _without("findings", _of("tool", "mypy"))(_without("scans", _of("tool", "mypy"))(tables)),
    "a check": _without("checks", _of("check", "schema")),
    "all checks": _without("checks", _of("target", "api")),
    "the source of a target": _without("sources", _of("path", "api")),
    "the source of a report": _without("sources", _of("path", "py312.xml")),
    "the source of a scan": _without("sources", _of("kind", "scan")),
    "all sources": lambda tables: {**tables, "sources": tables["sources"].iloc[:0]},
}  # fmt: skip
FAULTS: Final[Mapping[str, Edit]] = {
    "nothing": lambda tables: tables,
    "a target slows": _slow("api", 0),
    "it slows at last": _slow("api", ROUNDS - 3),
    "requests fail": _set("samples", lambda s: s["target"].eq("api") & s["sequence"].mod(9).eq(0), ok=False),
    "requests of a round fail": _set("samples", lambda s: s["target"].eq("api") & s["round"].eq(7), ok=False),
    "a series rises": lambda tables: {**tables, "samples": tables["samples"].assign(
        value=tables["samples"]["value"].where(tables["samples"]["series"] != _B, tables["samples"]["value"] * 1.5))},
    "a test of a job fails": _set("tests", lambda t: t["variant"].eq("py312") & t["name"].eq("t3"), status="fail"),
    "a finding is new": _found,
    "a check fails": _set("checks", _of("check", "schema"), outcome="fail"),
    "a target is partial": _set("sources", _of("path", "api"), status="partial", message="cut"),
    "a report is partial": _set("sources", _of("path", "py312.xml"), status="partial", message="cut"),
    "a scan is partial": _set("sources", _of("kind", "scan"), status="partial", message="cut"),
}  # fmt: skip


class StoreJudge:
    """Judges candidates of a store against one baseline.

    Parameters
    ----------
    together : bool
        Both were collected at once, their rounds interleaved.
    folder : Path, optional
        Where the store lies; without one the same rows are judged without having been stored (a test compares both).
    """

    def __init__(self, *, together: bool, folder: Path | None = None) -> None:
        self._store = stabkit.open(folder, create=True) if folder is not None else None
        self._together = {"collection_id": "together"} if together else {}
        self._number = 0
        self._baseline = self._run(side(1))

    def verdict(self, *edits: Edit) -> str:
        """Return the verdict on the candidate that these edits leave."""
        tables: Tables = side(2)
        for edit in edits:
            tables = edit(tables)
        return evaluate_gate(Config(), self._baseline, self._run(tables)).verdict

    def _run(self, tables: Tables) -> RunEvidence:
        self._number += 1
        label, start = f"v{self._number}", _START + timedelta(hours=self._number)
        row = new_run(label=label, environment="staging", started_at=start, **self._together)
        evidence = Evidence.of(**tables)
        if self._store is None:
            return RunEvidence({**row, "complete": not evidence.failed}, evidence)
        self._store.append(row, evidence)
        return load_run(label, self._store)
