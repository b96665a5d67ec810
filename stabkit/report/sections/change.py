"""Sections 6, 10 and 12: what changed, what is risky, and the checklist before production."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from stabkit.analyze import Gate
from stabkit.analyze.change import (
    RANK_LEVELS,
    ChangeRisk,
    Line,
    Suspect,
    area_coincidence,
    assess_changes,
    change_risk,
    grave_facts,
    is_grave,
    lines,
    missing_commits,
    suspects,
)
from stabkit.analyze.change import readiness as answer_lines
from stabkit.case import Case
from stabkit.chart import AREAS_SHOWN, ImpactBars, RankStrip
from stabkit.numbers import amount_text
from stabkit.report.display import CheckItem, Checklist, Column, Figure, Group, Piece, Section, Statement, Table
from stabkit.report.sections.acceptances import accepted_table
from stabkit.report.sections.no_evidence import absent
from stabkit.report.words import (
    changed_facts_text,
    changed_text,
    fact_name,
    fact_text,
    file_reason_text,
    item_place,
    lacks_baseline,
    line_name,
    line_text,
    outcome_count_text,
    reason_text,
    risk_input_texts,
    risk_texts,
    section_of,
    sentence,
    waiting_reason,
)
from stabkit.text import capital, count, joined, plain
from stabkit.vocabulary import OPEN, RISK_LEVELS

__all__ = [
    "LEVELS",
    "area_table",
    "breaking_sentence",
    "change_checklist",
    "change_impact",
    "change_table",
    "impact_figure",
    "item_table",
    "missing_statement",
    "readiness",
    "risk_of",
    "risk_sentences",
    "risks",
]

LEVELS: Final = tuple(reversed(RISK_LEVELS))
SHOWN_ROWS: Final = 12


def change_impact(case: Case, *, files: bool = True) -> Piece:
    """Return how risky the change is, what it does, where, and what got worse beside it; ``files``: their table too."""
    changes = case.after["changes"]
    does = item_table(case)
    if changes.empty and does is not None:
        return Group((does,))
    if changes.empty:
        if case.candidate.range_examined:
            return Statement(("The range between baseline and candidate was examined: it changes no file.",))
        return absent(case, "changes", "changes")
    beside = area_coincidence(changes, case.gate, case.config)
    lead = [sentence(f"{changed_text(changes)} changed"), *risk_sentences(case)[:1], *breaking_sentence(case)]
    lead += _coincidence(case, beside)
    risk = risk_of(case)
    pieces: list[Piece] = [Statement(tuple(lead))]
    if risk.percentile is not None:
        pieces.append(rank_figure(risk))
    pieces += [piece for piece in (missing_statement(case), does, area_table(case, beside)) if piece is not None]
    # One bar, or bars without a length, would say nothing that the table does not.
    if len(_areas(changes)) > 1 and changes[["added", "deleted"]].sum(axis=None) > 0:
        pieces.append(impact_figure(changes))
    if files:
        pieces.append(change_table(assess(case), "Changed files, the riskiest first"))
    return Group(tuple(pieces))


_TIES: Final[Mapping[str, str]] = {
    "same_file": "in a changed file",
    "configured": "the area runs it",
    "imports": "by import",
    "changes_together": "they usually change together",
}


def _coincidence(case: Case, beside: pd.DataFrame) -> list[str]:
    """Return what got worse beside what changed, and which changed files stand nearest to each broken test."""
    found = []
    if len(beside):
        areas = joined(beside["area"].dropna().drop_duplicates(), most=4)
        names = joined(beside["condition"].drop_duplicates(), most=4)
        found.append(sentence(f"changes in {areas} coincide with what regressed: {names}"))
    near: dict[str, list[Suspect]] = {}
    for suspect in suspects(case.after["changes"], case.gate, case.config):
        if suspect.kind in ("tests", "findings"):
            near.setdefault(suspect.item, []).append(suspect)
    for item, told in list(near.items())[:3]:
        files = joined((f"{plain(one.path)} ({_TIES[one.how]})" for one in told), most=2)
        found.append(sentence(f"nearest to {plain(item)} changed {files}"))
    return found


def rank_figure(risk: ChangeRisk) -> Figure:
    """Return where the change stands among earlier ones."""
    strip = RankStrip(risk.percentile or 0.0, int(risk.inputs.get("compared") or 0), RANK_LEVELS)
    return Figure.of(strip, height=0.9, left=0.02)


def breaking_sentence(case: Case) -> tuple[str, ...]:
    """Return what the range is proven to take away, in one sentence; none if it takes nothing away."""
    grave = grave_facts(case.after["checks"])
    return (sentence(f"{count(len(grave), 'breaking change')}: {changed_facts_text(grave)}"),) if grave else ()


def assess(case: Case) -> pd.DataFrame:
    """Return the changed files with their risk level and reasons."""
    after = case.after
    return assess_changes(after["changes"], checks=after["checks"], tests=after["tests"], gate=case.gate)


def risk_of(case: Case) -> ChangeRisk:
    """Return the one level of the whole change, with its inputs."""
    return change_risk(case.after["changes"], case.after["checks"], case.gate)


def risk_sentences(case: Case) -> tuple[str, ...]:
    """Return how risky the change is, why, and what it was ranked by; each a sentence."""
    risk = risk_of(case)
    level = "the risk of this change is not known" if risk.level is None else f"the risk of this change is {risk.level}"
    inputs = risk_input_texts(risk)
    ranked = (sentence(f"ranked by {', '.join(inputs)}"),) if inputs else ()
    return (sentence(f"{level}: {'; '.join(risk_texts(risk))}"), *ranked)


def missing_statement(case: Case) -> Piece | None:
    """Return the commits of the baseline that the candidate lacks; None if it lacks none."""
    missing = missing_commits(case.after["checks"])
    if not missing:
        return None
    lead = sentence(f"the candidate lacks {count(len(missing), 'commit')} of the baseline")
    rows = tuple({"commit": plain(one["commit"] or "")[:12], "subject": plain(one["subject"] or "")} for one in missing)
    columns = (Column("commit", "Commit", "code"), Column("subject", "Subject", "head"))
    return Group((Statement((lead,)), Table(columns, rows, "Commits that the candidate lacks", limit=SHOWN_ROWS)))


def _areas(changes: pd.DataFrame) -> list[str]:
    sizes = changes["area"].value_counts()
    return sorted(sizes.index, key=lambda name: (-int(sizes[name]), str(name)))


def impact_figure(changes: pd.DataFrame) -> Figure:
    """Return lines added and deleted, area by area."""
    frame = changes[["area", "added", "deleted"]]
    rows = min(changes["area"].nunique(dropna=False), AREAS_SHOWN)
    return Figure.of(ImpactBars(frame), height=max(1.5, 0.9 + 0.28 * rows), left=0.3)


def area_table(case: Case, beside: pd.DataFrame) -> Table:
    """Return one row an area: files, lines, owners, and the regressed metrics that coincide with the change."""
    changes = case.after["changes"]
    # Where nothing was compared, nothing can be said to have stayed as it was.
    none = "no regression" if case.baseline is not None and case.gate.conditions else "not compared"
    rows = []
    for area in _areas(changes):
        mine = changes[changes["area"] == area]
        owners = sorted(set(mine["owner"].dropna()))
        rows.append(
            {
                "area": plain(area),
                "files": str(mine["path"].nunique()),
                "lines": _lines(mine),
                "owner": joined(owners) or "not stated",
                "criticality": joined(sorted(set(mine["criticality"].dropna()))) or "not stated",
                "with": joined(beside.loc[beside["area"] == area, "condition"], most=3) or none,
            }
        )
    columns = (
        Column("area", "Area", "head"),
        Column("files", "Files", "number"),
        Column("lines", "Lines", "number"),
        Column("owner", "Owner"),
        Column("criticality", "Criticality"),
        Column("with", "Coincides with"),
    )
    return Table(columns, tuple(rows), "Areas of the change", limit=SHOWN_ROWS)


def _lines(changes: pd.DataFrame) -> str | None:
    if changes["added"].isna().all():
        return None
    return f"+{int(changes['added'].sum())} \u2212{int(changes['deleted'].sum())}"


def change_table(assessed: pd.DataFrame, caption: str) -> Table:
    """Return changed files as rows: category, lines, risk with its reasons, owner."""
    rank = assessed["level"].map({level: i for i, level in enumerate(LEVELS)}).fillna(len(LEVELS))
    ordered = assessed.assign(_rank=rank).sort_values(["_rank", "path"], kind="stable").drop(columns="_rank")
    rows = tuple(
        {
            "path": (plain(row["path"]), _change_words(row)),
            "lines": None if pd.isna(row["added"]) else f"+{row['added']} \u2212{row['deleted']}",
            "risk": "not known" if pd.isna(row["level"]) else str(row["level"]).lower(),
            "reasons": file_reason_text(row["reasons"]),
            "owner": "not stated" if pd.isna(row["owner"]) else plain(row["owner"]),
        }
        for row in ordered.to_dict("records")
    )
    columns = (
        Column("path", "File", "head"),
        Column("lines", "Lines", "number"),
        Column("risk", "Risk", "outcome"),
        Column("reasons", "Because"),
        Column("owner", "Owner", phone=False),
    )
    return Table(columns, rows, caption, limit=SHOWN_ROWS)


def _change_words(row: dict[Any, Any]) -> str:
    parts = [str(row["status"]).replace("_", " ")]
    if pd.notna(row["category"]):
        parts.append(plain(row["category"]))
    if pd.notna(row["value"]):
        parts.append(plain(row["value"]))
    return " · ".join(parts)


def risks(case: Case) -> Piece:
    """Return conditions that are not stable, then files of medium and high risk, with evidence and owner."""
    rows: list[dict[str, Any]] = [
        {
            "risk": (plain(condition.name), f"condition, {plain(condition.severity)}"),
            "state": condition.outcome,
            "evidence": reason_text(condition),
            "owner": "not stated",
            "watch": section_of(condition),
        }
        for condition in case.gate.conditions
        if condition.outcome in OPEN and not lacks_baseline(condition) and "accepted_as" not in condition.facts
    ]
    waiting = [condition for condition in case.gate.conditions if lacks_baseline(condition)]
    if waiting:
        line = waiting_reason(waiting)
        told = {"state": line.outcome, "evidence": line.text, "owner": "not stated", "watch": line.section}
        rows.append({"risk": (line.subject, "no baseline"), **told})
    changes = case.after["changes"]
    risky = assess(case) if len(changes) else pd.DataFrame()
    if len(risky):
        chosen = risky[risky["level"].isin(["HIGH", "MEDIUM"])]
        chosen = chosen[[not _is_accepted(case, path) for path in chosen["path"]]]
        rows += [
            {
                "risk": (plain(row["path"]), "changed file"),
                "state": str(row["level"]).lower(),
                "evidence": file_reason_text(row["reasons"]),
                "owner": "not stated" if pd.isna(row["owner"]) else plain(row["owner"]),
                "watch": Section.change_impact,
            }
            for row in sorted(chosen.to_dict("records"), key=lambda row: (LEVELS.index(row["level"]), row["path"]))
        ]
    accepted = _accepted(case)
    if not rows and accepted is not None:
        return accepted
    if not rows:
        known = case.candidate.range_examined
        seen = "no changed file is of medium or high risk" if known else "which files changed is not recorded"
        return Statement((sentence("every condition is stable or improved", seen),))
    lead = sentence(_risk_counts(case.gate, [str(row["state"]) for row in rows]))
    columns = (
        Column("risk", "Risk", "head"),
        Column("state", "State", "outcome"),
        Column("evidence", "Evidence"),
        Column("owner", "Owner", phone=False),
        Column("watch", "Shown in"),
    )
    table = Table(columns, tuple(rows), "Risks, the gravest first", limit=20)
    return Group((Statement((lead,)), table, *([accepted] if accepted is not None else [])))


def _accepted(case: Case) -> Table | None:
    return accepted_table(case.gate.accepted) if case.gate.accepted else None


def _is_accepted(case: Case, path: str) -> bool:
    return any(one.kind == "risk" and one.state == "accepted" and path in one.matches for one in case.gate.accepted)


def _risk_counts(gate: Gate, states: list[str]) -> str:
    """Return how many conditions and changed files the risks are, the gravest first."""
    outcomes = Counter(condition.outcome for condition in gate.conditions)
    open_ = {word: outcomes[word] for word in OPEN}
    files: list[str] = []
    for level in ("high", "medium"):
        if amount := states.count(level):
            files.append(f"{amount_text(amount) if files else count(amount, 'changed file')} of {level} risk")
    return "; ".join([*([outcome_count_text(open_, "condition")] if any(open_.values()) else []), ", ".join(files)])


def readiness(case: Case) -> Piece:
    """Return the checklist: yes, no, not checked with the reason, manual; the first sentence counts them.

    Lines of which the range holds nothing, or that nobody asked, are told together in the last sentence.
    """
    rows = answer_lines(case.after["checks"], case.gate, case.config).to_dict("records")
    asked = [row for row in rows if not _unasked(row)]
    items = tuple(CheckItem(_answer(row), _subject(row), _because(row)) for row in asked)
    order = {"no": 0, "not_checked": 1, "manual": 2, "yes": 3}
    ordered = tuple(sorted(items, key=lambda item: order[item.outcome]))
    return _with_rest(Checklist(ordered, "Production readiness"), lines(case.after["checks"]))


def _unasked(row: dict[Any, Any]) -> bool:
    return row["found"] is not None and (row["found"].settled or not row["found"].recorded)


def _with_rest(checklist: Checklist, found: Sequence[Line]) -> Piece:
    """Return a checklist with a sentence on the lines that it leaves out."""
    nothing = [line_name(line.line).lower() for line in found if line.recorded and line.settled]
    unasked = [line_name(line.line).lower() for line in found if not line.recorded]
    told = [f"not checked, as the change holds nothing of the kind: {joined(nothing, most=12)}"] if nothing else []
    told += [f"not recorded with the candidate: {joined(unasked, most=12)}"] if unasked else []
    return Group((checklist, Statement(tuple(map(sentence, told)), points=True))) if told else checklist


def change_checklist(case: Case) -> Piece:
    """Return the lines that the change itself is asked for, and no other."""
    found = lines(case.after["checks"])
    order = {"no": 0, "not_checked": 1, "yes": 2}
    items = [CheckItem(line.answer, line_name(line.line), line_text(line)) for line in found if not line.settled]
    ordered = tuple(sorted(items, key=lambda item: order[item.outcome]))
    return _with_rest(Checklist(ordered, "Checklist of the change"), found)


def item_table(case: Case) -> Table | None:
    """Return every item that the checklist of the change lists, the gravest first; None without one."""
    found = [(line, one) for line in lines(case.after["checks"]) for one in line.items]
    order = ("production", "ci", "development")
    found.sort(
        key=lambda pair: (not is_grave(pair[1]), order.index(pair[1]["scope"]), pair[1]["confidence"] != "proven")
    )
    if not found:
        return None
    rows = tuple(
        {
            "what": (capital(fact_text({**one, "path": ""})), _sureness(one)),
            "line": line_name(line.line),
            "place": item_place(one),
        }
        for line, one in found
    )
    columns = (Column("what", "What", "head"), Column("line", "Line", phone=False), Column("place", "Where"))
    records = tuple(dict(one) for _, one in found)
    return Table(columns, rows, "What the change does, the gravest first", limit=SHOWN_ROWS, records=records)


def _sureness(one: Mapping[str, Any]) -> str:
    words = [fact_name(one["fact"]), *([one["scope"]] if one["scope"] != "production" else [])]
    return " · ".join([*words, *(["by pattern"] if one["confidence"] == "heuristic" else [])])


def _answer(row: dict[Any, Any]) -> str:
    # A line that neither a condition nor a check answers is for a person; it is never ticked.
    return "manual" if row["by_hand"] else str(row["answer"])


def _subject(row: dict[Any, Any]) -> str:
    return line_name(row["found"].line) if row["found"] is not None else capital(plain(row["line"], 160))


def _because(row: dict[Any, Any]) -> str:
    if row["found"] is not None:
        return line_text(row["found"])
    parts = [plain(row["because"], 200)]
    if pd.notna(row["evidence"]) and row["evidence"] != row["because"]:
        parts.append(plain(row["evidence"], 200))
    return "; ".join(parts)
