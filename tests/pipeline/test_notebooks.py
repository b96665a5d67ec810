import pytest

from stabkit.errors import NotebookError, UsageError
from stabkit.pipeline.bundled import BUNDLED, bundled_folder
from stabkit.pipeline.notebooks import check_parameters, find_notebook, notebook_parameters


def test_bundled_notebooks_are_those_of_the_folder():
    assert {path.stem for path in bundled_folder().glob("*.ipynb")} == set(BUNDLED)


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_notebook_declares_its_data(name):
    parameters = notebook_parameters(find_notebook(name))
    assert "data" in parameters
    assert parameters["data"].help


def test_unknown_notebook_names_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'test_trends'"):
        find_notebook("test_trend")


def test_missing_path_is_no_traceback(tmp_path):
    with pytest.raises(UsageError, match="no such notebook"):
        find_notebook(str(tmp_path / "none.ipynb"))


def test_unknown_parameter_names_the_nearest(notebook):
    path = notebook("1", parameters="suite = ''  # which")
    with pytest.raises(UsageError, match="Did you mean 'suite'"):
        check_parameters(path, {"suit": "unit"})


def test_notebook_without_a_language_is_refused_in_words(notebook):
    path = notebook("1", parameters="suite = ''")
    path.write_text(path.read_text().replace('"language"', '"spoken"'))
    with pytest.raises(NotebookError, match="No language found"):
        notebook_parameters(path)


def test_notebook_without_parameters_takes_none(notebook):
    path = notebook("1")
    check_parameters(path, {})
    with pytest.raises(UsageError, match="It has: none"):
        check_parameters(path, {"suite": "unit"})


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\x01", b'{"cells": 3}', b"[]"])
def test_file_that_is_no_notebook(tmp_path, content):
    path = tmp_path / "broken.ipynb"
    path.write_bytes(content)
    with pytest.raises(NotebookError, match="not a notebook"):
        notebook_parameters(path)


@pytest.mark.parametrize("value", [1.1, True, None, 2025.0])
def test_a_value_in_place_of_a_label_is_refused_and_says_how_to_write_it(value):
    path = find_notebook("stability_report")
    with pytest.raises(UsageError, match=r"(?s)parameter candidate: A text is needed.*-r candidate"):
        check_parameters(path, {"candidate": value})
    check_parameters(path, {"candidate": 20250101})
    check_parameters(find_notebook("test_trends"), {"last": 3})
