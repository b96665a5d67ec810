"""Values as they may be shown: what is or may be a secret is masked, and what is long is cut."""

from __future__ import annotations

import re
from typing import Final

from stabkit.change.credentials import holds_secret
from stabkit.redact import MASK, is_secret_name

__all__ = ["shown"]

_LONGEST: Final = 200
# A limit, a switch, a place that is filled later, and what stands for nothing are no secrets, whatever their name.
_PLAIN: Final = re.compile(
    r"\d{1,6}(\.\d+)?|true|false|yes|no|on|off|none|null|\(required\)|\$\{?\w+\}?|\$\{\w+:?[-?]?\}|"
    r"<[^>]*>|\$?\{\{.*\}\}|from .*|\[\]|\{\}|",
    re.IGNORECASE,
)

# Letters and digits in no order that a word, a version or a number has: nobody can tell that it is no secret.
_TANGLED: Final = re.compile(
    r"(?=.*[A-Za-z]\d+[A-Za-z])[A-Za-z0-9+/=]{10,}|(?=.*\d)(?=.*[A-Z])(?=.*[a-z])[\w+/=.~-]{24,}"
)


def shown(name: str, value: str | None) -> str | None:
    """Return a value fit for a report; None for none.

    Examples
    --------
    >>> shown("DB_PASSWORD", "tr0ub4dor"), shown("TOKEN_LIMIT", "30"), shown("PORT", "80")
    ('***', '30', '80')
    """
    if value is None:
        return None
    value = value.strip()
    if _PLAIN.fullmatch(value):
        return value
    if is_secret_name(name) or is_secret_name(name.rpartition(".")[2]) or _tangled(value) or holds_secret(value):
        return MASK
    return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"


def _tangled(value: str) -> bool:
    return any(_TANGLED.fullmatch(word.strip("'\"")) for word in re.split(r"[\s,()\[\]|]+", value[:2_000]))
