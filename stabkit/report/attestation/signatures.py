"""Signatures over a statement's envelope: Ed25519 in DSSE, by the package cryptography.

https://github.com/secure-systems-lab/dsse/blob/master/protocol.md; Ed25519: RFC 8032.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from stabkit.errors import UsageError
from stabkit.installation import need_for

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["key_id", "private_key", "public_key", "signature_state", "signed"]

_MAKE = "Make a pair: openssl genpkey -algorithm ed25519 -out key.pem; openssl pkey -in key.pem -pubout -out key.pub"
_MOST_SIGNATURES = 16


def private_key(path: Path) -> Ed25519PrivateKey:
    """Return the private key of a PEM file.

    Raises
    ------
    UsageError
        The package cryptography is missing, or the file holds no Ed25519 key without a password.
    """
    need_for("sign")
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_pem(path, "--sign"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError("This file holds no Ed25519 private key without a password.", where=str(path), hint=_MAKE)
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """Return the public key of a PEM file.

    Raises
    ------
    UsageError
        The package cryptography is missing, or the file holds no Ed25519 public key.
    """
    need_for("sign")
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_pem(path, "--key"))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError("This file holds no Ed25519 public key.", where=str(path), hint=_MAKE)
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """Return what a key is called: the sha256 of its 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def signed(envelope: Mapping[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """Return an envelope with this key's signature and no other."""
    signature = base64.b64encode(key.sign(_encoded(envelope))).decode()
    return {**envelope, "signatures": [{"keyid": key_id(key.public_key()), "sig": signature}]}


def signature_state(
    envelope: Mapping[str, Any], key: Ed25519PublicKey
) -> Literal["signed", "unsigned", "another_key", "altered"]:
    """Say whether a key signed an envelope: it did, nobody did, another one did, or its content is no longer that."""
    from cryptography.exceptions import InvalidSignature

    if not envelope["signatures"]:
        return "unsigned"
    named = False
    for signature in envelope["signatures"][:_MOST_SIGNATURES]:
        try:
            key.verify(base64.b64decode(signature["sig"], validate=True), _encoded(envelope))
        except (InvalidSignature, binascii.Error, KeyError, TypeError, ValueError):
            named = named or (isinstance(signature, Mapping) and signature.get("keyid") == key_id(key))
        else:
            return "signed"
    return "altered" if named else "another_key"


def _encoded(envelope: Mapping[str, Any]) -> bytes:
    """Return what is signed: DSSE's pre-authentication encoding of type and content."""
    kind, payload = str(envelope["payloadType"]).encode(), base64.b64decode(envelope["payload"], validate=True)
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _pem(path: Path, option: str) -> bytes:
    try:
        if not path.is_file():
            raise FileNotFoundError(2, "there is no such file")
        with path.open("rb") as file:
            return file.read(65_536)
    except OSError as error:
        what = f"The key of {option} cannot be read: {error.strerror or error}."
        raise UsageError(what, where=str(path), hint=_MAKE) from error
