"""Which files of a repository are migrations, whose they are, and what pairs with what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Final

from stabkit.change.paths import categorise
from stabkit.change.python_code import parse
from stabkit.change.schema.migrations.alembic import alembic_migration, plain_migration
from stabkit.change.schema.migrations.django import django_migration
from stabkit.change.schema.migrations.liquibase import formatted_sql, liquibase_migration, names_liquibase
from stabkit.change.schema.migrations.operations import NOTHING_KNOWN, Migration
from stabkit.change.schema.migrations.scripts import script_migration
from stabkit.change.schema.migrations.sql import sql_operations

__all__ = ["LOOKED_FOR", "down_path", "family", "is_migration_path", "natural", "read_migration"]

LOOKED_FOR: Final = "Django, Alembic, SQL, Rails, JavaScript, Laravel, Entity Framework, Ecto, Prisma, Liquibase or Go"
"""Whose migrations are looked for, in words."""

_FOLDER: Final = re.compile(
    r"(?i)(^|/)(migrations?|migrate|[\w-]+[_-]migrations?|migrations?[_-][\w-]+|alembic(/[^/]+)*/versions|post_migrate|"
    r"schema_?changes)/"
)
_SQL_FOLDER: Final = re.compile(
    r"(?i)(^|/)(changelogs?|drizzle|evolutions(/[^/]+)?|flyway|liquibase)/([^/]+/)*[^/]+\.(sql|xml|ya?ml|json)$"
)
_CODE: Final = re.compile(
    r"(?i)\.(py|sql|ddl|rb|js|cjs|mjs|ts|mts|cts|php|cs|exs?|go|rs|kt|java|scala|groovy|xml|ya?ml|json|cql|cypher|surql)$"
)
_DATA: Final = re.compile(r"(?i)\.(xml|ya?ml|json)$")
_FLYWAY: Final = re.compile(r"(?i)(^|/)[VR][\d._]*__[^/]*\.(sql|java|kt)$")
_CHANGE_LOG: Final = re.compile(r"(?i)change-?log[^/]*\.(xml|ya?ml|json|sql)$")
_NO_MIGRATION: Final = re.compile(
    r"(?i)(^|/)(__init__\.py|env\.py|conftest\.py|max_migration\.txt|[^/]*\.designer\.cs|[^/]*ModelSnapshot\.cs|"
    r"[^/]*\.d\.ts|_?journal\.json|[^/]*snapshot\.json|schema\.(rb|sql)|structure\.sql|seeds?\.\w+|index\.[jt]s|"
    r"package(-lock)?\.json|tsconfig\.json|migrator\.\w+|migrate\.\w+|migrations\.\w+|[^/]*\.(test|spec)\.\w+|"
    r"[^/]*_test\.go|\.\w+\.(ya?ml|json))$"
)
_ELSEWHERE: Final = re.compile(
    r"(?i)(^|/)(node_modules|vendor|third_party|site-packages|docs?|fixtures?|seeds?|testdata|examples?)/"
)
_BACK_FILE: Final = re.compile(
    r"(?i)([._-](down|undo|rollback|revert)\.(sql|cql)|(^|/)(U[\d.]+__[^/]*|down|undo|rollback|revert|[^/]*rollback)\.sql)$"
)
_PAIRED: Final = re.compile(r"(?i)^(?P<stem>.*?(?:[._-]|/))up(?P<end>\.(?:\w+\.)?(?:sql|cql))$")
# The part of a file that leads back: goose, sql-migrate, dbmate, node-pg-migrate, Play's evolutions, MyBatis.
_BACK: Final = re.compile(
    r"(?im)^\s*(?:--|#)\s*(\+goose\s+down|\+migrate\s+down|migrate:down|down\s+migration|!downs|//@undo|@undo)\b.*$"
)
_FORWARD: Final = re.compile(r"(?im)^\s*(?:--|#)\s*(\+goose\s+up|\+migrate\s+up|migrate:up|up\s+migration|!ups)\b")
_IRREVERSIBLE: Final = re.compile(r"(?i)\b(irreversible|cannot be (undone|reversed|rolled back)|no way back)\b")


def is_migration_path(path: str) -> bool:
    """Say whether a path may be a migration's; of files of data only the content tells.

    Examples
    --------
    >>> [is_migration_path(p) for p in ("a/migrations/0001_x.py", "db/migrate/1_a.rb", "sql/V2__b.sql", "q/report.sql")]
    [True, True, True, False]
    """
    if not _CODE.search(path) or _NO_MIGRATION.search(path) or _ELSEWHERE.search(path):
        return False
    known = _FOLDER.search(path) or _SQL_FOLDER.search(path) or _FLYWAY.search(path) or _CHANGE_LOG.search(path)
    return known is not None and categorise(path) not in ("test", "ci")


def natural(path: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts numbers in names by their value, as tools apply migrations.

    Examples
    --------
    >>> sorted(["m/10.sql", "m/9.sql", "m/a.sql"], key=natural)
    ['m/9.sql', 'm/10.sql', 'm/a.sql']
    """
    parts = re.findall(r"\d+|\D+", path)
    return tuple((0, int(part[:18]), part) if part[0].isdigit() and part.isascii() else (1, 0, part) for part in parts)


