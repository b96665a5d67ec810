"""What an HTTP body must hold, judged after it was read and timed."""

from __future__ import annotations

import email.message
import json
import zlib
from typing import TYPE_CHECKING, Any, Final

import httpx

from stabkit.config import LONGEST_SEARCH_S, HttpTarget, is_found
from stabkit.paths import MISSING, find_field, read_json
from stabkit.redact import MASK, is_secret_name

if TYPE_CHECKING:
    from stabkit.probe.payload_schema import PayloadSchema

__all__ = ["MAX_BODY_BYTES", "body_fault", "decode_body", "decompressed", "expected_body", "schema_fault"]

MAX_BODY_BYTES: Final = 32 * 1024 * 1024
"""The most that is read of one body, on the wire and again after decompression."""


def expected_body(target: HttpTarget) -> str:
    """Return in words what a target expects of a body; empty if nothing but its schema."""
    parts = [f"{path} = {json.dumps(value)}" for path, value in target.expect_json.items()]
    if target.expect_text is not None:
        parts.append(f"contains {target.expect_text!r}")
    if target.expect_match is not None:
        parts.append(f"matches {target.expect_match}")
    return ", ".join(parts)


def decode_body(body: bytes, headers: httpx.Headers) -> str:
    """Return the text of a body as it came over the wire.

    Raises
    ------
    ValueError
        It is damaged, grows without measure, or is coded in a way that was not asked for.
    """
    try:
        return decompressed(body, headers, MAX_BODY_BYTES).decode(_charset(headers), "replace")
    except (LookupError, zlib.error) as error:
        raise ValueError(str(error)) from error


def body_fault(target: HttpTarget, text: str) -> str | None:
    """Return the first way in which a body differs from what is expected; None if none.

    Raises
    ------
    ConfigError
        ``expect_match`` takes longer on this body than an answer may.

    Examples
    --------
    >>> target = HttpTarget(url="http://x/", expect_json={"status": "healthy"})
    >>> body_fault(target, '{"status": "starting"}')
    'status = "starting", expected "healthy"'
    """
    if target.expect_text is not None and target.expect_text not in text:
        return f"{target.expect_text!r} is not in the body"
    if target.expect_match is not None and not is_found(
        target.expect_match, text, where="expect_match", limit_s=min(target.timeout_s, LONGEST_SEARCH_S)
    ):
        return f"{target.expect_match!r} matches nothing in the body"
    return _json_fault(target, text) if target.expect_json else None


def schema_fault(validator: PayloadSchema, text: str) -> str | None:
    """Return where and how a body breaks its schema, or None."""
    try:
        payload = read_json(text)
    except ValueError as error:
        return f"the body is not JSON: {error}"
    return validator.fault(payload)


def _charset(headers: httpx.Headers) -> str:
    message = email.message.Message()
    message["Content-Type"] = headers.get("Content-Type", "")
    return str(message.get_content_charset() or "utf-8")


def _json_fault(target: HttpTarget, text: str) -> str | None:
    try:
        payload = read_json(text)
    except ValueError as error:
        return f"the body is not JSON: {error}"
    for path, expected in target.expect_json.items():
        found = find_field(payload, path)
        if found is MISSING:
            return f"{path} is missing"
        if not _same(found, expected):
            shown = MASK if is_secret_name(path) else _shown(found)
            return f"{path} = {shown}, expected {json.dumps(expected)}"
    return None


def _shown(value: Any) -> str:
    # What is nested as deeply as can just be read may be too deep to be written.
    return f"a {type(value).__name__}" if isinstance(value, (dict, list)) else json.dumps(value)


def _same(found: Any, expected: Any) -> bool:
    # In Python true equals 1; in JSON it does not.
    if isinstance(found, bool) != isinstance(expected, bool):
        return False
    return bool(found == expected)


def decompressed(body: bytes, headers: httpx.Headers, limit: int) -> bytes:
    """Return a body as it was before it was coded for the wire.

    Parameters
    ----------
    body : bytes
        As it came.
    headers : httpx.Headers
        They say how it is coded; one coding is undone, of which never more than ``limit`` bytes come.

    Raises
    ------
    ValueError
        It grows beyond the limit, ends too early, or is coded in a way that was not asked for.
    zlib.error
        It is damaged.
    """
    encoding = headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise ValueError(f"content encoding {encoding[:80]!r} was not asked for")
    widths = (47,) if encoding != "deflate" else (47, -15)  # some servers send deflate without its header
    for width in widths:
        decoder = zlib.decompressobj(width)
        try:
            plain = decoder.decompress(body, limit + 1)
        except zlib.error:
            if width == widths[-1]:
                raise
            continue
        if len(plain) > limit:
            raise ValueError(f"it grows beyond {limit // 2**20} MiB")
        if not decoder.eof:
            raise ValueError("it ends too early")
        return plain
    raise AssertionError("the last width returns or raises")
