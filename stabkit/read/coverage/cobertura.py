"""Cobertura's XML, which coverage.py, nyc, gcovr, coverlet and others write: lines of classes of packages."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from stabkit.read.content import head_lines, normalise_path, xml_root
from stabkit.read.coverage._parts.covered_files import CoverageReport
from stabkit.read.json_shapes import positive
from stabkit.read.xml_tree import Element, read_tree
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "cobertura"
KIND: Final = "coverage"
_ROOT: Final = "coverage"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is Cobertura's XML; Clover's root bears the same name."""
    if xml_root(head) != _ROOT:
        return False
    shown = " ".join(head_lines(head))
    return "clover=" not in shown and ("line-rate" in shown or "<packages" in shown)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``coverage`` of the report and its ``sources`` row.

    The lines of a class count, not those of its methods, which repeat them. A file may hold several classes. Its name
    follows the one ``source`` where that lies beneath ``root``.

    Raises
    ------
    ReportError
        Malformed, refused, or cut off before its first element.
    """
    tree, sound = read_tree(path, _ROOT)
    report = CoverageReport(
        warnings=list(sound.warnings),
        status=sound.status,
        line=sound.line,
        column=sound.column,
        claimed={"lines": tree.count("lines-valid"), "covered": tree.count("lines-covered")},
    )
    before = _folder(tree, root)
    for element in tree.named("class"):
        name = element.get("filename")
        place = name if name is None or _absolute(name) else f"{before}{name}"
        report.file(place)
        for lines in (child for child in element.children if child.name == "lines"):
            for line in (child for child in lines.children if child.name == "line"):
                hits = line.get("hits")
                known = hits is not None and hits.isdecimal()
                if not known:
                    report.unread.append(f"{place}: a line that does not say whether it ran")
                report.tell(place, positive(line.get("number")), ran=known and bool((hits or "").strip("0")))
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _folder(tree: Element, root: Path | None) -> str:
    """Return what goes before the names of files: the one source folder, relative to the root; else nothing."""
    sources = [text for element in tree.named("source") if (text := element.text)]
    if len(sources) != 1 or root is None or not _absolute(sources[0]):
        return ""
    inner = normalise_path(sources[0], root=root)
    return "" if _absolute(inner) or not inner or inner == normalise_path(str(root)) else f"{inner}/"


def _absolute(path: str) -> bool:
    return path.startswith(("/", "\\")) or path[1:2] == ":"
