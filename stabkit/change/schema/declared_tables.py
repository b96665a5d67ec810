"""The tables that schema files and other languages' classes stand for: SQL, Prisma, Rails parsed, others not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from stabkit.change.schema.migrations import sql_operations, without_script_comments
from stabkit.change.schema.python_tables import Declared

__all__ = ["READERS", "reader_of"]

_LARGEST: Final = 1_000_000


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text[:_LARGEST].splitlines(), 1):
        if len(line) < 5_000:
            yield number, line


def _sql(text: str) -> Iterator[Declared]:
    for one in sql_operations(text)[0]:
        if one.kind == "create_table" and one.real:
            yield Declared(one.table, "", "", one.line)
            for column in one.columns:
                yield Declared(one.table, column.name, column.text, one.line)
        elif one.kind == "add_column" and one.column is not None:
            yield Declared(one.table, one.name, one.column.text, one.line)
        elif one.kind == "create_type":
            yield Declared(one.table, "", ", ".join(one.values), one.line)
        elif one.kind == "add_unique":
            yield Declared(one.table, f"unique({one.name})", "", one.line)


def _prisma(text: str) -> Iterator[Declared]:
    models = set(re.findall(r"(?m)^\s*(?:model|type|view)\s+(\w+)\s*\{", text))
    block, name = "", ""
    for number, line in _numbered(text):
        plain = re.sub(r"//.*", "", line).strip()
        if opened := re.match(r"(model|enum|type|view)\s+(\w+)\s*\{", plain):
            block, name = opened[1], opened[2]
            yield Declared(name, "", "", number)
        elif plain.startswith("}"):
            block = ""
        elif block == "enum" and plain and not plain.startswith("@@"):
            yield Declared(name, plain.split()[0], "a value", number)
        elif block and plain.startswith("@@"):
            yield Declared(name, plain.partition("(")[0] + re.sub(r"\s", "", plain.partition("(")[2]), plain, number)
        elif block and (field := re.match(r"(\w+)\s+(\w+)([\[\]?]*)\s*(.*)", plain)):
            if field[2] in models and "fields:" not in field[4]:
                continue  # the other end of a relation: no column
            yield Declared(name, field[1], " ".join(f"{field[2]}{field[3]} {field[4]}".split()), number)


def _rails(text: str) -> Iterator[Declared]:
    table = ""
    for number, line in _numbered(text):
        if opened := re.match(r"\s*create_table\s*\(?\s*[\"':](\w+)", line):
            table = opened[1]
            yield Declared(table, "", "", number)
        elif table and (column := re.match(r"\s*t\.(\w+)\s*\(?\s*(?:[\"':](\w+)\"?|\[([^\]]*)\])?\s*,?\s*(.*)", line)):
            name = column[2] or column[3] or column[1]
            options = re.sub(r",?\s*(comment:\s*\"[^\"]*\"|name:\s*\"[^\"]*\")", "", column[4])
            yield Declared(
                table, f"index({name})" if column[1] == "index" else name, f"{column[1]} {options}".strip(), number
            )
        elif re.match(r"\s*end\b", line):
            table = ""


def _by_blocks(opening: str, column: str, *, nested: bool = False) -> Callable[[str], Iterator[Declared]]:
    """Return a reader of blocks that stand for tables, whose columns are lines of a pattern."""
    opens, holds = re.compile(opening), re.compile(column)

    def read(text: str) -> Iterator[Declared]:
        code = without_script_comments(text, hashes=False)
        table, pending = "", ""
        for number, line in _numbered(code):
            if found := opens.search(line):
                table = next(group for group in found.groups() if group)
                yield Declared(table, "", "", number, proven=False)
                if not nested:
                    continue
            if not table:
                continue
            joined = f"{pending} {line.strip()}".strip()
            if found := holds.search(joined):
                text_ = " ".join(found["text"].split()) if "text" in found.groupdict() else " ".join(joined.split())
                yield Declared(table, found["name"], text_[:300], number, proven=False)
                pending = ""
            else:
                pending = (
                    joined
                    if re.match(r"[@#\[]", line.strip())
                    or (pending and len(joined) < 600 and not re.search(r"[;{}]$", joined))
                    else ""
                )
            if re.match(r"(\}|\);?|end)\s*;?\s*\)?;?$", line) and line[:1] in "})e":
                table = ""

    return read


_DRIZZLE: Final = _by_blocks(
    r"\b(?:pg|mysql|sqlite|singlestore)Table\w*\(\s*[\"'`](\w+)", r"^(?P<name>\w+)\s*:\s*(?P<text>\w+\(.*?)\s*,?$"
)
_TYPEORM: Final = _by_blocks(
    r"^\s*(?:export\s+)?(?:default\s+)?(?:abstract\s+)?class\s+(\w+)",
    r"(?P<text>@(?:\w*Column|JoinColumn|Property|PrimaryKey|Enum|ManyToOne|OneToOne)\(.*\)\s*(?:public\s+|readonly\s+|private\s+)?(?P<name>\w+)[?!]?\s*[:;=].*)",
)
_JPA: Final = _by_blocks(
    r"^\s*(?:public\s+|open\s+|data\s+|abstract\s+|final\s+)*class\s+(\w+)",
    r"^(?P<text>(?:@\w+(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?\s*)*(?:private|protected|public|var|val|lateinit\s+var)\s+"
    r"(?!static|class|final\s+static|void|fun)(?:[\w<>,.?\[\]]+\s+)?(?P<name>\w+)\s*(?:[:=][^()]*)?[;,]?)$",
)
_STRUCTS: Final = _by_blocks(r"^type\s+(\w+)\s+struct\s*\{", r"^(?P<name>[A-Z]\w*)\s+(?P<text>\S.*)$")
_STRUCT: Final = re.compile(r"(?m)^type\s+(\w+)\s+struct\s*\{")
_ECTO: Final = _by_blocks(
    r"^\s*schema\s+\"(\w+)\"\s+do", r"^\s*(?P<text>(?:field|belongs_to|timestamps)[\s(]*:?(?P<name>\w*).*)$"
)
_DIESEL: Final = _by_blocks(r"^\s*(?:diesel::)?(\w+)\s*\(\w[\w, ]*\)\s*\{", r"^(?P<name>\w+)\s*->\s*(?P<text>.*?),?$")
_DOCTRINE: Final = _by_blocks(
    r"^\s*(?:final\s+|abstract\s+)?class\s+(\w+)",
    r"(?P<text>[#@]\[?(?:ORM\\)?(?:Column|Id|ManyToOne|OneToOne)\b.*?(?:private|protected|public)\s+(?:readonly\s+)?\??[\w\\|]*\s*\$(?P<name>\w+).*)",
)


def _gorm(text: str) -> Iterator[Declared]:
    """Read the structs that hold gorm's own columns, or one with its tag: their other fields are columns too."""
    _, *parts = _STRUCT.split(text[:_LARGEST])
    bodies = ((name, body.partition("\n}")[0]) for name, body in zip(parts[::2], parts[1::2], strict=True))
    stored = {name for name, body in bodies if re.search(r"\bgorm\.Model\b|gorm:\"", body)}
    return (one for one in _STRUCTS(text) if one.table in stored and 'gorm:"-"' not in one.text)


