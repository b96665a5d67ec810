"""Which Python packages a repository publishes, and where their modules lie at each end of a range."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from stabkit.change.git import Blob
from stabkit.change.snapshots import Snapshots

__all__ = ["Package", "is_aside", "is_internal", "public_packages"]

_MANIFEST: Final = re.compile(r"(?:^|/)(?:pyproject\.toml|setup\.py|setup\.cfg)$")
# What is started or deployed is an application, also where no manifest says so.
_APPLICATION: Final = re.compile(
    r"(?:^|/)(?:manage\.py|wsgi\.py|asgi\.py|Procfile|[^/]*Dockerfile[^/]*|(?:docker-)?compose[^/]*\.ya?ml|app\.ya?ml"
    r"|Chart\.yaml|fly\.toml|serverless\.ya?ml|package\.json|go\.mod|Cargo\.toml|pom\.xml|Gemfile|requirements\.txt)$"
)
_ASIDE: Final = frozenset(
    (
        "tests",
        "test",
        "docs",
        "doc",
        "examples",
        "example",
        "samples",
        "benchmarks",
        "benchmark",
        "scripts",
        "tools",
        "vendor",
        "third_party",
        "node_modules",
        "build",
        "dist",
    )
)
_LAYOUTS: Final = ("src", "lib", "python", "")
_DEEPEST: Final = 3
# Nobody imports these from elsewhere: a framework finds them by their place.
_NO_API: Final = frozenset(
    ("tests", "test", "migrations", "_vendor", "vendor", "__main__", "conftest", "project_template")
)


@dataclass(frozen=True)
class Package:
    """One importable package, and the modules of it that each end has: dotted name -> file."""

    name: str
    base: Mapping[str, Blob]
    head: Mapping[str, Blob]


def public_packages(snapshots: Snapshots) -> list[Package]:
    """Return the packages whose names others import: as configured, else those that the repository publishes.

    Notes
    -----
    A repository publishes what a ``pyproject.toml``, ``setup.py`` or ``setup.cfg`` stands beside: under ``src/``,
    ``lib/`` or ``python/``, else at its side. A project that says it is no package (``package = false``), or a Django
    site without a build system, is an application. A repository that says nothing of either kind publishes the
    packages at its top.
    """
    sides = [_Tree(snapshots, tree) for tree in (snapshots.base_tree, snapshots.head_tree)]
    roots = [side.configured(snapshots.packages) if snapshots.packages else side.published() for side in sides]
    names = sorted({*roots[0], *roots[1]})
    # A package that only one side publishes is looked for on the other too: its manifest may have come later.
    return [
        Package(
            name,
            *(side.modules(name, root.get(name, side.root_of(name))) for side, root in zip(sides, roots, strict=True)),
        )
        for name in names
    ]


def is_internal(module: str) -> bool:
    """Say whether a module is none that callers import: private, a test, a migration.

    Examples
    --------
    >>> [is_internal(name) for name in ("shop.api", "shop._own", "shop.tests.test_a", "shop.testing")]
    [False, True, True, False]
    """
    return is_aside(module) or any(part.startswith("_") for part in module.split("."))


def is_aside(module: str) -> bool:
    """Say whether a module is none that a package needs: a test, a migration, what others vendored.

    Examples
    --------
    >>> [is_aside(name) for name in ("shop.api", "shop._own", "shop.tests.test_a", "shop.migrations.0001_a")]
    [False, False, True, True]
    """
    inner = module.split(".")[1:]
    return any(part in _NO_API or part.startswith("test_") or part.endswith("_test") for part in inner)


class _Tree:
    """One end of the range, seen as packages."""

    def __init__(self, snapshots: Snapshots, tree: Mapping[str, Blob]) -> None:
        self._snapshots = snapshots
        self._tree = tree
        self._packages = {path.rpartition("/")[0] for path in tree if path.endswith(("/__init__.py", "/__init__.pyi"))}

    def configured(self, names: Iterable[str]) -> dict[str, str]:
        found = {name: self.root_of(name) for name in names}
        return {name: root for name, root in found.items() if root is not None}

    def root_of(self, name: str) -> str | None:
        """Return the folder that a package lies in, the shortest of several; None if there is none."""
        place = name.replace(".", "/")
        ends = ("/" + place, "/" + place + ".py")
        found = [folder for folder in self._packages if f"/{folder}".endswith(ends[0])]
        found += [path for path in self._tree if path.endswith(".py") and f"/{path}".endswith(ends[1])]
        tops = [path.removesuffix(".py")[: -len(place)].rstrip("/") for path in found]
        tops = [top for top in tops if top not in self._packages and not _ASIDE & {*PurePosixPath(top).parts}]
        return min(tops, key=lambda top: (top.count("/"), len(top)), default=None)

    def published(self) -> dict[str, str]:
        found: dict[str, str] = {}
        folders: dict[str, dict[str, Blob]] = {}
        for path, blob in self._tree.items():
            if path.count("/") <= _DEEPEST and _MANIFEST.search(path):
                folder, _, name = path.rpartition("/")
                if not _ASIDE & {*PurePosixPath(folder).parts}:
                    folders.setdefault(folder, {})[name] = blob
        self._snapshots.load(blob for manifests in folders.values() for blob in manifests.values())
        for folder, manifests in sorted(folders.items()):
            for name, root in self._of_project(folder, manifests):
                found.setdefault(name, root)
        if folders or any(_APPLICATION.search(path) for path in self._tree):
            return found
        return {name: layout for layout in ("src", "") for name in self._under(layout)}

    def _of_project(self, folder: str, manifests: Mapping[str, Blob]) -> list[tuple[str, str]]:
        project = _read_toml(self._snapshots.content(manifests.get("pyproject.toml")))
        script = self._snapshots.parsed(manifests.get("setup.py"))
        calls = [node for node in ast.walk(script) if isinstance(node, ast.Call)] if script else []
        scripted = [call for call in calls if _called(call) == "setup"]
        if not scripted and "setup.cfg" not in manifests and not self._publishes(folder, project):
            return []
        roots, wanted = _stated(project, scripted)
        name = _project_name(project, scripted)
        for root in roots or [_joined(folder, layout) for layout in _LAYOUTS]:
            place = _joined(folder, root) if roots else root
            inside = self._under(place)
            if wanted:
                inside = [one for one in inside if one in wanted or one.partition(".")[0] in wanted]
            elif place == folder and name in inside:
                inside = [name]
            if inside:
                return [(one, place) for one in inside]
        if f"{_joined(folder, name)}.py" in self._tree:
            return [(name, folder)]
        return []

    def _publishes(self, folder: str, project: Mapping[str, Any]) -> bool:
        tool = _table(project, "tool")
        if _table(tool, "uv").get("package") is False or _table(tool, "poetry").get("package-mode") is False:
            return False
        stated = _table(project, "project")
        if any("Do Not Upload" in str(one) for one in stated.get("classifiers") or ()):
            return False
        if "build-system" in project:
            return True
        return bool(stated or "poetry" in tool) and _joined(folder, "manage.py") not in self._tree

    def _under(self, place: str) -> list[str]:
        """Return the packages right in a folder, or in folders without a module of their own, as of a namespace."""
        start = place + "/" if place else ""
        found = []
        for folder in self._packages:
            if not folder.startswith(start):
                continue
            parts = folder[len(start) :].split("/")
            namespaced = len(parts) > 1 and PurePosixPath(place).name in _LAYOUTS[:-1] and place
            if not all(part.isidentifier() for part in parts) or parts[0].startswith("_") or {*parts} & _ASIDE:
                continue
            above = any(_joined(place, "/".join(parts[:count])) in self._packages for count in range(1, len(parts)))
            if len(parts) == 1 or (namespaced and len(parts) <= _DEEPEST and not above):
                found.append(".".join(parts))
        return sorted(found)

    def modules(self, name: str, root: str | None) -> dict[str, Blob]:
        """Return the modules of a package by their dotted names; a stub stands where there is no module."""
        if root is None:
            return {}
        place = _joined(root, name.replace(".", "/"))
        start = place + "/"
        found: dict[str, Blob] = {}
        for path, blob in self._tree.items():
            stem, _, suffix = path.rpartition(".")
            if suffix not in ("py", "pyi") or not (path.startswith(start) or stem == place):
                continue
            parts = stem[len(root) + 1 if root else 0 :].split("/")
            folders = [_joined(root, "/".join(parts[:count])) for count in range(name.count(".") + 1, len(parts))]
            if not all(part.isidentifier() for part in parts) or not all(one in self._packages for one in folders):
                continue
            module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if suffix == "py" or module not in found:
                found[module] = blob
        for module, blob in list(found.items()):
            stub = self._tree.get(blob.path + "i")
            # A module that answers for any name says in its stub which names these are.
            if stub is not None and b"__getattr__" in (self._snapshots.content(blob) or b""):
                found[module] = stub
        return found


def _stated(project: Mapping[str, Any], scripted: list[ast.Call]) -> tuple[list[str], set[str]]:
    """Return the folders that a manifest names as roots, and the packages that it names; each may be empty."""
    tool = _table(project, "tool")
    roots: list[str] = []
    wanted: set[str] = set()
    poetry = _table(tool, "poetry").get("packages")
    for one in poetry if isinstance(poetry, list) else ():
        if isinstance(one, Mapping) and isinstance(one.get("include"), str):
            roots.append(str(one.get("from") or ""))
            wanted.add(one["include"].partition("/")[0])
    wheel = _table(_table(_table(_table(tool, "hatch"), "build"), "targets"), "wheel")
    for path in _texts(wheel.get("packages")):
        roots.append(path.rpartition("/")[0])
        wanted.add(path.rpartition("/")[2])
    setuptools = _table(tool, "setuptools")
    find = _table(_table(setuptools, "packages"), "find") if isinstance(setuptools.get("packages"), Mapping) else {}
    roots += _texts(find.get("where"))
    wanted |= {name.partition(".")[0] for name in _texts(setuptools.get("packages"))}
    roots += [path for path in _table(setuptools, "package-dir").values() if isinstance(path, str) and wanted]
    module = _table(_table(tool, "flit"), "module").get("name")
    wanted |= {module} if isinstance(module, str) else set()
    for call in scripted:
        for keyword in call.keywords:
            if keyword.arg in ("packages", "py_modules"):
                wanted |= {name.partition(".")[0] for name in _texts(_value(keyword.value))}
            if keyword.arg == "package_dir":
                value = _value(keyword.value)
                roots += [str(value[""])] if isinstance(value, dict) and "" in value else []
    return list(dict.fromkeys(root.strip("./") for root in roots)), wanted


def _project_name(project: Mapping[str, Any], scripted: list[ast.Call]) -> str:
    stated = _table(project, "project").get("name") or _table(_table(project, "tool"), "poetry").get("name")
    given = (_value(keyword.value) for call in scripted for keyword in call.keywords if keyword.arg == "name")
    return re.sub(r"[-.]+", "_", str(stated or next(given, None) or "")).lower()


def _read_toml(content: bytes | None) -> dict[str, Any]:
    try:
        return tomllib.loads((content or b"").decode("utf-8"))
    except (ValueError, RecursionError):
        return {}


def _table(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, Mapping) else {}


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else []


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}".strip("/")
