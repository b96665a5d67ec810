"""Calls in a Python migration: their arguments by name, and the texts that are handed on as SQL."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence

from stabkit.change.schema.migrations.operations import RUN_TIME, Operation
from stabkit.change.schema.migrations.sql import looks_like_sql, sql_operations

__all__ = ["arguments", "constants", "deletes_rows", "name_of", "sql_in", "text_of"]


def arguments(call: ast.Call, names: Sequence[str]) -> dict[str, ast.expr]:
    """Return the arguments of a call by name; ``names`` are those of the positional ones."""
    found: dict[str, ast.expr] = dict(zip(names, call.args, strict=False))
    return found | {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def constants(tree: ast.Module) -> dict[str, str]:
    """Return the texts that the module gives names."""
    found: dict[str, str] = {}
    for node in tree.body:
        target = (
            node.targets[0]
            if isinstance(node, ast.Assign)
            else node.target
            if isinstance(node, ast.AnnAssign)
            else None
        )
        if isinstance(target, ast.Name) and isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            text = text_of(node.value, {})
            if text is not None:
                found[target.id] = text
    return found


def text_of(node: ast.expr | None, known: Mapping[str, str]) -> str | None:
    """Return the text that an expression stands for, if it can be known without running it."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = text_of(node.left, known), text_of(node.right, known)
        return None if left is None or right is None else left + right
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute) and len(node.args) == 1:
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        return (
            text_of(node.args[0], known) if name in ("text", "dedent", "cleandoc", "f", "SQL", "quoted_name") else None
        )
    return None


def name_of(node: ast.expr | None, known: Mapping[str, str]) -> str:
    """Return the name that an argument gives, or the words for one that only a run gives."""
    return text_of(node, known) or RUN_TIME


def sql_in(node: ast.expr | None, known: Mapping[str, str], depth: int = 0) -> Iterator[Operation]:
    """Yield the operations of the SQL in an argument: a text, a list of texts, a text made at run time."""
    if node is None or depth > 4:
        return
    text = text_of(node, known)
    line = node.lineno
    if text is not None:
        yield from sql_operations(text, line=line)[0]
    elif isinstance(node, ast.JoinedStr):
        made = "".join(
            str(part.value) if isinstance(part, ast.Constant) else _placed(part, known) for part in node.values
        )
        yield from sql_operations(made, line=line, proven=False)[0]
    elif isinstance(node, ast.BinOp | ast.Call):  # "..." % name, "...".format(name), text("...")
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and looks_like_sql(part.value):
                made = part.value.replace("%s", "name_made_at_run_time").replace("{}", "name_made_at_run_time")
                yield from sql_operations(made, line=part.lineno, proven=False)[0]
    elif isinstance(node, ast.List | ast.Tuple):
        for element in node.elts:
            first = element.elts[0] if isinstance(element, ast.Tuple | ast.List) and element.elts else element
            yield from sql_in(first, known, depth + 1)


def _placed(part: ast.expr, known: Mapping[str, str]) -> str:
    value = part.value if isinstance(part, ast.FormattedValue) else part
    text = text_of(value, known)
    return text if text is not None else "name_made_at_run_time"


def deletes_rows(nodes: Iterable[ast.AST], known: Mapping[str, str]) -> Iterator[Operation]:
    """Yield what code that a migration runs deletes or alters: calls of ``delete``, SQL handed to a connection."""
    for node in nodes:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name = node.func.attr
        if name in ("delete", "_raw_delete") and not node.args and not node.keywords:
            yield Operation("delete_rows", _owner(node.func.value), node.lineno, proven=False)
        elif name in (
            "execute",
            "executemany",
            "execute_sql",
            "exec_driver_sql",
            "executescript",
            "run_sql",
            "sql",
            "raw",
        ):
            argument = node.args[0] if node.args else None
            for keyword in node.keywords:
                if keyword.arg in ("sql", "statement", "sqltext", "query"):
                    argument = keyword.value
            yield from sql_in(argument, known)
        elif name in ("execute_many", "run"):
            yield from sql_in(node.args[0] if node.args else None, known)


def _owner(node: ast.expr) -> str:
    """Return the name whose rows are deleted: ``Order`` of ``Order.objects.filter(...).delete()``."""
    while True:
        if isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        else:
            return node.id if isinstance(node, ast.Name) else RUN_TIME
