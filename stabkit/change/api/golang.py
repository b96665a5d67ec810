"""What the packages of a Go module export, found by pattern: names that start with a capital."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Final

from stabkit.change.facts import Fact
from stabkit.change.git import Blob
from stabkit.change.snapshots import Snapshots

__all__ = ["go_packages", "gone_exports"]

_ASIDE: Final = re.compile(
    r"(^|/)(internal|cmd|vendor|testdata|examples?|_[^/]*|\.[^/]*|third_party|node_modules|tests?)(/|$)"
)
_MAIN: Final = re.compile(rb"^package[ \t]+main\b", re.MULTILINE)
_FUNCTION: Final = re.compile(
    r"^func[ \t]+(?:\([ \t]*(?:\w+[ \t]+)?\*?([A-Z]\w*)(?:\[[^\]]*\])?[ \t]*\)[ \t]*)?([A-Z]\w*)(\[[^\]]*\])?"
    r"([^{\n]*(?:\n[^{}\n]*){0,12}?)\{",
    re.MULTILINE,
)
_SINGLE: Final = re.compile(r"^(type|var|const)[ \t]+([A-Z]\w*)", re.MULTILINE)
_BLOCK: Final = re.compile(r"^(type|var|const)[ \t]*\(\n(.*?)^\)", re.MULTILINE | re.DOTALL)
_LISTED: Final = re.compile(r"^(?:\t|[ ]{2,4})([A-Z]\w*)\b", re.MULTILINE)

Exports = dict[str, tuple[str, int, str, str]]


def go_packages(snapshots: Snapshots, tree: Mapping[str, Blob]) -> dict[str, list[Blob]]:
    """Return the files of each package that others import, by folder.

    A module with commands and without a package at its top is an application: nobody imports it.
    """
    modules = {path.rpartition("/")[0] for path in tree if PurePosixPath(path).name == "go.mod"}
    modules = {folder for folder in modules if not _ASIDE.search(folder)}
    if not modules:
        return {}
    folders: dict[str, list[Blob]] = {}
    for path, blob in tree.items():
        if path.endswith(".go") and not path.endswith("_test.go"):
            folders.setdefault(path.rpartition("/")[0], []).append(blob)
    changed = {path.rpartition("/")[0] for one in snapshots.changes for path in (one.path, one.base_path)}
    libraries = {folder for folder in modules if _is_library(snapshots, folder, folders)}
    found = {
        folder: blobs
        for folder, blobs in folders.items()
        if not _ASIDE.search(folder) and _module_of(folder, modules) in libraries
    }
    snapshots.load(blob for folder in found if folder in changed for blob in found[folder])
    return {
        folder: blobs
        for folder, blobs in found.items()
        if folder not in changed or not any(_MAIN.search(snapshots.content(blob) or b"") for blob in blobs)
    }


def gone_exports(
    snapshots: Snapshots, base: Mapping[str, list[Blob]], head: Mapping[str, list[Blob]]
) -> Iterable[Fact]:
    """Yield the exported names that a package had and lacks, and functions whose parameters or results differ."""
    for folder, blobs in base.items():
        others = head.get(folder, [])
        if {blob.object_id for blob in blobs} == {blob.object_id for blob in others}:
            continue
        old, new = _exports(snapshots, blobs), _exports(snapshots, others)
        for name, (path, line, noun, signature) in old.items():
            what = f"{folder}.{name}" if folder else name
            if name not in new:
                yield Fact(path, line, what, "object_removed", noun, None, None, proven=False)
            elif signature != new[name][3]:
                after = new[name]
                yield Fact(after[0], after[1], what, "signature_changed", noun, signature, after[3], proven=False)


def _is_library(snapshots: Snapshots, folder: str, folders: Mapping[str, list[Blob]]) -> bool:
    top = folders.get(folder, [])
    snapshots.load(top)
    if any(not _MAIN.search(snapshots.content(blob) or b"") for blob in top):
        return True
    inside = [one for one in folders if not folder or one.startswith(folder + "/")]
    return not top and not any(re.search(r"(^|/)cmd(/|$)", one) for one in inside)


def _module_of(folder: str, modules: set[str]) -> str | None:
    while folder not in modules:
        if not folder:
            return None
        folder = folder.rpartition("/")[0]
    return folder


def _exports(snapshots: Snapshots, blobs: Iterable[Blob]) -> Exports:
    found: Exports = {}
    for blob in blobs:
        text = (snapshots.content(blob) or b"").decode("utf-8", "replace").replace("\r\n", "\n")
        for match in _FUNCTION.finditer(text):
            receiver, name, _, rest = match.groups()
            line = text.count("\n", 0, match.start()) + 1
            full = f"{receiver}.{name}" if receiver else name
            found[full] = (blob.path, line, "method" if receiver else "function", _types(rest))
        for match in _SINGLE.finditer(text):
            found[match[2]] = (blob.path, text.count("\n", 0, match.start()) + 1, match[1], "")
        for block in _BLOCK.finditer(text):
            for match in _LISTED.finditer(block[2]):
                line = text.count("\n", 0, block.start(2) + match.start()) + 1
                found[match[1]] = (blob.path, line, block[1], "")
    return found


def _types(rest: str) -> str:
    """Return parameters and results without the spacing; names of parameters are no part of the type."""
    return re.sub(r"\s+", " ", re.sub(r"([(,]\s*)(\w+)\s+(?=[\w*\[.])(?!\.\w)", r"\1", rest)).strip(" ,")
