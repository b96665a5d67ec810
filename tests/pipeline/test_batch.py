"""Many reports: real notebooks in real kernels, some of which break, die or never end."""

import json
import warnings

import pytest

from stabkit.errors import UsageError
from stabkit.pipeline.batch import make_reports, run_batch
from stabkit.pipeline.reports import Job
from stabkit.pipeline.workers import EXPECTED_MB
from stabkit.report.page.rendering import Rendered


@pytest.fixture
def notebooks(notebook):
    """One notebook that ends well and four that do not, each in its own way."""
    return {
        "good": notebook("print(word)", parameters="word = 'a'", name="good.ipynb"),
        "broken": notebook("raise KeyError('gone')", name="broken.ipynb"),
        "dead": notebook("import os; os.kill(os.getpid(), 9)", name="dead.ipynb"),
        "endless": notebook("while True: pass", name="endless.ipynb"),
    }


def files(folder):
    return {path.name for path in folder.iterdir()}


def test_failures_stop_nothing_stand_in_the_index_and_are_all_that_runs_again(notebooks, notebook, tmp_path):
    output = tmp_path / "out"
    output.mkdir()
    (output / ".unfinished-abc").write_text("half a page of a batch that was killed")
    jobs = [Job(str(path), timeout_s=3 if name == "endless" else None) for name, path in notebooks.items()]
    steps = []
    made = run_batch(jobs, output, at_once=4, tell=steps.append)
    assert ("ignore", None, Warning, None, 0) not in warnings.filters, "four threads leave the caller's filters alone"
    assert [one.state for one in made] == ["done", "failed", "failed", "failed"]
    assert [one.exit_code for one in made] == [0, 2, 2, 2]
    assert "KeyError" in str(made[1].error)
    assert "was killed by SIGKILL" in str(made[2].error)
    assert "ran longer than 3 s" in str(made[3].error)
    assert all(one.time_s > 0 and one.peak_memory_mb > 20 for one in made)
    assert files(output) == {f"{name}.{suffix}" for name in [*notebooks, "index"] for suffix in ("html", "json", "md")}
    index = json.loads((output / "index.json").read_text())
    assert index["counts"] | {"none": 1, "error": 3} == index["counts"]
    assert "DeadKernel" in (output / "index.md").read_text()
    assert 'role="alert"' in (output / "endless.html").read_text()
    for number in range(4):
        assert [step.state for step in steps if step.number == number] == ["queued", "started", made[number].state]

    for name in ("broken", "dead", "endless"):
        notebook("1", name=f"{name}.ipynb")
    before = (output / "good.html").stat().st_mtime_ns
    steps.clear()
    other = Job(jobs[0].notebook, {"word": "b"}, "other", about="<i>b</i>")
    unusable = Job(jobs[0].notebook, {}, "unusable", about="shop", problem=UsageError("Its stabkit.toml is broken."))
    made = run_batch([*jobs, other, unusable], output, at_once=2, tell=steps.append)
    assert [one.state for one in made] == ["skipped", "done", "done", "done", "done", "failed"]
    assert steps[0].state == "skipped"
    assert made[4].files.title == "Small: <i>b</i>"
    assert "<h1>Small: &lt;i&gt;b" in (output / "other.html").read_text()
    assert made[5].files.title == "good: shop"
    assert "Its stabkit.toml is broken." in (output / "unusable.html").read_text()
    assert (output / "good.html").stat().st_mtime_ns == before
    assert json.loads((output / "index.json").read_text())["counts"]["error"] == 1


def test_what_is_not_whole_or_not_wanted_is_made_again(notebooks, tmp_path):
    job = Job(str(notebooks["good"]))
    run_batch([job], tmp_path / "out")
    (tmp_path / "out" / "good.md").unlink()
    assert [one.state for one in run_batch([job], tmp_path / "out")] == ["done"]
    assert [one.state for one in run_batch([job], tmp_path / "out")] == ["skipped"]
    assert [one.state for one in run_batch([job], tmp_path / "out", again=True)] == ["done"]


def test_a_job_without_even_a_page_gets_one_that_says_why(notebooks, tmp_path, monkeypatch):
    before = Rendered.__init__
    calls = []

    def fails_once(self, *values):
        calls.append(1)
        if len(calls) == 1:
            raise RecursionError("<b>too deep</b>")
        before(self, *values)

    monkeypatch.setattr(Rendered, "__init__", fails_once)
    (made,) = run_batch([Job(str(notebooks["good"]))], tmp_path)
    assert (made.state, made.exit_code) == ("failed", 2)
    page = (tmp_path / "good.html").read_text()
    assert "RecursionError" in page
    assert "<b>too deep" not in page
    assert json.loads((tmp_path / "index.json").read_text())["counts"]["error"] == 1


def test_nothing_runs_if_a_job_is_wrong_or_two_would_write_the_same_files(notebooks, tmp_path):
    good = str(notebooks["good"])
    for jobs in ([Job(good), Job(good, {"x": 1}, "y")], [Job(good, name="A"), Job(good, name="a")]):
        with pytest.raises(UsageError):
            run_batch(jobs, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_batch_at_a_time_writes_a_folder(notebooks, tmp_path):
    def nested(step):
        if step.state == "queued":
            with pytest.raises(UsageError, match="Another batch"):
                run_batch([Job(str(notebooks["good"]), name="other")], tmp_path)

    assert run_batch([Job(str(notebooks["good"]))], tmp_path, tell=nested)[0].state == "done"


def test_reports_made_for_a_moment_remember_nothing(notebooks, tmp_path):
    (made,) = make_reports([Job(str(notebooks["good"]))], tmp_path)
    assert "made_of" not in json.loads(made.json.read_text())


def test_where_no_thread_can_start_the_batch_ends_in_words(notebooks, tmp_path, monkeypatch):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("stabkit.pipeline.workers.threads.Thread.start", refuse)
    with pytest.raises(UsageError, match="Only 0 notebooks"):
        run_batch([Job(str(notebooks["good"]))], tmp_path)


def test_where_memory_is_short_one_notebook_runs_after_the_other(notebooks, tmp_path, monkeypatch):
    """Two would find room when the first has taken nothing yet; together they would not fit."""
    monkeypatch.setattr("stabkit.pipeline.workers.threads.free_mb", lambda: 1.5 * EXPECTED_MB)
    monkeypatch.setattr("stabkit.pipeline.workers.threads.cores", lambda: 2)
    steps = []
    run_batch([Job(str(notebooks["good"]), name=name) for name in "ab"], tmp_path, tell=steps.append)
    assert [step.state for step in steps] == ["queued", "queued", "started", "done", "started", "done"]
