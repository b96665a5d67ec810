"""What parsing Python, never importing it, says of a change: touched functions, equal code, importers."""

from __future__ import annotations

import ast
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

__all__ = ["dotted", "import_graph", "importers_of", "parse", "same_code", "touched_functions"]

Definition = ast.FunctionDef | ast.AsyncFunctionDef


def parse(source: bytes | None) -> ast.Module | None:
    """Return the syntax tree; None for no source or for code that this Python cannot parse."""
    if source is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def same_code(before: ast.Module, after: ast.Module) -> bool:
    """Say whether two modules are equal but for comments, formatting and docstrings."""
    try:
        return _without_docstrings(before) == _without_docstrings(after)
    except RecursionError:
        return False


def touched_functions(
    before: ast.Module | None, after: ast.Module | None, hunks: Sequence[tuple[int, int, int, int]]
) -> list[str]:
    """Return the innermost functions that hold a changed line, on either side, as ``Class.method``, sorted."""
    found: set[str] = set()
    for tree, start, count in ((before, 0, 1), (after, 2, 3)):
        spans = list(_functions(tree)) if tree else []
        for hunk in hunks:
            for line in range(hunk[start], hunk[start] + hunk[count]):
                around = [(last - first, name) for name, first, last in spans if first <= line <= last]
                if around:
                    found.add(min(around)[1])
    return sorted(found)


def import_graph(sources: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """Return who imports whom within a repository: path -> paths that import it directly."""
    names: dict[str, str] = {}
    for path in sources:
        for name in _module_names(path, sources):
            names.setdefault(name, path)
    importers: dict[str, set[str]] = defaultdict(set)
    for path, tree in sources.items():
        for wanted in _imports(tree, path, sources):
            target = names.get(wanted) or names.get(wanted.rpartition(".")[0])
            if target and target != path:
                importers[target].add(path)
    return importers


def importers_of(path: str, graph: Mapping[str, set[str]]) -> set[str]:
    """Return the modules that import this one, directly or through others."""
    found: set[str] = set()
    waiting = [path]
    while waiting:
        for importer in graph.get(waiting.pop(), ()):
            if importer not in found and importer != path:
                found.add(importer)
                waiting.append(importer)
    return found


def _without_docstrings(tree: ast.Module) -> str:
    copy = ast.parse(ast.unparse(tree))
    for node in ast.walk(copy):
        if (
            isinstance(node, ast.Module | ast.ClassDef | Definition)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(copy)


def _functions(tree: ast.AST, prefix: str = "") -> Iterable[tuple[str, int, int]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Definition):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            yield prefix + node.name, first, node.end_lineno or node.lineno
        inner = f"{prefix}{node.name}." if isinstance(node, Definition | ast.ClassDef) else prefix
        yield from _functions(node, inner)


def _module_names(path: str, known: Mapping[str, object]) -> set[str]:
    parts = PurePosixPath(path).with_suffix("").parts
    top = len(parts) - 1
    while top > 0 and f"{'/'.join(parts[:top])}/__init__.py" in known:
        top -= 1
    whole = parts[1:] if parts[0] in ("src", "lib") else parts
    if parts[-1] == "__init__":
        return {".".join(parts[top:-1]), ".".join(whole[:-1])} - {""}
    return {".".join(parts[top:]), ".".join(whole)} - {""}


def _imports(tree: ast.Module, path: str, known: Mapping[str, object]) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            bases = [node.module or ""]
            if node.level:
                packages = _module_names(path, known)
                is_package = PurePosixPath(path).name == "__init__.py"
                cut = node.level - (1 if is_package else 0)
                bases = [
                    ".".join([*(name.split(".")[:-cut] if cut else name.split(".")), *filter(None, [node.module])])
                    for name in packages
                ]
            yield from (f"{base}.{alias.name}" for base in bases if base for alias in node.names)


def dotted(node: ast.AST | None) -> str:
    """Return a name with its attributes, such as ``os.environ.get``; empty for any other expression."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
