"""Section 8: where response times moved, how heavy their tail is, and how they developed over the runs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from stabkit.analyze import ConditionResult
from stabkit.analyze.history import Change, detect_changes, run_history
from stabkit.analyze.latency import quantile_shift
from stabkit.case import Case
from stabkit.chart import SHARES, HistoryLines, ShiftPlot, TailCurve
from stabkit.numbers import amount_text
from stabkit.report.display import Figure, Fold, Group, NoEvidence, Piece, Statement
from stabkit.report.sections.gaps import absent
from stabkit.report.sections.metrics import ORDER
from stabkit.report.words import metric_words, outcome_count_text, sentence, standing_outcome, whole_text
from stabkit.text import count, joined, plain, verb

__all__ = ["QUANTILES", "history_figure", "response_times", "shift_figure", "tail_figure", "times", "too_few"]

QUANTILES: Final = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99)
# Below this many samples a side, p5 and p95 are single samples and a picture of them shows chance.
ENOUGH: Final = 20
SHOWN_TARGETS: Final = 3
# A metric takes two or three figures, 50 KB of the page and half a second; the least stable come first.
DRAWN_METRICS: Final = 12
NAMED: Final = 5
_TAIL_POINTS: Final = 150


def response_times(case: Case) -> Piece:
    """Return shift plot, tail curve and history of every target; those that are stable come last and fold."""
    pairs = measured(case.before["samples"], case.after["samples"])
    if not pairs:
        return absent(case, "response times", "http", "websocket")
    rank = ranks(case, pairs)
    ordered = sorted(pairs, key=lambda pair: rank[pair])
    compared = case.of_kind("latency", "slow_requests")
    pieces: list[Piece] = [Statement(_lead(compared))] if compared else []
    # What is not stable never folds: a closed fold is not printed.
    shown = max(SHOWN_TARGETS, sum(rank[pair] <= ORDER["inconclusive"] for pair in pairs))
    drawn, left = ordered[:DRAWN_METRICS], ordered[DRAWN_METRICS:]
    pieces += _pictures(case, drawn[:shown])
    rest = drawn[shown:]
    if rest:
        pieces.append(Fold(tuple(_pictures(case, rest)), summary=f"{count(len(rest), 'further metric')}"))
    if left:
        command = f"{case.command} --notebook latency_deltas"
        pieces.append(not_drawn(left, "another notebook draws more", command=command))
    return Group(tuple(pieces))


def ranks(case: Case, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return the weight of each (target, metric) by its gravest condition: the smaller, the less stable."""
    found = dict.fromkeys(pairs, len(ORDER))
    for condition in case.of_kind("latency", "slow_requests", "objective"):
        pair = (str(condition.target), str(condition.metric))
        if pair in found:
            found[pair] = min(found[pair], ORDER[condition.outcome])
    return found


def not_drawn(pairs: Sequence[tuple[str, str]], instead: str, *, command: str) -> Statement:
    """Return which metrics are left out of the pictures, and what shows them."""
    named = joined((f"{plain(target)} {metric_words(metric)}" for target, metric in pairs), most=NAMED)
    words = f"{count(len(pairs), 'metric')} {verb('is', len(pairs))} not drawn here: {named}; {instead}"
    return Statement((sentence(words),), command=command)


def _lead(conditions: Sequence[ConditionResult]) -> tuple[str, ...]:
    """Return how many came out how, and what is worst in whole; the verdict and the risks have the others."""
    ordered = sorted(conditions, key=lambda condition: ORDER[condition.outcome])
    counts = sentence(outcome_count_text(Counter(c.outcome for c in ordered), "response-time condition"))
    worst = ordered[0]
    if worst.outcome == "stable" or (all(need.unit == "runs" for need in worst.needs) and worst.needs):
        return (counts,)
    return counts, sentence(f"{plain(worst.name)}: {whole_text(worst)}")


def _pictures(case: Case, pairs: Sequence[tuple[str, str]]) -> list[Piece]:
    # Two figures a row: the comparisons of a target side by side, then the histories together.
    histories = (history_of(case, target, metric) for target, metric in pairs)
    return [
        *(piece for target, metric in pairs for piece in figures(case, target, metric)),
        *(figure for figure in histories if figure is not None),
    ]