READERS: Final[Mapping[str, tuple[re.Pattern[bytes], Callable[[str], Iterator[Declared]]]]] = MappingProxyType(
    {
        ".sql": (re.compile(rb"(?i)\bcreate\s+(?:\w+\s+){0,2}table\b"), _sql),
        ".ddl": (re.compile(rb"(?i)\bcreate\s+(?:\w+\s+){0,2}table\b"), _sql),
        ".prisma": (re.compile(rb"(?m)^\s*(?:model|enum|type|view)\s+\w+\s*\{"), _prisma),
        "schema.rb": (re.compile(rb"\bcreate_table\b"), _rails),
        "Schemafile": (re.compile(rb"\bcreate_table\b"), _rails),
        "#drizzle.ts": (re.compile(rb"\b(?:pg|mysql|sqlite|singlestore)Table\w*\("), _DRIZZLE),
        ".ts": (re.compile(rb"@Entity\b|@ViewEntity\b"), _TYPEORM),
        ".java": (re.compile(rb"@(?:Entity|MappedSuperclass|Embeddable)\b"), _JPA),
        ".kt": (re.compile(rb"@(?:Entity|MappedSuperclass|Embeddable)\b"), _JPA),
        ".go": (re.compile(rb"gorm:\"|\bgorm\.Model\b"), _gorm),
        ".ex": (re.compile(rb"(?m)^\s*schema\s+\"\w+\"\s+do"), _ECTO),
        "schema.rs": (re.compile(rb"\btable!\s*\{"), _DIESEL),
        ".php": (re.compile(rb"(?:#\[|@)ORM\\(?:Column|Entity|Id)\b"), _DOCTRINE),
    }
)
"""End of a file's name -> what marks one that stands for tables, and how it is read."""


def reader_of(path: str, content: bytes) -> Callable[[str], Iterator[Declared]] | None:
    """Return the reader of a file that stands for tables; None for any other file."""
    for ending, (mark, read) in READERS.items():
        if path.endswith(ending.partition("#drizzle")[2] or ending) and mark.search(content):
            return read
    return None
