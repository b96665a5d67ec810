"""How far what a prober reports is from the truth, beside curl, wrk, hey and ab.

    python benchmarks/probing.py [--quick]

First a server that answers in 1 ms but stalls for 500 ms in every 5 s: the truth is computed from the server's own
stalls and the times at which users come. Then a server with a delay of 2 ms that it measures itself: what a tool
reports above that is its bias. All tools ask the same server in turn; one that is not installed is left out.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from stabkit.config import HttpTarget
from stabkit.probe.http.http_probe import HttpProbe
from stabkit.probe.rounds import run_rounds

PERIOD_S, STALL_S, SERVICE_S = 5.0, 0.5, 0.001
DELAY_S = 0.002
RATE = 200
SLOW_RATE = 50  # for the bias: a prober that is short of processor time would else queue behind itself
BLOCKS = 3
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def serve(mode: str) -> None:
    """Answer until killed; in mode delay, write what each answer really took to the file of the environment."""
    listener = socket.create_server(("127.0.0.1", 0))
    began = time.time()
    print(listener.getsockname()[1], began, flush=True)
    log = Path(os.environ["DELAYS"]).open("a")  # noqa: SIM115 - for as long as the process lives

    def talk(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            while request := connection.recv(65_536):
                came = time.perf_counter_ns()
                if mode == "stall":
                    phase = (time.time() - began) % PERIOD_S
                    time.sleep(SERVICE_S + max(0.0, PERIOD_S - phase if phase >= PERIOD_S - STALL_S else 0.0))
                else:
                    time.sleep(DELAY_S * 0.9)
                    while time.perf_counter_ns() - came < DELAY_S * 1e9:
                        pass
                took = time.perf_counter_ns() - came
                old = b"HTTP/1.0" in request.split(b"\r\n")[0]  # such as ab: it must be told that the connection stays
                keep = b"Connection: keep-alive\r\n\r\n" if old and b"eep-" in request else b"\r\n"
                connection.sendall(ANSWER.replace(b"\r\n\r\n", b"\r\n" + keep))
                if mode == "delay":
                    log.write(f"{took}\n")
                    log.flush()
                if b"onnection: close" in request or (old and b"eep-" not in request):
                    break
        connection.close()

    while True:
        connection, _ = listener.accept()
        threading.Thread(target=talk, args=(connection,), daemon=True).start()


@contextlib.contextmanager
def server(mode: str, folder: Path) -> Iterator[tuple[str, float, Path]]:
    log = folder / "delays"
    log.touch()
    command = [sys.executable, __file__, "--serve", mode]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "DELAYS": str(log)}
    ) as process:
        assert process.stdout is not None
        port, began = process.stdout.readline().split()
        try:
            yield f"http://127.0.0.1:{port}/", float(began), log
        finally:
            process.kill()


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout


def stabkit(url: str, seconds: float, rate: int = RATE, **settings: object) -> pd.DataFrame:
    target = HttpTarget(url=url, requests=int(rate * seconds), rate=rate, **settings)  # type: ignore[arg-type]
    evidence = run_rounds({"x": [HttpProbe("x", target, url=url, root=Path())]}, rounds=1, seed=1)["x"]
    samples = evidence["samples"]
    return samples[samples["ok"] & ~samples["warmup"]]


def curl(url: str, seconds: float, *more: str) -> np.ndarray:
    """Return times in ms: one process, one request after the other, as many as fit in about the time."""
    count = int(seconds / (SERVICE_S + 0.001))
    globbed = f"{url}[1-{count}]"
    try:
        text = subprocess.run(
            ["curl", "-s", "-o", "/dev/null", "-w", "%{time_total}\\n", *more, globbed],
            capture_output=True, text=True, timeout=2 * seconds + 5, check=False,
        ).stdout  # fmt: skip
    except subprocess.TimeoutExpired as late:
        text = (late.stdout or b"").decode()
    return 1000 * np.array([float(line) for line in text.split()])


def wrk(url: str, seconds: float) -> dict[float, float]:
    text = run("wrk", "-t1", "-c1", f"-d{max(seconds, 1):.0f}s", "--latency", url)
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    rows = re.findall(r"^\s+(\d+)%\s+([\d.]+)(us|ms|s)$", text, re.MULTILINE)
    return {int(q) / 100: float(value) * scale[unit] for q, value, unit in rows}


def hey(url: str, seconds: float) -> dict[float, float]:
    text = run("hey", "-z", f"{max(seconds, 1):.0f}s", "-c", "1", "-q", str(RATE), url)
    rows = re.findall(r"^\s+(\d+)%+ in ([\d.]+) secs$", text, re.MULTILINE)
    return {int(q) / 100: 1000 * float(value) for q, value in rows}


def ab(url: str, seconds: float, *more: str) -> dict[float, float]:
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        run("ab", "-q", "-t", f"{max(seconds, 1):.0f}", "-n", "1000000", "-c", "1", *more, "-e", file.name, url)
        table = pd.read_csv(file.name)
    return {float(q) / 100: float(value) for q, value in table.itertuples(index=False)}


def at(times: np.ndarray | pd.Series, *quantiles: float) -> dict[float, float]:
    return {q: float(np.quantile(times, q)) for q in quantiles}


def stalls(seconds: float, folder: Path) -> None:
    print(
        f"\nA server that answers in {1000 * SERVICE_S:g} ms and stalls {1000 * STALL_S:g} ms in every {PERIOD_S:g} s,"
    )
    print(f"{RATE} users a second for {seconds:g} s. What each says of it, ms:\n")
    found: dict[str, dict[float, float]] = {}
    with server("stall", folder) as (url, began, _):
        # Users do not queue behind each other: on one connection, answers after a stall would wait for their turn.
        ours = stabkit(url, seconds, connections=16)
        phase = (ours["due_at"].astype("int64") / 1e6 - began) % PERIOD_S
        waits = np.where(phase >= PERIOD_S - STALL_S, PERIOD_S - phase, 0.0)
        service = float(ours["service_ms"].median())
        found["the truth: to the stall's end"] = at(1000 * waits + service, 0.5, 0.95, 0.99)
        found["stabkit, from the due time"] = at(ours["response_ms"], 0.5, 0.95, 0.99)
        own = float(ours["own_late_ms"].quantile(0.99))
        for name, ask in closed_loops(seconds).items():
            found[name] = ask(url)
    truth = found["the truth: to the stall's end"][0.99]
    print(f"{'':34}{'p50':>9}{'p95':>9}{'p99':>9}   truth over p99")
    for name, quantiles in found.items():
        cells = "".join(f"{quantiles[q]:9.2f}" if q in quantiles else f"{'-':>9}" for q in (0.5, 0.95, 0.99))
        print(f"{name:34}{cells}{truth / quantiles[0.99]:13.2f} x")
    off = abs(found["stabkit, from the due time"][0.99] / truth - 1)
    print(f"\nof stabkit's own making, p99: {own:.2f} ms")
    print(f"stabkit's p99 is {100 * off:.1f} % from the truth; 5 % are allowed.")
    if off > 0.05:
        sys.exit("too far from the truth")


def closed_loops(seconds: float) -> dict[str, Callable[[str], dict[float, float]]]:
    tools: dict[str, tuple[str, Callable[[str], dict[float, float]]]] = {
        "curl, one after the other": ("curl", lambda url: at(curl(url, seconds), 0.5, 0.95, 0.99)),
        "wrk -c1": ("wrk", lambda url: wrk(url, seconds)),
        f"hey -c 1 -q {RATE}": ("hey", lambda url: hey(url, seconds)),
        "ab -c 1 -k": ("ab", lambda url: ab(url, seconds, "-k")),
    }
    return {name: ask for name, (tool, ask) in tools.items() if shutil.which(tool)}


def bias(seconds: float, folder: Path) -> None:
    print(f"\nA server that takes {1000 * DELAY_S:g} ms, by its own clock. Median above that, microseconds,")
    print(f"over {BLOCKS} blocks of all tools in turn:\n")
    found: dict[str, list[float]] = {}
    with server("delay", folder) as (url, _, log):
        for _block in range(BLOCKS):
            for name, ask in askers(seconds / BLOCKS).items():
                log.write_text("")
                reported = ask(url)
                true = np.median([int(line) for line in log.read_text().split()]) / 1e6
                found.setdefault(name, []).append(1000 * (reported - true))
    best = float(np.median(found["bare socket, reused"]))
    print(f"{'':34}{'bias us':>9}{'least':>8}{'most':>8}   over a bare socket")
    for name, biases in found.items():
        middle = float(np.median(biases))
        print(f"{name:34}{middle:9.0f}{min(biases):8.0f}{max(biases):8.0f}{middle / best:10.1f} x")
    print("\nhey prints tenths of a millisecond, wrk hundredths.")


def bare_socket(url: str, seconds: float, *, fresh: bool) -> float:
    """Return the median over a socket of Python's: less is not to be had in this language."""
    port = int(url.rsplit(":", 1)[1].strip("/"))
    request = b"GET / HTTP/1.1\r\nHost: x\r\n" + (b"Connection: close\r\n" if fresh else b"") + b"\r\n"
    times, connection = [], None
    for _ in range(int(SLOW_RATE * seconds)):
        begun = time.perf_counter_ns()
        if connection is None:
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request)
        connection.recv(65_536)
        times.append((time.perf_counter_ns() - begun) / 1e6)
        if fresh:
            connection.close()
            connection = None
        time.sleep(1 / SLOW_RATE)
    return float(np.median(times))


