"""Commands and entry points that manifests declare, and those that a path alone makes."""

from __future__ import annotations

import ast
import configparser
import json
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stabkit.change.python_code import dotted, parse
from stabkit.redact import MASK

__all__ = ["Command", "container_start", "declared_commands", "masked", "may_declare", "named_by_path"]

_MANIFEST: Final = re.compile(
    r"(^|/)(pyproject\.toml|setup\.py|setup\.cfg|package\.json|Cargo\.toml|composer\.json|[^/]+\.gemspec)$"
)
_PATHS: Final = (
    ("Go command", re.compile(r"(?:.*/)?cmd/([^/]+)/main\.go")),
    ("Go command", re.compile(r"(?:([^/]+)/)?main\.go")),
    ("Rust command", re.compile(r"(?:.*/)?src/bin/([^/]+?)(?:/main)?\.rs")),
    ("management command", re.compile(r"(?:.*/)?management/commands/([a-z]\w*)\.py")),
    ("python -m", re.compile(r"(?:src/)?((?:\w+/)*\w+)/__main__\.py")),
)
_SECRET: Final = re.compile(r"(?i)((?:pass\w*|secret|token|[\w-]*key)[= ])\S+")
_ASIDE: Final = re.compile(
    r"(?i)(^|/)(tests?|testing|testdata|fixtures|examples?|docs?|benchmarks?|vendor|third_party|node_modules)/"
)


@dataclass(frozen=True)
class Command:
    """A command or entry point: its kind, its name, where it is declared, what it starts."""

    kind: str
    name: str
    path: str
    line: int | None
    target: str = ""


def may_declare(path: str) -> bool:
    """Say whether a file of that path may declare commands."""
    return _MANIFEST.search(path) is not None and not _ASIDE.search(path)


def named_by_path(paths: Iterable[str]) -> list[Command]:
    """Return the commands that paths make: main packages, management commands, packages that can be run.

    Examples
    --------
    >>> [(one.kind, one.name) for one in named_by_path(["cmd/memo/main.go", "src/shop/__main__.py", "docs/main.go"])]
    [('Go command', 'memo'), ('python -m', 'shop')]
    """
    found: list[Command] = []
    for path in paths:
        if not path.endswith((".go", ".rs", ".py")) or _ASIDE.search(path):
            continue
        for kind, pattern in _PATHS:
            if match := pattern.fullmatch(path):
                found.append(Command(kind, (match[1] or "main").replace("/", "."), path, None))
                break
    return found


def declared_commands(path: str, content: bytes) -> list[Command]:
    """Return what a manifest declares.

    Raises
    ------
    Exception
        Of any kind: a parser may refuse foreign text in its own way.
    """
    text = content.decode("utf-8-sig")
    name = path.rpartition("/")[2]
    pairs: Iterable[tuple[str, str, str]]
    if name == "pyproject.toml":
        pairs = _of_pyproject(tomllib.loads(text))
    elif name == "setup.cfg":
        pairs = _of_setup_cfg(text)
    elif name == "setup.py":
        return list(_of_setup_py(path, content))
    elif name == "package.json":
        pairs = _of_package(json.loads(text))
    elif name == "composer.json":
        pairs = [("command", str(item).rpartition("/")[2], str(item)) for item in json.loads(text).get("bin", [])]
    elif name == "Cargo.toml":
        bins = tomllib.loads(text).get("bin", [])
        pairs = [("Rust command", str(one["name"]), str(one.get("path", ""))) for one in bins]
    else:
        listed = re.search(r"\.executables\s*(?:=|<<)\s*(.*)", text)
        pairs = [("command", item, "") for item in re.findall(r"['\"]([\w.-]+)['\"]", listed[1])] if listed else []
    return [Command(kind, own, path, _line(text, own), target) for kind, own, target in pairs]


def _line(text: str, name: str) -> int | None:
    sections = re.compile(r"script|entry|\bbin\b|plugins|executables")
    word = re.compile(
        rf"(?<![\w.-]){re.escape(name)}(?![\w.-])\"?\s*[=:\]]|name\s*=\s*\"{re.escape(name)}\"|/{re.escape(name)}\b"
    )
    begun = False
    for number, line in enumerate(text.split("\n"), start=1):
        begun = begun or sections.search(line) is not None
        if begun and word.search(line):
            return number
    return None


