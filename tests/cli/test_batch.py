"""batch as a process: what it prints, what it refuses, and what is left when it is killed or interrupted."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from stabkit.cli import batch, run
from stabkit.errors import NotebookError
from stabkit.pipeline.reports import Job
from stabkit.pipeline.workers import Made

BATCH = [sys.executable, "-m", "stabkit", "batch"]


@pytest.fixture
def notebooks(folder):
    """A notebook that ends at once and one that never does, and a list of both."""
    sources = {
        "quick": "print('quick')",
        "endless": "import time\nopen('runs', 'w').close()\nwhile True: time.sleep(0.1)",
    }
    for name, source in sources.items():
        node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
        nbformat.write(node, folder / f"{name}.ipynb")
    lines = [json.dumps({"notebook": f"{name}.ipynb"}) for name in sources]
    (folder / "jobs.jsonl").write_text("\n".join(lines))
    return folder


def start(folder, *words):
    """Start a batch and return it with its kernel once the endless notebook runs."""
    process = subprocess.Popen(
        [*BATCH, "jobs.jsonl", "--at-once", "1", "--progress", "json", *words],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    events = []
    while not events or (events[-1]["event"], events[-1]["name"]) != ("started", "endless"):
        events.append(json.loads(process.stderr.readline()))
    deadline = time.monotonic() + 60
    while not (kernels := _working_in(folder, but=process.pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return process, kernels[0], events


def _working_in(folder, *, but):
    """Return the processes whose folder it is: a forked kernel is no child of its batch."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid not in (but, os.getpid()) and process.cwd() == str(folder):
                found.append(process)
    return found


def test_a_killed_batch_leaves_no_kernel_and_no_half_file_and_is_taken_up_again(notebooks):
    process, kernel, events = start(notebooks)
    assert [event["event"] for event in events] == ["queued", "queued", "started", "done", "started"]
    assert set(map(tuple, events)) == {tuple(events[0])}
    assert events[3]["time_s"] > 0
    assert events[3]["peak_memory_mb"] > 20
    while not (notebooks / "runs").exists():  # a kernel knows its parent once it is up
        time.sleep(0.05)
    process.kill()
    process.communicate(timeout=30)
    kernel.wait(timeout=10)
    assert {path.name for path in (notebooks / "reports").iterdir()} == {"quick.html", "quick.json", "quick.md"}

    process, kernel, events = start(notebooks)
    assert [event["event"] for event in events] == ["skipped", "queued", "started"]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "interrupted"
    assert not kernel.is_running()
    index = json.loads((notebooks / "reports" / "index.json").read_text())
    assert [report["file"] for report in index["reports"]] == ["quick.json"]


def test_results_in_every_format_with_the_gravest_exit_code(notebooks, capfd):
    os.environ.pop("NO_COLOR", None)
    (notebooks / "jobs.csv").write_text("notebook,name,timeout_s\nquick.ipynb,../quick ü,\nendless.ipynb,endless,1\n")
    assert run(["--quiet", "batch", "jobs.csv", "--format", "json"]) == 2
    out, err = capfd.readouterr()
    answer = json.loads(out)
    assert err.count("\n") == 2
    assert "ran longer than 1 s" in err
    assert (answer["schema"], answer["exit_code"], answer["counts"]["failed"], answer["counts"]["none"]) == (1, 2, 1, 1)
    quick, endless = answer["reports"]
    assert Path(quick["html"]).is_file()
    assert (quick["state"], quick["verdict"], quick["error"]) == ("done", None, None)
    assert (endless["state"], endless["exit_code"]) == ("failed", 2)

    (notebooks / "jobs.csv").write_text("notebook,name\nquick.ipynb,../quick ü\n")
    assert run(["batch", "jobs.csv"]) == 0
    assert capfd.readouterr().err == ""
    assert run(["batch", "jobs.csv", "--progress", "json"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(err)["event"] == "skipped"
    assert "1 report: 1 without verdict. 1 of them lay there unchanged." in out
    assert run(["-q", "batch", "jobs.csv", "--format", "markdown"]) == 0
    out, err = capfd.readouterr()
    assert (out.startswith("**1 report: "), err) == (True, "")


def test_a_log_gets_one_line_for_each_report_that_is_done(notebooks, capfd):
    (notebooks / "jobs.csv").write_text("notebook,name,timeout_s\nquick.ipynb,first,\nendless.ipynb,endless,1\n")
    assert run(["batch", "jobs.csv", "--at-once", "1"]) == 2
    first, second, error, *_ = capfd.readouterr().err.splitlines()
    assert first.startswith("1 of 2: – without verdict  first, ")
    assert second.startswith("2 of 2: ! failed  endless")
    assert "ran longer than 1 s" in error


def test_what_a_notebook_died_of_is_one_short_line_of_the_list(tmp_path):
    broken = Made(Job("n.ipynb"), "failed", None, NotebookError(f"Cell 2 broke:\n\x1b[31m{'x' * 1000}"))
    line, total, _ = batch._text([broken], tmp_path).split("\n")
    assert (len(line) < 230, total) == (True, "1 report: 1 failed.")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["jobs.txt"], "jobs.txt:2: stability_report.ipynb: The notebook has no parameter 'candidat'"),
        (["jobs.txt"], "and 2 more; nothing was run"),
        (["none.jsonl"], "The list of jobs cannot be read"),
        ([], "one list of reports: JOBS, --pairs or --below"),
        (["jobs.txt", "--pairs"], "one list of reports"),
        (["--pairs"], "There is no stabkit.toml here"),
        (["--below", "empty"], "There is no stabkit.toml below"),
        (["--below", "nowhere"], "There is no such folder"),
        (["good.csv", "-p", "suit=a"], "No notebook of this batch has the parameter 'suit'"),
        (["good.csv", "-n", "explor"], "Did you mean 'explore'?"),
        (["good.csv", "--progress", "jsn"], "Did you mean 'json'?"),
        (["good.csv", "-o", "good.xml/pages"], "cannot be written"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(stabkit, folder, words, said):
    broken = '{"parameters": {"candidat": "v1"}}'
    (folder / "jobs.txt").write_text("\n".join(['{"name": "good"}', *[broken] * 22]))
    (folder / "good.csv").write_text("candidate\nv1\n")
    code, out, err = stabkit("batch", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert not (folder / "reports").exists()
