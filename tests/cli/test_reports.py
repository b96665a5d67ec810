"""report: what wrong options say before a notebook runs."""

from pathlib import Path

import nbformat
import pytest

DATA = Path(__file__).parents[2] / "tests" / "data"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-p", "baselin=v1"], "Did you mean 'baseline'?"),
        (["-p", "baseline"], "is not NAME=VALUE"),
        (["-n", "test_trend"], "Did you mean 'test_trends'?"),
        (["-n", "none.ipynb"], "no such notebook"),
        (["-n", "good.xml.ipynb"], "no such notebook"),
        (["-o", "good.xml/pages"], "cannot be written"),
        (["v1.4", "v1.55"], "No run 'v1.55'"),
        (["~nobody-of-this-name", "v1.5"], "No run '~nobody-of-this-name'"),
    ],
)
def test_report_refuses_wrong_options_before_any_notebook_runs(stabkit, folder, words, said):
    code, out, err = stabkit("report", "--data", DATA / "demo_history", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert "hint: " in err
    assert not (folder / "reports").exists() or not list((folder / "reports").iterdir())


def test_pages_are_told_even_where_the_index_cannot_be_written(stabkit, folder):
    # A notebook of one's own needs no store, and keeps the default of its own "data".
    cells = [nbformat.v4.new_code_cell('data = "mine"', metadata={"tags": ["parameters"]})]
    cells.append(nbformat.v4.new_code_cell('assert data == "mine"'))
    python = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=python), folder / "x.ipynb")
    (folder / "reports" / "index.html").mkdir(parents=True)
    code, out, err = stabkit("report", "-n", "x.ipynb")
    assert (code, out) == (2, "reports/x.html  x\n")
    assert "The index cannot be written" in err
    assert "broke" not in err


def test_report_of_a_notebook_that_is_none(stabkit, folder):
    (folder / "x.ipynb").write_text("{")
    code, _, err = stabkit("report", "--data", DATA / "demo_history", "-n", "x.ipynb")
    assert code == 2
    assert "not a notebook" in err
