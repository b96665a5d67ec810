"""One right that a file grants."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stabkit.change.facts import Scope

__all__ = ["Right", "scripts_of_others"]

_ADDRESS: Final = r"[\"']?(?P<address>(?:https?|ftp)://[^\s\"'|;&)>]+)"
_SHELL: Final = r"(?:(?:ba|z|da|k|fi)?sh|python[\d.]*|perl|ruby|node|pwsh|iex)\b"
_BEFORE_IT: Final = r"(?:sudo\s+(?:-\S+\s+)*)?(?:\S*/)?"  # sought behind a pipe alone: anywhere it takes n² steps
_SAID: Final = r"[^|\n;]{0,300}"  # arguments; without an end a long line takes n² steps or more
_RUN_AT_ONCE: Final = re.compile(
    rf"\b(?:curl|wget|fetch|iwr|Invoke-WebRequest)\b{_SAID}?{_ADDRESS}{_SAID}\|\s*{_BEFORE_IT}{_SHELL}|"
    rf"{_SHELL}{_SAID}?(?:<\(|\$\(|`)\s*(?:curl|wget)\b[^)`\n]{{0,300}}?{_ADDRESS.replace('address', 'inner')}"
)


@dataclass(frozen=True)
class Right:
    """One right.

    Attributes
    ----------
    what : str
        Its place or name: ``permissions.contents``.
    rank : int
        How far it goes, against the same right elsewhere; 0 for none.
    value : str
        As it is written.
    line : int or None
        Where it stands.
    noun : str
        What kind of right it is.
    proven : bool
        False where it may be harmless.
    scope : str
        What it touches.
    """

    what: str
    rank: int
    value: str
    line: int | None
    noun: str
    proven: bool = True
    scope: Scope = "ci"


def scripts_of_others(line: str, number: int | None) -> Iterator[Right]:
    """Yield what a line of a shell downloads and runs at once, whatever its address serves that day.

    Examples
    --------
    >>> [right.what for right in scripts_of_others("curl -sSL https://example.org/i.sh | sudo -E bash -", 3)]
    ['runs https://example.org/i.sh']
    >>> [right.what for right in scripts_of_others('sh -c "$(wget -qO- https://example.org/i.sh)"', 3)]
    ['runs https://example.org/i.sh']
    >>> list(scripts_of_others("curl https://example.org/data.json | jq .", 3))
    []
    """
    for found in _RUN_AT_ONCE.finditer(line):
        address = found["address"] or found["inner"]
        yield Right(f"runs {address}", 1, found[0].strip()[:80], number, "script of others", proven=False)
