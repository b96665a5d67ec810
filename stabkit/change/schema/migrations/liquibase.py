"""Operations of Liquibase change logs: XML, YAML, JSON and formatted SQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from stabkit.change.documents import plain_yaml
from stabkit.change.schema.migrations.operations import RUN_TIME, Column, Migration, Operation
from stabkit.change.schema.migrations.sql import sql_operations

__all__ = ["formatted_sql", "liquibase_migration", "names_liquibase"]

_NAMED: Final = re.compile(rb"databaseChangeLog")
_LARGEST: Final = 1_000_000
_DEEPEST: Final = 40
# Changes that Liquibase cannot take back by itself.
_NO_WAY_BACK: Final = (
    "dropTable",
    "dropColumn",
    "delete",
    "sql",
    "sqlFile",
    "modifyDataType",
    "update",
    "insert",
    "loadData",
    "dropView",
    "customChange",
    "mergeColumns",
)
_ROLLBACK: Final = re.compile(r"(?im)^\s*--\s*rollback\b(.*)$")
_CHANGE_SET: Final = re.compile(r"(?im)^\s*--\s*changeset\b.*$")


def names_liquibase(content: bytes) -> bool:
    """Say whether a file of data is a change log."""
    return _NAMED.search(content[:20_000]) is not None


def formatted_sql(path: str, text: str) -> Migration:
    """Return what a change log in SQL does; comments hold its way back."""
    found, unread = sql_operations(text)
    one_way = []
    starts = [match.start() for match in _CHANGE_SET.finditer(text)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        if not _ROLLBACK.search(text, start, end) and sql_operations(text[start:end])[0]:
            one_way.append((text.count("\n", 0, start) + 1, "a change set without rollback"))
    return Migration(path, "Liquibase", tuple(found), tuple(one_way), tuple(unread))


def liquibase_migration(path: str, text: str) -> Migration:
    """Return what a change log does; what cannot be parsed is named."""
    if len(text) > _LARGEST:
        return Migration(path, "Liquibase", unread=(f"{len(text)} characters",))
    try:
        sets = list(_of_xml(text) if path.endswith(".xml") else _of_data(path, text))
    except _UnreadableError as error:
        return Migration(path, "Liquibase", unread=(str(error),))
    found: list[Operation] = []
    one_way: list[tuple[int, str]] = []
    for line, changes, back in sets:
        for at, name, given in changes:
            found += _operations(at or line, name, given)
        needing = [name for _, name, _ in changes if name in _NO_WAY_BACK]
        if needing and not back:
            one_way.append((line, f"{needing[0]} without rollback"))
    return Migration(path, "Liquibase", tuple(found), tuple(one_way))


class _UnreadableError(Exception):
    """The file is no change log that can be read."""


_Change = tuple[int, str, Mapping[str, Any]]
_Set = tuple[int, list[_Change], bool]


def _of_xml(text: str) -> Iterator[_Set]:  # noqa: C901 - three handlers of one parser
    from xml.parsers import expat

    if re.search(r"(?i)<!(?:doctype|entity)", text):
        raise _UnreadableError("a document type, which may define anything")
    sets: list[_Set] = []
    stack: list[tuple[str, int, dict[str, Any]]] = []
    parser = expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(stack) > _DEEPEST:
            raise _UnreadableError("elements nested too deeply")
        name = tag.rpartition(":")[2]
        stack.append((name, parser.CurrentLineNumber, {**attributes, "columns": [], "text": ""}))
        if name == "changeSet":
            sets.append((parser.CurrentLineNumber, [], False))
        elif name == "rollback" and sets:
            line, changes, _ = sets[-1]
            sets[-1] = (line, changes, True)

    def end(_tag: str) -> None:
        name, line, given = stack.pop()
        names = [one for one, _, _ in stack]
        if name == "constraints" and stack:
            stack[-1][2].setdefault("constraints", {}).update(given)
        elif name == "column" and stack:
            stack[-1][2]["columns"].append(given)
        elif "changeSet" in names and "rollback" not in [*names, name] and names[-1] == "changeSet" and sets:
            sets[-1][1].append((line, name, given))

    def said(words: str) -> None:
        if stack and len(stack[-1][2]["text"]) < _LARGEST:
            stack[-1][2]["text"] += words

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, said
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)  # noqa: FBT003 - expat takes it by place
    except expat.ExpatError as error:
        raise _UnreadableError(f"no XML: {error}") from error
    return iter(sets)


def _of_data(path: str, text: str) -> Iterator[_Set]:
    data = _loaded(path, text)
    log = data.get("databaseChangeLog") if isinstance(data, dict) else None
    if not isinstance(log, list):
        raise _UnreadableError("no change log in it")
    starts = [text.count("\n", 0, found.start()) + 1 for found in re.finditer(r"changeSet\b", text)]
    number = 0
    for entry in log:
        one = entry.get("changeSet") if isinstance(entry, dict) else None
        if not isinstance(one, dict):
            continue
        line = starts[number] if number < len(starts) else 1
        number += 1
        changes: list[_Change] = []
        listed = one.get("changes")
        for change in listed if isinstance(listed, list) else []:
            for name, given in change.items() if isinstance(change, dict) else ():
                held = given if isinstance(given, dict) else {"text": given if isinstance(given, str) else ""}
                columns = held.get("columns")
                held = {
                    **held,
                    "columns": [c.get("column", c) for c in columns if isinstance(c, dict)]
                    if isinstance(columns, list)
                    else [],
                }
                changes.append((_placed(text, line, str(name)), str(name), held))
        yield line, changes, "rollback" in one or any(isinstance(c, dict) and "rollback" in c for c in listed or [])


def _placed(text: str, line: int, name: str) -> int:
    """Return the line of the first mention of a change after the start of its set."""
    lines = text.splitlines()
    return next((n + 1 for n in range(line - 1, min(len(lines), line + 300)) if name in lines[n]), line)


def _loaded(path: str, text: str) -> Any:
    try:
        if path.endswith(".json"):
            return json.loads(text)
        if re.search(r"(?m)[:\-\[,]\s*\*\w", text):
            raise _UnreadableError("aliases, which may stand for anything")
        return plain_yaml(text.encode())
    except (ValueError, RecursionError) as error:
        raise _UnreadableError(f"it cannot be parsed: {type(error).__name__}") from error


def _operations(line: int, name: str, given: Mapping[str, Any]) -> Iterator[Operation]:  # noqa: C901, PLR0912 - a table of names
    table = str(given.get("tableName") or given.get("oldTableName") or RUN_TIME)
    column = str(given.get("columnName") or given.get("name") or "")
    columns = [_column(one) for one in given.get("columns") or [] if isinstance(one, dict)]
    if name == "createTable":
        yield Operation("create_table", table, line, columns=tuple(columns))
    elif name == "dropTable":
        yield Operation("drop_table", table, line)
    elif name == "dropColumn":
        for one in [c.name for c in columns] or [column]:
            yield Operation("drop_column", table, line, one)
    elif name == "addColumn":
        for added in columns:
            yield Operation("add_column", table, line, added.name, column=added)
    elif name == "renameTable":
        yield Operation("rename_table", table, line, str(given.get("newTableName", RUN_TIME)))
    elif name == "renameColumn":
        old = str(given.get("oldColumnName", RUN_TIME))
        yield Operation("rename_column", table, line, old, after=str(given.get("newColumnName", RUN_TIME)))
    elif name == "modifyDataType":
        yield Operation("change_type", table, line, column, after=str(given.get("newDataType", "")))
    elif name == "addNotNullConstraint":
        yield Operation("set_not_null", table, line, column)
    elif name == "dropNotNullConstraint":
        yield Operation("drop_not_null", table, line, column)
    elif name in ("dropDefaultValue", "addDefaultValue"):
        yield Operation("drop_default" if name == "dropDefaultValue" else "set_default", table, line, column)
    elif name in ("addUniqueConstraint", "addPrimaryKey"):
        yield Operation("add_unique", table, line, str(given.get("columnNames", "columns")))
    elif name == "createIndex" and str(given.get("unique", "")).lower() == "true":
        yield Operation("add_unique", table, line, ", ".join(c.name for c in columns) or "columns")
    elif name == "delete":
        yield Operation("delete_rows", table, line)
    elif name == "dropView":
        yield Operation("drop_view", str(given.get("viewName", RUN_TIME)), line)
    elif name == "createView":
        yield Operation("create_view", str(given.get("viewName", RUN_TIME)), line)
    elif name == "sql":
        text = given.get("text") or given.get("sql") or ""
        yield from sql_operations(str(text), line=line)[0]


def _column(given: Mapping[str, Any]) -> Column:
    rules = given.get("constraints")
    rules = rules if isinstance(rules, dict) else {}
    true = {key for key, value in {**given, **rules}.items() if str(value).lower() == "true"}
    required = str(rules.get("nullable", "")).lower() == "false" or "primaryKey" in true
    filled = any(key.startswith("defaultValue") for key in given) or not {"autoIncrement", "computed"}.isdisjoint(true)
    kind = str(given["type"]) if "type" in given else None
    return Column(
        str(given.get("name", RUN_TIME)), kind, not required, filled, f"{kind}{' NOT NULL' if required else ''}"
    )
