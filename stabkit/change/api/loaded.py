"""The modules of a package as griffe models them: only those that a change touches, others when they are asked for."""

from __future__ import annotations

import ast
import builtins
import functools
import logging
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.change.git import Blob
from stabkit.change.python_code import dotted
from stabkit.change.snapshots import Snapshots

__all__ = ["Modules"]

_HOPS: Final = 12


class Modules:
    """One end of a package.

    Attributes
    ----------
    unread : set of str
        Files that are not there or that cannot be parsed.

    Notes
    -----
    Nothing is imported: griffe is given the text of each file and visits its syntax tree.
    """

    def __init__(self, snapshots: Snapshots, name: str, files: Mapping[str, Blob]) -> None:
        import griffe

        logging.getLogger("griffe").setLevel(logging.CRITICAL)
        self.files = files
        self.unread: set[str] = set()
        self._snapshots = snapshots
        self._name = name
        self._loaded: dict[str, Any] = {}
        self._collection = griffe.ModulesCollection()
        self._lines = griffe.LinesCollection()
        self._extensions = griffe.load_extensions()

    def get(self, name: str) -> Any:
        """Return a module, with the packages that hold it; None for one that is not there or cannot be parsed."""
        import griffe

        if name in self._loaded:
            return self._loaded[name]
        self._loaded[name] = None
        above, _, last = name.rpartition(".")
        parent = self.get(above) if above else None
        blob = self.files.get(name)
        package = blob is None or Path(blob.path).stem == "__init__"
        if blob is None and not any(other.startswith(f"{name}.") for other in self.files):
            return None
        place = Path(blob.path if blob else f"{name.replace('.', '/')}/__init__.py")
        module = griffe.Module(last, filepath=place, parent=parent, modules_collection=self._collection)
        if blob is not None and self._snapshots.parsed(blob) is None:
            self.unread.add(blob.path)
            if not package:
                return None
        elif blob is not None:
            text = (self._snapshots.content(blob) or b"").decode("utf-8-sig", "replace")
            try:
                module = griffe.visit(
                    last,
                    filepath=place,
                    code=text,
                    parent=parent,
                    extensions=self._extensions,
                    modules_collection=self._collection,
                    lines_collection=self._lines,
                )
            except Exception:  # noqa: BLE001 - hostile code makes a visitor raise anything; that file is unknown
                self.unread.add(blob.path)
                return None
        if parent is None:
            self._collection[name] = module
        else:
            parent.members.setdefault(last, module)
        self._loaded[name] = module
        return module

    def load(self, names: Iterable[str]) -> None:
        """Load modules, and what dataclasses imply in them."""
        for name in names:
            self.get(name)
        top = self._loaded.get(self._name.partition(".")[0])
        if top is None:
            return
        try:
            self._extensions.call("on_package", pkg=top, loader=None)
        except Exception as error:  # noqa: BLE001 - a dataclass that griffe cannot follow: its fields stay as written
            logging.getLogger(__name__).debug("griffe could not follow the dataclasses: %s", type(error).__name__)

    def names(self, module: Any, hops: int = _HOPS) -> dict[str, Any]:
        """Return the members of a module by name, with those that it takes whole from others (``import *``)."""
        found: dict[str, Any] = {}
        for name, member in list(module.members.items()):
            if not (member.is_alias and member.wildcard):
                found[name] = member
                continue
            source = self.find(member.target_path.removesuffix(".*"), hops - 1)
            if source is not None and not source.is_alias and source.is_module and hops > 0:
                inner = self.names(source, hops - 1)
                listed = self.exports(source)
                found |= {
                    one: thing
                    for one, thing in inner.items()
                    if (one in listed if listed is not None else not one.startswith("_")) and one not in found
                }
        return found

    def exports(self, module: Any, hops: int = _HOPS) -> set[str] | None:
        """Return what ``__all__`` of a module lists, with the lists that it takes from others; None for no list."""
        if module.exports is None or hops < 0:
            return None
        found: set[str] = set()
        for one in module.exports:
            if isinstance(one, str):
                found.add(one)
                continue
            source = self.find(str(getattr(one, "canonical_path", one)).removesuffix(".__all__"))
            if source is not None and not source.is_alias and source.is_module:
                found |= self.exports(source, hops - 1) or set()
        return found

    @property
    def loaded(self) -> dict[str, Any]:
        """The modules that are there."""
        return {name: module for name, module in self._loaded.items() if module is not None}

    def find(self, path: str, hops: int = _HOPS) -> Any:
        """Return the object of a dotted path, through any re-exports; None where it leads out of the package."""
        top = self._name.partition(".")[0]
        if hops < 0 or path.partition(".")[0] != top:
            return None
        parts = path.split(".")
        for count in range(len(parts), 0, -1):
            name = ".".join(parts[:count])
            if name in self.files and (found := self.get(name)) is not None:
                return self._within(found, parts[count:], hops)
        return None

    def value_of(self, attribute: Any) -> Any:
        """Return what an attribute is but another name of; None where it has a value of its own."""
        name = str(attribute.value)
        if attribute.value is None or not all(part.isidentifier() for part in name.split(".")):
            return None
        found = self.find(f"{attribute.parent.path}.{name}")
        return None if found is attribute else found

    def _within(self, found: Any, parts: list[str], hops: int) -> Any:
        for number, part in enumerate(parts):
            member = found.members.get(part)
            if member is None:
                wild = [one.target_path for one in found.members.values() if one.is_alias and one.wildcard]
                rest = ".".join(parts[number:])
                tried = (self.find(f"{path.removesuffix('.*')}.{rest}", hops - 1) for path in wild)
                return next((one for one in tried if one is not None), None)
            if member.is_alias:
                return self.find(".".join([member.target_path, *parts[number + 1 :]]), hops - 1)
            found = member
        return found

    def ancestors(self, thing: Any) -> tuple[set[str], bool]:
        """Return the names of a class's ancestors, and whether all of them are known."""
        found: set[str] = set()
        whole = True
        waiting, seen = [thing], set()
        while waiting:
            one = waiting.pop()
            if one.path in seen:
                continue
            seen.add(one.path)
            for base in one.bases:
                path = getattr(base, "canonical_path", str(base))
                found.add(path)
                target = self.find(path)
                if target is not None and target.is_class:
                    found.add(target.path)
                    waiting.append(target)
                elif path.rpartition(".")[2] not in _PLAIN_BASES:
                    whole = False
        return found, whole

    def inherits(self, thing: Any, name: str) -> bool | None:
        """Say whether a class has a member from an ancestor; None where an ancestor is not known."""
        paths, whole = self.ancestors(thing)
        for path in paths:
            one = self.find(path)
            if one is not None and one.is_class and name in one.members:
                return True
        if any(hasattr(_builtin(path.rpartition(".")[2]), name) for path in paths):
            return True
        return False if whole and not (name.startswith("__") and hasattr(object, name)) else None

    def tree(self, function: Any) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """Return a function's own syntax tree."""
        blob = self.files.get(function.module.path)
        for node in _functions(self._snapshots.parsed(blob)):
            if node.name == function.name and (function.lineno or 0) <= node.lineno <= (function.endlineno or 0):
                return node
        return None

    def raised(self, function: Any) -> set[str]:
        """Return the exceptions that a function's own body raises by their names."""
        found = set()
        waiting: list[ast.AST] = list(getattr(self.tree(function), "body", ()))
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
                continue
            if isinstance(node, ast.Raise) and node.exc is not None:
                named = dotted(node.exc.func if isinstance(node.exc, ast.Call) else node.exc).rpartition(".")[2]
                if named[:1].isupper() and named not in _NO_CONTRACT:
                    found.add(named)
            waiting += ast.iter_child_nodes(node)
        return found

    def is_public(self, module: Any, name: str, member: Any) -> bool:
        """Say whether a module's member is one that callers take from there.

        What an ``__init__`` imports from the package and does not use itself is there for others, as is what is
        imported under its own name (``import x as x``); any other import is not, nor is what only types need.
        """
        exports = self.exports(module)
        if name == "__all__" or (exports is None and name.startswith("_")):
            return False
        if exports is not None:
            return name in exports
        stub = module.filepath.suffix == ".pyi"
        if not member.is_alias:
            return not member.is_module and (member.runtime or stub)
        # Of what a module takes whole from another, that one says whether it is there for others.
        return bool(self.reexport(member.parent or module, name, member))

    def reexport(self, module: Any, name: str, member: Any) -> str | None:
        """Return how sure it is that an import is there for others: ``stated``, ``likely``, or None for not."""
        blob = self.files.get(module.path)
        tree = self._snapshots.parsed(blob)
        if name in _imported_as_itself(tree):
            return "stated"
        if module.filepath.suffix == ".pyi" or module.filepath.stem != "__init__" or not member.runtime:
            return None
        top = member.target_path.partition(".")[0]
        if name in _used_names(tree) or member.target_path in self.files or top in sys.stdlib_module_names:
            return None
        return "stated" if top == self._name.partition(".")[0] else "likely"


