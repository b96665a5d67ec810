"""A folder as a stabkit.toml that fits: each line says from what it was derived, and what is not known is left out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stabkit.collect.detection.endpoints import find_endpoints
from stabkit.collect.detection.finding import Found, Table, joined_findings, unique_name
from stabkit.collect.detection.manifests import find_areas, find_changes, find_name, find_suites
from stabkit.collect.detection.reports import find_reports
from stabkit.collect.detection.tree import project_tree
from stabkit.collect.detection.workflows import find_workflows
from stabkit.lines import shown_line

__all__ = ["Detected", "detect_project"]

_TITLES: Final = {
    "http": "Endpoints: asked by stabkit collect, while the service is up",
    "tests": "Test suites",
    "scans": "Scans",
    "coverage": "Coverage",
    "changes": "The change itself",
    "areas": "Areas of the code",
}
# What no file can say: where the old version is, by which one collection judges both at once.
_SIDES: Final = {
    "http": ('baseline_url = "http://127.0.0.1:PORT/PATH"  # the old version, up beside the new one',),
    **dict.fromkeys(
        ("tests", "scans", "coverage"), ('baseline_directory = "../old"  # the source of the old version',)
    ),
}
_LONGEST: Final = 200


@dataclass(frozen=True)
class Detected:
    """What was found in a folder.

    Attributes
    ----------
    text : str
        The content of stabkit.toml.
    found : tuple of str
        What the file declares, in words.
    left_out : tuple of str
        What it does not, and why.
    loads : tuple of str
        Files of load tools: they are imported, not declared.
    declares : bool
        True if there is anything to collect.
    endpoints : bool
        True if something has to be up for that.
    reports : bool
        True if reports are taken that other tools have to write afresh each time.
    """

    text: str
    found: tuple[str, ...]
    left_out: tuple[str, ...]
    loads: tuple[str, ...]
    declares: bool
    endpoints: bool
    reports: bool


def detect_project(folder: Path) -> Detected:
    """Look at a folder and return the stabkit.toml that fits it; nothing is run, asked or written.

    Raises
    ------
    UsageError
        There is no such folder.

    Examples
    --------
    >>> detected = detect_project(Path("data/sample"))
    >>> detected.text.splitlines()[3:5]
    ['[project]', 'name = "sample"  # the name of this folder']
    """
    tree = project_tree(folder)
    reports = find_reports(tree)
    suites = find_suites(tree, reported=any(table.kind == "tests" for table in reports.tables))
    whole = joined_findings(
        (
            Found((find_name(tree),)), find_endpoints(tree), suites, reports, find_changes(tree), find_areas(tree),
            find_workflows(tree), Found(left_out=tree.left_out),
        )
    )  # fmt: skip
    tables = tuple(_named_once(whole.tables))
    collected = [table for table in tables if table.kind in ("http", "tests", "scans", "coverage")]
    return Detected(
        "\n".join(_lines(tables, whole)) + "\n",
        tuple(shown_line(_in_words(table)) for table in tables),
        tuple(shown_line(words) for words in whole.left_out),
        whole.loads,
        bool(collected),
        any(table.kind == "http" for table in collected),
        any("files" in table.values for table in collected),
    )


def _named_once(tables: Iterable[Table]) -> Iterator[Table]:
    """Yield the tables under names that none shares: conditions follow from them, and each has its own name."""
    taken: dict[str, set[str]] = {}
    for table in tables:
        if table.name is None:
            yield table
            continue
        # Areas are no part of conditions, and share no name with what is judged.
        used = taken.setdefault("areas" if table.kind == "areas" else "judged", set())
        name = unique_name(table.name, used)
        used.add(name)
        yield Table(table.kind, name, table.values, table.comments)


def _lines(tables: tuple[Table, ...], whole: Found) -> Iterator[str]:
    yield "# stabkit.toml, written by stabkit init --detect: each line says from what it was derived."
    yield "# Nothing was run. What is wrong here is yours to change; all keys: stabkit init in an empty folder."
    yield ""
    for title in (None, *_TITLES):
        mine = [table for table in tables if table.kind == (title or "project")]
        proposed = [table for table in whole.proposed if table.kind == title]
        if title and (mine or proposed):
            yield f"# --- {_TITLES[title]} ---"
        for table in mine:
            yield from _table(table)
        for table in proposed:
            yield from (f"# {line}" if line else line for line in _table(table))
    if whole.loads:
        yield "# --- Files of load tools: stored by stabkit import load FILE, and not declared here ---"
        yield from (f"# {_comment(file)}" for file in whole.loads[:20])


def _table(table: Table) -> Iterator[str]:
    yield f"[{table.kind}{f'.{table.name}' if table.name else ''}]"
    for key, (value, why) in table.values.items():
        yield f"{key} = {_toml(value)}  # {_comment(why)}"
    if table.kind == "project":
        yield 'environment = "local"  # only runs of equal environments share a trend line: name yours'
    yield from (f"# {line}" for line in (*table.comments, *_SIDES.get(table.kind, ())))
    yield ""


def _toml(value: Any) -> str:
    r"""Return a value as TOML; whatever a name holds, it ends no string and begins no line.

    Examples
    --------
    >>> print(_toml('a"]\n[x]\x7f'), _toml(["b", "c"]), _toml(201))
    "a\"]\n[x]\u007f" ["b", "c"] 201
    """
    if isinstance(value, list):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, int):
        return str(value)
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in quoted)


def _escaped(letter: str) -> str:
    code = ord(letter)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _comment(text: str) -> str:
    return shown_line(text.replace("\t", " "))[:_LONGEST]


def _in_words(table: Table) -> str:
    """Return what a table declares, in one line."""
    (key, (value, why)) = next(iter(table.values.items()))
    shown = " ".join(value) if key.endswith("command") else ", ".join(value[:3]) if isinstance(value, list) else value
    more = f" and {len(value) - 3} more" if isinstance(value, list) and key == "files" and len(value) > 3 else ""
    name = f"{table.kind}.{table.name}" if table.name else table.kind
    return f"[{name}] {key} = {shown}{more}  ({why})"
