"""What became of each compliance finding between two scans: one by one, never by totals."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import pandas as pd

from stabkit.analyze.facts import Difference
from stabkit.analyze.findings.counterparts import scans_without_counterpart
from stabkit.analyze.findings.heads import Heads, changed_heads
from stabkit.analyze.findings.pairing import Finding, Hunks, Lines, Pair, normal_path, pair_findings, read_findings
from stabkit.text import measures

__all__ = ["FINDING_STATES", "GONE", "FindingComparison", "match_findings", "worst_first"]

FINDING_STATES: Final = ("new", "reopened", "updated", "not_scanned", "suppressed", "moved", "fixed", "persisting")
GONE: Final = ("fixed", "not_scanned", "suppressed")
"""States of a finding that the candidate does not have: its row tells of the baseline."""
_OF_FINDING: Final = ("tool", "rule", "severity", "scope", "path", "line", "message", "fingerprint", "suppressed")
_OF_BASELINE: Final = ("path", "line", "severity", "suppressed")
_COLUMNS: Final = (
    *("state", *_OF_FINDING, "matched_by", "scan_id", "reason"),
    *(f"baseline_{name}" for name in _OF_BASELINE),
)
_NONE: Final[frozenset[str]] = frozenset()
_ROOTED: Final = re.compile(r"/|[A-Za-z]:")  # an absolute path: of one machine, not of the repository


@dataclass(frozen=True)
class FindingComparison:
    """The findings of two scans, matched.

    Attributes
    ----------
    states : DataFrame
        One row a finding, worst state first: state (one of :data:`FINDING_STATES`), tool, rule, severity, scope, path,
        line, message, fingerprint, suppressed (of the candidate, or of the baseline if it is gone), matched_by (the
        step that made the pair; null without one), scan_id, reason (why it is not_scanned, suppressed, updated or
        doubtful; else null), baseline_path, baseline_line, baseline_severity, baseline_suppressed (null for new ones).
    comparable : bool
        False if the scans differ in tool, version, rules or files, or one is missing or incomplete. States are listed
        all the same, but prove no stability.
    why : tuple of Difference
        Each reason why not.
    assumed : tuple of Difference
        What no scan states and had to be assumed.
    scans : frozenset of tuple
        The scans that took part: ``baseline`` or ``candidate``, and the scan's id.
    """

    states: pd.DataFrame
    comparable: bool
    why: tuple[Difference, ...]
    assumed: tuple[Difference, ...] = ()
    scans: frozenset[tuple[str, str]] = frozenset()

    @property
    def open_before(self) -> int:
        """How many findings of the baseline are not suppressed."""
        return int(self._open[0].sum())

    @property
    def open_after(self) -> int:
        """How many findings of the candidate are not suppressed."""
        return int(self._open[1].sum())

    @property
    def _open(self) -> tuple[pd.Series, pd.Series]:
        states = self.states
        return ~states["baseline_suppressed"].fillna(value=True), ~states["suppressed"] & ~states["state"].isin(GONE)

    def came_and_went(self, tool: str) -> dict[str, int]:
        """Return how many open findings of a tool are new, persist, were fixed or not scanned, as a history counts.

        One that is suppressed now is none of these.
        """
        mine, states = self.states["tool"] == tool, self.states["state"]
        before, after = (side & mine for side in self._open)
        counted = {"new": after & ~before, "persisting": before & after}
        counted |= {state: before & (states == state) for state in ("fixed", "not_scanned")}
        return {name: int(rows.sum()) for name, rows in counted.items()}


@dataclass(frozen=True)
class _Coverage:
    """What one side's scans of one tool looked at."""

    scans: int
    complete: bool
    versions: tuple[str, ...]
    rules_sha256: tuple[str, ...] | None
    scope_sha256: tuple[str, ...] | None
    files: frozenset[str] | None
    rules: frozenset[str] | None
    rules_off: frozenset[str]
    silenced: Mapping[str, int]
    scopes: frozenset[str]
    files_scanned: tuple[int, ...] | None
    files_total: int | None
    claimed: int | None
    listed: int
    reported: frozenset[str]

    @property
    def only_totals(self) -> bool:
        """True if the tool counts findings and lists none of them: totals cannot be compared."""
        return bool(self.claimed) and self.listed == 0


