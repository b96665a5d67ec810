"""Pairing the findings of two scans one to one: which finding of the candidate is which of the baseline.

The steps run from the surest sign to the weakest; each takes what the steps before it left, and a pair carries the name
of the step that made it. No step pairs findings of different tools.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Final

import pandas as pd

from stabkit.analyze.rows import records
from stabkit.text import mask_numbers, subject

__all__ = ["Finding", "Lines", "Pair", "normal_path", "pair_findings", "read_findings"]

Hunks = Mapping[str, Sequence[tuple[int, int, int, int]]]
_ORDINAL: Final = re.compile(r"^(stabkit/v\d+:[^:]+):\d+$")
_NEAREST_LIMIT: Final = 10_000  # pairs looked at in one group; beyond, findings pair in line order
_PLACES: Final = ("git_line", "context")  # steps that know where a finding is, and not what it says
_LIKENESS: Final = ("rule", "path", "message", "severity", "suppressed", "context")


@dataclass(frozen=True)
class Finding:
    """One finding, normalised for comparison."""

    index: int
    tool: str
    rule: str
    path: str | None
    line: int | None
    message: str | None
    severity: str | None
    scope: str
    fingerprint: str
    keys: Mapping[str, str]
    partial: Mapping[str, str]
    context: str | None
    suppressed: bool
    scan_id: str | None = None
    snippet: str | None = None
    said: str | None = None
    """The message as the other side would write it, where it names a folder that is called otherwise there."""

    @cached_property
    def masked(self) -> str | None:
        """The message with its numbers masked: counts inside it change by themselves."""
        said = self.said or self.message
        return None if said is None else " ".join(mask_numbers(said).split())

    @cached_property
    def subject(self) -> str | None:
        """The name that the message is about; None if it quotes none."""
        said = self.said or self.message
        return None if said is None else subject(said)

    @property
    def identity(self) -> str:
        """The fingerprint, without the ordinal of a computed one: that shifts when an earlier twin is fixed."""
        match = _ORDINAL.match(self.fingerprint)
        return match.group(1) if match else self.fingerprint

    @property
    def stated(self) -> str | None:
        """The tool's own fingerprint; None for a computed one, which knows no more than the steps after the first."""
        return None if _ORDINAL.match(self.fingerprint) else self.fingerprint


@dataclass(frozen=True)
class Pair:
    """A finding of the baseline, the same one in the candidate, and the step that said so."""

    baseline: Finding
    candidate: Finding
    matched_by: str


def normal_path(path: str | None) -> str | None:
    r"""Return a path with forward slashes and without ``.`` steps; null stays null.

    Examples
    --------
    >>> normal_path("./src\\app//main.py")
    'src/app/main.py'
    """
    if path is None:
        return None
    lead = "/" if path.replace("\\", "/").startswith("/") else ""
    return lead + "/".join(part for part in path.replace("\\", "/").split("/") if part not in ("", "."))


def read_findings(frame: pd.DataFrame) -> list[Finding]:
    """Return the rows of the table ``findings`` normalised, in an order that does not depend on theirs."""
    found = [_finding(index, row) for index, row in enumerate(records(frame))]
    return sorted(found, key=_place)


def _place(finding: Finding) -> tuple[Any, ...]:
    seen = (finding.rule, finding.message or "", finding.fingerprint, finding.severity or "", finding.scope)
    keys, partial = (sorted(named.items()) if named else [] for named in (finding.keys, finding.partial))
    marks = (finding.suppressed, finding.context or "", keys, partial)
    return (finding.tool, finding.path or "", finding.line or 0, *seen, *marks)


def _finding(index: int, value: Mapping[str, Any]) -> Finding:
    severity, line = value.get("severity"), value.get("line")
    return Finding(
        index=index,
        tool=str(value["tool"]),
        rule=str(value["rule"]).strip(),
        path=normal_path(value.get("path")),
        line=None if line is None else int(line),
        message=value.get("message"),
        severity=None if severity is None else str(severity).strip().lower(),
        scope=str(value.get("scope") or "all"),
        fingerprint=str(value["fingerprint"]),
        keys=_object(value.get("fingerprints")),
        partial=_object(value.get("partial_fingerprints")),
        context=value.get("context_sha256"),
        suppressed=bool(value.get("suppressed") or False),
        scan_id=value.get("scan_id"),
        snippet=value.get("snippet_sha256"),
    )


