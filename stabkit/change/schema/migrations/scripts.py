"""Operations of migrations in Ruby, JavaScript, PHP, C#, Elixir, Go and their like, by pattern: none is proven."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from stabkit.change.schema.migrations.operations import NOTHING_KNOWN, RUN_TIME, Column, Kind, Migration, Operation
from stabkit.change.schema.migrations.script_text import (
    Call,
    calls_in,
    nested_deeply,
    split_ways,
    texts_in,
    without_script_comments,
)
from stabkit.change.schema.migrations.sql import looks_like_sql, sql_operations

__all__ = ["script_migration"]

# Rows deleted through a model or a query builder: Rails, Eloquent, knex.
_DELETED: Final = re.compile(
    r"(?P<model>\b[A-Z]\w*)\b[^;\n{}]{0,200}?\.(?:delete_all|destroy_all)\b"
    r"|(?:\bDB::table|\bknex|\btrx)\(\s*['\"`](?P<table>\w+)['\"`]\s*\)[^;{}]{0,200}?(?:->|\.)(?:del|delete|truncate)\("
    r"|\b[A-Z]\w*::(?:truncate|query\(\)->delete)\("
)
# The tools whose migrations must say how they are taken back, by the end of the file's name.
_LANGUAGES: Final = {
    "rb": "Rails",
    "exs": "Ecto",
    "ex": "Ecto",
    "php": "Laravel",
    "cs": "Entity Framework",
    "js": "JavaScript",
    "cjs": "JavaScript",
    "mjs": "JavaScript",
    "ts": "JavaScript",
    "mts": "JavaScript",
    "cts": "JavaScript",
    "go": "Go",
}
_LARGEST: Final = 400_000
_OPENERS: Final = {
    "createtable": True,
    "createtableifnotexists": True,
    "create": True,
    "altertable": False,
    "changetable": False,
    "table": False,
    "alter": False,
}
_BUILDERS: Final = frozenset(["t", "table", "$table", "tbl", "$t", "builder", "blueprint", "$blueprint"])
_TYPES: Final = {
    "string": "varchar",
    "str": "varchar",
    "text": "text",
    "integer": "int",
    "int": "int",
    "unsignedinteger": "int",
    "biginteger": "bigint",
    "bigint": "bigint",
    "unsignedbiginteger": "bigint",
    "foreignid": "bigint",
    "smallinteger": "smallint",
    "tinyinteger": "tinyint",
    "float": "double",
    "double": "double",
    "decimal": "decimal",
    "numeric": "decimal",
    "boolean": "boolean",
    "bool": "boolean",
    "date": "date",
    "datetime": "datetime",
    "datetimetz": "timestamptz",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
    "time": "time",
    "binary": "blob",
    "json": "json",
    "jsonb": "jsonb",
    "uuid": "uuid",
    "enum": "enum",
    "enu": "enum",
    "references": "bigint",
    "belongsto": "bigint",
    "longtext": "longtext",
    "mediumtext": "mediumtext",
    "char": "char",
    "specifictype": "",
    "column": "",
    "citext": "citext",
    "inet": "inet",
}
_NULL_NO: Final = re.compile(
    r"(?i)\bnull['\"]?\s*(?::|=>|=)\s*false|\ballowNull\s*:\s*false|\bisNullable\s*:\s*false|\bnullable\s*:\s*false|"
    r"notNull(?:able)?\b|\bnotNull\s*:\s*true|->nullable\(\s*false|\bis_null\s*:\s*false|\bisRequired\s*:\s*true"
)
_NULL_YES: Final = re.compile(
    r"(?i)(?<!not)nullable\(\s*(?:true)?\s*\)|nullable\s*:\s*true|null['\"]?\s*(?::|=>|=)\s*true|isNullable\s*:\s*true|allowNull\s*:\s*true"
)
_DEFAULT: Final = re.compile(
    r"(?i)\bdefault(?:Value|ValueSql|Raw|To)?['\"]?\s*(?::|=>|\()\s*(?!null\b|nil\b|undefined\b)|useCurrent|defaultTo\(|"
    r"isGenerated\s*:\s*true|autoIncrement|computedColumnSql\s*:|storedAs\(|virtualAs\("
)
_IRREVERSIBLE: Final = re.compile(r"IrreversibleMigration|raise\s*\(?\s*[\"']|\bthrow\b|NotSupportedException")
_NOTHING: Final = re.compile(
    r"(?:\s|;|\bend\b|\bdo\b|:ok\b|\bnil\b|\bpass\b|\breturn(?:\s+(?:nil|null|true|undefined|Promise\.resolve\(\)|Task\.CompletedTask))?|"
    r"Promise\.resolve\(\)|\(\w*\)|=>|\{|\}|//|\bawait\b|throw[^;\n]*|raise[^\n]*)*"
)


def script_migration(path: str, source: str) -> Migration:
    r"""Return what a migration does as far as a pattern tells.

    Examples
    --------
    >>> text = "def change\n  remove_column :orders, :tax, :integer\nend\n"
    >>> [(one.line, one.kind, one.table, one.name) for one in script_migration("db/migrate/1_a.rb", text).forward]
    [(2, 'drop_column', 'orders', 'tax')]
    """
    ending = path.rpartition(".")[2].lower()
    tool = _LANGUAGES.get(ending, "")
    if len(source) > _LARGEST:
        return Migration(path, tool, unread=(f"{len(source)} characters",))
    blocks = ending in ("rb", "ex", "exs")
    code = without_script_comments(source, hashes=blocks)
    if nested_deeply(code):
        return Migration(path, tool, unread=("brackets nested too deeply",))
    forward, back = split_ways(code, blocks=blocks)
    found = sorted([*_called(forward, ending), *_written(forward)], key=lambda one: one.line)
    unread: tuple[str, ...] = ()
    if not found and (not tool or not _known(forward)):
        unread = (NOTHING_KNOWN,)
    return Migration(
        path,
        tool or "a tool that is not known",
        tuple(found),
        tuple(_one_way(ending, code, forward, back, found)),
        unread,
    )


def _one_way(
    ending: str, code: str, forward: str, back: str | None, found: list[Operation]
) -> Iterator[tuple[int, str]]:
    if refused := re.search(r"\bexports\.down\s*=\s*(?:false|null)\b|export\s+const\s+down\s*=\s*false\b", code):
        yield _line(code, refused.start()), "the way down is refused"
        return
    if back is not None:
        irreversible = _IRREVERSIBLE.search(back)
        if irreversible or (_NOTHING.fullmatch(back) and (found or _known(forward))):
            at = re.search(r"(?i)\bdown", code)
            line = code.count("\n", 0, at.start()) + 1 if at else 1
            yield line, "the way down raises" if irreversible else "the way down is empty"
        return
    if ending == "rb":
        automatic = re.search(r"\bdef\s+change\b", forward)
        if not automatic and re.search(r"\bdef\s+(?:self\.)?up\b", forward):
            yield 1, "there is no way down"
        for call in calls_in(forward) if automatic else ():
            bare = (call.name == "removecolumn" and len(call.arguments) < 3 and "type" not in call.named) or (
                call.name == "removecolumns" and "type" not in call.named
            )
            if (
                bare
                or call.name in ("execute", "changecolumn")
                or (call.name == "droptable" and "do" not in call.raw.split())
            ):
                if "reversible" not in forward:
                    yield forward.count("\n", 0, call.position) + 1, f"{call.name} in change cannot be reversed"
                return
    elif ending in ("ex", "exs"):
        if re.search(r"\bdef\s+up\b", forward):
            yield 1, "there is no way down"
    elif ending not in ("go", "rs") and found and re.search(r"(?i)\bup\s*[(=:]", forward):
        yield 1, "there is no way down"


def _known(code: str) -> bool:
    """Say whether a source speaks to a database as the known tools do, even if all it does is harmless."""
    return bool(
        re.search(
            r"(?i)add_?column|add_?index|create_?(?:table|index)|change_?(?:table|column)|alter_?table|schema\b|queryRunner|queryInterface|"
            r"migrationBuilder|ActiveRecord|Ecto\.Migration|Blueprint|knex|pgm\.|add_?foreign|remove_?index",
            code,
        )
    )


def _line(code: str, position: int) -> int:
    return code.count("\n", 0, position) + 1


def _written(code: str) -> Iterator[Operation]:
    """Yield the operations of the texts that are SQL, and the rows that a model deletes."""
    for found in _DELETED.finditer(code):
        table = found["table"] or found["model"] or RUN_TIME
        yield _operation("delete_rows", table, _line(code, found.start()))
    for position, text in texts_in(code):
        if looks_like_sql(text):
            yield from sql_operations(text, line=_line(code, position), proven=False)[0]


def _called(code: str, ending: str) -> Iterator[Operation]:
    around, fresh = "", False
    for call in calls_in(code):
        line = _line(code, call.position)
        if call.name in _OPENERS and (table := _opened(call)):
            around, fresh = (
                table,
                _OPENERS[call.name]
                or (call.name == "table" and "createtable" in code[max(0, call.position - 20) : call.position].lower()),
            )
            if ending in ("ex", "exs"):
                fresh = call.name == "create"
            if fresh:
                yield Operation("create_table", table, line, proven=False)
            continue
        inside = call.owner in _BUILDERS or (
            ending in ("ex", "exs") and call.name in ("add", "remove", "modify", "removeifexists", "addifnotexists")
        )
        if inside and fresh:
            continue
        yield from _one(call, line, around if inside else "", ending)


def _opened(call: Call) -> str:
    if call.name in ("create", "table") and call.owner and call.owner not in ("Schema", "schema", "$schema"):
        return ""
    if call.name in ("create", "alter") and not call.raw.lstrip().startswith(("table", "'", '"')):
        return ""
    return call.plain(0) or _quoted(call.named.get("name", ""))


def _quoted(text: str) -> str:
    found = re.match(r"\s*(?:[\"'`]([^\"'`]*)|:(\w+))", text)
    return (found[1] or found[2] or "") if found else ""


def _all_names(call: Call, start: int) -> list[str]:
    names = [
        name for part in call.arguments[start:] for name in re.findall(r"[\"'`](\w+)[\"'`]|(?<![\w:]):(\w+)", part)
    ]
    return [first or second for first, second in names]


def _operation(kind: Kind, table: str, line: int, name: str = "", **more: str | None) -> Operation:
    return Operation(
        kind, table or RUN_TIME, line, name, before=more.get("before"), after=more.get("after"), proven=False
    )


def _one(call: Call, line: int, around: str, ending: str) -> Iterator[Operation]:  # noqa: C901, PLR0912, PLR0915 - one table of names
    """Yield what one call does; ``around`` is the table whose block it stands in."""
    name = call.name
    named_table = _quoted(call.named.get("table", "")) or _quoted(call.named.get("tableName", ""))
    table = around or named_table or call.plain(0)
    at = 0 if around else 1
    column = _quoted(call.named.get("name", "")) if named_table else call.plain(at)
    raw = call.raw + call.chain
    if name in ("droptable", "droptableifexists", "dropifexists", "dropjointable", "dropalltables", "deletetable"):
        yield _operation("drop_table", call.plain(0) or _quoted(call.named.get("name", "")), line)
    elif name == "drop" and (call.raw.lstrip().startswith("table") or call.owner == "Schema"):
        yield _operation("drop_table", call.plain(0) or _quoted(call.raw.partition("table(")[2]), line)
    elif name == "dropifexists" and call.raw.lstrip().startswith("table"):
        yield _operation("drop_table", call.plain(0), line)
    elif name in ("dropcolumn", "dropcolumns", "removecolumn", "removecolumns", "remove", "removeifexists") and (
        around or name not in ("remove", "removeifexists")
    ):
        if named_table:
            yield _operation("drop_column", table, line, column)
        elif names := _all_names(call, at)[: 1 if name == "removecolumn" or ending in ("ex", "exs") else 50]:
            for one in names:
                yield _operation("drop_column", table, line, one)
        elif table:
            yield _operation("drop_column", table, line, RUN_TIME)
    elif name in ("removereference", "removebelongsto", "dropconstrainedforeignid", "dropmorphs"):
        yield _operation("drop_column", table, line, f"{column}_id" if name.startswith("remove") else column)
    elif name in ("removetimestamps", "droptimestamps", "dropsoftdeletes", "dropremembertoken"):
        yield _operation(
            "drop_column",
            table,
            line,
            {"dropsoftdeletes": "deleted_at", "dropremembertoken": "remember_token"}.get(
                name, "created_at, updated_at"
            ),
        )
    elif name in ("renamecolumn", "rename") and (
        around or named_table or len(call.arguments) > 2 or "to" in call.named
    ):
        new = _quoted(call.named.get("newName", "")) or _quoted(call.named.get("to", "")) or call.plain(at + 1)
        table = _quoted(call.raw.partition("table(")[2]) if call.raw.lstrip().startswith("table(") else table
        if call.raw.lstrip().startswith("table(") and not call.plain(1):
            yield _operation("rename_table", table, line, _quoted(call.named.get("to", "").partition("(")[2]))
        else:
            yield _operation("rename_column", table, line, column, after=new)
    elif name in ("renametable", "rename") and (name == "renametable" or call.owner in ("Schema", "schema")):
        old = call.plain(0) or _quoted(call.named.get("name", ""))
        yield _operation("rename_table", old, line, _quoted(call.named.get("newName", "")) or call.plain(1))
    elif name == "changecolumnnull" and len(call.arguments) > 2 and call.arguments[2] == "false":
        yield _operation("set_not_null", table, line, column)
    elif name in ("changecolumn", "altercolumn", "modify", "change") and (around or table) and column:
        yield from _altered(call, line, table, column, raw, ending=ending)
    elif name in ("addcolumn", "addcolumns", "addreference", "addbelongsto", "add", "addifnotexists") and (
        around or name not in ("add", "addifnotexists")
    ):
        several = (
            re.findall(r"(?:^|[{,])\s*['\"]?(\w+)['\"]?\s*:\s*(\{[^{}]*\}|['\"`][^'\"`]*['\"`])", raw)
            if name == "addcolumns"
            else []
        )
        for each, definition in several:
            yield from _added(line, table, each, definition, needed=False)
        column = "" if several else column or _quoted(raw.partition("name:")[2])
        suffix = "_id" if column and name in ("addreference", "addbelongsto") else ""
        yield from _added(line, table, column + suffix, raw, needed=ending == "cs" and _NULL_NO.search(raw) is not None)
    elif around and call.owner in _BUILDERS and name in _TYPES and call.plain(0):
        if re.search(r"(?:\.|->)(?:alter|change)\(", call.chain):
            yield from _altered(call, line, table, call.plain(0), raw, ending=ending)
        else:
            php = ending == "php" and not _NULL_YES.search(raw) and not re.search(r"->nullable(?:OnDelete)?\(\)", raw)
            yield from _added(line, table, call.plain(0), raw, needed=php)
    elif name in ("dropnullable", "setnullable") and around:
        yield _operation("set_not_null" if name == "dropnullable" else "drop_not_null", table, line, call.plain(0))
    elif name in (
        "addindex",
        "createindex",
        "adduniqueconstraint",
        "createuniqueconstraint",
        "unique",
        "createunique",
        "uniqueindex",
    ):
        if "unique" in name or re.search(r"(?i)\bunique['\"]?\s*(?::|=>)\s*true|uniqueKey", raw):
            columns = ", ".join(_all_names(call, 0 if around else 1)) or _quoted(call.named.get("column", ""))
            yield _operation("add_unique", table, line, columns or "columns")
    elif name in ("deleteall", "destroyall", "truncate", "bulkdelete"):
        owner = call.plain(0) or call.owner
        yield _operation("empty_table" if name == "truncate" else "delete_rows", owner, line)


def _added(line: int, table: str, column: str, raw: str, *, needed: bool) -> Iterator[Operation]:
    if not column:
        return
    nullable = not (needed or _NULL_NO.search(raw))
    kind = next((_TYPES[word.lower()] for word in re.findall(r"[A-Za-z]+", raw) if word.lower() in _TYPES), None)
    text = " ".join(raw.split())[:200]
    filled = _DEFAULT.search(raw) is not None
    yield Operation(
        "add_column", table or RUN_TIME, line, column, column=Column(column, kind, nullable, filled, text), proven=False
    )


def _altered(call: Call, line: int, table: str, column: str, raw: str, *, ending: str) -> Iterator[Operation]:
    old_nullable = re.search(r"oldNullable\s*:\s*(true|false)", raw)
    required = _NULL_NO.search(raw) and not _NULL_YES.search(re.sub(r"oldNullable\s*:\s*true", "", raw))
    if required and (ending != "cs" or (old_nullable and old_nullable[1] == "true")):
        yield _operation("set_not_null", table, line, column)
    if ending == "cs":
        new, old = (_quoted(call.named.get(key, "")) for key in ("type", "oldType"))
        if new and old and new != old:
            yield _operation("change_type", table, line, column, before=old, after=new)
        return
    words = re.findall(
        r"[A-Za-z]+",
        " ".join(call.arguments[1:]) if call.owner not in _BUILDERS or call.name == "change" else call.name,
    )
    kind = next((_TYPES[w.lower()] or None for w in words if w.lower() in _TYPES), None)
    size = re.search(r"(?:limit\s*:\s*|['\"]\s*,\s*|STRING\(\s*|size\s*:\s*)(\d{1,6})", raw)
    if kind:
        yield _operation(
            "change_type",
            table,
            line,
            column,
            after=f"{kind}({size[1]})" if size and kind in ("varchar", "char") else kind,
        )
    elif call.name in ("changecolumn", "altercolumn") and not _NULL_NO.search(raw):
        yield _operation("change_type", table, line, column, after=" ".join(raw.split())[:80])
