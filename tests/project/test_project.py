"""The project's own files agree with each other."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NAME = re.compile(r"^[A-Za-z0-9._-]+")


def names(requirements):
    return {NAME.match(text).group().lower().replace("_", "-") for text in requirements}


CARD = {"jupyterlab", "pandas", "matplotlib", "httpx", "papermill", "nbconvert"}


def test_environment_brings_python_and_the_six_from_conda_forge_and_the_package():
    import yaml

    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["channels"] == ["conda-forge"]
    plain = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (by_pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert by_pip == ["-e .[demo]"]
    conda = {NAME.match(entry).group(): entry for entry in plain}
    assert set(conda) == {"python", "pip"} | CARD
    assert conda["python"].removeprefix("python ") == PROJECT["project"]["requires-python"]
    asked = {NAME.match(text).group(): text for text in PROJECT["project"]["dependencies"]}
    assert {name: conda[name].replace(" ", "") for name in CARD} == {name: asked[name] for name in CARD}


@pytest.mark.parametrize("file", ["runtime.txt", "gate.txt", "dev.txt"])
def test_lock_holds_names_versions_and_hashes_only(file):
    text = (ROOT / "requirements" / file).read_text()
    assert "://" not in text
    assert "--index" not in text
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_lock_covers_every_dependency():
    runtime = (ROOT / "requirements" / "runtime.txt").read_text()
    pinned = names(re.findall(r"^([a-z0-9._-]+)==", runtime, re.MULTILINE))
    demo = PROJECT["project"]["optional-dependencies"]["demo"]
    assert names(PROJECT["project"]["dependencies"]) | names(demo) <= pinned
    gate = tomllib.loads((ROOT / "gate" / "pyproject.toml").read_text())["project"]["dependencies"]
    pins = re.findall(r"^\S+==\S+", (ROOT / "requirements" / "gate.txt").read_text(), re.MULTILINE)
    assert names(gate) <= names(pins)
    assert set(pins) <= set(re.findall(r"^\S+==\S+", runtime, re.MULTILINE))  # one version, whichever door
    dev = names(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements" / "dev.txt").read_text(), re.MULTILINE))
    assert names(PROJECT["dependency-groups"]["dev"]) | pinned <= dev


def test_fixed_packages_are_dependencies():
    assert names(PROJECT["project"]["dependencies"]) >= CARD


def test_every_lint_exception_has_its_reason():
    text = (ROOT / "pyproject.toml").read_text()
    block = text[text.index("ignore = [") : text.index("]", text.index("ignore = ["))]
    for line in block.splitlines()[1:]:
        assert "#" in line, line


def test_continuous_integration_calls_make_test():
    script = (ROOT / ".ci" / "run").read_text()
    assert script.rstrip().endswith("make test")


def test_readme_names_the_two_commands_and_runs_no_unknown_ones():
    readme = (ROOT / "README.md").read_text()
    assert "make report" in readme
    assert "make test" in readme
    commands = subprocess.run([sys.executable, "-m", "stabkit", "--help"], capture_output=True, text=True, check=True)
    known = set(re.findall(r"^  (\w+) ", commands.stdout, re.MULTILINE))
    used = set(re.findall(r"^(?:\$ )?stabkit (\w+)", readme, re.MULTILINE))
    assert used
    assert used <= known


@pytest.mark.parametrize("path", sorted(ROOT.glob("docs/decisions/*.md")), ids=lambda path: path.stem)
def test_decisions_are_numbered_and_say_what_was_chosen(path):
    text = path.read_text()
    number = int(path.name[:4])
    assert text.startswith(f"# {number}. ")
    assert "**Choice" in text
    assert "**Context" in text


def test_decision_numbers_are_unique():
    numbers = [path.name[:4] for path in ROOT.glob("docs/decisions/*.md")]
    assert len(numbers) == len(set(numbers))
