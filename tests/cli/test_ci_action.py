"""The composite action and the GitLab template, run step by step as their runners do, against services on 127.0.0.1."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.announce.services import World, running, variables

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "gate" / "action.yml").read_text())
TEMPLATE = yaml.safe_load((ROOT / "gate" / "gitlab-ci.yml").read_text())[".stabkit-gate"]
EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")
BASH = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]

pytestmark = pytest.mark.slow

# Makes an environment in which installing says what it was given, and stabkit is that of this checkout.
PYTHON = """#!/bin/sh
if [ "$1" = -m ] && [ "$2" = venv ]; then
  mkdir -p "$3/bin"
  cp "PIP" "$3/bin/pip"
  cp "STABKIT" "$3/bin/stabkit"
else
  exec EXECUTABLE "$@"
fi
"""
PIP = """#!/bin/sh
for word; do
  case "$word" in /*) [ -e "$word" ] || exit 9 ;; esac
  echo "$word" >> "INSTALLED"
done
"""


@dataclass
class Runner:
    """A runner of GitHub for one job with one composite action."""

    folder: Path
    temp: Path
    environment: dict[str, str]
    given: dict[str, str]
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    uploaded: dict[str, str] = field(default_factory=dict)
    said: str = ""

    def value(self, expression: str) -> str:
        """Return what an expression of the action stands for; another form than those here is an error."""
        if found := re.fullmatch(r"inputs\.([\w-]+)", expression):
            default = str(ACTION["inputs"][found[1]]["default"])
            return self.given.get(found[1], self.filled(default))
        if found := re.fullmatch(r"steps\.([\w-]+)\.outputs\.([\w-]+)", expression):
            return self.outputs.get(found[1], {}).get(found[2], "")
        return {"runner.temp": str(self.temp), "github.token": self.environment["GITHUB_TOKEN"]}[expression]

    def filled(self, text: str) -> str:
        return EXPRESSION.sub(lambda found: self.value(found[1]), text)

    def wanted(self, step: dict) -> bool:
        """Say whether a step runs: without a condition only where none before it failed."""
        if "if" not in step:
            return not any(self.codes.values())
        (condition,) = EXPRESSION.findall(step["if"])
        first, *others = condition.split(" && ")
        assert first == "!cancelled()"
        return all(self.value(re.fullmatch(r"(\S+) != ''", one)[1]) != "" for one in others)

    def run(self) -> int:
        for number, step in enumerate(ACTION["runs"]["steps"]):
            if not self.wanted(step):
                continue
            if "uses" in step:
                self.uploaded = {name: self.filled(str(value)) for name, value in step["with"].items()}
                continue
            assert step["shell"] == "bash"
            assert "${{" not in step["run"], "what an input holds would be run"
            files = {name: self.temp / f"{name}-{number}" for name in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_ENV")}
            for file in files.values():
                file.touch()
            given = {name: self.filled(str(value)) for name, value in step.get("env", {}).items()}
            script = self.temp / f"step-{number}.sh"
            script.write_text(step["run"])
            done = subprocess.run(
                [*BASH, str(script)],
                cwd=self.folder / self.filled(step.get("working-directory", ".")),
                env={**self.environment, **given, **{name: str(file) for name, file in files.items()}},
                capture_output=True, text=True, timeout=300, check=False,
            )  # fmt: skip
            self.said += done.stdout + done.stderr
            self.codes[step["name"]] = done.returncode
            assert files["GITHUB_PATH"].read_text() == files["GITHUB_ENV"].read_text() == "", "later steps keep theirs"
            lines = files["GITHUB_OUTPUT"].read_text().splitlines()
            self.outputs[step.get("id", str(number))] = dict(line.split("=", 1) for line in lines)
        return max(self.codes.values())

    def output(self, name: str) -> str:
        return self.filled(ACTION["outputs"][name]["value"])


@pytest.fixture
def world():
    return World()


@pytest.fixture
def runner(folder, world, tmp_path, monkeypatch):
    """Start a job with inputs in a project whose candidate lost a test."""
    temp = tmp_path / "runner temp"
    commands = tmp_path / "commands"
    for place in (temp, commands):
        place.mkdir()
    places = {"PIP": commands / "pip-stand-in", "STABKIT": commands / "stabkit-stand-in", "EXECUTABLE": sys.executable}
    python = re.sub("|".join(places), lambda found: str(places[found[0]]), PYTHON)
    for name, text in (
        ("python3", python),
        ("pip-stand-in", PIP.replace("INSTALLED", str(tmp_path / "installed"))),
        ("stabkit-stand-in", f'#!/bin/sh\nexec {sys.executable} -m stabkit "$@"\n'),
    ):
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 12}}))
    (folder / "stabkit.toml").write_text('[project]\nname = "shop"\ndata = "runs"\n')
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI_", "GITLAB_"))}
    with running(world) as address:
        environment = {
            **kept,
            **variables("github", address, str(event)),
            "PATH": f"{commands}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "GITHUB_ACTION_PATH": str(ROOT / "gate"),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
            "GITHUB_SERVER_URL": "https://git.example",
            "GITHUB_RUN_ID": "77",
        }

        def start(**given):
            return Runner(
                folder, temp, dict(environment), {name.replace("_", "-"): text for name, text in given.items()}
            )

        start.summary = tmp_path / "summary.md"
        start.installed = tmp_path / "installed"
        start.address = address
        yield start


SIDES = {"baseline": "good.xml", "candidate": "broken.xml"}
IMPORTS = "tests good.xml --suite 'unit tests' --label v1\n\ntests broken.xml --suite 'unit tests' --label v2\n"


def test_a_job_judges_tells_and_keeps_and_fails_last(runner, world):
    job = runner(baseline="old.sarif", candidate="new.sarif")
    assert job.run() == 1
    assert job.codes == {"Install stabkit": 0, "Evidence": 0, "Verdict": 0, "Pass or fail": 1}
    assert [job.output(name) for name in ("verdict", "exit-code")] == ["regressed", "1"]
    kept = Path(job.output("folder"))
    assert job.uploaded["path"] == str(kept)
    assert {file.name for file in kept.iterdir()} == {"gate.json", "gate.xml", "gate.sarif", "verdict.md"}
    assert json.loads((kept / "gate.json").read_text())["word"] == "regressed"
    assert json.loads((kept / "gate.sarif").read_text())["version"] == "2.1.0"
    assert int(ElementTree.parse(kept / "gate.xml").getroot().get("failures")) > 0
    assert "REGRESSED" in runner.summary.read_text()
    (body,) = world.own()
    assert "REGRESSED" in body
    assert "https://git.example/shop/api/actions/runs/77" in body
    installed = runner.installed.read_text().splitlines()
    assert "--require-hashes" in installed
    assert [Path(word).resolve() for word in installed if word.startswith("/")] == [
        ROOT / "requirements" / "gate.txt", ROOT / "gate"]  # fmt: skip


def test_a_second_job_renews_the_comment(runner, world):
    assert runner(baseline="old.sarif", candidate="new.sarif").run() == 1
    stable = runner(baseline="new.sarif", candidate="old.sarif")
    assert stable.run() == 0
    assert stable.output("verdict") == "stable"
    (body,) = world.own()
    assert "STABLE" in body


def test_evidence_is_imported_line_by_line_and_judged_by_its_labels(runner, world):
    job = runner(**{"import": IMPORTS}, baseline="v1", candidate="v2", comment="false", artifact="")
    assert job.run() == 3
    assert job.output("verdict") == "inconclusive"
    assert world.asked == []
    assert job.uploaded == {}
    assert job.codes["Evidence"] == 0
    passing = runner(baseline="v1", candidate="v2", comment="api", fail_on="regressed")
    assert passing.run() == 0
    assert [passing.output(name) for name in ("verdict", "exit-code")] == ["inconclusive", "0"]
    assert world.own()[0].startswith("<!-- stabkit:gate:api -->")


def test_both_sides_are_collected(runner, world, service):
    config = f'[project]\ndata = "runs"\n[http.api]\nurl = "{service}/broken"\nbaseline_url = "{service}/"\n'
    job = runner(collect="--label candidate --baseline-label 'baseline' --rounds 3")
    (job.folder / "stabkit.toml").write_text(f"{config}requests = 2\nrate = 200\n")
    assert job.run() == 1, job.said
    assert job.output("verdict") == "regressed"


def test_lost_evidence_fails_the_job_even_where_the_rest_is_stable(runner, world):
    job = runner(**{"import": "tests nowhere.xml --label x"}, baseline="new.sarif", candidate="old.sarif")
    assert job.run() == 2
    assert job.codes["Evidence"] == 2
    assert job.output("verdict") == "stable"
    assert job.codes["Pass or fail"] == 0


def test_without_a_verdict_the_job_is_an_error_and_the_comment_says_so(runner, world):
    job = runner(baseline="v1", candidate="v9")
    assert job.run() == 2
    assert [job.output(name) for name in ("verdict", "exit-code")] == ["error", "2"]
    assert "ERROR" in world.own()[0]
    assert "No verdict" in runner.summary.read_text()


def test_a_service_that_refuses_fails_no_job(runner, world):
    world.break_("POST", "/graphql", 403, times=9)
    job = runner(baseline="new.sarif", candidate="old.sarif")
    assert job.run() == 0
    assert "warning: the verdict was not told to github" in job.said


@pytest.mark.parametrize(
    "hostile", ["$(touch hit)", "`touch hit`", "a; touch hit", '" && touch hit && "', "-x\ntouch hit"]
)
def test_words_of_inputs_are_run_by_nobody(runner, hostile):
    """Each word reaches stabkit, here one that only notes them."""
    noted = runner.summary.parent / "noted"
    stand_in = runner.summary.parent / "commands" / "stabkit-stand-in"
    stand_in.write_text(f'#!/bin/sh\nfor word; do echo "$word" >> "{noted}"; done\n')
    names = ("collect", "import", "baseline", "candidate", "fail_on", "comment", "page", "artifact", "config", "data")
    runner(**dict.fromkeys(names, hostile)).run()
    assert hostile in noted.read_text()
    assert not list(runner.summary.parent.rglob("hit"))


def test_every_input_and_output_is_described_and_used():
    text = (ROOT / "gate" / "action.yml").read_text()
    assert ACTION["runs"]["using"] == "composite"
    for name, one in ACTION["inputs"].items():
        assert set(one) == {"description", "default"}, name
        assert f"inputs.{name} " in text or f"inputs.{name} }}}}" in text, name
    for one in ACTION["outputs"].values():
        assert set(one) == {"description", "value"}
    for step in ACTION["runs"]["steps"]:
        assert set(step) <= {"name", "id", "if", "shell", "working-directory", "env", "run", "uses", "with"}
        assert ("run" in step) == ("shell" in step)
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])


def gitlab(runner, world, folder, **given):
    """Run the job of the template with the variables of a merge request, and return its exit code and its words."""
    job = runner()
    known = {name: value for name, value in job.environment.items() if not name.startswith("GITHUB_")}
    known |= variables("gitlab", runner.address)
    known |= {name: str(value) for name, value in {**TEMPLATE["variables"], "STABKIT_SOURCE": ROOT, **given}.items()}
    # The shell of the image, each entry of the script after the other, as the runner joins them.
    script = "set -e\n" + "\n".join(TEMPLATE["script"]).replace(
        "/tmp/stabkit", str(runner.summary.parent / "environment")
    )
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=known,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_template_judges_tells_and_keeps(runner, world, folder):
    sides = {"STABKIT_BASELINE": "old.sarif", "STABKIT_CANDIDATE": "new.sarif"}
    code, said = gitlab(runner, world, folder, **sides)
    assert code == 1, said
    assert "REGRESSED" in said
    (body,) = world.own()
    assert "REGRESSED" in body
    assert TEMPLATE["artifacts"]["when"] == "always"
    kept = folder / TEMPLATE["artifacts"]["paths"][0]
    assert {file.name for file in kept.iterdir()} == {"gate.json", "gate.xml", "gate.sarif", "verdict.md"}
    assert folder / TEMPLATE["artifacts"]["reports"]["junit"] == kept / "gate.xml"
    swapped = {"STABKIT_BASELINE": "new.sarif", "STABKIT_CANDIDATE": "old.sarif"}
    assert gitlab(runner, world, folder, **swapped)[0] == 0
    assert "STABLE" in world.own()[0]
    assert gitlab(runner, world, folder, **swapped, STABKIT_IMPORT="tests nowhere.xml --label x")[0] == 2
    assert gitlab(runner, world, folder, STABKIT_CANDIDATE="v9")[0] == 2


def test_the_template_imports_and_lets_an_open_verdict_pass_where_that_is_said(runner, world, folder):
    given = {"STABKIT_IMPORT": IMPORTS, "STABKIT_BASELINE": "v1", "STABKIT_CANDIDATE": "v2", "GITLAB_TOKEN": ""}
    assert gitlab(runner, world, folder, **given)[0] == 3
    given |= {"STABKIT_FAIL_ON": "regressed", "STABKIT_IMPORT": ""}
    assert gitlab(runner, world, folder, **given)[0] == 0
    assert world.asked == []
