"""What a notebook's Python cells do with environment variables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from stabkit.change.environment.python import python_uses
from stabkit.change.environment.uses import Uses
from stabkit.change.python_code import parse

__all__ = ["notebook_uses"]


def notebook_uses(content: bytes) -> Uses | None:
    r"""Return what the code cells of a notebook do, with the lines of its file; None if it cannot be parsed.

    Lines of the shell and magics are no Python, and are passed over.

    Examples
    --------
    >>> cell = b'{"cells": [{"cell_type": "code",\n"source": ["!ls\\n",\n"import os\\n",\n"os.environ[\\"A\\"]"]}]}'
    >>> [(use.name, use.line) for use in notebook_uses(cell).reads]
    [('A', 4)]
    """
    try:
        notebook = json.loads(content)
    except (ValueError, RecursionError):
        return None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    source = [line for cell in (cells if isinstance(cells, list) else ()) for line in _lines(cell)]
    code = ["pass" if line.lstrip().startswith(("%", "!", "?")) else line for line in source]
    tree = parse("\n".join(code).encode("utf-8", "replace"))
    if tree is None:
        return None
    try:
        found = python_uses(tree)
    except RecursionError:
        return None
    places = _places(content.decode("utf-8", "replace"), source)

    def placed(uses: list[Any]) -> list[Any]:
        return [replace(use, line=places[min(use.line, len(places)) - 1]) for use in uses]

    return Uses(reads=placed(found.reads), dynamic=placed(found.dynamic))


def _lines(cell: Any) -> Iterator[str]:
    if not isinstance(cell, dict) or cell.get("cell_type") != "code":
        return
    source = cell.get("source")
    text = "".join(map(str, source)) if isinstance(source, list) else str(source or "")
    # A cell magic makes the whole cell something else.
    yield from [] if text.lstrip().startswith("%%") else text.splitlines()


def _places(text: str, source: list[str]) -> list[int]:
    """Return the line of the file that each line of code stands in, looked for one after the other."""
    found, position, line = [], 0, 1
    for code in source:
        at = text.find(json.dumps(code, ensure_ascii=False)[1:-1], position)
        if at >= 0:
            line += text.count("\n", position, at)
            position = at
        found.append(line)
    return found or [1]
