"""What an executed notebook says of itself may have been written by anybody: types, sizes, markup, tags."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stabkit.errors import NotebookError
from stabkit.report.attestation.structure import foreign_parts
from stabkit.report.page import render

MARKUP = "<script>alert(1)</script>\n::error::forged"
DEEP: list[Any] = []
for _ in range(400):
    DEEP = [DEEP]
ODD: dict[str, Any] = {
    "null": None, "number": 7, "text": "x", "list": ["a"], "empty": {}, "markup": MARKUP,
    "path of a number": {"input_path": 7}, "path of null": {"input_path": None},
    "path of a list": {"input_path": ["a"]},
    "path of markup": {"input_path": MARKUP}, "path that is long": {"input_path": "x" * 3_000_000},
    "path of many parts": {"input_path": "a/" * 100_000}, "path with a null": {"input_path": "../../etc/passwd\0"},
    "parameters of text": {"parameters": MARKUP}, "parameters of a list": {"parameters": [1]},
    "parameters by markup": {"parameters": {MARKUP: MARKUP}}, "parameters nested": {"parameters": {"a": DEEP}},
    "parameters that are long": {"parameters": {"a": "y" * 1_000_000}}, "times of another type": {"start_time": [7]},
}  # fmt: skip


def notebook(about: Any = None, cell: Any = None) -> dict[str, Any]:
    code = {"cell_type": "code", "source": "x", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [{"cell_type": "markdown", "source": "# Title", "metadata": {}}, {**code, "metadata": cell or {}}]
    return {"nbformat": 4, "nbformat_minor": 4, "metadata": about or {}, "cells": cells}


def shown(tmp_path: Path, given: dict[str, Any]) -> str | None:
    """Return the page of a notebook, read from its file; None where it is refused in words."""
    (tmp_path / "x.ipynb").write_text(json.dumps(given))
    try:
        made = render(tmp_path / "x.ipynb")
    except NotebookError as error:
        assert len(str(error)) < 1_000  # noqa: PT017 - either is an answer
        return None
    assert foreign_parts(made.html.encode("utf-8", "backslashreplace"), None) == []
    assert len(made.result["notebook"]) <= 200
    return made.html


@pytest.mark.parametrize("what", ODD)
def test_what_papermill_notes_may_be_anything(tmp_path: Path, what: str) -> None:
    html = shown(tmp_path, notebook({"papermill": ODD[what]}))
    assert html is not None
    assert "<h1>Title</h1>" in html
    assert len(html) < 60_000


@pytest.mark.parametrize("what", ODD)
def test_what_papermill_notes_of_a_cell_may_be_anything(tmp_path: Path, what: str) -> None:
    html = shown(tmp_path, notebook(cell={"papermill": ODD[what]}))
    assert html is not None
    assert "<h1>Title</h1>" in html


@pytest.mark.parametrize(
    "tags", [None, 7, "x", {}, [7], [None], [["a"]], [MARKUP], ["t"] * 3, [f"t{n}" for n in range(5_000)]]
)
def test_tags_may_be_anything(tmp_path: Path, tags: Any) -> None:
    html = shown(tmp_path, notebook(cell={"tags": tags}))
    assert html is None or "<h1>Title</h1>" in html


@pytest.mark.parametrize("name", ["kernelspec", "language_info", "authors", "title"])
@pytest.mark.parametrize("what", ["null", "number", "list", "empty", "markup"])
def test_other_metadata_is_shown_or_refused_in_words(tmp_path: Path, name: str, what: str) -> None:
    html = shown(tmp_path, notebook({name: ODD[what]}))
    assert html is None or "<h1>Title</h1>" in html


@pytest.mark.parametrize("about", [7, "x", ["a"]])
def test_metadata_of_another_type_is_refused_in_words(tmp_path: Path, about: Any) -> None:
    assert shown(tmp_path, notebook() | {"metadata": about}) is None
    assert shown(tmp_path, notebook(cell=about)) is None
