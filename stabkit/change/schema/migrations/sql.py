"""Operations of SQL: the statements that define and delete, read by their grammar in the dialects that are in use."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from stabkit.change.schema.migrations.operations import Column, Operation, bare
from stabkit.change.schema.migrations.sql_text import Statement, split_top, statements

__all__ = ["column_of", "looks_like_sql", "sql_operations"]

_PART: Final = r"(?:[\w$#@]|\"[^\"\n]+\"|`[^`\n]+`|\[[^\]\n]+\]|\$\{[^}\n]+\}|\{\{[^}\n]+\}\})+"
_NAME: Final = rf"{_PART}(?:\s*\.\s*{_PART})*"
_IF: Final = r"(?:if\s+(?:not\s+)?exists\s+)?"
_LARGEST: Final = 200_000

_STARTS: Final = re.compile(
    r"(?i)\s*(alter\s+(table|type|view)|create\s+(temp\w*\s+|unique\s+|or\s+replace\s+|materialized\s+|unlogged\s+)*"
    r"(table|type|view|index)|drop\s+(table|column|view|type|schema|database|index|constraint)|truncate\s|"
    r"delete\s+from|insert\s+into|update\s+\S+\s+set|rename\s+table)"
)
_DROP: Final = re.compile(
    rf"(?is)drop\s+(?P<noun>table|schema|database|type|domain|(?:materialized\s+)?view|keyspace|foreign\s+table)\s+{_IF}"
    rf"(?P<names>{_NAME}(?:\s*,\s*{_NAME})*)"
)
_TEMPORARY: Final = re.compile(r"(?is)drop\s+temporary\s+table")
_TRUNCATE: Final = re.compile(rf"(?is)truncate\s+(?:table\s+)?(?:only\s+)?(?P<names>{_NAME}(?:\s*,\s*{_NAME})*)")
_DELETE: Final = re.compile(rf"(?is)delete\s+(?:{_NAME}\s+)?from\s+(?:only\s+)?(?P<name>{_NAME})")
_UPDATE: Final = re.compile(
    rf"(?is)update\s+(?:only\s+|low_priority\s+|ignore\s+|or\s+\w+\s+)*(?P<table>{_NAME})(?:\s+(?:as\s+)?(?!set\b)\w+)?\s+set\s+"
    r"(?P<pairs>.*)"
)
_KEEPING: Final = re.compile(r"(?is)\s(?:from|where|returning|order\s+by|limit)\s")
_EMPTY: Final = re.compile(rf"(?is)({_NAME})\s+is\s+null")
_ALTER: Final = re.compile(
    rf"(?is)alter\s+(?:foreign\s+)?table\s+(?:if\s+exists\s+)?(?:only\s+)?(?P<table>{_NAME})\s*\*?\s*(?P<actions>.*)"
)
_CREATE: Final = re.compile(
    rf"(?is)create\s+(?P<kind>(?:global\s+|local\s+|temp(?:orary)?\s+|unlogged\s+|foreign\s+|virtual\s+|or\s+replace\s+)*)"
    rf"table\s+{_IF}(?P<table>{_NAME})\s*(?P<rest>.*)"
)
_VIEW: Final = re.compile(rf"(?is)create\s+(?:or\s+replace\s+)?(?:materialized\s+)?view\s+{_IF}(?P<name>{_NAME})")
_TYPE: Final = re.compile(rf"(?is)create\s+type\s+(?P<name>{_NAME})\s+as\s+enum\s*\((?P<values>.*)\)")
_ALTER_TYPE: Final = re.compile(
    rf"(?is)alter\s+type\s+(?P<name>{_NAME})\s+(?:rename\s+to\s+(?P<new>{_NAME})|"
    rf"add\s+value\s+{_IF}'(?P<value>[^']*)'|rename\s+value\s+'(?P<old>[^']*)'\s+to\s+'(?P<fresh>[^']*)')"
)
_UNIQUE: Final = re.compile(
    rf"(?is)create\s+unique\s+(?:clustered\s+|nonclustered\s+)?index\s+(?:concurrently\s+)?{_IF}(?:{_NAME}\s+)?on\s+"
    rf"(?:only\s+)?(?P<table>{_NAME})\s*(?:using\s+\w+\s*)?\((?P<columns>[^()]*)"
)
_RENAME: Final = re.compile(r"(?is)rename\s+table\s+(?P<pairs>.*)")
_PAIR: Final = re.compile(rf"(?is)\s*(?P<old>{_NAME})\s+to\s+(?P<new>{_NAME})")
_SP_RENAME: Final = re.compile(
    r"(?is)(?:exec(?:ute)?\s+)?(?:sys\.)?sp_rename\s+(?:@objname\s*=\s*)?N?'(?P<old>[^']+)'\s*,"
    r"\s*(?:@newname\s*=\s*)?N?'(?P<new>[^']+)'(?:\s*,\s*(?:@objtype\s*=\s*)?N?'(?P<what>\w+)')?"
)
_COPY: Final = re.compile(
    rf"(?is)insert\s+(?:or\s+\w+\s+)?into\s+(?P<table>{_NAME})\s*(?:\([^()]*\)\s*)?(?:select\b.*?\bfrom\s+(?P<source>{_NAME}))"
)
_AS_SELECT: Final = re.compile(rf"(?is)(?:as\s+)?\(?\s*select\b.*?\bfrom\s+(?P<source>{_NAME})")
_WITH: Final = re.compile(r"(?is)with\b.*?\b(?=delete\s+from\b)")
_GUARDED: Final = re.compile(
    r"(?is)(?:if|begin|start\s+transaction|execute\s+block)\b.*?\b(?=(?:alter\s+table|drop\s+\w+|truncate|delete\s+from|create\s+table)\b)"
)
_IMMEDIATE: Final = re.compile(r"(?is)\bexecute\s+(?:immediate\s+)?'((?:[^']|'')*)'")

_C: Final = rf"(?P<column>{_NAME})"
_NO_COLUMN: Final = (
    r"(?!(?:column|constraint|index|key|primary|foreign|check|default|not|identity|expression|partition|unique|period|"
    r"fulltext|spatial|exclude|like|system|versioning|if)\b)"
)
_ACTIONS: Final = tuple(
    (kind, re.compile(rf"(?is){pattern}"))
    for kind, pattern in (
        ("lose_data", r"(?:drop|truncate)\s+partition\s+(?P<column>\w+)"),
        ("drop_column", rf"drop\s+(?:column\s+{_IF}|(?:if\s+exists\s+)?{_NO_COLUMN}){_C}"),
        ("drop_columns", r"drop\s+(?:column\s+)?\((?P<column>[^()]*)\)"),
        ("add_unique", r"add\s+(?:constraint\s+\S+\s+)?unique\s*(?:index|key)?\s*(?:[^\s(]+\s*)?\((?P<column>[^()]*)"),
        ("add_unique", r"add\s+(?:constraint\s+\S+\s+)?primary\s+key\s*[^(]*\((?P<column>[^()]*)"),
        ("add_check", r"add\s+(?:constraint\s+\S+\s+)?(?P<column>check|exclude)\b"),
        ("add_columns", r"add\s+(?:column\s*)?\((?P<rest>.*)\)"),
        ("add_column", rf"add\s+(?:column\s+)?(?:if\s+not\s+exists\s+)?{_NO_COLUMN}(?P<rest>{_NAME}\s+.*)"),
        ("set_not_null", rf"(?:alter|modify)\s+(?:column\s+)?{_C}\s+set\s+not\s+null"),
        ("drop_not_null", rf"(?:alter|modify)\s+(?:column\s+)?{_C}\s+(?:drop\s+not\s+null|null)\s*$"),
        ("set_not_null", rf"modify\s+(?:column\s+)?\(?{_C}\s+not\s+null\s*\)?\s*$"),
        ("drop_default", rf"alter\s+(?:column\s+)?{_C}\s+drop\s+default"),
        ("set_default", rf"alter\s+(?:column\s+)?{_C}\s+(?:set\s+default|add\s+generated)"),
        ("change_type", rf"alter\s+(?:column\s+)?{_C}\s+(?:set\s+data\s+)?type\s+(?P<rest>.*)"),
        ("restate_column", rf"alter\s+column\s+{_C}\s+(?!set\b|drop\b|add\b|restart\b)(?P<rest>\w.*)"),
        ("restate_column", rf"modify\s+(?:column\s+)?{_IF}\(?{_C}\s+(?P<rest>\w.*)"),
        ("change_column", rf"change\s+(?:column\s+)?{_IF}{_C}\s+(?P<new>{_NAME})\s+(?P<rest>\w.*)"),
        (
            "rename_column",
            rf"rename\s+(?:column\s+)?(?!constraint\b|index\b|key\b|to\b|as\b){_C}\s+to\s+(?P<new>{_NAME})",
        ),
        ("rename_table", rf"rename\s+(?:to\s+|as\s+)?(?P<new>{_NAME})\s*$"),
    )
)
# Where the type of a column ends in its definition.
_AFTER_TYPE: Final = re.compile(
    r"(?i)\s+(?:not\b|null\b|default\b|primary\b|unique\b|references\b|check\b|constraint\b|collate\b|generated\b|as\b|"
    r"auto_increment\b|autoincrement\b|identity\b|comment\b|on\b|first\b|after\b|character\s+set\b|charset\b|key\b|"
    r"using\b|encode\b|storage\b|virtual\b|stored\b|invisible\b|visible\b|sparse\b|rowguidcol\b|with\b(?!\s+time))"
)
_DEFAULT: Final = re.compile(
    r"(?i)\bdefault\b(?!\s+\(?\s*null\b)|\bgenerated\b|\bauto_?increment\b|\bidentity\b|\bas\s*\(|\bon\s+null\b"
)
_SERIAL: Final = re.compile(r"(?i)(small|big)?serial\d?$|rowversion$")
_TABLE_PARTS: Final = re.compile(
    r"(?i)\s*(constraint|primary|unique|foreign|check|index|key|exclude|like|period|fulltext|spatial)\b(?!\s*\.)"
)


def looks_like_sql(text: str) -> bool:
    """Say whether a text starts as a statement that defines or deletes."""
    return _STARTS.match(text) is not None


def sql_operations(
    source: str, *, line: int = 1, proven: bool = True, depth: int = 0
) -> tuple[list[Operation], list[str]]:
    r"""Return the operations of SQL in their order, and what starts as one and could not be read.

    Parameters
    ----------
    source : str
        Statements of any dialect.
    line : int
        The number of the first line.
    proven : bool
        False for text that was put together at run time.

    Examples
    --------
    >>> found, unread = sql_operations("-- drop table kept;\nALTER TABLE orders DROP COLUMN tax, ADD a INT NOT NULL;")
    >>> [(one.line, one.kind, one.table, one.name) for one in found], unread
    ([(2, 'drop_column', 'orders', 'tax'), (2, 'add_column', 'orders', 'a')], [])
    """
    found: list[Operation] = []
    unread: list[str] = []
    for statement in statements(source, line):
        if len(statement.code) > _LARGEST and not re.match(r"(?i)insert\b", statement.code):
            unread.append(f"line {statement.line}: a statement of {len(statement.code)} characters")
            continue
        read = _read(statement, depth)
        if read is None:
            unread.append(f"line {statement.line}: {' '.join(statement.code.split())[:60]}")
        else:
            found += read if proven else [replace(one, proven=False) for one in read]
    return found, unread


def _read(statement: Statement, depth: int) -> list[Operation] | None:
    """Return what a statement does; None if it is one that counts and is written in no way that is known."""
    code = statement.code
    word = code[:12].lower().split("(")[0].split() or [""]
    head = word[0]
    if head in ("if", "with", "begin", "start", "execute", "declare") or (head == "exec" and "sp_rename" not in code):
        return _guarded(statement, depth)
    if head == "do" and statement.body and depth < 3:
        return [
            replace(one, proven=False)
            for one in sql_operations(statement.body, line=statement.line, depth=depth + 1)[0]
        ]
    reader = {
        "alter": _altered,
        "create": _created,
        "drop": _dropped,
        "truncate": _emptied,
        "delete": _emptied,
        "update": _overwritten,
        "rename": _renamed,
        "insert": _copied,
        "exec": _renamed,
        "execute": _renamed,
        "sp_rename": _renamed,
    }.get(head)
    return reader(statement) if reader else []


def _guarded(statement: Statement, depth: int) -> list[Operation]:
    """Read a statement that stands behind a condition."""
    found: list[Operation] = []
    for pattern in (_WITH, _GUARDED):
        guard = pattern.match(statement.code)
        if guard and depth < 3:
            line = statement.line + statement.code.count("\n", 0, guard.end())
            inner = Statement(line, statement.code[guard.end() :], statement.text[guard.end() :])
            found += _read(inner, depth + 1) or []
            break
    for text in _IMMEDIATE.finditer(statement.text):
        if depth < 3:
            line = statement.line + statement.text.count("\n", 0, text.start())
            found += sql_operations(text[1].replace("''", "'"), line=line, depth=depth + 1)[0]
    return [replace(one, proven=False) for one in found]


def _names(text: str) -> list[str]:
    return [bare(re.sub(r"(?i)\s+(cascade|restrict)\b.*", "", part, flags=re.DOTALL)) for part in split_top(text)]


def _dropped(statement: Statement) -> list[Operation] | None:
    if _TEMPORARY.match(statement.code):
        return []
    found = _DROP.match(statement.code)
    if not found:
        return None if re.match(r"(?i)drop\s+(table|column|schema|database)\b", statement.code) else []
    noun = re.sub(r"\s+", " ", found["noun"].lower())
    names = _names(found["names"])
    if noun.endswith("table"):
        perhaps = re.match(r"(?is)drop\s+\w+(\s+table)?\s+if\s+exists\b", statement.code)
        after = "if it exists" if perhaps else None
        return [Operation("drop_table", name, statement.line, after=after) for name in names]
    if noun.endswith("view"):
        return [Operation("drop_view", name, statement.line) for name in names]
    if noun in ("type", "domain"):
        return [Operation("drop_type", name, statement.line) for name in names]
    return [Operation("drop_object", name, statement.line, noun) for name in names]


def _emptied(statement: Statement) -> list[Operation] | None:
    if found := _TRUNCATE.match(statement.code):
        return [Operation("empty_table", name, statement.line) for name in _names(found["names"])]
    if found := _DELETE.match(statement.code):
        return [Operation("delete_rows", bare(found["name"]), statement.line)]
    return None


def _overwritten(statement: Statement) -> list[Operation]:
    """Return the columns whose values an UPDATE writes over; none of one that keeps what is set already."""
    found = _UPDATE.match(statement.code)
    if not found:
        return []
    said = _KEEPING.split(f" {found['pairs']} ", maxsplit=1)[0]
    names = [bare(pair.partition("=")[0].strip()).rpartition(".")[2] for pair in split_top(said) if "=" in pair]
    empty = {bare(one).rpartition(".")[2].lower() for one in _EMPTY.findall(statement.code)}
    return [
        Operation("update_rows", bare(found["table"]), statement.line, name, proven=False)
        for name in names
        if re.fullmatch(r"\w+", name) and name.lower() not in empty
    ]


def _copied(statement: Statement) -> list[Operation]:
    found = _COPY.match(statement.code[:_LARGEST])
    if not found:
        return []
    return [Operation("copy_rows", bare(found["table"]), statement.line, bare(found["source"]))]


def _renamed(statement: Statement) -> list[Operation] | None:
    if found := _SP_RENAME.match(statement.text):
        old, new = bare(found["old"]), bare(found["new"])
        if (found["what"] or "object").lower() == "column":
            table, _, column = old.rpartition(".")
            return [Operation("rename_column", table, statement.line, column, after=new)]
        return [] if found["what"] else [Operation("rename_table", old, statement.line, new)]
    if found := _RENAME.match(statement.code):
        pairs = [_PAIR.match(part) for part in split_top(found["pairs"])]
        return [Operation("rename_table", bare(p["old"]), statement.line, bare(p["new"])) for p in pairs if p]
    return None if re.match(r"(?i)rename\s+table", statement.code) else []


def _created(statement: Statement) -> list[Operation] | None:
    code, line = statement.code, statement.line
    if found := _VIEW.match(code):
        return [Operation("create_view", bare(found["name"]), line)]
    if found := _TYPE.match(statement.text):
        values = tuple(re.findall(r"'((?:[^']|'')*)'", found["values"]))
        return [Operation("create_type", bare(found["name"]), line, values=values)]
    if found := _UNIQUE.match(code):
        return [Operation("add_unique", bare(found["table"]), line, ", ".join(_names(found["columns"])))]
    found = _CREATE.match(code)
    if not found:
        return None if re.match(r"(?i)create\s+table\b", code) else []
    table = bare(found["table"])
    real = "temp" not in found["kind"].lower()
    text = _CREATE.match(statement.text)
    inside = _inside((text or found)["rest"])
    columns = tuple(
        column for part in split_top(inside) if not _TABLE_PARTS.match(part) for column in [column_of(part)]
    )
    made = [Operation("create_table", table, line, columns=columns, real=real)]
    if source := _AS_SELECT.match(found["rest"]):
        made.append(Operation("copy_rows", table, line, bare(source["source"])))
    return made


def _inside(text: str) -> str:
    """Return what stands between the first bracket and the one that closes it."""
    if not text.startswith("("):
        return ""
    depth = 0
    for mark in re.finditer(r"'(?:[^']|'')*'|[()]", text):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if not depth:
            return text[1 : mark.start()]
    return text[1:]


def column_of(definition: str) -> Column:
    """Return a column from its definition: name, type and constraints.

    Examples
    --------
    >>> column_of("tax numeric(5,2) NOT NULL DEFAULT 0")
    Column(name='tax', type='numeric(5,2)', nullable=False, default=True, text='numeric(5,2) NOT NULL DEFAULT 0')
    """
    found = re.match(rf"(?s)\s*({_NAME})\s*(.*)", definition)
    name, rest = (bare(found[1]), found[2].strip()) if found else (definition.strip(), "")
    kind = _type_of(rest)
    plain = re.sub(r"'(?:[^']|'')*'", "''", rest)
    key = re.search(r"(?i)\bprimary\s+key\b", plain)
    filled = bool(_DEFAULT.search(plain) or _SERIAL.match(kind) or (key and kind.lower() == "integer"))
    needed = bool(key or re.search(r"(?i)\bnot\s+null\b", plain) or _SERIAL.match(kind))
    return Column(name, kind or None, nullable=not needed, default=filled, text=" ".join(rest.split()))


def _type_of(rest: str) -> str:
    return " ".join(_AFTER_TYPE.split(" " + rest, maxsplit=1)[0].split()).rstrip(",;")


def _altered(statement: Statement) -> list[Operation] | None:
    line = statement.line
    if found := _ALTER_TYPE.match(statement.text):
        name = bare(found["name"])
        if found["new"]:
            return [Operation("rename_type", name, line, bare(found["new"]))]
        if found["value"] is not None:
            return [Operation("add_value", name, line, found["value"])]
        return [Operation("lose_data", name, line, "value", found["old"], found["fresh"])]
    found = _ALTER.match(statement.text)
    code = _ALTER.match(statement.code)
    if not found or not code:
        return None if re.match(r"(?i)alter\s+table\b", statement.code) else []
    table = bare(found["table"])
    done: list[Operation] = []
    offset = found.start("actions")
    for action in split_top(found["actions"]):
        at = line + statement.text.count("\n", 0, max(statement.text.find(action, offset), 0))
        read = _action(table, at, action)
        # A list that goes on without its verb: ADD a int, b int; DROP COLUMN a, b, as SQL Server has them.
        if read is None and done and re.match(rf"(?is){_NAME}(\s|$)", action):
            previous = done[-1]
            if previous.kind == "add_column":
                read = [Operation("add_column", table, at, column_of(action).name, column=column_of(action))]
            elif previous.kind == "drop_column":
                read = [Operation("drop_column", table, at, bare(action.split()[0]))]
        done += read or []
    return done


def _action(table: str, line: int, action: str) -> list[Operation] | None:
    """Return what one action of ALTER TABLE does; None for one that is not known."""
    for kind, pattern in _ACTIONS:
        found = pattern.match(action)
        if not found:
            continue
        parts = found.groupdict()
        column, rest = bare(parts.get("column") or ""), (parts.get("rest") or "").strip()
        return _operations(kind, Operation("lose_data", table, line, column), rest, bare(parts.get("new") or ""))
    return [] if re.match(r"(?i)(add|drop|owner|enable|disable|set|validate|attach|rename|comment)\b", action) else None


def _operations(kind: str, base: Operation, rest: str, new: str) -> list[Operation]:  # noqa: PLR0911 - a kind a rule
    if kind in ("add_column", "add_columns"):
        columns = [column_of(part) for part in (split_top(rest) if kind == "add_columns" else [rest])]
        added = [replace(base, kind="add_column", name=column.name, column=column) for column in columns]
        unique = [c.name for c in columns if re.search(r"(?i)\bunique\b", re.sub(r"'[^']*'", "", c.text))]
        return [*added, *(replace(base, kind="add_unique", name=name) for name in unique)]
    if kind == "drop_columns":
        return [replace(base, kind="drop_column", name=name) for name in _names(base.name)]
    if kind in ("restate_column", "change_column"):
        column = column_of(f"x {rest}")
        restated = replace(base, kind="restate_column", column=replace(column, name=new or base.name))
        if new and new.lower() != base.name.lower():
            return [replace(base, kind="rename_column", after=new), replace(restated, name=new)]
        return [restated]
    if kind == "change_type":
        return [replace(base, kind="change_type", after=_type_of(rest))]
    if kind == "rename_column":
        return [replace(base, kind="rename_column", after=new)]
    if kind == "rename_table":
        return [replace(base, kind="rename_table", name=new)]
    return [replace(base, kind=kind)]  # type: ignore[arg-type]
