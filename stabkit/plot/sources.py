"""What a figure is drawn of: tables of a store, of a result, or of one's own, and the one that is meant of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stabkit.errors import UsageError, nearest
from stabkit.text import joined, plain

__all__ = ["one_of", "tables_of"]


def one_of(values: pd.Series, chosen: str | None, what: str, which: str, where: str) -> str:
    """Return the one that is meant of a column's values.

    Raises
    ------
    UsageError
        There is none, or no such one, or several and none was chosen; they are named.
    """
    known = sorted(str(value) for value in values.dropna().unique())
    if chosen is not None and chosen in known:
        return chosen
    if chosen is None and len(known) == 1:
        return known[0]
    names = joined([plain(name) for name in known], most=8) or "none"
    if chosen is not None:
        guess = nearest(chosen, known)
        hint = f"Did you mean {guess!r}?" if guess else f"Known: {names}."
        raise UsageError(f"There is no {what} {chosen!r} {which}.", where=where, hint=hint)
    if not known:
        raise UsageError(f"There is no {what} {which}.", where=where, hint="Give other rows, or another metric.")
    hint = f"Choose one: {what}={known[0]!r}."
    raise UsageError(f"There are several {what}s {which}: {names}.", where=where, hint=hint)


def tables_of(source: Any, given: Mapping[str, Any], names: tuple[str, ...], where: str) -> tuple[pd.DataFrame, ...]:
    """Return the named tables: of a store, of a result that holds them, or as they were given.

    Raises
    ------
    UsageError
        One is missing.
    """
    if isinstance(source, pd.DataFrame):
        found = {names[0]: source, **given}
    else:
        found = {name: getattr(source, name, None) for name in names}
        found = {name: table() if callable(table) else table for name, table in found.items()}
    missing = [name for name in names if found.get(name) is None]
    if missing:
        raise UsageError(
            f"Missing: {joined(missing)}.",
            where=where,
            hint=f"Give a store, or {names[0]} with {joined([f'{name}=' for name in names[1:]])}.",
        )
    return tuple(found[name] for name in names)
