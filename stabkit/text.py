"""Foreign text made fit for a line, and command lines that can be pasted: what no output may do without."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Sequence
from typing import Final

__all__ = ["LONGEST_NAME", "plain", "shell"]

LONGEST_NAME: Final = 90
"""Characters of a name beyond which it is cut in its middle."""

_WORD: Final = 16
_SPACES: Final = re.compile(r"[^\S\u202f\u00a0]+")


def plain(text: object, longest: int = LONGEST_NAME) -> str:
    r"""Return foreign text as one line without control or direction characters, cut in the middle if long.

    Examples
    --------
    >>> plain("test_a\n\x1b[31m<b>")
    'test_a [31m<b>'
    >>> plain("x" * 200, longest=11)
    'xxxxx…xxxxx'
    >>> plain("seven tests of the checkout suite disappeared", longest=30)
    'seven tests … disappeared'
    """
    # Cc, Cf, Cs: control, direction and surrogate characters. A space keeps the words apart.
    kept = "".join(" " if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") else char for char in str(text))
    # Narrow spaces hold a number to its unit and its thousands together; only breaking spaces are joined.
    line = _SPACES.sub(" ", kept).strip()
    if len(line) <= longest:
        return line
    half = (longest - 1) // 2
    head, tail = line[:half], line[-half:]
    if " " in head[-_WORD:]:  # prose is cut between words, a long name within
        head = head[: head.rindex(" ") + 1]
    if " " in tail[:_WORD]:
        tail = tail[tail.index(" ") :]
    return f"{head}…{tail}"


def shell(words: Sequence[object]) -> str:
    """Return a command line that can be pasted: every word quoted as a POSIX shell needs it.

    Examples
    --------
    >>> shell(["stabkit", "collect", "--only", "x; rm -r ."])
    "stabkit collect --only 'x; rm -r .'"
    """
    return shlex.join(plain(word, longest=400) for word in words)
