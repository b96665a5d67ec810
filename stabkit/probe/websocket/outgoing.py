"""The messages that a session sends, with what of them comes from the environment."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

from stabkit.config import WebSocketMessage
from stabkit.errors import ConfigError
from stabkit.probe.credentials import from_environment, literal_secrets
from stabkit.redact import secret_parts, secrets_within

__all__ = ["outgoing"]


def outgoing(
    messages: Sequence[WebSocketMessage], *, where: str
) -> tuple[tuple[WebSocketMessage, ...], tuple[str, ...]]:
    """Return the messages as they are sent, each a text, and the secrets in them, for masking.

    Values of names such as ``token`` are secrets also where the configuration states them.

    Raises
    ------
    ConfigError
        A message has no text or two, a variable is not set, or something is not JSON.
    """
    sent, secrets = [], []
    for position, message in enumerate(messages):
        text, hidden = _text(message, f"{where}.send.{position}")
        sent.append(message.model_copy(update={"text": text, "json_payload": None}))
        secrets += [*hidden, *literal_secrets(text)]
    return tuple(sent), tuple(secrets)


def _text(message: WebSocketMessage, where: str) -> tuple[str, list[str]]:
    has_json = message.json_payload is not None or message.json_env is not None
    if sum((message.text is not None, message.text_env is not None, has_json)) != 1:
        raise ConfigError("A message to send needs either json or text.", where=where)
    if message.text is not None:
        return message.text, []
    if message.text_env is not None:
        text = from_environment(message.text_env, where=f"{where}.text_env", what="the message")
        return text, [*secret_parts(text), *_values(text)]
    payload, hidden = _payload(message, where)
    try:
        return json.dumps(payload), hidden
    except (TypeError, ValueError) as error:
        raise ConfigError(f"Not JSON: {error}.", where=f"{where}.json") from error


def _payload(message: WebSocketMessage, where: str) -> tuple[Any, list[str]]:
    payload = copy.deepcopy(message.json_payload)
    if message.json_env is None:
        return payload, []
    if isinstance(message.json_env, str):
        text = from_environment(message.json_env, where=f"{where}.json_env", what="the message")
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise ConfigError(
                f"The environment variable {message.json_env!r} holds no JSON.",
                where=f"{where}.json_env",
                hint='For one value of a message: json_env = { "token" = "VARIABLE" }.',
            ) from None
        both = isinstance(payload, dict) and isinstance(found, dict)
        return ({**payload, **found} if both else found), [*secret_parts(text), *_values(text)]
    payload = {} if payload is None else payload
    hidden: list[str] = []
    for path, variable in message.json_env.items():
        value = from_environment(variable, where=f"{where}.json_env.{path}", what=f"the key {path!r}")
        hidden += secret_parts(value)
        _put(payload, path.split("."), value, f"{where}.json_env.{path}")
    return payload, hidden


def _put(payload: Any, keys: Sequence[str], value: str, where: str) -> None:
    for key in keys[:-1]:
        payload = payload.setdefault(key, {}) if isinstance(payload, dict) else None
    if not isinstance(payload, dict):
        raise ConfigError("The message holds no object at that key.", where=where, hint="Give json a table there.")
    payload[keys[-1]] = value


def _values(text: str) -> list[str]:
    try:
        found = secrets_within(json.loads(text), every=True)
    except (ValueError, RecursionError):
        return []
    return [part for value in found for part in secret_parts(value)]
