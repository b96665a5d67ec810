"""The cells' own work: what the notebooks' code costs with everything imported, beside which all else is overhead.

    python benchmarks/cells.py [--quick] [--against CHECKOUT]

Every bundled notebook runs on ``data/sample`` in one process, its results formatted as a kernel formats them: figures
are drawn and tables rendered, nothing is started, sent or written. A first pass warms the caches that a warm kernel
has; the passes after it are interleaved, and the median counts. CPU time is that of all threads. The shares come from
one more pass in which what draws, reads, judges and renders is timed, each without the others that it calls.

``--against`` runs the same with the code of another checkout, in turns; pages, results and summaries of both, of every
pair of neighbouring runs of the sample and of the reference case, must be equal byte for byte.
"""

from __future__ import annotations

import argparse
import functools
import gc
import hashlib
import itertools
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
NOTEBOOKS = (
    "stability_report", "latency_deltas", "test_trends", "compliance_history", "change_impact", "backtest", "explore",
)  # fmt: skip
DATA = "data/sample"
REFERENCE = {
    "data": "", "baseline": "data/reference/before", "candidate": "data/reference/after",
    "config": "data/reference/stabkit.toml",
}  # fmt: skip
TARGET = 0.5
SHARES = ("drawing", "reading", "judging", "rendering")
ALIKE = {"OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "module://matplotlib_inline.backend_inline"}

Job = tuple[str, Mapping[str, Any]]


def own_work(notebooks: Sequence[str] = NOTEBOOKS, *, passes: int = 5, checkout: Path = ROOT) -> dict[str, float]:
    """Return the CPU seconds that the cells of each notebook take, measured in a process of their own."""
    return {name: sum(cells) for name, cells in Worker(checkout).measured(notebooks, passes).items()}


class Worker:
    """A process that has imported everything and runs notebooks on demand, with the code of one checkout."""

    def __init__(self, checkout: Path) -> None:
        environment = {**os.environ, **ALIKE, "PYTHONPATH": str(checkout.resolve())}
        command = [sys.executable, __file__, "--worker"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, what: str, notebook: str, parameters: Mapping[str, Any]) -> Any:
        """Return what the process answers to one request."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([what, notebook, dict(parameters)]), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"the process that runs {notebook} ended")
        return json.loads(line)

    def measured(self, notebooks: Sequence[str], passes: int) -> dict[str, list[float]]:
        """Return the median CPU seconds of each cell over interleaved passes."""
        return in_turns([self], notebooks, passes)[0]


def in_turns(workers: Sequence[Worker], notebooks: Sequence[str], passes: int) -> list[dict[str, list[float]]]:
    """Return the median CPU seconds of each cell, for each of some processes that take turns."""
    found: list[dict[str, list[list[float]]]] = [defaultdict(list) for _ in workers]
    for number in range(passes + 1):
        for name in notebooks:
            for worker, kept in zip(workers, found, strict=True):
                seconds = worker.ask("time", name, {"data": DATA})
                if number:
                    kept[name].append(seconds)
    return [{name: [median(cell) for cell in zip(*runs, strict=True)] for name, runs in kept.items()} for kept in found]


# The process that runs the cells


def code_of(notebook: str, parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return heading and code of each cell, the parameters behind the cell that declares them."""
    heading, cells = notebook, []
    for cell in json.loads((ROOT / "notebooks" / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            heading = text.splitlines()[0].lstrip("# ")
            continue
        cells.append((heading, text))
        if "parameters" in cell["metadata"].get("tags", []):
            cells.append(("parameters", "\n".join(f"{name} = {value!r}" for name, value in parameters.items())))
    return cells


def run_cells(shell: Any, notebook: str, parameters: Mapping[str, Any]) -> list[tuple[float, list[Any]]]:
    """Return the CPU seconds and the outputs of each cell."""
    shown: list[Any] = []

    def keep(result: Any) -> None:
        if result is not None:
            shown.append(shell.display_formatter.format(result))

    shell.reset(new_session=True)
    shell.display_trap.hook = keep  # what a running cell puts in the place of sys.displayhook
    done = []
    for _, code in code_of(notebook, parameters):
        start = time.process_time()
        result = shell.run_cell(code)
        done.append((time.process_time() - start, shown.copy()))
        shown.clear()
        result.raise_error()
    return done


def page_digests(shell: Any, notebook: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return a digest of the page, the result and the summary that the cells' outputs make."""
    import nbformat

    from stabkit.report.page import render

    node = nbformat.read(ROOT / "notebooks" / f"{notebook}.ipynb", as_version=4)
    node.metadata["papermill"] = {"input_path": f"{notebook}.ipynb"}
    outputs = [outputs for _, outputs in run_cells(shell, notebook, parameters)]
    place = next(number for number, (heading, _) in enumerate(code_of(notebook, parameters)) if heading == "parameters")
    del outputs[place]
    for cell, shown in zip((cell for cell in node.cells if cell.cell_type == "code"), outputs, strict=True):
        cell.outputs = [
            nbformat.v4.new_output("execute_result", data=data, metadata=metadata, execution_count=1)
            for data, metadata in shown
        ]
    bare = [cell.source for cell in node.cells if cell.cell_type == "code" and not cell.outputs]
    if len(bare) != 1:  # the parameters alone show nothing: equal pages without outputs would prove nothing
        sys.exit(f"{notebook}: no output of {bare}")
    page = render(node)
    forms = {"page": page.html, "result": page.json, "summary": page.markdown}
    if folder := os.environ.get("STABKIT_CELLS_PAGES"):
        name = hashlib.sha256(json.dumps([notebook, dict(parameters)]).encode()).hexdigest()[:8]
        for form, text in forms.items():
            Path(folder, f"{notebook}-{name}.{form}").write_text(text, encoding="utf-8")
    return {form: hashlib.sha256(text.encode()).hexdigest() for form, text in forms.items()}


class Clock:
    """Sums CPU seconds by phase, each without what other phases take inside it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._open: list[str] = ["other"]
        self._since = time.process_time()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count what happens inside to a phase."""
        self._enter(name)
        try:
            yield
        finally:
            self._leave()

    def counted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function whose time counts to a phase."""

        @functools.wraps(function)
        def called(*args: Any, **named: Any) -> Any:
            with self.phase(name):
                return function(*args, **named)

        return called

    def _enter(self, name: str) -> None:
        self._count()
        self._open.append(name)

    def _leave(self) -> None:
        self._count()
        self._open.pop()

    def _count(self) -> None:
        now = time.process_time()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now


@contextmanager
def phases_counted(shell: Any) -> Iterator[Clock]:
    """Time what draws, reads, judges and renders, wherever it is called from."""
    from stabkit.analyze.gate import evaluate_sides, run_backtest
    from stabkit.chart.drawing import canvas
    from stabkit.report.display.figure import Figure
    from stabkit.store import Store

    clock, undo = Clock(), []

    def put(owner: Any, name: str, phase: str, function: Any = None) -> None:
        before = vars(owner)[name] if function is None else function
        undo.append((owner, name, vars(owner).get(name)))
        plain = before.__func__ if isinstance(before, classmethod) else before
        timed = clock.counted(phase, plain)
        setattr(owner, name, classmethod(timed) if isinstance(before, classmethod) else timed)  # type: ignore[arg-type]

    for name in ("runs", "run", "resolve", "tables", "read", "evidence", "sql", "quantiles"):
        put(Store, name, "reading")
    put(Figure, "of", "drawing")
    for phase, functions in (("judging", (evaluate_sides, run_backtest)), ("drawing", (canvas.to_svg,))):
        for module in [module for name, module in sys.modules.items() if name.startswith("stabkit.")]:
            for name, value in list(vars(module).items()):
                if value in functions if callable(value) and hasattr(value, "__code__") else False:
                    put(module, name, phase)
    formatter = shell.display_formatter
    shown = formatter.format
    formatter.format = clock.counted("rendering", shown)
    try:
        yield clock
    finally:
        formatter.format = shown
        for owner, name, value in reversed(undo):
            setattr(owner, name, value)


def serve() -> None:
    """Answer requests from standard input, one a line."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    answers = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        what, notebook, parameters = json.loads(line)
        gc.collect()
        gc.freeze()  # as a warm kernel does with what it was born with
        answer: Any
        if what == "time":
            answer = [seconds for seconds, _ in run_cells(shell, notebook, parameters)]
        elif what == "shares":
            with phases_counted(shell) as clock:
                run_cells(shell, notebook, parameters)
            answer = clock.seconds
        else:
            answer = page_digests(shell, notebook, parameters)
        print(json.dumps(answer), file=answers, flush=True)


# What the user sees


def shown_jobs(*, quick: bool) -> list[Job]:
    """Return the reports whose pages are compared."""
    from stabkit.store import open_store

    ids = open_store(ROOT / DATA).runs()["run_id"].tolist()
    pairs = list(itertools.pairwise(ids))[-3:] if quick else list(itertools.pairwise(ids))
    jobs: list[Job] = [(name, {"data": DATA}) for name in NOTEBOOKS]
    for name in ("stability_report", "latency_deltas", "change_impact"):
        jobs += [(name, {"data": DATA, "baseline": before, "candidate": after}) for before, after in pairs]
        jobs += [(name, REFERENCE), (name, {"data": DATA, "candidate": ids[0]})]
    jobs += [("test_trends", {"data": DATA, "last": last}) for last in (1, 2, 5)]
    return jobs


def table(found: Mapping[str, Sequence[float]], shares: Mapping[str, Mapping[str, float]]) -> None:
    """Print a line for each notebook, and one for each of its cells that takes a hundredth of a second."""
    print(f"{'CPU seconds':40}{'all':>8}" + "".join(f"{name:>11}" for name in (*SHARES, "other")))
    for name, cells in found.items():
        parts = shares[name]
        whole = sum(parts.values())
        told = [parts.get(phase, 0.0) / whole for phase in (*SHARES, "other")]
        print(f"{name:40}{sum(cells):8.3f}" + "".join(f"{share:>11.0%}" for share in told))
        for (heading, _), seconds in zip(code_of(name, {}), cells, strict=True):
            if seconds >= 0.01:
                print(f"  {heading:38}{seconds:8.3f}")
    print(f"{'all':40}{sum(map(sum, found.values())):8.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three passes, and fewer pages compared")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another state of the code")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        serve()
        return
    passes = 3 if options.quick else 7
    workers = [Worker(ROOT), *([Worker(options.against)] if options.against else [])]
    found, *before = in_turns(workers, NOTEBOOKS, passes)
    table(found, {name: workers[0].ask("shares", name, {"data": DATA}) for name in NOTEBOOKS})
    if not before:
        return
    print(f"\n{'against ' + str(options.against):40}{'there':>8}{'here':>8}{'ratio':>8}")
    for name in NOTEBOOKS:
        there, here = sum(before[0][name]), sum(found[name])
        print(f"{name:40}{there:8.3f}{here:8.3f}{here / there:8.2f}")
    jobs, wrong = shown_jobs(quick=options.quick), []
    for name, parameters in jobs:
        pages = [worker.ask("pages", name, parameters) for worker in workers]
        wrong += [f"{name} {json.dumps(parameters)}: {form}" for form in pages[0] if pages[0][form] != pages[1][form]]
    print(f"reports equal byte for byte in page, result and summary: {len(jobs)} compared, {len(wrong)} differences")
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
