"""Compliance findings over time: what is open, new, fixed and persisting from scan to scan, and how old it is.

Findings of equal fingerprints are the same, which is fast over many scans; what that leaves of two scans is matched as
the findings of two runs are (:func:`.match_findings`), but without git: a finding on a line that git alone follows may
count here as one new and one fixed, unless the history is told of that comparison. Ages go by fingerprints alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd

from stabkit.analyze.facts import Difference
from stabkit.analyze.findings.matching import FindingComparison, match_findings
from stabkit.runs import order_runs
from stabkit.schema import conform

__all__ = ["finding_ages", "finding_history"]

# What makes scans comparable -> what is assumed where it is unknown, and what parts them where it differs.
_FACTS: Final = {
    "version": (Difference("unknown_version"), Difference("versions")),
    "rules_sha256": (Difference("unknown_rules"), Difference("rules")),
    "scope_sha256": (Difference("unknown_files"), Difference("files")),
}
_COUNTS: Final = ["open", "suppressed", "new", "fixed", "persisting", "not_scanned"]


@dataclass(frozen=True)
class _Scan:
    """One scan of one series, with its open findings counted by fingerprint."""

    position: int
    facts: dict[str, Any]
    open: Counter[str]
    by_severity: Counter[str]
    suppressed: int
    rows: pd.DataFrame
    stated: pd.DataFrame
    """Its row of the table ``scans``."""

    @property
    def complete(self) -> bool:
        return bool(self.facts["complete"])


def finding_history(
    findings: pd.DataFrame,
    scans: pd.DataFrame,
    runs: pd.DataFrame,
    *,
    judged: FindingComparison | None = None,
    between: tuple[str, str] | None = None,
) -> pd.DataFrame:
    """Return the open findings scan by scan, and what changed since the scan before.

    Parameters
    ----------
    findings, scans, runs : DataFrame
        Tables ``findings``, ``scans`` and ``runs``. Suppressed findings are counted apart and are not open.
    judged, between : FindingComparison and tuple of str, optional
        How the findings of two of the runs, named by their ids, were judged: where the later one follows the earlier,
        what came and went is counted so.

    Returns
    -------
    DataFrame
        For each tool one row a run, oldest first: ``run_id``, ``label``, ``started_at``, ``environment``, ``tool``,
        ``scan_id``, ``complete``; ``open``, ``suppressed``, ``new``, ``fixed``, ``persisting``, ``not_scanned`` (gone,
        but this scan is incomplete, so not shown to be fixed); ``comparable`` with the scan before (past an incomplete
        one, with the last complete), ``why`` (where the line breaks, each :class:`.Difference` that breaks it, else
        null), ``assumed`` (those that had to be assumed, else null), ``line``; one column ``open_<severity>`` for each
        severity seen. A run in which the tool did not scan keeps its row with nulls: not scanned is a gap, not zero.
        The first scan has nothing to be new against: its ``new``, ``fixed``, ``persisting`` are null.

    Notes
    -----
    Findings are paired by fingerprint, one to one, and those that are left as two runs' are; one that was suppressed is
    not fixed. Scans look at code, so the environment of a run parts no line.
    Several scans of one tool in a run are series of their own, told apart by ``scan_id``.
    """
    ordered = order_runs(runs)
    rows: list[dict[str, Any]] = []
    line = 0
    severities: set[str] = set()
    for series in _series(findings, scans, ordered):
        line += 1
        before: _Scan | None = None
        resumed = False
        by_run = {scan.position: scan for scan in series.scans}
        for position in range(len(ordered)):
            row: dict[str, Any] = {"position": position, "tool": series.tool, "scan_id": series.scan_id}
            scan = by_run.get(position)
            if scan is not None:
                why, assumed = _compare(before, scan) if before else ((), ())
                row["comparable"] = None if before is None else not why
                if not why and resumed:
                    why = (Difference("after_incomplete", series.tool),)
                line += bool(why)
                row |= _states(before, scan) | {"why": why or None, "assumed": assumed or None}
                pair = before and (ordered["run_id"][before.position], ordered["run_id"][position])
                if judged is not None and pair == between and series.scan_id is None and scan.complete:
                    row |= judged.came_and_went(series.tool)
                row |= {f"open_{word}": count for word, count in scan.by_severity.items()}
                severities |= set(scan.by_severity)
                # What an incomplete scan did not see is neither fixed nor, seen again, new: compare past it.
                resumed = before is not None and not scan.complete
                before = before if resumed else scan
            rows.append(row | {"line": line})
    return _assemble(rows, ordered, sorted(severities))


def finding_ages(findings: pd.DataFrame, scans: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the findings open in each tool's latest scan, with their ages.

    Returns
    -------
    DataFrame
        The oldest first: ``tool``, ``scan_id``, ``rule``, ``severity``, ``path``, ``line``, ``message``,
        ``fingerprint``, ``first_run_id``, ``first_label``, ``first_seen_at`` (the earliest run that had it),
        ``age_runs`` (scans since then), ``age_days``, ``at_least`` (true if the very first scan had it: then it is
        older than that), ``reopened`` (absent from a complete scan in between), ``scan_complete``. Empty if nothing
        is open or nothing was scanned.
    """
    ordered = order_runs(runs)
    known = conform("findings", findings)
    parts = []
    for series in _series(findings, scans, ordered):
        if not series.scans:
            continue
        last = series.scans[-1]
        mine = known[
            (known["run_id"] == ordered["run_id"][last.position])
            & (known["tool"] == series.tool)
            & (known["scan_id"] == last.facts["scan_id"])
            & ~known["suppressed"]
        ]
        ages = pd.DataFrame(
            [_age(fingerprint, series.scans, ordered) for fingerprint in mine["fingerprint"]],
            columns=_AGE,
            index=mine.index,
        )
        about = mine[["tool", "scan_id", "rule", "severity", "path", "line", "message", "fingerprint"]]
        parts.append(pd.concat([about, ages.assign(scan_complete=last.complete)], axis=1))
    empty = pd.DataFrame(columns=[*_ABOUT, *_AGE, "scan_complete"])
    result = pd.concat(parts) if parts else empty
    order = ["age_days", "age_runs", "tool", "rule", "path", "fingerprint"]
    return result.sort_values(order, ascending=[False] * 2 + [True] * 4, kind="stable", ignore_index=True)


