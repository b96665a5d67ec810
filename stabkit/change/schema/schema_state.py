"""What a database held before a range, as far as the migrations that led there tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stabkit.change.schema.migrations import Column, Operation

__all__ = ["SchemaState", "same_name"]


def same_name(name: str) -> str:
    """Return a name as databases compare it: without case, and without the schema that most leave out."""
    return name.lower().removeprefix("public.").removeprefix("dbo.")


class SchemaState:
    """Tables with their columns, and enumerated types with their values, after operations in their order.

    Examples
    --------
    >>> tax = Column("tax", "int", nullable=True)
    >>> state = SchemaState([Operation("create_table", "Orders", 1, columns=(tax,))])
    >>> state.column("orders", "TAX") == tax, state.column("orders", "total")
    (True, None)
    """

    def __init__(self, operations: Iterable[Operation] = ()) -> None:
        self.tables: dict[str, dict[str, Column]] = {}
        self.virtual: set[str] = set()
        self.types: dict[str, tuple[str, ...]] = {}
        for one in operations:
            self.apply(one)

    def column(self, table: str, name: str) -> Column | None:
        """Return a column as it is known; None if nothing said what it is."""
        return self.tables.get(same_name(table), {}).get(name.lower())

    def apply(self, one: Operation) -> None:  # noqa: C901, PLR0912 - a table of kinds
        """Follow one operation."""
        table, name = same_name(one.table), one.name.lower()
        columns = (
            self.tables.setdefault(table, {})
            if one.column or one.kind == "create_table"
            else self.tables.get(table, {})
        )
        if one.kind == "create_table":
            self.tables[table] = {column.name.lower(): column for column in one.columns}
            (self.virtual.discard if one.real else self.virtual.add)(table)
        elif one.kind == "drop_table":
            self.tables.pop(table, None)
        elif one.kind == "rename_table":
            if table in self.tables:
                self.tables[same_name(one.name)] = self.tables.pop(table)
        elif one.column is not None:
            columns[name] = one.column
        elif one.kind == "drop_column":
            columns.pop(name, None)
        elif one.kind == "rename_column":
            if name in columns and one.after:
                columns[one.after.lower()] = replace(columns.pop(name), name=one.after)
        elif one.kind == "create_type":
            self.types[table] = one.values
        elif one.kind == "add_value":
            self.types[table] = (*self.types.get(table, ()), one.name)
        elif one.kind == "rename_type":
            if table in self.types:
                self.types[same_name(one.name)] = self.types.pop(table)
        elif one.kind == "drop_type":
            self.types.pop(table, None)
        elif name in columns:
            self._altered(columns, one, name)

    @staticmethod
    def _altered(columns: dict[str, Column], one: Operation, name: str) -> None:
        column = columns[name]
        if one.kind == "change_type":
            columns[name] = replace(column, type=one.after)
        elif one.kind in ("set_not_null", "drop_not_null"):
            columns[name] = replace(column, nullable=one.kind == "drop_not_null")
        elif one.kind in ("set_default", "drop_default"):
            columns[name] = replace(column, default=one.kind == "set_default")
