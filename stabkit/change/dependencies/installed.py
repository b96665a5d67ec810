"""What shell commands install by name: ``pip install x==1``, ``apt-get install x=1``, ``npm install -g x@1``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from stabkit.change.dependencies.entries import Entry, requirement
from stabkit.change.facts import Scope

__all__ = ["installed", "shell_lines"]

# The command, and what parts a name from its version. Of what is written without a version, the name alone counts.
_COMMANDS: Final[tuple[tuple[str, re.Pattern[str], str], ...]] = (
    ("python", re.compile(r"\b(?:pip3?(?:\.\d+)?|uv\s+pip|pipx|uv\s+tool)\s+install\b(.*)"), "=="),
    ("python", re.compile(r"\buv\s+(?:add)\b(.*)"), "=="),
    ("system", re.compile(r"\b(?:apt-get|apt|aptitude)\s+(?:-\S+\s+)*install\b(.*)"), "="),
    ("system", re.compile(r"\bapk\s+(?:-\S+\s+)*add\b(.*)"), "="),
    ("system", re.compile(r"\b(?:yum|dnf|microdnf|zypper)\s+(?:-\S+\s+)*install\b(.*)"), ""),
    (
        "javascript",
        re.compile(r"\b(?:npm\s+(?:-\S+\s+)*(?:install|i|add)|yarn\s+global\s+add|pnpm\s+(?:add|i))\b(.*)"),
        "@",
    ),
    ("conda", re.compile(r"\b(?:conda|mamba|micromamba)\s+install\b(.*)"), "="),
    ("go", re.compile(r"\bgo\s+(?:install|get)\b(.*)"), "@"),
    ("rust", re.compile(r"\bcargo\s+(?:install|binstall)\b(.*)"), "@"),
    ("ruby", re.compile(r"\bgem\s+install\b(.*)"), ":"),
)
# Options that take a word of their own.
_TAKING: Final = re.compile(
    r"\s(-(?:r|c|t|i|f|o|n)|--(?:requirement|constraint|target|index-url|extra-index-url|find-links|prefix|root|"
    r"virtual|repository|trusted-host|name|channel|cache|python|registry|no-binary|only-binary|platform))[\s=]+\S+"
)
_VERSION: Final = re.compile(r"\s(?:-v|--version|--vers)[\s=]+['\"]?(\S+?)['\"]?(?=\s|$)")


def shell_lines(text: str, first: int = 1) -> Iterator[tuple[int, str]]:
    r"""Yield the commands of a shell text with their lines, those joined that a backslash carries on.

    Examples
    --------
    >>> list(shell_lines("a && b\nc \\\n d; e"))
    [(1, 'a'), (1, 'b'), (2, 'c'), (3, 'd'), (3, 'e')]
    """
    # A command that a backslash carries on over several lines tells the line of its own words.
    number, carried = first, ""
    for line in text.split("\n"):
        said = line.strip()
        more = said.endswith("\\")
        if not said.startswith("#"):
            parts = re.split(r"&&|\|\||[;|]", said.rstrip("\\"))
            if carried and not re.match(r"\s*(&&|\|\||[;|])", said):
                parts[0] = f"{carried} {parts[0].strip()}"
            yield from ((number, part.strip()) for part in parts if part.strip())
            carried = _command(parts[-1]) if more else ""
        number += 1


def _command(part: str) -> str:
    """Return the start of a command that goes on: the words it is known by."""
    for _, pattern, _ in _COMMANDS:
        if match := pattern.search(part):
            return part[: match.start(1)].strip()
    return ""


def installed(commands: Iterator[tuple[int, str]], scope: Scope) -> list[tuple[str, Entry]]:
    r"""Return what commands install, each with the ecosystem it comes from.

    Examples
    --------
    >>> lines = shell_lines("pip install -r a.txt 'flask==2.0' uv\napt-get install -y curl=7.1")
    >>> found = installed(lines, "production")
    >>> [(ecosystem, entry.name, entry.version) for ecosystem, entry in found]
    [('python', 'flask', '2.0'), ('python', 'uv', ''), ('system', 'curl', '7.1')]
    """
    found: list[tuple[str, Entry]] = []
    for line, command in commands:
        for ecosystem, pattern, sign in _COMMANDS:
            if match := pattern.search(command):
                found += [(ecosystem, entry) for entry in _words(match[1], line, ecosystem, sign, scope)]
                break
    return found


def _words(said: str, line: int, ecosystem: str, sign: str, scope: Scope) -> Iterator[Entry]:
    alone = _VERSION.search(f" {said}") if ecosystem in ("rust", "ruby") else None
    plain = _VERSION.sub(" ", f" {said}") if alone else f" {said}"
    for word in re.findall(r"\"[^\"]*\"|'[^']*'|\S+", re.split(r"\s#", _TAKING.sub(" ", plain))[0]):
        text = word.strip("\"'")
        if not re.match(r"[@\w]", text) or re.search(r"[$<>|&{}()*\\]", text.replace(">=", "").replace("<", "")):
            continue
        if re.match(r"\.|/", text) or re.search(r"\.(whl|tar\.gz|tgz|deb|txt|rpm)$", text) or "://" in text:
            continue
        if ecosystem == "python":
            entry = requirement(text, line, scope)
            if entry is not None:
                yield Entry(entry.name, entry.version, line, scope, entry.exact, details=entry.details, proven=False)
            continue
        name, _, version = text[1:].partition(sign) if sign else (text[1:], "", "")
        version = alone[1] if alone else version.lstrip("=")
        yield Entry(text[0] + name, version, line, scope, exact=bool(version), proven=False)
