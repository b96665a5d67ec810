"""Code that lies in the working folder runs in a kernel only if the notebook lies there too.

Whoever makes a report in a folder that others may write must not run what they left there under the name of a library.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stabkit.pipeline.execute import execute_notebook
from stabkit.pipeline.kernels import kernel_environment, starting

# Imported by a kernel while it starts, by what a report loads, and by Python itself.
PLANTED = ("ipykernel_launcher", "IPython", "json", "stabkit", "pandas", "duckdb", "sitecustomize", "usercustomize")
IMPORTS = "import json, pandas, duckdb, stabkit\nimport sys, os\n'' in sys.path or os.getcwd() in sys.path"


@pytest.fixture
def trapped(tmp_path):
    """A folder of modules that are called like libraries, and leave a trace if they are run."""
    folder = tmp_path / "anywhere"
    folder.mkdir()
    for name in PLANTED:
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'a').write({name!r})\n")
    for name in ("ipython_config", "ipython_kernel_config", "jupyter_config", "jupyter_nbconvert_config"):
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'a').write({name!r})\n")
    return folder


def traces(folder):
    trace = folder.parent / "trace"
    return trace.read_text() if trace.exists() else ""


@pytest.mark.parametrize("warm", ["30", "off"])
def test_what_lies_in_the_working_folder_is_not_imported_by_a_notebook_from_elsewhere(
    notebook, shared, trapped, monkeypatch, warm
):
    monkeypatch.setenv(starting.SETTING, warm)
    monkeypatch.setenv("PYTHONPATH", os.pathsep + os.environ.get("PYTHONPATH", ""))  # empty: the working folder

    found = execute_notebook(notebook(IMPORTS), folder=trapped).notebook.cells[-1].outputs

    assert [output.get("data", output).get("text/plain") for output in found] == ["False"]
    assert traces(trapped) == ""


@pytest.mark.parametrize("warm", ["30", "off"])
def test_a_notebook_imports_what_lies_beside_it_where_it_is_called(notebook, shared, tmp_path, monkeypatch, warm):
    monkeypatch.setenv(starting.SETTING, warm)
    (tmp_path / "beside_it.py").write_text("found = 7\n")
    path = notebook("import beside_it\nbeside_it.found")

    outputs = execute_notebook(path, folder=tmp_path).notebook.cells[-1].outputs

    assert [output.data["text/plain"] for output in outputs] == ["7"]


def test_papermill_with_our_engine_and_nbconvert_import_nothing_from_there_either(notebook, shared, trapped):
    path, executed = notebook(IMPORTS), trapped.parent / "executed.ipynb"
    tools = (
        ["papermill", "--engine", "stabkit", str(path), str(executed)],
        ["jupyter-nbconvert", "--to", "stabkit", str(executed)],
    )
    for name, *words in tools:
        program = str(Path(sys.executable).with_name(name))
        subprocess.run([program, *words], check=True, cwd=trapped, capture_output=True, timeout=300)

    assert '"False"' in executed.read_text()
    assert executed.with_suffix(".html").exists()
    assert traces(trapped) == ""


@pytest.mark.parametrize(("given", "left"), [(None, None), ("", None), (":", None), (":/a::/b", "/a:/b"), ("/a", "/a")])
def test_an_empty_entry_of_the_path_is_no_entry(monkeypatch, given, left):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    if given is not None:
        monkeypatch.setenv("PYTHONPATH", given)
    assert kernel_environment(at_home=False).get("PYTHONPATH") == left
    assert kernel_environment().get("PYTHONPATH") == given
