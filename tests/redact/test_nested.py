"""Notebooks: what an executed one holds of its secrets, whatever was made of them."""

import json

import nbformat
import pytest

from stabkit.redact import redact_notebook, redact_values


def executed(parameters: dict, *outputs: nbformat.NotebookNode, source: str = "") -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell(source, outputs=list(outputs))
    return nbformat.v4.new_notebook(cells=[cell], metadata={"papermill": {"parameters": parameters}})


@pytest.mark.parametrize("secret", ["it's-hunter2", 'say "hunter2"', "a\\hunter2", "hünter2-ß", "hunter2\nline-two"])
def test_a_parameter_is_masked_with_its_quotes(secret):
    outputs = [
        nbformat.v4.new_output("stream", name="stdout", text=f"{secret} {secret!r} {json.dumps(secret)}"),
        nbformat.v4.new_output(
            "execute_result", data={"text/plain": repr({"a": secret}), "application/json": {"a": [secret]}}
        ),
        nbformat.v4.new_output("error", ename="E", evalue=secret, traceback=[f"\x1b[31m{secret!r}\x1b[0m"]),
    ]
    notebook = executed(
        {"login": {"password": [secret]}, "n": 1}, *outputs, source=f"login = { ({'password': [secret]})!r}"
    )
    redact_notebook(notebook)
    assert "hunter2" not in json.dumps(notebook)
    assert "nter2" not in json.dumps(notebook)
    assert notebook.metadata.papermill.parameters["n"] == 1


def test_a_coloured_traceback_is_masked_by_shape():
    line = "\x1b[32m----> 1\x1b[0m login(password\x1b[38;5;241m=\x1b[39m\x1b[33m'hunter2'\x1b[39m)"
    notebook = executed(
        {}, nbformat.v4.new_output("error", ename="E", evalue="", traceback=[line, "\x1b[31mplain\x1b[0m"])
    )
    redact_notebook(notebook)
    told = notebook.cells[0].outputs[0].traceback
    assert told == ["----> 1 login(password='***')", "\x1b[31mplain\x1b[0m"]


def test_a_picture_is_left_alone():
    data = {"image/png": "ghp_c4naryC4NARYc4naryC4NARYc4naryC4NARY", "text/plain": "<Figure>"}
    notebook = executed({}, nbformat.v4.new_output("display_data", data=dict(data)))
    redact_notebook(notebook)
    assert notebook.cells[0].outputs[0].data == data


def test_values_under_secret_names_are_masked_whole():
    given = {"api_token": {"a": 1}, "n": 2, "list": [{"password": 5}], "empty": {"token": ""}}
    assert redact_values(given, named=True) == {
        "api_token": "***",
        "n": 2,
        "list": [{"password": "***"}],
        "empty": {"token": ""},
    }
