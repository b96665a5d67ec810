"""Operations of an Alembic migration, and of other Python migrations with a function for each way, by syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stabkit.change.python_code import dotted
from stabkit.change.schema.migrations.operations import NOTHING_KNOWN, RUN_TIME, Column, Migration, Operation
from stabkit.change.schema.migrations.python_calls import arguments, constants, deletes_rows, name_of, sql_in, text_of
from stabkit.change.schema.migrations.sql import looks_like_sql, sql_operations

__all__ = ["alembic_migration", "declared_column", "plain_migration"]

_FORWARD: Final = ("upgrade", "forwards", "apply", "migrate")
_BACK: Final = ("downgrade", "backwards", "rollback", "unapply")
_POSITIONS: Final = {
    "add_column": ("table_name", "column"),
    "drop_column": ("table_name", "column_name"),
    "alter_column": ("table_name", "column_name"),
    "create_table": ("table_name",),
    "drop_table": ("table_name",),
    "rename_table": ("old_table_name", "new_table_name"),
    "create_unique_constraint": ("constraint_name", "table_name", "columns"),
    "create_primary_key": ("constraint_name", "table_name", "columns"),
    "create_check_constraint": ("constraint_name", "table_name", "condition"),
    "create_exclude_constraint": ("constraint_name", "table_name"),
    "create_index": ("index_name", "table_name", "columns"),
    "drop_index": ("index_name", "table_name"),
    "drop_constraint": ("constraint_name", "table_name", "type_"),
}
# Other tools' names for the same: South, piccolo, peewee-migrate, masonite.
_ALIASES: Final = {
    "delete_column": "drop_column",
    "delete_table": "drop_table",
    "remove_fields": "drop_column",
    "drop_columns": "drop_column",
    "remove_model": "drop_table",
}


def alembic_migration(path: str, tree: ast.Module) -> Migration | None:
    """Return what a module's function ``upgrade`` does; None if it has none."""
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    classes = [n for n in tree.body if isinstance(n, ast.ClassDef)]
    for owner in classes:  # South keeps both ways in a class
        functions |= {n.name: n for n in owner.body if isinstance(n, ast.FunctionDef) and n.name in (*_FORWARD, *_BACK)}
    ways = {name: node for name, node in functions.items() if name.startswith(_FORWARD)}
    if not ways:
        return None
    reading = _Reading(constants(tree), functions)
    for node in ways.values():
        reading.function(node)
    back = [node for name, node in functions.items() if name.startswith(_BACK)]
    one_way: list[tuple[int, str]] = []
    line = next(iter(ways.values())).lineno
    if any(not _empty(node) for node in ways.values()):
        if not back:
            one_way.append((line, "there is no downgrade"))
        elif all(_empty(node) for node in back):
            one_way.append(
                (
                    back[0].lineno,
                    f"the {back[0].name} is empty" if not _raises(back[0]) else f"the {back[0].name} raises",
                )
            )
    return Migration(path, "Alembic", tuple(reading.found), tuple(one_way), tuple(reading.unread))


