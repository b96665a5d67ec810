"""Evidence that is hard to judge, a scene each: a configuration, and a store whose last two runs are compared.

Where a population did not change, both runs hold the very same times in another order: nothing in such a scene is
faster or slower, not even by chance, whatever the statistics that look at it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import pandas as pd

import stabkit
from stabkit.cli import run as command
from stabkit.runs import new_run
from stabkit.schema import Evidence

START: Final = datetime(2026, 3, 1, 21, 0, tzinfo=UTC)
ROUNDS: Final = 20
BASE, HEAD = "a" * 40, "b" * 40

PROJECT = """
[project]
name = "shop"
environment = "staging"
data = "runs"
"""
TIMES = """
[[condition]]
name = "api times"
kind = "latency"
target = "api"
metric = "response_time"

[[condition]]
name = "api failures"
kind = "error_rate"
target = "api"
metric = "response_time"
margin = 0.01
"""
FINDINGS = """
[[condition]]
name = "lint findings"
kind = "findings"
target = "lint"
"""


@dataclass(frozen=True)
class Scene:
    """Where a scene lies, and the labels of the two runs that are compared."""

    folder: Path
    baseline: str = "v1"
    candidate: str = "v2"

    @property
    def data(self) -> Path:
        return self.folder / "runs"

    @property
    def config(self) -> Path:
        return self.folder / "stabkit.toml"


def place(folder: Path, conditions: str) -> Any:
    """Write the configuration and return a new store beside it."""
    (folder / "stabkit.toml").write_text(PROJECT + conditions, encoding="utf-8")
    return stabkit.open(folder / "runs", create=True)


def add(store: Any, label: str, tables: Mapping[str, Any], *, day: int, **fields: Any) -> str:
    """Store one run; the two that are compared share a collection, so that their rounds are pairs."""
    row = new_run(label=label, environment="staging", started_at=START + timedelta(days=day), **fields)
    frames = {name: rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows) for name, rows in tables.items()}
    return store.append(row, Evidence.of(**frames))


def add_pair(store: Any, before: Mapping[str, Any], after: Mapping[str, Any], **commits: tuple[str, str]) -> None:
    """Store baseline and candidate as collected together."""
    for number, (label, tables) in enumerate((("v1", before), ("v2", after))):
        fields = {name: values[number] for name, values in commits.items()}
        add(store, label, tables, day=number + 10, collection_id="together", **fields)


# --- times ------------------------------------------------------------------------------------------------------------


def requests(seed: int, each: int, *, centre: float = 20.0, rounds: int = ROUNDS, **columns: Any) -> pd.DataFrame:
    """Requests of one population, ``each`` a round: its quantiles spread over the rounds in a seeded order."""
    n = rounds * each
    grid = [NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)]
    ms = centre * np.exp(0.08 * np.random.default_rng(seed).permutation(grid))
    number = np.repeat(np.arange(rounds), each)
    due = pd.Timestamp(START) + pd.to_timedelta(10.0 * number + np.tile(np.arange(each), rounds) * 0.04, unit="s")
    frame = pd.DataFrame(
        {"target": "api", "metric": "response_time", "round": number, "sequence": np.arange(n), "due_at": due}
    )
    timed = {"service_ms": ms, "response_ms": ms, "late_ms": 0.02, "connection": "reused", "ok": True, "status": 200}
    return frame.assign(**timed).assign(**columns)


def in_sequence(*parts: pd.DataFrame) -> pd.DataFrame:
    """Join populations into the requests of one target, numbered anew."""
    whole = pd.concat(parts, ignore_index=True).sort_values(["round", "due_at"], kind="stable", ignore_index=True)
    return whole.assign(sequence=np.arange(len(whole)))


def slower_requests(folder: Path) -> Scene:
    """The plain case: every request takes a quarter longer, and nobody can overlook it."""
    store = place(folder, TIMES)
    add_pair(store, {"samples": requests(1, 50)}, {"samples": requests(2, 50, centre=25.0)})
    return Scene(folder)


def other_mix_of_connections(folder: Path) -> Scene:
    """Fresh connections are slow, as ever; of ten requests four now have one, and only one did before."""
    store = place(folder, TIMES)

    def side(seed: int, fresh: int) -> dict[str, Any]:
        slow = requests(seed, fresh, centre=60.0, connection="fresh", connect_ms=38.0)
        return {"samples": in_sequence(slow, requests(seed + 1, 200 - fresh))}

    for day in range(3):
        add(store, f"v0.{day}", side(50 + 2 * day, 20), day=day)
    add_pair(store, side(1, 20), side(3, 80))
    return Scene(folder)


def no_response_times_in_the_candidate(folder: Path) -> Scene:
    """Only the baseline was asked on a schedule; the times of the service itself are known on both sides, and equal."""
    store = place(folder, TIMES)
    before = requests(1, 50)
    before = before.assign(response_ms=before["service_ms"] + 10.0, late_ms=10.0, own_late_ms=0.0)
    after = requests(2, 50).assign(response_ms=None, late_ms=None)
    add_pair(store, {"samples": before}, {"samples": after})
    return Scene(folder)


def failed_and_warm_up_requests(folder: Path) -> Scene:
    """Each round opens with two slow requests that warm up; some requests fail, of either kind, on both sides alike."""
    conditions = """
