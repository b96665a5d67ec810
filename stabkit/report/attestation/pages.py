"""A statement in a page or beside a JSON result: put there last, and taken apart again without trusting a byte."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from stabkit.errors import EvidenceError
from stabkit.report.attestation.statements import (
    PAYLOAD_TYPE,
    PREDICATE_TYPE,
    STATEMENT_TYPE,
    canonical,
    envelope_of,
    statement_of,
)

if TYPE_CHECKING:
    from stabkit.report.page import Rendered

__all__ = ["Attested", "attached", "attached_to_json", "read_attested", "with_statement"]

_MOST_BYTES: Final = 256 * 1024 * 1024
_MOST_STATED: Final = 4 * 1024 * 1024
# The last line of a page. What base64 is made of can end no comment.
_IN_PAGE: Final = re.compile(rb"<!-- stabkit statement ([A-Za-z0-9+/=]+) -->\n\Z")
_IN_JSON: Final = re.compile(rb',\n "statement": (\{[^\n]*\})\n\}\n\Z')
_MARK: Final = b"<!-- stabkit statement "
_KEY: Final = b',\n "statement": '


@dataclass(frozen=True)
class Attested:
    """A file with what it states.

    Attributes
    ----------
    kind : {"page", "result", "notebook"}
    content : bytes
        The file without its statement: what the statement's hashes are of.
    envelope : mapping or None
        None of a notebook, and of a file that states nothing.
    statement : mapping or None
        What the envelope holds.
    """

    kind: Literal["page", "result", "notebook"]
    content: bytes
    envelope: Mapping[str, Any] | None = None
    statement: Mapping[str, Any] | None = None


def with_statement(rendered: Rendered) -> tuple[str, str]:
    """Return page and JSON of a rendered notebook, each with a statement of its own: equal bytes for equal content."""
    html, text = rendered.html, rendered.json
    of_page, of_result = (
        envelope_of(statement_of(rendered.result, {name: content.encode("utf-8", "backslashreplace")}))
        for name, content in (("page", html), ("result", text))
    )
    return attached(html, of_page), attached_to_json(text, of_result)


def attached(html: str, envelope: Mapping[str, Any]) -> str:
    """Return a page with its statement as the last line, a comment."""
    return f"{html}<!-- stabkit statement {base64.b64encode(canonical(envelope)).decode()} -->\n"


def attached_to_json(text: str, envelope: Mapping[str, Any]) -> str:
    """Return a JSON result with its statement as the last key, ``statement``."""
    return text.removesuffix("\n}\n") + f',\n "statement": {canonical(envelope).decode()}\n}}\n'


def read_attested(path: Path) -> Attested:
    """Return a page, a result or a notebook with what it states; nothing in it is run, and no address is opened.

    Raises
    ------
    EvidenceError
        It cannot be read, is larger than 256 MB, is none of these, or its statement is broken.
    """
    content = _content(path)
    start = content[:200].lstrip().lower()
    try:
        if start.startswith(b"<!doctype html"):
            return _page(content)
        if start.startswith(b"{"):
            return _json(content)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise EvidenceError(
            f"The file or its statement is broken: {type(error).__name__}.",
            where=str(path),
            hint="Do not trust it; ask for the file again, from where it was made.",
        ) from error
    raise EvidenceError(
        "This is no page, result or notebook of stabkit.",
        where=str(path),
        hint="Name the HTML file, the JSON beside it, or an executed notebook.",
    )


def _page(content: bytes) -> Attested:
    at = content.rfind(_MARK)
    found = _IN_PAGE.match(content, at) if at >= 0 and len(content) - at <= 2 * _MOST_STATED else None
    if found is None:
        return Attested("page", content)
    return _with_statement("page", content[:at], json.loads(base64.b64decode(found[1], validate=True)))


def _json(content: bytes) -> Attested:
    at = content.rfind(_KEY)
    found = _IN_JSON.match(content, at) if at >= 0 and len(content) - at <= 2 * _MOST_STATED else None
    data = json.loads(content)
    if found is not None and "sections" in data:
        return _with_statement("result", content[:at] + b"\n}\n", json.loads(found[1]))
    if isinstance(data.get("cells"), list):
        return Attested("notebook", content)
    if "sections" in data and "exit_code" in data:
        return Attested("result", content)
    raise ValueError("no result and no notebook")


def _with_statement(kind: Literal["page", "result"], content: bytes, envelope: Any) -> Attested:
    if envelope["payloadType"] != PAYLOAD_TYPE or not isinstance(envelope["signatures"], list):
        raise ValueError("another envelope")
    statement = json.loads(base64.b64decode(envelope["payload"], validate=True))
    if statement["_type"] != STATEMENT_TYPE or statement["predicateType"] != PREDICATE_TYPE:
        raise ValueError("another statement")
    predicate = statement["predicate"]
    if not isinstance(predicate["exit_code"], int) or not all(
        isinstance(subject["digest"]["sha256"], str) and isinstance(subject["name"], str)
        for subject in statement["subject"]
    ):
        raise TypeError("another statement")
    return Attested(kind, content, envelope, statement)


def _content(path: Path) -> bytes:
    """Return the content of an ordinary file; a pipe or a device, which may never end, is not opened for reading."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else "it cannot be a name"
        hint = "Name a page that is there."
        raise EvidenceError(f"The page cannot be read: {what}.", where=str(path), hint=hint) from error
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        os.close(descriptor)
        raise EvidenceError("This is no ordinary file.", where=str(path), hint="Name a page, not a pipe or folder.")
    with os.fdopen(descriptor, "rb") as file:
        if facts.st_size > _MOST_BYTES:
            raise EvidenceError(
                "The page is larger than 256 MB.", where=str(path), hint="stabkit writes none so large."
            )
        return file.read(_MOST_BYTES + 1)
