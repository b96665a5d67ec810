"""Sections 6, 10 and 12: what changed, what is risky, and the checklist before production."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import pandas as pd

from stabkit.analyze import Gate
from stabkit.analyze.change import (
    ChangeRisk,
    area_coincidence,
    assess_changes,
    change_risk,
    distinct_facts,
    grave_facts,
    lines,
    missing_commits,
    range_checks,
)
from stabkit.analyze.change import readiness as answer_lines
from stabkit.case import Case
from stabkit.chart import AREAS_SHOWN, ImpactBars
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
    place_text,
    reason_text,
    risk_input_texts,
    risk_texts,
    section_of,
    sentence,
    waiting_reason,
)
from stabkit.text import capital, count, joined, plain
from stabkit.vocabulary import GRAVE_FACTS, OPEN, RISK_LEVELS

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
    """Return areas and files of the range, and the regressions that coincide with them; ``files``: their table too."""
    changes = case.after["changes"]
    broken = breaking_table(case)
    if changes.empty and broken is not None:
        return Group((broken,))
    if changes.empty:
        if case.candidate.range_examined:
            return Statement(("The range between baseline and candidate was examined: it changes no file.",))
        return absent(case, "changes", "changes")
    lead = [sentence(f"{changed_text(changes)} changed")]
    beside = area_coincidence(changes, case.gate, case.config)
    if len(beside):
        areas = joined(beside["area"].dropna().drop_duplicates(), most=4)
        names = joined(beside["condition"].drop_duplicates(), most=4)
        lead.append(sentence(f"changes in {areas} coincide with what regressed: {names}"))
    lead += risk_sentences(case)
    lead += breaking_sentence(case)
    lacking = missing_statement(case)
    pieces: list[Piece] = [Statement(tuple(lead)), *filter(None, (lacking, broken)), area_table(case, beside)]
    # One bar, or bars without a length, would say nothing that the table does not.
    if len(_areas(changes)) > 1 and changes[["added", "deleted"]].sum(axis=None) > 0:
        pieces.append(impact_figure(changes))
    if files:
        pieces.append(change_table(assess(case), "Changed files, the riskiest first"))
    return Group(tuple(pieces))


def breaking_sentence(case: Case) -> tuple[str, ...]:
    """Return what the range is proven to take away, in one sentence; none if it takes nothing away."""
    grave = grave_facts(case.after["checks"])
    return (sentence(f"{count(len(grave), 'breaking change')}: {changed_facts_text(grave)}"),) if grave else ()


def breaking_table(case: Case) -> Table | None:
    """Return what the range takes away from those who rely on it, the proven first; None if it takes nothing away."""
    found = list(distinct_facts(range_checks(case.after["checks"], GRAVE_FACTS)))
    if not found:
        return None
    found.sort(key=lambda one: one["confidence"] != "proven")
    rows = tuple(
        {
            "what": (capital(fact_text(one)), fact_name(one["fact"])),
            "place": place_text(one),
            "confidence": one["confidence"],
        }
        for one in found
    )
    columns = (Column("what", "What", "head"), Column("place", "Where"), Column("confidence", "How sure"))
    return Table(
        columns, rows, "What the change takes away", limit=SHOWN_ROWS, records=tuple(dict(one) for one in found)
    )


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
    """Return the checklist: yes, no, not checked with the reason, manual; the first sentence counts them."""
    rows = answer_lines(case.after["checks"], case.gate, case.config).to_dict("records")
    items = tuple(CheckItem(_answer(row), _subject(row), _because(row)) for row in rows)
    order = {"no": 0, "not_checked": 1, "manual": 2, "yes": 3}
    ordered = tuple(sorted(items, key=lambda item: order[item.outcome]))
    return Checklist(ordered, "Production readiness")


def change_checklist(case: Case) -> Piece:
    """Return the lines that the change itself is asked for, and no other."""
    found = lines(case.after["checks"])
    order = {"no": 0, "not_checked": 1, "yes": 2}
    items = [CheckItem(line.answer, line_name(line.line), line_text(line)) for line in found]
    return Checklist(tuple(sorted(items, key=lambda item: order[item.outcome])), "Checklist of the change")


def item_table(case: Case) -> Piece:
    """Return every item that the checklist of the change lists, line by line, the gravest first."""
    rows = tuple(
        {
            "line": line_name(line.line),
            "what": capital(fact_text({**one, "path": ""})),
            "place": item_place(one),
            "scope": one["scope"],
            "confidence": one["confidence"],
        }
        for line in lines(case.after["checks"])
        for one in line.items
    )
    if not rows:
        return Statement((sentence("no line of the checklist lists anything"),))
    columns = (
        Column("what", "What", "head"),
        Column("line", "Line"),
        Column("place", "Where", "code"),
        Column("scope", "Touches", phone=False),
        Column("confidence", "How sure", phone=False),
    )
    return Table(columns, rows, "What the change does", limit=SHOWN_ROWS)


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