_PLAIN_BASES: Final = frozenset(
    (
        "object",
        "Exception",
        "BaseException",
        "ValueError",
        "TypeError",
        "KeyError",
        "RuntimeError",
        "LookupError",
        "OSError",
        "ABC",
        "ABCMeta",
        "Generic",
        "Protocol",
        "Enum",
        "IntEnum",
        "StrEnum",
        "Flag",
        "IntFlag",
        "NamedTuple",
        "TypedDict",
        "BaseModel",
        "str",
        "int",
        "float",
        "dict",
        "list",
        "tuple",
        "set",
    )
)


def _builtin(name: str) -> object:
    return getattr(builtins, name, None)


# A method that says it is none, a check of the code itself, the end of an iteration.
_NO_CONTRACT: Final = frozenset(("NotImplementedError", "AssertionError", "StopIteration", "StopAsyncIteration"))


@functools.lru_cache(maxsize=256)
def _functions(tree: ast.Module | None) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]:
    nodes = ast.walk(tree) if tree else ()
    return tuple(node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@functools.lru_cache(maxsize=256)
def _imported_as_itself(tree: ast.Module | None) -> frozenset[str]:
    nodes = (node for node in (tree.body if tree else ()) if isinstance(node, ast.ImportFrom | ast.Import))
    return frozenset(name.name for node in nodes for name in node.names if name.asname == name.name)


@functools.lru_cache(maxsize=256)
def _used_names(tree: ast.Module | None) -> frozenset[str]:
    """Return the names that a module's own code reads."""
    nodes = ast.walk(tree) if tree else ()
    return frozenset(node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