@dataclass(frozen=True)
class _Context:
    """What the states of one tool's findings are decided by."""

    baseline: _Coverage
    candidate: _Coverage
    lines: Lines
    deleted: frozenset[str]
    added: frozenset[str]
    past: frozenset[str] = field(default_factory=frozenset)
    lost: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())

    @property
    def rules(self) -> frozenset[str] | None:
        """The rules of the candidate; None if it may have more.

        A scan that lists the rules which found something lists others each time; one that listed idle ones lists all.
        """
        known = self.candidate.rules_sha256 or self.baseline.rules_sha256
        return self.candidate.rules if known or self.baseline.rules is None else None

    @property
    def fewer_files(self) -> bool:
        """True if the candidate scanned fewer files than what the range deleted explains, and lists none of them."""
        before, after = self.baseline.files_total, self.candidate.files_total
        unlisted = self.candidate.files is None or self.baseline.files is None
        return unlisted and before is not None and after is not None and before - len(self.deleted) > after


def match_findings(
    baseline_findings: pd.DataFrame,
    candidate_findings: pd.DataFrame,
    baseline_scans: pd.DataFrame,
    candidate_scans: pd.DataFrame,
    *,
    hunks: Hunks | None = None,
    changes: pd.DataFrame | None = None,
    history: pd.DataFrame | None = None,
) -> FindingComparison:
    """Match the findings of two scans one to one and give each its state.

    Parameters
    ----------
    baseline_findings, candidate_findings : DataFrame
        Tables ``findings`` of one run each; suppressed ones take part.
    baseline_scans, candidate_scans : DataFrame
        Tables ``scans`` of the same runs.
    hunks : Mapping, optional
        Candidate's path -> [(old_start, old_count, new_start, new_count)] of ``git diff -M -U0``; files without an
        entry are unchanged. None: lines are not mapped, exact places are compared.
    changes : DataFrame, optional
        Table ``changes`` of the range: renames, deleted and added files.
    history : DataFrame, optional
        Table ``findings`` of runs before the baseline, for ``reopened``.

    Returns
    -------
    FindingComparison
        In the order of :data:`FINDING_STATES`, then tool, path, line, rule.

    Notes
    -----
    A finding is ``fixed`` only if the candidate's scan is complete, looked at that file and had that rule on; else it
    is ``not_scanned`` with the reason. Scanned files that no side states are taken to be the declared scope, and
    ``assumed`` says so. Files that the range added, deleted or renamed explain a difference in the scanned files.
    """
    renames, deleted, added = _moves(changes)
    lines = Lines(hunks, renames)
    before, after = read_findings(baseline_findings), read_findings(candidate_findings)
    tools = sorted({*_tools(baseline_scans, before), *_tools(candidate_scans, after)})
    blocking = [] if tools else [Difference("no_scan_at_all")]
    assumed: list[Difference] = []
    rows: list[dict[str, Any]] = []
    by_tool = _by_tool(before), _by_tool(after)
    for tool in tools:
        sides = by_tool[0].get(tool, []), by_tool[1].get(tool, [])
        covered = (_coverage(baseline_scans, tool, sides[0]), _coverage(candidate_scans, tool, sides[1]))
        heads = _heads(covered, sides)
        own = replace(lines, renames={**_moved(heads, covered[0], sides[0]), **renames})
        told = [replace(f, said=_said(f, heads)) for f in sides[0]] if heads.changed else sides[0]
        pairs, gone, fresh = pair_findings(told, sides[1], own)
        met = [(pair.baseline.scan_id, pair.candidate.scan_id) for pair in pairs]
        lost = scans_without_counterpart(_whole(baseline_scans, tool), _whole(candidate_scans, tool), met)
        context = _Context(*covered, own, deleted, added, _past(history, tool), lost)
        stops, notes = _comparability(tool, context)
        blocking += stops + _other_folders(tool, context, *sides)
        assumed += notes
        if heads.changed:
            ends = next(iter(heads.changed.items()))
            assumed.append(Difference("changed_heads", tool, subjects=ends))
        rows += [_paired(pair, own) for pair in pairs]
        rows += _left(gone, context)
        lines_gone = {(finding.rule, finding.context) for finding in gone}
        rows += [_fresh(finding, context, lines_gone) for finding in fresh]
    scans = {"baseline": baseline_scans, "candidate": candidate_scans}
    took_part = frozenset((side, str(scan)) for side, frame in scans.items() for scan in frame.get("scan_id", ()))
    return FindingComparison(_frame(rows), not blocking, tuple(blocking), tuple(assumed), took_part)


