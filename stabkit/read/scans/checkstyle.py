"""Checkstyle's XML, which ktlint, detekt, phpcs, eslint and others write too: files with their errors."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from stabkit.read.content import ReportError, xml_root
from stabkit.read.scans._results import Result, Scan, positive
from stabkit.read.xml_tree import Element, read_tree
from stabkit.schema import Evidence
from stabkit.sources import Fault

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "checkstyle"
KIND: Final = "scan"
_ROOT: Final = "checkstyle"
_UNREAD: Final = ("Parsing error", "Exception occurred", "Unable to parse", "Got an exception")


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is such a report."""
    return xml_root(head) == _ROOT


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``findings`` of the report, its ``scans`` and its ``sources`` row.

    The format does not say who wrote it, so the tool is called by the format. Which files were looked at is known only
    where clean ones are listed too: most tools leave them out.

    Raises
    ------
    ReportError
        Malformed, refused, or cut off: what was not read might hold anything.
    """
    tree, sound = read_tree(path, _ROOT)
    if sound.status == "error":
        raise ReportError(Fault(sound.warnings[0], "cut_off"), line=sound.line, column=sound.column)
    scan = Scan("checkstyle", tree.get("version"), warnings=list(sound.warnings))
    files = [child for child in tree.children if child.name == "file"]
    for file in files:
        name = file.get("name")
        for error in file.children:
            if error.name == "exception":
                scan.unread.append(f"{name}: {(error.text or 'an exception')[:300]}")
            elif error.name == "error":
                _add(scan, name, error)
    if any(not file.children for file in files):
        scan.paths = [name for file in files if (name := file.get("name"))]
    return scan.evidence(path, form=FORMAT, suite=suite, root=root)


def _add(scan: Scan, name: str | None, error: Element) -> None:
    rule, message = error.get("source"), error.get("message")
    if (message or "").startswith(_UNREAD) or (rule or "").startswith("Internal."):
        scan.unread.append(f"{name}: {message or rule}")
        return
    severity = error.get("severity")
    quiet = severity == "ignore"
    scan.results.append(Result(rule, name, positive(error.get("line")), message, severity, suppressed=quiet))
