"""Signing a report that lies there: its statement stays as it is, and gets a signature."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stabkit.errors import EvidenceError
from stabkit.report.attestation.pages import attached, attached_to_json, read_attested
from stabkit.report.attestation.signatures import signed
from stabkit.report.page import write_whole

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["sign_report"]


def sign_report(html: Path, result: Path, key: Ed25519PrivateKey) -> None:
    """Put a signature over the statement of a report, in its page and its JSON.

    Raises
    ------
    EvidenceError
        One of them cannot be read, or states nothing.
    OSError
        One of them cannot be written.
    """
    texts: dict[Path, str | bytes] = {}
    for path in (html, result):
        found = read_attested(path)
        if found.envelope is None:
            raise EvidenceError("This report states nothing.", where=str(path), hint="Make it anew: batch --again")
        envelope, text = signed(found.envelope, key), found.content.decode()
        texts[path] = attached(text, envelope) if path == html else attached_to_json(text, envelope)
    write_whole(texts)
