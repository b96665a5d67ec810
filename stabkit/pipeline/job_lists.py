"""Files that list reports to make, as JSON or CSV: what each entry says, or what is wrong with it.

A job is plain JSON: ``{"schema": 1, "notebook": "stability_report", "parameters": {"candidate": "v1.5"},
"name": "v1.5", "timeout_s": 600}``. Every key may be left out. A file holds one job a line, or an array of them. In CSV
the first line names the columns: ``notebook``, ``name``, ``timeout_s``, anything else is a parameter; an empty cell is
not given.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from stabkit.errors import StabkitError, UsageError, nearest
from stabkit.text import decoded

__all__ = ["Listed", "read_list"]

_KEYS: Final = ("schema", "notebook", "parameters", "name", "timeout_s")


@dataclass(frozen=True)
class Listed:
    """One entry of a list, before it is known whether it can be run.

    Attributes
    ----------
    where : str
        Where it stands, for people: file and line.
    notebook, name, timeout_s
        As in :class:`~stabkit.pipeline.reports.Job`; None if the entry does not say.
    parameters : mapping
        What the entry gives. Words of CSV are still text.
    offered : mapping
        Further parameters, for notebooks that have them.
    text : bool
        The parameters are words whose type the notebook tells.
    about : str or None
        What it is about, in few words; else its name, else its parameters.
    problem : StabkitError or None
        Why it is no job.
    failed : bool
        The problem is not the list's: it is for the report to tell.
    """

    where: str
    notebook: str | None = None
    name: str | None = None
    timeout_s: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    offered: Mapping[str, Any] = field(default_factory=dict)
    text: bool = False
    about: str | None = None
    problem: StabkitError | None = None
    failed: bool = False


def read_list(content: bytes, name: str) -> list[Listed]:
    """Return the entries of a list of jobs, broken ones with their problem.

    Parameters
    ----------
    content : bytes
        UTF-8 text, or UTF-16 with its mark: JSON if its first character is ``{`` or ``[`` or the name ends as JSON's
        do; else CSV.
    name : str
        What it is called, for messages.

    Raises
    ------
    UsageError
        It is no text, or holds no job at all.
    """
    try:
        text = decoded(content)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError("The list of jobs is not UTF-8 text.", where=f"{name}:{line}", hint=_HELP) from error
    json_like = text.lstrip()[:1] in ("{", "[") or Path(name).suffix in (".json", ".jsonl", ".ndjson")
    if Path(name).suffix == ".csv":
        json_like = False
    found = list(_json_entries(text, name) if json_like else _csv_entries(text, name))
    if not found:
        raise UsageError("The list holds no job.", where=name, hint=_HELP)
    return found


_HELP: Final = 'A job is a line such as: {"notebook": "stability_report", "parameters": {"candidate": "v1.5"}}'


def _json_entries(text: str, name: str) -> Iterator[Listed]:
    if text.lstrip().startswith("["):
        yield from _array_entries(text, name)
        return
    for number, line in enumerate(text.split("\n"), start=1):  # other separators may stand in strings
        if line.strip():
            where = f"{name}:{number}"
            try:
                value = _DECODER.decode(line)
            except (ValueError, RecursionError) as error:
                yield Listed(where, problem=_not_json(error, where))
            else:
                yield _entry(value, where)


def _array_entries(text: str, name: str) -> Iterator[Listed]:
    """Yield the objects of an array, each with the line it begins in; nothing can be said of what follows a fault."""
    place = text.index("[") + 1
    number = 0
    while True:
        place = _skip(text, place, " \t\r\n,")
        number += 1
        where = f"{name}:{text.count(chr(10), 0, place) + 1}, job {number}"
        if text[place : place + 1] == "]":
            if text[place + 1 :].strip():
                yield Listed(where, problem=UsageError("Something follows the array.", where=where, hint=_HELP))
            return
        try:
            value, place = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            yield Listed(where, problem=_not_json(error, where))
            return
        yield _entry(value, where)


def _skip(text: str, place: int, characters: str) -> int:
    while text[place : place + 1] and text[place] in characters:
        place += 1
    return place


def _once(pairs_: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs_)
    if len(found) < len(pairs_):
        raise ValueError("a key stands twice")
    return found


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)


def _not_json(error: Exception, where: str) -> UsageError:
    said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
    return UsageError(f"Not JSON: {said}.", where=where, hint=_HELP)


def _entry(value: Any, where: str) -> Listed:
    try:
        return _checked(value, where)
    except StabkitError as problem:
        return Listed(where, problem=problem)


def _checked(value: Any, where: str) -> Listed:
    if not isinstance(value, dict):
        raise UsageError("A job is an object.", where=where, hint=_HELP)
    for key in value:
        if key not in _KEYS:
            guess = nearest(key, _KEYS)
            hint = f"Did you mean {guess!r}? " if guess else "Parameters stand in 'parameters'. "
            raise UsageError(f"A job has no key {key!r}.", where=where, hint=f"{hint}It has: {', '.join(_KEYS)}.")
    if value.get("schema", 1) != 1:
        raise UsageError(f"A job of schema {value['schema']!r} cannot be read.", where=where, hint='Use "schema": 1.')
    parameters = value.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise UsageError("'parameters' is an object.", where=where, hint=_HELP)
    return Listed(
        where,
        notebook=_word(value, "notebook", where),
        name=_word(value, "name", where),
        timeout_s=_seconds(value.get("timeout_s"), where),
        parameters=parameters,
    )


def _word(value: Mapping[str, Any], key: str, where: str) -> str | None:
    word = value.get(key)
    if word is None or (isinstance(word, str) and word.strip()):
        return word
    raise UsageError(f"{key!r} is a word.", where=where, hint=_HELP)


def _seconds(value: Any, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value > 0):
        raise UsageError("'timeout_s' is a number of seconds above 0.", where=where, hint='Such as: "timeout_s": 600')
    return float(value)


def _csv_entries(text: str, name: str) -> Iterator[Listed]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = [column.strip() for column in next(rows, [])]
        _check_head(head, name)
        for row in rows:
            where = f"{name}:{rows.line_num}"
            if any(cell.strip() for cell in row):
                yield _row(head, row, where)
    except csv.Error as error:
        where = f"{name}:{rows.line_num}"
        yield Listed(where, problem=UsageError(f"Not CSV: {error}.", where=where, hint=_CSV_HELP))


_CSV_HELP: Final = "The first line names notebook, name, timeout_s or parameters, separated by commas."


def _check_head(head: Sequence[str], name: str) -> None:
    odd = next((column for column in head if not column.isidentifier()), None)
    twice = next((column for column in head if head.count(column) > 1), None)
    if odd is not None or twice is not None or not head:
        what = f"the column {odd!r} can be no parameter" if odd is not None else f"the column {twice!r} stands twice"
        raise UsageError(
            f"The list of jobs is neither JSON nor CSV: {what if head else 'it is empty'}.",
            where=f"{name}:1",
            hint=f"{_CSV_HELP} {_HELP}",
        )


def _row(head: Sequence[str], row: Sequence[str], where: str) -> Listed:
    if len(row) != len(head):
        what = f"{len(row)} cells under {len(head)} columns."
        return Listed(where, problem=UsageError(what, where=where, hint="Quote cells that hold a comma."))
    given = {column: cell.strip() for column, cell in zip(head, row, strict=True) if cell.strip()}
    limit = given.pop("timeout_s", None)
    try:
        seconds = _seconds(None if limit is None else float(limit), where)
    except ValueError:
        return _entry({"timeout_s": limit}, where)
    except StabkitError as problem:
        return Listed(where, problem=problem)
    return Listed(where, given.pop("notebook", None), given.pop("name", None), seconds, parameters=given, text=True)
