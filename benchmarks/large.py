"""Time and peak memory of the real commands on large inputs, as they grow, beside their limits.

    python benchmarks/large.py [--quick] [--only tests,findings,reports,samples] [--keep FOLDER]

- tests: JUnit reports, all good before and a third failing after; ``gate``, ``diff``, and ``report`` with its files.
- findings: SARIF logs, a tenth of them new, a tenth fixed, half of the rest on other lines; ``diff`` and ``gate``.
- samples: two runs of a store, drawn by DuckDB; ``gate`` and ``compare``.
- reports: an index of so many results that lie in a folder; ``index``.

Each command is a process of its own. CPU is that of its whole tree; memory is the largest resident set of one process.
The growth is the exponent between two sizes: 1.0 is linear. Inputs are seeded and lie in a temporary folder. The limits
are of a machine that imports pandas in 0.42 s of CPU time when nothing else runs; the first line says what it takes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from readers import judge

from stabkit.store import open_store

SEED = 20_261_130
GIB = 1 << 30


@dataclass(frozen=True)
class Cost:
    """What one command took."""

    code: int
    wall_s: float
    cpu_s: float
    peak_gb: float
    out_mb: float


@dataclass(frozen=True)
class Limit:
    """The most that a command may take of an input of ``size``."""

    size: int
    cpu_s: float = math.inf
    peak_gb: float = math.inf
    written_mb: Mapping[str, float] = field(default_factory=dict)


def run(arguments: Sequence[str], folder: Path) -> Cost:
    """Run a stabkit command in a folder, its output into a file, and say what it took."""
    out, err = folder / "out.txt", folder / "err.txt"
    began = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        for descriptor, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
        os.execv(sys.executable, [sys.executable, "-m", "stabkit", *arguments])
    _, status, usage = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 1, 3):
        sys.exit(f"stabkit {' '.join(arguments)}: exit code {code}\n{err.read_text()[-2000:]}")
    return Cost(
        code,
        time.perf_counter() - began,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss * 1024 / GIB,
        out.stat().st_size / 1e6,
    )


def pace() -> float:
    """Return the CPU seconds of importing pandas, which say how busy or slow the machine is."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "import pandas"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def write_tests(path: Path, number: int, *, failing: bool) -> None:
    """Write a JUnit report; with ``failing`` every third test fails with a message of three lines."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f'<?xml version="1.0"?>\n<testsuites><testsuite name="big" tests="{number}">\n')
        for test in range(number):
            head = (
                f'<testcase classname="shop.tests.test_module_{test // 200:04d}.TestCheckout" '
                f'name="test_total_of_lines[{test}]" time="{test % 977 / 1000:.3f}"'
            )
            if failing and test % 3 == 0:
                text = f"def test_total():\n>   assert total(lines) == {test}\nE   assert {test - 1} == {test}"
                file.write(f'{head}><failure message="assert {test - 1} == {test}">{text}</failure></testcase>\n')
            else:
                file.write(f"{head}/>\n")
        file.write("</testsuite></testsuites>\n")


def write_log(path: Path, number: int, *, after: bool) -> None:
    """Write a SARIF log of about 330 bytes a result; without fingerprints, as many tools do, so that all is matched."""
    results = []
    for found in range(number):
        if found % 10 == (1 if after else 0):
            continue
        line = found // 1000 * 7 + 1 + (3 if after and found % 2 else 0)
        results.append(
            {
                "ruleId": f"R{found % 200:03d}",
                "level": ("error", "warning", "note")[found % 3],
                "message": {"text": f"Value {found} is not used in this function"},
                "locations": [
                    {
                        "physicalLocation": {
                            "artifactLocation": {"uri": f"src/shop/module_{found % 1000}.py"},
                            "region": {"startLine": line, "snippet": {"text": f"value = compute({found})"}},
                        }
                    }
                ],
            }
        )
    rules = [{"id": f"R{number:03d}"} for number in range(200)]
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "big", "rules": rules}}, "results": results}]}
    path.write_text(json.dumps(log), encoding="utf-8")


def write_samples(folder: Path, number: int) -> None:
    """Make a store of two runs with half the samples each, drawn by DuckDB."""
    from store import make_run

    duckdb.execute("SET enable_progress_bar = false")
    store = open_store(folder / "data", create=True)
    for day in range(2):
        make_run(store, day, number // 2)


def write_results(folder: Path, number: int) -> None:
    """Make a folder of so many results, as ``report`` leaves them, with pages of one line."""
    rng = random.Random(SEED)
    for report in range(number):
        verdict = rng.choices(["stable", "regressed", "inconclusive"], [8, 1, 1])[0]
        stem = folder / f"stability_report-{report:05d}"
        made = {
            "schema": 1,
            "title": f"Stability report v{report} to v{report + 1}",
            "notebook": "stability_report",
            "verdict": verdict,
            "exit_code": {"stable": 0, "regressed": 1, "inconclusive": 3}[verdict],
            "headline": f"The system is {verdict}.",
            "parameters": {"baseline": f"v{report}", "candidate": f"v{report + 1}"},
            "status": "complete",
            "made_of": hashlib.sha256(str(report).encode()).hexdigest(),
        }
        stem.with_suffix(".json").write_text(json.dumps(made), encoding="utf-8")
        stem.with_suffix(".html").write_text("<!DOCTYPE html><title>r</title>", encoding="utf-8")


@dataclass(frozen=True)
class Subject:
    """A kind of input, how it is made, and the commands that read it."""

    name: str
    sizes: tuple[int, ...]
    make: Callable[[Path, int], None]
    commands: dict[str, tuple[str, ...]]
    limits: dict[str, Limit]


def make_tests(folder: Path, size: int) -> None:
    write_tests(folder / "before.xml", size, failing=False)
    write_tests(folder / "after.xml", size, failing=True)


def make_logs(folder: Path, size: int) -> None:
    write_log(folder / "before.sarif", size, after=False)
    write_log(folder / "after.sarif", size, after=True)


TESTS, LOGS = ("before.xml", "after.xml"), ("before.sarif", "after.sarif")
SUBJECTS = (
    Subject(
        "tests", (10_000, 100_000, 1_000_000), make_tests,
        {"gate": ("gate", *TESTS), "gate json": ("gate", *TESTS, "--format", "json"),
         "diff json": ("diff", *TESTS, "--format", "json"), "report": ("report", *TESTS, "--output", "reports")},
        {"gate": Limit(1_000_000, 15, 1.0)},
    ),
    Subject(
        "findings", (10_000, 120_000, 1_000_000), make_logs,
        {"diff json": ("diff", *LOGS, "--format", "json"), "gate": ("gate", *LOGS),
         "report": ("report", *LOGS, "--output", "reports")},
        {"diff json": Limit(120_000, 15)},
    ),
    Subject(
        "samples", (500_000, 5_000_000, 50_000_000), write_samples,
        {"gate": ("gate", "v0", "v1", "--data", "data"), "compare": ("compare", "v0", "v1", "--data", "data")},
        {},
    ),
    Subject(
        "reports", (100, 1_000, 10_000), write_results, {"index": ("index", ".")},
        {"index": Limit(10_000, 2, written_mb={"index.html": 3})},
    ),
)  # fmt: skip


def sizes_of(folder: Path) -> Iterator[str]:
    """Say how large the files are that a command wrote."""
    for place in (folder / "reports", folder):
        for path in sorted(place.glob("*.*")):
            if place != folder or path.name == "index.html":
                yield f"{path.name} {path.stat().st_size / 1e6:.1f} MB"


def measure(subject: Subject, root: Path, sizes: Sequence[int]) -> None:
    """Print the curve of every command over the sizes, and whether its limit holds."""
    print(f"\n{subject.name}\n  {'command':<12}{'size':>12}{'code':>6}{'wall s':>9}{'CPU s':>9}{'peak GB':>9}"
          f"{'out MB':>8}{'growth':>8}")  # fmt: skip
    last: dict[str, tuple[int, Cost]] = {}
    for size in sizes:
        folder = root / f"{subject.name}-{size}"
        if not folder.exists():
            folder.mkdir(parents=True)
            subject.make(folder, size)
        for name, arguments in subject.commands.items():
            cost = run(arguments, folder)
            growth = ""
            if name in last:
                smaller, before = last[name]
                growth = f"{math.log(cost.cpu_s / before.cpu_s) / math.log(size / smaller):.2f}"
            last[name] = (size, cost)
            print(f"  {name:<12}{size:>12,}{cost.code:>6}{cost.wall_s:>9.1f}{cost.cpu_s:>9.1f}{cost.peak_gb:>9.2f}"
                  f"{cost.out_mb:>8.1f}{growth:>8}", flush=True)  # fmt: skip
            limit = subject.limits.get(name)
            if limit is not None and limit.size == size:
                if math.isfinite(limit.cpu_s):
                    judge(f"CPU s of {name}, {size:,} {subject.name}", cost.cpu_s, limit.cpu_s, at_most=True)
                for file, most in limit.written_mb.items():
                    size_mb = (folder / file).stat().st_size / 1e6
                    judge(f"MB of {file}, {size:,} {subject.name}", size_mb, most, at_most=True)
                if math.isfinite(limit.peak_gb):
                    judge(f"GB of {name}, {size:,} {subject.name}", cost.peak_gb, limit.peak_gb, at_most=True)
        written = list(sizes_of(folder))
        if written:
            print(f"    wrote {', '.join(written)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the smallest two sizes of each")
    parser.add_argument("--only", default=",".join(subject.name for subject in SUBJECTS), help="some of the inputs")
    parser.add_argument("--keep", type=Path, help="make the inputs in this folder, and use what lies there")
    options = parser.parse_args()
    print(f"import pandas: {pace():.2f} s of CPU time; the limits are of a machine that takes 0.42 s")
    with tempfile.TemporaryDirectory() as folder:
        for subject in SUBJECTS:
            if subject.name in options.only.split(","):
                sizes = subject.sizes[: 2 if options.quick else None]
                measure(subject, options.keep or Path(folder), sizes)


if __name__ == "__main__":
    main()
