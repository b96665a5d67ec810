"""What pipelines run on and use: actions, orbs, tasks, hooks, images, and what their steps install."""

from __future__ import annotations

import re
from typing import Any, Final

from stabkit.change.dependencies.entries import Entry
from stabkit.change.dependencies.images import image, image_values
from stabkit.change.dependencies.installed import installed, shell_lines
from stabkit.change.yaml_documents import Section, Sequence, Text, read_yaml, walk

__all__ = ["read_hooks", "read_jenkinsfile", "read_pipeline"]

_TOOL: Final = re.compile(r"(python|node|go|java|ruby|php|dotnet|deno|bun|uv|pnpm|poetry)-version")
_SCRIPTS: Final = ("run", "script", "before_script", "after_script", "command", "bash", "pwsh", "install", "commands")


def read_pipeline(_path: str, text: str) -> list[tuple[str, Entry]]:
    """Return what a pipeline in YAML names with a version, whichever service runs it."""
    found: list[tuple[str, Entry]] = []
    for document in read_yaml(text):
        found += [("image", entry) for entry in image_values(document, "ci")]
        for way, key, part in walk(document):
            if isinstance(part, Text):
                found += _named(way, key, part)
            elif isinstance(part, Section) and way[-1:] == ("orbs",):
                found += [("orb", _at(said)) for said in part.values() if isinstance(said, Text) and "@" in said]
    return found


def _named(way: tuple[str, ...], key: str | None, part: Text) -> list[tuple[str, Entry]]:
    name = str(key) if key is not None else next((step for step in reversed(way) if not step.isdigit()), "")
    if name == "uses" and "@" in part and not part.startswith(("./", "docker://")):
        return [("action", _at(part))]
    images = name in ("container", "services") or (name == "name" and "services" in way)
    if (images and re.fullmatch(r"[\w./-]+:[\w.-]+(@\S+)?", part)) or part.startswith("docker://"):
        entry = image(part, part.line, "ci")
        return [("image", entry)] if entry is not None else []
    if (tool := _TOOL.fullmatch(name)) and "with" in way and "$" not in part:
        return [("tool", Entry(tool[1], str(part), part.line, "ci", exact=True))]
    if name in _SCRIPTS:
        # A text of several lines starts on the line below its key.
        first = part.line + ("\n" in part)
        return installed(shell_lines(part, first), "ci")
    return _of_service(name, way, part)


def _of_service(name: str, way: tuple[str, ...], part: Text) -> list[tuple[str, Entry]]:
    if name in ("task", "pipe") and re.search(r"[@:]\S+$", part):
        return [("task", _at(part, "@" if "@" in part else ":"))]
    if name == "ref" and "include" in way:
        return [("include", Entry("include", str(part), part.line, "ci", exact=True))]
    if name in ("runs-on", "vmImage") or (name == "machine" and "image" in way):
        return [("runner", Entry("runner", str(part), part.line, "ci", exact=True))] if "$" not in part else []
    return []


def _at(said: Text, sign: str = "@") -> Entry:
    name, _, version = said.partition(sign)
    return Entry(name, version.strip(), said.line, "ci", exact=True)


def read_jenkinsfile(_path: str, text: str) -> list[tuple[str, Entry]]:
    """Return the images and libraries that a Jenkinsfile names, by pattern."""
    found: list[tuple[str, Entry]] = []
    for match in re.finditer(
        r"\bimage(?:\(|\s*:?\s*)\s*['\"]([\w./-]+:[\w.-]+)['\"]|@Library\(['\"]([^'\"@]+)@([^'\"]+)", text
    ):
        line = text.count("\n", 0, match.start()) + 1
        if match[2]:
            found.append(("library", Entry(match[2], match[3], line, "ci", exact=True, proven=False)))
        elif (entry := image(match[1], line, "ci", proven=False)) is not None:
            found.append(("image", entry))
    return found


def read_hooks(_path: str, text: str) -> list[tuple[str, Entry]]:
    """Return the repositories that a .pre-commit-config.yaml takes its hooks from."""
    found: list[tuple[str, Entry]] = []
    for document in read_yaml(text):
        repositories: Any = document.get("repos") if isinstance(document, Section) else document
        for one in repositories if isinstance(repositories, Sequence) else []:
            if isinstance(one, Section) and one.get("rev"):
                name = str(one.get("repo")).rstrip("/").removesuffix(".git")
                name = re.sub(r"^https?://(www\.)?", "", name)
                rev = one["rev"]
                found.append(("hook", Entry(name, str(rev), rev.line, "development", exact=True)))
    return found
