"""The tables that Python classes stand for: Django, SQLAlchemy, SQLModel, peewee, Tortoise, MongoEngine."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from stabkit.change.python_code import dotted
from stabkit.change.schema.migrations import declared_column, field_column

__all__ = ["Declared", "ModelBases", "python_tables"]

_CLASS: Final = re.compile(rb"(?m)^[ \t]*class[ \t]+(\w+)[ \t]*\(([^)]{0,500})\)")
_ROOTS: Final = frozenset(
    [
        "models.Model",
        "db.Model",
        "Model",
        "peewee.Model",
        "DeclarativeBase",
        "Document",
        "EmbeddedDocument",
        "DynamicDocument",
        "db.Document",
        "mongoengine.Document",
        "MPTTModel",
        "PolymorphicModel",
        "TimeStampedModel",
        "orm.DeclarativeBase",
        "TortoiseModel",
    ]
)
_PLAIN_ROOTS: Final = frozenset(name for name in _ROOTS if "." not in name)
# Classes that look like models and stand for no table.
_OTHERS: Final = re.compile(
    r"(^|\.)(BaseModel|BaseSettings|RootModel|ModelForm|Form|BaseForm|\w*Serializer|Schema|\w*Filter(Set)?|nn\.Module|"
    r"GenericModel|ModelAdmin|\w*ModelView|\w*ModelViewSet|\w*ModelForm\w*|Enum|Exception|TestCase|QuerySet|Manager)$"
)
# Whose classes a name of the repository's own may hide: what is imported from them is theirs.
_PACKAGES: Final = frozenset(
    (
        *("pydantic", "pydantic_settings", "django", "peewee", "tortoise", "sqlalchemy", "sqlmodel", "ormar"),
        *("flask_sqlalchemy", "mongoengine", "beanie", "odmantic", "rest_framework", "ninja", "marshmallow", "torch"),
    )
)
_IMPORT: Final = re.compile(rb"(?m)^from[ \t]+([\w.]+)[ \t]+import[ \t]*(\([^)]{0,2000}\)|[^\n]*)")
_FIELD: Final = re.compile(r"(Field|ForeignKey|Key|Block)$")
_META: Final = frozenset(
    [
        "db_table",
        "table_name",
        "table",
        "unique_together",
        "constraints",
        "indexes",
        "index_together",
        "managed",
        "proxy",
        "order_with_respect_to",
        "primary_key",
        "schema",
        "database",
    ]
)
_TABLE_NAMES: Final = frozenset(["__tablename__", "__table_args__"])


@dataclass(frozen=True)
class Declared:
    """A column as a file declares it, with its line; no name of a column: the table itself."""

    table: str
    column: str
    text: str
    line: int
    proven: bool = True


class ModelBases:
    """Which classes of a repository stand for tables, by the names of their bases.

    Examples
    --------
    >>> bases = ModelBases([b"class Base(models.Model): ...", b"class Order(Base): ...", b"class F(forms.Form): ..."])
    >>> [bases.stands_for_table(name) for name in ("Order", "F")]
    [True, False]
    """

    def __init__(self, sources: Iterable[bytes]) -> None:
        self._bases: dict[str, set[str]] = {}
        self._tables: set[str] = set()
        for source in sources:
            foreign = dict(_foreign(source))
            for name, given in _CLASS.findall(source):
                own = name.decode("utf-8", "replace")
                bases = re.sub(r"#[^\n]*|\s", "", given.decode("utf-8", "replace")).split(",")
                if "table=True" in bases:
                    self._tables.add(own)
                named = (foreign.get(base, base) for base in bases if base and "=" not in base)
                self._bases.setdefault(own, set()).update(named)
        # A class without a table of its own gives its fields to those that are made of it.
        waiting = [base for name in self._tables for base in self._bases[name]]
        while waiting:
            name = waiting.pop()
            if name in self._bases and name not in self._tables:
                self._tables.add(name)
                waiting += self._bases[name]

    def stands_for_table(self, name: str, bases: Iterable[str] = ()) -> bool:
        """Say whether a class descends from a known model, in this repository or by the name of its base."""
        seen: set[str] = set()
        waiting = [*bases, *self._bases.get(name, ())]
        while waiting:
            base = waiting.pop()
            if base in seen:
                continue
            seen.add(base)
            package, _, last = base.rpartition(".")
            theirs = package.partition(".")[0] in _PACKAGES
            known = None if theirs else self._bases.get(last)
            # A model of the repository's own may be called as those of others are.
            if known is not None and base in ("BaseModel", *_PLAIN_ROOTS):
                waiting += known
                continue
            if _OTHERS.search(base):
                continue
            if base in _ROOTS or (theirs and last in _PLAIN_ROOTS):
                return True
            if known is not None:
                waiting += known
            elif base == "Base" or base.endswith(("Model", ".Base")):
                return True
        return False

    def gives_columns(self, name: str) -> bool:
        """Say whether an SQLModel class, or one that is made of it, has a table."""
        return name in self._tables


def _foreign(source: bytes) -> Iterator[tuple[str, str]]:
    """Yield what a file imports from a package that makes models, by its name there and with its package."""
    for module, names in _IMPORT.findall(source) if b"import" in source else ():
        package = module.decode("ascii", "replace")
        if package.partition(".")[0] not in _PACKAGES:
            continue
        for part in re.sub(rb"#[^\n]*|[()]", b"", names).split(b","):
            words = part.decode("utf-8", "replace").split()
            if words:
                yield words[-1], f"{package}.{words[0]}"


def python_tables(tree: ast.Module, bases: ModelBases) -> Iterator[Declared]:
    """Yield the tables and columns that a module declares, as far as they reach the database."""
    foreign = {
        one.asname or one.name: f"{node.module}.{one.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in _PACKAGES
        for one in node.names
        if not node.level
    }
    for node in _statements(tree.body):
        if isinstance(node, ast.ClassDef):
            yield from _of_class(node, bases, foreign)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr) and isinstance(node.value, ast.Call):
            yield from _of_table(node.value)


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module that run when it is imported; a function's do not."""
    for node in body:
        yield node
        if isinstance(node, ast.ClassDef | ast.If | ast.Try | ast.With):
            yield from _statements(node.body)
        if isinstance(node, ast.If | ast.Try):
            yield from _statements(node.orelse)


