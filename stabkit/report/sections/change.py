"""Sections 6, 10 and 12: what changed, what is risky, and the checklist before production."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from stabkit.analyze import Gate
from stabkit.analyze.change import (
    RANK_LEVELS,
    Line,
    Suspect,
    area_coincidence,
    assess_changes,
    grave_facts,
    is_grave,
    missing_commits,
    suspects,
)
from stabkit.analyze.change import readiness as answer_lines
from stabkit.case import Case
from stabkit.chart import AREAS_SHOWN, ImpactBars, RankStrip
from stabkit.numbers import amount_text
from stabkit.report.display import CheckItem, Checklist, Column, Figure, Fold, Group, Piece, Section, Statement, Table
from stabkit.report.sections.acceptances import accepted_table
from stabkit.report.sections.metrics import BEGUN, LONGEST
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
    risk_input_texts,
    risk_text,
    section_of,
    sentence,
    waiting_reason,
)
from stabkit.text import capital, count, joined, plain
from stabkit.vocabulary import CHANGE_FACTS, OPEN, RISK_LEVELS

__all__ = [
    "LEVELS",
    "area_table",
    "areas",
    "breaking_sentence",
    "change_checklist",
    "change_impact",
    "change_table",
    "file_risks",
    "headline",
    "impact_figure",
    "item_table",
    "missing_statement",
    "no_change",
    "readiness",
    "risk_sentences",
    "risks",
]

LEVELS: Final = tuple(reversed(RISK_LEVELS))
SHOWN_ROWS: Final = 12
_FOLDED: Final = 500  # rows of a table behind a fold; the JSON result has them all
FEW_FILES: Final = 4  # so many stay open, though no risk is in them


def change_impact(case: Case) -> Piece:
    """Return how risky the change is, what it does, where, and what got worse beside it."""
    changes = case.after["changes"]
    does = item_table(case)
    if changes.empty and does is not None:
        return Group((does,))
    if changes.empty:
        return no_change(case)
    assessed = assess(case)
    files = change_table(assessed, "Changed files, the riskiest first")
    beside = area_coincidence(changes, case.gate, case.config)
    told = _coincidence(case, beside)
    calm = not assessed["level"].isin(["HIGH", "MEDIUM"]).any() and len(assessed) > FEW_FILES
    pieces: list[Piece | None] = [headline(case), missing_statement(case), rank_figure(case), does]
    pieces += [Statement(tuple(told))] if told else []
    pieces.append(Fold((files,), summary=count(len(assessed), "changed file")) if calm else files)
    pieces.append(Fold(tuple(_areas_shown(case, beside)), summary=_areas_summary(changes)))
    return Group(tuple(piece for piece in pieces if piece is not None))


def _areas_summary(changes: pd.DataFrame) -> str:
    named = _areas(changes)
    return f"{count(len(named), 'area')}: {joined(map(plain, named), most=4)}" if named else "Areas"


def no_change(case: Case) -> Piece:
    """Return why no file is shown: the range changes none, or none is recorded."""
    if case.candidate.range_examined:
        return Statement(("The range between baseline and candidate was examined: it changes no file.",))
    return absent(case, "changes", "changes")


def headline(case: Case) -> Piece:
    """Return how much changed, how risky that is and why, and what it takes away."""
    lead = [sentence(f"{changed_text(case.after['changes'])} changed"), *risk_sentences(case), *breaking_sentence(case)]
    return Statement(tuple(lead))


def areas(case: Case) -> Piece:
    """Return what got worse beside what changed, and the areas of the change."""
    beside = area_coincidence(case.after["changes"], case.gate, case.config)
    told = _coincidence(case, beside)
    return Group((*([Statement(tuple(told))] if told else []), *_areas_shown(case, beside)))


def _areas_shown(case: Case, beside: pd.DataFrame) -> list[Piece]:
    changes = case.after["changes"]
    pieces: list[Piece] = [area_table(case, beside)]
    # One bar, or bars without a length, would say nothing that the table does not.
    if len(_areas(changes)) > 1 and changes[["added", "deleted"]].sum(axis=None) > 0:
        pieces.append(impact_figure(changes))
    return pieces


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


def rank_figure(case: Case) -> Figure | None:
    """Return where the change stands among earlier ones; None where that is not known."""
    risk = case.risk
    if risk.percentile is None:
        return None
    strip = RankStrip(risk.percentile, int(risk.inputs.get("compared") or 0), RANK_LEVELS)
    return Figure.of(strip, height=1.2, left=0.1)


def breaking_sentence(case: Case) -> tuple[str, ...]:
    """Return what the range is proven to take away, in one sentence; none if it takes nothing away."""
    grave = grave_facts(case.after["checks"])
    return (sentence(f"{count(len(grave), 'breaking change')}: {changed_facts_text(grave)}"),) if grave else ()


def assess(case: Case) -> pd.DataFrame:
    """Return the changed files with their risk level and reasons."""
    after = case.after
    return assess_changes(after["changes"], checks=after["checks"], tests=after["tests"], gate=case.gate)


def risk_sentences(case: Case) -> tuple[str, ...]:
    """Return how risky the change is, why, and what it was ranked by; each a sentence."""
    risk = case.risk
    level = "the risk of this change is not known" if risk.level is None else f"the risk of this change is {risk.level}"
    inputs = risk_input_texts(risk) if risk.percentile else ()
    ranked = (sentence(f"ranked by {', '.join(inputs)}"),) if inputs else ()
    return (sentence(f"{level}: {risk_text(risk)}"), *ranked)


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
            "evidence": None,
            "owner": None,
            "watch": section_of(condition),
        }
        for condition in case.gate.conditions
        if condition.outcome in OPEN and not lacks_baseline(condition) and "accepted_as" not in condition.facts
    ]
    waiting = [condition for condition in case.gate.conditions if lacks_baseline(condition)]
    if waiting:
        line = waiting_reason(waiting)
        told = {"state": line.outcome, "evidence": line.text, "owner": None, "watch": line.section}
        rows.append({"risk": (line.subject, "no baseline"), **told})
    rows += _file_rows(case)
    accepted = _accepted(case)
    if not rows and accepted is not None:
        return accepted
    if not rows:
        known = case.candidate.range_examined
        seen = "no changed file is of medium or high risk" if known else "which files changed is not recorded"
        return Statement((sentence("every condition is stable or improved", seen),))
    seen = "what was seen of conditions stands in the verdict above" if any(r["evidence"] is None for r in rows) else ""
    lead = sentence(_risk_counts(case.gate, [str(row["state"]) for row in rows]), seen)
    return Group((Statement((lead,)), *_risk_tables(rows), *([accepted] if accepted is not None else [])))


def file_risks(case: Case) -> Piece:
    """Return the changed files of medium and high risk alone, with evidence and owner; then what is accepted."""
    rows = _file_rows(case)
    lead = _level_counts([str(row["state"]) for row in rows]) or "no changed file is of medium or high risk"
    pieces = (Statement((sentence(lead),)), rank_figure(case), *_risk_tables(rows), _accepted(case))
    return Group(tuple(piece for piece in pieces if piece is not None))


def _risk_tables(rows: Sequence[dict[str, Any]]) -> list[Piece]:
    """Return the risks as a table; of very many what regressed or is high, at least a few, and the others folded."""
    if len(rows) <= LONGEST:
        return [_risk_table(rows)] if rows else []
    grave = sum(row["state"] in ("regressed", "high") for row in rows)
    first = sorted(rows, key=lambda row: row["state"] not in ("regressed", "high"))
    shown = min(max(grave, BEGUN), LONGEST)
    rest = _risk_table(first[shown:], "Further risks", limit=_FOLDED)
    return [_risk_table(first[:shown]), Fold((rest,), summary=count(len(rows) - shown, "further risk"))]


def _risk_table(
    rows: Sequence[dict[str, Any]], caption: str = "Risks, the gravest first", *, limit: int = LONGEST
) -> Table:
    columns = (
        Column("risk", "Risk", "head"),
        Column("state", "State", "outcome"),
        Column("evidence", "Evidence"),
        Column("owner", "Owner", phone=False),
        Column("watch", "Shown in"),
    )
    return Table(columns, tuple(rows), caption, limit=limit)


def _file_rows(case: Case) -> list[dict[str, Any]]:
    if case.after["changes"].empty:
        return []
    risky = assess(case)
    chosen = risky[risky["level"].isin(["HIGH", "MEDIUM"])]
    chosen = chosen[[not _is_accepted(case, path) for path in chosen["path"]]]
    return [
        {
            "risk": (plain(row["path"]), "changed file"),
            "state": str(row["level"]).lower(),
            "evidence": file_reason_text(row["reasons"]),
            "owner": "not stated" if pd.isna(row["owner"]) else plain(row["owner"]),
            "watch": Section.change_impact,
        }
        for row in sorted(chosen.to_dict("records"), key=lambda row: (LEVELS.index(row["level"]), row["path"]))
    ]


def _accepted(case: Case) -> Table | None:
    return accepted_table(case.gate.accepted) if case.gate.accepted else None


def _is_accepted(case: Case, path: str) -> bool:
    return any(one.kind == "risk" and one.state == "accepted" and path in one.matches for one in case.gate.accepted)


def _risk_counts(gate: Gate, states: list[str]) -> str:
    """Return how many conditions and changed files the risks are, the gravest first."""
    outcomes = Counter(condition.outcome for condition in gate.conditions)
    open_ = {word: outcomes[word] for word in OPEN}
    told = [outcome_count_text(open_, "condition")] if any(open_.values()) else []
    return "; ".join(filter(None, [*told, _level_counts(states)]))


def _level_counts(states: list[str]) -> str:
    files: list[str] = []
    for level in ("high", "medium"):
        if amount := states.count(level):
            files.append(f"{amount_text(amount) if files else count(amount, 'changed file')} of {level} risk")
    return ", ".join(files)


def readiness(case: Case) -> Piece:
    """Return the checklist: yes, no, not checked with the reason, manual; the first sentence counts them.

    Lines of which the range holds nothing, or that nobody asked, are told together in the last sentence.
    """
    rows = answer_lines(case.after["checks"], case.gate, case.config, case.lines).to_dict("records")
    asked = [row for row in rows if not _unasked(row)]
    items = tuple(CheckItem(_answer(row), _subject(row), _because(row)) for row in asked)
    order = {"no": 0, "not_checked": 1, "manual": 2, "yes": 3}
    ordered = tuple(sorted(items, key=lambda item: order[item.outcome]))
    known = not case.after["changes"].empty
    return Checklist(ordered, "Production readiness", _left_out(case.lines, known=known))


def _unasked(row: dict[Any, Any]) -> bool:
    return row["found"] is not None and (row["found"].settled or not row["found"].recorded)


def _left_out(found: Sequence[Line], *, known: bool = False) -> tuple[str, ...]:
    """Return sentences on the lines that a checklist leaves out: those that have nothing to answer.

    ``known``: the changed files are recorded, though what they do is not.
    """
    nothing = [line_name(line.line, inside=True) for line in found if line.recorded and line.settled]
    unasked = [line_name(line.line, inside=True) for line in found if not line.recorded]
    told = [f"not checked, as there is nothing of the kind: {joined(nothing, most=12)}"] if nothing else []
    if len(unasked) == len(found):
        why = "its files were recorded, and not examined" if known else "no git range was collected"
        told = [f"what the change does is not known: {why}"]
    elif unasked:
        told.append(f"not recorded with the candidate: {joined(unasked, most=12)}")
    return tuple(map(sentence, told))


def change_checklist(case: Case) -> Piece:
    """Return the lines that the change itself is asked for, and no other."""
    order = {"no": 0, "not_checked": 1, "yes": 2}
    items = [CheckItem(line.answer, line_name(line.line), line_text(line)) for line in case.lines if not line.settled]
    ordered = tuple(sorted(items, key=lambda item: order[item.outcome]))
    return Checklist(ordered, "Checklist of the change", _left_out(case.lines))


def item_table(case: Case) -> Table | None:
    """Return what the checklist of the change lists, each thing once, the gravest first; None without an item."""
    facts, scopes = list(CHANGE_FACTS), ("production", "ci", "development")

    def weight(one: Mapping[str, Any]) -> tuple[bool, int, bool, int]:
        return (
            not is_grave(one),
            scopes.index(one["scope"]),
            one["confidence"] != "proven",
            facts.index(one["fact"]),
        )

    found = [(line, one) for line in case.lines for one in line.items]
    once: dict[tuple[Any, ...], tuple[Line, Mapping[str, Any]]] = {}
    for line, one in sorted(found, key=lambda pair: weight(pair[1])):
        once.setdefault((one["path"], one["line"], one["what"], one["change"]), (line, one))
    if not once:
        return None
    rows = tuple(
        {"what": (_item_head(one), _sureness(one)), "line": line_name(line.line), "place": item_place(one)}
        for line, one in once.values()
    )
    columns = (Column("what", "What", "head"), Column("line", "Line", phone=False), Column("place", "Where"))
    records = tuple({**one, "text": fact_text(one)} for _, one in once.values())
    return Table(columns, rows, "What the change does, the gravest first", limit=SHOWN_ROWS, records=records)


def _item_head(one: Mapping[str, Any]) -> str:
    """Return what an item is, without its place; names of things keep their first letter."""
    text = fact_text(one, placed=False)
    return text if text.startswith(plain(one["what"] or "")) else capital(text)


def _sureness(one: Mapping[str, Any]) -> str:
    words = [
        fact_name(one["fact"]),
        *(["accepted"] if one["accepted"] else []),
        *([one["scope"]] if one["scope"] != "production" else []),
    ]
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
