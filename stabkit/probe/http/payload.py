"""The body that an HTTP target sends."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlencode

from stabkit.config import HttpTarget
from stabkit.errors import ConfigError
from stabkit.paths import expanded, read_bounded
from stabkit.redact import remember, secret_parts, secrets_within
from stabkit.sources import Fault

__all__ = ["body_secrets", "request_body"]

_LARGEST: Final = 1_000_000_000  # bytes; each request sends them all


def request_body(target: HttpTarget, *, root: Path, where: str) -> tuple[bytes | None, str | None]:
    """Return the body to send and its media type, both None where nothing is sent.

    Raises
    ------
    ConfigError
        The value is not JSON, the file cannot be read, or the environment variable is not set.

    Examples
    --------
    >>> request_body(HttpTarget(url="http://x/", form={"q": "a b"}), root=Path(), where="http.x")
    (b'q=a+b', 'application/x-www-form-urlencoded')
    """
    if target.json_body is not None:
        try:
            text = json.dumps(target.json_body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"No request can be made of this: {error}.", where=f"{where}.json_body") from error
        return text.encode(), "application/json"
    if target.form is not None:
        return urlencode(target.form).encode(), "application/x-www-form-urlencoded"
    if target.body_text is not None:
        return target.body_text.encode(), "text/plain; charset=utf-8"
    if target.body_file is not None:
        return _read(root / expanded(target.body_file), f"{where}.body_file"), "application/octet-stream"
    if target.body_env is not None:
        value = os.environ.get(target.body_env)
        if not value:
            raise ConfigError(
                Fault(f"The environment variable {target.body_env!r} is not set.", "unset_variable"),
                where=f"{where}.body_env",
                hint="Set it to the body to send.",
            )
        return value.encode("utf-8", "surrogateescape"), "application/octet-stream"
    return None, None


def body_secrets(body: bytes) -> tuple[str, ...]:
    """Return a secret body and the values in it, as a target may repeat one of them.

    Examples
    --------
    >>> "hunter22" in body_secrets(b'{"user": "ann", "password": "hunter22"}')
    True
    """
    text = body.decode("utf-8", "replace")
    remember(text)
    try:
        values: tuple[str, ...] = secrets_within(json.loads(text), every=True)
    except (ValueError, RecursionError):
        values = tuple(value for _, value in parse_qsl(text))
    return tuple(part for value in (text, *values) for part in secret_parts(value))


def _read(file: Path, where: str) -> bytes:
    try:
        return read_bounded(file, _LARGEST)
    except OSError as error:
        raise ConfigError(
            f"The body {str(file)!r} cannot be read: {error.strerror or error}.", where=where, hint="Name a file."
        ) from error