def _object(text: Any) -> dict[str, str]:
    if not isinstance(text, str):
        return {}
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {str(key): str(value) for key, value in read.items()} if isinstance(read, dict) else {}


@dataclass(frozen=True)
class Lines:
    """Where a line of the baseline lies in the candidate, by the hunks of ``git diff -M -U0``.

    ``hunks`` are keyed by the candidate's path: (old_start, old_count, new_start, new_count). A file without hunks is
    unchanged; ``hunks`` None: nothing is known of lines.
    """

    hunks: Hunks | None
    renames: Mapping[str, str]

    def path(self, path: str | None) -> str | None:
        """Return the candidate's path of a baseline path."""
        return None if path is None else self.renames.get(path, path)

    def origins(self, path: str) -> set[str]:
        """Return the baseline's paths of a candidate's path: itself, unless it was renamed."""
        return self._origins.get(path) or {path}

    @cached_property
    def _origins(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for old, new in self.renames.items():
            found[new].add(old)
        return found

    def line(self, path: str | None, line: int | None) -> int | None:
        """Return the candidate's line of a baseline line; None if it was changed, removed, or is unknown.

        Examples
        --------
        >>> Lines({"a.py": [(3, 0, 4, 2)]}, {}).line("a.py", 3), Lines({"a.py": [(3, 0, 4, 2)]}, {}).line("a.py", 4)
        (3, 6)
        """
        if line is None or path is None or self.hunks is None:
            return None
        shift = 0
        for old_start, old_count, _, new_count in sorted(self._of(path)):
            # A pure insertion (old_count 0) lies behind old_start; all else begins at it.
            if line < old_start + (old_count == 0):
                break
            if old_count and line < old_start + old_count:
                return None
            shift += new_count - old_count
        return line + shift

    def rewritten(self, path: str | None, line: int | None) -> range | None:
        """Return the candidate's lines that stand where a baseline line was changed or removed; None if it stayed.

        Examples
        --------
        >>> Lines({"a.py": [(3, 1, 3, 2), (9, 1, 9, 0)]}, {}).rewritten("a.py", 3)
        range(3, 5)
        >>> len(Lines({"a.py": [(3, 1, 3, 2), (9, 1, 9, 0)]}, {}).rewritten("a.py", 9))
        0
        """
        if line is None or path is None or self.hunks is None:
            return None
        for old_start, old_count, new_start, new_count in self._of(path):
            if old_start <= line < old_start + old_count:
                return range(new_start, new_start + new_count)
        return None

    def _of(self, path: str) -> Sequence[tuple[int, int, int, int]]:
        return (self.hunks or {}).get(self.renames.get(path, path), (self.hunks or {}).get(path, ()))


def pair_findings(
    baseline: Sequence[Finding], candidate: Sequence[Finding], lines: Lines
) -> tuple[list[Pair], list[Finding], list[Finding]]:
    """Pair findings one to one.

    Returns
    -------
    tuple
        The pairs, what is left of the baseline, and what is left of the candidate.
    """
    work = _Work(list(baseline), list(candidate), lines)
    work.by_fingerprint()
    if lines.hunks is not None:
        work.by_key("git_line", lambda f: _mapped(f, lines), _located)
    else:
        work.by_key(
            "exact",
            lambda f: (f.tool, f.rule, lines.path(f.path), f.line, f.said or f.message),
            lambda f: (f.tool, f.rule, f.path, f.line, f.message),
        )
    work.by_key(
        "context",
        lambda f: _complete(f.tool, f.rule, lines.path(f.path), f.context),
        lambda f: _complete(f.tool, f.rule, f.path, f.context),
    )
    work.by_partial()
    work.by_key(
        "message",
        lambda f: (f.tool, f.rule, lines.path(f.path), f.masked),
        lambda f: (f.tool, f.rule, f.path, f.masked),
    )
    work.by_move()
    return work.pairs, work.baseline, work.candidate


def _complete(*parts: Any) -> Hashable | None:
    return None if any(part is None for part in parts) else parts


def _mapped(finding: Finding, lines: Lines) -> Hashable | None:
    line = lines.line(finding.path, finding.line)
    return _complete(finding.tool, finding.rule, lines.path(finding.path), line)


def _located(finding: Finding) -> Hashable | None:
    return _complete(finding.tool, finding.rule, finding.path, finding.line)


def _apart(before: Finding, after: Finding) -> bool:
    """Say whether two findings speak of different texts or of different names, whatever else they share."""
    pairs = ((before.snippet, after.snippet), (before.subject, after.subject))
    return any(one is not None and two is not None and one != two for one, two in pairs)


class _Work:
    """The findings not yet paired, and the pairs so far."""

    def __init__(self, baseline: list[Finding], candidate: list[Finding], lines: Lines) -> None:
        self.baseline, self.candidate, self.lines = baseline, candidate, lines
        self.all = (tuple(baseline), tuple(candidate))
        self.pairs: list[Pair] = []
        shared = [{item for f in side for item in f.keys.items()} for side in self.all]
        # A fingerprint that is made of the path changes with the folder that all paths begin with.
        self._by_path = not shared[0] & shared[1]

    def _vetoed(self, before: Finding, after: Finding) -> bool:
        """Say whether the tool itself calls two findings different: shared keys, and none of them equal."""
        shared = before.keys.keys() & after.keys.keys()
        if not shared or any(before.keys[key] == after.keys[key] for key in shared):
            return False
        return not (self._by_path and before.said is not None)

    def _removed(self, before: Finding, after: Finding) -> bool:
        """Say whether git says that a finding's line is gone, and the other's line does not stand in its place."""
        place = self.lines.rewritten(before.path, before.line)
        return place is not None and after.line is not None and after.line not in place

    def by_fingerprint(self) -> None:
        """Pair equal fingerprints; one that several findings of a side share needs an equal rule and path as well."""
        names = sorted({key for f in (*self.baseline, *self.candidate) for key in f.keys})
        for name in names:
            self._by_identity(lambda f, name=name: f.keys.get(name))  # type: ignore[misc]
        self._by_identity(lambda f: None if f.keys else f.stated)
        # A tool's own fingerprint without named keys on one of the sides.
        self._by_identity(lambda f: f.stated)

    def _by_identity(self, key: Callable[[Finding], str | None]) -> None:
        twice: set[Hashable] = set()
        # All findings, also those paired already: what was shared once does not identify the rest.
        for side in self.all:
            seen: set[Hashable] = set()
            for finding in side:
                name = (finding.tool, key(finding))
                (twice if name in seen else seen).add(name)

        def full(finding: Finding, path: str | None) -> Hashable | None:
            name = (finding.tool, key(finding))
            if name[1] is None:
                return None
            # Never across rules: a tool may write one word for every finding, and one finding a side cannot tell.
            return (*name, finding.rule, path) if name in twice else (*name, finding.rule)

        self.by_key("fingerprint", lambda f: full(f, self.lines.path(f.path)), lambda f: full(f, f.path))

    def by_key(
        self,
        step: str,
        baseline_key: Callable[[Finding], Hashable | None],
        candidate_key: Callable[[Finding], Hashable | None],
    ) -> None:
        """Pair findings of equal key, nearest lines first."""
        before, after = _grouped(self.baseline, baseline_key), _grouped(self.candidate, candidate_key)
        for key in (key for key in before if key in after):
            if step in _PLACES:
                self._take_alike(step, before[key], after[key])
            else:
                self._take(step, self._nearest(before[key], after[key]))
        self._drop_paired()

    def _take_alike(self, step: str, before: list[Finding], after: list[Finding]) -> None:
        """Pair findings of one rule at one place: by their words first, by the place alone if that leaves no choice.

        Eighteen names on a line of which one is left are not that one in other words.
        """
        begun = len(self.pairs)
        old, new = _grouped(before, lambda f: (f.masked,)), _grouped(after, lambda f: (f.masked,))
        for words in (words for words in old if words in new):
            self._take(step, self._nearest(old[words], new[words]))
        # Every finding stands at one place alone: only pairs of this place can have taken it.
        taken = {("b", p.baseline.index) for p in self.pairs[begun:]}
        taken |= {("c", p.candidate.index) for p in self.pairs[begun:]}
        rest = [f for f in before if ("b", f.index) not in taken], [f for f in after if ("c", f.index) not in taken]
        if len(rest[0]) == len(rest[1]):
            self._take(step, self._nearest(*rest))

    def by_partial(self) -> None:
        """Pair by partial fingerprints: the same rule and file, and at least half of the shared keys equal."""
        self.by_key(
            "partial_fingerprint",
            lambda f: _complete(f.tool, f.rule, self.lines.path(f.path), frozenset(f.partial.items()) or None),
            lambda f: _complete(f.tool, f.rule, f.path, frozenset(f.partial.items()) or None),
        )
        before = _grouped(
            self.baseline, lambda f: _complete(f.tool, f.rule, self.lines.path(f.path)) if f.partial else None
        )
        after = _grouped(self.candidate, lambda f: _complete(f.tool, f.rule, f.path) if f.partial else None)
        for key in (key for key in before if key in after):
            alike = [(b, c) for b, c in self._nearest_all(before[key], after[key]) if 2 * _equal_share(b, c) >= 1]
            self._take("partial_fingerprint", alike)
        self._drop_paired()

    def by_move(self) -> None:
        """Pair across files if exactly one finding is left on each side with this rule and this line's text."""

        def key(finding: Finding) -> Hashable | None:
            return _complete(finding.tool, finding.rule, finding.context)

        before, after = _grouped(self.baseline, key), _grouped(self.candidate, key)
        for name in (name for name in before if name in after):
            if len(before[name]) == len(after[name]) == 1:
                self._take("moved", [(before[name][0], after[name][0])])
        self._drop_paired()

    def _nearest(self, before: list[Finding], after: list[Finding]) -> Iterable[tuple[Finding, Finding]]:
        if len(before) * len(after) <= _NEAREST_LIMIT:
            return self._nearest_all(before, after)
        old, new = (_grouped(side, lambda f: (f.snippet, f.subject)) for side in (before, after))
        alike = [pair for key in old if key in new for pair in zip(old[key], new[key], strict=False)]
        taken = {id(finding) for pair in alike for finding in pair}
        rest = ([f for f in side if id(f) not in taken] for side in (before, after))
        return [*alike, *zip(*rest, strict=False)]

    def _nearest_all(self, before: list[Finding], after: list[Finding]) -> list[tuple[Finding, Finding]]:
        """Return all pairs, nearest lines first; of equally near ones, the most alike."""

        def distance(pair: tuple[Finding, Finding]) -> tuple[float, int]:
            line = self.lines.line(pair[0].path, pair[0].line) or pair[0].line
            far = float("inf") if line is None or pair[1].line is None else abs(line - pair[1].line)
            return far, sum(getattr(pair[0], name) != getattr(pair[1], name) for name in _LIKENESS)

        return sorted(product(before, after), key=distance)

    def _take(self, step: str, pairs: Iterable[tuple[Finding, Finding]]) -> None:
        used: set[tuple[str, int]] = set()
        for before, after in pairs:
            marks = {("b", before.index), ("c", after.index)}
            if used & marks or (step != "fingerprint" and (self._vetoed(before, after) or _apart(before, after))):
                continue
            if step == "message" and self._removed(before, after):
                continue
            used |= marks
            self.pairs.append(Pair(before, after, step))

    def _drop_paired(self) -> None:
        before = {pair.baseline.index for pair in self.pairs}
        after = {pair.candidate.index for pair in self.pairs}
        self.baseline = [f for f in self.baseline if f.index not in before]
        self.candidate = [f for f in self.candidate if f.index not in after]


def _grouped(findings: Iterable[Finding], key: Callable[[Finding], Hashable | None]) -> dict[Hashable, list[Finding]]:
    groups: dict[Hashable, list[Finding]] = defaultdict(list)
    for finding in findings:
        name = key(finding)
        if name is not None:
            groups[name].append(finding)
    return groups


def _equal_share(before: Finding, after: Finding) -> float:
    shared = before.partial.keys() & after.partial.keys()
    return sum(before.partial[key] == after.partial[key] for key in shared) / len(shared) if shared else 0.0
