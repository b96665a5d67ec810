"""Variables that notebooks read: cells are Python, magics and outputs are none."""

import json

import pytest

from stabkit.change.environment.notebooks import notebook_uses
from tests.change.repositories import Repository, between, check

CHECK = "no environment variable change"


def notebook(*cells: str, kind: str = "code", output: str = "") -> str:
    told = [
        {"cell_type": kind, "source": cell.splitlines(keepends=True), "outputs": [{"text": output}]} for cell in cells
    ]
    return json.dumps({"cells": told, "nbformat": 4}, indent=1)


def test_another_variable_is_told_with_the_line_of_the_file(repository: Repository) -> None:
    before = notebook("!pip list\nimport os\n", 'print(os.environ["A"])\n')
    evidence = between(repository, {"look.ipynb": before}, {"look.ipynb": before.replace("A", "B")})
    row = check(evidence, CHECK)
    facts = json.loads(row["facts"])["facts"]
    assert (row["outcome"], {fact["what"] for fact in facts}) == ("fail", {"A", "B"})
    text = before.replace("A", "B").splitlines()
    assert all("environ" in text[fact["line"] - 1] for fact in facts)


def test_a_read_that_moves_into_a_notebook_is_no_change(repository: Repository) -> None:
    code = 'import os\nx = os.environ["A"]\n'
    evidence = between(repository, {"a.py": code, "b.py": ""}, {"a.py": None, "look.ipynb": notebook(code)})
    assert check(evidence, CHECK)["outcome"] == "pass"


@pytest.mark.parametrize(
    "text",
    [
        notebook('os.environ["A"]\n', kind="markdown"),
        notebook("import os\n", output='os.environ["A"]'),
        notebook('%%bash\necho os.environ["A"]\n'),
        notebook(),
    ],
)
def test_what_is_no_cell_of_python_reads_nothing(text: str) -> None:
    uses = notebook_uses(text.encode())
    assert uses is not None
    assert uses.reads == []


ODD_CELLS = b'{"cells": [3, {"cell_type": "code"}]}'


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff" * 50, b"[" * 100_000, b'{"cells": 3}', ODD_CELLS, notebook("def (\n").encode()],
)
def test_hostile_content_leaves_a_question_open_or_reads_nothing(content: bytes) -> None:
    uses = notebook_uses(content)
    assert uses is None or uses.reads == []
