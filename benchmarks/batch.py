"""``stabkit batch`` beside the usual loop (papermill's command line, then nbconvert's) and beside their interfaces.

    python benchmarks/batch.py [--notebook stability_report] [--reports 20] [--loop 4] [--at-once N]

All make reports of consecutive runs of ``data/sample``, in this order: half of the loop's reports, the batch, papermill
and nbconvert in as many processes of Python, the other half of the loop. The loop makes only some of them, since each
costs the same: compared is the mean of a report, and n is said. CPU time is that of all processes, kernels and what
forks them too; the clock's time depends on what else the machine does. Outputs are compared: the page of the batch with
the page rendered from the notebook that papermill executed. How much can be gained depends on the notebook: what its
cells themselves take (``cells.py``) is the same in all.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import itertools
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from stabkit.pipeline.notebooks import find_notebook, notebook_parameters
from stabkit.pipeline.workers import cores
from stabkit.report.page.rendering import render
from stabkit.store import open_store

ROOT = Path(__file__).parents[1]
DATA = "data/sample"
NOTEBOOKS = ("stability_report", "latency_deltas", "explore")
TARGET = 10.0
BESIDE = 3.5


@dataclass(frozen=True)
class Cost:
    """What making some reports took, in all."""

    reports: int
    wall_s: float
    cpu_s: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.reports + other.reports, self.wall_s + other.wall_s, self.cpu_s + other.cpu_s)

    def line(self, what: str) -> str:
        """Return a line of the table."""
        each = f"{self.wall_s / self.reports:10.2f}{self.cpu_s / self.reports:14.2f}"
        return f"{what:52}{self.reports:4}{self.wall_s:10.1f}{self.cpu_s:10.1f}{each}"


def measured(reports: int, work: Callable[[], None]) -> Cost:
    """Return what some work took, all processes that it started and that ended included."""
    before, start = cpu_of_all(), time.perf_counter()
    work()
    wall = time.perf_counter() - start
    after = cpu_of_all()
    return Cost(reports, wall, sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items()))


def cpu_of_all() -> dict[int, float]:
    """Return the CPU seconds of what was started here and ended (as 0), and of each process that forks kernels."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = {0: ended.ru_utime + ended.ru_stime}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if "stabkit.pipeline.kernels.zygote" in process.cmdline():
                found[process.pid] = sum(process.cpu_times()[:4])
    return found


def interfaces(notebook: str, chosen: list[dict[str, str]], folder: Path, at_once: int) -> None:
    """Make reports as a script of Python would: some processes, papermill and nbconvert imported in each."""
    source = str(find_notebook(notebook))
    spawned = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(at_once, mp_context=spawned) as pool:
        made = [pool.submit(one_by_interface, source, str(folder / name_of(one)), one) for one in chosen]
        for done in made:
            done.result()


def one_by_interface(source: str, place: str, parameters: dict[str, str]) -> None:
    """Make one report with papermill's and nbconvert's functions."""
    import papermill
    from nbconvert import HTMLExporter

    os.chdir(ROOT)
    papermill.execute_notebook(source, f"{place}.ipynb", parameters, progress_bar=False)
    html, _ = HTMLExporter().from_filename(f"{place}.ipynb")
    Path(f"{place}.html").write_text(html, encoding="utf-8")


def jobs(notebook: str, count: int) -> list[dict[str, str]]:
    """Return the parameters of reports on consecutive runs, newest last."""
    ids = open_store(DATA).runs()["run_id"].tolist()[-count - 1 :]
    if "baseline" not in notebook_parameters(find_notebook(notebook)):
        return [{"data": DATA, "run": run} for run in ids[1:]]
    return [{"data": DATA, "baseline": before, "candidate": after} for before, after in itertools.pairwise(ids)]


