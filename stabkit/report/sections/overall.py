"""The verdict strip and the sections that speak of the whole: summary, journeys, risks, recommendations, conclusion."""

from __future__ import annotations

from typing import Any

from stabkit.analyze import ConditionResult
from stabkit.analyze.change import grave_facts
from stabkit.case import Case
from stabkit.kinds import NO_CONDITION
from stabkit.report.display import Column, Group, NoEvidence, Piece, Statement, Subject, Table, Verdict
from stabkit.report.sections.metrics import first_metrics
from stabkit.report.words import (
    advice,
    apart_text,
    as_json,
    change_clause,
    conclusion_texts,
    deciding_command,
    facts_strip,
    headline_text,
    known_text,
    largest_change,
    line_notes,
    lineage_notes,
    reasons,
    run_name,
    sentence,
    summary_texts,
    takes_text,
    title_text,
    within_reach,
)
from stabkit.text import capital, count, joined, plain, verb
from stabkit.vocabulary import OUTCOMES

__all__ = ["business_value", "conclusion", "executive_summary", "recommendations", "verdict"]


def verdict(case: Case) -> Verdict:
    """Return the verdict with its reasons in order of weight, and the facts strip."""
    gate, run = case.gate, case.candidate.run
    grave = grave_facts(case.after["checks"])
    subject = Subject(
        title=title_text(case.baseline.run if case.baseline else None, run),
        project=known_text(run["project"]) or case.config.project.name,
        environment=known_text(run["environment"]),
        baseline=run_name(case.baseline.run) if case.baseline else None,
        candidate=run_name(run),
        at=run["started_at"].isoformat(),
        rounds=case.again.rounds or None,
        note=apart_text() if case.apart else None,
    )
    sides = [case.baseline, case.candidate] if case.baseline else [case.candidate]
    return Verdict(
        word=gate.verdict,
        sentence=headline_text(gate, first=case.first),
        reasons=reasons(gate, case.again),
        facts=tuple(
            facts_strip(
                gate,
                case.after["changes"],
                examined=case.candidate.range_examined,
                declared=case.declares,
                grave=grave,
            ).items()
        ),
        breaking=grave,
        metrics=first_metrics(gate),
        decide=_decide(case),
        decides=_decides(case),
        takes=takes_text(case.again.plan) if _decide(case) else None,
        subject=subject,
        largest_change=largest_change(gate),
        change=change_clause(gate),
        missing=tuple(as_json(gate.missing)),
        command=case.command,
        runs=tuple(str(side.run["run_id"]) for side in sides),
        gate=as_json(gate),
        notes=(*lineage_notes(case), *line_notes(gate)),
    )


def _decide(case: Case) -> str | None:
    if all(condition.kind == NO_CONDITION.name for condition in case.gate.conditions):
        return case.again.collect
    return None if case.first else deciding_command(case.gate.reasons, case.again)


def _decides(case: Case) -> str | None:
    """Return the open conditions that the command decides, where it does not decide all of them."""
    open_ = [condition for condition in case.gate.reasons if condition.outcome == "inconclusive"]
    reached = within_reach(open_, case.again)
    return joined((c.name for c in reached), most=3) if 0 < len(reached) < len(open_) else None


def executive_summary(case: Case) -> Piece:
    """Return three sentences: verdict, largest change, largest doubt."""
    return Statement(summary_texts(case.gate, first=case.first, declared=case.declares), points=True)


def business_value(case: Case) -> Piece:
    """Return each journey with what guards it; journeys that nothing guards are named."""
    journeys = case.config.journeys
    if not journeys:
        return NoEvidence(
            "journeys", reason="The configuration names no [[journeys]], and business value is never guessed."
        )
    known = {c.name: c for c in case.gate.conditions}
    rows: list[dict[str, Any]] = []
    unguarded: list[str] = []
    for journey in journeys:
        guards = [known[name] for name in journey.guarded_by if name in known]
        lost = [name for name in journey.guarded_by if name not in known]
        if not guards:
            unguarded.append(journey.name)
        rows.append(
            {
                "journey": (plain(journey.name), plain(journey.value) if journey.value else "value not stated"),
                "guards": joined((g.name for g in guards), most=6) or "nothing",
                "unknown": joined(lost, most=4) or None,
                "outcome": _worst(guards, incomplete=bool(lost)),
            }
        )
    rows.sort(key=lambda row: (OUTCOMES.index(row["outcome"]) if row["outcome"] in OUTCOMES else 1, row["journey"][0]))
    lead = sentence(
        f"{count(len(unguarded), 'journey')} {verb('has', len(unguarded))} no guard: {joined(unguarded)}"
        if unguarded
        else "the one journey is guarded"
        if len(journeys) == 1
        else f"each of {count(len(journeys), 'journey')} is guarded"
    )
    columns = [
        Column("journey", "Journey", "head"),
        Column("guards", "Guarded by"),
        *([Column("unknown", "Guards that do not exist")] if any(row["unknown"] for row in rows) else []),
        Column("outcome", "Outcome", "outcome"),
    ]
    return Group((Statement((lead,)), Table(tuple(columns), tuple(rows), "Journeys and what guards them")))


def _worst(guards: list[ConditionResult], *, incomplete: bool) -> str:
    if not guards:
        return "no evidence"
    found = {g.outcome for g in guards} | ({"inconclusive"} if incomplete else set())
    return next(word for word in OUTCOMES if word in found)


def recommendations(case: Case) -> Piece:
    """Return what to do now, then later; each line with the row that caused it."""
    found = advice(case.gate, first=case.first, again=case.again, grave=grave_facts(case.after["checks"]))
    rows = tuple(
        {"what": (capital(plain(a.what, 200)), a.when), "because": a.because, "command": a.command} for a in found
    )
    now = sum(a.when == "now" for a in found)
    later = f", {len(found) - now} later" if len(found) > now else ""
    lead = sentence(f"{count(now, 'step')} now{later}")
    columns = (Column("what", "Do", "head"), Column("because", "Because"), Column("command", "Command", "code"))
    return Group((Statement((lead,)), Table(columns, rows, "Recommendations in order of weight")))


def conclusion(case: Case) -> Piece:
    """Return the verdict in one sentence and what this report cannot know."""
    return Statement(conclusion_texts(case.gate, case.sources, first=case.first), points=True)