def _of_table(call: ast.Call) -> Iterator[Declared]:
    name = call.args[0] if call.args else None
    if dotted(call.func).rpartition(".")[2] != "Table" or not isinstance(name, ast.Constant):
        return
    columns = [(arg.lineno, declared_column(arg, {})) for arg in call.args[1:]]
    found = [(line, column) for line, column in columns if column is not None]
    if found:
        yield Declared(str(name.value), "", "", call.lineno)
    for line, column in found:
        yield Declared(str(name.value), column.name, column.text, line)


def _of_class(node: ast.ClassDef, bases: ModelBases, foreign: Mapping[str, str]) -> Iterator[Declared]:
    named = [foreign.get(name, name) for name in map(dotted, node.bases)]
    if any(_OTHERS.search(base) for base in named) and not bases.stands_for_table(node.name, named):
        return
    model = bases.stands_for_table(node.name, named)
    table = any(k.arg == "table" and isinstance(k.value, ast.Constant) and k.value.value is True for k in node.keywords)
    annotated = table or bases.gives_columns(node.name)
    # A class that names its table holds columns alone, whatever the function is called that makes them.
    model_by_name = any(isinstance(i, ast.Assign) and dotted(i.targets[0]) == "__tablename__" for i in node.body)
    found: list[Declared] = []
    for item in node.body:
        if isinstance(item, ast.ClassDef) and item.name in ("Meta", "_meta") and (model or found):
            found += _of_meta(node.name, item)
        elif isinstance(item, ast.Assign | ast.AnnAssign):
            target = item.targets[0] if isinstance(item, ast.Assign) else item.target
            if isinstance(target, ast.Name):
                text = _stored(target.id, item, model=model, annotated=annotated, named=model_by_name)
                if text is not None:
                    found.append(Declared(node.name, target.id, text, item.lineno))
    columns = [one for one in found if one.column not in _TABLE_NAMES and not one.column.startswith("Meta.")]
    if columns or (model and found):
        yield Declared(node.name, "", "", node.lineno)
        yield from found


