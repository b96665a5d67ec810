"""Forked kernels beside plain ones: what a notebook waits for its kernel, and what many kernels leave behind.

    python benchmarks/kernels.py [--quick]

A notebook of one cell and a report of ``data/sample`` run through papermill's Python interface and through stabkit's
engine, in turns, in this process, which has imported everything; the process that kernels are forked from is there. CPU
time is that of this process and of the kernels. Then kernels run in a row; processes, sockets, files and memory of the
process that they come from are counted before and after.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import papermill
import psutil

from stabkit.pipeline.execute import execute_notebook
from stabkit.pipeline.kernels import is_wanted
from stabkit.pipeline.notebooks import find_notebook

ROOT = Path(__file__).parents[1]
ALMOST_EMPTY_S = 0.15
CPU = "import time\ntime.process_time()"


def one_cell(folder: Path) -> Path:
    """Write a notebook whose only cell tells its kernel's CPU time and its parent."""
    cells = [nbformat.v4.new_code_cell(f"import os\n{CPU}, os.getppid()")]
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path = folder / "one_cell.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=spec), path)
    return path


def plainly(path: Path, folder: Path, parameters: dict[str, str]) -> nbformat.NotebookNode:
    """Run a notebook as papermill does by itself."""
    return papermill.execute_notebook(str(path), str(folder / "out.ipynb"), parameters, progress_bar=False)


def compared(what: str, ways: dict[str, Callable[[], object]], passes: int) -> dict[str, float]:
    """Print the median seconds of each way, run in turns, and return them."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()  # warm: files read, the process that forks started
    for _ in range(passes):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            taken[name].append(time.perf_counter() - start)
    found = {name: statistics.median(times) for name, times in taken.items()}
    for name, seconds in found.items():
        print(f"{what:24}{name:36}{passes:4}{seconds:10.3f}{min(taken[name]):10.3f}{max(taken[name]):10.3f}")
    return found


def left_behind(path: Path, kernels: int) -> list[str]:
    """Run many kernels in a row; print what there was before and after, and return what grew."""
    parent = psutil.Process(_parent(path))
    folder = Path(parent.cwd())

    def state() -> dict[str, float]:
        time.sleep(0.5)  # the last kernel's end is taken in
        return {
            "children of that process": len(parent.children()),
            "its open files": parent.num_fds(),
            "its threads": parent.num_threads(),
            "its memory, MB": round(parent.memory_full_info().uss / 1e6, 1),
            "files in its folder": len(list(folder.iterdir())),
            "open files here": psutil.Process().num_fds(),
            "folders of kernels": len(list(Path(tempfile.gettempdir()).glob("stabkit-*"))),
            "connection files": len(list(Path(tempfile.gettempdir()).glob("tmp*.json"))),
        }

    before = state()
    start = time.perf_counter()
    for _ in range(kernels):
        execute_notebook(path)
    each = (time.perf_counter() - start) / kernels
    after = state()
    print(f"\n{kernels} kernels in a row, {each:.3f} s each")
    for name, value in before.items():
        print(f"  {name:32}{value:10g}{after[name]:10g}")
    grown = {name: after[name] - value for name, value in before.items()}
    return [name for name, more in grown.items() if more > (2.0 if "MB" in name else 0)]


def _parent(path: Path) -> int:
    output = execute_notebook(path).notebook.cells[-1].outputs[0]
    return int(output["data"]["text/plain"].strip("()").split(",")[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer passes, 30 kernels in a row instead of 300")
    quick = parser.parse_args().quick
    if not is_wanted():
        sys.exit("kernels are not forked here")
    os.chdir(ROOT)
    passes = 3 if quick else 9
    sample = {"data": "data/sample"}
    report = find_notebook("stability_report")
    print(f"{'':24}{'':36}{'n':>4}{'s median':>10}{'least':>10}{'most':>10}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tempfile.tempdir = temporary  # what kernels leave there is theirs, and nobody else's
        path = one_cell(folder)
        small = compared(
            "one cell",
            {
                "papermill's interface": lambda: plainly(path, folder, {}),
                "stabkit's engine, forked": lambda: execute_notebook(path),
            },
            passes,
        )
        large = compared(
            "stability_report",
            {
                "papermill's interface": lambda: plainly(report, folder, sample),
                "stabkit's engine, forked": lambda: execute_notebook(report, sample),
            },
            max(3, passes // 2),
        )
        grown = left_behind(path, 30 if quick else 300)
    for what, found in (("one cell", small), ("a report", large)):
        plain, forked = found.values()
        print(f"  -> {what}: {plain / forked:.1f} times as fast as papermill's interface")
    seconds = small["stabkit's engine, forked"]
    verdict = "met" if seconds <= ALMOST_EMPTY_S else "MISSED"
    print(f"  -> an almost empty notebook takes {seconds:.3f} s, target <= {ALMOST_EMPTY_S:g}: {verdict}")
    print(f"  -> left behind: {', '.join(grown) or 'nothing'}")
    if grown:
        sys.exit(1)


if __name__ == "__main__":
    main()
