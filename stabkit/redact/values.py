"""Secrets by their value: those that a run was given, in every form in which somebody may repeat them."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from html.entities import codepoint2name
from typing import Any, Final
from urllib.parse import urlsplit

from stabkit.redact.names import MASK, is_secret_name, is_secret_variable

__all__ = [
    "forget",
    "known_pattern",
    "masked_values",
    "remember",
    "remember_environment",
    "secret_parts",
    "secrets_within",
]

_SHORTEST: Final = 4  # masking what is shorter would spoil words that hold it by chance
_ENCODED: Final = 6  # the least of which an encoding is still telling
_TELLING: Final = 8
# A plain word, such as the password "test", is masked in what its own target says, and not in everything.
_WORD: Final = re.compile(r"[A-Za-z]{1,9}|\d{1,7}")
_PLAIN: Final = re.compile(
    r"(?i)[a-z]{1,11}|\d{1,7}|true|false|none|null|/[\w./-]*|[a-z]:\\[\w.\\ -]*|[A-Z][A-Z0-9]*_[A-Z0-9_]*|\*+"
)

_LATIN: Final = 0x100
_ESCAPES: Final = {"\n": "n", "\r": "r", "\t": "t"}
_LONG_NUMBER: Final = 100_000  # what is smaller may be a count or a port

_known: dict[str, None] = {}


def remember(*secrets: str) -> None:
    """Mask these values from now on in everything that leaves this process, in all their usual forms.

    A plain word of less than ten letters, or a number of less than eight digits, is not kept: it would spoil
    ordinary text.

    Examples
    --------
    >>> from stabkit.redact import redact_text
    >>> remember("tr0ub4dor&3")
    >>> redact_text("login failed for tr0ub4dor%263"), forget()
    ('login failed for ***', None)
    """
    for secret in secrets:
        for part in dict.fromkeys(_parts(secret)):
            if len(part) >= _ENCODED and not _WORD.fullmatch(part):
                _known[part] = None


def remember_environment(variables: Mapping[str, str] | None = None) -> None:
    """Remember the secrets among environment variables: by their name, and the passwords of addresses.

    Parameters
    ----------
    variables : mapping, optional
        Those of a command; those of this process if not given. A value that is a plain word, a path, a number or the
        name of a variable is no secret, whatever its name.
    """
    for name, value in (os.environ if variables is None else variables).items():
        if is_secret_variable(name) and len(value) >= _TELLING and not _PLAIN.fullmatch(value):
            remember(value)
        elif "://" in value and "@" in value:
            with suppress(ValueError):
                password = urlsplit(value).password or ""
                if len(password) >= _TELLING and not _PLAIN.fullmatch(password):
                    remember(password)


def forget() -> None:
    """Forget all values that were remembered."""
    _known.clear()


def secret_parts(secret: str) -> tuple[str, ...]:
    """Return a secret and the parts of it that a target may repeat: without its scheme, a password, each cookie.

    Examples
    --------
    >>> secret_parts("Bearer abc123"), secret_parts("Basic YW5uOmh1bnRlcjI=")
    (('Bearer abc123', 'abc123'), ('Basic YW5uOmh1bnRlcjI=', 'YW5uOmh1bnRlcjI=', 'ann:hunter2', 'hunter2'))
    """
    return tuple(part for part in dict.fromkeys(_parts(secret)) if len(part) >= _SHORTEST)


def secrets_within(payload: Any, *, every: bool = False, name: str = "") -> tuple[str, ...]:
    """Return the texts and long numbers under secret names in nested values; with ``every``, all of them.

    Examples
    --------
    >>> secrets_within({"user": "ann", "login": {"token": "abc123", "tries": 3}, "auth": {"pin": [471147]}})
    ('abc123', '471147')
    """
    return tuple(dict.fromkeys(_within(payload, secret=every or is_secret_name(name))))


def _within(payload: Any, *, secret: bool) -> Iterator[str]:
    if isinstance(payload, Mapping):
        for key, inner in payload.items():
            yield from _within(inner, secret=secret or is_secret_name(str(key)))
    elif isinstance(payload, (list, tuple, set, frozenset)):
        for inner in payload:
            yield from _within(inner, secret=secret)
    elif secret and ((isinstance(payload, str) and payload) or (isinstance(payload, int) and payload >= _LONG_NUMBER)):
        yield str(payload)


def masked_values(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text with the given and the remembered values masked, the longest first, however they are written.

    That is: as they are, in other letter case, percent-encoded, within JSON, Python or HTML, in any mixture of these,
    as hexadecimal digits, and as any part of a base64 text.

    Examples
    --------
    >>> masked_values("a%2Fb%2b1 a%252fb+1 a&#47;b%2B1", ["a/b+1"])
    '*** *** ***'
    """
    given = tuple(secrets)
    if given and (pattern := _pattern(given)) is not None:
        text = pattern.sub(MASK, text)
    known = _pattern(tuple(_known)) if _known else None
    return text if known is None else known.sub(MASK, text)


