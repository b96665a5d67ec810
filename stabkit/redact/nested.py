"""Secrets in nested values: JSON, and the cells of a notebook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, Final

from stabkit.redact.masking import redact_text
from stabkit.redact.names import MASK, is_secret_name
from stabkit.redact.values import secret_parts, secrets_within

__all__ = ["redact_json", "redact_notebook", "redact_values"]

_COLOURS: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
# What is no text: a mask would spoil a picture, and nothing in it is read.
_PICTURES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf")


def redact_values(value: Any, secrets: Iterable[str] = (), *, named: bool = False) -> Any:
    """Return nested values with secrets in their texts and keys masked.

    Parameters
    ----------
    value : any
        Mappings, lists, and what they hold.
    secrets : iterable of str, optional
        As of :func:`~stabkit.redact.redact_text`.
    named : bool
        Mask what stands under a secret name whole, whatever it is.

    Examples
    --------
    >>> redact_values({"user": "ann", "login": {"token": "abc", "tries": 3}}, named=True)
    {'user': 'ann', 'login': {'token': '***', 'tries': 3}}
    """
    secrets = tuple(secrets)
    if isinstance(value, Mapping):
        return {
            redact_text(key, secrets) if isinstance(key, str) else key: MASK
            if named and isinstance(key, str) and is_secret_name(key) and inner not in (None, "", False, True)
            else redact_values(inner, secrets, named=named)
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [redact_values(inner, secrets, named=named) for inner in value]
    return redact_text(value, secrets) if isinstance(value, str) else value


def redact_json(text: str) -> str:
    """Return a JSON text with secrets in its texts masked, and what it was if there is none; other text as such.

    Examples
    --------
    >>> redact_json('{"a": "https://ann:pw@shop.example/"}'), redact_json('{"a":1}')
    ('{"a": "https://shop.example/"}', '{"a":1}')
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return redact_text(text)
    masked = redact_values(value)
    return text if masked == value else json.dumps(masked, ensure_ascii=False)


def redact_notebook(notebook: MutableMapping[str, Any], parameters: Mapping[str, Any] | None = None) -> None:
    """Mask the secrets of an executed notebook in place: parameters, sources, outputs, tracebacks.

    Parameters
    ----------
    notebook : notebook node
        As nbformat reads it.
    parameters : mapping, optional
        What it was given. Values under secret names, nested ones too, are masked wherever they appear.
    """
    about = notebook.get("metadata", {}).get("papermill", {})
    stored = about.get("parameters", {}) if isinstance(about, Mapping) else {}
    given = {**(stored if isinstance(stored, Mapping) else {}), **(parameters or {})}
    secrets = tuple(part for value in secrets_within(given) for part in secret_parts(value))
    if isinstance(about, MutableMapping):
        for key in list(about):
            about[key] = redact_values(about[key], secrets, named=key == "parameters")
    for cell in notebook.get("cells", []):
        cell["source"] = _text(cell.get("source", ""), secrets)
        for output in cell.get("outputs", []):
            _mask_output(output, secrets)


def _mask_output(output: MutableMapping[str, Any], secrets: tuple[str, ...]) -> None:
    for key in ("text", "ename", "evalue"):
        if key in output:
            output[key] = _text(output[key], secrets)
    if "traceback" in output:
        output["traceback"] = [_coloured(line, secrets) for line in output["traceback"]]
    data = output.get("data")
    if isinstance(data, MutableMapping):
        for kind in list(data):
            if kind in _PICTURES or kind.endswith("whole+json"):
                continue
            data[kind] = _text(data[kind], secrets) if kind.startswith("text/") else redact_values(data[kind], secrets)
    if isinstance(output.get("metadata"), MutableMapping):
        output["metadata"] = redact_values(output["metadata"], secrets)


def _coloured(text: Any, secrets: tuple[str, ...]) -> Any:
    """Return a text whose words are coloured, each by itself, masked; with a secret in it, it loses its colours."""
    if not isinstance(text, str):
        return redact_values(text, secrets)
    plain = _COLOURS.sub("", text)
    masked = redact_text(plain, secrets)
    return text if masked == plain else masked


def _text(text: Any, secrets: tuple[str, ...]) -> Any:
    """Return a text of a notebook, which may be a list of its lines, masked; a secret may span lines."""
    if not isinstance(text, (list, tuple)):
        return _coloured(text, secrets)
    whole = "".join(map(str, text))
    masked = _coloured(whole, secrets)
    return list(text) if masked == whole else masked.splitlines(keepends=True)
