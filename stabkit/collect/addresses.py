"""Targets whose two sides are asked at one address: both would be one version, compared with itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urlsplit

from stabkit.config import Config
from stabkit.redact import redact_url
from stabkit.schema import Evidence
from stabkit.sources import Fault, named, source_evidence

__all__ = ["same_addresses"]

_LOG: Final = logging.getLogger(__name__)
_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def same_addresses(config: Config, chosen: Callable[[str, str], bool]) -> Evidence:
    """Return a source for each target whose baseline is asked where the candidate is, and warn of it at once."""
    found = Evidence()
    for kind, name, address in _same(config):
        if not chosen(kind, name):
            continue
        words = f"both versions are asked at one address, {address}: that compares a version with itself"
        _LOG.warning("%s %s: %s.", kind, name, words)
        note = source_evidence(
            {}, kind=kind, path=address, form="probe", status="ok", messages=[Fault(words, "same_address")]
        )
        found = found.merge(named(note, name))
    return found


def _same(config: Config) -> Iterator[tuple[str, str, str]]:
    for kind, targets in (("http", config.http), ("websocket", config.websocket)):
        for name, target in targets.items():
            if target.baseline_url is not None and _place(target.url) == _place(target.baseline_url):
                yield kind, name, redact_url(target.url)
    # One query for both sides of Prometheus may be meant: a queue or a database that both versions share.
    for name, process in config.resources.items():
        for key in ("pid", "pid_file", "port", "process_name"):
            own = getattr(process, key)
            if own is not None and own == getattr(process, f"baseline_{key}"):
                yield "resources", name, f"{key} {own}"


def _place(url: str) -> tuple[object, ...]:
    """Return what a URL names, however it is written.

    Examples
    --------
    >>> _place("http://Shop:80") == _place("http://shop/"), _place("http://shop/") == _place("http://shop/v2")
    (True, False)
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    scheme = parts.scheme.lower()
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
    return scheme, host, port or _PORTS.get(scheme), parts.path or "/", parts.query
