"""What a terminal gets for a character that it cannot show: a plain one of the same meaning, else its number."""

from __future__ import annotations

import codecs
from typing import Final

__all__ = ["PLAIN"]

PLAIN: Final = "stabkit.plain"
_INSTEAD: Final = {
    "✗": "x", "✓": "v", "→": "->", "−": "-", "–": "-", "·": "-", "×": "x", "±": "+-", "≤": "<=", "≥": ">=", "…": "...",
    "\xa0": " ", "\u202f": " ", "“": '"', "”": '"', "’": "'", "�": "?",
}  # fmt: skip


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(_INSTEAD.get(one) or one.encode("ascii", "backslashreplace").decode() for one in lost), error.end


codecs.register_error(PLAIN, _plainly)
