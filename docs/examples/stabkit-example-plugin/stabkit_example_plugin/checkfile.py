"""checkfile: one line a test, its status, name and seconds, below a first line ``# checkfile``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from stabkit.readers import Case, Evidence, Report, number, text_lines

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "checkfile"
KIND: Final = "tests"
_STATUSES: Final = {"PASS": "pass", "FAIL": "fail"}


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is of this format."""
    return head.startswith(b"# checkfile\n")


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the file and its ``sources`` row."""
    report = Report()
    for line in text_lines(path):
        if not line.strip() or line.startswith("#"):
            continue
        word, _, rest = line.strip().partition(" ")
        name, _, seconds = rest.rpartition(" ")
        # A word that is not known is no result, never a pass.
        report.cases.append(Case.of(name or rest, _STATUSES.get(word, "no_result"), time_s=number(seconds)))
    return report.evidence(path, form=FORMAT, suite=suite, root=root)
