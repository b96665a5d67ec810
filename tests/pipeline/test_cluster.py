"""A batch on real clusters: the same reports as threads make, whatever dies meanwhile."""

import json
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from stabkit.cli import run
from stabkit.errors import UsageError
from stabkit.pipeline.batch import run_batch
from stabkit.pipeline.reports import Job
from stabkit.pipeline.surveys import survey_store
from stabkit.pipeline.workers.attempts import Task
from stabkit.pipeline.workers.needs import Needs, lacking, needs_of, signed
from stabkit.pipeline.workers.remote import work
from stabkit.report.attestation import read_attested
from stabkit.store import open_store

pytest.importorskip("distributed", reason="the extra cluster is not installed")

from tests.pipeline.clusters import NO_STABKIT, OTHER_VERSION, cluster, wait_for

pytestmark = pytest.mark.xdist_group("cluster")

DATA = Path(__file__).parents[2] / "tests" / "data" / "demo_history"
TIMES = re.compile(r"[\d,.]+ (MB|s)\b")


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A scheduler and two workers."""
    with cluster(tmp_path_factory.mktemp("cluster")) as begun:
        yield begun


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def waiting(notebook, name="waiting.ipynb"):
    """A notebook that says its process and ends once a file named go is there."""
    return notebook(
        "import os, pathlib, time\npathlib.Path(f'kernel-{os.getpid()}').touch()\n"
        "while not os.path.exists('go'): time.sleep(0.05)",
        name=name,
    )


def kernels(folder):
    return [int(path.name.partition("-")[2]) for path in folder.glob("kernel-*")]


def gone(pids):
    return not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids)


def said(path):
    """What a file says without times and sizes, and what it states of itself without the digest of those bytes."""
    if path.suffix == ".md" or path.stem == "index":
        return TIMES.sub("", path.read_text()), None
    found = read_attested(path)
    assert found.statement is not None, path
    assert found.statement["subject"], path
    return TIMES.sub("", found.content.decode()), {**found.statement, "subject": None}


def test_threads_and_clusters_make_the_same(two, notebook, here):
    """Relative paths and a store of the working folder too: kernels stand where the command was given."""
    notebook("import os; print(os.getcwd(), word)", parameters="word = 'a'", name="good.ipynb")
    notebook("raise KeyError('gone')", name="broken.ipynb")
    notebook("while True: pass", name="endless.ipynb")
    notebook("import os; os.kill(os.getpid(), 9)", name="dead.ipynb")
    notebook("import stabkit; print(len(stabkit.open(data).runs()))", parameters="data = ''", name="store.ipynb")
    shutil.copytree(DATA, here / "data")
    jobs = [
        Job("good.ipynb", {"word": "<i>b</i>"}, about="b"),
        Job("broken.ipynb"),
        Job("endless.ipynb", timeout_s=2),
        Job("dead.ipynb"),
        Job("store.ipynb", {"data": "data"}),
        Job("good.ipynb", {}, "unusable", problem=UsageError("Its stabkit.toml is broken.")),
    ]
    made, steps = {}, {}
    for where in (None, str(two.file)):
        folder = Path(f"out-{(where or 'threads').rpartition('/')[2].partition(':')[0]}")
        steps[where] = []
        made[where] = run_batch(jobs, folder, at_once=None if where else 2, cluster=where, tell=steps[where].append)
        assert [one.state for one in made[where]] == ["done", "failed", "failed", "failed", "done", "failed"]
        for number in range(len(jobs)):
            states = [step.state for step in steps[where] if step.number == number]
            assert states == ["queued", "started", made[where][number].state], number
        assert all(one.peak_memory_mb > 20 for one in made[where][:5])
        again = run_batch(jobs[:1], folder, cluster=where)
        assert [one.state for one in again] == ["skipped"]
    usual, other = Path("out-threads"), Path("out-scheduler.json")
    assert {path.name for path in usual.iterdir()} == {path.name for path in other.iterdir()}
    for path in usual.iterdir():
        (text, stated), (other_text, other_stated) = (said(Path(folder, path.name)) for folder in (usual, other))
        assert text.replace("out-threads", "out-scheduler.json") == other_text, path.name
        assert stated == other_stated, path.name
    errors = [[TIMES.sub("", str(one.error)) for one in every] for every in made.values()]
    errors = [[re.sub("out-[a-z.]+", "out", text) for text in texts] for texts in errors]
    assert errors[0] == errors[1]


def test_a_killed_worker_loses_nothing(two, notebook, here):
    """Its kernel is gone after some seconds, the notebook runs elsewhere, and what was done stays."""
    waiting(notebook)
    quick = notebook("1", name="quick.ipynb")
    killed = []
    states = []

    def tell(step):
        states.append((step.job.file_name, step.state))
        if step.job.file_name == "waiting" and step.state == "started":
            if not killed:
                wait_for(lambda: kernels(here))
                killed.extend(kernels(here))
                two.kill_worker(1)
            else:
                (here / "go").touch()

    made = run_batch([Job(str(quick)), Job("waiting.ipynb")], here / "out", cluster=str(two.file), tell=tell)
    assert [(one.state, one.error) for one in made] == [("done", None)] * 2
    assert states.count(("waiting", "started")) == 2
    wait_for(lambda: gone(killed), 15)
    assert len(kernels(here)) == 2
    assert {path.name for path in (here / "out").iterdir()} == {
        f"{name}.{suffix}" for name in ("quick", "waiting", "index") for suffix in ("html", "json", "md")
    }


def test_a_notebook_that_kills_its_workers_fails_alone(two, notebook, here):
    waiting(notebook)
    notebook("1", name="quick.ipynb")

    def tell(step):
        if step.job.file_name == "waiting" and step.state == "started":
            two.kill_worker(0)

    (bad,) = run_batch([Job("waiting.ipynb")], here / "out", cluster=str(two.file), tell=tell)
    assert (bad.state, bad.exit_code) == ("failed", 2)
    assert "died, 2 in a row" in str(bad.error)
    assert "died, 2 in a row" in (here / "out" / "waiting.html").read_text()
    (good,) = run_batch([Job("quick.ipynb")], here / "out", cluster=str(two.file))
    assert good.state == "done"
    wait_for(lambda: gone(kernels(here)), 15)


def test_a_worker_that_shares_too_little_is_named(two, notebook, here, monkeypatch):
    """The check of every worker, and of one that joins while the batch runs."""
    notebook("print(1)", name="good.ipynb")
    job = Job("good.ipynb", {}, "late")
    out = here / "out"
    out.mkdir()
    with signed(out) as sign:
        needs = needs_of(Task(0, job, Path("out"), 60), sign)
        assert lacking(needs) == []
        elsewhere = str(here / "elsewhere")
        assert lacking(replace(needs, version="9.9"))[0].endswith("and this is 9.9")
        assert "does not see the working folder" in lacking(replace(needs, folder=elsewhere))[0]
        assert "does not see the output folder" in lacking(replace(needs, output=elsewhere))[0]
        assert "does not see" in lacking(replace(needs, files=((elsewhere, None),)))[0]
        assert "another notebook" in lacking(replace(needs, files=((str(here / "good.ipynb"), "0" * 64),)))[0]
        assert "cannot read the store" in lacking(replace(needs, stores=((elsewhere, "x"),)))[0]
        assert "another store" in lacking(replace(needs, stores=((str(DATA), "x"),)))[0]
    late = Needs(needs.version, needs.folder, needs.relative, needs.output, "no-such-sign", needs.files)
    monkeypatch.setattr("stabkit.pipeline.workers.cluster.needs_of", lambda _task, _sign: late)
    monkeypatch.setattr("stabkit.pipeline.workers.cluster.check_workers", lambda _client, _needs: None)
    (made,) = run_batch([job], out, cluster=str(two.file))
    assert made.state == "failed"
    assert re.search(r"worker .*does not see the output folder", str(made.error))
    assert "does not see the output folder" in (out / "late.html").read_text()


@pytest.mark.parametrize(("first", "said"), [(OTHER_VERSION, "has stabkit 9.9"), (NO_STABKIT, "cannot import stabkit")])
def test_a_worker_with_another_stabkit_or_none_is_refused(two, notebook, here, first, said):
    notebook("1", name="good.ipynb")
    with two.odd_worker(first=first), pytest.raises(UsageError, match=said):
        run_batch([Job("good.ipynb")], here / "out", cluster=str(two.file))
    assert list((here / "out").iterdir()) == []


def test_a_worker_of_another_machine_without_the_folder_is_refused(two, notebook, here):
    notebook("1", name="good.ipynb")
    hide = ("unshare", "-m", "sh", "-c", f'mount -t tmpfs none "{here}" && exec "$0" "$@"')
    if subprocess.run([*hide, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount")
    with two.odd_worker(before=hide), pytest.raises(UsageError, match="does not see the output folder"):
        run_batch([Job(str(here / "good.ipynb"))], here / "out", cluster=str(two.file))


def test_a_lost_scheduler_keeps_what_is_done(notebook, here, capsys):
    waiting(notebook)
    notebook("1", name="quick.ipynb")
    (here / "jobs.csv").write_text("notebook\nquick.ipynb\nwaiting.ipynb\n")
    (here / "own").mkdir()
    with cluster(here / "own", workers=1) as alone:
        words = [sys.executable, "-m", "stabkit", "batch", "jobs.csv", "--cluster", str(alone.file)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: kernels(here))
        wait_for((here / "reports" / "quick.json").exists)
        alone.scheduler.kill()
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (2, "")
        assert "scheduler is gone" in err
        assert "Traceback" not in err, err
        wait_for(lambda: gone(kernels(here)), 30)
    index = json.loads((here / "reports" / "index.json").read_text())
    assert [report["file"] for report in index["reports"]] == ["quick.json"]
    (here / "go").touch()
    capsys.readouterr()
    assert run(["batch", "jobs.csv"]) == 0
    assert "1 of them lay there unchanged" in capsys.readouterr().out


def test_ctrl_c_cancels_what_runs_and_leaves_nothing(two, notebook, here):
    for name in ("local:1", str(two.file)):
        waiting(notebook)
        notebook("1", name="quick.ipynb")
        (here / "jobs.csv").write_text("notebook\nquick.ipynb\nwaiting.ipynb\n")
        words = [sys.executable, "-m", "stabkit", "batch", "jobs.csv", "--again", "--cluster", name]
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        wait_for(lambda: kernels(here))
        wait_for((here / "reports" / "quick.json").exists)
        family = [*psutil.Process(process.pid).children(recursive=True)]
        # A terminal interrupts all processes of the foreground, the workers of this machine too.
        psutil.Process(process.pid).send_signal(signal.SIGINT)
        for one in family:
            if one.is_running() and name == "local:1" and one.pid not in kernels(here):
                one.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (130, ""), err
        assert err.splitlines()[-1] == "interrupted"
        assert "Traceback" not in err
        assert gone(kernels(here))
        wait_for(lambda family=family: gone([one.pid for one in family]), 15)
        for path in here.glob("kernel-*"):
            path.unlink()
        assert not list((here / "reports").glob(".unfinished*"))


def test_a_killed_command_leaves_no_kernel_at_the_workers(two, notebook, here):
    waiting(notebook)
    (here / "jobs.csv").write_text("notebook\nwaiting.ipynb\n")
    words = [sys.executable, "-m", "stabkit", "batch", "jobs.csv", "--cluster", str(two.file)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: kernels(here))
    process.kill()
    process.wait(30)
    wait_for(lambda: gone(kernels(here)), 30)
    assert list((here / "reports").glob("*.json")) == []
    (here / "go").touch()
    (made,) = run_batch([Job("waiting.ipynb")], Path("reports"), cluster=str(two.file))
    assert made.state == "done"
    assert not list((here / "reports").glob(".unfinished*"))


def test_secrets_stay_out_of_what_a_cluster_writes(two, notebook, here):
    notebook("raise ValueError(password)", parameters="password = ''", name="secret.ipynb")
    job = Job("secret.ipynb", {"password": "hunter2-of-ann"})
    (made,) = run_batch([job], here / "out", cluster=str(two.file))
    assert "hunter2" not in str(made.error)
    # A task that fails in itself is written whole into the worker's log, and the scheduler keeps its text.
    with two.client() as client, signed(here / "out") as sign:
        task = Task(0, job, Path("out"), 60)
        future = client.submit(work, task, replace(needs_of(task, sign), version="9.9"), "topic")
        assert "has stabkit" in str(future.exception())
    assert "Compute Failed" in two.log
    assert "hunter2" not in two.log


def test_a_full_disk_is_the_failure_of_the_job(two, notebook, here):
    notebook("print('x' * 3_000_000)", name="large.ipynb")
    notebook("1", name="small.ipynb")
    out = here / "out"
    out.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(out)], capture_output=True, check=False
    ).returncode:
        pytest.skip("this user may not mount")
    try:
        large, small = run_batch([Job("large.ipynb"), Job("small.ipynb")], Path("out"), cluster=str(two.file))
    finally:
        subprocess.run(["umount", str(out)], check=True)
    assert small.state == "done"
    assert large.state == "failed"
    assert "No space left" in str(large.error)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("tcp://127.0.0.1:1", "No Dask scheduler can be used there"),
        ("local:0", "local:N starts N processes on this machine"),
        ("local:many", "local:N starts N processes on this machine"),
        ("none.json", "The scheduler file cannot be used: No such file"),
        ("jobs.json", "it holds no address"),
    ],
)
def test_what_is_no_cluster_is_said(notebook, here, capsys, monkeypatch, where, said):
    monkeypatch.setattr("stabkit.pipeline.workers.connections._CONNECT_S", 1)
    notebook("1", name="quick.ipynb")
    (here / "jobs.json").write_text('[{"notebook": "quick.ipynb"}]')
    assert run(["batch", "jobs.json", "--progress", "json", "--cluster", where]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_without_the_extra_it_is_named(notebook, here, capsys, monkeypatch):
    notebook("1", name="quick.ipynb")
    (here / "jobs.json").write_text('[{"notebook": "quick.ipynb"}]')
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert run(["batch", "jobs.json", "--cluster", "local:2"]) == 2
    assert "pip install 'stabkit[cluster]'" in capsys.readouterr().err


def test_a_cluster_without_workers_is_given_up_after_a_while(notebook, here, monkeypatch, caplog):
    notebook("1", name="quick.ipynb")
    monkeypatch.setattr("stabkit.pipeline.workers.connections.PATIENCE_S", 0.5)
    monkeypatch.setattr("stabkit.pipeline.workers.connections._SAY_WAITING_S", 0.5)
    (here / "own").mkdir()
    with cluster(here / "own", workers=0) as alone, pytest.raises(UsageError, match="has had no worker"):
        run_batch([Job("quick.ipynb")], here / "out", cluster=str(alone.file))
    assert "no worker has joined" in caplog.text


def test_every_history_of_a_store_is_told_alike_on_a_cluster(two, here):
    store = open_store(DATA)
    told = survey_store(store)
    assert told.moved
    assert survey_store(store, cluster=str(two.file)) == told
