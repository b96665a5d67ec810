"""The bundled service as real processes, and a machine kept busy on purpose."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stabkit.demo.certificates import Certificates
from stabkit.errors import EvidenceError

__all__ = ["RunningService", "busy_machine", "running_service", "stop_process"]

_START_S: Final = 20.0
_STOP_S: Final = 5.0
# Its standard input is a pipe that nobody writes: it ends when this process does, however that came about.
_SERVE: Final = (
    "import os, runpy, threading\n"
    "threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()\n"
    "runpy.run_module('chat_service', run_name='__main__', alter_sys=True)\n"
)


@dataclass(frozen=True)
class RunningService:
    """One version of the service, up."""

    port: int
    pid: int

    def url(self, path: str, scheme: str = "https") -> str:
        """Return an address of this service."""
        return f"{scheme}://localhost:{self.port}{path}"


@contextlib.contextmanager
def running_service(folder: Path, certificates: Certificates) -> Iterator[RunningService]:
    """Run the service from a source folder, on a free port of loopback, until the block ends.

    Raises
    ------
    EvidenceError
        It did not come up; carries the last line it wrote.
    """
    log = folder.parent / f"{folder.name}.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own source, no shell
            [
                *(sys.executable, "-c", _SERVE),
                *("--certificate", str(certificates.server), "--key", str(certificates.key)),
            ],
            cwd=folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(folder)},
            stdout=subprocess.PIPE,
            stderr=errors,
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us; the service is stopped in order
        )
        try:
            yield RunningService(_read_port(process, log), process.pid)
        finally:
            stop_process(process)


def _read_port(process: subprocess.Popen[bytes], log: Path) -> int:
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        ready = selector.select(_START_S)
    line = process.stdout.readline().decode() if ready else ""
    if not line.startswith("port "):
        lines = log.read_text(errors="replace").strip().splitlines()
        last = lines[-1] if lines else "it wrote nothing"
        raise EvidenceError(f"The service did not start: {last}", where=log.name, hint="Read that log.")
    return int(line.split()[1])


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started here, by force where it does not go, and close what it was written to and by."""
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


@contextlib.contextmanager
def busy_machine(processes: int, *, at_most_s: float = 300) -> Iterator[None]:
    """Keep as many cores busy until the block ends, in bursts, as a neighbour's build would."""
    code = (
        "import os, time, random\n"
        f"end = time.monotonic() + {at_most_s}\n"
        f"while time.monotonic() < end and os.getppid() == {os.getpid()}:\n"
        "    stop = time.monotonic() + random.uniform(0.05, 0.4)\n"
        "    while time.monotonic() < stop: pass\n"
        "    time.sleep(random.uniform(0.01, 0.1))\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
        for _ in range(processes)
    ]
    if running:
        time.sleep(0.3)
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()
