"""Secrets removed from text before it reaches a store, a log, a notebook or a page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

__all__ = ["MASK", "is_secret_name", "redact_text", "redact_url"]

MASK: Final = "***"
_SECRET_NAME: Final = re.compile(
    r"(?i)(pass(word|wd|phrase)?|secret|token|api[-_.]?key|access[-_.]?key|auth(orization)?|credential|cookie|signature|session|sig$|^key$|^pwd$)"
)
_USERINFO: Final = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/@:]*(:[^\s/?#]*)?@")  # a password may hold @


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
        parts: SplitResult = urlsplit(url)
    except ValueError:
        return _USERINFO.sub(r"\g<scheme>", url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, _masked(parts.query), _masked(parts.fragment)))


def _masked(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    if not any(is_secret_name(name) for name, _ in pairs):
        return query
    return urlencode([(n, MASK if is_secret_name(n) else v) for n, v in pairs], safe="*")


def redact_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text with URL user information and the given secret values masked.

    Examples
    --------
    >>> redact_text("GET https://ann:pw@shop.example failed with key abc123", ["abc123"])
    'GET https://shop.example failed with key ***'
    """
    if "://" in text:  # the pattern is slow on megabytes of text without any address
        text = _USERINFO.sub(r"\g<scheme>", text)
    for secret in sorted((s for s in secrets if len(s) >= 4), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
