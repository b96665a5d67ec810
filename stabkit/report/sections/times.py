"""Section 8: where response times moved, how heavy their tail is, and how they developed over the runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import pandas as pd

from stabkit.analyze import ConditionResult
from stabkit.analyze.history import line_changes, run_history
from stabkit.analyze.latency import Population, judged_populations, own_times, tail_shares
from stabkit.case import Case
from stabkit.chart import SHARES, HistoryLines, ShiftPlot, TailCurve
from stabkit.errors import SchemaError
from stabkit.numbers import amount_text
from stabkit.report.display import Figure, Fold, Group, NoEvidence, Piece, Statement
from stabkit.report.sections.metrics import ORDER
from stabkit.report.sections.no_evidence import absent
from stabkit.report.words import (
    line_notes,
    metric_words,
    outcome_count_text,
    population_words,
    sentence,
    standing_outcome,
    whole_text,
)
from stabkit.text import count, joined, plain, verb

__all__ = ["drawn_populations", "history_figure", "population_name", "response_times", "shift_figure", "tail_figure"]

# Below this many samples a side, p5 and p95 are single samples and a picture of them shows chance.
ENOUGH: Final = 20
SHOWN_TARGETS: Final = 3
OPEN_METRICS: Final = 6  # more that are not stable than this read as a list, not as pictures one by one
# A metric takes two or three figures, 50 KB of the page and half a second; the least stable come first.
DRAWN_METRICS: Final = 12
NAMED: Final = 5


def response_times(case: Case) -> Piece:
    """Return shift plot, tail curve and history of every target side by side.

    Of what is stable the shift alone is open; its tail and its history fold, and so do further metrics.
    """
    ordered, rank = drawn_populations(case)
    if not ordered:
        return absent(case, "response times", "http", "websocket")
    compared = case.of_kind("latency", "slow_requests")
    pieces: list[Piece] = [Statement((*_lead(compared), *line_notes(case.gate)))] if compared else []
    drawn, left = ordered[:DRAWN_METRICS], ordered[DRAWN_METRICS:]
    open_ = [one for one in drawn if rank[one.key] <= ORDER["inconclusive"]]
    # Beside what is open the stable ones fold as a whole; of very many open ones the least stable show their shift.
    whole = open_ if len(open_) <= OPEN_METRICS else []
    calm = [] if whole else (open_ or drawn)[:SHOWN_TARGETS]
    rest = drawn[len(whole) + len(calm) :]
    known: set[tuple[str, str]] = set()
    first = [piece for one in whole for piece in (*figures(case, one, small=True), *_histories(case, [one], known))]
    pieces += _row([*first, *(figure for one in calm for figure in figures(case, one, small=True)[:1])])
    folded = [figure for one in calm for figure in figures(case, one, small=True)[1:]] + _histories(case, calm, known)
    if folded:
        noun = "metric" if open_ else "stable metric"
        pieces.append(Fold(tuple(_row(folded)), summary=f"Tails and histories of {count(len(calm), noun)}"))
    if rest:
        others = [figure for one in rest for figure in figures(case, one, small=True)] + _histories(case, rest, known)
        pieces.append(Fold(tuple(_row(others)), summary=count(len(rest), "further metric")))
    if left:
        command = f"{case.command} --notebook latency_deltas"
        pieces.append(not_drawn(case, left, "another notebook draws more", command=command))
    return Group(tuple(pieces))


def drawn_populations(case: Case) -> tuple[list[Population], dict[tuple[str, str, str | None], int]]:
    """Return the populations that are drawn, the least stable first, and the weight of each by its gravest condition.

    Arrivals of events have a figure of their own.
    """
    found = [one for one in case.times if not one.metric.startswith("event:")]
    rank = {one.key: len(ORDER) for one in found}
    place = {one.name: number for number, one in enumerate(case.gate.reasons)}
    first = dict.fromkeys(rank, len(place))
    for condition in case.of_kind("latency", "slow_requests", "objective"):
        judged = {one.population.key for one in judged_populations(condition)}
        spoken = [k for k in rank if k in judged or (not judged and k[:2] == (condition.target, condition.metric))]
        rank |= {key: min(rank[key], ORDER[condition.outcome]) for key in spoken}
        first |= {key: min(first[key], place.get(condition.name, len(place))) for key in spoken}
    return sorted(found, key=lambda one: (rank[one.key], first[one.key])), rank


def population_name(case: Case, population: Population) -> str:
    """Return what a population holds, in words that tell it from all others of the case."""
    alike = sum(one.key[:2] == population.key[:2] for one in case.times)
    return population_words(population, apart=alike > 1)


def not_drawn(case: Case, populations: Sequence[Population], instead: str, *, command: str) -> Statement:
    """Return which metrics are left out of the pictures, and what shows them."""
    named = joined((population_name(case, one) for one in populations), most=NAMED)
    words = f"{count(len(populations), 'metric')} {verb('is', len(populations))} not drawn here: {named}; {instead}"
    return Statement((sentence(words),), command=command)


def _lead(conditions: Sequence[ConditionResult]) -> tuple[str, ...]:
    """Return how many came out how, and what is worst in whole; the verdict and the risks have the others."""
    ordered = sorted(conditions, key=lambda condition: ORDER[condition.outcome])
    counts = sentence(outcome_count_text(Counter(c.outcome for c in ordered), "response-time condition"))
    worst = ordered[0]
    if worst.outcome == "stable" or (all(need.unit == "runs" for need in worst.needs) and worst.needs):
        return (counts,)
    return counts, sentence(f"{plain(worst.name)}: {whole_text(worst)}")


def _row(pieces: Sequence[Piece]) -> list[Piece]:
    """Return small figures as one group that stands across the page, and what is no figure before it."""
    drawn = tuple(piece for piece in pieces if isinstance(piece, Figure))
    others: list[Piece] = [piece for piece in pieces if not isinstance(piece, Figure)]
    return [*others, Group(drawn, across=True)] if drawn else others


def _histories(case: Case, populations: Sequence[Population], known: set[tuple[str, str]]) -> list[Piece]:
    """Return the history of each metric that is not among the known ones, which it joins."""
    metrics = dict.fromkeys(one.key[:2] for one in populations if one.key[:2] not in known)
    known |= metrics.keys()
    found = (history_of(case, target, metric, small=True) for target, metric in metrics)
    return [figure for figure in found if figure is not None]


def figures(case: Case, population: Population, *, small: bool = False) -> list[Piece]:
    """Return the figures that compare one population, or what is missing for them."""
    missing = too_few(case, population)
    if missing is not None:
        return [missing]
    return [shift_figure(case, population, small=small), tail_of(case, population, small=small)]


def too_few(case: Case, population: Population) -> NoEvidence | None:
    """Return why the distributions of a population cannot be compared; None if they can."""
    what = f"the distribution of {population_name(case, population)}"
    before, after = population.apart
    if min(len(before), len(after)) < ENOUGH:
        amounts = f"n = {amount_text(len(before))} before and {amount_text(len(after))} now"
        return NoEvidence(what, reason=f"{amounts}; {ENOUGH} a side would show it.")
    if population.times.column is None:
        return NoEvidence(what, reason="The two runs were timed in different ways.")
    try:
        len(population.shift)
    except SchemaError as error:  # what the judge refuses is not drawn either
        return NoEvidence(what, reason=error.what)
    return None


def history_of(case: Case, target: str, metric: str, *, small: bool = False) -> Figure | None:
    """Return the history of one metric; None below three runs with values."""
    limit = objective_of(case, target, metric)
    samples, sketches = case.history["samples"], case.sketches.get(metric)
    return history_figure(samples, case.runs, target, metric, objective_ms=limit, sketches=sketches, small=small)


def objective_of(case: Case, target: str, metric: str) -> float | None:
    """Return the limit that a metric is judged against, ms; None without an objective."""
    for condition in case.of_kind("objective"):
        judged = [one.population.key[:2] for one in judged_populations(condition)]
        limit: float | None = condition.facts.get("below_ms")
        if (target, metric) in judged or (not judged and (target, metric) == (condition.target, condition.metric)):
            return limit
    return None


def judged_quantiles(case: Case, population: Population) -> dict[str, str]:
    """Return the outcome of each quantile that a latency condition judges, the gravest where several do."""
    found: dict[str, str] = {}
    for condition in case.of_kind("latency"):
        for one in judged_populations(condition):
            if one.population.key != population.key:
                continue
            for quantity, estimate in zip(one.quantities, one.estimates, strict=True):
                outcomes = {found.get(plain(quantity), "stable"), standing_outcome(condition, estimate)}
                found[plain(quantity)] = min(outcomes, key=ORDER.__getitem__)
    return found


def shift_figure(case: Case, population: Population, *, small: bool = False) -> Figure:
    """Return the shift plot: candidate - baseline at each percentile."""
    of, judged = population_name(case, population), judged_quantiles(case, population)
    sizes = _sizes(population.times.baseline, population.times.candidate)
    return Figure.of(ShiftPlot(population.shift, of=of, sizes=sizes, judged=judged), small=small)


def tail_of(case: Case, population: Population, *, small: bool = False) -> Figure:
    """Return the tail curve of a population, with its objective where it is judged by the same times."""
    compared, of = population.times, population_name(case, population)
    same = len(compared.candidate) and compared.candidate.equals(own_times(population.candidate))
    limit = objective_of(case, population.target, population.metric) if same else None
    return tail_figure(compared.baseline, compared.candidate, of=of, objective_ms=limit, small=small)


def tail_figure(
    before: pd.DataFrame, after: pd.DataFrame, *, of: str, objective_ms: float | None = None, small: bool = False
) -> Figure:
    """Return the tail curve of both sides."""
    frame = tail_shares(before, after, objective_ms=objective_ms, named=SHARES)
    sizes = _sizes(before, after)
    return Figure.of(TailCurve(frame, of=of, objective_ms=objective_ms, sizes=sizes), right=0.3, small=small)


def _sizes(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, tuple[int, int]]:
    return {
        side: (len(sample), int(sample["round"].nunique()))
        for side, sample in (("baseline", before), ("candidate", after))
    }


def history_figure(
    samples: pd.DataFrame,
    runs: pd.DataFrame,
    target: str,
    metric: str,
    *,
    objective_ms: float | None = None,
    sketches: pd.DataFrame | None = None,
    small: bool = False,
) -> Figure | None:
    """Return p50 and p95 over the runs with their change points; None below three runs with values.

    Runs without samples are drawn from their ``sketches``, where there are any, as :func:`run_history` takes them.
    """
    mine = samples[(samples["target"] == target) & (samples["metric"] == metric)]
    if mine.empty:
        return None
    frame = run_history(mine, runs, target=target, metric=metric, sketches=sketches)
    if (frame["n"] > 0).sum() < 3:
        return None
    changed = "p95_ms" if frame["p95_ms"].notna().sum() >= 3 else "p50_ms"
    changes = line_changes(frame, changed)
    of = f"{plain(target)} {metric_words(metric)}"
    chart = HistoryLines(frame, of=of, changes=changes, changed=changed, objective_ms=objective_ms)
    return Figure.of(chart, small=small)
