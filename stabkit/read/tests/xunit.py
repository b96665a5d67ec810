"""xUnit.net v2 and v3: ``assemblies`` with collections of tests, and errors outside of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stabkit.read.content import xml_root
from stabkit.read.tests._parts.cases import Case, Report, number
from stabkit.read.xml_tree import Element, deepest_total, failure_text, read_tree
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "xunit"
KIND: Final = "tests"

_STATUS: Final[Mapping[str, str]] = {"pass": "pass", "fail": "fail", "skip": "skip", "notrun": "skip"}
_ROOTS: Final = ("assemblies", "assembly")


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is an xUnit.net report, by its root element."""
    return xml_root(head) in _ROOTS


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the report and its ``sources`` row.

    Errors outside of tests (a fixture's clean-up, an assembly that did not load) are cases in error.

    Raises
    ------
    ReportError
        Malformed, refused, or cut off before its first element.
    """
    tree, sound = read_tree(path, *_ROOTS)
    report = Report.of(sound)
    assemblies = [tree] if tree.name == "assembly" else [child for child in tree.children if child.name == "assembly"]
    for assembly in assemblies:
        name = (assembly.get("name") or "").replace("\\", "/").rpartition("/")[2] or None
        variant = assembly.get("target-framework") or assembly.get("environment")
        report.cases += [_case(test, name, variant) for test in assembly.named("test")]
        for error in assembly.named("error"):
            report.add_uncarried(error.get("name") or error.get("type") or name, failure_text(error), suite=name)
    for theirs, ours in (("total", "tests"), ("failed", "failures"), ("passed", "passed"), ("errors", "errors")):
        stated = [count for assembly in assemblies if (count := assembly.count(theirs)) is not None]
        if stated and len(stated) == len(assemblies):
            report.claimed[ours] = sum(stated)
    report.told.append(deepest_total(tree, ["assembly", "collection"], "failed", "errors"))
    report.note_foreign(tree, "assembly", "collection", "class", "errors", "error", "test")
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _case(test: Element, assembly: str | None, variant: str | None) -> Case:
    name, group = test.get("name"), test.get("type")
    if name and group:
        name = name.removeprefix(f"{group}.")
    without = "no_result" if test.child("failure") is None else "fail"
    status = _STATUS.get((test.get("result") or "").lower(), without)
    return Case.of(
        name or test.get("method"),
        status,
        time_s=number(test.get("time")),
        message=failure_text(test, test.child("reason")),
        group=group,
        suite=assembly,
        variant=variant or None,
    )
