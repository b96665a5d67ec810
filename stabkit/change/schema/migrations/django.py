"""Operations of a Django migration, by its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeGuard

from stabkit.change.python_code import dotted
from stabkit.change.schema.migrations.operations import Column, Migration, Operation
from stabkit.change.schema.migrations.python_calls import arguments, constants, deletes_rows, name_of, sql_in

__all__ = ["django_migration", "field_column"]

# Operations that lose nothing and stop nobody: the state of the models alone, indexes, extensions.
_HARMLESS: Final = frozenset(
    [
        "AlterModelOptions",
        "AlterModelManagers",
        "AlterModelTableComment",
        "AddIndex",
        "AddIndexConcurrently",
        "RemoveIndex",
        "RemoveIndexConcurrently",
        "RenameIndex",
        "AlterIndexTogether",
        "RemoveConstraint",
        "ValidateConstraint",
        "BtreeGinExtension",
        "BtreeGistExtension",
        "BloomExtension",
        "CITextExtension",
        "CryptoExtension",
        "HStoreExtension",
        "TrigramExtension",
        "UnaccentExtension",
        "CreateExtension",
        "CreateCollation",
        "RemoveCollation",
    ]
)
# The database drops the default that Django adds a column with, so only these fill in what old code leaves out.
_FILLED: Final = frozenset(["db_default", "auto_created"])
_AUTO: Final = ("AutoField", "BigAutoField", "SmallAutoField", "GeneratedField", "SerialField")
_TYPES: Final = {
    "CharField": "varchar",
    "SlugField": "varchar",
    "EmailField": "varchar",
    "URLField": "varchar",
    "FileField": "varchar",
    "ImageField": "varchar",
    "FilePathField": "varchar",
    "TextField": "text",
    "SmallIntegerField": "smallint",
    "PositiveSmallIntegerField": "smallint",
    "IntegerField": "int",
    "PositiveIntegerField": "int",
    "BigIntegerField": "bigint",
    "PositiveBigIntegerField": "bigint",
    "AutoField": "int",
    "BigAutoField": "bigint",
    "SmallAutoField": "smallint",
    "BooleanField": "boolean",
    "NullBooleanField": "boolean",
    "DecimalField": "decimal",
    "FloatField": "double",
    "DateField": "date",
    "DateTimeField": "timestamptz",
    "TimeField": "time",
    "DurationField": "interval",
    "UUIDField": "uuid",
    "JSONField": "json",
    "BinaryField": "blob",
    "GenericIPAddressField": "inet",
}
_LENGTHS: Final = {"SlugField": "50", "EmailField": "254", "URLField": "200", "FileField": "100", "ImageField": "100"}


def django_migration(path: str, tree: ast.Module) -> Migration | None:
    """Return what a module's class ``Migration`` does, or operations without one; None if it holds neither."""
    owner = next((n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Migration"), None)
    reading = _Reading(tree)
    for node in owner.body if owner else ():
        value = getattr(node, "value", None)
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "operations" and value is not None:
            reading.listed(value)
    if owner is None:
        values = [getattr(node, "value", None) for node in tree.body]
        listed = [value for value in values if _operation_in(value)]
        if not listed:
            return None
        for value in listed:
            reading.listed(value)
    return Migration(path, "Django", tuple(reading.found), tuple(reading.one_way), tuple(reading.unread))


def _operation_in(value: object) -> TypeGuard[ast.expr]:
    """Say whether an expression is an operation, or a list of them, outside a class: others take them from there."""
    first = value.elts[0] if isinstance(value, ast.List | ast.Tuple) and value.elts else value
    name = dotted(first.func).rpartition(".")[2] if isinstance(first, ast.Call) else ""
    return name in ("RunPython", "RunSQL") or (name[:1].isupper() and hasattr(_Reading, f"_{name}"))


class _Reading:
    """What has been read so far of the operations of one module."""

    def __init__(self, tree: ast.Module) -> None:
        self.known = constants(tree)
        self.functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
        self.lists = {
            node.targets[0].id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        self.found: list[Operation] = []
        self.one_way: list[tuple[int, str]] = []
        self.unread: list[str] = []

    def listed(self, node: ast.expr, depth: int = 0) -> None:
        if depth > 8:
            return
        if isinstance(node, ast.List | ast.Tuple):
            for element in node.elts:
                self.listed(element, depth + 1)
        elif isinstance(node, ast.Starred):
            self.listed(node.value, depth + 1)
        elif isinstance(node, ast.BinOp):
            self.listed(node.left, depth + 1)
            self.listed(node.right, depth + 1)
        elif isinstance(node, ast.Name) and node.id in self.lists:
            self.listed(self.lists[node.id], depth + 1)
        elif isinstance(node, ast.Call):
            self._call(node, depth)
        else:
            self.unread.append(f"line {node.lineno}: operations that are made at run time")

    def _call(self, call: ast.Call, depth: int) -> None:
        name = dotted(call.func).rpartition(".")[2]
        if name == "SeparateDatabaseAndState":
            given = arguments(call, ("database_operations", "state_operations"))
            if "database_operations" in given:
                self.listed(given["database_operations"], depth + 1)
        elif name == "RunPython":
            self._python(call)
        elif name == "RunSQL":
            given = arguments(call, ("sql", "reverse_sql"))
            self.found += sql_in(given.get("sql"), self.known)
            if _missing(given.get("reverse_sql")) and not dotted(given.get("sql")).endswith("noop"):
                self.one_way.append((call.lineno, "RunSQL without reverse"))
        elif reader := getattr(self, f"_{name}", None) if name[:1].isupper() else None:
            self.found += reader(call)
        elif name not in _HARMLESS:
            self.unread.append(f"line {call.lineno}: the operation {name or 'of a call'}")

    def _python(self, call: ast.Call) -> None:
        given = arguments(call, ("code", "reverse_code"))
        code = given.get("code")
        if dotted(code).endswith("noop"):
            return
        if _missing(given.get("reverse_code")):
            self.one_way.append((call.lineno, "RunPython without reverse"))
        function = self.functions.get(dotted(code).rpartition(".")[2])
        nodes = list(ast.walk(function)) if function else list(ast.walk(code)) if isinstance(code, ast.Lambda) else []
        models = {
            node.targets[0].id: node.value.args[1].value
            for node in nodes
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Call)
            and dotted(node.value.func).endswith("get_model")
            and len(node.value.args) > 1
            and isinstance(node.value.args[1], ast.Constant)
        }
        for one in deletes_rows(nodes, self.known):
            self.found.append(replace(one, table=str(models.get(one.table, one.table))))

    def _field(self, call: ast.Call) -> tuple[str, str, ast.expr | None]:
        given = arguments(call, ("model_name", "name", "field"))
        return name_of(given.get("model_name"), self.known), name_of(given.get("name"), self.known), given.get("field")

    def _CreateModel(self, call: ast.Call) -> Iterator[Operation]:  # noqa: N802 - named as the operation that it reads
        given = arguments(call, ("name", "fields", "options", "bases", "managers"))
        fields = given.get("fields")
        pairs = [e for e in getattr(fields, "elts", []) if isinstance(e, ast.Tuple) and len(e.elts) == 2]
        columns = [field_column(name_of(pair.elts[0], self.known), pair.elts[1]) for pair in pairs]
        options = given.get("options")
        virtual = isinstance(options, ast.Dict) and any(
            isinstance(k, ast.Constant)
            and isinstance(v, ast.Constant)
            and (k.value, v.value) in (("proxy", True), ("managed", False))
            for k, v in zip(options.keys, options.values, strict=True)
        )
        held = tuple(column for column in columns if column is not None)
        name = name_of(given.get("name"), self.known)
        yield Operation("create_table", name, call.lineno, columns=held, real=not virtual)

    def _DeleteModel(self, call: ast.Call) -> Iterator[Operation]:  # noqa: N802
        yield Operation("drop_table", name_of(arguments(call, ("name",)).get("name"), self.known), call.lineno)

    def _RenameModel(self, call: ast.Call) -> Iterator[Operation]:  # noqa: N802
        given = arguments(call, ("old_name", "new_name"))
        old, new = (name_of(given.get(key), self.known) for key in ("old_name", "new_name"))
        yield Operation("rename_table", old, call.lineno, new)

    def _AlterModelTable(self, call: ast.Call) -> Iterator[Operation]:  # noqa: N802
        given = arguments(call, ("name", "table"))
        # The model keeps its name in the migrations that follow: no other name is entered for it.
        name = name_of(given.get("name"), self.known)
        yield Operation("rename_table", name, call.lineno, name, after=name_of(given.get("table"), self.known))

    def _AddField(self, call: ast.Call) -> Iterator[Operation]:  # noqa: N802
        model, name, field = self._field(call)
        column = field_column(name, field)
        if column is not None:
            yield Operation("add_column", model, call.lineno, name, column=column)
            if _keyword(field, "unique") is True:
                yield Operation("add_unique", model, call.lineno, name)
        elif "ManyToManyField" not in dotted(getattr(field, "func", None)):
            self.unread.append(f"line {call.lineno}: a field that is made at run time")

    def _RemoveField(self, call: ast.Call) -> Iterator[Operation]:  # noqa: N802
        model, name, _ = self._field(call)
        yield Operation("drop_column", model, call.lineno, name)

    def _AlterField(self, call: ast.Call) -> Iterator[Operation]:  # noqa: N802
        model, name, field = self._field(call)
        column = field_column(name, field)
        if column is not None:
            yield Operation("restate_column", model, call.lineno, name, column=column)

    def _RenameField(self, call: ast.Call) -> Iterator[Operation]:  # noqa: N802
        given = arguments(call, ("model_name", "old_name", "new_name"))
        model, old, new = (name_of(given.get(key), self.known) for key in ("model_name", "old_name", "new_name"))
        yield Operation("rename_column", model, call.lineno, old, after=new)

    def _AddConstraint(self, call: ast.Call) -> Iterator[Operation]:  # noqa: N802
        given = arguments(call, ("model_name", "constraint"))
        constraint = given.get("constraint")
        kind = dotted(getattr(constraint, "func", None)).rpartition(".")[2]
        model = name_of(given.get("model_name"), self.known)
        fields = ", ".join(_texts(_argument(constraint, "fields")))
        if kind == "UniqueConstraint":
            yield Operation("add_unique", model, call.lineno, fields or "an expression")
        else:
            yield Operation("add_check", model, call.lineno, kind)

    _AddConstraintNotValid = _AddConstraint

    def _AlterUniqueTogether(self, call: ast.Call) -> Iterator[Operation]:  # noqa: N802
        given = arguments(call, ("name", "unique_together"))
        names = sorted(_texts(given.get("unique_together")))
        if names:
            model = name_of(given.get("name"), self.known)
            yield Operation("add_unique", model, call.lineno, ", ".join(names), proven=False)

    def _AlterOrderWithRespectTo(self, call: ast.Call) -> Iterator[Operation]:  # noqa: N802
        given = arguments(call, ("name", "order_with_respect_to"))
        if not _missing(given.get("order_with_respect_to")):
            column = Column("_order", "int", nullable=False, text="order_with_respect_to")
            yield Operation("add_column", name_of(given.get("name"), self.known), call.lineno, "_order", column=column)


def _missing(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value is None)


def _argument(call: ast.expr | None, name: str) -> ast.expr | None:
    return next((k.value for k in getattr(call, "keywords", []) if k.arg == name), None)


def _keyword(call: ast.expr | None, name: str) -> object:
    value = _argument(call, name)
    return value.value if isinstance(value, ast.Constant) else None if value is None else ...


def _texts(node: ast.expr | None) -> list[str]:
    if node is None:
        return []
    return [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]


def field_column(name: str, field: ast.expr | None) -> Column | None:
    """Return the column of a model's field; None for one that has none in this table."""
    kind = dotted(getattr(field, "func", None)).rpartition(".")[2]
    if (
        not isinstance(field, ast.Call)
        or not kind
        or kind.endswith(("ManyToManyField", "GenericForeignKey", "GenericRelation"))
    ):
        return None
    given = {keyword.arg: keyword.value for keyword in field.keywords if keyword.arg}
    nullable = kind == "NullBooleanField" or _keyword(field, "null") is True
    filled = not _FILLED.isdisjoint(given) or kind in _AUTO
    return Column(name, _column_type(kind, given), nullable, filled, _stored(kind, field))


def _column_type(kind: str, given: Mapping[str, ast.expr]) -> str | None:
    """Return the type in the database, of Django's own fields."""
    base = _TYPES.get(kind)
    if base == "varchar":
        length = given.get("max_length")
        size = str(length.value) if isinstance(length, ast.Constant) else None if length else _LENGTHS.get(kind)
        return f"varchar({size})" if size else "varchar"
    if base == "decimal":
        sizes = [getattr(given.get(key), "value", None) for key in ("max_digits", "decimal_places")]
        return f"decimal({sizes[0]}, {sizes[1]})" if all(isinstance(size, int) for size in sizes) else base
    return base


# What a field says for people and forms, and never reaches the database.
_SHOWN: Final = frozenset(
    [
        "verbose_name",
        "help_text",
        "blank",
        "choices",
        "editable",
        "error_messages",
        "validators",
        "default",
        "auto_now",
        "auto_now_add",
        "related_name",
        "related_query_name",
        "limit_choices_to",
        "on_delete",
        "upload_to",
        "storage",
        "verbose_name_plural",
        "serialize",
        "unique_for_date",
        "unique_for_month",
        "unique_for_year",
        "db_comment",
        "path",
        "match",
        "recursive",
        "allow_files",
        "allow_folders",
        "encoder",
        "decoder",
        "width_field",
        "height_field",
    ]
)


def _stored(kind: str, field: ast.Call) -> str:
    """Return the field as far as it reaches the database, always written alike."""
    parts = []
    positional = (
        [ast.unparse(arg) for arg in field.args] if kind in ("ForeignKey", "OneToOneField", "ParentalKey") else []
    )
    parts += positional[:1]
    parts += sorted(f"{k.arg}={ast.unparse(k.value)}" for k in field.keywords if k.arg and k.arg not in _SHOWN)
    return f"{kind}({', '.join(parts)})"
