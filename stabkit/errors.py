"""The errors that stabkit raises on purpose.

::

    StabkitError            base: what is wrong, where, and what to do next
    ├── UsageError          the call itself is wrong: an option, a name, a combination
    ├── ConfigError         stabkit.toml cannot be used as it stands
    ├── EvidenceError       a file or a target gave no usable evidence
    ├── SchemaError         a frame breaks the contract of its table; carries the failing rows
    ├── StoreError          the data folder cannot be read or written
    │   └── UnknownRunError no run answers to that reference
    └── NotebookError       a notebook could not be run or rendered

``cli/application.py`` has one ``except`` for the base class and turns it into exit code 2. Anything else is a bug.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ConfigError",
    "EvidenceError",
    "NotebookError",
    "SchemaError",
    "StabkitError",
    "StoreError",
    "UnknownRunError",
    "UsageError",
    "nearest",
]


class StabkitError(Exception):
    """Base of all errors that stabkit raises on purpose.

    Parameters
    ----------
    what : str
        One sentence: what is wrong.
    where : str, optional
        File, line, key, table or notebook cell.
    hint : str, optional
        What to do next.

    Examples
    --------
    >>> error = StabkitError("The file is empty.", where="junit.xml", hint="Run the tests again.")
    >>> print(error)
    junit.xml: The file is empty. Run the tests again.
    """

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" {self.hint}" if self.hint else ""
        return f"{place}{self.what}{advice}"


class UsageError(StabkitError):
    """The call itself is wrong: an option, a name, or a combination."""


class ConfigError(StabkitError):
    """``stabkit.toml`` cannot be used as it stands."""


class EvidenceError(StabkitError):
    """A file or a target gave no usable evidence."""


class SchemaError(StabkitError):
    """A frame breaks the contract of its table.

    Attributes
    ----------
    rows : DataFrame or None
        All failing rows, with the columns ``column``, ``row``, ``value`` and ``expected``.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        rows: pd.DataFrame | None = None,
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.rows = rows


class StoreError(StabkitError):
    """The data folder cannot be read or written."""


class UnknownRunError(StoreError):
    """No run answers to that reference."""

    def __init__(self, reference: str, known: Sequence[str], *, where: str | None = None) -> None:
        shown = ", ".join(known[:5]) + (f" and {len(known) - 5} more" if len(known) > 5 else "")
        guess = nearest(reference, known)
        hint = f"Known: {shown or 'none'}."
        if guess:
            hint += f" Did you mean {guess!r}?"
        super().__init__(f"No run {reference!r}.", where=where, hint=f"{hint} List them with: stabkit runs")
        self.reference = reference


class NotebookError(StabkitError):
    """A notebook could not be run or rendered."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name closest to a mistyped one, or None.

    Examples
    --------
    >>> nearest("roudns", ["rounds", "requests"])
    'rounds'
    """
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None
