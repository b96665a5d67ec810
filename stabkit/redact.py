"""Secrets removed from text before it reaches a store, a log, a notebook or a page."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlsplit, urlunsplit

__all__ = ["MASK", "is_secret_name", "redact_text", "redact_url", "secret_parts", "url_secrets"]

MASK: Final = "***"
_SECRET_NAME: Final = re.compile(
    r"(?i)(pass(word|wd|phrase)?|secret|token|api[-_.]?key|access[-_.]?key|auth(orization)?|credential|cookie|jwt|private[-_.]?key|signature|session|sig$|^key$|^pwd$)"
)
_USERINFO: Final = re.compile(r"://[^\s/@:]*(:[^\s/?#]*)?@")  # a password may hold @
_QUERY: Final = re.compile(r"[?#][^\s\"'<>]+")
_PAIR: Final = re.compile(r"([^?&;#=\s]+)=([^&;#\s]*)")
_INNER_NAME: Final = re.compile(r"([^?&;#=\s]+)=")
_SHORTEST: Final = 4  # masking what is shorter would spoil words that hold it by chance


def is_secret_name(name: str) -> bool:
    """Say whether a header, key or query parameter of that name usually holds a secret.

    Examples
    --------
    >>> is_secret_name("X-Api-Key"), is_secret_name("page")
    (True, False)
    """
    return _SECRET_NAME.search(name) is not None


def redact_url(url: str) -> str:
    """Return the URL without its user information and with secret values of its query and fragment masked.

    Examples
    --------
    >>> redact_url("https://ann:hunter2@shop.example/x?token=abc&page=2")
    'https://shop.example/x?token=***&page=2'
    >>> redact_url("https://shop.example/back#access_token=abc&state=1")
    'https://shop.example/back#access_token=***&state=1'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return redact_text(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, _masked(parts.query), _masked(parts.fragment)))


def url_secrets(url: str) -> tuple[str, ...]:
    """Return the secret values in a URL's query, for masking where a target repeats them.

    Examples
    --------
    >>> url_secrets("https://shop.example/x?page=2&api_key=abc%2B1")
    ('abc+1', 'abc%2B1')
    """
    found = (unquote_plus(value) for name, value in _PAIR.findall(url) if is_secret_name(unquote_plus(name)))
    return tuple(part for value in found for part in secret_parts(value))


def secret_parts(secret: str) -> tuple[str, ...]:
    """Return a secret and what a target may repeat of it: without its scheme, a password, each cookie; percent-encoded.

    Examples
    --------
    >>> secret_parts("Bearer abc123")
    ('Bearer abc123', 'Bearer%20abc123', 'Bearer+abc123', 'abc123')
    """
    written = (form for part in _parts(secret) for form in (part, quote(part, safe=""), quote_plus(part)))
    return tuple(dict.fromkeys(form for form in written if len(form) >= _SHORTEST))


def _parts(secret: str) -> Iterator[str]:
    yield secret
    scheme, _, rest = secret.partition(" ")
    yield rest.strip()
    if scheme.lower() == "basic":
        with suppress(ValueError):
            login = base64.b64decode(rest).decode("utf-8", "replace")
            yield from (login, login.partition(":")[2])
    for pair in secret.split(";"):
        yield pair.partition("=")[2].strip()


def _masked(query: str) -> str:
    """Mask the values of secret names, and a value that holds such a name itself, as an address to return to does."""

    def mask(pair: re.Match[str]) -> str:
        inner = _INNER_NAME.findall(unquote(unquote(pair[2])))
        secret = any(is_secret_name(name) for name in (unquote_plus(pair[1]), *inner))
        return f"{pair[1]}={MASK}" if secret else pair[0]

    return _PAIR.sub(mask, query)


def redact_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text with the given secret values, and user information and secret query values of URLs, masked.

    Examples
    --------
    >>> redact_text("GET https://ann:pw@shop.example failed with key abc123", ["abc123"])
    'GET https://shop.example failed with key ***'
    """
    if "://" in text:  # the patterns are slow on megabytes of text without any address
        text = _QUERY.sub(lambda found: _masked(found[0]), _USERINFO.sub("://", text))
    for secret in sorted((s for s in secrets if len(s) >= _SHORTEST), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
