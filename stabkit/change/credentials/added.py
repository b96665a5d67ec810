"""Whether the change adds no secret: a line of the checklist. No fact ever holds one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from stabkit.change.credentials.kinds import secrets_in
from stabkit.change.facts import Answer, Fact, Scope, answered
from stabkit.change.paths import categorise
from stabkit.change.ranges import Change
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_credentials"]

# Files that hold secrets by what they are called, whatever stands in them.
_KEPT: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("environment file", re.compile(r"(^|/)\.env(\.(local|prod|production|staging|live|secrets?))?$")),
    ("private key file", re.compile(r"(^|/)id_(rsa|dsa|ecdsa|ed25519)$|\.(pem|key|ppk)$")),
    ("key store", re.compile(r"\.(p12|pfx|jks|keystore|kdbx|bks)$")),
    (
        "password file",
        re.compile(r"(^|/)(\.htpasswd|\.pgpass|\.netrc|_netrc|\.git-credentials|\.vault[-_]pass(word)?)$"),
    ),
)
_PUBLIC: Final = re.compile(rb"-----BEGIN (CERTIFICATE|[A-Z ]*PUBLIC KEY|DH PARAMETERS)|\.pub$")
_GIVEN: Final = re.compile(rb"^\s*(?:export\s+)?\w+\s*=\s*\S", re.MULTILINE)
_TEACHES: Final = re.compile(
    r"(^|/)(examples?|samples?|fixtures?|test[-_]?data|demos?|mocks?|__mocks__|cypress|e2e|benchmarks?)/"
)
# Sums of contents and pictures as text: nothing in them is a secret, and much looks like one.
_LOCKS: Final = re.compile(r"(^|/)[^/]*(\.lock|-lock\.(json|yaml)|go\.sum|\.svg|\.po|\.map|\.min\.(js|css))$")


def answer_credentials(snapshots: Snapshots) -> Answer:
    """Return the answer of the line.

    What a changed file held before is not added, nor what moves from one changed file to another.
    """
    found: list[Fact] = []
    unread: list[str] = []
    examined = 0
    older = "\0".join(
        content.decode("utf-8", "replace")
        for change in snapshots.changes
        if (content := snapshots.before(change)) is not None and b"\0" not in content[:8_000]
    )
    for change in snapshots.changes:
        if snapshots.new(change) is None:
            continue
        content = snapshots.after(change)
        named = list(_by_name(change, content))
        if content is None:
            found += named
            unread.append(change.path)
            continue
        if b"\0" in content[:8_000]:
            found += named
            continue
        examined += 1
        if _LOCKS.search(change.path):
            continue
        inside = list(_in_text(change, snapshots.before(change), content, older))
        found += inside or named
    why = f"could not be read: {', '.join(unread[:10])}{', …' if len(unread) > 10 else ''}" if unread else None
    return answered(found, examined, "changed text files", why=why)


def _in_text(change: Change, before: bytes | None, after: bytes, older: str) -> Iterator[Fact]:
    scope = _scope(change.path)
    seen: set[str] = set()
    known = set((before or b"").split(b"\n"))
    # Lines that stood there before are blank: those that are left keep their numbers.
    lines = (b"" if line in known and b"PRIVATE KEY" not in line else line for line in after.split(b"\n"))
    text = b"\n".join(lines).decode("utf-8", "replace")
    for secret in secrets_in(change.path, text):
        # Tests and documents are full of what merely looks like a secret.
        if secret.text in seen or secret.text in older or (scope == "development" and not secret.proven):
            continue
        seen.add(secret.text)
        yield Fact(change.path, secret.line, secret.kind, "added", "secret", None, None, secret.proven, scope)


def _by_name(change: Change, content: bytes | None) -> Iterator[Fact]:
    for kind, pattern in _KEPT:
        if not pattern.search(change.path) or (change.status != "added" and pattern.search(change.base_path)):
            continue
        text = content or b""
        if kind == "environment file" and not _GIVEN.search(text):
            continue
        if kind == "private key file" and _PUBLIC.search(text):
            continue
        yield Fact(change.path, None, kind, "added", "file", proven=False, scope=_scope(change.path))


def _scope(path: str) -> Scope:
    category = categorise(path)
    if category in ("test", "doc") or _TEACHES.search(path):
        return "development"
    return "ci" if category == "ci" else "production"
