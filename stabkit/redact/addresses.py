"""Secrets in addresses: user information, and values of the query and the fragment."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote, unquote_plus, urlsplit, urlunsplit

from stabkit.redact.names import MASK, is_secret_name
from stabkit.redact.values import remember, secret_parts

__all__ = ["masked_addresses", "redact_url", "url_secrets"]

_USERINFO: Final = re.compile(r"://[^\s/@:]*(:[^\s/?#]*)?@")  # a password may hold @
_QUERY: Final = re.compile(r"[?#][^\s\"'<>]+")
_PAIR: Final = re.compile(r"([^?&;#=\s]+)=([^&;#\s]*)")
_INNER_NAME: Final = re.compile(r"([^?&;#=\s]+)=")


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
        return masked_addresses(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, _masked(parts.query), _masked(parts.fragment)))


def url_secrets(url: str) -> tuple[str, ...]:
    """Return the secret values in a URL's query, and remember them, as a target may repeat them.

    Examples
    --------
    >>> url_secrets("https://shop.example/x?page=2&api_key=abc%2B1")
    ('abc+1',)
    """
    found = [unquote_plus(value) for name, value in _PAIR.findall(url) if is_secret_name(unquote_plus(name))]
    remember(*found)
    return tuple(part for value in found for part in secret_parts(value))


def masked_addresses(text: str, mask: Callable[[str], str] = lambda _: MASK) -> str:
    """Return a text with the user information and the secret query values of the addresses in it masked.

    Also of an address that begins with its path, as a log has it.

    Examples
    --------
    >>> masked_addresses("GET https://ann:pw@shop.example failed"), masked_addresses("GET /x?token=abc&page=2 failed")
    ('GET https://shop.example failed', 'GET /x?token=***&page=2 failed')
    """
    if "://" in text:  # the pattern is slow on megabytes of text without any address
        text = _USERINFO.sub("://", text)
    elif "?" not in text or "=" not in text:
        return text
    return _QUERY.sub(lambda found: _masked(found[0], mask), text)


def _masked(query: str, masked: Callable[[str], str] = lambda _: MASK) -> str:
    """Mask the values of secret names, and a value that holds such a name itself, as an address to return to does."""

    def mask(pair: re.Match[str]) -> str:
        inner = _INNER_NAME.findall(unquote(unquote(pair[2])))
        secret = any(is_secret_name(name) for name in (unquote_plus(pair[1]), *inner))
        return f"{pair[1]}={masked(pair[2])}" if secret and pair[2] and not pair[2].startswith(MASK) else pair[0]

    return _PAIR.sub(mask, query)
