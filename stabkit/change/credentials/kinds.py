"""The keys, tokens and passwords that a file holds, and what only looks like one."""

from __future__ import annotations

import base64
import math
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from stabkit.redact import FORM_STARTS, FORMS, MIXED_FORMS, is_secret_name

__all__ = ["Secret", "holds_secret", "secrets_in"]

_PRIVATE: Final = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_HEADERS: Final = re.compile(r"(?:Proc-Type|DEK-Info|Version|Comment|Hash):[^\n\\]*")
_BODY: Final = re.compile(r"(?:\s|\\+[rn]|[\"'+,])*[A-Za-z0-9+/]{16,}")
_BODY_WITHIN: Final = 1_000
_STARTS: Final = re.compile(FORM_STARTS)
_COMPILED: Final = tuple((kind, re.compile(form)) for kind, form in FORMS)
_TOKEN: Final = re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{10,}")
_LOGIN: Final = re.compile(
    r"\b([a-z][a-z0-9+.-]{1,20})://([^\s:/@\"'`<>]*):([^\s/@\"'`]+)@([^\s/:\"'`<>,;)]+)", re.IGNORECASE
)
_BEARER: Final = re.compile(
    r"(?i)\b(?:authorization[\"']?\s*[:=,]\s*[\"']?|[\"'])(?:basic|bearer|token)\s+([A-Za-z0-9+/=._~-]{16,})"
)
_NETRC: Final = re.compile(r"\bmachine\s+\S+\s+login\s+\S+\s+password\s+(\S{6,})")
_KEY: Final = (
    r"[\w.\-\[\]]*(?i:passw(?:or)?d|passwd|passphrase|pwd|secret|token|api[-_.]?key|access[-_.]?key|"
    r"private[-_.]?key|auth[-_.]?key|encryption[-_.]?key|signing[-_.]?key|credential|"
    r"secret_key_base)[\w.\-\]]*"
)
_SPOKEN: Final = re.compile(
    r"(?i)pass|pwd|secret|token|api[-_.]?key|access[-_.]?key|(?:private|auth|encryption|signing)[-_.]?key|credential"
)
_QUOTED: Final = re.compile(
    rf"(?<![\w$])({_KEY})[\"']?\s*\]?\s*(?::\s*[\w\[\]. |]+\s*=|:=|=>|[:=](?!=)|"
    rf",)\s*[brf]?([\"'`])((?:(?!\2)[^\n\\])*)\2"
)
_BARE: Final = re.compile(
    rf"^\s*(?:export\s+|-\s+|ENV\s+|Environment=)?({_KEY})\s*[:=]\s*([^\s\"'#][^\s#]*)\s*(?:#.*)?$", re.MULTILINE
)
_BARE_FILE: Final = re.compile(r"(^|/)\.env|\.env$|\.(properties|ini|cfg|conf|ya?ml|toml|service)$|Dockerfile")
# A name that speaks of a secret and holds none: where it is found, how long it lives, what it is called.
_NO_SECRET_NAME: Final = re.compile(
    r"(?i)(name|id|field|path|file|url|uri|endpoint|length|len|type|ttl|expir\w*|timeout|header|prefix|suffix|label|title|text|message|msg|help|hint|placeholder|error|limit|max\w*|min\w*|count|column|param\w*|regex|pattern|policy|validators?|hashers?|algorithm|ref|key_?ref|from|env|var|class|scope|scopes|description|input|format|version|arn|reset\w*|change\w*|template|view|model|public\w*|tokenizer|tokens|selector|store|manager|provider|service|dir|backend|style|color|list|map)$"
)
_PLACEHOLDER: Final = re.compile(
    r"(?i)example|placeholder|change[-_ ]?(?:me|it|this)|your[-_ ]?\w+|<[^>]*>|\$\{|\$\(|\{\{|%\(|"
    r"\{[\w.]*\}|%s|replace|redacted|dummy|fake|sample|not[-_ ]?(?:a[-_ ])?(?:real|secret)|lorem|"
    r"foobar|todo|"
    r"x{5,}|\*{3,}|\.{3}|…|SflKxwRJSMeKKF2QT4|insert|default|undefined|\bnull\b|\bnone\b|my[-_]?(?:secret|password|token|key)|test[-_]?(?:secret|password|token|key)|super[-_]?secret|os\.environ|getenv|process\.env"
)
_COUNTED: Final = re.compile(r"(?i)12345678|abcdefgh|0{8,}|1{8,}")
_TRIVIAL: Final = re.compile(
    r"(?i)(?:pass(?:word|wd)?|p(?:ass)?w(?:or)?d|postgres(?:ql)?|root|admin|user(?:name)?|guest|test(?:ing)?|secret|mysql|redis|mongo|rabbitmq|token|key|pwd|pw|db|app|dev|local|minio|minioadmin|login|demo|hunter2?)[-_]?\d{0,4}[!?]?"
)
_LOCAL: Final = re.compile(
    r"(?i)localhost|127\.|0\.0\.0\.0|\[?::1|.*\bexample\b.*|.*\.(?:test|invalid|local|localhost)$|host(?:name)?$|\$|\{|<|%|server$|domain.*"
)
_REFERENCE: Final = re.compile(
    r"(?:[A-Za-z_][A-Za-z_-]*(?:[./:][A-Za-z_][A-Za-z_-]*)*|\$\w+|/[\w./-]*|https?://\S*|!\w+.*|[\w.]+\(.*|arn:.*|projects/.*|vault:.*|sm://.*|[A-Z][A-Z0-9_]+)"
)
_ALLOWED: Final = ("allowlist secret", "gitleaks:allow", "nosecret", "trufflehog:ignore", "# nosec")
# No key is written on a line that long: a bundle, a lock, a picture.
_LONGEST_LINE: Final = 5_000


