"""The committed notebooks are thin, stripped, and ready for papermill."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
OWN = ROOT / "stabkit" / "pipeline" / "own_notebook.ipynb"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
REPORT_SECTIONS = [
    "Executive summary",
    "Key metrics",
    "Service availability",
    "WebSocket validation",
    "Compliance",
    "Change impact",
    "Regression results by suite",
    "Response-time stability",
    "Business-value protection",
    "Risks",
    "Performance, resources",
    "Production readiness",
    "Recommendations",
    "Conclusion",
    "Evidence and method",
]
# What may stand in a cell: calls, names, constants and lists of them, one assignment a line, imports. Else it is logic.
THIN = (
    ast.List,
    ast.Tuple,
    ast.Module,
    ast.Expr,
    ast.Call,
    ast.Attribute,
    ast.Name,
    ast.Constant,
    ast.keyword,
    ast.Assign,
    ast.AnnAssign,
    ast.Import,
    ast.alias,
    ast.Load,
    ast.Store,
)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_all_seven_are_here():
    assert [path.stem for path in NOTEBOOKS] == [
        "backtest",
        "change_impact",
        "compliance_history",
        "explore",
        "latency_deltas",
        "stability_report",
        "test_trends",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestEachNotebook:
    def test_is_valid_and_has_cell_ids(self, path):
        notebook = read(path)
        nbformat.validate(notebook)
        assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
        ids = [cell.id for cell in notebook.cells]
        assert len(ids) == len(set(ids))

    def test_runs_on_the_kernel_that_everybody_has(self, path):
        assert read(path).metadata.kernelspec.name == "python3"

    def test_is_stripped(self, path):
        for cell in code_cells(read(path)):
            assert cell.outputs == []
            assert cell.execution_count is None

    def test_has_one_parameters_cell_annotated_and_commented(self, path):
        tagged = [cell for cell in code_cells(read(path)) if "parameters" in cell.metadata.get("tags", [])]
        assert len(tagged) == 1
        lines = tagged[0].source.splitlines()
        assert len(lines) == len(ast.parse(tagged[0].source).body), "one parameter a line"
        for line in lines:
            assert ": " in line.partition("=")[0], f"no annotation: {line}"
            assert "  # " in line, f"no comment: {line}"
        assert 'data: str = "data/sample"' in tagged[0].source

    def test_cells_hold_calls_and_no_logic(self, path):
        for cell in code_cells(read(path)):
            for node in ast.walk(ast.parse(cell.source)):
                assert isinstance(node, THIN), f"{type(node).__name__} in: {cell.source}"
            assert len([line for line in cell.source.splitlines() if line]) <= (12 if cell.metadata.get("tags") else 3)

    def test_names_no_absolute_path(self, path):
        for node in ast.walk(ast.parse("\n".join(cell.source for cell in code_cells(read(path))))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not node.value.startswith(("/", "~", "\\"))
                assert ":\\" not in node.value

    def test_markdown_types_no_finding(self, path):
        for cell in read(path).cells:
            if cell.cell_type == "markdown" and not cell.source.startswith("# "):
                assert cell.source.startswith("## "), "sections are headings; every sentence is computed"
                assert "\n" not in cell.source

    def test_headings_are_numbered_in_order(self, path):
        headings = [c.source for c in read(path).cells if c.cell_type == "markdown" and c.source.startswith("## ")]
        assert [int(h.split()[1]) for h in headings] == list(range(1, len(headings) + 1))

    def test_every_parameter_is_used(self, path):
        first, *rest = code_cells(read(path))
        names = {node.target.id for node in ast.parse(first.source).body}
        used = {n.id for cell in rest for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Name)}
        assert names <= used, "a parameter that does nothing is a lie"

    def test_calls_exist(self, path):
        import stabkit

        tree = ast.parse("\n".join(cell.source for cell in code_cells(read(path))))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "stabkit":
                assert node.attr in stabkit.__all__


def test_the_notebook_that_begins_ones_own_is_stripped_valid_and_short():
    notebook = read(OWN)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    first, *rest = code_cells(notebook)
    assert first.metadata.tags == ["parameters"]
    names = {node.target.id for node in ast.parse(first.source).body}
    used = {n.id for cell in rest for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Name)}
    assert names == {"data", "baseline", "candidate", "target"}
    assert names <= used
    assert [(cell.outputs, cell.execution_count) for cell in (first, *rest)] == [([], None)] * 5


def test_the_report_has_the_sections_of_the_guide():
    notebook = json.loads((ROOT / "notebooks" / "stability_report.ipynb").read_text(encoding="utf-8"))
    headings = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"][1:]
    assert headings == [f"## {number} {name}" for number, name in enumerate(REPORT_SECTIONS, 1)]