def papermill_loop(notebook: str, chosen: list[dict[str, str]], folder: Path) -> None:
    """Make reports as papermill and nbconvert are used from a shell."""
    source = str(find_notebook(notebook))
    for parameters in chosen:
        executed = folder / f"{name_of(parameters)}.ipynb"
        words = [word for name, value in parameters.items() for word in ("-p", name, value)]
        run([sys.executable, "-m", "papermill", source, str(executed), "--no-progress-bar", *words])
        run([sys.executable, "-m", "nbconvert", "--to", "html", "--log-level", "ERROR", str(executed)])


def name_of(parameters: dict[str, str]) -> str:
    """Return what the files of a report are called."""
    return parameters.get("candidate") or parameters["run"]


def batch(listed: Path, folder: Path, at_once: int, codes: list[int]) -> None:
    """Make reports with the batch command, in a fresh process."""
    words = ["batch", str(listed), "--output", str(folder), "--at-once", str(at_once), "--progress", "bar"]
    codes.append(run([sys.executable, "-m", "stabkit", *words], codes=(0, 1, 3)))


def run(command: list[str], codes: tuple[int, ...] = (0,)) -> int:
    """Run a command and insist on its end."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in codes:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.returncode


def differing(loop: Path, made: Path) -> list[str]:
    """Return the reports whose page is not byte for byte that of the notebook which papermill executed."""
    return [
        executed.stem
        for executed in loop.glob("*.ipynb")
        if render(executed, about=executed.stem, index="index.html").html
        != (made / f"{executed.stem}.html").read_text(encoding="utf-8")
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notebook", default="stability_report", choices=NOTEBOOKS)
    parser.add_argument("--reports", type=int, default=20)
    parser.add_argument("--loop", type=int, default=4)
    parser.add_argument("--at-once", type=int, default=cores())
    options = parser.parse_args()
    os.chdir(ROOT)
    chosen = jobs(options.notebook, options.reports)
    some = chosen[:: max(1, len(chosen) // options.loop)][: options.loop]
    half = len(some) // 2
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        loop, made, listed = folder / "loop", folder / "made", folder / "jobs.jsonl"
        loop.mkdir()
        lines = [{"notebook": options.notebook, "name": name_of(one), "parameters": one} for one in chosen]
        listed.write_text("\n".join(map(json.dumps, lines)))
        first = measured(half, lambda: papermill_loop(options.notebook, some[:half], loop))
        codes: list[int] = []
        many = measured(len(chosen), lambda: batch(listed, made, options.at_once, codes))
        called = folder / "called"
        called.mkdir()
        pool = measured(len(chosen), lambda: interfaces(options.notebook, chosen, called, options.at_once))
        plain = first + measured(len(some) - half, lambda: papermill_loop(options.notebook, some[half:], loop))
        again = measured(len(chosen), lambda: batch(listed, made, options.at_once, codes))
        wrong = differing(loop, made)
    print(f"{'':52}{'n':>4}{'s':>10}{'CPU s':>10}{'s each':>10}{'CPU s each':>14}")
    print(plain.line("papermill and nbconvert, command line, one by one"))
    print(pool.line(f"papermill and nbconvert, {options.at_once} processes of Python"))
    print(many.line(f"stabkit batch, {options.at_once} at once"))
    print(again.line("stabkit batch once more, nothing to do"))
    print(f"pages equal to those of papermill's notebooks: {len(some) - len(wrong)} of {len(some)}")
    if wrong or codes[0] != codes[1]:
        sys.exit(f"the outputs differ: {', '.join(wrong) or codes}")
    ratio = plain.wall_s / plain.reports / (many.wall_s / many.reports)
    share = plain.cpu_s / plain.reports / (many.cpu_s / many.reports)
    print(f"  -> a report costs 1/{share:.1f} of the CPU time")
    beside = pool.wall_s / many.wall_s
    print(
        f"  -> {beside:.1f} times as fast as their interfaces in as many processes, target >= {BESIDE:g}: "
        f"{'met' if beside >= BESIDE else 'MISSED'}"
    )
    verdict = "met" if ratio >= TARGET else "MISSED"
    print(f"  -> a report is made {ratio:.1f} times as fast, target >= {TARGET:g}: {verdict}")


if __name__ == "__main__":
    main()