@dataclass(frozen=True)
class Secret:
    """One secret found: its kind, where it starts, the text itself, and whether its form alone tells it."""

    kind: str
    line: int
    text: str
    proven: bool


def holds_secret(text: str) -> bool:
    """Say whether a value has the form of a key or token, or logs in to somewhere.

    Examples
    --------
    >>> holds_secret("ghp_" + "a1B2" * 9), holds_secret("debug")
    (True, False)
    """
    return any(True for _ in _formed(text)) or any(True for _ in _logins(text))


def secrets_in(path: str, text: str) -> Iterator[Secret]:
    """Yield the secrets that a file holds, each once, the certain ones first."""
    taken: list[tuple[int, int]] = []
    for kind, start, end, proven in [*_formed(text), *_guessed(path, text)]:
        if any(start < last and first < end for first, last in taken):
            continue
        begin = text.rfind("\n", 0, start) + 1
        stop = text.find("\n", start)
        whole = text[begin : len(text) if stop < 0 else stop]
        if any(word in whole for word in _ALLOWED) or (not proven and len(whole) > _LONGEST_LINE):
            continue
        taken.append((start, end))
        yield Secret(kind, text.count("\n", 0, start) + 1, text[start:end], proven)


def _formed(text: str) -> Iterator[tuple[str, int, int, bool]]:
    if "PRIVATE KEY" in text:
        account = '"service_account"' in text
        for match in _PRIVATE.finditer(text):
            after = text[match.end() : match.end() + _BODY_WITHIN]
            body = _BODY.match(_HEADERS.sub(lambda header: " " * len(header[0]), after))
            if body is not None:
                kind = "Google service account key" if account else "private key"
                yield kind, match.start(), match.end() + body.end(), True
    near = _near(text, _STARTS)
    for kind, form in _COMPILED if near else ():
        for start, match in ((start, match) for start, part in near for match in form.finditer(part)):
            group = match.lastindex or 0
            found = match[group]
            if _looks_made(found) or (kind in MIXED_FORMS and not _mixed(found)):
                continue
            yield kind, start + match.start(group), start + match.end(group), True


