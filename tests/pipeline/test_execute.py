import os

import pytest

from stabkit.errors import NotebookError, UsageError
from stabkit.pipeline.execute import execute_notebook


def texts(execution):
    return [
        "".join(output.get("text", "") or output.get("data", {}).get("text/plain", ""))
        for cell in execution.notebook.cells
        for output in cell.get("outputs", [])
    ]


def test_parameters_reach_the_cells(notebook):
    path = notebook("print(size * 2)", parameters="size = 1  # how many")
    execution = execute_notebook(path, {"size": 21})
    assert execution.failure is None
    assert texts(execution) == ["42\n"]


def test_source_notebook_is_not_changed(notebook):
    path = notebook("1 + 1")
    before = path.read_bytes()
    execute_notebook(path)
    assert path.read_bytes() == before


def test_broken_cell_is_named_with_its_section(notebook):
    execution = execute_notebook(notebook("1", "raise ValueError('no \\x1b[31msuch table')", "2"))
    assert execution.failure is not None
    assert (execution.failure.heading, execution.failure.error) == ("1 First section", "ValueError")
    assert execution.failure.message == "no such table"
    assert not any("papermill-error" in str(cell.metadata) for cell in execution.notebook.cells)


def test_cell_that_never_ends_is_stopped(notebook):
    execution = execute_notebook(notebook("import time; time.sleep(60)"), timeout_s=2)
    assert execution.failure is not None
    assert execution.failure.error == "TimeoutError"


def test_dead_kernel_is_an_error_with_a_hint(notebook):
    with pytest.raises(NotebookError, match="kernel died"):
        execute_notebook(notebook("import os; os.kill(os.getpid(), 9)"))


def test_unknown_parameter_is_refused_before_a_kernel_starts(notebook):
    with pytest.raises(UsageError, match="no parameter 'sise'"):
        execute_notebook(notebook("1", parameters="size = 1"), {"sise": 2})


def test_secret_parameters_are_masked_in_metadata_and_cell(notebook):
    path = notebook("print(len(api_token))", parameters="api_token = ''")
    execution = execute_notebook(path, {"api_token": "hunter2-hunter2"})
    assert texts(execution) == ["15\n"]
    assert "hunter2" not in str(execution.notebook)


def test_working_folder_is_the_present_one(notebook, tmp_path):
    execution = execute_notebook(notebook("import os; print(os.getcwd())"), folder=tmp_path)
    assert os.path.realpath(texts(execution)[0].strip()) == os.path.realpath(tmp_path)
