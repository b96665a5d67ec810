"""``stabkit batch`` on a Dask cluster of two processes beside two threads of one process.

    python benchmarks/cluster.py [--notebook stability_report] [--reports 20] [--passes 3]

Reports of consecutive runs of ``data/sample``, the ways in turns and the order turned round each time: threads
(``--at-once 2``), a cluster of the command's own (``--cluster local:2``, its start and end included), and workers that
are there already (a scheduler and two of them, as a cluster has). Compared is the clock's time; CPU time is that of the
command, its kernels and its own workers. The pages of all ways have to be equal but for times and memory.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from batch import NOTEBOOKS, ROOT, Cost, jobs, measured, name_of, run

TARGET = 1.15
TIMES = re.compile(r"[\d,.]+ (MB|s)\b")


@contextmanager
def workers(folder: Path) -> Iterator[str]:
    """Start a scheduler and two workers; yield the scheduler's file."""
    file = folder / "scheduler.json"
    scheduler = ["scheduler", "--port", "0", "--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
    worker = ["worker", "--nthreads", "1", "--no-dashboard", "--local-directory", str(folder)]
    started = []
    try:
        for words in (scheduler, worker, worker):
            code = f"from distributed.cli.dask_{words[0]} import main; main()"
            command = [sys.executable, "-c", code, *words[1:], "--scheduler-file", str(file)]
            started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder))
            while words is scheduler and not file.exists():
                time.sleep(0.1)
        yield str(file)
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notebook", default="stability_report", choices=NOTEBOOKS)
    parser.add_argument("--reports", type=int, default=20)
    parser.add_argument("--passes", type=int, default=3)
    options = parser.parse_args()
    os.chdir(ROOT)
    chosen = jobs(options.notebook, options.reports)
    with tempfile.TemporaryDirectory() as temporary, workers(Path(temporary)) as address:
        folder = Path(temporary)
        listed = folder / "jobs.jsonl"
        lines = [{"notebook": options.notebook, "name": name_of(one), "parameters": one} for one in chosen]
        listed.write_text("\n".join(map(json.dumps, lines)))
        ways = {
            "two threads": ["--at-once", "2"],
            "cluster local:2": ["--cluster", "local:2"],
            "workers there already": ["--cluster", address],
        }

        def batch(way: str) -> Cost:
            words = [sys.executable, "-m", "stabkit", "batch", str(listed), "--output", str(folder / way), "--again"]
            words += [*ways[way], "--progress", "bar"]
            codes: list[int] = []
            return measured(len(chosen), lambda: codes.append(run(words, codes=(0, 1, 3))))

        batch("workers there already")  # whatever is first needed once is not measured
        taken: dict[str, list[Cost]] = {way: [] for way in ways}
        for number in range(options.passes):
            for way in ways if number % 2 == 0 else reversed(ways):
                taken[way].append(batch(way))
        wrong = differing(folder, list(ways))
    print(f"{options.reports} reports of {options.notebook}, medians of {options.passes} passes")
    print(f"{'':30}{'s':>10}{'CPU s':>10}")
    for way, costs in taken.items():
        wall, cpu = (statistics.median(getattr(cost, name) for cost in costs) for name in ("wall_s", "cpu_s"))
        said = "" if way != "workers there already" else "   (without the workers)"
        print(f"{way:30}{wall:10.1f}{cpu:10.1f}{said}")
    if wrong:
        sys.exit(f"the pages differ: {', '.join(wrong)}")
    print(f"pages equal but for times and memory: {len(chosen)} of {len(chosen)}, three ways")
    for way in list(ways)[1:]:
        pairs = zip(taken[way], taken["two threads"], strict=True)
        ratio = statistics.median(cost.wall_s / plain.wall_s for cost, plain in pairs)
        verdict = "met" if ratio <= TARGET else "MISSED"
        print(f"  -> {way}: {ratio:.2f} of the time of two threads, target <= {TARGET}: {verdict}")


def differing(folder: Path, ways: list[str]) -> list[str]:
    """Return the pages that are not the same in every way of making them."""
    found = []
    for page in sorted((folder / ways[0]).glob("*.html")):
        texts = {TIMES.sub("", (folder / way / page.name).read_text(encoding="utf-8")) for way in ways}
        if len(texts) > 1:
            found.append(page.name)
    return found


if __name__ == "__main__":
    main()