def family(path: str) -> str:
    """Return the folder whose migrations follow each other: one application's, one database's.

    Examples
    --------
    >>> [family(path) for path in ("store/migration/sqlite/0.2/00__a.sql", "app/migrations/0001_x.py")]
    ['store/migration/sqlite', 'app/migrations']
    """
    found = _FOLDER.search(path)
    if not found:
        return str(PurePosixPath(path).parent)
    root, rest = path[: found.end() - 1], path[found.end() :]
    first, slash, _ = rest.partition("/")
    return f"{root}/{first}" if slash and re.fullmatch(r"[A-Za-z_-]+", first) and first != "versions" else root


def read_migration(path: str, content: bytes, paths: Mapping[str, object] | Iterable[str] = ()) -> Migration | None:  # noqa: PLR0911
    r"""Return what a migration file does; None for a file that is none after all.

    Parameters
    ----------
    path : str
        Where it lies.
    content : bytes
        What it holds.
    paths : mapping or iterable of str
        The files beside it: some tools keep the way back in a file of its own.

    Examples
    --------
    >>> read = read_migration("migrations/3.up.sql", b"ALTER TABLE orders DROP COLUMN tax;", {"migrations/3.up.sql"})
    >>> [(one.kind, one.table, one.name) for one in read.forward], read.one_way
    ([('drop_column', 'orders', 'tax')], ((1, 'there is no 3.down.sql'),))
    """
    if _DATA.search(path):
        if not names_liquibase(content):
            return None
        return liquibase_migration(path, content.decode("utf-8", "replace"))
    if b"\0" in content[:8_000]:
        return Migration(path, "a tool that is not known", unread=("binary content",))
    if path.endswith(".py"):
        tree = parse(content)
        if tree is None:
            return Migration(path, "Python", unread=("it cannot be parsed",))
        try:
            return _known(django_migration(path, tree) or alembic_migration(path, tree) or plain_migration(path, tree))
        except RecursionError:
            return Migration(path, "Python", unread=("expressions nested too deeply",))
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    if path.lower().endswith((".sql", ".ddl", ".cql")):
        return _of_sql(path, text, paths)
    return _known(script_migration(path, text))


def _known(migration: Migration) -> Migration | None:
    """Return a migration unless it is but code that stands beside some: no operation, and no number in its name."""
    named = re.search(r"\d", PurePosixPath(migration.path).name)
    helper = not named and not migration.forward and not migration.one_way and NOTHING_KNOWN in migration.unread
    return None if helper else migration


def _of_sql(path: str, text: str, paths: Mapping[str, object] | Iterable[str]) -> Migration:
    if re.match(r"(?i)\s*--\s*liquibase\s+formatted\s+sql", text):
        return formatted_sql(path, text)
    if _BACK_FILE.search(path):
        return Migration(path, "SQL", examined=False)
    marked = _FORWARD.search(text)
    back = _BACK.search(text)
    forward, behind = text, None
    if back:
        later = _FORWARD.search(text, back.end())
        forward = (
            text[: back.start()] if not later else re.sub(r"[^\n]", " ", text[: later.start()]) + text[later.start() :]
        )
        behind = text[back.end() : later.start() if later else len(text)]
    found, unread = sql_operations(forward)
    one_way: list[tuple[int, str]] = []
    written = re.sub(r"--[^\n]*|/\*.*?\*/", "", forward[:400_000], flags=re.DOTALL).strip(" \n\r\t;")
    if marked and written and (behind is None or not _written(behind)):
        line = text.count("\n", 0, back.start()) + 1 + (back[0].count("\n")) if back else 1
        one_way.append((line, "the part that leads back is empty" if back else "there is no part that leads back"))
    one_way += _lacking(path, paths, written=bool(written))
    return Migration(path, "SQL", tuple(found), tuple(one_way), tuple(unread))


def _written(sql: str) -> bool:
    return bool(re.sub(r"--[^\n]*", "", sql).strip(" \n\r\t;")) and not re.fullmatch(r"(?is)\s*select\s+1\s*;?\s*", sql)


def _lacking(path: str, paths: Mapping[str, object] | Iterable[str], *, written: bool) -> list[tuple[int, str]]:
    """Return that the file which leads back is not there, of a tool that pairs them."""
    down = down_path(path)
    return [(1, f"there is no {PurePosixPath(down).name}")] if down and written and down not in paths else []


def down_path(path: str) -> str | None:
    """Return the file that leads back from this one, of a tool that pairs them.

    Examples
    --------
    >>> down_path("db/3_tax.up.sql"), down_path("migrations/2024_tax/up.sql"), down_path("V3__tax.sql")
    ('db/3_tax.down.sql', 'migrations/2024_tax/down.sql', None)
    """
    return _PAIRED.sub(r"\g<stem>down\g<end>", path) if _PAIRED.match(path) else None
