"""A real Dask cluster of processes, as its command line starts one: a scheduler with a file, and workers."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from distributed import Client

#: A worker that says it has another stabkit; one that has none at all.
OTHER_VERSION = "import importlib.metadata as m; v = m.version; m.version = lambda n: '9.9' if n == 'stabkit' else v(n)"
NO_STABKIT = "sys.modules['stabkit'] = None"


@dataclass
class Cluster:
    """Processes of one cluster; ``file`` is the scheduler's."""

    folder: Path
    file: Path
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def log(self) -> str:
        """What all of them wrote."""
        return "\n".join(path.read_text(errors="replace") for path in self.folder.glob("*.log"))

    def add_worker(self, *options: str, first: str = "", before: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """Start a worker; some Python may run first in it, or a program before it."""
        code = f"import sys\n{first}\nfrom distributed.cli.dask_worker import main\nmain()"
        words = [*before, sys.executable, "-c", code, "--scheduler-file", str(self.file), "--nthreads", "1"]
        words += ["--no-dashboard", "--local-directory", str(self.folder), *options]
        self.workers.append(_started(words, self.folder / f"worker-{len(self.workers)}.log", self.folder))
        return self.workers[-1]

    def kill_worker(self, number: int) -> None:
        """Kill the worker that runs the task of that number, as the kernel's out-of-memory killer would."""
        with self.client() as client:
            running = client.processing().items()
            (busy,) = [address for address, keys in running if any(key[1] == number for key in keys)]
            (pid,) = client.run(os.getpid, workers=[busy]).values()
        os.kill(pid, signal.SIGKILL)

    def client(self) -> Client:
        """Return a client of its own."""
        return Client(scheduler_file=str(self.file), set_as_default=False)

    @contextlib.contextmanager
    def odd_worker(self, *, first: str = "", before: tuple[str, ...] = ()) -> Iterator[None]:
        """Let a further worker be there for a while."""
        worker = self.add_worker("--no-nanny", "--name", "odd", first=first, before=before)
        try:
            wait_for(lambda: "odd" in self._names())
            yield
        finally:
            worker.terminate()
            worker.wait(30)
            wait_for(lambda: "odd" not in self._names())

    def _names(self) -> set[str]:
        with self.client() as client:
            return {str(worker["name"]) for worker in client.scheduler_info()["workers"].values()}

    def stop(self) -> None:
        """End all processes."""
        for process in [*self.workers, self.scheduler]:
            with contextlib.suppress(psutil.Error):
                family = psutil.Process(process.pid)
                for one in [family, *family.children(recursive=True)]:
                    with contextlib.suppress(psutil.Error):
                        one.kill()
            process.wait(30)


@contextlib.contextmanager
def cluster(folder: Path, *, workers: int = 2) -> Iterator[Cluster]:
    """Run a scheduler and some workers; a task whose workers died twice is given up."""
    file = folder / "scheduler.json"
    code = "from distributed.cli.dask_scheduler import main; main()"
    words = [sys.executable, "-c", code, "--scheduler-file", str(file), "--port", "0", "--host", "127.0.0.1"]
    begun = Cluster(folder, file, _started([*words, "--no-dashboard"], folder / "scheduler.log", folder))
    try:
        wait_for(file.exists)
        for _ in range(workers):
            begun.add_worker()
        yield begun
    finally:
        begun.stop()


def _started(words: list[str], log: Path, folder: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
        "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "False",
    }
    with log.open("wb") as said:
        return subprocess.Popen(words, stdout=said, stderr=said, cwd=folder, env=environment, start_new_session=True)


def wait_for(met, seconds: float = 60) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, met
        time.sleep(0.05)
