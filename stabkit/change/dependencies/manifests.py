"""Which versions a dependency file resolves to, or which ranges it declares."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import PurePosixPath
from typing import Any, Final

__all__ = ["is_lock", "read_dependencies"]

_LOCKS: Final = ("uv.lock", "poetry.lock", "Cargo.lock", "Pipfile.lock", "package-lock.json", "go.sum")
_PINNED: Final = re.compile(r"^\s*([A-Za-z0-9][\w.\[\],-]*)\s*===?\s*([^\s;\\#]+)")
_FROM: Final = re.compile(r"(?im)^\s*FROM\s+(?:--\S+\s+)*(\S+)")


def is_lock(path: str) -> bool:
    """Say whether a file of that name states resolved versions, not ranges."""
    return PurePosixPath(path).name in _LOCKS


def read_dependencies(path: str, content: bytes) -> set[str] | None:  # noqa: PLR0911 - one return a format
    """Return what a dependency file asks for, as ``name version`` or as declared; None if it cannot be parsed."""
    name = PurePosixPath(path).name
    try:
        text = content.decode("utf-8")
        if name in ("uv.lock", "poetry.lock", "Cargo.lock"):
            return {f"{p['name']} {p.get('version', '')}".strip() for p in tomllib.loads(text).get("package", [])}
        if name in ("Pipfile.lock", "package-lock.json", "package.json"):
            return _read_json(name, json.loads(text))
        if name in ("pyproject.toml", "Pipfile", "Cargo.toml"):
            return _read_toml(tomllib.loads(text))
        if name == "go.sum":
            return {" ".join(line.split()[:2]) for line in text.splitlines() if line.strip()}
        if "Dockerfile" in name:
            return set(_FROM.findall(text))
        if name.endswith((".txt", ".in")):
            return {_requirement(line) for line in text.splitlines() if line.split("#")[0].strip(" \\")}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return None


def _requirement(line: str) -> str:
    pinned = _PINNED.match(line)
    return f"{pinned[1].lower()} {pinned[2]}" if pinned else " ".join(line.partition("#")[0].strip(" \\").split())


def _read_json(name: str, data: Any) -> set[str]:
    if name == "Pipfile.lock":
        return {f"{n} {v.get('version', '')}" for part in ("default", "develop") for n, v in data.get(part, {}).items()}
    if name == "package-lock.json":
        return {
            f"{n} {v.get('version', '')}" for n, v in (data.get("packages") or data.get("dependencies", {})).items()
        }
    parts = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")
    return {f"{n} {v}" for part in parts for n, v in data.get(part, {}).items()}


def _read_toml(data: Any) -> set[str]:
    project, tool = data.get("project", {}), data.get("tool", {})
    found = {str(item) for item in project.get("dependencies", [])}
    groups = {**project.get("optional-dependencies", {}), **data.get("dependency-groups", {})}
    found |= {f"[{name}] {item}" for name, items in groups.items() for item in items}
    found |= {f"[build] {item}" for item in data.get("build-system", {}).get("requires", [])}
    tables = (tool.get("poetry", {}).get("dependencies", {}), data.get("dependencies", {}), data.get("packages", {}))
    found |= {f"{name} {value}" for table in tables for name, value in table.items()}
    if "requires-python" in project:
        found.add(f"python {project['requires-python']}")
    return found
