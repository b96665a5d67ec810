"""What an installed user meets: the wheel and the sdist hold it, README and handbook run as they are written."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import nbformat
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("installed")]

ROOT = Path(__file__).parents[2]


def test_stabkit_is_that_of_the_wheel(installed, tmp_path):
    told = installed.run("python -c 'import stabkit; print(stabkit.__file__)'", tmp_path)
    assert told.stdout.startswith(str(installed.folder)), told.stderr


def test_the_wheel_holds_the_sample_and_the_notebooks_and_no_checkout(installed, tmp_path):
    told = installed.run("stabkit sample && stabkit notebooks && stabkit sample; echo $?", tmp_path)
    assert told.stdout == "data/sample\nnotebooks\n2\n"
    for folder in ("data/sample", "notebooks"):
        paths = [path for path in (tmp_path / folder).rglob("*") if path.is_file()]
        tracked = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True)
        assert sorted(path.relative_to(tmp_path).as_posix() for path in paths) == tracked.stdout.split()
    ours = {path.name.partition("-")[0] for path in installed.packages.iterdir() if not path.is_symlink()}
    assert ours == {"stabkit"}
    assert installed.pip("check").returncode == 0
    told = installed.run(
        ["python", "-c", "import stabkit; print(stabkit.change_impact('v1.4', 'v1.5', data='data/sample'))"], tmp_path
    )
    assert told.returncode == 0, told.stderr


def test_the_sdist_holds_all_that_the_readme_names(sdist):
    readme = (ROOT / "README.md").read_text()
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", readme)
    files = re.findall(r"\b((?:data|docs|benchmarks|requirements)/[\w./-]*\w/?)", readme)
    benchmarks = [f"benchmarks/{name}" for name in re.findall(r"`(\w+\.py)`", readme)]
    named = {*links, *files, *benchmarks, "Makefile", "environment.yml", "notebooks", "LICENSE", "pyproject.toml"}
    named |= {path.removesuffix("/") for path in files}
    there = {name for name in named if (ROOT / name).exists()}
    assert {"docs/handbook/README.md", "data/sample", "data/reference", "benchmarks/latency.py"} <= there
    assert {name for name in there if not (sdist / name).exists()} == set()
    # What is named and neither in the tree nor made by a command of the page would be a slip of the page.
    assert {name for name in named - there if not name.startswith("data/runs")} == set()


def test_the_sdist_holds_what_its_own_tests_and_commands_need(sdist):
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    assert [name for name in tracked if name and not (sdist / name).exists()] == []


CELLS = (
    "import os, sys, warnings, logging\nprint('out'); print('err', file=sys.stderr); os.system('echo of a shell')",
    "!echo of a shell command",
    "%%bash\necho of a cell of a shell",
    "import asyncio\nawait asyncio.sleep(0)\nprint('awaited')",
    "from IPython.display import clear_output, display, HTML\nprint('gone'); clear_output(); display(HTML('<b>x</b>'))",
    "shown = display('first', display_id='one'); shown.update('second')",
    "warnings.warn('mind'); logging.warning('said')",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2, 1]); plt.show()",
    "import pandas as pd\npd.DataFrame({'a': [1, 2], 'of': [name, name]})",
    "(In[-2] != '', Out, name)",
)


@pytest.fixture
def notebook(tmp_path):
    def write(*cells, name="cells.ipynb"):
        tagged = nbformat.v4.new_code_cell("name = 'none'", metadata={"tags": ["parameters"]})
        made = nbformat.v4.new_notebook(
            cells=[
                nbformat.v4.new_markdown_cell("# Cells\n\n## 1 All"),
                tagged,
                *map(nbformat.v4.new_code_cell, cells),
            ],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(made, tmp_path / name)

    return write


def outputs(path):
    return [
        (cell.source, cell.get("execution_count"), json.dumps(cell.get("outputs"), sort_keys=True))
        for cell in nbformat.read(path, as_version=4).cells
    ]


def without_moments(text):
    return re.sub(r"ipykernel_\d+|/tmp/\S+?\.py", "", text)


def test_papermill_finds_the_engine_and_gets_the_outputs_of_its_own(installed, notebook, tmp_path):
    notebook(*CELLS)
    for engine, out in (("", "plain.ipynb"), ("--engine stabkit", "ours.ipynb")):
        told = installed.run(f"papermill {engine} cells.ipynb {out} -p name ann", tmp_path)
        assert told.returncode == 0, told.stderr
    plain, ours = (
        [tuple(without_moments(str(part)) for part in cell) for cell in outputs(tmp_path / name)]
        for name in ("plain.ipynb", "ours.ipynb")
    )
    assert any("image/png" in cell[2] for cell in ours)
    assert ours == plain
    recorded = nbformat.read(tmp_path / "ours.ipynb", as_version=4).metadata
    assert recorded.papermill.parameters == {"name": "ann"}
    assert recorded.papermill.exception is None
    assert recorded.language_info.name == "python"


def test_a_cell_that_raises_ends_both_alike(installed, notebook, tmp_path):
    notebook("1 / 0", "print('never')")
    for engine, out in (("", "plain.ipynb"), ("--engine stabkit", "ours.ipynb")):
        told = installed.run(f"papermill {engine} cells.ipynb {out}", tmp_path)
        assert told.returncode == 1
        assert "ZeroDivisionError" in told.stderr
    assert [without_moments(str(cell)) for cell in outputs(tmp_path / "ours.ipynb")] == [
        without_moments(str(cell)) for cell in outputs(tmp_path / "plain.ipynb")
    ]


def test_papermill_may_write_what_a_notebook_prints_and_limit_its_time(installed, notebook, tmp_path):
    notebook("import time\nprint('words', flush=True)\ntime.sleep(name if name != 'none' else 0)")
    line = "papermill --engine stabkit cells.ipynb ours.ipynb --log-output --stdout-file said.txt"
    told = installed.run(line, tmp_path)
    assert (told.returncode, (tmp_path / "said.txt").read_text()) == (0, "words\n"), told.stderr
    assert "words" in told.stderr
    told = installed.run(f"{line} --execution-timeout 1 -p name 30", tmp_path)
    assert told.returncode != 0
    assert "Timeout" in told.stderr


def test_a_figure_is_not_lost_to_the_backend_of_a_server(installed, notebook, tmp_path):
    notebook("import matplotlib.pyplot as plt\nplt.plot([1, 2, 1]); plt.show()")
    told = installed.run("MPLBACKEND=Agg papermill --engine stabkit cells.ipynb ours.ipynb", tmp_path)
    assert told.returncode == 0, told.stderr
    assert "image/png" in outputs(tmp_path / "ours.ipynb")[-1][2]


@pytest.mark.parametrize(
    ("start", "light"),
    [
        ("import papermill.execute", ("stabkit.pipeline", "pandas", "nbconvert")),
        ("import nbconvert.nbconvertapp", ("stabkit.report.display", "stabkit.report.page.rendering", "pandas")),
    ],
)
def test_entry_points_cost_nothing_before_they_are_used(installed, tmp_path, start, light):
    told = installed.run(["python", "-c", f"{start}, sys; print([m for m in {light!r} if m in sys.modules])"], tmp_path)
    assert told.stdout == "[]\n", told.stderr


def test_nbconvert_makes_the_page_that_report_makes_of_the_same_notebook(installed, tmp_path):
    assert installed.run("stabkit sample && stabkit notebooks", tmp_path).returncode == 0
    line = "papermill --engine stabkit notebooks/latency_deltas.ipynb out.ipynb -p data data/sample"
    assert installed.run(line, tmp_path).returncode == 0
    told = installed.run("jupyter nbconvert --to stabkit out.ipynb", tmp_path)
    assert told.returncode == 0, told.stderr
    assert "index.html" not in (tmp_path / "out.html").read_text()  # there is none
    told = installed.run("jupyter nbconvert --to stabkit --StabkitExporter.index=index.html out.ipynb", tmp_path)
    assert told.returncode == 0, told.stderr
    line = "stabkit report --notebook notebooks/latency_deltas.ipynb --data data/sample"
    told = installed.run(line, tmp_path)
    assert told.returncode == 0, told.stderr
    assert (tmp_path / "out.html").read_text() == (tmp_path / "reports" / "latency_deltas.html").read_text()


def test_nbconvert_makes_a_page_of_any_notebook_named_after_its_file(installed, notebook, tmp_path):
    notebook("1 + 1", name="mine.ipynb")
    (tmp_path / "broken.ipynb").write_text("{}")
    told = installed.run("jupyter nbconvert --execute --to stabkit mine.ipynb", tmp_path)
    assert told.returncode == 0, told.stderr
    assert "<title>Cells" in (tmp_path / "mine.html").read_text()
    assert installed.run("jupyter nbconvert --to stabkit broken.ipynb", tmp_path).returncode != 0


def test_pytest_finds_the_fixture_of_the_wheel_and_its_record_is_judged(tested, tmp_path):
    (tmp_path / "test_shop.py").write_text(
        "def test_search(stabkit_measure):\n"
        "    assert stabkit_measure(lambda: sum(range(1000)), name='search', times=20, warmup=2) == 499500\n"
    )
    told = tested.run("python -m pytest -q -p no:cacheprovider", tmp_path)
    assert told.returncode == 0, told.stdout + told.stderr
    assert list(tmp_path.glob("*.json")) == []
    for label in ("v1", "v2"):
        words = f"python -m pytest -q -p no:cacheprovider --stabkit-records {label}.json --stabkit-label {label}"
        told = tested.run(words, tmp_path)
        assert told.returncode == 0, told.stdout + told.stderr
    (source,) = json.loads(tested.run("stabkit read v1.json --format json", tmp_path).stdout)["sources"]
    assert (source["kind"], source["status"], source["counts"]["samples"]) == ("records", "ok", 20)
    told = tested.run("stabkit gate v1.json v2.json --format json", tmp_path)
    assert told.returncode in (0, 1, 3), told.stderr
    conditions = json.loads(told.stdout)["gate"]["conditions"]
    assert [one["target"] for one in conditions if one["kind"] == "latency"] == ["search"]
