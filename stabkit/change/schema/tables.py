"""Whether the database holds the same tables: a line of the checklist."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final
from weakref import WeakKeyDictionary

from stabkit.change.facts import Answer, Fact, answered
from stabkit.change.git import Blob
from stabkit.change.paths import categorise
from stabkit.change.python_code import same_code
from stabkit.change.schema.declared_tables import READERS, reader_of
from stabkit.change.schema.migrations import Migration, is_migration_path, read_migration
from stabkit.change.schema.python_tables import Declared, ModelBases, python_tables
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_schema", "changed_models"]

_MARKS: Final = (
    b"models.",
    b"Column(",
    b"mapped_column",
    b"Mapped[",
    b"table",
    b"Table(",
    b"Model",
    b"Document",
    b"Base)",
)
_PYTHON: Final = re.compile(
    rb"(?m)\bmodels\.\w*(?:Field|Key)\b|\bColumn\(|\bmapped_column\b|\bMapped\[|\btable[ \t]*=[ \t]*True|\bTable\(|"
    rb"^class[ \t]+\w+\([^)]*(?:Model|Document|Base)\b"
)
# A form's field looks the same: what it belongs to decides, once the file is parsed.
_PERHAPS: Final = re.compile(rb"(?m)^[ \t]+\w+[^=\n]{0,80}=[ \t]*\w+(?:Field|Key)\(")
_ENDINGS: Final = tuple({ending.partition("#drizzle")[2] or ending for ending in READERS})
_SAID: Final = re.compile(r"(?i)(^|/)(docs?|examples?|fixtures?|node_modules|vendor)/")
_MOST_FILES: Final = 20_000


def answer_schema(snapshots: Snapshots) -> Answer:
    """Return the answer of the line: tables, columns and migrations that are not as they were.

    Only what stands for a table counts, and of it only what reaches the database: no form, serializer or data class, no
    label, help text or default of a Django field. A model that moved to another file is as it was. Messages, such as
    those of Protocol Buffers and Avro, are contracts, and no table.
    """
    told = _told(snapshots)
    facts = [*told.facts, *told.migrations]
    why = f"could not be read: {', '.join(told.unread[:20])}" if told.unread else None
    if not told.examined and why is None:
        why = "no model, migration or schema file was found"
        return Answer("not_checked", noun="schema files", why=why, settled=True)
    return answered(
        facts,
        len(told.examined),
        "schema files",
        why=why,
        method="Python, SQL, Prisma and schema.rb parsed; other languages by pattern",
    )


def changed_models(snapshots: Snapshots) -> list[str]:
    """Return the tables and columns whose declaration changed, other than by a migration."""
    return [fact.what for fact in _told(snapshots).facts]


class _Told:
    """What was found, and where it was looked for."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.migrations: list[Fact] = []
        self.unread: list[str] = []
        self.examined: set[str] = set()


_TOLD: WeakKeyDictionary[Snapshots, _Told] = WeakKeyDictionary()


def _told(snapshots: Snapshots) -> _Told:
    if snapshots not in _TOLD:
        _TOLD[snapshots] = _compared(snapshots)
    return _TOLD[snapshots]


def _counts(path: str) -> bool:
    return path.endswith((".py", *_ENDINGS)) and categorise(path) != "test" and not _SAID.search(path)


def _compared(snapshots: Snapshots) -> _Told:
    told = _Told()
    trees = (snapshots.base_tree, snapshots.head_tree)
    blobs: dict[str, dict[str, Blob]] = {}
    for tree in trees:
        for path, blob in tree.items():
            if is_migration_path(path):
                if not path.endswith((".xml", ".yml", ".yaml", ".json")):
                    told.examined.add(path)
            elif _counts(path):
                blobs.setdefault(path, {})[blob.object_id] = blob
    if len(blobs) <= _MOST_FILES:
        snapshots.load(blob for versions in blobs.values() for blob in versions.values())
    else:
        changed = {path for change in snapshots.changes for path in (change.path, change.base_path)}
        blobs = {path: versions for path, versions in blobs.items() if path in changed}
        told.unread.append(f"more than {_MOST_FILES} files that may stand for tables: unchanged ones")
    for path, versions in blobs.items():
        if any(_marked(path, snapshots.content(blob) or b"") for blob in versions.values()):
            told.examined.add(path)
    _changed(snapshots, told, blobs)
    return told


