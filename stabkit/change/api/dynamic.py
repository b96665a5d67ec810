"""Names that a module makes when it is asked for them: what its ``__getattr__`` knows."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from stabkit.change.api.loaded import Modules

__all__ = ["answered_names"]


def answered_names(members: Mapping[str, Any], modules: Modules) -> set[str]:
    """Return the names that a module answers for by ``__getattr__``, as far as they are written out.

    Parameters
    ----------
    members : mapping of str to griffe.Object
        Those of the module, by name.
    modules : Modules
        The end of the package that holds it.

    Notes
    -----
    Such names are compared with the one that is asked for, or stand in a collection of the function or of the module
    that the function reads. Others, of a file name or a pattern, are not known.
    """
    function = members.get("__getattr__")
    if function is None or function.is_alias or not function.is_function:
        return set()
    tree = modules.tree(function)
    if tree is None or not tree.args.args:
        return set()
    asked = tree.args.args[0].arg
    return {name for name in _named(tree, asked, members) if name.isidentifier() and not name.startswith("_")}


def _named(tree: ast.FunctionDef | ast.AsyncFunctionDef, asked: str, members: Mapping[str, Any]) -> Iterator[str]:
    own = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and _is(node.left, asked) and isinstance(node.ops[0], ast.Eq | ast.In):
            yield from _texts(node.comparators[0], own, members)
        elif isinstance(node, ast.Subscript) and _is(node.slice, asked):
            yield from _texts(node.value, own, members)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            if node.args and _is(node.args[0], asked):
                yield from _texts(node.func.value, own, members)
        elif isinstance(node, ast.Match) and _is(node.subject, asked):
            for case in node.cases:
                for one in ast.walk(case.pattern):
                    yield from _texts(one, own, members) if isinstance(one, ast.Constant) else ()


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _texts(node: ast.expr, own: Mapping[str, ast.expr], members: Mapping[str, Any], hops: int = 2) -> Iterator[str]:
    """Yield the texts of a constant, of a collection (of a mapping its keys), or of the name of either."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.value
    elif isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict):
        parts = node.keys if isinstance(node, ast.Dict) else node.elts
        yield from (one.value for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str))
    elif isinstance(node, ast.Name) and hops:
        if node.id in own:
            yield from _texts(own[node.id], own, members, hops - 1)
            return
        member = members.get(node.id)
        if member is None or member.is_alias or not member.is_attribute or member.value is None:
            return
        try:
            value = ast.parse(str(member.value), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        yield from _texts(value, own, members, hops - 1)
