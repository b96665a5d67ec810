"""Half an hour of a project's life: collect, gate and report in a loop, and what that leaves behind.

    python benchmarks/soak.py [--quick] [--minutes 30]

Two services of this machine are measured in turns; every command is a process of its own, as users start them. After
each tenth of the time it prints how many turns there were, the most memory that each command took since, and what there
is beside the store: processes, temporary files, open files and memory of the services' side. The store grows, and with
it what commands read of its history.
"""

from __future__ import annotations

import argparse
import contextlib
import http.server
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

CONFIGURATION = """\
[project]
name = "soak"
environment = "bench"

[collect]
rounds = 3

[http.service]
url = "{after}"
baseline_url = "{before}"
requests = 20
rate = 100
"""
GROWTH_MB = 30.0


class Service(http.server.BaseHTTPRequestHandler):
    """Answers each request at once."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b"ready"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def service() -> Iterator[str]:
    """Serve on a free port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


class Project:
    """A project in a folder of its own, with temporary files of its own."""

    def __init__(self, folder: Path, urls: tuple[str, str]) -> None:
        self.folder = folder / "project"
        self.temporary = folder / "temporary"
        for place in (self.folder, self.temporary):
            place.mkdir()
        text = CONFIGURATION.format(before=urls[0], after=urls[1])
        (self.folder / "stabkit.toml").write_text(text, encoding="utf-8")
        self.environment = os.environ | {"TMPDIR": str(self.temporary), "STABKIT_WARM_KERNELS": "20"}
        self.peak_mb: dict[str, float] = {}

    def run(self, *words: str) -> None:
        """Run a command, insist on an answer, and keep the most memory that it took."""
        with subprocess.Popen(
            [sys.executable, "-m", "stabkit", *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            said = process.stdout.read() if process.stdout else b""
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1, 3):
            sys.exit(f"stabkit {' '.join(words)} ended with {process.returncode}:\n{said.decode(errors='replace')}")
        self.peak_mb[words[0]] = max(self.peak_mb.get(words[0], 0.0), used.ru_maxrss / 1000)

    def turn(self, number: int) -> None:
        """Collect both versions, judge them, make the page; pack the store now and then."""
        self.run("collect", "--label", f"after-{number}", "--baseline-label", f"before-{number}")
        self.run("gate", f"before-{number}", f"after-{number}")
        self.run("report", "--output", "reports", f"before-{number}", f"after-{number}")
        if number % 10 == 0:
            self.run("store", "compact")

    def left(self) -> dict[str, float]:
        """Count what there is beside the store."""
        ours = [process for process in psutil.process_iter() if self._is_ours(process)]
        return {
            "processes": len(ours),
            "temporary files": sum(1 for path in self.temporary.rglob("*") if path.is_file()),
            "open files": psutil.Process().num_fds(),
            "memory here, MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, 1),
            "memory of what forks, MB": round(max((one.memory_full_info().uss for one in ours), default=0) / 1e6, 1),
        }

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.cwd().startswith(str(self.folder.parent)) and process.pid != os.getpid()
        except psutil.Error:
            return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes")
    parser.add_argument("--minutes", type=float, default=30.0)
    options = parser.parse_args()
    minutes = 2.0 if options.quick else options.minutes
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, service() as before, service() as after:
        project = Project(Path(folder), (before, after))
        start = time.monotonic()
        first: dict[str, float] = {}
        number = parts = 0
        while time.monotonic() - start < 60 * minutes:
            project.turn(number)
            number += 1
            if time.monotonic() - start >= 6 * minutes * (parts + 1) or parts == 0:
                parts += 1
                found = {**project.left(), **{f"{name}, MB": peak for name, peak in project.peak_mb.items()}}
                first = first or found
                told = "  ".join(f"{name} {value:g}" for name, value in found.items())
                print(f"{(time.monotonic() - start) / 60:5.1f} min {number:5} turns  {told}", flush=True)
                project.peak_mb = {}
        time.sleep(25)  # what forks kernels leaves when nobody has asked for a while
        last = project.left()
    grown = [name for name, value in last.items() if value > (GROWTH_MB if "MB" in name else 0) + first[name]]
    print(f"{number} turns; afterwards  " + "  ".join(f"{name} {value:g}" for name, value in last.items()))
    print(f"  -> left behind: {', '.join(grown) or 'nothing'}")
    if grown or last["processes"] or last["temporary files"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
