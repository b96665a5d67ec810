"""What the operations of a range do to a database that is in use, all of them together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from stabkit.change.schema.column_types import type_change
from stabkit.change.schema.migrations import RUN_TIME, Column, Operation, bare
from stabkit.change.schema.schema_state import SchemaState, same_name

__all__ = ["Effect", "effects_of", "known_names"]


@dataclass(frozen=True)
class Effect:
    """One thing that a range does to tables that were there before.

    Attributes
    ----------
    path, line
        The migration, and where in it.
    change : str
        The word for it, as facts have it.
    noun, what, before, after, proven
        As of a fact.
    loses : bool
        True if data is gone that no way back restores.
    breaks : bool
        True if code that knows the old schema reads or writes what is not there, or may not be written so.
    """

    path: str
    line: int
    change: str
    noun: str
    what: str
    before: str | None = None
    after: str | None = None
    proven: bool = True
    loses: bool = False
    breaks: bool = False


def effects_of(steps: Sequence[tuple[str, Operation]], state: SchemaState) -> tuple[list[Effect], list[str]]:
    """Return what operations do together, and what was not known of the schema before.

    Parameters
    ----------
    steps : sequence of (str, Operation)
        The file and the operation, in the order in which they are applied.
    state : SchemaState
        What was there before; it is followed along.

    Notes
    -----
    A table or column that the range itself makes was in nobody's use: what becomes of it afterwards breaks nothing, but
    a column that ends as NOT NULL without a default does, however many steps led there. A table that is made anew under
    the name of one that goes, as SQLite has to alter tables, is the old one altered.
    """
    range_ = _Range(state)
    made = [same_name(one.name if one.kind == "rename_table" else one.table) for _, one in steps if one.kind in _MAKING]
    for path, one in steps:
        name = same_name(one.table)
        # Room made for a table that is about to be made, in case that one of its name was left over.
        if one.kind == "drop_table" and one.after and name in made and name not in state.tables:
            continue
        range_.step(path, one)
    return range_.ended()


_MAKING: Final = ("create_table", "rename_table")


@dataclass
class _Added:
    path: str
    line: int
    table: str
    column: Column
    proven: bool


class _Range:
    def __init__(self, state: SchemaState) -> None:
        self.state = state
        self.before = {table: dict(columns) for table, columns in state.tables.items()}
        self.values = dict(state.types)
        self.made: set[str] = set()
        self.gone: dict[str, Effect] = {}
        self.origin: dict[str, str] = {}  # a table's name now -> its name before the range
        self.copied: set[tuple[str, str]] = set()
        self.added: dict[tuple[str, str], _Added] = {}
        self.views: dict[str, Effect] = {}
        self.types_gone: dict[str, Effect] = {}
        self.types_origin: dict[str, str] = {}
        self.types_made: dict[str, tuple[str, int]] = {}
        self.rebuilt: dict[str, tuple[str, int]] = {}
        self.required: dict[tuple[str, str], tuple[str, Operation]] = {}  # columns of a table that was made anew
        self.found: list[Effect] = []
        self.unknown: list[str] = []

    def step(self, path: str, one: Operation) -> None:
        reader = getattr(self, f"_{one.kind}", None)
        if reader is not None:
            reader(path, one)
        self.state.apply(one)

    def _effect(self, path: str, one: Operation, change: str, noun: str, what: str, **more: object) -> Effect:
        return replace(Effect(path, one.line, change, noun, what, proven=one.proven), **more)  # type: ignore[arg-type]

    def _name(self, one: Operation) -> str:
        return f"{one.table}.{one.name}"

    def _new(self, one: Operation) -> bool:
        """Say whether the range itself made the table."""
        return same_name(one.table) in self.made or same_name(one.table) in self.state.virtual

    def _create_table(self, path: str, one: Operation) -> None:
        name = same_name(one.table)
        if not one.real:
            self.made.add(name)
            return
        if name in self.gone:
            self.rebuilt[name] = (path, one.line)
        self.made.add(name)

    def _drop_table(self, path: str, one: Operation) -> None:
        name = same_name(one.table)
        if name in self.state.virtual:
            return
        if name in self.made:
            self.made.discard(name)
            if name not in self.rebuilt:
                return
        old = self.origin.pop(name, name)
        noun = "table"
        before = ", ".join(c.name for c in self.before.get(old, {}).values())[:200] or None
        renamed = self.gone.get(old)
        what = renamed.what if renamed and old != name else one.table
        self.gone[old] = self._effect(path, one, "dropped", noun, what, before=before, loses=True, breaks=True)

    def _rename_table(self, path: str, one: Operation) -> None:
        old, new = same_name(one.table), same_name(one.name)
        if one.after is not None:  # the model keeps its name, its table gets another
            effect = self._effect(path, one, "renamed_away", "table", one.table, after=one.after, breaks=True)
            self.found += [] if old in self.made else [effect]
            return
        if old == new:
            return
        for table, column in list(self.added):
            if table == old:
                self.added[new, column] = self.added.pop((table, column))
        self.copied |= {(new, source) for target, source in self.copied if target == old}
        if old in self.made:
            self.made.discard(old)
            self.made.add(new)
            if new in self.gone:
                self.rebuilt[new] = (path, one.line)
            return
        first = self.origin.pop(old, old)
        if first == new:  # renamed and renamed back
            self.gone.pop(first, None)
            return
        self.origin[new] = first
        self.gone[first] = self._effect(path, one, "renamed_away", "table", one.table, after=one.name, breaks=True)

    def _copy_rows(self, _path: str, one: Operation) -> None:
        source = same_name(one.name)
        self.copied |= {(same_name(one.table), source), (same_name(one.table), self.origin.get(source, source))}

    def _add_column(self, path: str, one: Operation) -> None:
        if one.column is not None and not self._new(one):
            key = same_name(one.table), one.name.lower()
            self.added[key] = _Added(path, one.line, one.table, one.column, one.proven)

    def _drop_column(self, path: str, one: Operation) -> None:
        key = same_name(one.table), one.name.lower()
        if self._new(one) or self.added.pop(key, None) is not None:
            return
        column = self.state.column(one.table, one.name)
        before = column.text[:200] if column and column.text else None
        self.found.append(
            self._effect(path, one, "dropped", "column", self._name(one), before=before, loses=True, breaks=True)
        )

    def _rename_column(self, path: str, one: Operation) -> None:
        key = same_name(one.table), one.name.lower()
        if self._new(one):
            return
        if key in self.added:
            added = self.added.pop(key)
            self.added[key[0], (one.after or "").lower()] = replace(
                added, column=replace(added.column, name=one.after or "")
            )
            return
        self.found.append(
            self._effect(
                path, one, "renamed_away", "column", self._name(one), before=one.name, after=one.after, breaks=True
            )
        )

    def _restate_column(self, path: str, one: Operation) -> None:
        column = one.column
        if column is None or self._new(one):
            return
        key = same_name(one.table), one.name.lower()
        if key in self.added:
            self.added[key].column = replace(
                column, default=column.default or (self.added[key].column.default and "=" not in column.text)
            )
            return
        old = self.state.column(one.table, one.name)
        if old is None:
            self.unknown.append(f"{self._name(one)} ({path}:{one.line})")
            return
        self._compared(path, one, one.table, old, column)

    def _compared(self, path: str, one: Operation, table: str, old: Column, new: Column) -> None:
        """Tell what became of a column whose whole definition is known before and after."""
        what = f"{table}.{new.name}"
        if old.type and new.type:
            self._typed(path, one, what, old.type, new.type)
        elif old.type != new.type and old.type is not None and new.type is not None:
            self.unknown.append(what)
        if old.nullable and new.nullable is False and not (new.default and old.default):
            self.found.append(
                self._effect(path, one, "not_null", "column", what, before="NULL", after="NOT NULL", breaks=True)
            )

    def _typed(self, path: str, one: Operation, what: str, old: str, new: str) -> None:
        verdict = type_change(old, new)
        if verdict in ("narrower", "other"):
            change = "narrowed" if verdict == "narrower" else "retyped"
            self.found.append(
                self._effect(
                    path,
                    one,
                    change,
                    "column",
                    what,
                    before=old,
                    after=new,
                    proven=False,
                    loses=verdict == "narrower",
                    breaks=True,
                )
            )

    def _change_type(self, path: str, one: Operation) -> None:
        if self._new(one):
            return
        key = same_name(one.table), one.name.lower()
        if key in self.added:
            return
        known = self.state.column(one.table, one.name)
        old = one.before or (known.type if known else None)
        new = one.after or ""
        kind = same_name(bare(new))
        if kind in self.types_made or kind in self.values:
            return  # an enumerated type made anew: its values are compared
        if old is not None:
            self._typed(path, one, self._name(one), old, new)
        else:
            self.unknown.append(f"{self._name(one)} ({path}:{one.line})")
            if new.partition("(")[0].lower() not in ("text", "longtext", "jsonb"):
                effect = self._effect(path, one, "retyped", "column", self._name(one), after=new or None, proven=False)
                self.found.append(replace(effect, breaks=True))

    def _set_not_null(self, path: str, one: Operation) -> None:
        key = same_name(one.table), one.name.lower()
        if self._new(one):
            if one.name != RUN_TIME:
                self.required[key] = (path, one)
            return
        if key in self.added:
            column = self.added[key].column
            text = column.text and f"{column.text}, then NOT NULL"
            self.added[key].column = replace(column, nullable=False, text=text)
            return
        old = self.state.column(one.table, one.name)
        if old is not None and old.nullable is False:
            return
        # A default fills in what is left out; only a null that is written is refused then.
        proven = one.proven and not (old is not None and old.default)
        self.found.append(
            self._effect(
                path,
                one,
                "not_null",
                "column",
                self._name(one),
                before="NULL",
                after="NOT NULL",
                proven=proven,
                breaks=True,
            )
        )

    def _drop_not_null(self, _path: str, one: Operation) -> None:
        key = same_name(one.table), one.name.lower()
        if key in self.added:
            self.added[key].column = replace(self.added[key].column, nullable=True)

    def _set_default(self, _path: str, one: Operation) -> None:
        key = same_name(one.table), one.name.lower()
        if key in self.added:
            self.added[key].column = replace(self.added[key].column, default=True)

    def _drop_default(self, path: str, one: Operation) -> None:
        key = same_name(one.table), one.name.lower()
        if key in self.added:
            self.added[key].column = replace(self.added[key].column, default=False)
            return
        old = self.state.column(one.table, one.name)
        if not self._new(one) and not (old is not None and (old.nullable or not old.default)):
            self.found.append(
                self._effect(path, one, "default_dropped", "column", self._name(one), proven=False, breaks=True)
            )

    def _add_unique(self, path: str, one: Operation) -> None:
        names = [name.strip().lower() for name in one.name.split(",")]
        table = same_name(one.table)
        if self._new(one) or any((table, name) in self.added for name in names):
            return  # old code leaves a new column empty, and many may be empty
        self.found.append(
            self._effect(path, one, "unique", "constraint", f"{one.table}({one.name})", proven=False, breaks=True)
        )

    def _add_check(self, path: str, one: Operation) -> None:
        if not self._new(one):
            what = f"{one.table} ({one.name})" if one.name else one.table
            self.found.append(self._effect(path, one, "checked", "constraint", what, proven=False, breaks=True))

    def _empty_table(self, path: str, one: Operation) -> None:
        if not self._new(one) and same_name(one.table) not in self.gone:
            self.found.append(self._effect(path, one, "emptied", "table", one.table, loses=True))

    _delete_rows = _empty_table

    def _update_rows(self, path: str, one: Operation) -> None:
        key = same_name(one.table), one.name.lower()
        if not self._new(one) and key not in self.added and same_name(one.table) not in self.gone:
            self.found.append(self._effect(path, one, "overwritten", "column", self._name(one), loses=True))

    def _lose_data(self, path: str, one: Operation) -> None:
        if one.name == "value":  # of an enumerated type, renamed
            what = f"{one.table}.{one.before}"
            self.found.append(
                self._effect(path, one, "value_removed", "value", what, before=one.before, after=one.after, breaks=True)
            )
        elif not self._new(one):
            self.found.append(self._effect(path, one, "dropped", "partition", self._name(one), loses=True, breaks=True))

    def _drop_object(self, path: str, one: Operation) -> None:
        self.found.append(self._effect(path, one, "dropped", one.name, one.table, loses=True, breaks=True))

    def _drop_view(self, path: str, one: Operation) -> None:
        self.views[same_name(one.table)] = self._effect(path, one, "dropped", "view", one.table, breaks=True)

    def _create_view(self, _path: str, one: Operation) -> None:
        self.views.pop(same_name(one.table), None)

    def _create_type(self, path: str, one: Operation) -> None:
        self.types_made[same_name(one.table)] = (path, one.line)

    def _rename_type(self, _path: str, one: Operation) -> None:
        old, new = same_name(one.table), same_name(one.name)
        if old in self.types_made:
            self.types_made[new] = self.types_made.pop(old)
        else:
            self.types_origin[new] = self.types_origin.pop(old, old)

    def _drop_type(self, path: str, one: Operation) -> None:
        name = same_name(one.table)
        if name in self.types_made:
            self.types_made.pop(name)
            return
        old = self.types_origin.pop(name, name)
        self.types_gone[old] = self._effect(path, one, "dropped", "type", one.table, loses=True, breaks=True)

    def ended(self) -> tuple[list[Effect], list[str]]:
        """Return all effects once the last operation has been followed."""
        found = [*self.found, *self._tables(), *self._required(), *self.views.values(), *self._types()]
        keyed = {(e.path, e.change, e.noun, e.what, e.line): e for e in found}
        return list(keyed.values()), list(dict.fromkeys(self.unknown))

    def _tables(self) -> Iterator[Effect]:
        for name, effect in self.gone.items():
            if name not in self.made:
                yield effect
                continue
            saved = (name, name) in self.copied or any(
                target == name and (source == name or self.origin.get(source) == name) for target, source in self.copied
            )
            kept = effect.change == "renamed_away" or saved
            if not kept:
                yield replace(effect, breaks=False)
            old, new = self.before.get(name), self.state.tables.get(name, {})
            if old is None or not new:  # never defined, or made of what a query gives
                self.unknown.append(f"{effect.what} ({effect.path}:{effect.line})")
                yield from self._required_anew(name, old or {})
                continue
            yield from self._altered_table(name, effect, old, new)

    def _required_anew(self, name: str, old: dict[str, Column]) -> Iterator[Effect]:
        """Tell what must be given of a table that a query made: its columns are not known, but their limits."""
        for (table, key), added in self.added.items():
            if table == name and (name, key) not in self.required:
                yield from self._required_column(added)
        for (table, key), (path, one) in self.required.items():
            column = old.get(key)
            if table != name or not old or (column is not None and column.nullable is False):
                continue
            change, before = ("required", None) if column is None else ("not_null", "NULL")
            what = self._name(one)
            yield self._effect(path, one, change, "column", what, before=before, after="NOT NULL", breaks=True)

    def _altered_table(
        self, name: str, effect: Effect, old: dict[str, Column], new: dict[str, Column]
    ) -> Iterator[Effect]:
        path, line = self.rebuilt.get(name, (effect.path, effect.line))
        step = Operation("restate_column", name, line, proven=effect.proven)
        earlier = {e.what.lower() for e in self.found}
        for key in old.keys() - new.keys():
            what = f"{name}.{old[key].name}"
            if what.lower() not in earlier:
                yield self._effect(
                    path, step, "dropped", "column", what, before=old[key].text[:200] or None, loses=True, breaks=True
                )
        count = len(self.found)
        for key in old.keys() & new.keys():
            self._compared(path, step, name, old[key], new[key])
        yield from self.found[count:]
        del self.found[count:]
        for key in new.keys() - old.keys():
            if new[key].nullable is False and not new[key].default:
                yield self._effect(
                    path,
                    step,
                    "required",
                    "column",
                    f"{name}.{new[key].name}",
                    after=new[key].text[:200] or None,
                    breaks=True,
                )

    def _required(self) -> Iterator[Effect]:
        for (table, _), added in self.added.items():
            if table not in self.gone:
                yield from self._required_column(added)

    def _required_column(self, added: _Added) -> Iterator[Effect]:
        column = added.column
        if column.nullable is False and not column.default:
            what, after = f"{added.table}.{column.name}", column.text[:200] or None
            yield Effect(
                added.path, added.line, "required", "column", what, after=after, proven=added.proven, breaks=True
            )

    def _types(self) -> Iterator[Effect]:
        for name, effect in self.types_gone.items():
            if name not in self.types_made:
                yield effect
        for name, (path, line) in self.types_made.items():
            old, new = self.values.get(name), self.state.types.get(name, ())
            if old is None:
                if name in self.types_gone or name in self.types_origin.values():
                    self.unknown.append(f"the type {name} ({path}:{line})")
                continue
            for value in old:
                if value not in new:
                    yield Effect(path, line, "value_removed", "value", f"{name}.{value}", before=value, breaks=True)


def known_names(steps: Iterable[tuple[str, Operation]]) -> set[str]:
    """Return the tables and types that operations name, in lower case."""
    return {name.lower() for _, one in steps for name in (one.table, one.name) if name and name != RUN_TIME}
