"""Reports that the workflows of a CI write and that are not here now: proposed, never declared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from stabkit.collect.detection.finding import Found, Table, unique_name
from stabkit.collect.detection.tree import Tree

__all__ = ["find_workflows"]

_MOST_FILES: Final = 50
_MOST: Final = 10
_NAME: Final = r"[\w./*-]{1,200}"
# What a tool is told to write, as its own documentation spells the option.
_WRITTEN: Final = (
    ("tests", re.compile(rf"--junit-?xml[= ]\"?({_NAME}\.xml)\b")),
    ("tests", re.compile(rf"^\s*junit:\s*\"?({_NAME}\.xml)\b")),
    ("tests", re.compile(rf"go test [^|>]*-json[^|>]*(?:>|\| *tee) *({_NAME}\.jsonl?)\b")),
    ("coverage", re.compile(rf"--cov-report[= ]\"?xml:({_NAME}\.xml)\b")),
    ("coverage", re.compile(rf"-coverprofile[= ]({_NAME}\.(?:out|txt))\b")),
    ("coverage", re.compile(rf"^\s*path:\s*\"?({_NAME}cobertura{_NAME}\.xml)\b")),
    ("scans", re.compile(rf"(?:--output-file|--output|-o|sarif_file:|--sarif-output)[= ]\"?({_NAME}\.sarif)\b")),
)


def find_workflows(tree: Tree) -> Found:
    """Return what workflows of GitHub and GitLab write as reports, with the line that says so."""
    files = [
        file
        for file in tree.files
        if file == ".gitlab-ci.yml" or (file.startswith(".github/workflows/") and file.endswith((".yml", ".yaml")))
    ]
    proposed: dict[str, Table] = {}
    for file in files[:_MOST_FILES]:
        for kind, path, line in _told(tree.text(file) or ""):
            if path not in proposed and path not in tree.files and not path.startswith(("/", "..")):
                name = unique_name(path.rpartition("/")[2].partition(".")[0], (str(t.name) for t in proposed.values()))
                proposed[path] = Table(kind, name, {"files": ([path], f"{file}, line {line}: not here now")})
    kept = tuple(proposed.values())[:_MOST]
    told = [next(iter(table.values.values())) for table in kept]
    left_out = tuple(f"{files[0]}: {why}" for files, why in told)
    return Found(proposed=kept, left_out=left_out)


def _told(text: str) -> Iterator[tuple[str, str, int]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > 2_000:
            continue
        for kind, pattern in _WRITTEN:
            for found in pattern.finditer(line):
                yield kind, found[1].removeprefix("./"), number
