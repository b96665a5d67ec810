"""Reports that lie in a folder: recognised by their content as evidence is, and gathered into patterns."""

from __future__ import annotations

import glob
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from stabkit.collect.detection.finding import Found, Table, unique_name
from stabkit.collect.detection.tree import Tree
from stabkit.errors import EvidenceError
from stabkit.read import expand, read_file, recognised
from stabkit.text import count, joined

__all__ = ["find_reports"]

_ENDINGS: Final = (
    ".json", ".xml", ".sarif", ".csv", ".tap", ".trx", ".info", ".lcov", ".jsonl", ".ndjson", ".har", ".jtl", ".out",
)  # fmt: skip
# Reports that are kept on purpose, to test a reader or to show one, say nothing of this project.
_ASIDE: Final = re.compile(
    r"(^|/)(fixtures?|__fixtures__|testdata|test[-_]data|examples?|samples?|golden|__snapshots__|data/runs)/", re.I
)
_NO_REPORT: Final = re.compile(r"(^|/)(package(-lock)?|tsconfig.*|composer|\.?eslintrc|pom|build)\.(json|xml)$")
_MOST: Final = 2_000
_WHOLE: Final = 32 * 1024**2
_MOST_LISTED: Final = 50
_TABLES: Final = {"tests": "tests", "scan": "scans", "coverage": "coverage"}


def find_reports(tree: Tree) -> Found:
    """Return a table for each kind and format of reports in a folder; files of load tools are named apart.

    A report that cannot be read is left out, and so are those kept as fixtures or examples.
    """
    candidates = [
        file
        for file in tree.files
        if file.lower().removesuffix(".gz").endswith(_ENDINGS) and not _NO_REPORT.search(file)
    ]
    left_out = [] if len(candidates) <= _MOST else [f"reports behind the first {_MOST:,} files that may be some"]
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    loads, aside = [], []
    for file in candidates[:_MOST]:
        known = _known(tree, file)
        if known is None:
            continue
        kind, tool, fault = known
        if _ASIDE.search(file):
            aside.append(file)
        elif fault is not None:
            left_out.append(f"{file}: {fault}")
        elif kind == "load":
            loads.append(file)
        elif kind in _TABLES:
            groups[kind, tool].append(file)
    if aside:
        left_out.append(f"{joined(aside, most=3)}: kept as fixtures or examples")
    return Found(tuple(_tables(tree, groups)), tuple(left_out), tuple(loads))


def _known(tree: Tree, file: str) -> tuple[str, str, str | None] | None:
    """Return the kind of a report, its format or tool, and what is wrong with it; None for a file that is none."""
    path = tree.root / file
    try:
        found = recognised(path)
    except EvidenceError:
        return None
    if found is None:
        return None
    kind, form = found
    if path.stat().st_size > _WHOLE:
        return kind, form, None
    evidence = read_file(path)
    row = evidence["sources"].iloc[0]
    if row["status"] == "error":
        return kind, form, str(row["message"])[:200]
    tools = evidence["scans"]["tool"].dropna().unique().tolist() if kind == "scan" and "scans" in evidence else []
    return kind, str(tools[0]) if len(tools) == 1 else form, None


def _tables(tree: Tree, groups: dict[tuple[str, str], list[str]]) -> Iterator[Table]:
    taken: set[str] = set()
    for (kind, tool), files in sorted(groups.items()):
        folders = defaultdict(list)
        for file in files:
            folders[file.rpartition("/")[0]].append(file)
        patterns = [pattern for folder in folders.values() for pattern in _patterns(tree, folder)]
        name = unique_name(_suite_name(files, tool) if kind == "tests" else tool, taken)
        taken.add(name)
        why = f"{count(len(files), 'file')} here, recognised as {tool}"
        yield Table(_TABLES[kind], name, {"files": (patterns, why)})


def _suite_name(files: list[str], form: str) -> str:
    """Return what a suite is called: by its one file, else by the folder that all share, else by its format."""
    if len(files) == 1:
        return files[0].rpartition("/")[2].partition(".")[0]
    names = {file.rpartition("/")[0].rpartition("/")[2] for file in files}
    return names.pop() or form if len(names) == 1 else form


def _patterns(tree: Tree, files: Iterable[str]) -> list[str]:
    """Return a pattern for the files of one folder, if it names them alone; else the files themselves."""
    files = sorted(files)
    if len(files) == 1:
        return files
    folder = files[0].rpartition("/")[0]
    names = [file.rpartition("/")[2] for file in files]
    start = os.path.commonprefix(names)  # noqa: RUF071 - names, letter by letter, are what is meant
    end = os.path.commonprefix([name[len(start) :][::-1] for name in names])[::-1]  # noqa: RUF071
    # "TEST-" rather than "TEST-shop.cart.Cart": a class that comes tomorrow is a report of them too.
    first = re.match(r"[A-Za-z]+[-_.]", start)
    for shared in dict.fromkeys([first[0]] if first else []) | {start.rstrip("0123456789"): None}:
        pattern = f"{glob.escape(folder)}/{glob.escape(shared)}*{glob.escape(end)}".removeprefix("/")
        matched = expand(f"{glob.escape(str(tree.root))}/{pattern}")
        if sorted(path.relative_to(tree.root).as_posix() for path in matched) == files:
            return [pattern]
    return files[:_MOST_LISTED]
