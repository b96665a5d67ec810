"""Doors that write refuse addresses, and no command needs a home folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stabkit.cli import run

SAMPLE = str(Path(__file__).parents[1] / "tests" / "data" / "demo_history")


@pytest.mark.parametrize("address", ["s3://bucket/x", "gs://bucket/x", "https://host/x", "file:///tmp/x", "S3://b"])
@pytest.mark.parametrize(
    "words",
    [
        ["report", "--data", SAMPLE, "--output", "{}"],
        ["batch", "--pairs", "--data", SAMPLE, "--output", "{}"],
        ["demo", "--output", "{}"],
        ["index", "{}"],
        ["init", "{}"],
        ["store", "export", "{}", "--data", SAMPLE],
    ],
    ids=lambda words: words[0],
)
def test_an_address_is_refused_where_files_are_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    address: str,
) -> None:
    if address == "s3://bucket/x" and words[0] in ("report", "batch", "index"):
        pytest.skip("these write there: tests/pipeline/test_outputs.py")
    monkeypatch.chdir(tmp_path)
    assert run([word.format(address) for word in words]) == 2
    told = capsys.readouterr().err
    assert f"{address}: This is an address" in told
    assert "hint: " in told
    assert list(tmp_path.iterdir()) == []


def _homeless(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user whom the system does not know, with nothing in its environment."""
    user = ["unshare", "--user", "--map-user=12345", "--map-group=12345"]
    if shutil.which("unshare") is None or subprocess.run([*user, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system does not let a process be another user")
    package = str(Path(SAMPLE).parents[1])
    return subprocess.run(
        [*user, sys.executable, "-m", "stabkit", *words],
        cwd=folder,
        env={"PYTHONPATH": package, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("environment", [{}, {"HOME": "/proc"}, {"HOME": "/nonexistent", "LC_ALL": "C"}], ids=str)
def test_a_report_needs_no_home(tmp_path: Path, environment: dict[str, str]) -> None:
    done = _homeless("report", "--data", SAMPLE, "--output", "pages", folder=tmp_path, **environment)
    said = re.sub(r"^reports: \d+ (s|min) so far\n", "", done.stderr, flags=re.MULTILINE)  # on a slow machine
    assert (done.returncode, said) == (0, "")
    assert "Written to stderr" not in (tmp_path / "pages" / "stability_report.html").read_text()


def test_a_home_that_is_asked_for_and_is_not_there_is_said(tmp_path: Path) -> None:
    done = _homeless("runs", "--data", "~/runs", folder=tmp_path)
    assert done.returncode == 2
    assert "~/runs: There is no home folder to take for ~ here." in done.stderr
    assert "bug" not in done.stderr
    assert _homeless("init", folder=tmp_path).returncode == 0
    (tmp_path / "stabkit.toml").write_text('[project]\nname = "x"\ndata = "~/runs"\n')
    done = _homeless("runs", folder=tmp_path)
    assert done.returncode == 2
    assert "bug" not in done.stderr


def test_the_process_is_given_a_home_only_where_there_is_none() -> None:
    assert "stabkit-home-" not in os.environ.get("HOME", "")
