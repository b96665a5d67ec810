"""What a change does, one fact each, as values: where, what, how it was before and after, and how sure that is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from stabkit.redact import redact_text

__all__ = ["Fact", "facts_json"]

_KEPT: Final = 500
_SIGNS: Final = {"added": "+ ", "removed": "- "}


@dataclass(frozen=True)
class Fact:
    """One thing that a change does.

    Attributes
    ----------
    path : str
        The file that shows it.
    line : int or None
        In that file; of what is gone, in the file as it was.
    what : str
        The name of the thing: a function, a table's column, a variable, a key.
    change : str
        What happened to it: ``added``, ``removed``, ``changed``, or what only a line of its own knows.
    noun : str
        What kind of thing it is: ``function``, ``column``; empty where the line says so.
    before, after : str or None
        How it was and is.
    proven : bool
        False where only a pattern was matched, or where what was seen need not break anything.
    """

    path: str
    line: int | None
    what: str
    change: str = "changed"
    noun: str = ""
    before: str | None = None
    after: str | None = None
    proven: bool = True

    def text(self) -> str:
        """Return it in a few words, as the detail of a check names it."""
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {_SIGNS.get(self.change, '')}{self.what}"


def facts_json(facts: Sequence[Fact], examined: int, why_open: str | None) -> str:
    """Return facts as the table ``checks`` holds them, the proven first; secrets are masked.

    Examples
    --------
    >>> facts_json([Fact("a.py", 3, "a.f", "removed", "function")], 2, None)[:59]
    '{"examined": 2, "open": null, "total": 1, "facts": [{"path"'
    """
    ordered = sorted(facts, key=lambda fact: not fact.proven)[:_KEPT]
    rows: list[dict[str, Any]] = [
        {key: redact_text(value) if isinstance(value, str) else value for key, value in asdict(fact).items()}
        for fact in ordered
    ]
    why = None if why_open is None else redact_text(why_open)
    return json.dumps({"examined": examined, "open": why, "total": len(facts), "facts": rows}, ensure_ascii=False)