def plain_migration(path: str, tree: ast.Module) -> Migration:
    """Return what can be told of another tool's Python migration: calls with known names, texts that are SQL."""
    reading = _Reading(constants(tree), {}, proven=False)
    found = list(reading.nodes(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "step" and node.args:
            found += sql_in(node.args[0], reading.known)  # yoyo: the second argument leads back
    steps = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and dotted(n.func).rpartition(".")[2] == "step"]
    one_way = [(n.lineno, "a step without a way back") for n in steps if len(n.args) + len(n.keywords) < 2]
    known = bool(found or steps)
    unread = () if known else (NOTHING_KNOWN,)
    return Migration(path, "yoyo" if steps else "Python", tuple(found), tuple(one_way), unread)


class _Reading:
    """What has been read so far of one module."""

    def __init__(
        self,
        known: dict[str, str],
        functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef],
        *,
        proven: bool = True,
    ) -> None:
        self.known, self.functions, self.proven = known, functions, proven
        self.found: list[Operation] = []
        self.unread: list[str] = []
        self._seen: set[str] = set()

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Read a function and those of the module that it calls."""
        if node.name in self._seen:
            return
        self._seen.add(node.name)
        self.found += self.nodes(node)
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in self.functions:
                self.function(self.functions[call.func.id])

    def nodes(self, top: ast.AST) -> Iterator[Operation]:
        nodes = list(ast.walk(top))
        tables = {
            item.optional_vars.id: name_of(arguments(item.context_expr, ("table_name",)).get("table_name"), self.known)
            for node in nodes
            if isinstance(node, ast.With | ast.AsyncWith)
            for item in node.items
            if isinstance(item.context_expr, ast.Call)
            and isinstance(item.optional_vars, ast.Name)
            and dotted(item.context_expr.func).endswith("batch_alter_table")
        }
        local = {
            node.targets[0].id: text
            for node in nodes
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            if (text := text_of(node.value, self.known)) is not None
        }
        known = self.known | local
        calls = sorted((n for n in nodes if isinstance(n, ast.Call)), key=lambda n: (n.lineno, n.col_offset))
        for call in calls:
            owner, _, name = dotted(call.func).rpartition(".")
            name = _ALIASES.get(name, name)
            if reader := getattr(self, f"_{name}", None) if name in _POSITIONS and owner else None:
                table = tables.get(owner)
                names = _POSITIONS[name]
                given = arguments(call, tuple(n for n in names if n != "table_name") if table is not None else names)
                for one in reader(call, given, table or _table(given, known), known):
                    yield one if self.proven else replace(one, proven=False)
            elif name == "execute" or owner:
                yield from self._executed(call, name, known)
        yield from self._returned(nodes)

    def _executed(self, call: ast.Call, name: str, known: dict[str, str]) -> Iterator[Operation]:
        yield from deletes_rows([call], known)
        if name == "execute" and call.args and isinstance(call.args[0], ast.Call):
            inner = call.args[0]
            if dotted(inner.func).rpartition(".")[2] == "delete" and inner.args:
                yield Operation("delete_rows", dotted(inner.args[0]) or RUN_TIME, call.lineno, proven=False)

    def _returned(self, nodes: list[ast.AST]) -> Iterator[Operation]:
        for node in nodes:  # aerich hands the SQL back
            if isinstance(node, ast.Return) and (text := text_of(node.value, self.known)) and looks_like_sql(text):
                yield from sql_operations(text, line=node.lineno)[0]

    def _add_column(
        self, call: ast.Call, given: dict[str, ast.expr], table: str, known: dict[str, str]
    ) -> Iterator[Operation]:
        column = given.get("column")
        read = declared_column(column, known) if isinstance(column, ast.Call) else None
        if read is None:
            self.unread.append(f"line {call.lineno}: a column that is made at run time")
            return
        yield Operation("add_column", table, call.lineno, read.name, column=read)
        if isinstance(column, ast.Call) and _constant(arguments(column, ()).get("unique")) is True:
            yield Operation("add_unique", table, call.lineno, read.name)

    def _drop_column(
        self, call: ast.Call, given: dict[str, ast.expr], table: str, known: dict[str, str]
    ) -> Iterator[Operation]:
        yield Operation("drop_column", table, call.lineno, name_of(given.get("column_name"), known))

    def _drop_table(
        self, call: ast.Call, _given: dict[str, ast.expr], table: str, _known: dict[str, str]
    ) -> Iterator[Operation]:
        yield Operation("drop_table", table, call.lineno)

    def _create_table(
        self, call: ast.Call, _given: dict[str, ast.expr], table: str, known: dict[str, str]
    ) -> Iterator[Operation]:
        columns = [declared_column(arg, known) for arg in call.args[1:] if isinstance(arg, ast.Call)]
        yield Operation("create_table", table, call.lineno, columns=tuple(c for c in columns if c is not None))

    def _rename_table(
        self, call: ast.Call, given: dict[str, ast.expr], _table: str, known: dict[str, str]
    ) -> Iterator[Operation]:
        old, new = (name_of(given.get(key), known) for key in ("old_table_name", "new_table_name"))
        yield Operation("rename_table", old, call.lineno, new)

    def _create_unique_constraint(
        self, call: ast.Call, given: dict[str, ast.expr], table: str, known: dict[str, str]
    ) -> Iterator[Operation]:
        columns = [name_of(e, known) for e in getattr(given.get("columns"), "elts", [])]
        yield Operation("add_unique", table, call.lineno, ", ".join(columns) or RUN_TIME)

    _create_primary_key = _create_unique_constraint

    def _create_check_constraint(
        self, call: ast.Call, given: dict[str, ast.expr], table: str, known: dict[str, str]
    ) -> Iterator[Operation]:
        yield Operation("add_check", table, call.lineno, name_of(given.get("constraint_name"), known))

    _create_exclude_constraint = _create_check_constraint

    def _create_index(
        self, call: ast.Call, given: dict[str, ast.expr], table: str, known: dict[str, str]
    ) -> Iterator[Operation]:
        if _constant(given.get("unique")) is True:
            yield from self._create_unique_constraint(call, given, table, known)

    def _drop_index(
        self, _call: ast.Call, _given: dict[str, ast.expr], _table: str, _known: dict[str, str]
    ) -> Iterator[Operation]:
        yield from ()

    _drop_constraint = _drop_index

    def _alter_column(
        self, call: ast.Call, given: dict[str, ast.expr], table: str, known: dict[str, str]
    ) -> Iterator[Operation]:
        name, line = name_of(given.get("column_name"), known), call.lineno
        if "type_" in given:
            before = given.get("existing_type")
            old = _sql_type(before) if before is not None else None
            yield Operation("change_type", table, line, name, old, _sql_type(given["type_"]))
        nullable = _constant(given.get("nullable"))
        if nullable is False and _constant(given.get("existing_nullable")) is not False:
            yield Operation("set_not_null", table, line, name)
        elif nullable is True:
            yield Operation("drop_not_null", table, line, name)
        if "server_default" in given and _constant(given["server_default"]) is not False:
            gone = _constant(given["server_default"]) is None
            yield Operation("drop_default" if gone else "set_default", table, line, name)
        new = given.get("new_column_name") or given.get("name")
        if new is not None and name_of(new, known) != name:
            yield Operation("rename_column", table, line, name, after=name_of(new, known))


def _table(given: dict[str, ast.expr], known: dict[str, str]) -> str:
    table = name_of(given.get("table_name") or given.get("source_table") or given.get("table"), known)
    schema = text_of(given.get("schema"), known)
    return f"{schema}.{table}" if schema else table


def _constant(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else ...


def _empty(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Say whether a function does nothing, or refuses to."""
    return all(
        isinstance(part, ast.Pass | ast.Raise)
        or (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
        or (
            isinstance(part, ast.Return)
            and (part.value is None or (isinstance(part.value, ast.Constant) and not part.value.value))
        )
        or (isinstance(part, ast.Expr) and isinstance(part.value, ast.Call) and _speaks(part.value))
        for part in node.body
    )


def _speaks(call: ast.Call) -> bool:
    name = dotted(call.func)
    return name == "print" or name.rpartition(".")[2] in ("warning", "info", "warn", "error", "debug")


def _raises(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(part, ast.Raise) for part in node.body)


def declared_column(node: ast.expr, known: dict[str, str]) -> Column | None:
    """Return the column of SQLAlchemy's ``Column("name", Type, ...)``; None for any other call."""
    if not isinstance(node, ast.Call) or dotted(node.func).rpartition(".")[2] not in ("Column", "mapped_column"):
        return None
    given = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    arguments_ = list(node.args)
    name = given.get("name") or (arguments_.pop(0) if arguments_ and text_of(arguments_[0], known) else None)
    parts = [dotted(getattr(part, "func", None)).rpartition(".")[2] for part in arguments_]
    kind = given.get("type_") or (
        arguments_[0] if arguments_ and parts[0] not in ("ForeignKey", "Computed", "Identity") else None
    )
    key = _constant(given.get("primary_key")) is True
    nullable = not key if "nullable" not in given else _constant(given["nullable"]) is not False
    filled = ("server_default" in given and _constant(given["server_default"]) is not None) or not {
        "Computed",
        "Identity",
        "FetchedValue",
    }.isdisjoint(parts)
    text = ", ".join(
        [
            *(ast.unparse(a) for a in arguments_),
            *sorted(f"{k}={ast.unparse(v)}" for k, v in given.items() if k not in _SHOWN),
        ]
    )
    return Column(name_of(name, known), _sql_type(kind) if kind is not None else None, nullable, filled or key, text)


_SHOWN: Final = frozenset(
    [
        "doc",
        "comment",
        "info",
        "key",
        "default",
        "onupdate",
        "default_factory",
        "insert_default",
        "init",
        "repr",
        "name",
        "sort_order",
        "deferred",
    ]
)


def _sql_type(node: ast.expr) -> str:
    """Return SQLAlchemy's type as SQL writes it: ``sa.String(length=50)`` is ``String(50)``."""
    if isinstance(node, ast.Call):
        values = [*node.args, *(k.value for k in node.keywords if k.arg in ("length", "precision", "scale"))]
        name = dotted(node.func).rpartition(".")[2]
        texts = [str(v.value) for v in values if isinstance(v, ast.Constant) and not isinstance(v.value, bool)]
        if name.lower() == "enum":
            return f"ENUM({', '.join(repr(text) for text in texts)})"
        if any(k.arg == "timezone" and _constant(k.value) is True for k in node.keywords):
            return "timestamptz"
        return f"{name}({', '.join(texts)})" if texts else name
    return dotted(node).rpartition(".")[2] or ast.unparse(node)