def askers(seconds: float) -> dict[str, Callable[[str], float]]:
    close = ("-H", "Connection: close")

    def ours(url: str, **settings: object) -> float:
        return float(stabkit(url, seconds, SLOW_RATE, **settings)["service_ms"].median())

    tools: dict[str, tuple[str, Callable[[str], float]]] = {
        "bare socket, reused": ("true", lambda url: bare_socket(url, seconds, fresh=False)),
        "bare socket, fresh": ("true", lambda url: bare_socket(url, seconds, fresh=True)),
        "stabkit, reused": ("true", ours),
        "stabkit, fresh": ("true", lambda url: ours(url, connection="fresh")),
        "stabkit, 4 connections": ("true", lambda url: ours(url, connections=4)),
        "curl, reused": ("curl", lambda url: float(np.median(curl(url, seconds)))),
        "curl, fresh": ("curl", lambda url: float(np.median(curl(url, seconds, *close)))),
        "wrk -c1, reused": ("wrk", lambda url: wrk(url, seconds)[0.5]),
        "hey -c 1, reused": ("hey", lambda url: hey(url, seconds)[0.5]),
        "ab -c 1 -k, reused": ("ab", lambda url: ab(url, seconds, "-k")[0.5]),
        "ab -c 1, fresh": ("ab", lambda url: ab(url, seconds)[0.5]),
    }
    return {name: ask for name, (tool, ask) in tools.items() if shutil.which(tool)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="10 s of stalls and 3 s of each tool instead of 20 and 9")
    parser.add_argument("--serve", choices=("stall", "delay"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
    with tempfile.TemporaryDirectory() as scratch:
        stalls(10 if options.quick else 20, Path(scratch))
        bias(3 if options.quick else 9, Path(scratch))


if __name__ == "__main__":
    main()