def known_pattern() -> str | None:
    """Return the remembered values as one regular expression, of RE2's grammar too; None where there is none."""
    return _expression(tuple(_known)) if _known else None


@lru_cache(maxsize=64)
def _pattern(secrets: tuple[str, ...]) -> re.Pattern[str] | None:
    expression = _expression(secrets)
    return re.compile(expression) if expression else None


@lru_cache(maxsize=64)
def _expression(secrets: tuple[str, ...]) -> str | None:
    kept = sorted({s for s in secrets if len(s) >= _SHORTEST and s != MASK}, key=len, reverse=True)
    coded = sorted({form for secret in kept for form in _coded_forms(secret)}, key=len, reverse=True)
    forms = ["".join(map(_written, secret)) for secret in kept]
    # Only a longer value is looked for in any letter case: "Test" is a word.
    forms = [f"(?i:{form})" if len(s) >= _TELLING else form for s, form in zip(kept, forms, strict=True)]
    return "|".join([*forms, *map(re.escape, coded)]) or None


@cache
def _written(char: str) -> str:
    """Return the regular expression of a character in whatever way it may be written."""
    if char.isascii() and (char.isalnum() or char in "-._~"):
        return re.escape(char)
    code, raw = ord(char), char.encode("utf-8", "surrogatepass")
    units = char.encode("utf-16-be", "surrogatepass").hex()
    known = codepoint2name.get(code)
    entities = [f"#0*{code}", f"#x0*{code:x}", *([known] if known else []), *(["apos"] if char == "'" else [])]
    ways = [
        r"\\+" if char == "\\" else r"\\*" + re.escape(char) if char in "\"'/`" else re.escape(char),
        "".join(f"%(?:25)*{byte:02x}" for byte in raw),
        "".join(rf"\\+u{units[at : at + 4]}" for at in range(0, len(units), 4)),
        "".join(rf"\\+x{byte:02x}" for byte in raw),
        rf"\\*&(?:amp;)*(?:{'|'.join(entities)});",
    ]
    ways += [rf"\\+x{code:02x}"] if code < _LATIN else []
    ways += [rf"\\+{_ESCAPES[char]}"] if char in _ESCAPES else []
    ways += [r"\+"] if char == " " else []
    return f"(?i:{'|'.join(ways)})"


def _parts(secret: str) -> Iterator[str]:
    yield secret
    scheme, _, rest = secret.partition(" ")
    if scheme.isalpha() and rest.strip():
        yield rest.strip()
    if scheme.lower() == "basic":
        with suppress(ValueError):
            login = base64.b64decode(rest).decode("utf-8", "replace")
            yield from (login, login.partition(":")[2])
    if "=" in secret:
        for pair in secret.split(";"):
            yield pair.partition("=")[2].strip()
    if "\n" in secret.strip():  # a key of many lines is repeated line by line
        yield from (line.strip() for line in secret.splitlines() if len(line.strip()) >= 2 * _TELLING)


def _coded_forms(secret: str) -> Iterator[str]:
    """Yield a value as hexadecimal digits, and what a base64 text shows of it wherever it begins there."""
    if len(secret) < _ENCODED:
        return
    raw = secret.encode("utf-8", "surrogatepass")
    yield raw.hex()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        # Only the characters that the value alone decides: those at its ends are shared with its neighbours.
        first = (8 * before + 5) // 6
        last = (8 * (before + len(raw))) // 6
        text = encoded[first:last]
        yield text
        yield text.replace("+", "-").replace("/", "_")
