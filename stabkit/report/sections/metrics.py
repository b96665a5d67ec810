"""Section 2: every judged estimate on one line, not-stable first, the stable ones folded with their count."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, Final

import pandas as pd

from stabkit.analyze import ConditionResult, Estimate
from stabkit.analyze.latency import JudgedPopulation
from stabkit.case import Case
from stabkit.chart import HeadroomChart, Strip
from stabkit.kinds import kind_of
from stabkit.numbers import confidence_text, measure, pair
from stabkit.report.display import Column, Figure, Fold, Group, KeyMetric, Piece, Statement, Table, badge
from stabkit.report.sections.no_evidence import absent
from stabkit.report.words import (
    as_json,
    change_text,
    failures_text,
    headroom_text,
    leading_estimate,
    margin_text,
    metric_words,
    outcome_count_text,
    plain_quantity,
    population_of,
    population_words,
    quantity_words,
    sample_text,
    section_of,
    sentence,
    slow_requests_words,
    standing_outcome,
    values_text,
)
from stabkit.text import capital, count, plain, plural
from stabkit.vocabulary import CONDITION_SEVERITIES, OPEN, OUTCOMES

__all__ = ["estimate_table", "first_metrics", "in_two", "key_metrics"]

KEY: Final = 5
LONGEST: Final = 20  # rows of a table that a page still shows whole
BEGUN: Final = 6  # rows that a page shows of a longer one: what regressed, else what is least stable
COMPARED: Final = 2
ORDER: Final = {word: rank for rank, word in enumerate(OUTCOMES)}


def key_metrics(case: Case, *, drawn: bool = True) -> Piece:
    """Return the judged metrics: not-stable ones first, five at least, the other stable ones folded.

    ``drawn`` false leaves images out: a terminal shows none, and drawing takes longer than judging.
    """
    pairs = [(c, e) for c in case.gate.conditions for e in c.estimates]
    if not pairs:
        return absent(case, "metrics on both sides", "http", "websocket", "resources")
    pairs.sort(key=_weight)
    open_ = sum(standing_outcome(c, e) != "stable" for c, e in pairs)
    regressed = sum(standing_outcome(c, e) == "regressed" for c, e in pairs)
    shown = max(open_, min(KEY, len(pairs))) if open_ <= LONGEST else min(max(regressed, BEGUN), LONGEST)
    level = case.gate.confidence
    bars = any(strip(c, e) is not None for c, e in pairs[:shown] if kind_of(c.kind).compares)
    caption = "Judged metrics, those not stable first"
    if bars:
        caption += f"; the band is what is allowed, the bar where the change likely lies ({confidence_text(level)})"
    pieces: list[Piece] = [_lead(pairs), estimate_table(pairs[:shown], caption)]
    objectives = _objectives_figure(pairs, level, drawn=drawn)
    missed = any(standing_outcome(c, e) in OPEN for c, e in pairs if not kind_of(c.kind).compares)
    if objectives is not None and missed:
        pieces.append(objectives)
    pieces += _further(pairs[shown:])
    if objectives is not None and not missed:
        pieces.append(Fold((objectives,), summary=objectives.description.title))
    return Group(tuple(pieces))


def _further(pairs: list[tuple[ConditionResult, Estimate]]) -> list[Piece]:
    """Return a fold for each outcome of what is left, so that what is open is not looked for among the stable."""
    found: dict[str, list[tuple[ConditionResult, Estimate]]] = {}
    for condition, estimate in pairs:
        found.setdefault(standing_outcome(condition, estimate), []).append((condition, estimate))
    pieces: list[Piece] = []
    for outcome, mine in found.items():
        further = f"further {badge(outcome)[2]} metric"
        table = estimate_table(mine, capital(plural(further, 2)))
        pieces.append(Fold((table,), summary=count(len(mine), further)))
    return pieces


def _weight(pair_: tuple[ConditionResult, Estimate]) -> tuple[int, float]:
    """Not-stable first; among equals, what has used up most of its margin."""
    condition, estimate = pair_
    outcome = standing_outcome(condition, estimate)
    away = estimate.change if estimate.change is None else estimate.change - (estimate.scale == "ratio")
    if away is not None and estimate.worse == "lower":
        away = -away
    used = estimate.worst if outcome == "stable" else away
    if used is None or not math.isfinite(used) or not estimate.margin:
        return ORDER[outcome], math.inf
    return ORDER[outcome], -used / estimate.margin


def first_metrics(case: Case) -> tuple[KeyMetric, ...]:
    """Return the metrics of the first screen: median and tail of the main target, then what is nearest to harm.

    Of one kind never more than two stand beside these, of what is stable one.
    """
    pairs = [(c, e) for c in case.gate.conditions for e in c.estimates]

    def rank(pair_: tuple[ConditionResult, Estimate]) -> tuple[int, bool, bool, float]:
        outcome, used = _weight(pair_)
        nothing = outcome == ORDER["stable"] and pair_[1].baseline == pair_[1].candidate == 0
        return outcome, nothing, pair_[1] is not leading_estimate(pair_[0]), used

    chosen = _main_pairs(case)
    taken: Counter[str] = Counter()
    for condition, estimate in sorted(pairs, key=rank):
        if len(chosen) >= KEY:
            break
        most = 1 if standing_outcome(condition, estimate) == "stable" else 2
        if any(estimate is own for _, own in chosen) or taken[condition.kind] >= most:
            continue
        taken[condition.kind] += 1
        chosen.append((condition, estimate))
    return tuple(_key(condition, estimate) for condition, estimate in chosen)


def _main_pairs(case: Case) -> list[tuple[ConditionResult, Estimate]]:
    """Return median and tail of the target that matters most: of the gravest severity, then the first declared."""
    declared = [*case.config.http, *case.config.websocket]

    def rank(condition: ConditionResult) -> tuple[bool, int, int, str]:
        place = declared.index(condition.target) if condition.target in declared else len(declared)
        return not condition.gating, _gravity(condition), place, condition.name

    timed = [c for c in case.of_kind("latency") if c.estimates and c.metric in (None, "response_time")]
    if not timed:
        return []
    main = min(timed, key=rank)
    medians = [e for e in main.estimates if e.name.endswith("p50")]
    tails = [e for e in main.estimates if e not in medians]
    return [(main, e) for e in (*medians[:1], *tails[:1])]


def _gravity(condition: ConditionResult) -> int:
    known = condition.severity in CONDITION_SEVERITIES
    return CONDITION_SEVERITIES.index(condition.severity) if known else len(CONDITION_SEVERITIES)


def _key(condition: ConditionResult, estimate: Estimate) -> KeyMetric:
    change = _change(condition, estimate) or "not compared"
    kind = kind_of(condition.kind)
    limit = margin_text(estimate) if kind.compares and estimate.margin is not None else None
    outcome = standing_outcome(condition, estimate)
    name, shown_in = metric_name(condition, estimate), section_of(condition)
    if kind.subject:  # what counts as slow is said in the table
        name = f"{plain(condition.target)} {kind.subject}" if condition.target else plain(condition.name)
    if not kind.compares:
        asked = f"{measure(estimate.candidate, estimate.unit)}, objective {measure(estimate.margin, estimate.unit)}"
        name = measured_name(condition, estimate)
        values = asked if estimate.candidate is not None else ""
        return KeyMetric(name, values, change, outcome, section=shown_in)
    values = failures_text(estimate) if kind.judges == "failures" else values_text(estimate)
    return KeyMetric(name, values, change, outcome, strip(condition, estimate), limit, shown_in)


def _objectives_figure(
    pairs: list[tuple[ConditionResult, Estimate]], confidence: float, *, drawn: bool
) -> Figure | None:
    """Return how close the candidate is to its objectives; one alone says no more than its row."""
    measured = [(c, e) for c, e in pairs if not kind_of(c.kind).compares and e.candidate is not None and e.margin]
    if len(measured) < COMPARED:
        return None
    frame = pd.DataFrame(
        {
            "name": [
                quantity_words(c, e) if population_of(c, e) else f"{plain(c.target)} {e.name}" for c, e in measured
            ],
            "value": [e.candidate for _, e in measured],
            "low": [e.low for _, e in measured],
            "high": [e.high for _, e in measured],
            "limit": [e.margin for _, e in measured],
            "unit": [e.unit for _, e in measured],
            "outcome": [standing_outcome(c, e) for c, e in measured],
        }
    )
    height = 0.7 + 0.42 * len(frame)
    return Figure.of(HeadroomChart(frame, confidence=confidence), height=height, drawn=drawn)


def _lead(pairs: list[tuple[ConditionResult, Estimate]]) -> Statement:
    counts: Counter[str] = Counter(standing_outcome(c, e) for c, e in pairs)
    beyond = sum(e.beyond_margin for _, e in pairs)
    tail = f"{beyond} of them beyond the margin" if beyond and counts["regressed"] > beyond else ""
    return Statement((sentence(outcome_count_text(counts, "metric"), tail),))


def estimate_table(pairs: list[tuple[ConditionResult, Estimate]], caption: str) -> Table:
    """Return estimates as rows: name and samples, both values, change with interval, strip, outcome."""
    rows = tuple(_row(condition, estimate) for condition, estimate in pairs)
    records = tuple(
        {"condition": c.name, "target": c.target, **as_json(e), "outcome": standing_outcome(c, e)} for c, e in pairs
    )
    columns = (
        Column("metric", "Metric", "head"),
        Column("baseline", "Before", "number", phone=False),
        Column("candidate", "Now", "number", phone=False),
        Column("change", "Change", "number"),
        Column("margin", "Allowed", "number"),
        Column("strip", "Within what is allowed", "strip"),
        Column("outcome", "Outcome", "outcome"),
    )
    return Table(columns, rows, caption, records=records)


def _row(condition: ConditionResult, estimate: Estimate) -> dict[str, Any]:
    before, after = pair(estimate.baseline, estimate.candidate, estimate.unit)
    return {
        "metric": (metric_name(condition, estimate), sample_text(estimate)),
        "baseline": before,
        "candidate": after,
        "change": in_two(_change(condition, estimate)),
        "margin": _margin(condition, estimate),
        "strip": strip(condition, estimate) if kind_of(condition.kind).compares else None,
        "outcome": standing_outcome(condition, estimate),
    }


def metric_name(condition: ConditionResult, estimate: Estimate) -> str:
    """Return what an estimate measures, in words: target, metric, quantile."""
    name = measured_name(condition, estimate)
    several = population_of(condition, estimate) is not None
    alone = condition.target is None and not several
    return name if alone or kind_of(condition.kind).compares else f"{name}, objective"


def measured_name(condition: ConditionResult, estimate: Estimate) -> str:
    """Return what an estimate measures, whether it is compared or held against a limit."""
    found = population_of(condition, estimate)
    if found is not None:
        return _of_several(condition, estimate, found)
    name, kind = plain(estimate.name), kind_of(condition.kind)
    if condition.target is None:
        return f"{plain(condition.name)}, {name}"
    if "slower_than_ms" in condition.facts:
        return f"{plain(condition.target)} {slow_requests_words(condition)}"
    if kind.subject:
        return f"{plain(condition.target)} {kind.subject}"
    name = plain_quantity(estimate.name)
    words = metric_words(condition.metric) if condition.metric else plain(condition.kind.replace("_", " "))
    return (
        f"{plain(condition.target)} {words} {name}"
        if name.lower() not in words.lower()
        else capital(f"{plain(condition.target)} {words}")
    )


def _of_several(condition: ConditionResult, estimate: Estimate, judged: JudgedPopulation) -> str:
    if "slower_than_ms" in condition.facts:
        return f"{population_words(judged.population, apart=True)}, {slow_requests_words(condition)}"
    return quantity_words(condition, estimate)


def _change(condition: ConditionResult, estimate: Estimate) -> str | None:
    if max(estimate.n_baseline, estimate.n_candidate) <= 1:
        return "n = 1"
    if not kind_of(condition.kind).compares:
        bounded = estimate.high is not None and math.isfinite(estimate.high)
        return f"at most {measure(estimate.high, estimate.unit)}" if bounded else "no upper bound yet"
    if estimate.change is not None:
        return change_text(estimate)
    return "no bound yet" if estimate.candidate is not None and estimate.baseline is not None else None


def in_two(change: str | None) -> str | tuple[str, str] | None:
    """Return a change with its interval on a line of its own."""
    head, bracket, likely = (change or "").partition(" (likely ")
    return (head, f"likely {likely.removesuffix(')')}") if bracket else change


def _margin(condition: ConditionResult, estimate: Estimate) -> str | tuple[str, str] | None:
    """Return the margin and what the interval's upper bound leaves of it; of an objective, its limit."""
    if estimate.margin is None:
        return None
    limit = not kind_of(condition.kind).compares
    text = f"below {measure(estimate.margin, estimate.unit)}" if limit else margin_text(estimate)
    bounded = estimate.high is not None and math.isfinite(estimate.high)
    if not bounded or max(estimate.n_baseline, estimate.n_candidate) <= 1:
        return text
    left = headroom_text(estimate, limit=limit)
    return (text, f"{left} left" if left else "none left")


def strip(condition: ConditionResult, estimate: Estimate) -> Strip | None:
    """Return the interval drawn in its margin; None without change or margin."""
    if estimate.change is None or not estimate.margin or max(estimate.n_baseline, estimate.n_candidate) <= 1:
        return None
    neutral = 1.0 if estimate.scale == "ratio" else 0.0
    unit = "%" if estimate.scale == "ratio" else estimate.unit
    shown = [
        None if v is None or math.isnan(v) else v - neutral for v in (estimate.change, estimate.low, estimate.high)
    ]
    margin = estimate.margin
    if unit == "share":  # differences of shares read as percentage points
        shown, margin, unit = [None if v is None else 100 * v for v in shown], 100 * margin, "pp"
    return Strip(shown[0], shown[1], shown[2], margin, standing_outcome(condition, estimate), unit)