_ABOUT: Final = ["tool", "scan_id", "rule", "severity", "path", "line", "message", "fingerprint"]
_AGE: Final = ["first_run_id", "first_label", "first_seen_at", "age_runs", "age_days", "at_least", "reopened"]


def _age(fingerprint: str, scans: list[_Scan], ordered: pd.DataFrame) -> list[Any]:
    present = [fingerprint in scan.open for scan in scans]
    first = present.index(True)
    run = ordered.iloc[scans[first].position]
    days = (ordered["started_at"][scans[-1].position] - run["started_at"]).total_seconds() / 86400
    gone = any(not seen and scan.complete for seen, scan in zip(present[first:], scans[first:], strict=True))
    return [run["run_id"], run["label"], run["started_at"], len(scans) - 1 - first, days, first == 0, gone]


@dataclass(frozen=True)
class _Series:
    tool: str
    scan_id: str | None
    scans: list[_Scan]


def _series(findings: pd.DataFrame, scans: pd.DataFrame, ordered: pd.DataFrame) -> list[_Series]:
    known = conform("scans", scans)
    position = pd.Series(ordered.index, index=ordered["run_id"])
    whole = known[(known["scope"] == "all") & known["run_id"].isin(position.index)].copy()
    whole["position"] = whole["run_id"].map(position).astype("int64")
    rows = conform("findings", findings)
    counted = dict(list(rows.groupby(["run_id", "tool", "scan_id"])))
    result = []
    for tool, of_tool in whole.groupby("tool"):
        several = bool(of_tool.duplicated("run_id").any())
        groups = list(of_tool.groupby("scan_id")) if several else [(None, of_tool)]
        for scan_id, group in groups:
            in_order = group.sort_values("position")
            ordered_scans = [
                _scan(
                    facts,
                    counted.get((facts["run_id"], tool, facts["scan_id"]), rows.iloc[:0]),
                    in_order.iloc[[number]].drop(columns="position"),
                )
                for number, facts in enumerate(in_order.to_dict("records"))
            ]
            result.append(_Series(str(tool), scan_id, ordered_scans))
    return result


def _scan(facts: dict[str, Any], rows: pd.DataFrame, stated: pd.DataFrame) -> _Scan:
    open_rows = rows[~rows["suppressed"]]
    return _Scan(
        position=facts["position"],
        facts=facts,
        open=Counter(open_rows["fingerprint"]),
        by_severity=Counter(open_rows["severity"].fillna("unknown")),
        suppressed=len(rows) - len(open_rows),
        rows=rows,
        stated=stated,
    )


