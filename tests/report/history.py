"""A generated history of a small chat service, for the tests of the report: seeded, clearly made up, quick to build."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stabkit.schema import Evidence
from stabkit.store import Store, new_run, open_store

START = datetime(2026, 3, 1, 21, 0, tzinfo=UTC)
EVENTS = ("agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed")
ROUNDS, REQUESTS = 6, 40

CONFIG = """
[project]
name = "chat platform"
environment = "staging"

[http.backend]
url = "http://127.0.0.1:1/health"
objective = { quantile = 0.95, below_ms = 150 }

[http.auth]
url = "http://127.0.0.1:1/auth"

[websocket.socket]
url = "ws://127.0.0.1:1/ws"

[resources.backend]
port = 1

[tests.service]
files = ["*.xml"]
mission_critical = true

[scans.ruff]
files = ["*.json"]

[areas.core]
paths = ["service/"]
owner = "platform"
criticality = "critical"

[[journeys]]
name = "golden path"
value = "90 % of the business value"
guarded_by = ["backend response time", "service tests"]

[[journeys]]
name = "billing"

[[checklist]]
line = "services healthy"
target = "backend"
check = "status"

[[checklist]]
line = "security audit signed"
"""


def samples(rng: np.random.Generator, start: datetime, *, slow: float = 1.0, failed: int = 0) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for target, centre in (("backend", 100.0), ("auth", 80.0)):
        for number in range(ROUNDS):
            times = centre * np.exp(0.12 * rng.standard_normal(REQUESTS) + 0.01 * rng.standard_normal())
            times = np.where(rng.random(REQUESTS) < 0.08, times * slow, times) if target == "backend" else times
            for i, ms in enumerate(times):
                ok = not (target == "backend" and number == 3 and i < failed)
                due = start + timedelta(seconds=number * 10 + i * 0.15)
                sequence = number * REQUESTS + i
                shared = {"target": target, "metric": "response_time", "round": number, "sequence": sequence}
                timed = {"service_ms": ms, "response_ms": ms, "first_byte_ms": ms * 0.9, "late_ms": 0.05}
                rows.append(
                    {**shared, "due_at": due, "connection": "reused", "ok": ok, "status": 200 if ok else 503}
                    | (timed if ok else {"error": "HTTP 503"})
                )
    for metric, centre in (("connect_time", 12.0), ("session_time", 400.0)):
        for number in range(ROUNDS):
            for i, ms in enumerate(centre * np.exp(0.1 * rng.standard_normal(15))):
                due = start + timedelta(seconds=number * 10 + 5 + i * 0.2)
                sequence = number * 15 + i
                rows.append(
                    {"target": "socket", "metric": metric, "round": number, "sequence": sequence, "due_at": due}
                    | {"service_ms": ms, "response_ms": ms, "late_ms": 0.05, "connection": "fresh", "ok": True}
                )
    for number in range(ROUNDS):
        value = 80 + 0.05 * number + 0.3 * rng.standard_normal()
        rows.append(
            {"target": "backend", "metric": "memory", "round": number, "sequence": number, "value": value}
            | {"unit": "MB", "ok": True}
        )
    return pd.DataFrame(rows)


def checks(*, missing_field: bool = False) -> pd.DataFrame:
    rows = [
        {"target": target, "check": "status", "expected": "200", "observed": "200", "outcome": "pass"}
        for target in ("backend", "auth")
    ]
    rows.append({"target": "socket", "check": "connection", "expected": "open", "observed": "open", "outcome": "pass"})
    rows += [{"target": "socket", "check": f"event {event}", "expected": "seen", "outcome": "pass"} for event in EVENTS]
    field = {"target": "socket", "check": "field data.user_id", "expected": "present"}
    rows.append({**field, "observed": "absent", "outcome": "fail"} if missing_field else {**field, "outcome": "pass"})
    rows.append({"target": "changes", "check": "no schema change", "outcome": "pass", "detail": "14 files examined"})
    rows.append({"target": "changes", "check": "no API break", "outcome": "not_checked", "detail": "no package named"})
    return pd.DataFrame(rows)


def suite_results(*, broken: tuple[str, ...] = (), flaky: tuple[str, ...] = (), reruns: int = 5) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for i in range(24):
        name = f"tests/test_chat.py::test_case_{i:02d}"
        base = {"suite": "service", "class": "tests.test_chat", "name": f"test_case_{i:02d}", "test_id": name}
        bad = name in broken or i == 0
        first = "fail" if bad or name in flaky else "pass"
        message = "AssertionError: expected 7 fields" if first == "fail" else None
        rows.append({**base, "attempt": 1, "status": first, "time_s": 0.1 + 0.01 * i, "message": message})
        again = reruns if name in broken else 1 if name in flaky else 0
        for k in range(again):
            status = "fail" if bad else "pass"
            rows.append({**base, "attempt": k + 2, "status": status, "time_s": 0.1, "fresh_process": True})
    return pd.DataFrame(rows)


def scan(new: tuple[str, ...] = ()) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = [f"service/module_{i}.py" for i in range(12)]
    known = [name for name in names[:5] if not (new and name == names[4])]
    rows = [
        {"scan_id": "ruff", "tool": "ruff", "rule": "S101", "severity": "high", "scope": "all", "path": path, "line": 7}
        | {"message": "assert used", "fingerprint": f"S101:{path}", "suppressed": False}
        for path in known
    ]
    rows += [
        {"scan_id": "ruff", "tool": "ruff", "rule": "S608", "severity": "critical", "scope": "all", "path": path}
        | {"line": 3, "message": "SQL from text", "fingerprint": f"S608:{path}", "suppressed": False}
        for path in new
    ]
    scans = [
        {"scan_id": "ruff", "tool": "ruff", "version": "0.14", "scope": "all", "files_scanned": 12, "complete": True}
        | {"scope_sha256": "a" * 64, "rules_sha256": "b" * 64}
    ]
    return pd.DataFrame(scans), pd.DataFrame(rows)


def changes() -> pd.DataFrame:
    shared = {"status": "modified", "base_commit": "a" * 40, "head_commit": "b" * 40, "range_commits": 3}
    return pd.DataFrame(
        [
            {
                **shared,
                "path": "service/events.py",
                "added": 40,
                "deleted": 3,
                "category": "internal",
                "area": "service",
            }
            | {"owner": "platform", "criticality": "critical", "commits": 2},
            {**shared, "path": "docs/events.md", "added": 12, "deleted": 0, "category": "docs", "area": "docs"}
            | {"docs_only": True, "commits": 1},
        ]
    )


def evidence(
    seed: int,
    *,
    start: datetime = START,
    slow: float = 1.0,
    failed: int = 0,
    broken: tuple[str, ...] = (),
    flaky: tuple[str, ...] = (),
    new: tuple[str, ...] = (),
    missing_field: bool = False,
    changed: bool = False,
    without: tuple[str, ...] = (),
) -> Evidence:
    """One run's evidence; every keyword makes one thing worse."""
    scans, findings = scan(new)
    tables = {
        "samples": samples(np.random.default_rng(seed), start, slow=slow, failed=failed),
        "checks": checks(missing_field=missing_field),
        "tests": suite_results(broken=broken, flaky=flaky),
        "scans": scans,
        "findings": findings,
        "changes": changes() if changed else pd.DataFrame(),
        "sources": sources(),
    }
    return Evidence.of(**{name: frame for name, frame in tables.items() if name not in without and len(frame)})


