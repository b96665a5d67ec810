"""The jobs of the handbook, run as their runners do: the exit code is the gate's, the summary is there all the same."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PAGE = (Path(__file__).parents[2] / "docs" / "handbook" / "ci.md").read_text()
FENCES = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
# Those that take the action or the template: tests/cli/test_ci_action.py runs them.
READY, JOBS = FENCES[:2], FENCES[2:]
STRICT = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]

pytestmark = pytest.mark.slow


@pytest.fixture
def project(folder, service):
    """A project whose candidate answers with an error; installing and starting are done already."""
    (folder / "stabkit.toml").write_text(
        f'[http.api]\nurl = "{service}/broken"\nbaseline_url = "{service}/"\nrequests = 2\nrate = 200\n'
    )
    (folder / "start-both-versions.sh").write_text("#!/bin/sh\n")
    (folder / "start-both-versions.sh").chmod(0o755)
    commands = folder / "commands"
    commands.mkdir()
    for name, text in (("pip", "exit 0"), ("stabkit", f'exec {sys.executable} -m stabkit "$@"')):
        (commands / name).write_text(f"#!/bin/sh\n{text}\n")
        (commands / name).chmod(0o755)
    return folder


def bash(project, script, **variables):
    environment = {**os.environ, "PATH": f"{project / 'commands'}:{os.environ['PATH']}", **variables}
    return subprocess.run(
        [*STRICT, script], cwd=project, env=environment, capture_output=True, text=True, timeout=240, check=False
    )


def test_the_github_job_fails_at_its_gate_and_leaves_summary_and_page(project):
    summary = project / "summary.md"
    codes = {}
    for step in JOBS[0]["jobs"]["stability"]["steps"]:
        if "run" in step and (not any(codes.values()) or step.get("if") == "${{ !cancelled() }}"):
            codes[step.get("name", step["run"])] = bash(
                project, step["run"], GITHUB_STEP_SUMMARY=str(summary)
            ).returncode
    assert codes.pop("Verdict") == 1
    assert set(codes.values()) == {0}
    assert len(codes) == 4
    assert "REGRESSED" in summary.read_text()
    assert (project / "reports" / "stability_report.html").is_file()


def test_the_gitlab_job_fails_at_its_gate_and_leaves_summary_and_page(project):
    job = JOBS[1]["stability"]
    done = bash(project, "\n".join(job["script"]))
    assert done.returncode == 1, done.stderr
    assert "REGRESSED" in done.stdout
    bash(project, "\n".join(f"{line} || true" for line in job["after_script"]))
    (kept,) = job["artifacts"]["paths"]
    assert "REGRESSED" in (project / kept / "verdict.md").read_text()
    assert (project / kept / "stability_report.html").is_file()


def test_the_jobs_with_action_and_template_give_them_what_they_know():
    root = Path(__file__).parents[2] / "gate"
    (step,) = [step for step in READY[0]["jobs"]["stability"]["steps"] if step.get("uses", "").endswith("gate")]
    assert set(step["with"]) <= set(yaml.safe_load((root / "action.yml").read_text())["inputs"])
    assert READY[0]["permissions"]["pull-requests"] == "write"
    template = yaml.safe_load((root / "gitlab-ci.yml").read_text())
    assert READY[1]["include"][0]["local"].endswith("gate/gitlab-ci.yml")
    assert set(READY[1]["stability"]["variables"]) <= set(template[READY[1]["stability"]["extends"]]["variables"])


BEHIND = """
import datetime, sys
class Behind(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.now(tz) - datetime.timedelta(minutes=10)
import stabkit.runs, stabkit.collect.session, stabkit.store.batches
for module in (stabkit.runs, stabkit.collect.session, stabkit.store.batches):
    module.datetime = Behind
from stabkit.cli import main
main()
"""
SHELL_RECIPE = re.search(r"## One version at a time.*?```\n(.*?)```", PAGE, re.DOTALL)[1]
JENKINS = re.findall(r"sh '(.*?)'", re.search(r"```groovy\n(.*?)```", PAGE, re.DOTALL)[1])


def git(folder, *words):
    words = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def repository(folder):
    """A project in git whose suite writes other times at each run; ``runner`` says which machine runs a script."""
    (folder / "suite.py").write_text(
        "import sys, time, pathlib\n"
        "broken = '<failure message=\"no\"/>' if pathlib.Path('broken').exists() else ''\n"
        'case = f\'<testcase classname="c" name="t" time="{time.time() % 1:.6f}">{broken}</testcase>\'\n'
        "pathlib.Path(sys.argv[1]).write_text(f'<testsuite name=\"s\">{case}</testsuite>')\n"
    )
    command = f'["{sys.executable}", "suite.py", "{{output}}"]'
    (folder / "stabkit.toml").write_text(
        f'[project]\ndata = "runs"\nenvironment = "ci"\n[tests.unit]\ncommand = {command}\nrerun_command = {command}\n'
    )
    (folder / ".gitignore").write_text("runs\nbuild\nsummary.md\n*-runner\n")
    (folder / "behind.py").write_text(BEHIND)
    for name, text in (("right", "-m stabkit"), ("behind", str(folder / "behind.py"))):
        place = folder / f"{name}-runner"
        place.mkdir()
        (place / "pip").write_text("#!/bin/sh\nexit 0\n")
        (place / "stabkit").write_text(
            f'#!/bin/sh\nexec {sys.executable} "{text}" "$@"\n'.replace('"-m stabkit"', text)
        )
        for file in place.iterdir():
            file.chmod(0o755)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def job(folder, machine, script, **variables):
    """Run a script as a job of one machine, on a detached head as runners check it out."""
    commit = git(folder, "rev-parse", "HEAD")
    git(folder, "checkout", "-q", "--detach", commit)
    known = {"COMMIT": commit, "SUMMARY": "summary.md", "GITHUB_STEP_SUMMARY": "summary.md", "CI_COMMIT_SHA": commit}
    known |= {"GITHUB_SHA": commit, "GIT_COMMIT": commit, "CI_DEFAULT_BRANCH": "main", **variables}
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI_", "GIT_"))}
    path = f"{folder / f'{machine}-runner'}:{os.environ['PATH']}"
    return subprocess.run(
        [*STRICT, script], cwd=folder, env={**clean, "PATH": path, **known}, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip


def commit(folder, *, broken=False):
    if broken:
        (folder / "broken").touch()
    git(folder, "add", ".")
    git(folder, "commit", "-q", "--allow-empty", "-m", "next")


def github():
    return "\n".join(step["run"] for step in JOBS[2]["jobs"]["one-version"]["steps"] if "run" in step)


@pytest.mark.parametrize("recipe", [SHELL_RECIPE, github()], ids=["shell", "github"])
def test_a_broken_commit_is_red_on_a_machine_whose_clock_is_behind(repository, recipe):
    first = job(repository, "right", recipe, GITHUB_REF_NAME="main")
    assert first.returncode == 2  # nothing to compare with yet
    assert "none has a run" in first.stderr
    commit(repository)
    second = job(repository, "right", recipe, GITHUB_REF_NAME="main")
    assert second.returncode == 0, second.stderr
    commit(repository, broken=True)
    third = job(repository, "behind", recipe, GITHUB_REF_NAME="main")
    assert third.returncode == 1, third.stderr
    assert "which was stored earlier" in third.stderr
    assert "REGRESSED" in (repository / "summary.md").read_text()


def test_a_merge_request_is_compared_with_the_main_branch(repository):
    main = 'stabkit collect --label "$CI_COMMIT_SHA"'
    assert job(repository, "right", main, CI_COMMIT_BRANCH="main").returncode == 0
    recipe = "\n".join(JOBS[3]["one-version"]["script"])
    commit(repository)
    fix = job(repository, "behind", recipe, CI_MERGE_REQUEST_SOURCE_BRANCH_NAME="fix")
    assert fix.returncode == 0, fix.stderr
    assert "is of branch main" in fix.stdout
    commit(repository, broken=True)
    assert job(repository, "right", recipe, CI_MERGE_REQUEST_SOURCE_BRANCH_NAME="other").returncode == 1


def test_reports_of_jenkins_that_were_not_written_again_are_not_green(repository):
    results = repository / "build" / "test-results"
    results.mkdir(parents=True)
    suite = f"{sys.executable} suite.py build/test-results/junit.xml"
    recipe = "\n".join(JENKINS)
    assert job(repository, "right", f"{suite}\n{recipe}").returncode == 2
    commit(repository)
    done = job(repository, "behind", f"{suite}\n{recipe}")
    assert done.returncode == 0, done.stderr
    commit(repository)
    stale = job(repository, "right", recipe)
    assert stale.returncode == 3, stale.stderr
    assert "did the tests run?" in stale.stdout
