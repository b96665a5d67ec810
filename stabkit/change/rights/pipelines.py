"""What pipelines other than GitHub's may do: GitLab, CircleCI, Azure, Jenkins, Bitbucket."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from stabkit.change.rights.right import Right, scripts_of_others
from stabkit.change.yaml_documents import Section, Sequence, Text, line_of, read_yaml, walk

__all__ = ["pipeline_rights"]

_JENKINS: Final = re.compile(
    r"(credentialsId\s*:\s*|\bcredentials\(\s*)['\"]([^'\"\n]+)['\"]|(--privileged)\b|(/var/run/docker\.sock)|(@NonCPS)"
)


def pipeline_rights(path: str, text: str) -> list[Right]:
    """Return the rights of a pipeline, by what its service calls them."""
    if not path.endswith((".yml", ".yaml")):
        return list(_jenkins(text))
    documents = [document for document in read_yaml(text) if isinstance(document, Section)]
    return [right for document in documents for way, key, part in walk(document) for right in _of_part(way, key, part)]


def _of_part(way: tuple[str, ...], key: str | None, part: Any) -> Iterator[Right]:
    place = ".".join(way)
    if key == "id_tokens" and isinstance(part, Section):
        for name in part:
            yield Right(f"{place}.{name}", 1, "an identity token", line_of(name), "token")
    elif key == "context" and "jobs" in way:
        names = [part] if isinstance(part, Text) else part if isinstance(part, Sequence) else []
        for name in names:
            yield Right(f"context {name} for {way[-2]}", 1, str(name), line_of(name), "secrets")
    elif isinstance(part, Text):
        yield from _of_text(place, key, part)
    elif key == "add_ssh_keys" or way[-1:] == ("add_ssh_keys",):
        yield Right("add_ssh_keys", 1, "ssh keys", line_of(key), "secrets")


def _of_text(place: str, key: str | None, part: Text) -> Iterator[Right]:
    holder = place.rpartition(".")[0] if key is None else place
    if "://" in part:
        lines = part.split("\n")
        for number, line in enumerate(lines, start=part.line + (len(lines) > 1)):
            yield from scripts_of_others(line, number)
    if part == "add_ssh_keys":
        yield Right("add_ssh_keys", 1, "ssh keys", part.line, "secrets")
    elif re.search(r"(^|/)docker:[\w.]*-?dind", part) and "services" in place:
        yield Right(f"{holder} docker-in-docker", 1, str(part), part.line, "privileged service", proven=False)
    elif key == "privileged" and part.lower() == "true":
        yield Right(place, 1, "true", part.line, "privileged container")
    elif key == "remote" and "include" in place.split("."):
        yield Right(f"include {part}", 1, str(part), part.line, "remote pipeline", proven=False)
    elif key == "persistCredentials" and part.lower() == "true":
        yield Right(place, 1, "true", part.line, "token")
    elif "$(System.AccessToken)" in part or (part.strip() == "docker" and key is None and "services" in place):
        yield Right(place, 1, str(part).strip()[:80], part.line, "token", proven="System" in part)
    elif key == "oidc" and part.lower() == "true":
        yield Right(place, 1, "true", part.line, "token")
    elif key == "insecure-external-code-execution" and part == "allow":
        yield Right(place, 1, "allow", part.line, "external code")
    elif re.search(r"\bdocker run\b[^\n]*--privileged|/var/run/docker\.sock", part):
        yield Right(f"{holder} host rights", 1, "privileged container", part.line, "privileged container", proven=False)


def _jenkins(text: str) -> Iterator[Right]:
    for number, said in enumerate(text.split("\n"), start=1):
        yield from scripts_of_others(said, number)
    for match in _JENKINS.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if match[2]:
            yield Right(f"credentials {match[2]}", 1, match[2], line, "secrets", proven=False)
        elif match[3] or match[4]:
            yield Right(match[3] or match[4], 1, match[0], line, "privileged container", proven=False)