def _states(before: _Scan | None, scan: _Scan) -> dict[str, Any]:
    row: dict[str, Any] = {
        "scan_id": scan.facts["scan_id"],
        "complete": scan.complete,
        "open": scan.open.total(),
        "suppressed": scan.suppressed,
    }
    if before is None:
        return row
    came = _came_and_went(before, scan)
    came["persisting"] += (scan.open & before.open).total()
    return row | came | {"fixed": came["fixed"] if scan.complete else None}


def _came_and_went(before: _Scan, scan: _Scan) -> dict[str, int]:
    """Return what became of the findings whose fingerprints one of two scans alone has."""
    gone, come = before.open - scan.open, scan.open - before.open
    old = _taken(before.rows, gone)
    if old.empty:  # nothing that the new ones could be, so that each of them is new: what most scans amount to
        left = "fixed" if scan.complete else "not_scanned"
        return {"new": come.total(), "persisting": 0, "fixed": 0, "not_scanned": 0, left: gone.total()}
    new = _taken(scan.rows, come)
    new = pd.concat([new, scan.rows[scan.rows["suppressed"] & _matchable(scan.rows)]])
    found = match_findings(old, new, before.stated, scan.stated).came_and_went(str(scan.facts["tool"]))
    # What a tool names in a word of its own is known by that word alone.
    found["new"] += come.total() - int((~new["suppressed"]).sum())
    found["fixed" if scan.complete else "not_scanned"] += gone.total() - len(old)
    return found


def _taken(rows: pd.DataFrame, wanted: Counter[str]) -> pd.DataFrame:
    """Return as many open rows of each fingerprint as are wanted, the last ones, of those that can be matched."""
    if not wanted:
        return rows.iloc[:0]
    mine = rows[~rows["suppressed"] & rows["fingerprint"].isin(list(wanted)) & _matchable(rows)]
    place = mine.groupby("fingerprint").cumcount(ascending=False)
    return mine[place < mine["fingerprint"].map(wanted).astype("int64")]


def _matchable(rows: pd.DataFrame) -> pd.Series:
    return rows["fingerprints"].notna() | rows["fingerprint"].str.startswith("stabkit/v")


def _compare(before: _Scan, scan: _Scan) -> tuple[tuple[Difference, ...], tuple[Difference, ...]]:
    """Why the two scans cannot be compared (nothing if they can), and what had to be assumed."""
    tool = str(scan.facts["tool"])
    why, assumed = [], []
    for column, (unknown, differs) in _FACTS.items():
        old, new = before.facts[column], scan.facts[column]
        if pd.isna(old) or pd.isna(new):
            assumed.append(replace(unknown, tool=tool))
        elif old != new:
            why.append(replace(differs, tool=tool, subjects=(old, new) if column == "version" else ()))
    files = before.facts["files_scanned"], scan.facts["files_scanned"]
    known_scope = not pd.isna(before.facts["scope_sha256"]) and not pd.isna(scan.facts["scope_sha256"])
    if not known_scope and not any(map(pd.isna, files)) and files[0] != files[1]:
        why.append(Difference("file_counts", tool, numbers=files))
    if not scan.complete:
        why.append(Difference("incomplete", tool, "candidate"))
    if not before.complete:
        why.append(Difference("incomplete", tool, "baseline"))
    return tuple(why), tuple(assumed)


def _assemble(rows: list[dict[str, Any]], ordered: pd.DataFrame, severities: list[str]) -> pd.DataFrame:
    fixed = ["tool", "scan_id", "complete", *_COUNTS, "comparable", "why", "assumed", "line"]
    by_severity = [f"open_{word}" for word in severities]
    frame = pd.DataFrame(rows, columns=["position", *fixed, *by_severity])
    scanned = frame["open"].notna()
    for column in (*_COUNTS, "line", *by_severity):
        frame[column] = frame[column].astype("Int64")
    for column in by_severity:
        frame[column] = frame[column].mask(scanned & frame[column].isna(), 0)
    for column in ("complete", "comparable"):
        frame[column] = frame[column].astype("boolean")
    for column in ("tool", "scan_id"):
        frame[column] = frame[column].astype("str")
    about = ordered[["run_id", "label", "started_at", "environment"]]
    joined = frame.join(about, on="position")
    return joined[["run_id", "label", "started_at", "environment", *fixed, *by_severity]]