def _of_pyproject(data: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    project, poetry = data.get("project", {}), data.get("tool", {}).get("poetry", {})
    for table in (project.get("scripts", {}), project.get("gui-scripts", {}), poetry.get("scripts", {})):
        for name, target in table.items():
            said = target.get("callable") or target.get("reference") if isinstance(target, Mapping) else target
            yield "command", str(name), str(said)
    for groups in (project.get("entry-points", {}), poetry.get("plugins", {})):
        for group, table in groups.items():
            for name, target in table.items():
                yield _kind(group), str(name), str(target)


def _kind(group: str) -> str:
    return "command" if group in ("console_scripts", "gui_scripts") else f"entry point of {group}"


def _of_setup_cfg(text: str) -> Iterator[tuple[str, str, str]]:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    if parser.has_section("options.entry_points"):
        for group, items in parser.items("options.entry_points"):
            for item in items.split("\n"):
                name, sign, target = item.partition("=")
                if sign:
                    yield _kind(group), name.strip(), target.strip()
    if parser.has_option("options", "scripts"):
        for item in parser.get("options", "scripts").split():
            yield "command", item.rpartition("/")[2], item


def _of_setup_py(path: str, content: bytes) -> Iterator[Command]:
    tree = parse(content)
    if tree is None:
        raise ValueError("no Python")
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and dotted(call.func).rpartition(".")[2] == "setup"):
            continue
        for keyword in call.keywords:
            if keyword.arg == "scripts":
                for item in _texts(keyword.value):
                    yield Command("command", item.value.rpartition("/")[2], path, item.lineno, item.value)
            elif keyword.arg == "entry_points" and isinstance(keyword.value, ast.Dict):
                for group, items in zip(keyword.value.keys, keyword.value.values, strict=True):
                    kind = _kind(str(group.value) if isinstance(group, ast.Constant) else "")
                    for item in _texts(items):
                        for offset, part in enumerate(item.value.split("\n")):
                            name, sign, target = part.partition("=")
                            if sign:
                                yield Command(kind, name.strip(), path, item.lineno + offset, target.strip())


class _Said(ast.Constant):
    value: str


def _texts(node: ast.AST) -> list[_Said]:
    return [inner for inner in ast.walk(node) if isinstance(inner, ast.Constant) and isinstance(inner.value, str)]  # type: ignore[misc]


def _of_package(data: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    commands = data.get("bin") or {}
    if isinstance(commands, str):
        yield "command", str(data.get("name", "")).rpartition("/")[2], commands
    else:
        for name, target in commands.items():
            yield "command", str(name), str(target)


def container_start(content: bytes) -> dict[str, tuple[str, int]]:
    r"""Return how a container starts: the last ENTRYPOINT and CMD of a Dockerfile, as words, with their lines.

    Examples
    --------
    >>> container_start(b'FROM a\nENTRYPOINT ["run", "it"]\nCMD serve --all\n')
    {'ENTRYPOINT': ('run it', 2), 'CMD': ('serve --all', 3)}
    """
    found: dict[str, tuple[str, int]] = {}
    lines = content.decode("utf-8", "replace").split("\n")
    for number, line in enumerate(lines, start=1):
        words = line.strip().split(None, 1)
        if not words:
            continue
        verb = words[0].upper()
        if verb == "FROM":
            found.clear()
        elif verb in ("ENTRYPOINT", "CMD") and len(words) == 2:
            said = words[1]
            for more in lines[number : number + 50]:
                if not said.endswith("\\"):
                    break
                said = f"{said[:-1].strip()} {more.strip()}"
            found[verb] = (_words(said), number)
    return found


def _words(said: str) -> str:
    try:
        listed = json.loads(said) if said.startswith("[") else shlex.split(said)
        words = list(map(str, listed))
    except (ValueError, RecursionError):
        words = said.split()
    return " ".join(words)


def masked(start: str) -> str:
    """Return the words of a command without what may be a secret.

    Examples
    --------
    >>> masked("serve --password abc --port 80")
    'serve --password *** --port 80'
    """
    return _SECRET.sub(rf"\1{MASK}", start)