def _guessed(path: str, text: str) -> Iterator[tuple[str, int, int, bool]]:
    for match in _TOKEN.finditer(text):
        if not _PLACEHOLDER.search(match[0]):
            yield "JSON web token", *match.span(), False
    yield from _logins(text)
    for pattern, kind in ((_BEARER, "authorization header"), (_NETRC, "password")):
        for match in pattern.finditer(text):
            if _mixed(match[1]) and not _looks_made(match[1]) and not _trivial_login(match[1]):
                yield kind, *match.span(1), False
    patterns = [(_QUOTED, 3)] + [(_BARE, 2)] * bool(_BARE_FILE.search(path))
    for start, part in _near(text, _SPOKEN):
        for pattern, group in patterns if len(part) <= _LONGEST_LINE else ():
            for match in pattern.finditer(part):
                if _is_value(match[1], match[group]):
                    yield _named(match[1]), start + match.start(group), start + match.end(group), False


def _near(text: str, pattern: re.Pattern[str]) -> list[tuple[int, str]]:
    """Return the lines in which a pattern is found, with their places: a close look at all of a text takes long."""
    lines: dict[int, str] = {}
    at = 0
    while (match := pattern.search(text, at)) is not None:
        start = text.rfind("\n", 0, match.start()) + 1
        stop = text.find("\n", match.end())
        stop = len(text) if stop < 0 else stop
        lines[start] = text[start:stop]
        at = stop
    return list(lines.items())


def _logins(text: str) -> Iterator[tuple[str, int, int, bool]]:
    if "://" not in text:
        return
    for match in _LOGIN.finditer(text):
        user, password, host = match[2], match[3], match[4]
        if _LOCAL.match(host) or password == user or _TRIVIAL.fullmatch(password) or _looks_made(password):
            continue
        if len(password) >= 4 and not re.search(r"[${}<>%]", password.replace("%40", "")):
            yield "password in an address", *match.span(3), False


def _trivial_login(encoded: str) -> bool:
    """Say whether what a basic authorization holds is a login that nobody uses."""
    with suppress(ValueError):
        user, _, password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
        return _TRIVIAL.fullmatch(password) is not None or user == password
    return False


def _named(name: str) -> str:
    return "password" if re.search(r"(?i)pass|pwd", name) else "secret"


# Languages that are written without spaces: what looks like one long word is a sentence.
_SPEECH: Final = re.compile(r"[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3000-\u9fff\uac00-\ud7af\uff01-\uff60]")


def _is_value(name: str, value: str) -> bool:
    """Say whether a value given to the name of a secret looks like one itself."""
    if _NO_SECRET_NAME.search(name) or not is_secret_name(name):
        return False
    shortest = 6 if _named(name) == "password" else 10
    if not shortest <= len(value) <= 500 or re.search(r"\s", value) or _SPEECH.search(value):
        return False
    if _REFERENCE.fullmatch(value) or _TRIVIAL.fullmatch(value) or _looks_made(value) or _COUNTED.search(value):
        return False
    kinds = sum(bool(re.search(kind, value)) for kind in ("[a-z]", "[A-Z]", r"\d", r"[^\w-]"))
    return kinds >= 2 and len(set(value)) >= 5 and _entropy(value) >= (2.2 if shortest == 6 else 2.8)


def _looks_made(value: str) -> bool:
    """Say whether a value only stands for one: a word that says so, or the same few characters again and again."""
    tail = value.rpartition("_")[2] or value
    return _PLACEHOLDER.search(value) is not None or (len(tail) >= 12 and len(set(tail)) <= 3)


def _mixed(value: str) -> bool:
    return bool(re.search(r"\d", value)) and bool(re.search(r"[A-Za-z]", value))


def _entropy(value: str) -> float:
    counts = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
