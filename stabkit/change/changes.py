"""A git range as evidence: changed files with the facts that risk is computed from, and checklist lines."""

from __future__ import annotations

import ast
import bisect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.change.checklist import checklist
from stabkit.change.git import Git, repository_state
from stabkit.change.paths import area_of, categorise, owner_of, parse_codeowners
from stabkit.change.python_code import import_graph, importers_of, parse, same_code, touched_functions
from stabkit.change.ranges import Change, History, hunks_text, read_changes, read_history, read_hunks
from stabkit.change.snapshots import Snapshots
from stabkit.config import Area
from stabkit.errors import EvidenceError
from stabkit.redact import redact_text
from stabkit.schema import Evidence

__all__ = ["collect_changes", "repository_state"]

_ENOUGH_COMMITS: Final = 50
_OWNERS: Final = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")


def collect_changes(
    repository: Path | str,
    base: str,
    head: str = "HEAD",
    *,
    areas: Mapping[str, Area] | None = None,
    commit_limit: int = 5_000,
) -> Evidence:
    """Return what changed between two commits, as ``changes``, ``checks`` of the target ``changes``, and ``sources``.

    Nothing is checked out, imported or executed; files are read as blobs and parsed.

    Parameters
    ----------
    repository : Path or str
        A git repository.
    base, head : str
        Anything that names a commit. Compared are the merge base and ``head``; where ``head`` is a commit before
        ``base``, a rollback, the two themselves: what the commits between them brought is taken away.
    areas : mapping of str to Area, optional
        Owner, criticality and business value by path; never guessed.
    commit_limit : int
        At most this many commits before the range are read as history.

    Returns
    -------
    Evidence
        ``changes`` in git's order, null where something could not be known. A range without changes has no rows and
        every check ``not_checked``; a failure of git is a source with status ``error``.

    Raises
    ------
    UsageError
        There is no such folder, or a reference names no commit.
    """
    folder = Path(repository)
    where = f"{folder.resolve().name} {redact_text(base)}..{redact_text(head)}"
    try:
        git = Git(folder)
    except EvidenceError as error:
        return _failed(where, error)
    base_id, head_id = git.commit(base), git.commit(head)
    try:
        return _collect(git, base_id, head_id, where, areas=areas or {}, commit_limit=commit_limit)
    except EvidenceError as error:
        return _failed(where, error)


def _failed(where: str, error: EvidenceError) -> Evidence:
    message = f"{error.what} {error.hint}"
    return Evidence.of(sources=_source(where, 0, "error", message), checks=_unchecked(error.what))


def _unchecked(why: str) -> pd.DataFrame:
    rows, _ = checklist(None, why)
    return pd.DataFrame(rows)


def _source(where: str, rows: int, status: str, message: str | None) -> pd.DataFrame:
    return pd.DataFrame(
        [{"kind": "changes", "format": "git", "path": where, "rows": rows, "status": status, "message": message}]
    )


def _collect(
    git: Git, base_id: str, head_id: str, where: str, *, areas: Mapping[str, Area], commit_limit: int
) -> Evidence:
    start = git.merge_base(base_id, head_id)
    older, newer = start, head_id
    if start == head_id:  # a rollback: from the newer state back to the older one
        start, newer = base_id, base_id
    changes = read_changes(git, start, head_id)
    if not changes:
        message = f"Nothing changed between {start[:12]} and {head_id[:12]}."
        return Evidence.of(sources=_source(where, 0, "ok", message), checks=_unchecked(message))
    hunks = read_hunks(git, start, head_id, changes)
    snapshots = Snapshots.read(git, start, head_id, changes)
    past = read_history(git, older, limit=commit_limit)
    recent = read_history(git, f"{older}..{newer}", limit=commit_limit)
    graph = import_graph(snapshots.modules)
    owners = _codeowners(git, snapshots)
    notes = ["The clone is shallow: history is cut off."] if git.shallow else []
    if hunks is None:
        notes.append("The patch could not be read; touched functions are unknown.")
    rows: list[dict[str, Any]] = []
    count = int(git.read("rev-list", "--count", f"{older}..{newer}", "--"))
    lines, refused = checklist(snapshots)
    for change in changes:
        name, area = area_of(change.path, areas)
        rows.append(
            _facts(change, snapshots, (hunks or {}).get(change.path), graph)
            | _history_facts(change, past, recent, known=not notes or not git.shallow)
            | {
                "owner": owner_of(change.path, owners) or (area.owner if area else None),
                "criticality": area.criticality if area else None,
                "value": area.value if area else None,
                "area": name,
                "base_commit": start,
                "head_commit": head_id,
                "range_commits": count,
                "refused": _refused(change, refused),
            }
        )
    status = "partial" if notes else "ok"
    return Evidence.of(
        changes=pd.DataFrame(rows),
        checks=pd.DataFrame(lines),
        sources=_source(where, len(rows), status, " ".join(notes) or None),
    )


def _refused(change: Change, refused: Mapping[str, list[str]]) -> str:
    """Return the checklist lines that fail by a file, under its new name or its old one, as JSON."""
    lines = (line for path in (change.path, change.base_path) for line in refused.get(path, ()))
    return json.dumps(list(dict.fromkeys(lines)), ensure_ascii=False)


def _codeowners(git: Git, snapshots: Snapshots) -> tuple[tuple[str, str], ...]:
    blob = next((snapshots.head_tree[path] for path in _OWNERS if path in snapshots.head_tree), None)
    if blob is None:
        return ()
    return parse_codeowners(git.contents([blob]).get(blob.object_id, b"").decode("utf-8", "replace"))


def _facts(
    change: Change,
    snapshots: Snapshots,
    hunks: list[tuple[int, int, int, int]] | None,
    graph: Mapping[str, set[str]],
) -> dict[str, Any]:
    before, after = snapshots.before(change), snapshots.after(change)
    python = change.path.endswith(".py") and change.regular
    old: ast.Module | None = parse(before) if python else None
    new: ast.Module | None = parse(after) if python else None
    readable = python and (before is None or old is not None) and (after is None or new is not None)
    functions = None
    if readable and hunks is not None and change.added is not None:
        functions = json.dumps(touched_functions(old, new, hunks), ensure_ascii=False)
    return {
        "path": change.path,
        "old_path": change.old_path,
        "status": change.status,
        "added": change.added,
        "deleted": change.deleted,
        "category": categorise(change.path),
        "functions": functions,
        "hunks": hunks_text(change, hunks),
        "docs_only": same_code(old, new) if old is not None and new is not None else None,
        "importers": len(importers_of(change.path, graph)) if change.path in snapshots.modules else None,
    }


def _history_facts(change: Change, past: History, recent: History, *, known: bool) -> dict[str, Any]:
    path = change.base_path
    percentile = None
    if known and past.commits >= _ENOUGH_COMMITS:
        every = sorted(past.lines.values())
        percentile = 100.0 * bisect.bisect_left(every, past.lines[path]) / len(every) if every else None
    return {
        "commits": recent.changes[change.path],
        "past_changes": past.changes[path] if known else None,
        "past_authors": len(past.authors.get(path, ())) if known else None,
        "past_fixes": past.fixes[path] if known else None,
        "churn_percentile": percentile,
    }