def _marked(path: str, content: bytes, *, perhaps: bool = False) -> bool:
    if path.endswith(".py"):
        if perhaps and _PERHAPS.search(content):
            return True
        return any(mark in content for mark in _MARKS) and _PYTHON.search(content) is not None
    return reader_of(path, content) is not None


def _changed(snapshots: Snapshots, told: _Told, blobs: dict[str, dict[str, Blob]]) -> None:
    before: dict[tuple[str, str], tuple[str, Declared]] = {}
    after: dict[tuple[str, str], tuple[str, Declared]] = {}
    sources = (
        content
        for path, versions in blobs.items()
        if path.endswith(".py")
        for blob in versions.values()
        if (content := snapshots.content(blob)) is not None
    )
    bases: ModelBases | None = None
    for change in snapshots.changes:
        if is_migration_path(change.path) or is_migration_path(change.base_path):
            _migration(snapshots, told, change.path, change.base_path, change.status)
            continue
        if not _counts(change.path) and not _counts(change.base_path):
            continue
        unread = snapshots.unread(change)
        if unread and change.regular:
            told.unread.append(change.path)
            continue
        sides = ((change.base_path, snapshots.old(change), before), (change.path, snapshots.new(change), after))
        marked = [(path, blob, side) for path, blob, side in sides if blob and _counts(path)]
        if not any(_marked(path, snapshots.content(blob) or b"", perhaps=True) for path, blob, _ in marked):
            continue
        if bases is None:
            bases = ModelBases(sources)
        read = [(path, side, _declared(snapshots, path, blob, bases)) for path, blob, side in marked]
        if any(found is None for _, _, found in read):
            told.unread.append(change.path)
            continue
        for path, side, found in read:
            if found:
                told.examined.add(path)
            for one in found or []:
                side.setdefault((one.table, one.column), (path, one))
    told.facts = list(_facts(before, after))


def _declared(snapshots: Snapshots, path: str, blob: Blob, bases: ModelBases) -> list[Declared] | None:
    """Return what a file declares; None if it cannot be parsed."""
    content = snapshots.content(blob) or b""
    try:
        if path.endswith(".py"):  # of a file whose other end holds a model, even if this one seems to hold none
            tree = snapshots.parsed(blob)
            return None if tree is None else list(python_tables(tree, bases))
        read: Callable[[str], Iterator[Declared]] | None = reader_of(path, content)
        return list(read(content.decode("utf-8", "replace"))) if read else []
    except RecursionError:
        return None


def _migration(snapshots: Snapshots, told: _Told, path: str, base_path: str, status: str) -> None:
    if status == "renamed" and snapshots.base_tree.get(base_path) == snapshots.head_tree.get(path):
        return
    tree, at = (snapshots.base_tree, base_path) if status == "deleted" else (snapshots.head_tree, path)
    content = snapshots.content(tree.get(at))
    if content is None:
        told.unread.append(at)
        return
    migration = read_migration(at, content, tree)
    if migration is None:
        return
    told.examined.add(at)
    steps = list(migration.forward)
    if status in ("modified", "renamed") and base_path in snapshots.base_tree:
        earlier = snapshots.content(snapshots.base_tree[base_path])
        old = read_migration(base_path, earlier, snapshots.base_tree) if earlier is not None else None
        if old is not None and migration.examined:
            if _alike(snapshots, base_path, at, old, migration):
                return  # what it does to the database is as it was
            known = [one.definition for one in old.forward]
            steps = [one for one in steps if one.definition not in known]
    change = {"added": "added", "deleted": "removed"}.get(status, "changed")
    words = [f"{one.kind.replace('_', ' ')} {one.table}{f'.{one.name}' if one.name else ''}" for one in steps]
    line = steps[0].line if steps else 1
    if not steps or (len(steps) == len(migration.forward) and all(one.kind == "update_rows" for one in steps)):
        # It changes no column: what is no operation, such as an index, is said too.
        spoken, first = _spoken(at, content)
        words += [word for word in spoken if not steps or word not in _RUNS]
        line = min(line, first) if steps else first
    did = ", ".join(words[:5])
    before, after = (did or None, None) if change == "removed" else (None, did or None)
    told.migrations.append(Fact(at, line, at.rpartition("/")[2], change, "migration", before, after))


