import json
import os
import re
import sys

import pytest

from stabkit.errors import NotebookError, UsageError
from stabkit.pipeline.execute import execute_notebook
from stabkit.report.page.cells import collect_cells


def failure(execution):
    """The first cell that broke, as the page finds it: the run itself looks for none."""
    return collect_cells(execution.notebook)[1]


def texts(execution):
    return [
        "".join(output.get("text", "") or output.get("data", {}).get("text/plain", ""))
        for cell in execution.notebook.cells
        for output in cell.get("outputs", [])
    ]


def test_parameters_reach_the_cells(notebook):
    path = notebook("print(size * 2)", parameters="size = 1  # how many")
    execution = execute_notebook(path, {"size": 21})
    assert failure(execution) is None
    assert texts(execution) == ["42\n"]


def test_cells_without_ids_run_and_nothing_is_said_of_it(notebook, capfd):
    path = notebook("print(word)", parameters="word = 'a'")
    node = json.loads(path.read_text())
    for cell in node["cells"]:
        del cell["id"]
    path.write_text(json.dumps(node))
    assert texts(execute_notebook(path, {"word": "b"})) == ["b\n"]
    assert capfd.readouterr().err == ""


def test_source_notebook_is_not_changed(notebook):
    path = notebook("1 + 1")
    before = path.read_bytes()
    execute_notebook(path)
    assert path.read_bytes() == before


def test_broken_cell_is_named_with_its_section(notebook):
    execution = execute_notebook(notebook("1", "raise ValueError('no \\x1b[31msuch table')", "2"))
    assert failure(execution) is not None
    assert (failure(execution).section, failure(execution).name) == ("First section", "ValueError")
    assert failure(execution).message == "no such table"
    assert not any("papermill-error" in str(cell.metadata) for cell in execution.notebook.cells)


def test_cell_that_never_ends_is_stopped_and_says_so_below_itself(notebook):
    execution = execute_notebook(notebook("print('before')", "import time; time.sleep(60)", "1"), timeout_s=2)
    assert failure(execution) is not None
    assert (failure(execution).cell, failure(execution).name) == (3, "TimeoutError")
    assert texts(execution)[0] == "before\n"
    assert execution.notebook.cells[2].outputs[-1].output_type == "error"


def test_dead_kernel_is_told_with_its_signal_its_memory_and_its_cell(notebook):
    path = notebook("print('before')", "import os; os.kill(os.getpid(), 9)", name="a {brace}.ipynb")
    execution = execute_notebook(path)
    assert failure(execution) is not None
    assert (failure(execution).cell, failure(execution).name) == (3, "DeadKernel")
    assert "was killed by SIGKILL in this cell" in failure(execution).message
    assert re.search(r"had taken \d+ MB", failure(execution).message)
    assert texts(execution)[0] == "before\n"


def test_kernel_that_leaves_by_itself_is_told_with_its_exit_code_and_writes_nothing_into_ours(notebook, capfd):
    execution = execute_notebook(notebook("import os; os.write(2, b'early'); os.system('echo late >&2'); os._exit(7)"))
    assert failure(execution) is not None
    assert "exit code 7" in failure(execution).message
    assert capfd.readouterr() == ("", "")


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


def test_callers_backend_takes_no_figure_away_and_the_notebooks_own_is_told(notebook, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    draw = "import matplotlib.pyplot as plt\nfigure, axes = plt.subplots()"
    shown = execute_notebook(notebook(draw))
    assert failure(shown) is None
    assert sum("image/png" in output.get("data", {}) for output in shown.notebook.cells[-1].outputs) == 1
    lost = execute_notebook(notebook("import matplotlib; matplotlib.use('Agg')", draw, "plt.subplots()[0].number"))
    assert failure(lost) is not None
    assert failure(lost).name == "FigureNotShown"
    assert failure(lost).message.startswith("2 pyplot figures were drawn and never shown")
    closed = execute_notebook(notebook("import matplotlib; matplotlib.use('Agg')", draw, "plt.close(figure)"))
    assert failure(closed) is None


ECHO = """
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel


class Echo(Kernel):
    implementation, implementation_version, banner = "echo", "1", "echo"
    language_info = {"name": "echo", "mimetype": "text/plain", "file_extension": ".txt"}

    def do_execute(self, code, silent, store_history=True, user_expressions=None, allow_stdin=False):
        self.send_response(self.iopub_socket, "stream", {"name": "stdout", "text": "echo " + code})
        return {"status": "ok", "execution_count": self.execution_count, "payload": [], "user_expressions": {}}


IPKernelApp.launch_instance(kernel_class=Echo)
"""


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """Install a kernel of another language, and a second one of Python."""
    (tmp_path / "echo.py").write_text(ECHO)
    own = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    echo = [sys.executable, str(tmp_path / "echo.py"), "-f", "{connection_file}"]
    for name, language, argv in (("team", "python", own), ("echo", "echo", echo)):
        folder = tmp_path / "jupyter" / "kernels" / name
        folder.mkdir(parents=True)
        spec = {"argv": argv, "display_name": name, "language": language, "env": {"WHOSE": name}}
        (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))


def asking(path, kernel, language):
    node = json.loads(path.read_text())
    node["metadata"] = {"kernelspec": {"name": kernel, "display_name": kernel, "language": language}}
    node["metadata"]["language_info"] = {"name": language}
    path.write_text(json.dumps(node))
    return path


def test_a_notebook_runs_in_the_kernel_that_it_asks_for(notebook, kernels):
    path = asking(notebook("import os; print(os.environ['WHOSE'])"), "team", "python")
    assert texts(execute_notebook(path)) == ["team\n"]
    assert texts(execute_notebook(asking(notebook("hello", name="e.ipynb"), "echo", "echo"))) == ["echo hello"]


@pytest.mark.parametrize(
    ("kernel", "language", "said"),
    [
        ("team-env-3.9", "python", "kernel 'team-env-3.9' (python), which is not installed here.*ipykernel install"),
        ("ir", "R", r"kernel 'ir' \(R\), which is not installed here.*Installed: .*team"),
        ("python3", "R", "written in R, and its kernel 'python3' speaks python"),
        ("../python3", "python", "not installed here"),
    ],
)
def test_a_notebook_is_never_run_in_another_kernel_than_it_asks_for(notebook, kernels, kernel, language, said):
    with pytest.raises(NotebookError, match=f"(?s){said.replace('(python)', '[(]python[)]')}"):
        execute_notebook(asking(notebook("1"), kernel, language))


def test_a_notebook_may_end_itself(notebook):
    execution = execute_notebook(notebook("print('before')", "import sys; sys.exit(0)", "print('after')"))
    assert failure(execution) is None
    assert "before\n" in texts(execution)
    assert "after\n" not in texts(execution)
