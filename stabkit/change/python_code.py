"""What parsing Python, never importing it, says of a change: touched functions, equal code, importers."""

from __future__ import annotations

import ast
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

__all__ = ["dotted", "import_graph", "imported_names", "importers_of", "parse", "same_code", "touched_functions"]

Definition = ast.FunctionDef | ast.AsyncFunctionDef
Import = tuple[str, tuple[str, ...]]

# Parsing every file of a large repository takes minutes; its import statements stand at the start of a line.
_IMPORT: Final = re.compile(
    rb"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]*(\([^)]*\)|(?:\\\r?\n|[^\n])*)|import[ \t]+((?:\\\r?\n|[^\n])*))",
    re.MULTILINE,
)
_NAME: Final = re.compile(r"[^\W\d][\w.]*|\*")


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
        return _alike(before, after)
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


def imported_names(source: bytes) -> tuple[Import, ...]:
    r"""Return what a module's import statements name: ``from`` part, with its dots, and the names taken from it.

    Found by pattern: a statement inside a text counts too, one made at run time does not.

    Examples
    --------
    >>> imported_names(b"import a.b as c, d\nfrom . import e\nfrom ..f import (\n  g,  # why\n  h as i)\n")
    (('', ('a.b', 'd')), ('.', ('e',)), ('..f', ('g', 'h')))
    """
    found: list[Import] = []
    for match in _IMPORT.finditer(source):
        module, several, plain = (group.decode("utf-8", "replace") if group else "" for group in match.groups())
        names = [name for part in re.sub(r"#[^\n]*", "", several or plain).split(",") if (name := _NAME.search(part))]
        found.append((module, tuple(name[0] for name in names)))
    return tuple(found)


def import_graph(sources: Mapping[str, Iterable[Import]]) -> dict[str, set[str]]:
    """Return who imports whom within a repository: path -> paths that import it directly."""
    names: dict[str, str] = {}
    for path in sources:
        for name in _module_names(path, sources):
            names.setdefault(name, path)
    importers: dict[str, set[str]] = defaultdict(set)
    for path, imports in sources.items():
        for wanted in _wanted(imports, path, sources):
            target = names.get(wanted) or names.get(wanted.rpartition(".")[0])
            if target and target != path:
                importers[target].add(path)
    return importers


def importers_of(path: str, graph: Mapping[str, set[str]]) -> Iterator[set[str]]:
    """Yield the modules that import this one: those that do directly, then those that import these, and so on.

    Examples
    --------
    >>> list(importers_of("a.py", {"a.py": {"b.py"}, "b.py": {"a.py", "c.py"}}))
    [{'b.py'}, {'c.py'}]
    """
    seen = {path}
    level = graph.get(path, set()) - seen
    while level:
        yield level
        seen |= level
        level = set().union(*(graph[one] for one in level if one in graph)) - seen


def _alike(before: ast.AST, after: ast.AST) -> bool:
    """Say whether two trees say the same beside their docstrings, up to the first difference."""
    waiting: list[tuple[Any, Any]] = [(before, after)]
    while waiting:
        old, new = waiting.pop()
        if type(old) is not type(new):
            return False
        if isinstance(old, ast.AST):
            waiting += [(_field(old, name), _field(new, name)) for name in old._fields]
        elif isinstance(old, list):
            if len(old) != len(new):
                return False
            waiting += zip(old, new, strict=True)
        elif repr(old) != repr(new):  # 0.0 and -0.0 are equal, and not the same
            return False
    return True


def _field(node: ast.AST, name: str) -> Any:
    if name == "body" and isinstance(node, ast.Module | ast.ClassDef | Definition) and _begins_with_text(node.body):
        return node.body[1:] or [ast.Pass()]
    return getattr(node, name, None)


def _begins_with_text(statements: Sequence[ast.stmt]) -> bool:
    return any(
        isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str)
        for one in statements[:1]
    )


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


def _wanted(imports: Iterable[Import], path: str, known: Mapping[str, object]) -> Iterable[str]:
    for module, names in imports:
        name = module.lstrip(".")
        level = len(module) - len(name)
        bases = [name]
        if level:
            cut = level - (1 if PurePosixPath(path).name == "__init__.py" else 0)
            bases = [
                ".".join([*(own.split(".")[:-cut] if cut else own.split(".")), *filter(None, [name])])
                for own in _module_names(path, known)
            ]
        if module:
            yield from (f"{base}.{wanted}" for base in bases if base for wanted in names)
        else:
            yield from names


def dotted(node: ast.AST | None) -> str:
    """Return a name with its attributes, such as ``os.environ.get``; empty for any other expression."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
