"""The jobs of the handbook, run as their runners do: the exit code is the gate's, the summary is there all the same."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PAGE = (Path(__file__).parents[2] / "docs" / "handbook" / "ci.md").read_text()
JOBS = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
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
