import contextlib
import os
import shutil
import threading
import time
from pathlib import Path

import psutil
import pytest

from stabkit.pipeline.execute import execute_notebook
from stabkit.pipeline.kernels import is_wanted, provisioner, starting

ZYGOTE = "stabkit.pipeline.kernels.zygote"


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents and not is_wanted():
            item.add_marker(pytest.mark.skip(reason="kernels are forked on Linux alone"))


def forking(pid=None):
    """Return the processes that kernels are forked from here, or the one that a kernel came from."""
    if pid is not None:
        parent = psutil.Process(pid).parent()
        return parent if parent is not None and ZYGOTE in parent.cmdline() else None
    found = []
    for process in psutil.process_iter():
        try:
            if ZYGOTE in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def forking_in(place):
    """Return those whose socket lies in a folder; others may leave while they are asked."""
    found = []
    for process in forking():
        with contextlib.suppress(psutil.Error):
            if process.cwd() == str(place):
                found.append(process)
    return found


def until(true, seconds=20.0):
    """Wait until something is true, and say whether it became so."""
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


@contextlib.contextmanager
def place_of_its_own(monkeypatch):
    """A folder for sockets, and whoever listens there ended with it."""
    folder = Path("/tmp") / f"stabkit-test-{os.getpid()}-{time.monotonic_ns()}"  # a socket's path is short
    folder.mkdir(mode=0o700)
    before = set(starting._kept)
    try:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
        monkeypatch.setenv(starting.SETTING, "30")
        yield folder / "stabkit"
    finally:
        for name in starting._kept.keys() - before:
            starting._kept.pop(name).close()
        for process in forking_in(folder / "stabkit"):
            process.kill()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def one_place():
    with pytest.MonkeyPatch.context() as monkeypatch, place_of_its_own(monkeypatch) as place:
        yield place


@pytest.fixture
def shared(one_place, monkeypatch):
    """The folder of the module's tests; none of them may harm who listens there."""
    monkeypatch.setattr(provisioner, "_broken", threading.Event())
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(one_place.parent))
    monkeypatch.setenv(starting.SETTING, "30")
    return one_place


@pytest.fixture
def own(monkeypatch):
    """A folder of a test's own, which may kill whoever listens there."""
    monkeypatch.setattr(provisioner, "_broken", threading.Event())
    with place_of_its_own(monkeypatch) as place:
        yield place


@pytest.fixture
def answers(notebook):
    """Run cells in a kernel and return what each of them answered."""

    def run(*sources, **options):
        found = []
        for cell in execute_notebook(notebook(*sources), **options).notebook.cells:
            if cell.cell_type == "code":
                shown = [output.get("data", {}).get("text/plain") or output.get("evalue") for output in cell.outputs]
                found.append(shown[-1] if shown else None)
        return found

    return run
