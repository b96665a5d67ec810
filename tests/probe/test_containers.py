"""Control groups: real files where this system lets us make a group, the documented ones elsewhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stabkit.probe import resources
from stabkit.probe.containers import UnavailableError, find_group
from stabkit.probe.resources import ResourceProbe

UNIFIED = {
    "memory.current": "52428800\n",
    "memory.stat": "anon 40000000\ninactive_file 2428800\nactive_file 10000000\n",
    "cpu.stat": "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n",
    "pids.current": "7\n",
    "memory.events": "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\n",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def system(tmp_path: Path, lines: str) -> dict[str, Path]:
    write(tmp_path / "proc" / "42", {"cgroup": lines})
    return {"proc": tmp_path / "proc", "mount": tmp_path / "mount"}


def test_version_2(tmp_path: Path) -> None:
    where = system(tmp_path, "0::/docker/abc\n")
    write(tmp_path / "mount", {"cgroup.controllers": "cpu memory pids"})
    write(tmp_path / "mount" / "docker" / "abc", UNIFIED)
    group = find_group(42, **where)
    assert group.name == "/docker/abc"
    readings = (group.memory_mb(), group.cpu_s(), group.processes(), group.oom_kills())
    assert readings == (50.0, 1.5, 7, 1)
    for text, limit in (("max\n", None), ("64000000\n", 64.0)):
        write(tmp_path / "mount" / "docker" / "abc", {"memory.max": text})
        assert group.limit_mb() == limit


def test_version_1(tmp_path: Path) -> None:
    where = system(tmp_path, "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n2:pids:/docker/abc\n0::/\n")
    mount = tmp_path / "mount"
    memory = {
        "memory.usage_in_bytes": "52428800",
        "memory.stat": "inactive_file 1\ntotal_inactive_file 2428800",
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2",
    }
    write(mount / "memory/docker/abc", memory)
    write(mount / "cpuacct/docker/abc", {"cpuacct.usage": "1500000000"})
    write(mount / "pids/docker/abc", {"pids.current": "7"})
    group = find_group(42, **where)
    assert (group.memory_mb(), group.cpu_s(), group.processes(), group.oom_kills()) == (50.0, 1.5, 7, 2)
    for text, limit in (("9223372036854771712", None), ("64000000", 64.0)):
        write(mount / "memory/docker/abc", {"memory.limit_in_bytes": text})
        assert group.limit_mb() == limit


def test_what_the_group_does_not_count_is_not_taken_from_the_machine(tmp_path: Path) -> None:
    where = system(tmp_path, "4:memory:/docker/abc\n3:cpuacct:/\n2:pids:/../x\n0::/\n")
    memory = {"memory.usage_in_bytes": "3000000", "memory.stat": "total_inactive_file 1000000"}
    write(tmp_path / "mount/memory/docker/abc", memory)
    write(tmp_path / "mount/cpuacct", {"cpuacct.usage": "99999999999999"})
    group = find_group(42, **where)
    assert group.memory_mb() == 2
    with pytest.raises(UnavailableError, match="does not count processor time"):
        group.cpu_s()
    with pytest.raises(UnavailableError, match="does not count tasks"):
        group.processes()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("0::/\n", "in no container"),
        ("0::/../../elsewhere\n", "in no container"),
        ("4:memory:/docker/abc\n", "not visible from here"),
        ("4:memory:/../other\n", "not visible from here"),
        ("", "in no container"),
        ("nonsense\n\x00\n", "in no container"),
    ],
)
def test_no_container_is_said_and_never_the_whole_machine(tmp_path: Path, lines: str, words: str) -> None:
    where = system(tmp_path, lines)
    write(tmp_path / "mount", {"cgroup.controllers": "cpu memory"})
    write(tmp_path / "mount" / "memory", {"memory.usage_in_bytes": "99999999999"})
    with pytest.raises(UnavailableError, match=words):
        find_group(42, **where)


def test_damaged_files_are_said(tmp_path: Path) -> None:
    where = system(tmp_path, "0::/x\n")
    write(tmp_path / "mount", {"cgroup.controllers": ""})
    folder = write(tmp_path / "mount" / "x", {"memory.current": "max", "cpu.stat": "nr_periods 0", "memory.stat": "\n"})
    group = find_group(42, **where)
    for reading in (group.memory_mb, group.cpu_s, group.processes, group.oom_kills):
        with pytest.raises(UnavailableError, match=r"holds no number|does not say|cannot be read"):
            reading()
    (folder / "memory.current").unlink()
    with pytest.raises(UnavailableError):
        find_group(43, **where)


def test_readings_of_a_probe(tmp_path: Path, monkeypatch) -> None:
    write(tmp_path / "mount", {"cgroup.controllers": ""})
    folder = write(tmp_path / "mount" / "x", UNIFIED)
    write(tmp_path / "proc" / str(os.getpid()), {"cgroup": "0::/x\n"})
    monkeypatch.setattr(
        resources, "find_group", lambda pid: find_group(pid, proc=tmp_path / "proc", mount=tmp_path / "mount")
    )
    probe = ResourceProbe("worker", pid=os.getpid(), container=True)
    probe.open()
    write(folder, {"cpu.stat": "usage_usec 1750000\n", "memory.events": "oom_kill 3\n"})
    probe.run(0)
    write(tmp_path / "proc" / str(os.getpid()), {"cgroup": "0::/\n"})
    probe.run(1)
    samples = probe.evidence()["samples"]
    assert len(samples) == 2 * probe.planned
    first = samples[samples["round"] == 0].set_index("metric")
    assert first.loc["container_cpu", "value"] == pytest.approx(0.25)
    assert first.loc["oom_kills", "value"] == 2
    assert first.loc["container_memory", "unit"] == "MB"
    gone = samples[(samples["round"] == 1) & samples["metric"].isin(["container_memory", "oom_kills"])]
    assert not gone["ok"].any()
    assert gone["value"].isna().all()
    assert probe.evidence()["sources"].iloc[0]["status"] == "error"


def test_a_real_control_group() -> None:
    place = {"memory": Path("/sys/fs/cgroup/memory"), "cpuacct": Path("/sys/fs/cgroup/cpuacct")}
    unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    roots = [Path("/sys/fs/cgroup")] if unified else [*place.values(), Path("/sys/fs/cgroup/pids")]
    groups = [root / f"stabkit-test-{os.getpid()}" for root in roots]
    process = subprocess.Popen(
        [sys.executable, "-c", "b = bytearray(30_000_000); print(1, flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        try:
            for group in groups:
                group.mkdir()
                (group / "cgroup.procs").write_text(str(process.pid))
        except OSError as error:
            pytest.skip(f"no control group can be made here: {error}")
        process.stdout.readline()
        try:
            found = find_group(process.pid)
        except UnavailableError as error:
            pytest.skip(str(error))
        assert found.name.endswith(groups[0].name)
        assert found.processes() == 1
        assert found.memory_mb() >= 0
        assert found.cpu_s() >= 0
    finally:
        process.communicate("\n")
        for group in groups:
            if group.exists():
                group.rmdir()
