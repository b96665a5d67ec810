import json

import pytest

from stabkit.errors import NotebookError, StabkitError, UsageError
from stabkit.pipeline.reports import Job, make_report, make_reports


def test_report_is_three_files_of_one_name(notebook, tmp_path):
    made = make_report(Job(str(notebook("print('hello')"))), tmp_path / "out")
    assert [path.name for path in (made.html, made.json, made.markdown)] == ["small.html", "small.json", "small.md"]
    assert json.loads(made.json.read_text())["schema"] == 1
    assert made.exit_code == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"small.html", "small.json", "small.md"}


def test_broken_cell_still_makes_a_page_and_exit_code_2(notebook, tmp_path):
    made = make_report(Job(str(notebook("raise KeyError('gone')"))), tmp_path)
    assert made.exit_code == 2
    assert made.verdict is None
    assert "KeyError" in str(made.failure)
    assert 'role="alert"' in made.html.read_text()
    assert json.loads(made.json.read_text())["exit_code"] == 2


def test_one_that_fails_does_not_stop_the_others(notebook, tmp_path):
    dies = notebook("import os; os.kill(os.getpid(), 9)", name="dies.ipynb")
    lives = notebook("1", name="lives.ipynb")
    seen = []
    made = make_reports([Job(str(dies)), Job(str(lives))], tmp_path, done=lambda job, _: seen.append(job.file_name))
    assert isinstance(made[0], NotebookError)
    assert not isinstance(made[1], StabkitError)
    assert sorted(seen) == ["dies", "lives"]


def test_wrong_parameter_is_said_before_anything_runs(notebook, tmp_path):
    with pytest.raises(UsageError):
        make_reports([Job(str(notebook("1"))), Job(str(notebook("1")), {"x": 1})], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_unwritable_output_is_an_error_with_a_hint(notebook, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotebookError, match="--output"):
        make_report(Job(str(notebook("1"))), tmp_path / "file" / "out")


@pytest.mark.parametrize(("name", "expected"), [("a/b ../c", "a-b-..-c"), ("../..", "report"), ("ü", "report")])
def test_file_names_stay_in_their_folder(name, expected):
    assert Job("stability_report", name=name).file_name == expected
