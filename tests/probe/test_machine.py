"""The machine as it says itself: its files may be there, be odd, or be missing."""

from __future__ import annotations

import json
from pathlib import Path

from stabkit.probe import Machine, calibrate


def files(root: Path, **texts: str) -> Path:
    for name, text in texts.items():
        file = root / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def test_this_machine_says_what_it_is():
    found = json.loads(Machine.here().to_json())
    assert found["cores"] >= 1
    assert found["cpu"]
    assert 0 <= found.get("steal_share", 0) <= 1


def test_model_limit_and_stolen_time_are_read(tmp_path):
    proc = files(
        tmp_path / "proc",
        cpuinfo="processor : 0\nmodel name\t: Some  CPU @ 2 GHz\n",
        self__cgroup="0::/box/inner\n",
        stat="cpu  100 0 50 800 0 0 0 50 7 0\ncpu0 1 2\n",
    )
    mount = files(tmp_path / "cgroup", box__cpu="")
    (mount / "box" / "inner").mkdir()
    (mount / "box" / "inner" / "cpu.max").write_text("max 100000\n")
    (mount / "box" / "cpu.max").write_text("150000 100000\n")
    machine = Machine.here(proc=proc, mount=mount)
    assert (machine.cpu, machine.cpu_limit, machine.spent) == ("Some CPU @ 2 GHz", 1.5, (50, 1000))
    files(proc, stat="cpu  150 0 50 1040 0 0 0 60 9 0\n")
    assert json.loads(machine.to_json())["steal_share"] == round(10 / 300, 4)


def test_version_one_has_its_quota_in_two_files(tmp_path):
    proc = files(tmp_path / "proc", self__cgroup="4:cpu,cpuacct:/docker/x\n2:memory:/docker/x\n")
    mount = tmp_path / "cgroup"
    folder = mount / "cpu" / "docker" / "x"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text("50000\n")
    (folder / "cpu.cfs_period_us").write_text("100000\n")
    assert Machine.here(proc=proc, mount=mount).cpu_limit == 0.5


def test_what_is_odd_or_missing_is_not_known(tmp_path):
    proc = files(tmp_path / "proc", cpuinfo="\x00\xff", stat="cpu x y\n", self__cgroup="0::/../../etc\nnonsense\n")
    machine = Machine.here(proc=proc, mount=tmp_path / "none")
    assert (machine.cpu_limit, machine.spent) == (None, None)
    assert "steal_share" not in json.loads(machine.to_json())


def test_calibration_takes_a_measurable_time():
    assert 0.1 < calibrate(repeats=3) < 1000