[[condition]]
name = "api slow requests"
kind = "slow_requests"
target = "api"
metric = "response_time"
objective = { quantile = 0.95, below_ms = 23.5 }

[[condition]]
name = "api objective"
kind = "objective"
target = "api"
metric = "response_time"
objective = { quantile = 0.95, below_ms = 23.5 }
"""
    store = place(folder, TIMES + conditions)

    def side(seed: int, failed: Sequence[int]) -> dict[str, Any]:
        first = requests(seed, 2, centre=90.0, warmup=True)
        rest = requests(seed + 1, 60, warmup=False)
        rest = rest.assign(due_at=rest["due_at"] + pd.Timedelta(1, unit="s"))
        whole = in_sequence(first, rest)
        lost = whole.index.isin(failed)
        whole.loc[lost, ["service_ms", "response_ms", "late_ms"]] = None
        whole.loc[lost, ["ok", "status", "error"]] = [False, 503, "HTTP 503"]
        return {"samples": whole}

    for day in range(3):
        add(store, f"v0.{day}", side(50 + 2 * day, [10, 20]), day=day)
    # 62 begins the second round: a warm-up request that fails.
    add_pair(store, side(1, [62, 100, 500]), side(3, [62, 124, 300, 800]))
    return Scene(folder)


def warm_up_sessions(folder: Path) -> Scene:
    """WebSocket sessions: the first of each round warms up, and its answer takes five times as long."""
    conditions = "".join(
        f'\n[[condition]]\nname = "chat {name}"\nkind = "{kind}"\ntarget = "chat"\nmetric = "{metric}"\nmargin = 0.05\n'
        for name, kind, metric in (
            ("connects", "latency", "connect_time"),
            ("failures", "error_rate", "connect_time"),
            ("answers", "latency", "event:done"),
        )
    )
    store = place(folder, conditions)

    def side(seed: int) -> dict[str, Any]:
        parts = []
        for metric, centre in (("connect_time", 12.0), ("event:done", 300.0)):
            known = {"target": "chat", "metric": metric, "connection": "fresh", "status": None}
            first = requests(seed, 1, centre=5 * centre, warmup=True, **known)
            rest = requests(seed + 1, 30, centre=centre, warmup=False, **known)
            whole = in_sequence(first, rest)
            if metric == "event:done":
                whole = whole.assign(value=whole["service_ms"], unit="ms", service_ms=None, response_ms=None)
            parts.append(whole)
        return {"samples": pd.concat(parts, ignore_index=True)}

    for day in range(3):
        add(store, f"v0.{day}", side(50 + 2 * day), day=day)
    add_pair(store, side(1), side(3))
    return Scene(folder)


def imported_load_files(folder: Path) -> Scene:
    """Files of a load tool that measures from the send: all times are those of the service."""
    conditions = TIMES.replace('"api"', '"GET cart"').replace("api ", "cart ")
    # Each file is a run of its own: nothing tells how much runs differ by themselves, and that is accepted.
    place(folder, conditions.replace('kind = "latency"', 'kind = "latency"\naccept_single_run = true'))
    for number, label in enumerate(("v0", "v1", "v2")):
        sent = requests(number, 2000, rounds=1)
        moment = int(START.timestamp() * 1000) + number * 86_400_000
        lines = ["timeStamp,elapsed,label,responseCode,success,Latency,Connect"]
        answers = ["200,true" if i % 397 else "500,false" for i in range(len(sent))]
        lines += [
            f"{moment + 40 * i},{round(20 * ms)},GET cart,{answer},1,0"
            for i, (ms, answer) in enumerate(zip(sent["service_ms"], answers, strict=True))
        ]
        file = folder / f"{label}.jtl"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        words = ["import", "load", str(file), "--label", label, "--config", str(folder / "stabkit.toml")]
        quiet(["--quiet", *words])
    return Scene(folder)


# --- findings ---------------------------------------------------------------------------------------------------------


def scan(*findings: tuple[str, str, int, str]) -> dict[str, Any]:
    """One whole scan: rule, path, line and severity of each finding; fingerprints are computed, as for most tools."""
    known = {"tool": "lint", "version": "2.1", "scope": "all", "files_scanned": 9, "complete": True}
    seen: dict[tuple[str, str], int] = {}
    rows = []
    for rule, path, line, severity in findings:
        seen[rule, path] = number = seen.get((rule, path), 0) + 1
        rows.append(
            {"scan_id": "lint", "tool": "lint", "rule": rule, "severity": severity, "scope": "all", "path": path}
            | {"line": line, "message": f"{rule} is broken", "fingerprint": f"stabkit/v1:{rule}-{path}:{number}"}
            | {"suppressed": False}
        )
    scans = [{"scan_id": "lint", **known, "scope_sha256": "c" * 64, "rules_sha256": "d" * 64}]
    return {"scans": scans} | ({"findings": rows} if rows else {})


def change(path: str, *hunks: Sequence[int], **facts: Any) -> dict[str, Any]:
    row = {"path": path, "status": "modified", "added": sum(h[3] for h in hunks), "deleted": sum(h[1] for h in hunks)}
    row |= {"base_commit": BASE, "head_commit": HEAD, "range_commits": 1, "commits": 1, "area": "app"}
    return row | {"category": "internal", "hunks": json.dumps([list(hunk) for hunk in hunks])} | facts


def moved_lines(folder: Path) -> Scene:
    """Thirty lines were put before a finding, and one of them is a finding of the same rule, on the line it had."""
    store = place(folder, FINDINGS)
    other = ("W2", "app/other.py", 5, "warning")
    add(store, "v0", scan(other), day=0)
    before = scan(("E1", "app/a.py", 10, "error"), other, ("W9", "app/gone.py", 3, "warning"))
    after = scan(("E1", "app/a.py", 10, "error"), ("E1", "app/a.py", 40, "error"), other)
    after["changes"] = [change("app/a.py", (0, 0, 1, 30))]
    add_pair(store, before, after, commit=(BASE, HEAD))
    return Scene(folder)


def finding_came_back(folder: Path) -> Scene:
    """One finding was there long ago, was fixed in the baseline, and is back; another was never there before."""
    store = place(folder, FINDINGS)
    other = ("W2", "app/other.py", 5, "warning")
    for day in range(2):
        add(store, f"v0.{day}", scan(("E1", "app/a.py", 1, "error"), other), day=day)
    add_pair(store, scan(other), scan(("E1", "app/a.py", 1, "error"), ("E7", "app/b.py", 7, "error"), other))
    return Scene(folder)


def renamed_file(folder: Path) -> Scene:
    """The file of a finding was renamed, and nothing else: its computed fingerprint is another one."""
    store = place(folder, FINDINGS)
    other = ("W2", "app/other.py", 5, "warning")
    before = scan(("E1", "app/a.py", 1, "error"), other)
    add(store, "v0", before, day=0)
    after = scan(("E1", "app/new.py", 1, "error"), other)
    after["changes"] = [change("app/new.py", status="renamed", old_path="app/a.py")]
    add_pair(store, before, after, commit=(BASE, HEAD))
    return Scene(folder)


# --- tests ------------------------------------------------------------------------------------------------------------


def attempts(suite: str, **statuses: str) -> list[dict[str, Any]]:
    """Rows of one suite: the attempts of each test, one word each, all in processes of their own."""
    return [
        {"suite": suite, "class": "tests.test_cart", "name": name, "test_id": f"tests/test_cart.py::{name}"}
        | {"attempt": number, "status": status, "time_s": 0.1, "fresh_process": True}
        | {"message": "assert 1 == 2" if status in ("fail", "error") else None}
        for name, words in statuses.items()
        for number, status in enumerate(words.split(), start=1)
    ]


def retried_tests_of_two_suites(folder: Path) -> Scene:
    """Two suites run tests of the same names: some break in one alone, some recover when they are tried again."""
    conditions = "".join(
        f'\n[[condition]]\nname = "{suite} tests"\nkind = "tests"\ntarget = "{suite}"\n'
        for suite in ("unit", "nightly")
    )
    journeys = '\n[[journeys]]\nname = "order"\nguarded_by = ["unit tests", "nightly tests"]\n'
    journeys += '\n[[journeys]]\nname = "nights"\nguarded_by = ["nightly tests"]\n'
    lines = "".join(
        f'\n[[checklist]]\nline = "{suite} is whole"\ncondition = "{suite} tests"\n' for suite in ("unit", "nightly")
    )
    store = place(folder, conditions + journeys + lines)
    good = {f"test_{i:02d}": "pass" for i in range(20)}
    usual = good | {"test_known": "fail", "test_later": "skip", "test_repaired": "fail"}
    before = attempts("unit", **usual) + attempts("nightly", **good, test_own="pass")
    broken = {"test_00": "fail fail fail fail fail fail", "test_01": "fail pass", "test_02": "error fail pass"}
    broken |= {"test_03": "skip", "test_repaired": "pass", "test_added": "pass"}
    after = attempts("unit", **(usual | broken)) + attempts("nightly", **good, test_own="pass")
    for day in range(3):
        add(store, f"v0.{day}", {"tests": before}, day=day)
    add_pair(store, {"tests": before}, {"tests": after})
    return Scene(folder)


# --- resources --------------------------------------------------------------------------------------------------------


def memory_and_cpu(folder: Path) -> Scene:
    """Memory grew by half; CPU time is what it was. Some readings could not be taken, others belong to the warm-up."""
    conditions = "".join(
        f'\n[[condition]]\nname = "api {metric}"\nkind = "resource"\ntarget = "api"\nmetric = "{metric}"\n'
        for metric in ("memory", "cpu")
    )
    store = place(folder, conditions)

    def readings(metric: str, level: float, unit: str, seed: int) -> list[dict[str, Any]]:
        rng = np.random.default_rng(seed)
        rows = []
        for number in range(12):
            known = {"target": "api", "metric": metric, "round": number, "sequence": number, "unit": unit, "ok": True}
            known |= {"value": level * float(np.exp(0.004 * rng.standard_normal()))}
            known |= {"due_at": START + timedelta(seconds=10 * number)}
            rows.append(known | ({"ok": False, "value": None, "error": "gone"} if number == 5 else {}))
        return [{**rows[0], "warmup": True, "value": 3 * level}, *({**row, "warmup": False} for row in rows)]

    def side(seed: int, memory: float) -> dict[str, Any]:
        return {"samples": readings("memory", memory, "MB", seed) + readings("cpu", 0.5, "s", seed + 1)}

    add_pair(store, side(1, 80.0), side(3, 120.0))
    return Scene(folder)


# --- checks -----------------------------------------------------------------------------------------------------------


def checks(target: str = "api", **outcomes: str) -> list[dict[str, Any]]:
    """Rows of one target: the results of each check, one word each."""
    return [
        {"target": target, "check": name, "expected": "present", "outcome": outcome}
        | {"observed": {"pass": "present", "fail": "absent"}.get(outcome)}
        for name, words in outcomes.items()
        for outcome in words.split()
    ]


def contract_broken_now_and_then(folder: Path) -> Scene:
    """Checks were made several times: one of them failed once, one fails as it did before, one could not be made."""
    store = place(folder, '\n[[condition]]\nname = "api contract"\nkind = "checks"\ntarget = "api"\n')

    before = checks(status="pass", id="pass pass pass", name="pass", old="fail", skipped="pass", gone="pass")
    after = checks(status="pass", id="pass fail pass", name="pass pass", old="fail", skipped="not_checked")
    add_pair(store, {"checks": before}, {"checks": after})
    return Scene(folder)


def checks_without_a_probe(folder: Path) -> Scene:
    """Another tool checked a command and a socket that no table of the configuration declares; both broke."""
    conditions = "".join(
        f'\n[[condition]]\nname = "{target} contract"\nkind = "checks"\ntarget = "{target}"\n'
        for target in ("tool", "socket")
    )
    store = place(folder, conditions)
    before = checks("tool", version="pass", help="pass") + checks("socket", connection="pass", **{"event done": "pass"})
    after = checks("tool", version="fail", help="pass") + checks("socket", connection="pass", **{"event done": "fail"})
    add_pair(store, {"checks": before}, {"checks": after})
    return Scene(folder)


# --- a range of commits -----------------------------------------------------------------------------------------------


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def committed(folder: Path, text: str) -> str:
    (folder / "app.py").write_text(text, encoding="utf-8")
    git(folder, "add", "app.py")
    git(folder, "commit", "-q", "-m", "a change")
    return git(folder, "rev-parse", "HEAD")


def rollback(folder: Path) -> Scene:
    """The candidate is the commit before the baseline's: the lines that a release brought are gone again."""
    conditions = '\n[changes]\nrepository = "."\n\n[tests.unit]\nfiles = ["report.xml"]\n'
    conditions += '\n[[condition]]\nname = "unit tests"\nkind = "tests"\ntarget = "unit"\n'
    place(folder, conditions)
    cases = "".join(f'<testcase classname="tests.test_app" name="test_{i}" time="0.1"/>' for i in range(5))
    (folder / "report.xml").write_text(f'<testsuite name="unit">{cases}</testsuite>', encoding="utf-8")
    git(folder, "init", "-q", "-b", "main")
    older = committed(folder, "x = 1\n")
    committed(folder, "x = 1\ny = 2\nz = 3\n")
    config = str(folder / "stabkit.toml")
    quiet(["--quiet", "collect", "--label", "v1", "--config", config])
    git(folder, "checkout", "-q", older)
    quiet(["--quiet", "collect", "--label", "v2", "--config", config])
    return Scene(folder)


