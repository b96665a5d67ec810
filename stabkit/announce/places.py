"""Where a verdict is told: the places that ``--notify`` knows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, cast
from urllib.parse import urlsplit

from stabkit.errors import UsageError, nearest

__all__ = ["Place", "parse_place"]

Kind = Literal["webhook", "github", "gitlab", "grafana"]

_SERVICES: Final = ("github", "gitlab", "grafana")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,49}")


@dataclass(frozen=True)
class Place:
    """A place where a verdict is told.

    Attributes
    ----------
    kind : {"webhook", "github", "gitlab", "grafana"}
    name : str
        Tells the comments of several gates on one request apart; mostly empty.
    address : str
        Of a webhook; it may hold a secret and is never shown.
    """

    kind: Kind
    name: str = ""
    address: str = ""

    def __repr__(self) -> str:
        return f"Place({self.shown!r})"

    @property
    def shown(self) -> str:
        """The place in words, without what an address may hide."""
        if self.kind != "webhook":
            return f"{self.kind}:{self.name}" if self.name else self.kind
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.hostname}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What of an address may be a secret: its user information, the parts of its path, its query."""
        parts = urlsplit(self.address)
        pieces = (parts.username, parts.password, parts.query, *parts.path.split("/"), *parts.query.split("&"))
        return tuple(piece for piece in pieces if piece)


def parse_place(text: str) -> Place:
    """Return the place that a word of ``--notify`` names.

    Raises
    ------
    UsageError
        It names none.

    Examples
    --------
    >>> parse_place("github:api").name
    'api'
    >>> parse_place("https://hooks.example/T0/secret").shown
    'https://hooks.example'
    """
    if text.lower().startswith(("https://", "http://")):
        return Place("webhook", address=_address(text))
    kind, colon, name = text.partition(":")
    if kind in _SERVICES and (not colon or _NAME.fullmatch(name)):
        return Place(cast("Kind", kind), name=name)
    if kind in _SERVICES:
        hint = f"Letters, digits, dots and dashes, such as: {kind}:api"
        raise UsageError(f"A gate cannot be told apart by {name!r}.", where="--notify", hint=hint)
    guess = nearest(kind, _SERVICES)
    known = f"Known: {', '.join(_SERVICES)}, or the https:// address of a webhook."
    shown = kind if guess else "This"  # an address without its scheme may hold a secret
    raise UsageError(
        f"{shown} is no place to tell a verdict.",
        where="--notify",
        hint=f"Did you mean {guess!r}? {known}" if guess else known,
    )


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        sound = bool(parts.hostname) and (parts.port is None or parts.port > 0) and text.isprintable()
    except ValueError:
        sound = False
    if not sound or " " in text:
        raise UsageError(
            "The address of a webhook cannot be used.", where="--notify", hint="Such as: https://hooks.example/verdict"
        )
    return text
