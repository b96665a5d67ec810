"""The one comment of a gate on a pull or merge request: its hidden marker, its body, and which comment it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from stabkit.announce.announcement import Announcement
from stabkit.redact import redact_text

__all__ = ["comment_body", "find_own", "marker"]

# GitHub takes 65,536 characters.
_LONGEST: Final = 60_000
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"'`|\\]+")


def marker(name: str) -> str:
    """Return the hidden line by which a gate finds its comment again.

    Examples
    --------
    >>> marker("")
    '<!-- stabkit:gate -->'
    >>> marker("api")
    '<!-- stabkit:gate:api -->'
    """
    return f"<!-- stabkit:gate{f':{name}' if name else ''} -->"


def comment_body(announcement: Announcement, name: str) -> str:
    """Return the Markdown of the comment, at most as long as every service takes.

    Whole lines are left out, never a part of one: what is harmless within code is not outside.
    """
    head = [marker(name), redact_text(announcement.markdown)]
    links = [
        f"[{word}](<{address}>)"
        for word, address in (("Report", announcement.page), ("Job", announcement.job))
        if address is not None and _ADDRESS.fullmatch(address)
    ]
    foot = ["", " · ".join(links)] if links else []
    room = _LONGEST - sum(len(line) + 1 for line in foot) - 100
    return "\n".join([*_fitting("\n".join(head).split("\n"), room), *foot]) + "\n"


def _fitting(lines: Iterable[str], room: int) -> Iterator[str]:
    left_out = 0
    for line in lines:
        room -= len(line) + 1
        if room >= 0:
            yield line
        else:
            room += len(line) + 1
            left_out += 1
    if left_out:
        yield f"\n*{left_out} lines are left out: the comment would be too long.*"


def find_own(comments: Iterable[Mapping[str, Any]], name: str, author: str) -> list[Any]:
    """Return the ids of a gate's comments, in order: those that begin with its marker and are of its own account.

    Anybody can write the marker into a comment; only an author of one's own makes it one's own.

    Parameters
    ----------
    comments : iterable of mapping
        ``id``, ``author`` and ``body`` of each.
    """
    line = marker(name)
    return [
        comment["id"]
        for comment in comments
        if comment["author"] == author and str(comment["body"]).lstrip().splitlines()[:1] == [line]
    ]
