"""Accounts: who may talk."""

import hashlib
import hmac
import random

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def new_token():
    """Return a token for a new session."""
    return "".join(random.choice(_ALPHABET) for _ in range(32))


def sign(user_id, secret):
    """Return the signature of a user id."""
    return hmac.new(secret.encode(), user_id.encode(), hashlib.sha256).hexdigest()


def verify(user_id, signature, secret):
    """Say whether the signature belongs to the user id."""
    return hmac.compare_digest(sign(user_id, secret), signature)
