"""Secrets in a text: by their value where it is known, else by their shape."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache, lru_cache
from typing import Final

from stabkit.redact.addresses import masked_addresses
from stabkit.redact.forms import FORM_STARTS, FORMS, MIXED_FORMS
from stabkit.redact.names import MASK
from stabkit.redact.values import masked_values

__all__ = ["redact_text", "suspects"]

_Mask = Callable[[str], str]

_NAMES: Final = (
    r"passw(?:or)?d|passwd|passphrase|pwd|secret|token|api[-_. ]?key|access[-_.]?key|private[-_.]?key|secret[-_.]?key|"
    r"auth[-_.]?key|signing[-_.]?key|encryption[-_.]?key|account[-_.]?key|credentials?|jwt|session[-_.]?id|cookie|authorization"
)
_QUOTE: Final = r"\\*[\"'`]|&quot;|&#34;|&#39;|&#x27;"
# Cheaper than the pattern, which is slow on text without any. All in lower case.
_WORDS_OF_NAMES: Final = (
    "pass",
    "pwd",
    "secret",
    "token",
    "key",
    "credential",
    "jwt",
    "session",
    "cookie",
    "authorization",
)
_REPEATED: Final = 500  # characters: targets, ids and faults come again and again
_HAS_NAME: Final = re.compile(rf"(?i)(?:{_NAMES})")
# name = "value", name: 'value', \"name\": \"value\", name="value"; nothing else may stand between them.
_QUOTED: Final = re.compile(
    rf"(?i)(?P<name>{_NAMES})(?P<joint>[_-]?\d*(?:{_QUOTE})?\]?[^\S\n]*(?:=>|:=|[=!]==?|[:=])[^\S\n]*[rbfu]?)"
    rf"(?P<quote>{_QUOTE})(?P<value>(?:(?!(?P=quote))[^\n]){{1,2000}})"
)
_GIVEN: Final = re.compile(rf"(?i)(?P<name>{_NAMES})(?P<joint>[_-]?\d*=)(?P<value>[^\s&;,\"'`<>()\[\]{{}}|\\]+)")
_SPOKEN: Final = re.compile(
    rf"(?i)(?P<name>{_NAMES})(?P<joint>[_-]?\d*(?:{_QUOTE})?(?:[^\S\n]*:[^\S\n]*|[^\S\n]+=[^\S\n]+))(?P<value>[^\s&;,\"'`<>()\[\]{{}}|\\]+)"
)
_OPTION: Final = re.compile(
    rf"(?i)(?P<name>--?[\w-]*(?:{_NAMES}))(?P<joint>[\"']?[ ,]+[\"']?)(?P<value>[^\s\"',-][^\s\"',]*)"
)
_LOGIN: Final = re.compile(
    r"(?P<joint>(?:^|[\s\"'])(?:-u|--user)[\"']?[ ,=]+[\"']?[^\s:\"']+:)(?P<value>[^\s\"',]{4,})"
)
_SCHEME: Final = re.compile(
    r"(?i)(?P<joint>\b(?:bearer|apikey|negotiate)(?:\s+|%20|\+)(?:[\"'\\]+)?)(?P<value>[A-Za-z0-9._~+/=%-]{6,})"
)
_BASIC: Final = re.compile(r"(?i)(?P<joint>\bbasic(?:\s+|%20|\+)(?:[\"'\\]+)?)(?P<value>[A-Za-z0-9+/_-]{8,}={0,2})")
_HEADER: Final = re.compile(
    r"(?i)(?P<joint>\b(?:proxy-)?authorization[\"'\\]*\s*[:=]\s*[\"'\\]*(?:(?:basic|bearer|token|digest|apikey|negotiate)\s+))"
    r"(?P<value>[^\s\"'\\,;&<>]{4,})"
)
_COOKIE: Final = re.compile(r"(?i)(?P<joint>\b(?:set-)?cookie[\"'\\]*\s*:\s*[\"'\\]*)(?P<value>[^\s=;]+=[^\n\"'\\]+)")
_KEY: Final = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:.{0,20000}?-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"|(?:(?:\s|\\+[rn]|[\"'+,])*[A-Za-z0-9+/=]{8,})*(?:(?:\s|\\+[rn])+[A-Za-z0-9+/=]{1,7}$)?)",
    re.DOTALL,
)
_WEB_TOKEN: Final = re.compile(r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)*")
# Shorter than the providers make them today: what begins so and is cut is masked too.
_BEGUN: Final = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{8,}\b|\b(?:gh[pousr]|github_pat)_[A-Za-z0-9_]{10,}|\bglpat-[\w-]{10,}|\bxox[abprs]-[\w-]{8,}"
)
_LONG: Final = re.compile(r"[A-Za-z0-9+/_=.~-]{12}")

# What names such as "token" say of themselves; none of it is a secret.
_STATES: Final = re.compile(
    r"(?i)(?:no|not|is|was|has|the|an?|in|un|non|bad|wrong|old|new|my|your|some|any|this|with|without|too|only|and|or|of|to|for|"
    r"invalid|valid|missing|empty|expired|revoked|short|long|weak|strong|required|optional|present|absent|"
    r"set|unset|none|null|nil|undefined|true|false|yes|on|off|ok|error|failed|failure|changed|change|reset|rotated|"
    r"hidden|redacted|masked|removed|secret|password|passwd|token|key|user|admin|guest|test|tests|testing|example|dummy|fake|sample|"
    r"placeholder|default|string|str|int|bytes|bool|text|type|value|values|field|name|id|header|cookie|session|auth|authorization|bearer|"
    r"basic|digest|length|characters|must|should|could|can|cannot|be|unknown|unexpected|expected|got|given|found|used|"
    r"malformed|wrong|correct|match|matches|mismatch|stale|fresh|refresh|access|login|logout|closed|open|opened|created|deleted|"
    r"accepted|rejected|denied|allowed|forbidden|unauthorized|blank|whitespace|spaces|unicode|ascii|upper|lower|case|"
    r"hash|hashed|plain|encrypted|check|checks|checked|policy|rule|only|at|least|most|by|from|stored|hardcoded|possible)"
    r"(?:[-_. ]+(?=\w)|$)"
)
_REFERENCE: Final = re.compile(
    r"\*+\w{0,3}|<.*|\$.*|%.{0,3}|\{.*|[A-Z][A-Z_]*|[A-Z][A-Z0-9]*_[A-Z0-9_]*|\d{1,6}(?:\.\d+)?|(?:self|cls|os|settings|config|env|process|request|args|kwargs|response|this|f|str)\..*"
)
_PROSE: Final = re.compile(r"\S+\s+\S+\s+\S")
_WORDS: Final = re.compile(r"[a-z]+(?:[-_. ][a-z]+)*|[A-Z][a-z]+(?: [a-z]+)*")
_PASSWORDS: Final = re.compile(r"(?i)pass|pwd|secret$|credential")

_SUSPECT: Final = (
    r"://|[?&#][\w.\-%\[\]]*=|PRIVATE KEY|eyJ|(?i:bearer|basic|apikey|negotiate)[ \t+%]|(?:-u|--user)[\"']?[ ,=]|"
    rf"(?i:{_NAMES})|AKIA|ASIA|"
)


def redact_text(text: str, secrets: Iterable[str] = (), *, apart: bool = False) -> str:
    """Return the text with secrets masked: the given and the remembered values, and whatever has a secret's shape.

    Parameters
    ----------
    text : str
        Any text.
    secrets : iterable of str, optional
        Values, as :func:`~stabkit.redact.secret_parts` returns them; of at least four characters.
    apart : bool
        For ids: what is masked by its shape keeps three hexadecimal digits of its SHA-256, so that two ids stay two,
        and the same id is the same in every run.

    Examples
    --------
    >>> redact_text("GET https://ann:pw@shop.example failed with key abc123", ["abc123"])
    'GET https://shop.example failed with key ***'
    >>> redact_text("login(password='hunter2', user='ann'): Authorization: Bearer a1b2c3d4")
    "login(password='***', user='ann'): Authorization: Bearer ***"
    >>> redact_text("test_token_expired[token=expired]"), redact_text("Unexpected token: '}' at line 3")
    ('test_token_expired[token=expired]', "Unexpected token: '}' at line 3")
    >>> redact_text("test_login[password=hunter2]", apart=True)
    'test_login[password=***f52]'
    """
    text = masked_values(text, secrets)
    return _by_shape(text, apart=apart) if len(text) <= _REPEATED else _masked_shapes(text, apart=apart)


@cache
def suspects(known: str | None = None) -> str:
    """Return the regular expression, of RE2's grammar, that each text with a secret matches: few others do.

    Parameters
    ----------
    known : str, optional
        The remembered values as a regular expression.
    """
    return _SUSPECT + FORM_STARTS + (f"|{known}" if known else "")


@lru_cache(maxsize=8_192)
def _by_shape(text: str, *, apart: bool) -> str:
    return _masked_shapes(text, apart=apart)


def _masked_shapes(text: str, *, apart: bool) -> str:
    mask: _Mask = _tagged if apart else _plain
    if "://" in text or "?" in text:
        text = masked_addresses(text, mask)
    low = text.lower()
    if any(word in low for word in _WORDS_OF_NAMES):
        # Line by line: no pair goes over several, and most lines of a page name nothing.
        text = "\n".join(_masked_pairs(line, mask) if _may_pair(line) else line for line in text.split("\n"))
    if "bearer" in low or "basic" in low or "negotiate" in low or "apikey" in low:
        text = _BASIC.sub(lambda found: _joined(found, mask) if _is_login(found["value"]) else found[0], text)
        text = _SCHEME.sub(lambda found: _joined(found, mask) if _is_made(found["value"]) else found[0], text)
    if "-u" in low:
        text = _LOGIN.sub(
            lambda found: _joined(found, mask) if _is_secret("password", found["value"], given=True) else found[0], text
        )
    return _masked_forms(text, mask) if _LONG.search(text) else text


def _masked_forms(text: str, mask: _Mask) -> str:
    if "PRIVATE KEY" in text:
        text = _KEY.sub(lambda found: mask(found[0]), text)
    if "eyJ" in text:
        text = _WEB_TOKEN.sub(lambda found: mask(found[0]), text)
    if _starts().search(text) is None:
        return text
    text = _BEGUN.sub(lambda found: mask(found[0]) if _mixed(found[0]) else found[0], text)
    for kind, form in _forms():
        text = form.sub(lambda found, kind=kind: _masked_form(found, kind, mask), text)  # type: ignore[misc]
    return text


def _masked_form(found: re.Match[str], kind: str, mask: _Mask) -> str:
    group = found.lastindex or 0
    if kind in MIXED_FORMS and not _mixed(found[group]):
        return found[0]
    start, end = found.start(group) - found.start(), found.end(group) - found.start()
    return found[0][:start] + mask(found[group]) + found[0][end:]


def _may_pair(line: str) -> bool:
    if not line or not ("=" in line or ":" in line or "-" in line):
        return False
    low = line.lower()
    return any(word in low for word in _WORDS_OF_NAMES) and _HAS_NAME.search(line) is not None


def _masked_pairs(text: str, mask: _Mask) -> str:
    def quoted(found: re.Match[str]) -> str:
        if not _is_secret(found["name"], found["value"], given=True):
            return found[0]
        return f"{found['name']}{found['joint']}{found['quote']}{mask(found['value'])}"

    def given(found: re.Match[str]) -> str:
        return _joined(found, mask) if _is_secret(found["name"], found["value"], given=True) else found[0]

    def spoken(found: re.Match[str]) -> str:
        return _joined(found, mask) if _is_secret(found["name"], found["value"], given=False) else found[0]

    if "ookie" in text:
        text = _COOKIE.sub(lambda found: _joined(found, mask), text)
    if "uthorization" in text.lower():
        text = _HEADER.sub(lambda found: _joined(found, mask) if _is_made(found["value"]) else found[0], text)
    text = _QUOTED.sub(quoted, text)
    text = _GIVEN.sub(given, text)
    text = _SPOKEN.sub(spoken, text)
    return _OPTION.sub(spoken, text) if "-" in text else text


def _joined(found: re.Match[str], mask: _Mask) -> str:
    name = found.groupdict().get("name") or ""
    return f"{name}{found['joint']}{mask(found['value'])}"


def _is_secret(name: str, value: str, *, given: bool) -> bool:
    """Say whether what stands beside the name of a secret is one: not a state, a reference, a count or a sentence.

    ``given`` says that it is quoted or joined by "=" alone; what merely follows a colon may be any word.
    """
    value = value.strip()
    if len(value) < 4 or _REFERENCE.fullmatch(value) or _is_states(value):
        return False
    if _PROSE.match(value) and "passphrase" not in name.lower():
        return False
    if not given:
        return len(value) >= 6 and _mixed(value)
    if _PASSWORDS.search(name):
        return True
    return len(value) >= 6 and not _WORDS.fullmatch(value)


def _is_states(value: str) -> bool:
    rest = value
    while rest:
        found = _STATES.match(rest)
        if found is None:
            return False
        rest = rest[found.end() :]
    return True


def _is_login(value: str) -> bool:
    with suppress(ValueError):
        return b":" in base64.b64decode(
            value + "=" * (-len(value) % 4), altchars=b"-_" if "-" in value or "_" in value else None
        )
    return False


def _is_made(value: str) -> bool:
    return not _REFERENCE.fullmatch(value) and (_mixed(value) or (len(value) >= 20 and not _WORDS.fullmatch(value)))


def _mixed(value: str) -> bool:
    return any(char.isdigit() for char in value) and any(char.isalpha() for char in value)


def _plain(_: str) -> str:
    return MASK


def _tagged(secret: str) -> str:
    return MASK + hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()[:3]


@cache
def _starts() -> re.Pattern[str]:
    return re.compile(FORM_STARTS)


@cache
def _forms() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((kind, re.compile(form)) for kind, form in FORMS)