def measured(before: pd.DataFrame, after: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the (target, metric) pairs that are times, in either frame of samples, sorted."""
    found: set[tuple[str, str]] = set()
    for samples in (before, after):
        times_ = samples[samples["metric"].str.endswith("_time")]
        found |= set(zip(times_["target"], times_["metric"], strict=True))
    return sorted(found)


def figures(case: Case, target: str, metric: str) -> list[Piece]:
    """Return the figures that compare one metric, or what is missing for them."""
    before, after = (times(evidence["samples"], target, metric) for evidence in (case.before, case.after))
    of = f"{plain(target)} {metric_words(metric)}"
    limit = objective_of(case, target, metric)
    if min(len(before), len(after)) >= ENOUGH:
        judged = judged_quantiles(case, target, metric)
        return [
            shift_figure(before, after, of=of, judged=judged),
            tail_figure(before, after, of=of, objective_ms=limit),
        ]
    return [too_few(before, after, of=of)]


def too_few(before: pd.DataFrame, after: pd.DataFrame, *, of: str) -> NoEvidence:
    """Return that two samples are too small for a picture of their distribution."""
    amounts = f"n = {amount_text(len(before))} in the baseline and {amount_text(len(after))} in the candidate"
    return NoEvidence(f"the distribution of {of}", reason=f"{amounts}; {ENOUGH} a side would show it.")


def history_of(case: Case, target: str, metric: str) -> Figure | None:
    """Return the history of one metric; None below three runs with values."""
    limit = objective_of(case, target, metric)
    samples, sketches = case.history["samples"], case.sketches.get(metric)
    return history_figure(samples, case.runs, target, metric, objective_ms=limit, sketches=sketches)


def objective_of(case: Case, target: str, metric: str) -> float | None:
    """Return the objective's limit for a target's metric, ms; None without one."""
    for condition in case.config.conditions:
        if condition.kind == "objective" and condition.target == target and condition.metric in (None, metric):
            return condition.objective.below_ms if condition.objective else None
    return None


def times(samples: pd.DataFrame, target: str, metric: str) -> pd.DataFrame:
    """Return the judged times of one metric in time order, without warm-up and failures: ``round``, ``response_ms``."""
    mine = samples[(samples["target"] == target) & (samples["metric"] == metric) & samples["ok"]]
    mine = mine[~mine["warmup"].fillna(value=False).astype(bool)].sort_values(["round", "sequence"], kind="stable")
    shown = mine.assign(response_ms=mine["response_ms"].fillna(mine["service_ms"]).fillna(mine["value"]))
    return shown.loc[shown["response_ms"].notna(), ["round", "response_ms"]].reset_index(drop=True)


def judged_quantiles(case: Case, target: str, metric: str) -> dict[str, str]:
    """Return the outcome of each quantile of a metric that a latency condition judges."""
    return {
        plain(estimate.name): standing_outcome(condition, estimate)
        for condition in case.of_kind("latency")
        if condition.target == target and condition.metric == metric
        for estimate in condition.estimates
    }


def shift_figure(
    before: pd.DataFrame, after: pd.DataFrame, *, of: str, judged: Mapping[str, str] | None = None
) -> Figure:
    """Return the shift plot: candidate - baseline at each percentile."""
    frame = quantile_shift(before, after, QUANTILES)
    return Figure.of(ShiftPlot(frame, of=of, sizes=_sizes(before, after), judged=judged))


def tail_figure(before: pd.DataFrame, after: pd.DataFrame, *, of: str, objective_ms: float | None = None) -> Figure:
    """Return the tail curve of both sides."""
    parts = [_tail(side, name, objective_ms) for side, name in ((before, "baseline"), (after, "candidate"))]
    frame = pd.concat(parts, ignore_index=True)
    sizes = _sizes(before, after)
    return Figure.of(TailCurve(frame, of=of, objective_ms=objective_ms, sizes=sizes), right=0.3)


def _sizes(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, tuple[int, int]]:
    return {
        side: (len(sample), int(sample["round"].nunique()))
        for side, sample in (("baseline", before), ("candidate", after))
    }


def _tail(sample: pd.DataFrame, side: str, objective_ms: float | None) -> pd.DataFrame:
    ordered = np.sort(sample["response_ms"].to_numpy(dtype="float64"))
    n = len(ordered)
    # Even steps in log share keep the tail whole and the file small; what the title names is kept exactly.
    named = [math.ceil(n * (1 - share) - 1e-9) - 1 for share in SHARES]
    beyond = [] if objective_ms is None else [int(np.searchsorted(ordered, objective_ms, side="right"))]
    steps = n - np.geomspace(1, max(n, 1), _TAIL_POINTS).round().astype(int)
    ranks = np.unique(np.array([rank for rank in (0, *steps, *named, *beyond) if 0 <= rank < n], dtype=int))
    return pd.DataFrame({"side": side, "response_ms": ordered[ranks], "share_slower": (n - ranks) / n})


def _changes(frame: pd.DataFrame, column: str) -> list[Change]:
    """Return the changes of level within each line: where another begins, the runs differ by more than the system."""
    found: list[Change] = []
    for line in frame["line"].dropna().unique():
        places = np.flatnonzero(frame["line"] == line)
        changes = detect_changes(frame[column].iloc[places])
        found += [replace(change, index=int(places[change.index])) for change in changes]
    return sorted(found, key=lambda change: change.index)


def history_figure(
    samples: pd.DataFrame,
    runs: pd.DataFrame,
    target: str,
    metric: str,
    *,
    objective_ms: float | None = None,
    sketches: pd.DataFrame | None = None,
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
    changes = _changes(frame, changed)
    of = f"{plain(target)} {metric_words(metric)}"
    return Figure.of(HistoryLines(frame, of=of, changes=changes, changed=changed, objective_ms=objective_ms))
