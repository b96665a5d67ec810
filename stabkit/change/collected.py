"""A git range as evidence: changed files with the facts that risk is computed from, and checklist lines."""

from __future__ import annotations

import bisect
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pandas as pd
from platformdirs import user_cache_path

from stabkit.change.checklist import checklist
from stabkit.change.facts import Answer, Fact
from stabkit.change.git import Git, repository_state
from stabkit.change.history import ENOUGH_STEPS, History, Rank, rank_of, steps_to_read
from stabkit.change.mainline import has_landed
from stabkit.change.paths import area_of, categorise, owner_of, parse_codeowners
from stabkit.change.python_code import importers_of, same_code, touched_functions
from stabkit.change.ranges import Change, formatted_only, hunks_text, read_changes, read_hunks
from stabkit.change.snapshots import Snapshots
from stabkit.change.steps import Step, read_steps
from stabkit.config import Area
from stabkit.errors import EvidenceError
from stabkit.paths import other_owner
from stabkit.redact import redact_evidence, redact_text
from stabkit.schema import Evidence
from stabkit.vocabulary import MISSING_COMMIT

__all__ = ["collect_changes", "repository_state"]

_OWNERS: Final = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
# Here white space separates words and says no more: a file that differs by it alone does the same.
_FREE_FORM: Final = (
    *(".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".go", ".rs", ".java", ".kt", ".c", ".h", ".cc", ".cpp", ".cs"),
    *(".css", ".scss", ".php", ".swift"),
)
_STEPS: Final = 2_000
_TESTS_KEPT: Final = 200


def collect_changes(
    repository: Path | str,
    base: str,
    head: str = "HEAD",
    *,
    areas: Mapping[str, Area] | None = None,
    packages: Iterable[str] = (),
    step_limit: int = _STEPS,
) -> Evidence:
    """Return what changed between two commits, as ``changes``, ``checks`` of the target ``changes``, and ``sources``.

    Nothing is checked out, imported or executed; files are read as blobs and parsed.

    Parameters
    ----------
    repository : Path or str
        A git repository.
    base, head : str
        Anything that names a commit. Their two trees are compared, whatever lies between them: commits of ``base`` that
        ``head`` lacks are changes too, and are listed.
    areas : mapping of str to Area, optional
        Owner, criticality and business value by path; never guessed.
    packages : iterable of str
        The packages whose names others import; without any, those that the repository itself publishes.
    step_limit : int
        At most so many first-parent commits before the range are read as history.

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
        found = _collect(
            git, base_id, head_id, where, areas=areas or {}, packages=tuple(packages), step_limit=step_limit
        )
    except EvidenceError as error:
        found = _failed(where, error)
    return Evidence(redact_evidence(found.tables))


def _failed(where: str, error: EvidenceError) -> Evidence:
    message = f"{error.what} {error.hint}"
    return Evidence.of(sources=_source(where, 0, "error", message), checks=_unchecked(error.what))


def _unchecked(why: str) -> pd.DataFrame:
    return pd.DataFrame(checklist(None, why))


def _source(where: str, rows: int, status: str, message: str | None) -> pd.DataFrame:
    return pd.DataFrame(
        [{"kind": "changes", "format": "git", "path": where, "rows": rows, "status": status, "message": message}]
    )


def _collect(
    git: Git, base: str, head: str, where: str, *, areas: Mapping[str, Area], packages: tuple[str, ...], step_limit: int
) -> Evidence:
    lacking = _missing_commits(git, base, head)
    changes = read_changes(git, base, head)
    if not changes:
        message = f"Nothing changed between {base[:12]} and {head[:12]}."
        checks = pd.concat([_unchecked(message), pd.DataFrame([lacking])], ignore_index=True)
        return Evidence.of(sources=_source(where, 0, "ok", message), checks=checks)
    notes = ["The clone is shallow: history is cut off."] if git.shallow else []
    hunks = read_hunks(git, base, head, changes)
    if hunks is None:
        notes.append("The patch could not be read; touched functions are unknown.")
    snapshots = Snapshots(git, base, head, changes, packages=packages)
    if lost := [change.path for change in changes if change.regular and snapshots.unread(change)]:
        names = ", ".join(path if path.isprintable() else ascii(path) for path in lost[:5])
        notes.append(f"Not read, too large or not in this clone: {names}{', …' if lost[5:] else ''}.")
    history, own, rank = _history(snapshots, step_limit, notes)
    lines = checklist(snapshots)
    owners = _codeowners(snapshots)
    formatted = formatted_only(git, base, head, changes)
    commits = int(git.read("rev-list", "--count", f"{base}..{head}", "--")) or int(
        git.read("rev-list", "--count", f"{head}..{base}", "--")
    )
    tests, past = _Tests(snapshots), _Past(history, own)
    rows: list[dict[str, Any]] = []
    for change in changes:
        name, area = area_of(change.path, areas)
        rows.append(
            _facts(change, snapshots, (hunks or {}).get(change.path), formatted)
            | tests.of(change)
            | past.of(change)
            | {
                "owner": owner_of(change.path, owners) or (area.owner if area else None),
                "criticality": area.criticality if area else None,
                "value": area.value if area else None,
                "area": name,
                "base_commit": base,
                "head_commit": head,
                "range_commits": commits,
                "rank": None if rank is None else rank.json(),
            }
        )
    status = "partial" if notes else "ok"
    return Evidence.of(
        changes=pd.DataFrame(rows),
        checks=pd.DataFrame([*lines, lacking]),
        sources=_source(where, len(rows), status, " ".join(notes) or None),
    )


def _missing_commits(git: Git, base: str, head: str) -> dict[str, Any]:
    """Return the check that the candidate holds every commit of the baseline, the newest that it lacks first."""
    row = {"target": "changes", "check": MISSING_COMMIT, "expected": "every commit of the baseline"}
    told = git.read("log", "-z", "--format=%H%x01%s", "--max-count=500", f"{head}..{base}", "--")
    listed = [entry.partition("\x01") for entry in told.decode("utf-8", "replace").split("\0") if entry]
    facts = tuple(Fact("", None, subject, "missing", "commit", commit) for commit, _, subject in listed)
    # Where none is listed, the last commit of the baseline stands for all before it.
    return row | Answer("fail" if facts else "pass", facts, max(len(facts), 1), "commits").row()


def _history(snapshots: Snapshots, limit: int, notes: list[str]) -> tuple[History | None, list[Step], Rank | None]:
    """Return what came before the range, its own steps, and where it ranks; no history where it cannot be read."""
    git, base, head = snapshots.git, snapshots.base, snapshots.head
    cache = _cache()
    back = _is_before(git, head, base)
    older, newer = (head, base) if back else (base, head)
    count = int(git.read("rev-list", "--first-parent", "--count", newer, f"^{older}", "--"))
    try:
        own = read_steps(git, newer, limit=min(count, limit), cache=cache)
        if git.shallow:
            return None, own, None
        # What is on the main line was taken step by step; what is not yet will be taken at once, as one more step.
        steps = count if has_landed(git, newer) else 1
        history = History(read_steps(git, older, limit=steps_to_read(limit, steps), cache=cache))
    except EvidenceError:
        notes.append("The history of the files could not be read.")
        return None, [], None
    parts = [tuple((change.path, change.added or 0, change.deleted or 0) for change in snapshots.changes)]
    if 1 < steps == len(own):
        parts = [tuple((path, *((d, a) if back else (a, d))) for path, a, d in step.files) for step in own]
    return history, own, rank_of(parts, {step.author for step in own}, history, steps=steps)


def _cache() -> Path | None:
    try:
        path = user_cache_path("stabkit") / "history.sqlite3"
    except (OSError, RuntimeError):
        return None
    # Without a home, "~" stands for nothing; and what another user wrote there would be taken for history.
    return path if path.is_absolute() and other_owner(path) is None and other_owner(path.parent) is None else None


def _is_before(git: Git, older: str, newer: str) -> bool:
    """Say whether all commits of one are commits of the other too."""
    return not int(git.read("rev-list", "--count", "--max-count=1", older, f"^{newer}", "--"))


def _codeowners(snapshots: Snapshots) -> tuple[tuple[str, str], ...]:
    blob = next((snapshots.head_tree[path] for path in _OWNERS if path in snapshots.head_tree), None)
    if blob is None:
        return ()
    return parse_codeowners((snapshots.content(blob) or b"").decode("utf-8", "replace"))


def _facts(
    change: Change, snapshots: Snapshots, hunks: list[tuple[int, int, int, int]] | None, formatted: frozenset[str]
) -> dict[str, Any]:
    python = change.path.endswith(".py") and change.regular
    before, after = snapshots.old(change), snapshots.new(change)
    old, new = (snapshots.parsed(blob) if python else None for blob in (before, after))
    readable = python and (before is None or old is not None) and (after is None or new is not None)
    functions = None
    if readable and hunks is not None and change.added is not None:
        functions = json.dumps(touched_functions(old, new, hunks), ensure_ascii=False)
    # A module by another name is another module to those who import it, though its code is the same.
    same = same_code(old, new) if old is not None and new is not None and change.old_path is None else None
    if change.path.endswith(_FREE_FORM):
        same = change.path in formatted
    return {
        "path": change.path,
        "old_path": change.old_path,
        "status": change.status,
        "added": change.added,
        "deleted": change.deleted,
        "category": categorise(change.path),
        "functions": functions,
        "hunks": hunks_text(change, hunks),
        "docs_only": same,
    }


class _Tests:
    """Who imports a changed file: how many, and which tests; and the tests that changed with it."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._changed: dict[str, int] = {}
        self._by_stem: defaultdict[str, list[str]] = defaultdict(list)
        for position, change in enumerate(snapshots.changes):
            if change.status != "deleted" and categorise(change.path) == "test":
                self._changed[change.path] = position
                self._by_stem[PurePosixPath(change.path).stem.lower()].append(change.path)

    @cached_property
    def _tests(self) -> frozenset[str]:
        return frozenset(path for path in self._snapshots.modules if categorise(path) == "test")

    def of(self, change: Change) -> dict[str, Any]:
        """Return the tests that reach a file by their imports, and those that changed with it, by import or by name."""
        known = change.path in self._snapshots.modules
        levels = list(importers_of(change.path, self._snapshots.importers)) if known else []
        nearest = [(path, far) for far, level in enumerate(levels, 1) for path in sorted(level & self._tests)]
        stem = PurePosixPath(change.path).stem.lower()
        named = (
            f"test_{stem}",
            f"{stem}_test",
            f"{stem}.test",
            f"{stem}.spec",
            f"{stem}_spec",
            f"{stem}tests",
            f"{stem}test",
        )
        alongside = {path for name in named for path in self._by_stem.get(name, ())}
        alongside |= {path for path in (levels[0] if levels else ()) if path in self._changed}
        alongside.discard(change.path)
        return {
            "importers": sum(map(len, levels)) if known else None,
            "tests_reaching": json.dumps(dict(nearest[:_TESTS_KEPT]), ensure_ascii=False) if known else None,
            "tests_alongside": json.dumps(sorted(alongside, key=self._changed.__getitem__), ensure_ascii=False),
        }


class _Past:
    """What the steps before the range, and its own, say of a changed file."""

    def __init__(self, history: History | None, own: Iterable[Step]) -> None:
        self._history = history
        self._own: defaultdict[str, set[int]] = defaultdict(set)
        for number, step in enumerate(own):
            for path, _, _ in step.files:
                self._own[path].add(number)

    @cached_property
    def _lines(self) -> Sequence[int]:
        return () if self._history is None else sorted(self._history.lines.values())

    def of(self, change: Change) -> dict[str, Any]:
        """Return how often the file was changed, by how many, and what usually changes with it."""
        path, past = change.base_path, self._history
        percentile = partners = None
        if past is not None and len(past.steps) >= ENOUGH_STEPS:
            every = self._lines
            percentile = 100.0 * bisect.bisect_left(every, past.lines[path]) / len(every) if every else None
            partners = json.dumps(past.partners(path), ensure_ascii=False)
        return {
            "commits": len(self._own.get(path, set()) | self._own.get(change.path, set())),
            "past_changes": None if past is None else past.changes[path],
            "past_authors": None if past is None else len(past.authors.get(path, ())),
            "past_fixes": None if past is None else past.fixes[path],
            "churn_percentile": percentile,
            "partners": partners,
        }
