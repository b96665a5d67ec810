"""Seals: what makes an edited, dropped or reordered marker show itself, with any number of writers at once.

A sealed file ends with the sha256 of everything before it. A marker also names, with their sha256, the *newest* markers
that its writer saw: those that no other marker names. Two writers at once name the same ones, and the next writer names
both of theirs, so that markers form a graph like the commits of git, in which nothing that was followed can change
unseen. No lock and no order among writers is needed, on a folder or on object storage.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

from stabkit.errors import StoreError

__all__ = ["Follower", "broken_links", "digest_of", "has_seal", "links_of", "newest", "sealed"]

_SEAL: Final = re.compile(rb',\n "sha256": "([0-9a-f]{64})"\n\}\n\Z')
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,300}\.json")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_DISTRUST: Final = "Restore it from a backup, and find out who changed it; other runs stay readable."


class Follower(Protocol):
    """What is asked of a batch: which markers its own follows, and what others call that by."""

    @property
    def after(self) -> Mapping[str, str]:
        """The markers that its own follows, each with its sha256."""

    @property
    def digest(self) -> str:
        """The sha256 of its marker."""

    @property
    def sequence(self) -> int:
        """Its place in the order of what is stored."""

    @property
    def store(self) -> str | None:
        """The identity of the store that it was written for."""


def sealed(text: str) -> bytes:
    r"""Return the text of a JSON object with a last key, ``sha256``, of all that comes before it.

    Examples
    --------
    >>> has_seal(sealed('{"schema": 1}')), has_seal(b'{"schema": 1}\n')
    (True, False)
    """
    body = text.rstrip().removesuffix("}").rstrip().encode()
    return body + f',\n "sha256": "{hashlib.sha256(body).hexdigest()}"\n}}\n'.encode()


def has_seal(content: bytes) -> bool:
    r"""Say whether a file of the store is sealed; one of an older stabkit is not.

    Raises
    ------
    ValueError
        It is, and its content is not what was sealed.

    Examples
    --------
    >>> has_seal(sealed('{"schema": 1}').replace(b"1", b"2", 1))
    Traceback (most recent call last):
    ...
    ValueError: it was changed after it was written: its seal does not fit
    """
    found = _SEAL.search(content[-90:])
    if found is None:
        return False
    if hashlib.sha256(content[: -len(found[0])]).hexdigest() != found[1].decode():
        raise ValueError("it was changed after it was written: its seal does not fit")
    return True


def digest_of(content: bytes) -> str:
    """Return what the markers after one call it by: the sha256 of the whole file."""
    return hashlib.sha256(content).hexdigest()


def links_of(data: object) -> dict[str, str]:
    """Return the markers that another one names, each with its sha256.

    Raises
    ------
    TypeError
        It names no markers.
    """
    if not isinstance(data, Mapping) or not all(
        isinstance(name, str) and isinstance(digest, str) and _NAME.fullmatch(name) and _DIGEST.fullmatch(digest)
        for name, digest in data.items()
    ):
        raise TypeError("it does not say which markers were there before it")
    return dict(data)


def newest(markers: Mapping[str, Follower]) -> dict[str, str]:
    """Return the markers that no other one names, each with its sha256; what is written next names them."""
    followed = {name for batch in markers.values() for name in batch.after}
    return {name: batch.digest for name, batch in markers.items() if name not in followed}


def broken_links(
    markers: Mapping[str, Follower],
    there: Callable[[str], bool],
    store: str | None,
    where: Callable[[str], str],
) -> Iterator[tuple[str, StoreError]]:
    """Yield the name of each marker that is not what those after it say, with what is wrong.

    Parameters
    ----------
    markers : mapping
        Every readable marker by its name.
    there : callable
        Says of a marker that is not among them whether it is here: unreadable, or stored a moment ago.
    store : str or None
        The identity of the store. A marker of another one was copied from there, alone; what it followed is not looked
        for here.
    where : callable
        The place of a marker, for people.
    """
    for name, batch in markers.items():
        for before, digest in batch.after.items():
            found = markers.get(before)
            if found is None:
                if batch.store == store and not there(before):
                    yield before, StoreError("This commit marker was removed.", where=where(before), hint=_DISTRUST)
            elif found.digest != digest:
                what = "This commit marker is not the one that was followed by others: it was changed."
                yield before, StoreError(what, where=where(before), hint=_DISTRUST)
            elif batch.store == store and 0 < batch.sequence <= found.sequence:
                what = "This commit marker says that it was stored before one that it follows: it was changed."
                yield name, StoreError(what, where=where(name), hint=_DISTRUST)
