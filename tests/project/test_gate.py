"""The slim door: what a gate in CI needs, in an environment made from the wheel of ``gate/``, without all the rest."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from tests.project.environments import ROOT, required

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("installed")]

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GATE = tomllib.loads((ROOT / "gate" / "pyproject.toml").read_text())
LIMIT_MB = 540
ABSENT = ("jupyterlab", "matplotlib", "papermill", "nbconvert", "ipykernel", "pytest", "ruff", "starlette", "uvicorn",
          "cryptography")  # fmt: skip
CONFIG = """
[project]
name = "shop"

[tests.unit]
files = ["junit.xml"]
"""
JUNIT = '<testsuite name="unit" tests="1"><testcase classname="t" name="a" time="0.1"/></testsuite>'
# Lines that a gate answers, each with its exit code; all of them print their result.
ANSWERED = (
    ("stabkit --version", 0),
    ("stabkit sample", 0),
    ("stabkit read after", 0),
    ("stabkit read after --format json", 0),
    ("stabkit diff before after", 0),
    ("stabkit gate before after", 0),
    ("stabkit import tests after/junit.xml --label v2 --data imported", 0),
    ("stabkit runs --data data/sample", 0),
    ("stabkit gate v1.4 v1.5 --data data/sample", 0),
    ("stabkit gate v1.4 v1.5 --data data/sample --format markdown", 0),
    ("stabkit gate v1.4 v1.5 --data data/sample --format json", 0),
    ("stabkit compare v1.4 v1.5 --data data/sample", 0),
    ('stabkit explain v1.4 v1.5 "chat response time" --data data/sample', 0),
    ("stabkit diff v1.4 v1.5 --data data/sample", 0),
    ("stabkit trend backend --data data/sample", 0),
    ("stabkit gate --backtest --last 2 --data data/sample", 0),
    ("stabkit store check --data data/sample", 0),
    ("stabkit store export --data data/sample runs.csv", 0),
    ("stabkit index data", 0),
    ("stabkit impact HEAD~1..HEAD", 0),
    ("stabkit init", 0),
    ("stabkit init --schema", 0),
    ("stabkit collect --label v1", 0),
)
REFUSED = (
    ("stabkit report v1.4 v1.5 --data data/sample", "stabkit", ["matplotlib", "nbconvert", "papermill"]),
    ("stabkit batch --pairs --data data/sample", "stabkit", ["matplotlib", "nbconvert", "papermill"]),
    ("stabkit demo", "'stabkit[demo]'", ["papermill", "starlette", "cryptography"]),
)


@pytest.fixture(scope="module")
def project(gate, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gate") / "project"
    for name in ("before", "after", "."):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "junit.xml").write_text(JUNIT.replace("0.1", "0.2") if name == "before" else JUNIT)
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"], ["commit", "-qm", "two", "--allow-empty"]):
        subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)
    return folder


def test_the_environment_lacks_what_notebooks_need(gate, project):
    code = f"from importlib.util import find_spec; print([name for name in {ABSENT!r} if find_spec(name)])"
    told = gate.run(["python", "-c", code], project)
    assert told.stdout == "[]\n", told.stderr
    assert gate.pip("check").returncode == 0
    assert gate.run("stabkit --version", project).stdout == f"stabkit {PROJECT['project']['version']}\n"


def test_all_that_a_gate_is_asked_it_answers(gate, project):
    """In one process, as an import that is there once is there for all: nothing that is absent can come in."""
    code = (
        "import contextlib, io, json, shlex, sys, pathlib\nfrom stabkit.cli import run\nfound = []\n"
        "for line, wanted in json.loads(sys.argv[1]):\n"
        "    with contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "        code = run(shlex.split(line)[1:])\n"
        "    if line == 'stabkit init': pathlib.Path('stabkit.toml').write_text(sys.argv[2])\n"
        "    found.append([line, code, bool(out.getvalue())])\nprint(json.dumps(found))"
    )
    told = gate.run(["python", "-c", code, json.dumps(ANSWERED), CONFIG], project)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == [[line, wanted, True] for line, wanted in ANSWERED], told.stderr


@pytest.mark.parametrize(("line", "brought_by", "named"), REFUSED, ids=[line for line, *_ in REFUSED])
def test_what_it_lacks_is_said_with_what_brings_it(gate, tmp_path, line, brought_by, named):
    told = gate.run(line, tmp_path)
    assert (told.returncode, told.stdout) == (2, "")
    said, hint = told.stderr.splitlines()
    assert all(name in said for name in named)
    assert hint.endswith(f"pip install {brought_by}")
    assert list(tmp_path.iterdir()) == []  # nothing was begun


def test_stabkit_without_the_demo_says_what_brings_it(installed, tmp_path):
    told = installed.run("stabkit demo", tmp_path)
    assert (told.returncode, told.stdout) == (2, "")
    assert re.fullmatch(
        r"error: This needs cryptography, pytest, ruff, starlette, uvicorn, which are not installed.\n"
        r"hint: Install them with: pip install 'stabkit\[demo\]'\n",
        told.stderr,
    )


def test_both_at_once_run_in_one_version_and_never_mixed(gate, tmp_path):
    ours = PROJECT["project"]["version"]
    other = gate.packages / f"stabkit-{ours}.dist-info"
    (metadata,) = gate.packages.glob("stabkit_gate-*.dist-info")
    for version, code in ((ours, 0), ("99.0.0", 2)):
        shutil.copytree(metadata, other.with_name(f"stabkit-{version}.dist-info"))
        told = gate.run("stabkit --version", tmp_path)
        shutil.rmtree(other.with_name(f"stabkit-{version}.dist-info"))
        assert told.returncode == code, told.stderr
    assert f"stabkit 99.0.0 and stabkit-gate {ours} are both installed" in told.stderr
    assert "pip uninstall stabkit stabkit-gate" in told.stderr


def test_both_wheels_hold_the_same_code(gate, installed):
    def held(environment):
        return {
            path.relative_to(environment.packages).as_posix(): path.read_bytes()
            for path in (environment.packages / "stabkit").rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        }

    ours, whole = held(gate), held(installed)
    assert ours.pop("stabkit/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert ours == whole


def test_it_asks_for_nothing_that_stabkit_does_not_ask_for():
    gate, whole = GATE["project"], PROJECT["project"]
    assert {key: gate[key] for key in ("version", "requires-python", "license", "scripts")} == {
        key: whole[key] for key in ("version", "requires-python", "license", "scripts")
    }
    left_out = {"jupyterlab", "matplotlib", "papermill", "nbconvert", "threadpoolctl"}
    assert set(whole["dependencies"]) - set(gate["dependencies"]) == {
        text for text in whole["dependencies"] if re.split(r"\W", text)[0] in left_out
    }
    assert set(gate["dependencies"]) <= set(whole["dependencies"])


def test_it_is_small(gate):
    """What pip writes with --no-compile: all files of all packages but compiled ones."""
    (metadata,) = gate.packages.glob("stabkit_gate-*.dist-info")
    ours = Distribution.at(metadata)
    packages = [ours, *required(ours.requires or [])]
    files = [Path(str(path.locate())) for package in packages for path in package.files or [] if path.suffix != ".pyc"]
    blocks = sum(file.stat().st_blocks for file in files if file.is_file())
    assert blocks * 512 / 2**20 < LIMIT_MB - 16  # 16 of pip itself


def test_the_container_is_what_linters_like():
    linter = shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if linter is None:
        pytest.skip("no hadolint here: make setup brings it")
    told = subprocess.run([linter, ROOT / "gate" / "Containerfile"], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, "")
