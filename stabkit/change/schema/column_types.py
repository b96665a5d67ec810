"""Whether a column still holds what it held after its type changed."""

from __future__ import annotations

import re
from typing import Final, Literal

__all__ = ["type_change"]

Verdict = Literal["same", "wider", "narrower", "other"]

_SAME: Final = {
    "int4": "int",
    "integer": "int",
    "mediumint": "int",
    "int8": "bigint",
    "bigserial": "bigint",
    "biginteger": "bigint",
    "serial": "int",
    "int2": "smallint",
    "smallinteger": "smallint",
    "smallserial": "smallint",
    "character varying": "varchar",
    "nvarchar": "varchar",
    "varchar2": "varchar",
    "nvarchar2": "varchar",
    "string": "varchar",
    "unicode": "varchar",
    "character": "char",
    "nchar": "char",
    "unicodetext": "text",
    "clob": "text",
    "ntext": "text",
    "bool": "boolean",
    "numeric": "decimal",
    "number": "decimal",
    "float4": "real",
    "float8": "double",
    "double precision": "double",
    "float": "double",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "datetime2": "datetime",
    "binary varying": "varbinary",
    "largebinary": "blob",
    "bytea": "blob",
}
# Each family from the narrowest to the widest; what stands in one holds all that stands before it there.
_LADDERS: Final = (
    ("boolean", "tinyint", "smallint", "int", "bigint", "decimal"),
    ("real", "double"),
    ("char", "varchar", "tinytext", "text", "mediumtext", "longtext"),
    ("date", "datetime"),
    ("date", "timestamp"),
    ("date", "timestamptz"),
    ("json", "jsonb"),
    ("tinyblob", "blob", "mediumblob", "longblob"),
    ("binary", "varbinary", "blob"),
)
_EQUAL: Final = (
    {"json", "jsonb"},
    {"datetime", "timestamp", "timestamptz"},
    {"varchar", "citext"},
    {"text", "citext"},
)
_TYPE: Final = re.compile(r"\s*([A-Za-z_][\w ]*?)\s*(?:\(([^()]*)\))?\s*(\[\])?\s*(?:unsigned)?\s*", re.IGNORECASE)
_ENUM: Final = re.compile(r"(?is)\s*(?:enum|set)\s*\((.*)\)\s*")
_VALUE: Final = re.compile(r"'((?:[^']|'')*)'")


def type_change(before: str, after: str) -> Verdict:  # noqa: PLR0911 - a verdict a rule
    """Return what a new type means for values of the old one: all fit, or not all, or they are of another kind.

    Examples
    --------
    >>> type_change("varchar(50)", "character varying(20)"), type_change("INTEGER", "bigint")
    ('narrower', 'wider')
    >>> type_change("text", "int"), type_change("ENUM('a','b')", "ENUM('a')"), type_change("int4", "INTEGER")
    ('other', 'narrower', 'same')
    """
    old_values, new_values = (_ENUM.fullmatch(text) for text in (before, after))
    if old_values and new_values:
        old, new = (set(_VALUE.findall(found[1])) for found in (old_values, new_values))
        return "same" if old == new else "wider" if old < new else "narrower"
    (old_name, old_size, old_array), (new_name, new_size, new_array) = _parts(before), _parts(after)
    if old_array != new_array:
        return "other"
    if old_name == new_name:
        return _sizes(old_size, new_size)
    if any({old_name, new_name} <= names for names in _EQUAL):
        return "wider"
    for ladder in _LADDERS:
        if old_name in ladder and new_name in ladder:
            wider = ladder.index(old_name) < ladder.index(new_name)
            if not wider and new_name == "varchar" and not new_size:
                return "wider"  # a text of any length, as PostgreSQL and SQLite know it
            if wider and new_name == "varchar" and old_size and new_size and _sizes(old_size, new_size) == "narrower":
                return "narrower"
            return "wider" if wider else "narrower"
    return "wider" if new_name in ("text", "longtext") and old_name != "blob" else "other"


def _parts(text: str) -> tuple[str, tuple[int, ...], str]:
    found = _TYPE.fullmatch(text)
    if not found:
        return text.strip().lower(), (), ""
    name = re.sub(r"\s+", " ", found[1].strip().lower())
    sizes = tuple(int(size) for size in re.findall(r"\d{1,9}", found[2] or ""))
    name = re.sub(r" unsigned$", "", name)
    name = _SAME.get(name, name)
    if name in ("int", "bigint", "smallint", "tinyint", "boolean", "double"):
        sizes = ()  # a display width, or a precision that the name says
    return name, sizes, found[3] or ""


def _sizes(before: tuple[int, ...], after: tuple[int, ...]) -> Verdict:
    if before == after:
        return "same"
    if not after:
        return "wider"
    if not before:
        return "narrower"
    old_scale, new_scale = (sizes[1] if len(sizes) > 1 else 0 for sizes in (before, after))
    fits = after[0] - new_scale >= before[0] - old_scale and new_scale >= old_scale
    return "wider" if fits else "narrower"
