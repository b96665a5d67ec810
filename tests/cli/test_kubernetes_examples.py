"""The examples for Kubernetes: whole manifests, whose commands are run here with the services as stand-ins."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
FILES = sorted(path.name for path in EXAMPLES.glob("*.yaml"))

KUBECTL = """#!/bin/sh
case "$1 $2" in
  "create job") sh -c "$(cat job.sh)" > log 2>&1 && echo Complete > ended || echo "FailureTarget Failed" > ended ;;
  "get job") [ -e asked ] && cat ended; touch asked ;;
  "logs job/"*) cat log ;;
  *) exit 64 ;;
esac
"""


def manifests(name):
    return {one["kind"]: one for one in yaml.safe_load_all((EXAMPLES / name).read_text())}


def container(spec):
    """Return the one container of a job's spec; what it mounts is there."""
    pod = spec["template"]["spec"]
    assert spec["backoffLimit"] == 0
    assert pod["restartPolicy"] == "Never"
    (one,) = pod["containers"]
    assert {mount["name"] for mount in one["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    shell, option, script = one["command"]
    assert (shell, option) == ("sh", "-c")
    return one, script


def argo():
    found = manifests("argo-analysis.yaml")
    (metric,) = found["AnalysisTemplate"]["spec"]["metrics"]
    assert (metric["count"], metric["failureLimit"]) == (1, 0)
    one, script = container(metric["provider"]["job"]["spec"])
    given = {variable["name"]: variable["value"] for variable in one["env"]}
    declared = {f"{{{{args.{argument['name']}}}}}" for argument in found["AnalysisTemplate"]["spec"]["args"]}
    assert set(given.values()) == declared
    assert "{{" not in script, "what an argument holds would be run"
    return found["ConfigMap"]["data"]["stabkit.toml"], script, {name: name.lower() for name in given}


def flagger():
    found = manifests("flagger-canary.yaml")
    (hook,) = found["Canary"]["spec"]["analysis"]["webhooks"]
    assert hook["metadata"]["type"] == "bash"
    _, script = container(found["CronJob"]["spec"]["jobTemplate"]["spec"])
    assert f"--from=cronjob/{found['CronJob']['metadata']['name']}" in hook["metadata"]["cmd"]
    assert found["CronJob"]["spec"]["suspend"] is True
    return found["ConfigMap"]["data"]["stabkit.toml"], script, hook["metadata"]["cmd"]


@pytest.fixture
def shell(folder, tmp_path):
    """Run a script in a project's folder, where stabkit, kubectl and sleep are in the path."""
    commands = tmp_path / "commands"
    commands.mkdir()
    for name, text in (
        ("stabkit", f'#!/bin/sh\nexec {sys.executable} -m stabkit "$@"\n'),
        ("kubectl", KUBECTL),
        ("sleep", "#!/bin/sh\n"),
    ):
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)

    def run(words, script, **more):
        known = {name: value for name, value in os.environ.items() if not name.startswith("STABKIT_")}
        known |= {"PATH": f"{commands}:{os.environ['PATH']}", "PYTHONPATH": str(EXAMPLES.parents[1]), **more}
        done = subprocess.run(
            [*words, script], cwd=folder, env=known, capture_output=True, text=True, check=False, timeout=240
        )
        return done.returncode, done.stdout + done.stderr

    return run


def configure(folder, text, **addresses):
    """Write a configuration with other addresses, few requests, and its store in the project."""
    for name, address in addresses.items():
        text, changed = re.subn(rf'^({name} = )"http://[^"]*"', rf'\1"{address}"', text, flags=re.MULTILINE)
        assert changed == 1
    text = text.replace('"/tmp/runs"', '"runs"')
    (folder / "stabkit.toml").write_text(f"{text}requests = 4\nrate = 200\n")


@pytest.mark.slow
@pytest.mark.parametrize(("path", "succeeds"), [("/broken", False), ("/", True)])
def test_the_analysis_of_argo_succeeds_only_where_nothing_is_worse(shell, folder, service, path, succeeds):
    text, script, given = argo()
    configure(folder, text, url=f"{service}{path}", baseline_url=f"{service}/broken" if succeeds else f"{service}/")
    code, said = shell(["sh", "-c"], script, **given)
    assert code in ((0, 3) if succeeds else (1,)), said
    assert ("REGRESSED" in said) != succeeds


def test_an_analysis_that_measures_nothing_fails(shell, folder, closed_port):
    text, script, given = argo()
    nowhere = f"http://127.0.0.1:{closed_port}/"
    configure(folder, text, url=nowhere, baseline_url=nowhere)
    assert shell(["sh", "-c"], script, **given)[0] in (1, 2, 3)


@pytest.mark.slow
def test_flagger_goes_on_only_where_the_job_completes(shell, folder, service):
    text, script, command = flagger()
    configure(folder, text, url=f"{service}/broken", baseline_url=f"{service}/")
    (folder / "job.sh").write_text(script)
    code, said = shell(["bash", "-c"], command)
    assert code == 1, said
    assert "REGRESSED" in said
    for ending in ("exit 0", "exit 3"):
        (folder / "job.sh").write_text(f"echo judged; {ending}\n")
        (folder / "asked").unlink(missing_ok=True)
        code, said = shell(["bash", "-c"], command)
        assert (code == 0) == (ending == "exit 0")
        assert "judged" in said


def test_the_load_tester_may_do_what_its_command_does():
    found = manifests("flagger-canary.yaml")
    allowed = {(kind, verb) for rule in found["Role"]["rules"] for kind in rule["resources"] for verb in rule["verbs"]}
    assert {("jobs", "create"), ("jobs", "get"), ("cronjobs", "get"), ("pods/log", "get"), ("pods", "list")} <= allowed
    assert found["RoleBinding"]["roleRef"]["name"] == found["Role"]["metadata"]["name"]


@pytest.mark.slow
def test_every_night_is_judged_by_the_nights_before(shell, folder, service, closed_port):
    spec = manifests("kubernetes-cronjob.yaml")["CronJob"]["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    one, script = container(spec["jobTemplate"]["spec"])
    given = {variable["name"]: variable.get("value", "canary") for variable in one["env"]}
    assert {"GRAFANA_URL", "GRAFANA_TOKEN", "STABKIT_DATA"} == set(given)
    given |= {"STABKIT_DATA": str(folder / "runs"), "GRAFANA_URL": f"http://127.0.0.1:{closed_port}"}
    config = f'[project]\nname = "shop"\n[http.api]\nurl = "{service}/"\nrequests = 4\nrate = 200\n'
    (folder / "stabkit.toml").write_text(config)
    first, _ = shell(["sh", "-c"], script, **given)
    (folder / "stabkit.toml").write_text(config.replace(f"{service}/", f"{service}/broken"))
    second, said = shell(["sh", "-c"], script, **given)
    assert first in (2, 3)  # nothing to compare with yet
    assert second == 1, said
    assert "the verdict was not told to grafana" in said


@pytest.mark.parametrize("name", FILES)
def test_manifests_are_whole_and_hold_no_secret(name):
    text = (EXAMPLES / name).read_text()
    for one in yaml.safe_load_all(text):
        assert {"apiVersion", "kind", "metadata"} <= set(one)
    assert not re.search(r"(?i)(password|token): [\"']?\w{12,}", text)
