"""Latency deltas: where the response times of two runs differ, target by target."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from stabkit.analyze import ConditionResult, Estimate
from stabkit.analyze.latency import Population
from stabkit.case import Case, load_case
from stabkit.chart import TIMES_SHOWN, DumbbellChart, RoundLines
from stabkit.config import Config
from stabkit.errors import UsageError, nearest
from stabkit.numbers import amount_text, measure
from stabkit.report.arguments import store_by_name
from stabkit.report.display import Column, Figure, Fold, Group, Piece, Statement, Table
from stabkit.report.sections import absent, case_subject, metrics, times
from stabkit.report.words import line_notes, outcome_count_text, sentence, standing_outcome, whole_text
from stabkit.text import count, plain, shell
from stabkit.vocabulary import OPEN, SAID

__all__ = ["LatencyDeltas", "latency_deltas"]

_DUMBBELL = (
    Column("name", "Time", "head"),
    Column("baseline", "Baseline, ms", "number"),
    Column("candidate", "Candidate, ms", "number"),
    Column("low", "Candidate, lower bound, ms", "number"),
    Column("high", "Candidate, upper bound, ms", "number"),
    Column("outcome", "Outcome", "outcome"),
)
_ROUNDS = (
    Column("round", "Round", "head"),
    Column("side", "Side"),
    Column("median_ms", "Median, ms", "number"),
    Column("n", "n", "number"),
)
# A metric takes four figures, 90 KB of the page and half a second; the least stable come first.
DRAWN_METRICS = 30
SHOWN_STAGES = 6
# The least stable come first; what is beyond these folds, and prints all the same.
OPEN_FIGURES = 9
OPEN_ROWS = 15
SPARE_ROWS = 10
NAMED = 5
STAGES = ("dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "transfer_ms")


@store_by_name("baseline", "candidate", "target")
def latency_deltas(
    baseline: str | None = None,
    candidate: str = "latest",
    *,
    data: str | Path | None = None,
    config: str | Path | Config | None = None,
    target: str | None = None,
) -> LatencyDeltas:
    """Compare the times of two runs, target by target.

    Parameters
    ----------
    baseline : str, optional
        A run or a folder of evidence files; None or empty: the run before the candidate.
    candidate : str
        A run or a folder.
    data, config : optional
        Store and configuration, as :func:`stabkit.report.stability.stability_report` takes them.
    target : str, optional
        One target; None or empty: all.

    Raises
    ------
    UsageError
        No such target in the evidence; names the nearest. Or the store is not given by name.
    UnknownRunError, StoreError, ConfigError
        As :func:`stabkit.report.stability.stability_report`.

    Examples
    --------
    >>> latency_deltas("v1.4", "v1.5", data="data/sample", target="backend").pairs
    [('backend', 'response_time')]
    """
    case = load_case(baseline, candidate, data=data, config=config, history=("samples",))
    populations, _ = times.drawn_populations(case)
    known = sorted({one.target for one in populations})
    if target and target not in known:
        guess = nearest(target, known)
        hint = f"Did you mean {guess!r}?" if guess else f"Known: {', '.join(known) or 'none'}."
        raise UsageError(f"No target {target!r} has measured times.", where="latency_deltas", hint=hint)
    return LatencyDeltas(case, [one for one in populations if not target or one.target == target])


class LatencyDeltas:
    """The times of two runs, compared.

    Attributes
    ----------
    case : Case
    populations : list of Population
        As they were judged, the least stable first.
    """

    def __init__(self, case: Case, populations: list[Population]) -> None:
        self.case = case
        self.populations = populations

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Target and metric of each population, once."""
        return list(dict.fromkeys(one.key[:2] for one in self.populations))

    def _judged(self) -> list[tuple[ConditionResult, Estimate]]:
        targets = {target for target, _ in self.pairs}
        conditions = [c for c in self.case.of_kind("latency", "objective") if c.target is None or c.target in targets]
        return [(condition, estimate) for condition in conditions for estimate in condition.estimates]

    def _missing(self) -> Piece:
        return absent(self.case, "times on either side", "http", "websocket")

    def headline(self) -> Statement:
        """Return one sentence for each judged target."""
        targets = {target for target, _ in self.pairs}
        judged = [c for c in self.case.of_kind("latency") if c.target is None or c.target in targets]
        judged.sort(key=lambda condition: metrics.ORDER[condition.outcome])
        found = [sentence(f"{plain(c.name)}: {SAID.get(c.outcome, c.outcome)}, {whole_text(c)}") for c in judged]
        found = found or ["No times were judged: no condition speaks of them, or there is no evidence."]
        if len(judged) > 1:
            counts = sentence(outcome_count_text(Counter(c.outcome for c in judged), "response-time condition"))
            found = [
                counts,
                *found[:NAMED],
                *([f"And {amount_text(len(judged) - NAMED)} more."] if len(judged) > NAMED else []),
            ]
        return Statement((*found, *line_notes(self.case.gate)), points=len(found) > 1, subject=case_subject(self.case))

    def comparisons(self) -> Piece:
        """Return median and slowest requests of every target, with their intervals in their margins."""
        pairs = self._judged()
        pairs.sort(key=lambda pair: metrics.ORDER[standing_outcome(*pair)])
        if not pairs:
            return self._missing()
        open_ = sum(standing_outcome(*pair) in OPEN for pair in pairs)
        shown = pairs if len(pairs) <= OPEN_ROWS + SPARE_ROWS else pairs[: min(max(open_, SPARE_ROWS), OPEN_ROWS)]
        table = metrics.estimate_table(shown, "Times, the least stable first")
        if len(shown) == len(pairs):
            return table
        rest = metrics.estimate_table(pairs[len(shown) :], "Further times")
        return Group((table, Fold((rest,), summary=count(len(pairs) - len(shown), "further time"))))

    def targets(self) -> Piece:
        """Return a dumbbell of all medians and tails: baseline, candidate, interval, sorted by change."""
        pairs = [(c, e) for c, e in self._judged() if e.scale == "ratio" and e.baseline and e.candidate]
        if not pairs:
            return self._missing()
        # Least stable first, as the tables have it; bounds of the ratio as bounds of the candidate.
        pairs.sort(key=lambda pair: (metrics.ORDER[standing_outcome(*pair)], -abs((pair[1].change or 1.0) - 1.0)))
        frame = pd.DataFrame(
            {
                "name": [metrics.metric_name(c, e) for c, e in pairs],
                "baseline": [e.baseline for _, e in pairs],
                "candidate": [e.candidate for _, e in pairs],
                "low": [_bound(e.baseline, e.low) for _, e in pairs],
                "high": [_bound(e.baseline, e.high) for _, e in pairs],
                "outcome": [standing_outcome(c, e) for c, e in pairs],
            }
        )
        rounds = {e.rounds for _, e in pairs}
        chart = DumbbellChart(frame, of="times", rounds=rounds.pop() if len(rounds) == 1 else None)
        return Figure.of(chart, height=0.9 + 0.3 * min(len(frame), TIMES_SHOWN), left=0.3, columns=_DUMBBELL)

    def shift(self) -> Piece:
        """Return where along the distribution each target moved."""
        return self._each(partial(times.shift_figure, small=True))

    def tail(self) -> Piece:
        """Return the share of slower requests on both sides."""
        return self._each(partial(times.tail_of, small=True))

    def _each(self, draw: Callable[[Case, Population], Figure]) -> Piece:
        drawn, left = self._drawn()
        pieces = [times.too_few(self.case, one) or draw(self.case, one) for one in drawn]
        return _across(pieces, left) if pieces else self._missing()

    def _drawn(self) -> tuple[list[Population], list[Statement]]:
        """Return which metrics are drawn, and what to say of the others: all of a target, if it is the only one."""
        drawn, left = self.populations[:DRAWN_METRICS], self.populations[DRAWN_METRICS:]
        if not left or len({one.target for one in self.populations}) == 1:
            return self.populations, []
        command = f"{self.case.command} --notebook latency_deltas {shell(['--parameter', f'target={left[0].target}'])}"
        return drawn, [
            times.not_drawn(self.case, left, "with one target given, all of its metrics are drawn", command=command)
        ]

    def stages(self) -> Piece:
        """Return the median of each stage of a request on both sides; a stage that no request has is left out."""
        rows, records = [], []
        for one in self.populations:
            sides = [self._stage_medians(rows) for rows in one.counted]
            for stage in (stage for stage in STAGES if any(stage in side for side in sides)):
                before, after = (side.get(stage) for side in sides)
                name = (stage.removesuffix("_ms").replace("_", " "), times.population_name(self.case, one))
                rows.append({"stage": name, "baseline": _cell(before), "candidate": _cell(after)})
                about = {"target": one.target, "metric": one.metric, "connection": one.connection, "stage": stage}
                records.append({**about, "baseline": before, "candidate": after})
        columns = (
            Column("stage", "Stage", "head"),
            Column("baseline", "Baseline median", "number"),
            Column("candidate", "Candidate median", "number"),
        )
        if not rows:
            return absent(self.case, "stages of requests", "http", "websocket")
        table = Table(columns, tuple(rows), "Stages, not judged", records=tuple(records))
        if len(rows) <= SHOWN_STAGES:
            return table
        return Fold((table,), summary=f"Medians of {count(len(rows), 'stage')}, not judged")

    @staticmethod
    def _stage_medians(samples: pd.DataFrame) -> dict[str, tuple[float, int]]:
        known = {stage: samples[stage].dropna() for stage in STAGES}
        return {stage: (float(values.median()), len(values)) for stage, values in known.items() if len(values)}

    def rounds(self) -> Piece:
        """Return the median of each round on both sides, a small figure a metric."""
        drawn, left = self._drawn()
        figures = [self._rounds_of(one) for one in drawn]
        pieces: list[Piece] = [figure for figure in figures if figure is not None]
        return _across(pieces, left) if pieces else self._missing()

    def _rounds_of(self, one: Population) -> Figure | None:
        """Return one metric round by round; None where no round was measured."""
        sides = [
            measured.dropna().groupby("round")["response_ms"].agg(["median", "size"]).reset_index().assign(side=side)
            for side, measured in zip(("baseline", "candidate"), one.apart, strict=True)
        ]
        frame = pd.concat(sides, ignore_index=True).rename(columns={"median": "median_ms", "size": "n"})
        if frame.empty:
            return None
        judged = times.judged_quantiles(self.case, one)
        chart = RoundLines(frame, of=times.population_name(self.case, one), judged=judged)
        return Figure.of(chart, small=True, columns=_ROUNDS)

    def history(self) -> Piece:
        """Return p50 and p95 over the runs, with change points."""
        drawn, left = self._drawn()
        pairs = dict.fromkeys(one.key[:2] for one in drawn)
        figures = [times.history_of(self.case, target, metric, small=True) for target, metric in pairs]
        pieces: list[Piece] = [figure for figure in figures if figure is not None]
        if not pieces:
            return absent(self.case, "a history", reason="Three runs with samples make one.")
        return _across(pieces, left)


def _across(pieces: Sequence[Piece], left: Sequence[Statement]) -> Group:
    """Return the small figures side by side, then what has no figure, and what is not drawn."""
    drawn = tuple(piece for piece in pieces if isinstance(piece, Figure))
    others = [piece for piece in pieces if not isinstance(piece, Figure)]
    open_, rest = drawn[:OPEN_FIGURES], drawn[OPEN_FIGURES:]
    rows: list[Piece] = [Group(open_, across=True)] if open_ else []
    if rest:
        rows.append(Fold((Group(rest, across=True),), summary=count(len(rest), "further metric")))
    return Group((*rows, *others, *left))


def _cell(median: tuple[float, int] | None) -> tuple[str, str] | None:
    return None if median is None else (measure(median[0], "ms"), f"n {median[1]}")


def _bound(baseline: float | None, ratio: float | None) -> float | None:
    if baseline is None or ratio is None or not math.isfinite(ratio):
        return None
    return baseline * ratio