def sources() -> pd.DataFrame:
    kinds = {"backend": "http", "auth": "http", "socket": "websocket", "backend memory": "resources"}
    rows = [{"kind": kind, "path": path, "status": "ok", "rows": 10} for path, kind in kinds.items()]
    rows.append(
        {"kind": "tests", "format": "junit", "path": "junit.xml", "sha256": "c" * 64, "rows": 24, "status": "ok"}
    )
    rows.append({"kind": "scan", "format": "ruff", "path": "ruff.json", "sha256": "d" * 64, "rows": 5, "status": "ok"})
    return pd.DataFrame(rows)


def add_run(store: Store, number: int, run_evidence: Evidence, **fields: Any) -> str:
    start = START + timedelta(days=number)
    row = new_run(label=f"v1.{number}", environment="staging", started_at=start, commit=f"{number:040x}", **fields)
    return store.append(row | {"floor_ms": 0.08}, run_evidence)


def build_store(folder: Path, *, runs: int = 6, **worse: Any) -> Store:
    """A store of that many runs; the last two were collected together, and the last is worse as the keywords say."""
    store = open_store(folder / "data", create=True)
    for number in range(runs):
        last = number == runs - 1
        together = {"collection_id": "together"} if number >= runs - 2 else {}
        start = START + timedelta(days=number)
        flaky = ("tests/test_chat.py::test_case_07",) if number in (1, 3) else ()
        options = worse if last else {"flaky": flaky}
        add_run(store, number, evidence(number, start=start, changed=last, **options), **together)
    (folder / "stabkit.toml").write_text(CONFIG, encoding="utf-8")
    return store
