"""Request headers of a target, with secrets taken from the environment or from a command, never from a file of ours."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

import httpcore

from stabkit.errors import ConfigError
from stabkit.redact import is_secret_name, remember, secret_parts, secrets_within
from stabkit.sources import Fault

__all__ = ["checked_url", "from_environment", "literal_secrets", "proxy_of", "request_headers", "with_query"]

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_COMMAND_S: Final = 60.0


def request_headers(
    headers: Mapping[str, str],
    headers_env: Mapping[str, str],
    headers_command: Mapping[str, Sequence[str]] | None = None,
    *,
    where: str,
    root: Path = Path(),
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return all headers to send, and the secret values among them with their parts, for masking.

    A command runs in ``root``, without a shell; what it prints, less the line's end, is the value.

    Raises
    ------
    ConfigError
        A plain header has a secret-looking name, an environment variable is missing or empty, a command fails or
        prints nothing, or a header cannot be sent as it stands.
    """
    for name in headers:
        if is_secret_name(name):
            raise ConfigError(
                f"The header {name!r} looks like a secret and would be stored with the configuration.",
                where=f"{where}.headers",
                hint=f'Put it into an environment variable: headers_env = {{ "{name}" = "VARIABLE" }}.',
            )
    values = dict(headers)
    secrets: list[str] = []
    for name, variable in headers_env.items():
        values[name] = from_environment(variable, where=f"{where}.headers_env.{name}", what=f"the header {name!r}")
        secrets += secret_parts(values[name])
    for name, command in (headers_command or {}).items():
        values[name] = _output(command, where=f"{where}.headers_command.{name}", root=root)
        secrets += secret_parts(values[name])
    for name, value in values.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ConfigError(
                f"The header {name!r} cannot be sent: its name or value holds a character that HTTP forbids.",
                where=where,
                hint="Look for line breaks and characters beyond Latin-1.",
            )
    return values, tuple(secrets)


def from_environment(variable: str, *, where: str, what: str) -> str:
    """Return the value of an environment variable.

    Raises
    ------
    ConfigError
        It is not set, or empty.
    """
    value = os.environ.get(variable, "")
    if not value:
        raise ConfigError(
            Fault(f"The environment variable {variable!r} is not set.", "unset_variable"),
            where=where,
            hint=f"Set it to the value of {what}.",
        )
    remember(value)
    return value


def with_query(url: str, query_env: Mapping[str, str], *, where: str) -> tuple[str, tuple[str, ...]]:
    """Return the URL with query parameters from the environment, and their values, for masking.

    Raises
    ------
    ConfigError
        A variable is not set.
    """
    given = {
        name: from_environment(variable, where=f"{where}.query_env.{name}", what=f"the query parameter {name!r}")
        for name, variable in query_env.items()
    }
    if not given:
        return url, ()
    address, hash_, fragment = url.partition("#")
    joint = "&" if "?" in address else "?"
    secrets = tuple(part for value in given.values() for part in secret_parts(value))
    return f"{address}{joint}{urlencode(given)}{hash_}{fragment}", secrets


def literal_secrets(body: bytes | str) -> tuple[str, ...]:
    """Return the values of secret names in JSON or in a form, as a target may repeat what it was sent.

    They are remembered: nothing that leaves this process shows them.

    Examples
    --------
    >>> literal_secrets('{"user": "ann", "login": {"token": "abc1"}}'), literal_secrets("a=1&api_key=k-12")
    (('abc1',), ('k-12',))
    """
    text = body if isinstance(body, str) else body.decode("utf-8", "replace")
    try:
        found = secrets_within(json.loads(text))
    except (ValueError, RecursionError):
        found = tuple(value for name, value in parse_qsl(text) if is_secret_name(name))
    remember(*found)
    return tuple(part for value in found for part in secret_parts(value))


def _output(command: Sequence[str], *, where: str, root: Path) -> str:
    """Return what a command prints; what it prints otherwise may hold the secret and is told to nobody."""
    shown = command[0] if command else ""
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command
            list(command),
            cwd=root,
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as error:
        why = f"no end after {_COMMAND_S:g} s" if isinstance(error, subprocess.TimeoutExpired) else type(error).__name__
        raise ConfigError(
            f"The command {shown!r} gave no value: {why}.", where=where, hint="Run it by hand in the same folder."
        ) from None
    value = done.stdout.strip("\r\n")
    remember(value)
    if done.returncode or not value:
        why = f"exit code {done.returncode}" if done.returncode else "it printed nothing"
        raise ConfigError(
            f"The command {shown!r} gave no value: {why}.", where=where, hint="Run it by hand in the same folder."
        )
    return value


def checked_url(url: str, *, schemes: tuple[str, ...], where: str, key: str = "url") -> SplitResult:
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
            where=f"{where}.{key}",
            hint=f"Give an absolute URL, such as {schemes[0]}://host:port/path.",
        )
    if "@" in parts.netloc:
        raise ConfigError(
            "The URL holds user information, which would be stored with the configuration.",
            where=f"{where}.{key}",
            hint='Send it as a header from the environment: headers_env = { "Authorization" = "VARIABLE" }.'
            if key == "url"
            else "Name an environment variable that holds user:password: proxy_auth_env.",
        )
    return parts


def proxy_of(url: str | None, auth_env: str | None, *, where: str) -> tuple[httpcore.Proxy | None, tuple[str, ...]]:
    """Return the HTTP proxy that a target declares, if any, and the secret values of its login, for masking.

    Raises
    ------
    ConfigError
        The URL is none or holds credentials, or the environment variable holds no ``user:password``.
    """
    if url is None:
        return None, ()
    parts = checked_url(url, schemes=("http",), where=where, key="proxy")
    if auth_env is None:
        return httpcore.Proxy(f"http://{parts.netloc}"), ()
    login = os.environ.get(auth_env, "")
    user, colon, password = login.partition(":")
    if not colon:
        raise ConfigError(
            f"The environment variable {auth_env!r} holds no user:password.",
            where=f"{where}.proxy_auth_env",
            hint="Set it to both, with a colon between.",
        )
    proxy = httpcore.Proxy(f"http://{parts.netloc}", auth=(user.encode(), password.encode()))
    remember(login, password)
    return proxy, (*secret_parts(login), *secret_parts(password))
