"""What a migration does, one operation each, as values, and whether somebody wrote a way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["NOTHING_KNOWN", "RUN_TIME", "Column", "Kind", "Migration", "Operation", "bare"]

Kind = Literal[
    "create_table",
    "drop_table",
    "rename_table",
    "add_column",
    "drop_column",
    "rename_column",
    "restate_column",
    "change_type",
    "set_not_null",
    "drop_not_null",
    "set_default",
    "drop_default",
    "add_unique",
    "add_check",
    "create_type",
    "rename_type",
    "drop_type",
    "add_value",
    "create_view",
    "drop_view",
    "drop_object",
    "empty_table",
    "delete_rows",
    "update_rows",
    "copy_rows",
    "lose_data",
]
"""What an operation is. Those that neither lose a row nor stop a reader, such as an index, are not kept."""

RUN_TIME: Final = "a name made at run time"
NOTHING_KNOWN: Final = "no operation of a known tool in it"


@dataclass(frozen=True)
class Column:
    """A column as a migration defines it; ``default``: the database itself fills it in."""

    name: str
    type: str | None = None
    nullable: bool | None = None
    default: bool = False
    text: str = ""


@dataclass(frozen=True)
class Operation:
    """One thing that a migration does to the database.

    Attributes
    ----------
    kind : str
        What it does. ``restate_column`` names a whole definition, which may be as it was.
    table : str
        What it is done to; of a type or a view, its name.
    line : int
        Where it stands.
    name : str
        The column; of a renamed table its new name; of copied rows the table they come from.
    before, after : str or None
        How it was and is, as far as the operation says so itself.
    column : Column or None
        What is added or restated.
    columns : tuple of Column
        What a new table holds.
    values : tuple of str
        What an enumerated type allows.
    proven : bool
        False where it was read by pattern.
    real : bool
        False of a model without a table of its own.
    """

    kind: Kind
    table: str
    line: int
    name: str = ""
    before: str | None = None
    after: str | None = None
    column: Column | None = None
    columns: tuple[Column, ...] = ()
    values: tuple[str, ...] = ()
    proven: bool = True
    real: bool = True

    @property
    def key(self) -> tuple[str, str, str, str | None]:
        """What makes it the same operation in another version of the file, wherever it stands and however it is put.

        A database that has applied a migration never sees what is written differently in it later, unless it is a step
        of its own.
        """
        rules = f"{self.column.nullable} {self.column.default}" if self.column else self.after
        return self.kind, self.table.lower(), self.name.lower(), rules

    @property
    def definition(self) -> tuple[object, ...]:
        """All that it says, but for the line."""
        return self.key, self.column, self.columns, self.values, self.before


@dataclass(frozen=True)
class Migration:
    """One migration file as it was read.

    Attributes
    ----------
    path, tool : str
        The file, and whose it is.
    forward : tuple of Operation
        What it does, in order.
    one_way : tuple of (int, str)
        The lines of steps that nothing takes back, each in words.
    unread : tuple of str
        What in it nobody could read, in words.
    examined : bool
        False of a file that only leads back, or is no migration after all.
    """

    path: str
    tool: str
    forward: tuple[Operation, ...] = ()
    one_way: tuple[tuple[int, str], ...] = ()
    unread: tuple[str, ...] = ()
    examined: bool = True


def bare(name: str) -> str:
    """Return a name without the quotes that a dialect puts around it.

    Examples
    --------
    >>> bare('"public"."orders"'), bare("[dbo].[Orders]"), bare("`tax`")
    ('public.orders', 'dbo.Orders', 'tax')
    """
    return name.translate(_QUOTES).strip()


_QUOTES: Final = str.maketrans("", "", '"`[]')