_RUNS: Final = ("update", "execute", "run sql")  # what updated rows are said by already


def _spoken(path: str, content: bytes) -> tuple[list[str], int]:
    """Return the steps of a migration that changes no column, by the words for them, and where the first stands."""
    text = content.decode("utf-8", "replace")
    if path.endswith(".py"):
        text = text.partition("def downgrade")[0]
        found = list(re.finditer(r"\b(?:op|migrations)\.((?!Migration\b)\w+)\(", text))
        words = [re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", one[1]).lower() for one in found]
    elif path.endswith(".sql"):
        text = re.sub(r"--[^\n]*|/\*.*?\*/", lambda match: re.sub(r"[^\n]", " ", match[0]), text, flags=re.DOTALL)
        found = list(_STATEMENT.finditer(text))
        words = [re.sub(r"\s+", " ", one[1].strip()).lower() for one in found]
    else:
        return [], 1
    line = text.count("\n", 0, found[0].start(1)) + 1 if found else 1
    return list(dict.fromkeys(words)), line


_STATEMENT: Final = re.compile(
    r"(?is)(?:\A|;)\s*((?:create|drop|alter|comment\s+on|reindex)(?:\s+(?:or|replace|unique|materialized))*\s+\w+|"
    r"(?:insert\s+into|update|delete\s+from|merge\s+into|grant|revoke|analyze|vacuum|pragma|with|do)\b)"
)


def _alike(snapshots: Snapshots, base_path: str, path: str, old: Migration, new: Migration) -> bool:
    """Say whether a migration does what it did: the same operations, or, where none is known, the same code."""
    if [one.definition for one in old.forward] != [one.definition for one in new.forward]:
        return False
    if new.forward and not old.unread and not new.unread:
        return True
    before, after = snapshots.base_tree.get(base_path), snapshots.head_tree.get(path)
    if path.endswith(".py"):
        trees = [snapshots.parsed(blob) for blob in (before, after)]
        return trees[0] is not None and trees[1] is not None and same_code(trees[0], trees[1])
    texts = [re.sub(rb"--[^\n]*|//[^\n]*|\s", b"", snapshots.content(blob) or b"") for blob in (before, after)]
    return texts[0] == texts[1]


def _noun(column: str) -> str:
    return "option" if column.startswith(("Meta.", "__", "@@")) else "column" if column else "table"


def _facts(
    before: dict[tuple[str, str], tuple[str, Declared]], after: dict[tuple[str, str], tuple[str, Declared]]
) -> Iterator[Fact]:
    for side, other, change in ((before, after, "removed"), (after, before, "added")):
        for key, (path, one) in side.items():
            table, column = key
            if key in other or (column and (table, "") in side and (table, "") not in other):
                continue  # a column of a table that came or went as a whole
            columns = (
                ", ".join(name for owner, name in side if owner == table and name and not name.startswith("__"))[:300]
                if not column
                else one.text
            )
            gone, come = (columns or None, None) if change == "removed" else (None, columns or None)
            what, noun = (f"{table}.{column}" if column else table), _noun(column)
            yield Fact(path, one.line, what, change, noun, gone, come, one.proven)
    for key, (path, new) in after.items():
        old = before.get(key)
        if old is not None and old[1].text != new.text:
            what = f"{key[0]}.{key[1]}" if key[1] else key[0]
            yield Fact(
                path, new.line, what, "changed", _noun(key[1]), old[1].text or None, new.text or None, new.proven
            )
