"""Request headers of a target, with secrets taken from the environment only."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from stabkit.errors import ConfigError
from stabkit.redact import is_secret_name

__all__ = ["checked_url", "request_headers"]

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def request_headers(
    headers: Mapping[str, str], headers_env: Mapping[str, str], *, where: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return all headers to send, and the secret values among them, for masking.

    Raises
    ------
    ConfigError
        A plain header has a secret-looking name, an environment variable is missing or empty, or a header cannot be
        sent as it stands.
    """
    for name in headers:
        if is_secret_name(name):
            raise ConfigError(
                f"The header {name!r} looks like a secret and would be stored with the configuration.",
                where=f"{where}.headers",
                hint=f'Put it into an environment variable: headers_env = {{ "{name}" = "VARIABLE" }}.',
            )
    values = dict(headers)
    secrets = []
    for name, variable in headers_env.items():
        value = os.environ.get(variable, "")
        if not value:
            raise ConfigError(
                f"The environment variable {variable!r} is not set.",
                where=f"{where}.headers_env.{name}",
                hint=f"Set it to the value of the header {name!r}.",
            )
        values[name] = value
        secrets.append(value)
    for name, value in values.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ConfigError(
                f"The header {name!r} cannot be sent: its name or value holds a character that HTTP forbids.",
                where=where,
                hint="Look for line breaks and characters beyond Latin-1.",
            )
    return values, tuple(secrets)


def checked_url(url: str, *, schemes: tuple[str, ...], where: str) -> SplitResult:
    """Return the parts of an absolute URL without credentials.

    Raises
    ------
    ConfigError
        Another scheme, no host, a port out of range, or user information.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(
            "Not a usable URL.",
            where=f"{where}.url",
            hint=f"Give an absolute URL, such as {schemes[0]}://host:port/path.",
        )
    if "@" in parts.netloc:
        raise ConfigError(
            "The URL holds user information, which would be stored with the configuration.",
            where=f"{where}.url",
            hint='Send it as a header from the environment: headers_env = { "Authorization" = "VARIABLE" }.',
        )
    return parts