def _by_tool(findings: Collection[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        found[finding.tool].append(finding)
    return found


def _tools(scans: pd.DataFrame, findings: Collection[Finding]) -> set[str]:
    return {*scans["tool"].dropna(), *(finding.tool for finding in findings)}


def _moves(changes: pd.DataFrame | None) -> tuple[dict[str, str], frozenset[str], frozenset[str]]:
    if changes is None or changes.empty:
        return {}, frozenset(), frozenset()
    renamed = changes[(changes["status"] == "renamed") & changes["old_path"].notna()]
    old, new = renamed["old_path"].map(normal_path), renamed["path"].map(normal_path)
    gone = changes.loc[changes["status"] == "deleted", "path"].map(normal_path)
    come = changes.loc[changes["status"].isin(["added", "copied"]), "path"].map(normal_path)
    return dict(zip(old, new, strict=True)), frozenset(gone), frozenset(come)


def _past(history: pd.DataFrame | None, tool: str) -> frozenset[str]:
    if history is None or history.empty:
        return frozenset()
    return frozenset(finding.identity for finding in read_findings(history[history["tool"] == tool]))


def _heads(covered: Collection[_Coverage], sides: Collection[list[Finding]]) -> Heads:
    told = [
        {finding.path for finding in side if finding.path} | (coverage.files or frozenset())
        for coverage, side in zip(covered, sides, strict=True)
    ]
    return changed_heads(*told)


def _moved(heads: Heads, coverage: _Coverage, found: Collection[Finding]) -> dict[str, str]:
    """Return the paths of the baseline whose head changed, and what they are called now."""
    if not heads.changed:
        return {}
    paths = {finding.path for finding in found if finding.path} | (coverage.files or frozenset())
    return {path: new for path in paths if (new := heads.path(path)) != path}


def _said(finding: Finding, heads: Heads) -> str | None:
    return heads.text(finding.message) if finding.message else None


def _whole(scans: pd.DataFrame, tool: str) -> pd.DataFrame:
    mine = scans[scans["tool"] == tool]
    whole = mine[mine["scope"] == "all"]
    return whole if len(whole) else mine


def _coverage(scans: pd.DataFrame, tool: str, found: Collection[Finding]) -> _Coverage:
    mine, whole = scans[scans["tool"] == tool], _whole(scans, tool)
    return _Coverage(
        scans=len(whole),
        complete=bool(len(mine)) and bool(mine["complete"].fillna(value=False).all()),
        versions=tuple(sorted(set(whole["version"].fillna("unknown")))),
        rules_sha256=_all_known(whole["rules_sha256"]),
        scope_sha256=_all_known(whole["scope_sha256"]),
        files=_listed(whole["paths"], path=True),
        rules=_rule_names(_listed(whole["rules"], path=False)),
        rules_off=frozenset.intersection(*offs) if (offs := [_names(text) for text in whole["rules_off"]]) else _NONE,
        silenced=_silenced(whole["silenced"]),
        scopes=frozenset(mine["scope"]),
        files_scanned=_counted(mine),
        files_total=None if whole["files_scanned"].isna().any() else int(whole["files_scanned"].sum()),
        claimed=int(whole["claimed_findings"].sum()) if whole["claimed_findings"].notna().any() else None,
        listed=len(found),
        reported=frozenset(finding.path for finding in found if finding.path),
    )


def _all_known(values: pd.Series) -> tuple[Any, ...] | None:
    return None if values.empty or values.isna().any() else tuple(sorted(set(values)))


def _counted(scans: pd.DataFrame) -> tuple[int, ...] | None:
    """Return how many files were scanned, scope by scope, the whole first; None if any is unknown."""
    counts = scans.sort_values("scope")["files_scanned"]
    return None if counts.empty or counts.isna().any() else tuple(map(int, counts))


def _names(text: object) -> frozenset[str]:
    read = _read(text)
    return frozenset(map(str, read)) if isinstance(read, list) else _NONE


def _silenced(texts: pd.Series) -> Counter[str]:
    """Return how many findings each file silences, over all scans."""
    found: Counter[str] = Counter()
    for read in map(_read, texts):
        for path, number in read.items() if isinstance(read, dict) else ():
            found[normal_path(path) or path] += number if isinstance(number, int) else 0
    return found


def _read(text: object) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None


def _listed(texts: pd.Series, *, path: bool) -> frozenset[str] | None:
    """Return the union of JSON lists, or None if any of them is unknown."""
    found: set[str] = set()
    for text in texts:
        listed = _read(text)
        if not isinstance(listed, list):
            return None
        names = [str(entry.get("id")) if isinstance(entry, dict) else str(entry) for entry in listed]
        found |= {normal_path(name) or name for name in names} if path else set(names)
    return frozenset(found) if len(texts) else None


def _rule_names(listed: frozenset[str] | None) -> frozenset[str] | None:
    """Return the rules by name; a list may hold ``rule:severity``, and rules may hold colons themselves."""
    return None if listed is None else listed | {rule.rpartition(":")[0] for rule in listed if ":" in rule}


def _comparability(tool: str, context: _Context) -> tuple[list[Difference], list[Difference]]:
    before, after = context.baseline, context.candidate
    sides: Mapping[Literal["baseline", "candidate"], _Coverage] = {"baseline": before, "candidate": after}
    missing = [Difference("no_scan", tool, side) for side, coverage in sides.items() if not coverage.scans]
    if missing:
        return missing, []
    stops = [
        Difference("incomplete", tool, side)
        for side, coverage in sides.items()
        if not (coverage.complete or coverage.only_totals)
    ]
    notes: list[Difference] = []
    for side, coverage in sides.items():
        counts = (coverage.claimed or 0, coverage.listed)
        if coverage.only_totals:
            stops.append(Difference("only_totals", tool, side, numbers=counts))
        elif counts[0] > counts[1]:
            notes.append(Difference("listed_less", tool, side, numbers=counts))
    if None not in (before.claimed, after.claimed) and not after.only_totals:
        less, more = (max(0, (coverage.claimed or 0) - coverage.listed) for coverage in (before, after))
        if more > less:
            stops.append(Difference("more_unlisted", tool, numbers=(more, less)))
    if gone := context.lost[0]:
        stops.append(Difference("scans_gone", tool, subjects=(", ".join(sorted(gone)),)))
    if come := context.lost[1]:
        stops.append(Difference("scans_added", tool, subjects=(", ".join(sorted(come)),)))
    if scopes := before.scopes - after.scopes:
        stops.append(Difference("scopes_gone", tool, subjects=(", ".join(sorted(scopes)),)))
    if off := {rule for rule in after.rules_off - before.rules_off if after.rules_sha256 is None}:
        stops.append(Difference("rules_off", tool, subjects=(", ".join(sorted(off)),)))
    if before.versions != after.versions:
        versions = tuple(", ".join(coverage.versions) for coverage in (before, after))
        stops.append(Difference("versions", tool, subjects=versions))
    stop, note = _same_hash("rules", tool, before.rules_sha256, after.rules_sha256)
    stops += stop
    notes += note
    stop, note = _same_scope(tool, context)
    return stops + stop, notes + note


def _same_hash(
    what: Literal["rules", "files"], tool: str, before: object, after: object
) -> tuple[list[Difference], list[Difference]]:
    if before is None and after is None:
        return [], [Difference("unknown_rules" if what == "rules" else "unknown_files", tool)]
    if before is None or after is None:
        return [Difference("rules_on_one_side" if what == "rules" else "files_on_one_side", tool)], []
    return ([] if before == after else [Difference(what, tool)]), []


def _same_scope(tool: str, context: _Context) -> tuple[list[Difference], list[Difference]]:
    before, after = context.baseline, context.candidate
    if before.scope_sha256 == after.scope_sha256 and before.scope_sha256 is not None:
        return [], []
    if before.files is not None and after.files is not None:
        expected = {context.lines.path(path) for path in before.files - context.deleted}
        if expected == after.files - context.added:
            return [], [] if before.files == after.files else [Difference("files_by_range", tool)]
        return [_scope_difference(tool, expected, after.files - context.added)], []
    stops, notes = _same_hash("files", tool, before.scope_sha256, after.scope_sha256)
    counts = (before.files_scanned, after.files_scanned)
    if not stops and None not in counts and counts[0] != counts[1]:
        return [Difference("file_counts", tool)], []
    return stops, notes


def _other_folders(
    tool: str, context: _Context, before: Collection[Finding], after: Collection[Finding]
) -> list[Difference]:
    """Say if the paths of the two sides start in different folders: each finding would be both new and fixed."""
    old, new = ({finding.path for finding in side if finding.path} for side in (before, after))
    old = {context.lines.path(path) or path for path in old}
    rooted = any(_ROOTED.match(path) for path in old | new)
    if not rooted or old & new:
        return []
    tails = [{"/".join(path.split("/")[-2:]) for path in side} for side in (old, new)]
    if 2 * len(tails[0] & tails[1]) < max(1, min(map(len, tails))):
        return []
    return [Difference("folders", tool, subjects=(min(old), min(new)))]


def _scope_difference(tool: str, before: Collection[str | None], after: Collection[str]) -> Difference:
    lost, gained = len(set(before) - set(after)), len(set(after) - set(before))
    return Difference("scanned_files", tool, numbers=(lost, gained))


def _row(
    state: str, finding: Finding, before: Finding | None, matched_by: str | None, reason: str | None
) -> dict[str, Any]:
    own = {name: getattr(finding, name) for name in _OF_FINDING}
    own |= {f"baseline_{name}": getattr(before, name) if before else None for name in _OF_BASELINE}
    return {"state": state, **own, "matched_by": matched_by, "scan_id": finding.scan_id, "reason": reason}


def _paired(pair: Pair, lines: Lines) -> dict[str, Any]:
    before, after = pair.baseline, pair.candidate
    differs = [
        word
        for word, changed in (
            ("severity", before.severity != after.severity),
            ("suppression", before.suppressed != after.suppressed),
            ("message", before.masked != after.masked),
            ("measure", before.masked == after.masked and _measures(before) != _measures(after)),
        )
        if changed
    ]
    stayed = "updated" if differs else "persisting"
    state = stayed if lines.path(before.path) == after.path else "moved"
    reason = f"{' and '.join(differs)} changed" if differs else None
    return _row(state, after, before, pair.matched_by, reason)


def _measures(finding: Finding) -> tuple[str, ...]:
    return measures(finding.said or finding.message or "")


def _left(gone: Collection[Finding], context: _Context) -> list[dict[str, Any]]:
    """Return what became of findings that the candidate does not list."""
    looked = [finding for finding in gone if _unseen(finding, context) is None]
    per_file = Counter(finding.path for finding in looked if finding.path)
    return [_gone(finding, context, per_file) for finding in gone]


def _gone(finding: Finding, context: _Context, per_file: Counter[str]) -> dict[str, Any]:
    if (reason := _unseen(finding, context)) is not None:
        return _row("not_scanned", finding, finding, None, reason)
    path = finding.path or ""
    silenced = context.candidate.silenced.get(context.lines.path(path) or path, 0)
    more, lost = silenced - context.baseline.silenced.get(path, 0), per_file[path]
    if more <= 0:
        return _row("fixed", finding, finding, None, None)
    # Which of them the comments silence, a count does not tell: none of them is shown to be fixed.
    part = "" if more >= lost else f"{more} of the {lost} that are gone from this file are "
    return _row("suppressed", finding, finding, None, f"{part}silenced in the source")


def _unseen(finding: Finding, context: _Context) -> str | None:
    """Return why the absence of a finding proves nothing; None if it does."""
    scan, path = context.candidate, context.lines.path(finding.path)
    unlisted = scan.files is not None and path is not None and path not in scan.files
    reasons = {
        "file deleted": finding.path in context.deleted,
        "no scan": not scan.scans,
        "scan gone": finding.scan_id in context.lost[0],
        "scan incomplete": not scan.complete,
        "findings not listed": scan.only_totals,
        "rule off": finding.rule in scan.rules_off or (context.rules is not None and finding.rule not in context.rules),
        "file not scanned": unlisted,
        "scope gone": finding.scope in context.baseline.scopes - scan.scopes,
        # Where another finding of this file is listed, the file was looked at.
        "fewer files scanned": context.fewer_files and path not in scan.reported,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _fresh(finding: Finding, context: _Context, lines_gone: Collection[tuple[str, str | None]]) -> dict[str, Any]:
    """Return what a finding is that the baseline does not list; ``lines_gone``: rule and text of what is gone."""
    state = "reopened" if finding.identity in context.past else "new"
    scan = context.baseline
    reason = None
    if scan.scans and scan.rules is not None and finding.rule not in scan.rules:
        reason = "the baseline scan had this rule off"
    elif finding.scan_id in context.lost[1]:
        reason = "the baseline has no such scan"
    elif scan.files is not None and finding.path is not None and not _was_scanned(finding.path, context):
        reason = "the baseline scan did not look at this file"
    elif finding.context and (finding.rule, finding.context) in lines_gone:
        reason = "a move, or not: several findings have this rule and text"
    return _row(state, finding, None, None, reason)


def _was_scanned(path: str, context: _Context) -> bool:
    files = context.baseline.files or frozenset()
    return path in context.added or bool(context.lines.origins(path) & files)


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    integers = dict.fromkeys(("line", "baseline_line"), "Int64")
    booleans = dict.fromkeys(("suppressed", "baseline_suppressed"), "boolean")
    texts = {name: "str" for name in _COLUMNS if name not in {*integers, *booleans}}
    return worst_first(frame.astype({**integers, **booleans, **texts}))


def worst_first(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the states of findings in the order of :data:`FINDING_STATES`, then by tool and place."""
    rank = frame["state"].map({state: rank for rank, state in enumerate(FINDING_STATES)})
    order = ["_rank", "tool", "path", "line", "rule", "message", "fingerprint"]
    return frame.assign(_rank=rank).sort_values(order, kind="stable", ignore_index=True).drop(columns="_rank")
