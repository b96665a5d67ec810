import json
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stabkit.errors import NotebookError
from stabkit.pipeline.made_of import recorded
from stabkit.pipeline.reports import Job, make_report


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


def test_unwritable_output_is_an_error_with_a_hint(notebook, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotebookError, match="--output"):
        make_report(Job(str(notebook("1"))), tmp_path / "file" / "out")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("v1.4-v1.5", r"v1\.4-v1\.5"),
        ("a/b ../c", r"a-b-\.\.-c-[0-9a-f]{6}"),
        ("../..", r"report-[0-9a-f]{6}"),
        ("ü", r"report-[0-9a-f]{6}"),
        ("index", r"report-index-[0-9a-f]{6}"),
        ("Con.txt", r"report-Con\.txt-[0-9a-f]{6}"),
        ("x" * 300, r"x{100}-[0-9a-f]{6}"),
        ("\ud800\0", r"report-[0-9a-f]{6}"),
    ],
)
def test_file_names_stay_in_their_folder(name, expected):
    assert re.fullmatch(expected, Job("stability_report", name=name).file_name)


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_names_are_different_files(one, other):
    names = {Job("n", name=name).file_name for name in (one, other)}
    assert len(names) == len({one, other})
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,120}", name) for name in names)


LONG = """
import pandas as pd
from stabkit.report.display import Group, Statement
rows = {rows}
frame = pd.DataFrame({{"test_id": [f"t{{n}}" for n in range(rows)]}})
Group((Statement(("Many.",)),), whole={{"tests": frame}} if rows else {{}})
"""


def test_what_is_too_long_for_the_result_lies_beside_the_page(notebook, tmp_path):
    job, out = Job(str(notebook(LONG.format(rows=5)))), tmp_path / "out"
    made = make_report(job, out, made_of={"of": "five"})
    beside = out / "small.tests.parquet"
    assert made.result["whole"] == {"tests": beside.name} == json.loads(made.json.read_text())["whole"]
    assert pd.read_parquet(beside)["test_id"].tolist() == ["t0", "t1", "t2", "t3", "t4"]
    assert recorded(job, out)["made_of"] == {"of": "five"}
    beside.unlink()
    assert recorded(job, out) is None  # not whole without it: it is made again


def test_a_report_that_lists_all_leaves_no_older_file_beside_it(notebook, tmp_path):
    out = tmp_path / "out"
    make_report(Job(str(notebook(LONG.format(rows=5)))), out)
    made = make_report(Job(str(notebook(LONG.format(rows=0)))), out)
    assert "whole" not in made.result
    assert {path.name for path in out.iterdir()} == {"small.html", "small.json", "small.md"}