def _of_meta(owner: str, meta: ast.ClassDef) -> Iterator[Declared]:
    for item in meta.body:
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name) and item.targets[0].id in _META:
            yield Declared(owner, f"Meta.{item.targets[0].id}", ast.unparse(item.value)[:500], item.lineno)


def _stored(name: str, item: ast.Assign | ast.AnnAssign, *, model: bool, annotated: bool, named: bool) -> str | None:  # noqa: PLR0911 - a declaration a rule
    """Return what of an attribute reaches the database; None if nothing does."""
    annotation = ast.unparse(item.annotation) if isinstance(item, ast.AnnAssign) else ""
    value = item.value
    owner, _, kind = dotted(value.func).rpartition(".") if isinstance(value, ast.Call) else ("", "", "")
    if kind in ("Column", "mapped_column") and isinstance(value, ast.Call):
        column = declared_column(value, {})
        return " ".join(filter(None, [annotation if kind == "mapped_column" else "", column.text if column else ""]))
    mapped = re.match(r"(?:\w+\.)*Mapped\[(.*)\]$", annotation, re.DOTALL)
    if mapped:
        return None if kind in _NO_COLUMN else _made(value) or mapped[1]
    if annotated and annotation and not annotation.startswith(("ClassVar", "typing.ClassVar")):
        if kind in ("Relationship", "PrivateAttr") or name.startswith(("_", "model_config")):
            return None
        return " ".join(filter(None, [annotation, _field_text(value) if kind == "Field" else ""]))
    if name in _TABLE_NAMES and value is not None:
        return ast.unparse(value)[:500]
    if not isinstance(value, ast.Call) or not kind:
        return None
    if named and kind not in _NO_COLUMN and (value.args or value.keywords) and not name.startswith("_"):
        return _made(value)
    django = owner.rpartition(".")[2] == "models" and (_FIELD.search(kind) or kind == "ForeignObject")
    plain = (
        model
        and owner.rpartition(".")[2] not in ("forms", "serializers")
        and (_FIELD.search(kind) or owner == "fields")
    )
    if (not django and not plain) or kind == "GenericForeignKey":
        return None
    column = field_column(name, value)
    if column is not None:
        return column.text
    kept = [ast.unparse(arg) for arg in value.args[:1]]
    kept += [f"{k.arg}={ast.unparse(k.value)}" for k in value.keywords if k.arg in ("to", "through", "db_table")]
    return f"{kind}({', '.join(kept)})" if kind.endswith("ManyToManyField") else None


# What SQLAlchemy keeps in a class beside its columns.
_NO_COLUMN: Final = frozenset(
    [
        "relationship",
        "synonym",
        "column_property",
        "composite",
        "association_proxy",
        "backref",
        "deferred_group",
        "dynamic_loader",
        "declared_attr",
        "hybrid_property",
        "index_property",
        "query_expression",
        "Index",
        "UniqueConstraint",
    ]
)


def _made(value: ast.expr | None) -> str:
    """Return a column that a function of the repository's own makes, but for what Python alone sees of it."""
    if not isinstance(value, ast.Call):
        return ""
    kept = [ast.unparse(arg) for arg in value.args]
    kept += [ast.unparse(k) for k in value.keywords if k.arg not in ("default", "doc", "comment", "onupdate")]
    return f"{dotted(value.func)}({', '.join(kept)})"[:500]


# Of an SQLModel field, what validates and describes never reaches the database.
_STORED: Final = frozenset(
    [
        "primary_key",
        "foreign_key",
        "unique",
        "nullable",
        "index",
        "sa_type",
        "sa_column",
        "sa_column_args",
        "sa_column_kwargs",
        "max_length",
        "max_digits",
        "decimal_places",
        "ondelete",
    ]
)


def _field_text(value: ast.expr | None) -> str:
    given: Mapping[str, ast.expr] = {k.arg: k.value for k in getattr(value, "keywords", []) if k.arg in _STORED}
    return ", ".join(f"{key}={ast.unparse(given[key])}" for key in sorted(given))
