"""Whose a file or folder is: what nobody named and another user owns is not taken."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

__all__ = ["other_owner"]

_ROOT: Final = 0


def other_owner(place: Path) -> str | None:
    """Return who owns a file or folder, or the link that leads to it; None for this user.

    None for root too, who may do all anyway; for root, who called it with ``sudo`` is trusted too. Nothing is said of
    what is not there.

    Examples
    --------
    >>> other_owner(Path("/")) is None
    True
    """
    if not hasattr(os, "geteuid"):
        return None
    own = {os.geteuid(), _ROOT}
    asked = os.environ.get("SUDO_UID", "")
    if os.geteuid() == _ROOT and asked.isdecimal():
        own.add(int(asked))
    try:
        owners = [place.lstat().st_uid, place.stat().st_uid]
    except OSError:  # a link that leads nowhere: it is told when it is read
        return None
    other = next((owner for owner in owners if owner not in own), None)
    return None if other is None else _user_name(other)


def _user_name(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"number {number}"
