"""The verdict strip and the sections that speak of the whole: summary, journeys, risks, recommendations, conclusion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from stabkit.analyze.change import (
    Guard,
    JourneyState,
    broken_promises,
    grave_facts,
    missing_commits,
)
from stabkit.case import Case
from stabkit.kinds import NO_CONDITION
from stabkit.numbers import percent
from stabkit.report.display import Column, Fold, Group, NoEvidence, Piece, Statement, Table, Verdict
from stabkit.report.sections.metrics import first_metrics
from stabkit.report.sections.subjects import case_subject
from stabkit.report.words import (
    Advice,
    advice,
    as_json,
    change_advice,
    change_clause,
    conclusion_texts,
    deciding_command,
    decision_text,
    facts_strip,
    largest_change,
    line_notes,
    lineage_notes,
    reasons,
    sentence,
    summary_texts,
    takes_text,
    title_text,
    within_reach,
)
from stabkit.text import capital, count, joined, plain

__all__ = [
    "advice_table",
    "business_value",
    "change_steps",
    "conclusion",
    "executive_summary",
    "recommendations",
    "verdict",
]


def verdict(case: Case) -> Verdict:
    """Return the verdict with its reasons in order of weight, and the facts strip."""
    gate, run = case.gate, case.candidate.run
    grave = grave_facts(case.after["checks"])
    title = title_text(case.baseline.run if case.baseline else None, run)
    sides = [case.baseline, case.candidate] if case.baseline else [case.candidate]
    return Verdict(
        word=gate.verdict,
        sentence=decision_text(gate, lacking=case.lacking, before=_steps_before(case)),
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
        metrics=first_metrics(case),
        decide=_decide(case),
        decides=_decides(case),
        takes=takes_text(case.again.plan) if _decide(case) else None,
        subject=case_subject(case, title),
        largest_change=largest_change(gate),
        change=change_clause(gate),
        missing=tuple(as_json(gate.missing)),
        command=case.command,
        runs=tuple(str(side.run["run_id"]) for side in sides),
        gate=as_json(gate),
        notes=(*lineage_notes(case), *line_notes(gate)),
        provenance=case.provenance,
    )


def _steps_before(case: Case) -> int:
    """Return how many steps the change asks for before it may be shipped."""
    return sum(step.when == "now" for step in change_steps(case))


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
    return Statement(summary_texts(case.gate, declared=case.declares))


SHOWN_STEPS: Final = 12
_STATES: Final[Mapping[str, str]] = {
    "regressed": "regressed",
    "unguarded": "unguarded",
    "at_risk": "at risk",
    "protected": "protected",
}


def business_value(case: Case) -> Piece:
    """Return each journey with what guards it and what the change touches of it, the worst first."""
    if not case.config.journeys:
        return NoEvidence(
            "journeys", reason="The configuration names no [[journeys]], and business value is never guessed."
        )
    states = case.journeys
    counts = Counter(_STATES[one.state] for one in states)
    told = [f"{count(counts[word], 'journey')} {word}" for word in _STATES.values() if counts[word]]
    lead = [sentence(", ".join(told))]
    shared = [one for one in states if one.journey.share is not None]
    if shared:
        kept = sum(one.journey.share or 0.0 for one in shared if one.state == "protected")
        whole = sum(one.journey.share or 0.0 for one in shared)
        lead.append(sentence(f"protected is {percent(kept)} of the {percent(whole)} that journeys state"))
    rows = tuple(
        {
            "journey": (plain(one.journey.name), _value_words(one)),
            "guards": joined((_guard_words(guard) for guard in one.guards), most=6) or "nothing",
            "touched": joined(map(plain, one.touched), most=3)
            or ("not stated" if not one.journey.paths else "nothing"),
            "state": _STATES[one.state],
        }
        for one in states
    )
    columns = (
        Column("journey", "Journey", "head"),
        Column("guards", "Guarded by"),
        Column("touched", "The change touches", phone=False),
        Column("state", "State", "outcome"),
    )
    return Group((Statement(tuple(lead)), Table(columns, rows, "Journeys and what guards them")))


def _value_words(one: JourneyState) -> str:
    share = "" if one.journey.share is None else f"{percent(one.journey.share)} of the whole"
    return "; ".join(filter(None, (plain(one.journey.value) if one.journey.value else "value not stated", share)))


def _guard_words(guard: Guard) -> str:
    outcome = "not there" if guard.outcome is None else guard.outcome.replace("_", " ")
    kind = "" if guard.kind == "condition" else f"{guard.kind} "
    return f"{kind}{plain(guard.name)}" + ("" if outcome in ("stable", "pass") else f" ({outcome})")


def change_steps(case: Case, *, repository: str | None = None) -> list[Advice]:
    """Return what to do about the change itself; nothing where no range was examined.

    ``repository``: where git finds the commits, if that is not where the commands are typed.
    """
    checks = case.after["checks"]
    if case.after["changes"].empty and not checks["target"].eq("changes").any():
        return []
    return change_advice(
        case.lines,
        case.risk,
        missing=missing_commits(checks),
        journeys=case.journeys,
        vanished=[
            str(item["what"]) for c in case.gate.conditions for item in c.items if item.get("state") == "disappeared"
        ],
        promises=broken_promises(checks),
        repository=repository,
    )


def recommendations(case: Case) -> Piece:
    """Return what to do now, then later; each line with the row that caused it."""
    found = advice(case.gate, first=case.first, again=case.again, change=change_steps(case))
    takes = takes_text(case.again.plan)
    return advice_table(found, label=f"{_to_decide(case, takes)}:" if _decide(case) else "To do so:")


def _to_decide(case: Case, takes: str | None) -> str:
    """Return what the deciding command does, as the verdict says it."""
    decides = _decides(case)
    return " ".join(filter(None, ["To decide", decides, f"({takes})" if takes else None]))


def advice_table(found: Sequence[Advice], *, label: str = "To do so:") -> Piece:
    """Return the steps that come first as a table, the later ones folded; a lone command stands above them, named."""
    now = [step for step in found if step.when == "now"]
    later = [step for step in found if step.when != "now"]
    commands = [step.command for step in found if step.command]
    alone = commands[0] if len(commands) == 1 and any(step.command for step in now) else None
    counted = f"{count(len(now), 'step')} now" + (f", {len(later)} later" if later else "")
    lead = Statement((sentence(counted), *([label] if alone else [])), command=alone)
    first, further = now[:SHOWN_STEPS], now[SHOWN_STEPS:]
    pieces: list[Piece] = [lead, _steps_table(first, "What to do now, in order of weight", told=alone)]
    if further:
        table = _steps_table(further, "What to do now, of less weight", told=alone)
        pieces.append(Fold((table,), summary=count(len(further), "further step")))
    if later:
        table = _steps_table(later, "What to do later", told=alone)
        pieces.append(Fold((table,), summary=count(len(later), "later step")))
    return Group(tuple(pieces))


def _steps_table(steps: Sequence[Advice], caption: str, *, told: str | None) -> Table:
    rows = tuple(
        {
            "what": (capital(plain(step.what, 200)), step.when),
            "because": step.because,
            "command": None if step.command == told else step.command,
        }
        for step in steps
    )
    columns = (Column("what", "Do", "head"), Column("because", "Because"), Column("command", "Command", "code"))
    records = tuple({**row, "command": step.command} for row, step in zip(rows, steps, strict=True))
    return Table(columns, rows, caption, records=records)


def conclusion(case: Case) -> Piece:
    """Return the verdict in one sentence and what this report cannot know."""
    steps = _steps_before(case)
    return Statement(conclusion_texts(case.gate, case.sources, lacking=case.lacking, before=steps), points=True)
