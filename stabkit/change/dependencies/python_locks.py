"""What Python projects resolve to: uv.lock, poetry.lock, pdm.lock, pylock.toml, Pipfile.lock."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from stabkit.change.dependencies.entries import Entry, Lines, group_scope, kept, python_name
from stabkit.change.facts import Scope

__all__ = ["read_pipfile_lock", "read_toml_lock"]

_OWN: Final = ("editable", "virtual", "directory")
_PLACES: Final = (
    *("type", "registry", "git", "url", "path", *_OWN),
    *("reference", "resolved_reference", "vcs", "archive", "commit"),
)


def read_toml_lock(_path: str, text: str) -> list[Entry]:
    """Return the packages of uv.lock, poetry.lock, pdm.lock or a pylock.toml."""
    data = tomllib.loads(text)
    packages = data.get("package") or data.get("packages") or []
    starts = [line for line, _ in Lines(text).starting(r"\s*\[\[packages?\]\]")]
    old_hashes = data.get("metadata", {}).get("files", {})
    found: list[Entry] = []
    roots: dict[str, set[str]] = {"production": set(), "development": set()}
    for number, package in enumerate(packages):
        source = package.get("source", {})
        if isinstance(source, Mapping) and any(source.get(kind) in (".", "./") for kind in _OWN):
            _take_roots(package, roots)
            continue
        files = package.get("files") or old_hashes.get(package["name"]) or _files(package)
        found.append(
            Entry(
                python_name(package["name"]),
                str(package.get("version", "")),
                starts[number] + 1 if len(starts) == len(packages) else None,
                _scope(package),
                exact=True,
                details=(*kept({"source": _source(package)}), *_hashes(files)),
                requires=tuple(_requires(package)),
            )
        )
    return _scoped(found, roots) if any(roots.values()) else found


def _take_roots(package: Mapping[str, Any], roots: dict[str, set[str]]) -> None:
    roots["production"] |= set(_requires(package))
    for group, items in package.get("optional-dependencies", {}).items():
        roots[group_scope(group)] |= {python_name(item["name"]) for item in items}
    for items in package.get("dev-dependencies", package.get("dependency-groups", {})).values():
        roots["development"] |= {python_name(item["name"]) for item in items}


def _scoped(found: list[Entry], roots: Mapping[str, set[str]]) -> list[Entry]:
    """Return the entries with the scope that the lock's own root gives them."""
    from dataclasses import replace

    needed = reached(found, roots["production"])
    direct = roots["production"] | roots["development"]
    return [
        replace(
            entry,
            scope=entry.scope or ("production" if entry.name in needed else "development"),
            direct=entry.name in direct,
        )
        for entry in found
    ]


def reached(entries: list[Entry], roots: set[str]) -> set[str]:
    """Return the names that are asked for from some roots, directly or through others."""
    edges: dict[str, set[str]] = {}
    for entry in entries:
        edges.setdefault(entry.name, set()).update(entry.requires)
    seen: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += edges.get(name, ())
    return seen


def _scope(package: Mapping[str, Any]) -> Scope | None:
    groups = package.get("groups") or ([package["category"]] if "category" in package else None)
    if not groups:
        return None
    if any(group in ("main", "default") for group in groups):
        return "production"
    return "production" if any(group_scope(group) == "production" for group in groups) else "development"


def _requires(package: Mapping[str, Any]) -> Iterator[str]:
    wanted = package.get("dependencies", [])
    for item in wanted:
        name = item.get("name", "") if isinstance(item, Mapping) else re.split(r"[\s\[<>=!~;@(]", item, maxsplit=1)[0]
        if name:
            yield python_name(name)


def _files(package: Mapping[str, Any]) -> list[Any]:
    alone = [package[kind] for kind in ("sdist", "archive") if isinstance(package.get(kind), Mapping)]
    return [*alone, *package.get("wheels", [])]


def _source(package: Mapping[str, Any]) -> str:
    source = package.get("source")
    for kind in ("vcs", "directory", "archive"):
        if isinstance(package.get(kind), Mapping):
            source = {kind: package[kind].get("url") or package[kind].get("path")} | {
                "commit": package[kind].get("commit-id")
            }
    if source is None and package.get("index"):
        source = {"registry": package["index"]}
    if not isinstance(source, Mapping):
        source = {}
    said = " ".join(f"{source[kind]}" for kind in _PLACES if source.get(kind))
    said = said or " ".join(
        str(package[kind]) for kind in ("git", "ref", "revision", "path", "url") if package.get(kind)
    )
    return said or "the registry"


def _hashes(files: Any) -> tuple[tuple[str, str], ...]:
    found: set[str] = set()
    for file in files if isinstance(files, list) else []:
        if isinstance(file, Mapping):
            hashes = file.get("hashes")
            found |= {f"{name}:{value}" for name, value in hashes.items()} if isinstance(hashes, Mapping) else set()
            found |= {str(file["hash"])} if file.get("hash") else set()
    return tuple(("hash", value) for value in sorted(found))


def read_pipfile_lock(_path: str, text: str) -> list[Entry]:
    """Return the packages of a Pipfile.lock."""
    data, lines = json.loads(text), Lines(text)
    found: list[Entry] = []
    parts: tuple[tuple[str, Scope], ...] = (("default", "production"), ("develop", "development"))
    for part, scope in parts:
        places = lines.first(r'\s*"([^"]+)"\s*:\s*\{', behind=lines.find(f'"{part}"') or 0)
        for name, package in data.get(part, {}).items():
            source = " ".join(str(package[key]) for key in ("git", "ref", "file", "path", "index") if package.get(key))
            version = str(package.get("version", "")).lstrip("=")
            details = (*kept({"source": source}), *(("hash", str(h)) for h in sorted(package.get("hashes", []))))
            found.append(Entry(python_name(name), version, places.get(name), scope, exact=True, details=details))
    return found
