"""What a JavaScript or TypeScript package exports: its entry points as ``package.json`` names them, and their names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from stabkit.change.facts import Fact
from stabkit.change.git import Blob
from stabkit.change.snapshots import Snapshots

__all__ = ["Entries", "gone_entries", "gone_names", "published_entries", "untold"]

_ASIDE: Final = re.compile(
    r"(^|/)(node_modules|tests?|__tests__|examples?|fixtures?|vendor|third_party|docs?|demo|e2e)/"
)
_SUFFIXES: Final = (".ts", ".tsx", ".mts", ".js", ".mjs", ".cjs", ".jsx", ".d.ts")
# What is built is not committed: its source lies under src/ by the same name.
_BUILT: Final = re.compile(r"^(?:dist|lib|build|es|esm|cjs|out)/(?:(?:esm|cjs|es|types)/)?")
_EXPORT: Final = re.compile(
    rb"^[ \t]*export[ \t]+(?:declare[ \t]+)?(?:abstract[ \t]+)?(?:async[ \t]+)?"
    rb"(?:function\*?|class|const|let|var|enum|const[ \t]+enum|interface|type|namespace)[ \t]+([\w$]+)"
    rb"|^[ \t]*export[ \t]+(default)\b"
    rb"|^[ \t]*export[ \t]+(?:type[ \t]+)?\{([^}]*)\}"
    rb"|^[ \t]*(?:module\.)?exports\.([\w$]+)[ \t]*=(?!=)"
    rb"|^[ \t]*(?:exports[ \t]*=[ \t]*)?module\.exports[ \t]*=[ \t]*\{([\w$,: \t\r\n.]*)\}",
    re.MULTILINE,
)
# What a module of CommonJS is as a whole, where it is no list of names.
_WHOLE: Final = re.compile(rb"\bmodule\.exports[ \t]*=(?!=)")
_ALL: Final = re.compile(rb"""^[ \t]*export[ \t]+(?:type[ \t]+)?\*[ \t]+from[ \t]+["'](\.[^"']*)["']""", re.MULTILINE)
_HOPS: Final = 6


@dataclass(frozen=True)
class Entries:
    """The entry points of one package: subpath -> the file that stands for it, where that is found."""

    name: str
    manifest: str
    files: Mapping[str, str | None]


def published_entries(snapshots: Snapshots, tree: Mapping[str, Blob]) -> dict[str, Entries]:
    """Return what each package of a tree exports, by folder; an application (private, no entry point) has nothing."""
    paths = [path for path in tree if PurePosixPath(path).name == "package.json" and not _ASIDE.search(path)]
    snapshots.load(tree[path] for path in paths)
    found = {}
    for path in paths:
        try:
            stated = json.loads(snapshots.content(tree[path]) or b"")
        except (ValueError, RecursionError):
            continue
        if isinstance(stated, dict):
            folder = path.rpartition("/")[0]
            targets = _targets(stated)
            if targets:
                files = {key: _file(folder, target, tree) for key, target in targets.items()}
                found[folder] = Entries(str(stated.get("name") or folder), path, files)
    return found


def gone_entries(base: Mapping[str, Entries], head: Mapping[str, Entries]) -> Iterator[Fact]:
    """Yield the entry points that a package had and has no more; a package moved elsewhere is the same by its name."""
    by_name = {entries.name: entries for entries in head.values()}
    for entries in base.values():
        other = by_name.get(entries.name)
        for key, file in entries.files.items():
            what = entries.name + key.removeprefix(".")
            if other is None or key not in other.files:
                if other is None or not any("*" in one and _matches(one, key) for one in other.files):
                    yield Fact(entries.manifest, None, what, "deleted", "module", key, None)
            elif file is not None and other.files[key] is None:
                yield Fact(file, None, what, "deleted", "module", file, None, proven=False)


def gone_names(snapshots: Snapshots, base: Mapping[str, Entries], head: Mapping[str, Entries]) -> Iterator[Fact]:
    """Yield the names that an entry point exported and exports no more, found by pattern."""
    by_name = {entries.name: entries for entries in head.values()}
    changed = {path for change in snapshots.changes for path in (change.path, change.base_path)}
    for entries in base.values():
        if entries.name not in by_name or not any(path.endswith(_SUFFIXES) for path in changed):
            continue
        for key, file in entries.files.items():
            after = by_name[entries.name].files.get(key)
            if file is None or after is None:
                continue
            old = _names(snapshots, snapshots.base_tree, file, _HOPS)
            new = _names(snapshots, snapshots.head_tree, after, _HOPS)
            if old is None or new is None:
                continue
            for name, (path, line) in old.items():
                if name not in new:
                    what = f"{entries.name}{key.removeprefix('.')}: {name}"
                    yield Fact(path, line, what, "object_removed", "export", name, None, proven=False)


def untold(snapshots: Snapshots, base: Mapping[str, Entries], head: Mapping[str, Entries]) -> list[str]:
    """Return the changed entry points whose names cannot be told at an end."""
    ends = ((snapshots.base_tree, base), (snapshots.head_tree, head))
    changed = {path for change in snapshots.changes for path in (change.path, change.base_path)}
    return sorted(
        {
            file
            for tree, entries in ends
            for one in entries.values()
            for file in one.files.values()
            if file in changed and file.endswith(_SUFFIXES) and _names(snapshots, tree, file, _HOPS) is None
        }
    )


def _targets(stated: Mapping[str, Any]) -> dict[str, str]:
    exports = stated.get("exports")
    found: dict[str, str] = {}
    if isinstance(exports, str):
        found["."] = exports
    elif isinstance(exports, dict):
        keyed = exports if any(str(key).startswith(".") for key in exports) else {".": exports}
        for key, value in keyed.items():
            if (target := _first(value)) is not None:
                found[str(key)] = target
    main = next(
        (stated[key] for key in ("main", "module", "types", "browser") if isinstance(stated.get(key), str)), None
    )
    if not found and main is not None:
        found["."] = str(main)
    if not found and stated.get("private") is not True and "name" in stated and "version" in stated:
        found["."] = "index.js"
    return found


def _first(value: Any, depth: int = 6) -> str | None:
    if isinstance(value, str):
        return value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((one for part in inner if depth and (one := _first(part, depth - 1)) is not None), None)


def _file(folder: str, target: str, tree: Mapping[str, Blob]) -> str | None:
    """Return the file of the repository that an entry point stands for, its source where it is built."""
    plain = target.removeprefix("./")
    for path in (plain, _BUILT.sub("src/", plain), _BUILT.sub("", plain)):
        stem = f"{folder}/{path}".lstrip("/")
        if stem in tree:
            return stem
        bare = re.sub(r"(\.d)?\.[cm]?[jt]sx?$", "", stem)
        for suffix in (*_SUFFIXES, *(f"/index{one}" for one in _SUFFIXES)):
            if bare + suffix in tree:
                return bare + suffix
    return None


def _matches(pattern: str, key: str) -> bool:
    before, _, after = pattern.partition("*")
    return key.startswith(before) and key.endswith(after)


def _names(snapshots: Snapshots, tree: Mapping[str, Blob], path: str, hops: int) -> dict[str, tuple[str, int]] | None:
    """Return what a module exports, and where; None where that cannot be told."""
    content = snapshots.content(tree.get(path))
    if content is None or hops < 0:
        return None
    if len(_WHOLE.findall(content)) != sum(
        match[5] is not None and b"..." not in match[5] for match in _EXPORT.finditer(content)
    ):
        return None
    found: dict[str, tuple[str, int]] = {}
    for match in _EXPORT.finditer(content):
        line = content.count(b"\n", 0, match.start()) + 1
        single, default, several, common, keys = (
            part.decode("utf-8", "replace") if part else "" for part in match.groups()
        )
        listed = re.sub(r"//[^\n]*|/\*.*?\*/", "", several, flags=re.DOTALL).split(",")
        listed += [key.partition(":")[0] for key in keys.split(",")]
        for name in (single, default, common, *(one.split(" as ")[-1].removeprefix("type ").strip() for one in listed)):
            if name:
                found[name] = (path, line)
    for match in _ALL.finditer(content):
        folder = PurePosixPath(path).parent
        target = _normal(f"{folder}/{match[1].decode('utf-8', 'replace')}")
        file = _file("", target, tree)
        inner = None if file is None else _names(snapshots, tree, file, hops - 1)
        if inner is None:
            return None
        found = {**inner, **found}
    return found


def _normal(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
