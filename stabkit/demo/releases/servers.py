"""A release as a running server on loopback."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from stabkit.demo.processes import stop_process
from stabkit.errors import EvidenceError

__all__ = ["Server", "running_server"]

_START_S: Final = 60.0


@dataclass(frozen=True)
class Server:
    """A release that answers."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def running_server(environment: Path, database: Path, label: str) -> Iterator[Server]:
    """Serve a database with a release until the block ends.

    Raises
    ------
    EvidenceError
        It did not come up; carries the last line it wrote.
    """
    port = _free_port()
    log = environment.parent / f"{environment.name}.log"
    with log.open("wb") as written:
        process = subprocess.Popen(  # noqa: S603 - a command of the release's own environment, no shell
            [
                str(environment / "bin" / "datasette"),
                "serve",
                str(database),
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
            ],
            cwd=environment,
            env={**os.environ, "DATASETTE_SECRET": "not-a-secret-of-anyone", "PYTHONPATH": ""},
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us; the server is stopped in order
        )
        try:
            _wait(process, port, log, label)
            yield Server(port, process.pid)
        finally:
            stop_process(process)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path, label: str) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/-/versions.json", timeout=5, trust_env=False)
            return
        time.sleep(0.1)
    lines = log.read_text(errors="replace").strip().splitlines() or ["it wrote nothing"]
    raise EvidenceError(f"{label} did not start: {lines[-1]}", where=log.name, hint="Leave the release out.")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
