"""Steps of a migration that no way back restores: proven by parsing Python and SQL, else by pattern."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from stabkit.change.facts import Fact
from stabkit.change.python_code import dotted, parse

__all__ = ["irreversible_steps", "understood"]

_PATTERN: Final = re.compile(
    r"(?i)\b(drop\s+(table|column|schema|database|type)|truncate\s|delete\s+from|drop_(table|column)|"
    r"RemoveField|DeleteModel)"
)
_NAME: Final = r"((?:[\w$]+|\"[^\"]+\"|`[^`]+`|\[[^\]]+\])(?:\.(?:[\w$]+|\"[^\"]+\"|`[^`]+`|\[[^\]]+\]))*)"
_STATEMENT: Final = re.compile(
    rf"(?is)\s*(?:drop\s+(?P<noun>table|schema|database|type)\s+(?:if\s+exists\s+)?(?P<dropped>{_NAME})"
    rf"|truncate\s+(?:table\s+)?(?P<emptied>{_NAME})|delete\s+from\s+(?P<deleted>{_NAME})"
    rf"|alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(?P<table>{_NAME})(?P<actions>.*))"
)
# What a table may lose without losing data: these words follow DROP where no column does.
_COLUMN: Final = re.compile(
    rf"(?i)\bdrop\s+(?:column\s+(?:if\s+exists\s+)?|(?!(?:column|constraint|index|key|primary|foreign|check|default|not|"
    rf"identity|expression|partition)\b))(?P<column>{_NAME})"
)
# Comments, texts and bodies of functions hold no statement of the migration itself.
_NO_CODE: Final = re.compile(r"(?s)--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|(\$\w*\$).*?\1")
# The part of a file that leads back: goose, dbmate, node-pg-migrate, sql-migrate.
_BACK: Final = re.compile(r"(?im)^\s*--\s*(\+goose\s+down|\+migrate\s+down|migrate:down|down\s+migration)\b")
_BACK_FILE: Final = re.compile(r"(?i)([._-]down\.sql|(^|/)(U[\d.]+__[^/]*|down|undo|[^/]*rollback)\.sql)$")
_IN_FOLDER: Final = re.compile(r"(?i)(^|/)(migrations?|alembic/versions|migrate)/|(^|/)V[\d._]+__[^/]*\.sql$")
_CALLS: Final = {
    "drop_table": ("dropped", "table"),
    "drop_column": ("dropped", "column"),
    "RemoveField": ("dropped", "column"),
    "DeleteModel": ("dropped", "table"),
}
_SQL_CALLS: Final = ("execute", "RunSQL")


def understood(path: str) -> bool:
    """Say whether migrations of this kind are parsed, and not merely searched by pattern."""
    return path.endswith((".py", ".sql", ".ddl"))


def irreversible_steps(path: str, content: bytes | None) -> list[Fact]:
    r"""Return the steps forward that lose data, or have no way back, in the order of their lines.

    Examples
    --------
    >>> sql = b"-- drop table kept;\nALTER TABLE orders DROP COLUMN tax;"
    >>> [(fact.line, fact.noun, fact.what, fact.proven) for fact in irreversible_steps("migrations/4.sql", sql)]
    [(2, 'column', 'orders.tax', True)]
    """
    if content is None or _BACK_FILE.search(path):
        return []
    text = content.decode("utf-8", "replace")
    if path.endswith((".sql", ".ddl")):
        # SQL that lies elsewhere may be a query or a dump, which nobody applies to a database in use.
        return list(_of_sql(path, text, proven=_IN_FOLDER.search(path) is not None))
    tree = parse(content) if path.endswith(".py") else None
    if tree is not None:
        return sorted(_of_python(path, tree), key=lambda fact: fact.line or 0)
    forward = text.partition("def downgrade(")[0]
    return [
        Fact(path, forward.count("\n", 0, step.start()) + 1, step[0], "matched", proven=False)
        for step in _PATTERN.finditer(forward)
    ]


def _of_sql(path: str, text: str, *, proven: bool, line: int = 1) -> Iterator[Fact]:
    back = _BACK.search(text)
    forward = text[: back.start()] if back else text
    code = _NO_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), forward)
    start = 0
    for statement in code.split(";"):
        begin = start + len(statement) - len(statement.lstrip())
        at = line + code.count("\n", 0, begin)
        start += len(statement) + 1
        found = _STATEMENT.match(statement)
        if not found:
            continue
        if found["table"]:
            for column in _COLUMN.finditer(found["actions"]):
                name = f"{_bare(found['table'])}.{_bare(column['column'])}"
                yield Fact(path, at, name, "dropped", "column", proven=proven)
        elif found["dropped"]:
            yield Fact(path, at, _bare(found["dropped"]), "dropped", found["noun"].lower(), proven=proven)
        else:
            name = _bare(found["emptied"] or found["deleted"])
            yield Fact(path, at, name, "emptied", "table", proven=proven)


def _bare(name: str) -> str:
    return re.sub(r"[\"`\[\]]", "", name)


def _of_python(path: str, tree: ast.Module) -> Iterator[Fact]:
    read: set[int] = set()  # texts that were read as SQL
    calls = [node for node in _forward(tree) if isinstance(node, ast.Call)]
    for call in calls:
        name = dotted(call.func).rpartition(".")[2]
        if name in _CALLS:
            change, noun = _CALLS[name]
            yield Fact(path, call.lineno, _named(call), change, noun)
        if name in ("RunPython", "RunSQL") and _one_way(call):
            yield Fact(path, call.lineno, f"{name} without reverse", "one_way", "step")
        if name in _SQL_CALLS:
            texts = [
                node
                for part in [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "sql")]
                for node in ast.walk(part)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            ]
            read |= {id(node) for node in texts}
            for node in texts:
                yield from _of_sql(path, str(node.value), proven=True, line=node.lineno)
    read |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # documentation
    for text in _forward(tree):
        if isinstance(text, ast.Constant) and isinstance(text.value, str) and id(text) not in read:
            found = _PATTERN.search(text.value)
            if found:
                yield Fact(path, text.lineno, found[0], "matched", proven=False)


def _forward(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a migration but for its way back."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef) and node.name in ("downgrade", "database_backwards", "backwards"):
            continue
        if isinstance(node, ast.keyword) and node.arg in ("reverse_sql", "reverse_code"):
            continue
        yield node
        yield from _forward(node)


def _named(call: ast.Call) -> str:
    """Return the table and column that a call names, as far as it names them by texts."""
    parts = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    keywords = {
        keyword.arg: keyword.value.value
        for keyword in call.keywords
        if isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str)
    }
    parts += [keywords[key] for key in ("model_name", "table_name", "name", "column_name") if key in keywords]
    return ".".join(map(str, parts[:2])) or "a name made at run time"


def _one_way(call: ast.Call) -> bool:
    return len(call.args) < 2 and not any(keyword.arg in ("reverse_code", "reverse_sql") for keyword in call.keywords)