def breaking(folder: Path, condition: str) -> Scene:
    conditions = '\n[changes]\nrepository = "."\n\n[tests.unit]\nfiles = ["report.xml"]\n'
    conditions += '\n[[condition]]\nname = "unit tests"\nkind = "tests"\ntarget = "unit"\n'
    place(folder, conditions + condition)
    cases = "".join(f'<testcase classname="tests.test_app" name="test_{i}" time="0.1"/>' for i in range(5))
    (folder / "report.xml").write_text(f'<testsuite name="unit">{cases}</testsuite>', encoding="utf-8")
    git(folder, "init", "-q", "-b", "main")
    config = str(folder / "stabkit.toml")
    shop = folder / "shop"
    (shop / "migrations").mkdir(parents=True)
    texts = {
        "__init__.py": "",
        "legacy.py": "x = 1\n",
        "api.py": "def total(order, tax=0):\n    return order\n",
    }
    for name, text in texts.items():
        (shop / name).write_text(text, encoding="utf-8")
    git(folder, "add", "shop")
    git(folder, "commit", "-q", "-m", "a shop")
    quiet(["--quiet", "collect", "--label", "v1", "--config", config])
    report = (folder / "report.xml").read_text(encoding="utf-8")
    (folder / "report.xml").write_text(report.replace('"0.1"', '"0.2"'), encoding="utf-8")
    (shop / "legacy.py").unlink()
    (shop / "api.py").write_text("def total(order):\n    return order\n", encoding="utf-8")
    (shop / "migrations" / "0004_tax.sql").write_text("ALTER TABLE orders DROP COLUMN tax;\n", encoding="utf-8")
    git(folder, "add", "-A", "shop")
    git(folder, "commit", "-q", "-m", "without tax")
    quiet(["--quiet", "collect", "--label", "v2", "--config", config])
    return Scene(folder)


def breaking_change(folder: Path) -> Scene:
    """The range drops a parameter, a module and a column, and a condition forbids it."""
    return breaking(folder, '\n[[condition]]\nname = "nothing is taken away"\nkind = "change"\n')


def unjudged_break(folder: Path) -> Scene:
    """The same range where no condition speaks of it."""
    return breaking(folder, "")


def quiet(words: Sequence[str]) -> None:
    """Run a command that only prepares a scene."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = command(list(words))
    assert code == 0, f"{' '.join(words)}{os.linesep}{said.getvalue()}"


SCENES: Final[Mapping[str, Callable[[Path], Scene]]] = {
    make.__name__: make
    for make in (
        slower_requests,
        other_mix_of_connections,
        no_response_times_in_the_candidate,
        failed_and_warm_up_requests,
        warm_up_sessions,
        imported_load_files,
        moved_lines,
        finding_came_back,
        renamed_file,
        retried_tests_of_two_suites,
        memory_and_cpu,
        contract_broken_now_and_then,
        checks_without_a_probe,
        rollback,
        breaking_change,
        unjudged_break,
    )
}
