"""JaCoCo's XML: packages of source files, each line with the instructions that ran and those that did not."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from stabkit.read.content import head_lines, xml_root
from stabkit.read.coverage._parts.covered_files import CoverageReport
from stabkit.read.json_shapes import positive
from stabkit.read.xml_tree import Element, read_tree
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "jacoco"
KIND: Final = "coverage"
_ROOT: Final = "report"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is JaCoCo's XML; other tools call their root ``report`` too."""
    if xml_root(head) != _ROOT:
        return False
    shown = " ".join(head_lines(head))
    return any(mark in shown for mark in ("JACOCO", "<sessioninfo", "<sourcefile"))


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``coverage`` of the report and its ``sources`` row.

    A line of which any instruction ran counts as covered. A file is called by its package, as in
    ``com/example/Cart.java``; modules of one report may hold the same name, and are told apart by their group.

    Raises
    ------
    ReportError
        Malformed, refused, or cut off before its first element.
    """
    tree, sound = read_tree(path, _ROOT)
    report = CoverageReport(warnings=list(sound.warnings), status=sound.status, line=sound.line, column=sound.column)
    total = _lines(tree)
    report.claimed = {} if total is None else {"lines": sum(total), "covered": total[1]}
    stack: list[tuple[Element, tuple[str, ...]]] = [(tree, ())]
    while stack:
        element, groups = stack.pop()
        stack += [
            (child, (*groups, child.get("name") or "")) for child in reversed(element.children) if child.name == "group"
        ]
        for package in (child for child in element.children if child.name == "package"):
            for file in (child for child in package.children if child.name == "sourcefile"):
                name = "/".join(part for part in (package.get("name"), file.get("name")) if part)
                place = name if len(groups) < 1 else "/".join([*(group for group in groups if group), name])
                _read_file(report, place, file)
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _read_file(report: CoverageReport, place: str, file: Element) -> None:
    own = report.file(place)
    for line in (child for child in file.children if child.name == "line"):
        ran = line.count("ci")
        if ran is None:
            report.unread.append(f"{place}: a line that does not say whether it ran")
        report.tell(place, positive(line.get("nr")), ran=bool(ran))
    if (counts := _lines(file)) is not None:
        own.stated, own.stated_covered = sum(counts), counts[1]


def _lines(element: Element) -> tuple[int, int] | None:
    """Return how many lines an element counts that did not run, and that did; None where it counts none."""
    for child in element.children:
        if child.name == "counter" and child.get("type") == "LINE":
            return child.count("missed") or 0, child.count("covered") or 0
    return None
