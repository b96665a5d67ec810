"""Names under which secrets are kept: of headers, keys, parameters and variables."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["MASK", "is_secret_name", "is_secret_variable"]

MASK: Final = "***"
"""What stands in the place of a secret."""

_SECRET_NAME: Final = re.compile(
    r"(?i)(pass(word|wd|phrase)?|secret|token|api[-_.]?key|access[-_.]?key|auth(orization)?|credential|cookie|jwt|private[-_.]?key|signature|session|sig$|^key$|^pwd$)"
)
# Stricter: an environment is full of names such as SSH_AUTH_SOCK and XDG_SESSION_TYPE.
_SECRET_VARIABLE: Final = re.compile(
    r"(?i)(pass(word|wd|phrase)?|pwd|secret|token|api_?key|access_?key|private_?key|(secret|signing|encryption)_?key|"
    r"credentials?|auth|cookie|_pat|_jwt)(_?\d+)?$"
)


def is_secret_name(name: str) -> bool:
    """Say whether a header, key or query parameter of that name usually holds a secret.

    Examples
    --------
    >>> is_secret_name("X-Api-Key"), is_secret_name("page")
    (True, False)
    """
    return _SECRET_NAME.search(name) is not None


def is_secret_variable(name: str) -> bool:
    """Say whether an environment variable of that name holds a secret.

    Examples
    --------
    >>> is_secret_variable("SHOP_TOKEN"), is_secret_variable("SSH_AUTH_SOCK"), is_secret_variable("PWD")
    (True, False, False)
    """
    return name not in ("PWD", "OLDPWD") and _SECRET_VARIABLE.search(name) is not None
