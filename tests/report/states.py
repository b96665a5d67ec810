"""One small made-up case for each state a report can be in: two runs of a service, and one thing that differs."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import numpy as np
import pandas as pd

import stabkit
from stabkit.report.page.rendering import Rendered, render
from stabkit.report.stability import StabilityReport

ROOT = Path(__file__).resolve().parents[2]
ROUNDS, REQUESTS = 10, 100

CONFIG = """
[project]
name = "shop"
environment = "staging"

[http.api]
url = "http://127.0.0.1:1/health"
objective = { quantile = 0.95, below_ms = 150 }

[tests.service]
files = ["*.xml"]
mission_critical = true

[scans.ruff]
files = ["*.json"]

[[journeys]]
name = "order"
guarded_by = ["api times", "service tests"]

[[condition]]
name = "api times"
kind = "latency"
target = "api"
metric = "response_time"

[[condition]]
name = "api objective"
kind = "objective"
target = "api"
metric = "response_time"
objective = { quantile = 0.95, below_ms = 150 }

[[condition]]
name = "api errors"
kind = "error_rate"
target = "api"
metric = "response_time"
margin = 0.01

[[condition]]
name = "api contract"
kind = "checks"
target = "api"

[[condition]]
name = "service tests"
kind = "tests"
target = "service"
severity = "critical"

[[condition]]
name = "ruff findings"
kind = "findings"
target = "ruff"
"""


def samples(seed: int, *, factor: float = 1.0, spread: float = 0.0) -> pd.DataFrame:
    """Requests of one target in even rounds; ``spread`` moves whole rounds, as a noisy machine does."""
    rng = np.random.default_rng(seed)
    rounds = np.repeat(np.arange(ROUNDS), REQUESTS)
    shift = np.exp(spread * rng.standard_normal(ROUNDS))[rounds]
    ms = 100.0 * factor * shift * np.exp(0.04 * rng.standard_normal(len(rounds)))
    start = pd.Timestamp("2026-03-01T21:00:00Z")
    return pd.DataFrame(
        {
            "target": "api",
            "metric": "response_time",
            "round": rounds,
            "sequence": np.arange(len(rounds)),
            "due_at": start + pd.to_timedelta(rounds * 10 + (np.arange(len(rounds)) % REQUESTS) * 0.09, unit="s"),
            "service_ms": ms,
            "response_ms": ms,
            "late_ms": 0.05,
            "connection": "reused",
            "ok": True,
            "status": 200,
        }
    )


def evidence(history: ModuleType, seed: int, **worse: Any) -> Any:
    """All evidence of one run; the keywords make one thing worse."""
    scans, findings = history.scan(worse.get("new", ()))
    fields = ("status", "body id") if not worse.get("contract") else ("status",)
    rows = [{"target": "api", "check": name, "expected": "as agreed", "outcome": "pass"} for name in fields]
    if worse.get("contract"):
        rows.append(
            {"target": "api", "check": "body id", "expected": "present", "observed": "absent", "outcome": "fail"}
        )
    tables = {
        "samples": samples(seed, factor=worse.get("factor", 1.0), spread=worse.get("spread", 0.0)),
        "checks": pd.DataFrame(rows),
        "tests": history.suite_results(broken=worse.get("broken", ())),
        "scans": scans.assign(version=worse.get("scanner", "0.14")),
        "findings": findings,
        "sources": history.sources().tail(2),
    }
    return history.Evidence.of(
        **{name: frame for name, frame in tables.items() if name not in worse.get("without", ())}
    )


def _pair(history: ModuleType, folder: Path, **worse: Any) -> StabilityReport:
    noise = {"spread": worse.get("spread", 0.0)}
    return _stored(history, folder, [evidence(history, 1, **noise), evidence(history, 2, **worse)])


def _stored(history: ModuleType, folder: Path, runs: list[Any]) -> StabilityReport:
    store = history.open_store(folder / "data", create=True)
    (folder / "stabkit.toml").write_text(CONFIG if runs else "", encoding="utf-8")
    for number, run in enumerate(runs or [history.Evidence()], start=4):
        history.add_run(store, number, run, collection_id="together")
    return stabkit.stability_report(data="data")


def _reference(_: ModuleType, folder: Path) -> StabilityReport:
    for side in ("before", "after"):
        shutil.copytree(ROOT / "data" / "reference" / side, folder / side)
    return stabkit.stability_report("before", "after", data="none")


BROKEN = ("tests/test_chat.py::test_case_03", "tests/test_chat.py::test_case_04")
STATES: Mapping[str, Callable[[ModuleType, Path], StabilityReport]] = {
    "stable": _pair,
    "regressed by latency": lambda h, f: _pair(h, f, factor=1.3),
    "regressed by tests": lambda h, f: _pair(h, f, broken=BROKEN),
    "regressed by findings": lambda h, f: _pair(h, f, new=("service/module_7.py",)),
    "regressed by contract": lambda h, f: _pair(h, f, contract=True),
    "inconclusive by noise": lambda h, f: _pair(h, f, spread=0.3),
    "inconclusive by missing evidence": lambda h, f: _pair(h, f, without=("samples",)),
    "inconclusive, n = 1": _reference,
    "inconclusive, incomparable scans": lambda h, f: _pair(h, f, scanner="0.15"),
    "first run ever": lambda h, f: _stored(h, f, [evidence(h, 1)]),
    "nothing at all": lambda h, f: _stored(h, f, []),
}


def rendered(name: str, history: ModuleType, folder: Path) -> Rendered:
    """Return the page of a state, made where its files lie, so that it names them alike everywhere."""
    with contextlib.chdir(folder):
        return page(STATES[name](history, folder))


def page(report: StabilityReport) -> Rendered:
    """Render the committed notebook with the outputs that its calls give; no kernel is needed for that."""
    node = nbformat.read(ROOT / "notebooks" / "stability_report.ipynb", as_version=4)
    for cell in node["cells"]:
        _, call, name = cell["source"].rpartition("report.")
        if cell["cell_type"] == "code" and call:
            data = getattr(report, name.removesuffix("()"))()._repr_mimebundle_()
            cell["outputs"] = [nbformat.v4.new_output("display_data", data=data)]
    return render(node)
