"""The container images that a repository builds on and runs: Dockerfile, compose, Kubernetes, Helm, Kustomize."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from stabkit.change.dependencies.entries import Entry, kept
from stabkit.change.dependencies.installed import installed, shell_lines
from stabkit.change.dependencies.markup import without
from stabkit.change.facts import Scope
from stabkit.change.yaml_documents import Section, Text, read_yaml, walk

__all__ = ["image", "image_values", "read_dockerfile", "read_images"]

_ARG: Final = re.compile(r"(?i)^\s*(?:ARG|ENV)\s+(.+)$")
_FROM: Final = re.compile(r"(?i)^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?")
_COPY: Final = re.compile(r"(?i)^\s*(?:COPY|ADD|RUN)\s+.*?--(?:from=|mount=\S*?\bfrom=)([^\s,]+)")
_SET: Final = re.compile(r"(\w+)=(\"[^\"]*\"|'[^']*'|\S*)")
_VARIABLE: Final = re.compile(r"\$\{(\w+)(?::?[-=]([^}]*))?\}|\$(\w+)")
_OWN: Final = ("VERSION", "APP_VERSION", "BUILD_VERSION", "RELEASE_VERSION", "IMAGE_VERSION", "PROJECT_VERSION")
_REGISTRY: Final = ("docker.io/library/", "index.docker.io/library/", "docker.io/", "index.docker.io/", "library/")


def image(said: str, line: int | None, scope: Scope, *, proven: bool = True) -> Entry | None:
    """Return an image with its tag or digest; None for what is none.

    Examples
    --------
    >>> entry = image("docker.io/library/python:3.12@sha256:ab", 1, "production")
    >>> entry.name, entry.version, entry.details
    ('python', '3.12', (('digest', 'sha256:ab'),))
    >>> image("localhost:5000/a/b", 1, "production").name
    'localhost:5000/a/b'
    """
    plain, _, digest = said.strip().strip("\"'").removeprefix("docker://").partition("@")
    if not re.fullmatch(r"[\w.:/${}+-]+", plain) or plain == "scratch" or plain.startswith((".", "/")):
        return None
    head, slash, last = plain.rpartition("/")
    name, _, tag = last.partition(":")
    name = f"{head}{slash}{name}"
    for prefix in _REGISTRY:
        name = name.removeprefix(prefix)
    details = kept({"digest": digest})
    tag = tag or ("" if digest else "latest")
    return Entry(name, tag, line, scope, exact=True, details=details, proven=proven) if name else None


def read_dockerfile(path: str, text: str) -> list[tuple[str, Entry]]:
    """Return the images and the named packages that a Dockerfile puts together."""
    scope: Scope = (
        "development" if re.search(r"(?i)(^|[/.-])(dev|test|ci|devcontainer|local)([/.-]|$)", path) else "production"
    )
    values: dict[str, str] = {}
    stages: set[str] = set()
    found: list[tuple[str, Entry]] = []
    begun = False
    places: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if argument := _ARG.match(line):
            given = {name: value.strip("\"'") for name, value in _SET.findall(argument[1])}
            values = {**values, **given} if not begun else {**given, **values}
            places |= dict.fromkeys(given, number)
        elif stage := _FROM.match(line):
            begun = True
            said = _filled(stage[1], values)
            # The version stands where the argument does that the line is filled with.
            named = [places[name] for name in map(_name, _VARIABLE.finditer(stage[1])) if name in places]
            entry = image(said, named[-1] if named else number, scope)
            if entry is not None and said.lower() not in stages:
                found.append(("image", entry))
            if stage[2]:
                stages.add(stage[2].lower())
        elif (copied := _COPY.match(line)) and not copied[1].isdigit() and copied[1].lower() not in stages:
            entry = image(_filled(copied[1], values), number, scope)
            # A stage further down, or a build context, is a name alone.
            if entry is not None and re.search(r"[:/@]", copied[1]):
                found.append(("image", entry))
    versions = {name: value for name, value in values.items() if re.match(r"[vV=]?\d", value)}
    commands = ((n, _filled(said, versions)) for n, said in shell_lines(re.sub(r"(?im)^[ \t]*RUN\s", "", text)))
    found += installed(commands, scope)
    told = " ".join(entry.version for _, entry in found)
    for name, place in places.items():
        # What is downloaded by its version; that of the image's own software is none.
        if name.endswith("VERSION") and name not in _OWN and name in versions and versions[name] not in told:
            found.append(("argument", Entry(name, versions[name], place, scope, exact=True, proven=False)))
    return found


def _name(match: re.Match[str]) -> str:
    return match[1] or match[3]


def _filled(said: str, values: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda match: values.get(_name(match)) or match[2] or match[0], said)


def read_images(path: str, text: str) -> list[tuple[str, Entry]]:
    """Return the images that a compose file, a manifest of Kubernetes or the values of a chart name."""
    scope: Scope = "production"
    if re.search(r"(?i)(^|[/._-])(dev|develop|development|test|tests|ci|local|override|devcontainer)([/._-]|$)", path):
        scope = "development"
    return [("image", entry) for document in _documents(text) for entry in image_values(document, scope)]


def _documents(text: str) -> list[Any]:
    # The templates of a chart are no YAML: what stands in braces is taken out, a line of nothing else stays empty.
    if "{{" in text:
        lines = ("" if line.lstrip(" -").startswith("{{") else line for line in text.split("\n"))
        text = without("\n".join(lines), "{{", "}}", instead="x")
    return read_yaml(text)


def image_values(document: Any, scope: Scope) -> Iterator[Entry]:
    """Yield the images of a document: values of ``image``, one with its repository and tag apart, new tags."""
    for way, key, part in walk(document):
        found: Entry | None = None
        if key == "image" and isinstance(part, Text):
            found = image(_filled(part, {}), part.line, scope)
        elif isinstance(part, Section) and "image" in (key or "").lower() and "repository" in part:
            tag = part.get("tag")
            said = f"{part['repository']}:{tag}" if tag else str(part["repository"])
            registry = f"{part['registry']}/" if part.get("registry") else ""
            digest = f"@{part['digest']}" if part.get("digest") else ""
            found = image(f"{registry}{said}{digest}", getattr(tag, "line", part.line), scope)
        elif isinstance(part, Section) and "images" in way[-2:-1] and ("newTag" in part or "digest" in part):
            name = part.get("newName") or part.get("name")
            tag = part.get("newTag") or ""
            said = f"{name}:{tag}" if tag else f"{name}@{part.get('digest')}"
            found = image(said, getattr(tag, "line", part.line), scope)
        if found is not None and found.name != "x":
            yield found
