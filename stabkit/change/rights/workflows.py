"""What the workflows and actions of GitHub may do, and what they let strangers do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from stabkit.change.rights.right import Right, scripts_of_others
from stabkit.change.yaml_documents import Section, Sequence, Text, line_of, read_yaml, walk

__all__ = ["DEFAULT", "workflow_rights"]

DEFAULT: Final = "the default"
"""The value of permissions that are not stated: what the repository's settings say."""

_RANKS: Final = {"none": 0, "read": 1, "write": 2, "read-all": 1, "write-all": 2}
_TRIGGERS: Final = ("pull_request_target", "workflow_run")
# Whoever may write a comment starts these with the rights of the repository; a condition inside may stop them.
_COMMENTED: Final = ("issue_comment", "discussion_comment")
_OWN: Final = ("actions", "github")
_UNTRUSTED: Final = re.compile(
    r"github\.head_ref|github\.event\.(?:(?:issue|pull_request|discussion)\.(?:title|body)|"
    r"pull_request\.head\.(?:ref|label|repo\.default_branch|repo\.description|repo\.homepage)|"
    r"(?:comment|review|review_comment)\.body|pages\S*page_name|commits\S*\.(?:message|author\.\w+)|"
    r"head_commit\.(?:message|author\.\w+|committer\.\w+)|workflow_run\.(?:head_branch|display_title|head_commit\.message|"
    r"head_repository\.description|pull_requests\S*head\.ref))"
)
_HEAD: Final = re.compile(
    r"github\.event\.pull_request\.head\.|github\.head_ref|github\.event\.workflow_run\.head_|refs/pull/|"
    r"github\.event\.pull_request\.merge_commit_sha|github\.event\.number"
)
_FETCHED: Final = re.compile(
    r"gh pr checkout|git (?:fetch|pull|checkout)\b[^\n]*(?:pull/|github\.head_ref|pull_request\.head)"
)
_LOOSENING: Final = ("ACTIONS_ALLOW_UNSECURE_COMMANDS", "ACTIONS_ALLOW_USE_UNSECURE_NODE_VERSION")


def workflow_rights(text: str) -> list[Right]:
    """Return the rights of a workflow or of an action of one's own."""
    return [right for document in read_yaml(text) if isinstance(document, Section) for right in _rights(document)]


def _rights(document: Section) -> Iterator[Right]:
    triggers = _triggers(document.get("on"))
    for name, line in triggers.items():
        if name in (*_TRIGGERS, *_COMMENTED):
            yield Right(f"on.{name}", 1, name, line, "trigger", proven=name in _TRIGGERS)
    jobs = document.get("jobs")
    jobs = jobs if isinstance(jobs, Section) else Section()
    if "jobs" in document:
        yield from _permissions(document, "")
    for name, job in jobs.items():
        if isinstance(job, Section):
            yield from _permissions(job, f"jobs.{name}.")
            yield from _of_job(job, f"jobs.{name}")
    outside = any(name in triggers for name in (*_TRIGGERS, *_COMMENTED))
    for way, key, part in walk(document):
        yield from _of_part(way, key, part, outside=outside)


def _triggers(on: Any) -> dict[str, int | None]:
    if isinstance(on, Text):
        return {str(on): on.line}
    if isinstance(on, Section):
        return {name: line_of(name) for name in on}
    return {str(name): line_of(name) for name in on} if isinstance(on, Sequence) else {}


def _permissions(holder: Section, prefix: str) -> Iterator[Right]:
    """Yield the stated permissions of a workflow or job, or that there are none."""
    what = f"{prefix}permissions"
    if "permissions" not in holder:
        yield Right(what, 0, DEFAULT, None, "permission")
        return
    stated = holder["permissions"]
    line = next((line_of(key) for key in holder if key == "permissions"), None)
    if isinstance(stated, Section):
        yield Right(what, 0, "stated", line, "permission")
        for scope, value in stated.items():
            rank = _RANKS.get(str(value), 0)
            yield Right(f"{what}.{scope}", rank, str(value), line_of(scope), "permission")
    else:
        rank = _RANKS.get(str(stated), 0)
        yield Right(what, rank, str(stated) or "none", line, "permission")


def _of_job(job: Section, place: str) -> Iterator[Right]:
    if job.get("secrets") == "inherit":
        yield Right(f"{place}.secrets", 1, "inherit", line_of(job["secrets"]), "secrets")
    runs_on = job.get("runs-on")
    for _, _, part in walk(runs_on):
        if isinstance(part, Text) and "self-hosted" in part:
            yield Right(f"{place}.runs-on", 1, "self-hosted", part.line, "runner")
            break


def _of_part(way: tuple[str, ...], key: str | None, part: Any, *, outside: bool) -> Iterator[Right]:
    if isinstance(part, Section):
        if outside and str(part.get("uses", "")).startswith("actions/checkout"):
            given = part.get("with")
            for name in ("ref", "repository"):
                said = given.get(name) if isinstance(given, Section) else None
                if isinstance(said, Text) and (_HEAD.search(said) or "head.repo" in said):
                    yield Right(f"checkout of {said.strip()}", 1, str(said), said.line, "checkout of foreign code")
                    break
        return
    if not isinstance(part, Text) or key is None:
        return
    if key == "run" or (key == "script" and way[-2:-1] == ("with",)):
        yield from _of_script(part, outside=outside)
    elif key == "uses":
        action, _, version = part.partition("@")
        third = "/" in action and not action.startswith(("./", "docker:")) and action.split("/")[0] not in _OWN
        if third and not re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", version.strip()):
            yield Right(
                f"uses {action}", 1, version.strip() or "no version", part.line, "unpinned action", proven=False
            )
    elif key in _LOOSENING and part.lower() == "true":
        yield Right(str(key), 1, "true", part.line, "insecure commands")


def _of_script(script: Text, *, outside: bool) -> Iterator[Right]:
    lines = script.split("\n")
    first = script.line + (len(lines) > 1)
    for number, line in enumerate(lines, start=first):
        for expression in re.findall(r"\$\{\{([^{}]*)\}\}", line):
            if found := _UNTRUSTED.search(expression):
                yield Right(f"untrusted {found[0]} in a script", 1, found[0], number, "untrusted input")
        if outside and _FETCHED.search(line):
            yield Right(
                "checkout of a pull request in a script", 1, line.strip()[:80], number, "checkout of foreign code"
            )
        yield from scripts_of_others(line, number)
        for name in _LOOSENING:
            if re.search(rf"\b{name}\s*[=:]\s*[\"']?true", line, re.IGNORECASE):
                yield Right(name, 1, "true", number, "insecure commands")
