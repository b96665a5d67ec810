"""Readings of real processes: busy, with children, ended, replaced."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from stabkit.errors import UsageError
from stabkit.probe import resources
from stabkit.probe.resources import ResourceProbe

BUSY = "import sys\nprint('ready', flush=True)\nfor line in sys.stdin: sum(range(3_000_000)); print('done', flush=True)"
PARENT = (
    "import subprocess, sys\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import sys; b = bytearray(40_000_000); print(1, flush=True); "
    "sys.stdin.read()'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
    "child.stdout.readline()\nprint('ready', flush=True)\nsys.stdin.read()\n"
)


@pytest.fixture
def start():
    started: list[subprocess.Popen] = []

    def run(code: str, *arguments: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout.readline().strip() == "ready"
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def readings(probe: ResourceProbe, metric: str):
    return probe.evidence()["samples"].query("metric == @metric").reset_index(drop=True)


def test_readings_of_each_round(start) -> None:
    process = start(BUSY)
    probe = ResourceProbe("worker", pid=process.pid)
    probe.open()
    probe.run(0)
    process.stdin.write("x\n" * 3)
    process.stdin.flush()
    for _ in range(3):
        process.stdout.readline()
    probe.run(1)
    probe.close()
    samples = probe.evidence()["samples"]
    assert len(samples) == 10
    assert samples["ok"].all()
    units = {"memory": "MB", "cpu": "s", "threads": "count", "open_files": "count", "sockets": "count"}
    assert dict(zip(samples["metric"], samples["unit"], strict=True)) == units
    assert readings(probe, "memory")["sequence"].tolist() == [0, 1]
    assert readings(probe, "memory")["value"].between(1, 1000).all()
    cpu = readings(probe, "cpu")["value"]
    assert cpu[0] < cpu[1]  # used since the previous reading, not in all
    assert readings(probe, "threads")["value"].tolist() == [1, 1]
    assert (readings(probe, "open_files")["value"] >= 3).all()
    source = probe.evidence()["sources"].iloc[0]
    assert (source["kind"], source["status"], source["path"]) == ("resources", "ok", f"pid {process.pid}")


def test_children_are_summed(start) -> None:
    process = start(PARENT)
    probe = ResourceProbe("tree", pid=process.pid)
    probe.open()
    probe.run(0)
    alone = psutil.Process(process.pid).memory_info().rss / 1e6
    assert readings(probe, "memory")["value"][0] > alone + 40
    assert readings(probe, "threads")["value"][0] == 2


def test_time_of_an_awaited_child_is_kept(start) -> None:
    code = (
        "import subprocess, sys\nprint('ready', flush=True)\nsys.stdin.readline()\n"
        "subprocess.run([sys.executable, '-c', 'import time\\nwhile time.process_time() < 0.3: pass'])\n"
        "print('done', flush=True)\nsys.stdin.read()"
    )
    process = start(code)
    probe = ResourceProbe("tree", pid=process.pid)
    probe.open()
    probe.run(0)
    process.stdin.write("\n")
    process.stdin.flush()
    process.stdout.readline()
    probe.run(1)
    assert readings(probe, "cpu")["value"][1] >= 0.25


def test_ended_process_is_an_error_not_a_zero(start) -> None:
    process = start(BUSY)
    probe = ResourceProbe("worker", pid=process.pid)
    probe.open()
    probe.run(0)
    process.kill()
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.005)
    probe.run(1)  # nobody has waited for it yet, so its pid is still there
    process.wait()
    probe.run(2)
    samples = probe.evidence()["samples"]
    late = samples[samples["round"] > 0]
    assert len(late) == 10
    assert not late["ok"].any()
    assert late["value"].isna().all()
    assert (late["error"] == f"process {process.pid} has ended").all()
    assert probe.evidence()["sources"].iloc[0]["status"] == "error"


def test_reused_pid_is_not_the_process(start) -> None:
    first, second = start(BUSY), start(BUSY)
    probe = ResourceProbe("worker", pid=first.pid)
    probe.open()
    first.kill()
    first.wait()
    # The kernel cannot be told to reuse a pid, so the known one is given to the second process by hand: same number,
    # another creation time.
    probe._process._pid = second.pid
    probe._process._ident = (second.pid, probe._process.create_time())
    probe.run(0)
    assert not probe.evidence()["samples"]["ok"].any()


def test_never_there() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    probe = ResourceProbe("gone", pid=process.pid)
    probe.open()
    probe.run(0)
    samples = probe.evidence()["samples"]
    assert (samples["error"] == f"there is no process {process.pid}").all()


def test_pid_file_and_restart(start, tmp_path: Path) -> None:
    file = tmp_path / "server.pid"
    probe = ResourceProbe("server", pid_file=file)
    probe.open()
    probe.run(0)
    first = start(BUSY)
    file.write_text(f"{first.pid}\n")
    probe.run(1)
    probe.run(2)
    first.kill()
    first.wait()
    second = start(BUSY)
    file.write_text(f"{second.pid}\n")
    probe.run(3)
    assert readings(probe, "memory")["ok"].tolist() == [False, True, True, True]
    # Without a reading before, nothing is known of the time used: null, not 0.
    assert readings(probe, "cpu")["ok"].tolist() == [False, False, True, False]
    assert readings(probe, "cpu")["value"].isna().tolist() == [True, True, False, True]
    assert "new since the previous reading" in probe.evidence()["sources"].iloc[0]["message"]


@pytest.mark.parametrize("text", ["", "abc", "-1", "0", "99999999999999", "9" * 5000, "²"])
def test_unusable_pid_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "server.pid"
    file.write_text(text, encoding="utf-8")
    probe = ResourceProbe("server", pid_file=file)
    probe.open()
    probe.run(0)
    assert probe.evidence()["samples"]["error"].str.startswith("the pid file holds no process id").all()


def test_found_by_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        probe = ResourceProbe("server", port=port)
        probe.open()
        probe.run(0)
        assert probe.evidence()["samples"]["ok"].all()
    probe = ResourceProbe("server", port=port)
    probe.open()
    probe.run(0)
    assert (probe.evidence()["samples"]["error"] == f"no process listens on port {port}").all()


def test_found_by_name(start, tmp_path: Path) -> None:
    name = f"stabkit{os.getpid()}"[:15]
    code = f"open('/proc/self/comm', 'w').write('{name}')\nprint('ready', flush=True)\nimport sys\nsys.stdin.read()"
    if not Path("/proc/self/comm").exists():
        pytest.skip("needs /proc to rename a process")
    start(code)
    probe = ResourceProbe("server", process_name=name)
    probe.open()
    probe.run(0)
    assert probe.evidence()["samples"]["ok"].all()
    start(code)
    probe = ResourceProbe("server", process_name=name)
    probe.open()
    probe.run(0)
    assert probe.evidence()["samples"]["error"].str.contains("2 processes").all()


def test_forbidden_reading_is_an_error(start, monkeypatch) -> None:
    # Whether another user's process may be read depends on who runs the tests.
    process = start(BUSY)

    def forbid(self: psutil.Process) -> int:
        raise psutil.AccessDenied(self.pid)

    monkeypatch.setattr(resources.psutil.Process, "num_fds", forbid)
    probe = ResourceProbe("worker", pid=process.pid)
    probe.open()
    probe.run(0)
    assert readings(probe, "open_files")["error"].str.contains("may not be read by this user").all()
    assert readings(probe, "memory")["ok"].all()
    assert probe.evidence()["sources"].iloc[0]["status"] == "error"


def test_stopped_process_is_still_read(start) -> None:
    process = start(BUSY)
    process.send_signal(signal.SIGSTOP)
    probe = ResourceProbe("worker", pid=process.pid)
    probe.open()
    probe.run(0)
    assert probe.evidence()["samples"]["ok"].all()


@pytest.mark.parametrize("ways", [{}, {"pid": 1, "port": 80}])
def test_exactly_one_way(ways: dict) -> None:
    with pytest.raises(UsageError):
        ResourceProbe("x", **ways)


def test_no_reading_is_an_error() -> None:
    evidence = ResourceProbe("x", pid=os.getpid()).evidence()
    assert evidence["sources"].iloc[0]["status"] == "error"
    assert len(evidence["samples"]) == 0
