"""The recipes of the handbook's page on clusters, run as far as one machine can."""

import os
import re
import shlex
import subprocess
import sys
import types
from pathlib import Path

import nbformat
import pytest
import typer
import yaml

from stabkit.cli.application import app

PAGE = (Path(__file__).parents[2] / "docs" / "handbook" / "cluster.md").read_text()


def fences(kind):
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def parses(words):
    command = typer.main.get_command(app)
    name, *rest = words[1:]
    command.resolve_command(command.make_context("stabkit", words[1:]), [name, *rest])[1].make_context(name, rest)


def test_the_slurm_script_runs_where_srun_is_a_plain_call(tmp_path):
    pytest.importorskip("distributed", reason="the extra cluster is not installed")
    (script,) = fences("bash")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(1)")])
    nbformat.write(notebook, tmp_path / "small.ipynb")
    (tmp_path / "jobs.csv").write_text("notebook\nsmall.ipynb\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "srun").write_text('#!/bin/sh\nexec "$@"\n')
    (tmp_path / "bin" / "srun").chmod(0o755)
    path = os.pathsep.join([str(tmp_path / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "1 report: 1 without verdict." in done.stdout
    assert {path.name for path in (tmp_path / "nightly").iterdir()} >= {"small.html", "index.html"}


def test_the_manifests_are_whole_and_their_commands_parse():
    cluster, job = map(yaml.safe_load, fences("yaml"))
    scheduler, worker = (cluster["spec"][part]["spec"]["containers"][0] for part in ("scheduler", "worker"))
    assert scheduler["args"] == ["dask", "scheduler"]
    assert worker["args"][:2] == ["dask", "worker"]
    service = cluster["spec"]["scheduler"]["service"]
    named = {port["name"] for port in scheduler["ports"]}
    assert {port["targetPort"] for port in service["ports"]} <= named
    batch = job["spec"]["template"]["spec"]["containers"][0]
    parses(batch["command"])
    assert batch["command"][-1] == f"tcp://{cluster['metadata']['name']}-scheduler:8786"
    assert job["spec"]["podFailurePolicy"]["rules"][0]["onExitCodes"]["containerName"] == batch["name"]
    mounts = [container["volumeMounts"] for container in (worker, batch)]
    assert mounts[0] == mounts[1]


def test_airflow_and_dagster_give_commands_that_parse(monkeypatch):
    airflow, dagster = fences("python")
    given = []
    stubs = {
        "airflow.providers.standard.operators.bash": {"BashOperator": lambda **options: given.append(options)},
        "dagster": {
            "asset": lambda function: function,
            "MaterializeResult": lambda metadata: metadata,
            "MetadataValue": types.SimpleNamespace(path=str),
            "Failure": RuntimeError,
        },
    }
    for name, values in stubs.items():
        monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(**values))
    exec(compile(airflow, "airflow", "exec"), {})
    parses(shlex.split(given[0]["bash_command"]))
    codes = iter([3, 2])

    def run(words, check):
        parses(words)
        return types.SimpleNamespace(returncode=next(codes))

    monkeypatch.setattr(subprocess, "run", run)
    space = {}
    exec(compile(dagster, "dagster", "exec"), space)
    assert space["stability_reports"]()["exit_code"] == 3
    with pytest.raises(RuntimeError, match="ended with 2"):
        space["stability_reports"]()
