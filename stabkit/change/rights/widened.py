"""Whether the pipelines may do no more than before: a line of the checklist."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from stabkit.change.facts import Answer, Fact, answered
from stabkit.change.git import Blob
from stabkit.change.rights.containers import GRANTS, container_rights
from stabkit.change.rights.pipelines import pipeline_rights
from stabkit.change.rights.right import Right
from stabkit.change.rights.workflows import DEFAULT, workflow_rights
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_permissions"]

_WORKFLOW: Final = re.compile(r"\.github/workflows/[^/]+\.ya?ml|(?:.*/)?action\.ya?ml")
_PIPELINE: Final = re.compile(
    r"(?:.*/)?\.gitlab-ci\.ya?ml|\.gitlab/.*\.ya?ml|\.circleci/.*\.ya?ml|(?:.*/)?azure-pipelines[^/]*\.ya?ml|"
    r"\.azure-pipelines/.*\.ya?ml|bitbucket-pipelines\.yml|\.drone\.ya?ml|\.woodpecker(?:\.ya?ml|/.*\.ya?ml)|"
    r"cloudbuild\.ya?ml|\.buildkite/.*\.ya?ml|\.travis\.yml|(?:.*/)?[^/]*Jenkinsfile[^/]*|\.github/dependabot\.ya?ml"
)
_STATED: Final = re.compile(r"((?:jobs\..*\.)?permissions)(?:\.[\w-]+)?")


def answer_permissions(snapshots: Snapshots) -> Answer:
    """Return the answer of the line.

    Notes
    -----
    Of each changed pipeline the rights at both ends are compared; fewer rights are no fact. What a container may do
    where the system runs is looked at too, and is of the scope production. That a stated block of permissions is gone,
    and an action of others that no commit pins, need not widen anything: they are marked as found by pattern.
    """
    pipelines = {path for path in {**snapshots.base_tree, **snapshots.head_tree} if _reader(path) is not None}
    gone = [c.base_path for c in snapshots.changes if c.status == "deleted" and c.base_path in pipelines]
    pool = {right.what for path in gone for right in _read(snapshots, snapshots.base_tree.get(path)) or ()}
    found: list[Fact] = []
    unread: list[str] = []
    others: set[str] = set()
    for change in snapshots.changes:
        old, new = snapshots.old(change), snapshots.new(change)
        if new is None or (change.path not in pipelines and not _grants(snapshots, new)):
            continue
        before, after = _read(snapshots, old), _read(snapshots, new)
        if before is None or after is None:
            if change.path in pipelines:
                unread.append(change.path)
            continue
        facts = list(_widened(change.path, before, after, pool if old is None else set(), new_file=old is None))
        if facts and change.path not in pipelines:
            others.add(change.path)
        found += facts
    found = _new_actions(snapshots, found, pipelines)
    why = f"could not be read: {', '.join(unread)}" if unread else None
    if not pipelines and not found:
        return Answer("not_checked", noun="pipelines", why="no pipeline found", settled=True)
    found.sort(key=lambda fact: (not fact.proven, fact.path, fact.line or 0))
    return answered(found, len(pipelines) + len(others), "pipelines", why=why)


def _reader(path: str) -> Callable[[str], list[Right]] | None:
    if _WORKFLOW.fullmatch(path):
        return workflow_rights
    return (lambda text: pipeline_rights(path, text)) if _PIPELINE.fullmatch(path) else None


def _grants(snapshots: Snapshots, blob: Blob) -> bool:
    return blob.path.endswith((".yml", ".yaml")) and GRANTS.search(snapshots.content(blob) or b"") is not None


def _read(snapshots: Snapshots, blob: Blob | None) -> list[Right] | None:
    """Return the rights of a file; none for no file, None for one that cannot be read."""
    if blob is None:
        return []
    content = snapshots.content(blob)
    if content is None:
        return None
    reader = _reader(blob.path) or (lambda text: container_rights(blob.path, text))
    try:
        return reader(content.decode("utf-8-sig"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _widened(
    path: str, before: Iterable[Right], after: Iterable[Right], moved: set[str], *, new_file: bool
) -> Iterable[Fact]:
    old = {right.what: right for right in before}
    new: dict[str, Right] = {}
    for right in after:
        new.setdefault(right.what, right)
    for right in new.values():
        if right.what in moved:
            continue
        if right.noun == "permission":
            yield from _permission(path, right, old, new, new_file=new_file)
        elif right.what not in old:
            yield _fact(path, right, None)


def _fact(path: str, right: Right, before: str | None, *, proven: bool = True) -> Fact:
    change = "added" if before is None else "changed"
    sure = proven and right.proven
    return Fact(path, right.line, right.what, change, right.noun, before, right.value, sure, right.scope)


def _permission(
    path: str, right: Right, old: Mapping[str, Right], new: Mapping[str, Right], *, new_file: bool
) -> Iterable[Fact]:
    holder = _STATED.fullmatch(right.what)
    block = holder[1] if holder else right.what
    one = right.what != block
    if right.value == DEFAULT:
        yield from _block_gone(path, right, old, new)
        return
    # What the block says by itself, or what the workflow said for it.
    level = old.get(block)
    if (level is None or level.value == DEFAULT) and block != "permissions":
        block_before, level = "permissions", old.get("permissions")
    else:
        block_before = block
    if new_file or level is None or level.value == DEFAULT:
        # Nobody's default lets a job ask for an identity.
        sure = new_file or right.value == "write-all" or right.what.endswith(".id-token")
        if right.rank == 2:
            yield _fact(path, right, None if new_file else DEFAULT, proven=sure)
        return
    same = old.get(f"{block_before}{right.what[len(block) :]}") if one else None
    rank = max(level.rank, same.rank if same is not None else 0)
    stands = level.value if one and same is None and level.value != "stated" else None
    said = same.value if same is not None else stands or ("none" if one else level.value)
    if not one and level.value == "stated" and right.rank:
        scopes = [r for r in old.values() if r.what.startswith(f"{block_before}.")]
        said = ", ".join(f"{r.what.rpartition('.')[2]}: {r.value}" for r in scopes) or "none"
    if right.rank > rank or (not one and right.rank and right.rank >= rank and level.value == "stated"):
        yield _fact(path, right, said)


def _block_gone(path: str, right: Right, old: Mapping[str, Right], new: Mapping[str, Right]) -> Iterable[Fact]:
    """Yield that what was stated is not any more, where nothing stands in for it."""
    was = old.get(right.what)
    if was is None or was.value == DEFAULT:
        return
    workflow = new.get("permissions")
    if right.what == "permissions":
        jobs = [r for r in new.values() if re.fullmatch(r"jobs\..*\.permissions", r.what)]
        open_ = not jobs or any(job.value == DEFAULT for job in jobs)
    else:
        open_ = workflow is None or workflow.value == DEFAULT
    if open_:
        said = "stated" if was.value == "stated" else was.value
        yield Fact(path, was.line, right.what, "removed", right.noun, said, DEFAULT, proven=False, scope="ci")
        return
    mine = {r.what.rpartition(".")[2]: r.rank for r in old.values() if r.what.startswith(f"{right.what}.")}
    for scope in [r for r in new.values() if re.fullmatch(r"permissions\.[\w-]+", r.what)]:
        name = scope.what.rpartition(".")[2]
        if scope.rank > max(mine.get(name, 0), was.rank):
            ranks = ("none", "read", "write")
            what = f"{right.what}.{name}"
            yield Fact(path, scope.line, what, "changed", right.noun, ranks[mine.get(name, 0)], scope.value, scope="ci")


def _new_actions(snapshots: Snapshots, found: list[Fact], pipelines: set[str]) -> list[Fact]:
    """Return facts without the unpinned actions that another pipeline used before; each of the others once."""
    if not any(fact.noun == "unpinned action" for fact in found):
        return found
    blobs = [snapshots.base_tree[path] for path in pipelines if path in snapshots.base_tree]
    snapshots.load(blobs)
    seen = {right.what for blob in blobs for right in _read(snapshots, blob) or () if right.noun == "unpinned action"}
    kept: list[Fact] = []
    for fact in found:
        if fact.noun == "unpinned action":
            if fact.what in seen:
                continue
            seen.add(fact.what)
        kept.append(fact)
    return kept
