"""What A/A runs have shown of an environment, as the table that ``stabkit aa`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from stabkit.analyze import to_json
from stabkit.analyze.statistics import MAX_ALARMS, MetricNoise
from stabkit.numbers import amount_text, percent, significant
from stabkit.report.display import Column, Table
from stabkit.text import count, joined
from stabkit.vocabulary import OUTCOMES

__all__ = ["noise_table"]

_FARTHEST: Final = 10.0  # times the value itself


def noise_table(noise: Sequence[MetricNoise], environment: str | None) -> Table:
    """Return what A/A pairs show, target by target."""
    columns = (
        Column("subject", "Target", "head"),
        Column("pairs", "Pairs", "number"),
        Column("outcomes", "Came out"),
        Column("alarms", "False alarms [95 %]", "number"),
        Column("pair_sd", "Spread of pairs, p50 / p99", "number"),
        Column("run_sd", "Spread of separate runs, p50 / p99", "number"),
        Column("lag1", "Neighbours' correlation", "number"),
        Column("effective_n", "Effective n of n", "number"),
        Column("decidable_margin", "Decidable margin", "number"),
    )
    where = f" in environment {environment}" if environment else ""
    pairs = max((found.pairs for found in noise), default=0)
    caption = f"The system against itself{where}: {count(pairs, 'pair')} of interleaved runs"
    records = tuple({**to_json(found), "false_alarms": found.false_alarms, "unfit": found.unfit} for found in noise)
    return Table(columns, tuple(_row(found) for found in noise), caption, records=records)


def _row(found: MetricNoise) -> dict[str, Any]:
    outcomes = [f"{amount_text(number)} {word}" for word in reversed(OUTCOMES) if (number := getattr(found, word))]
    size = f"{found.metric}{f', {found.connection}' if found.connection else ''} · {found.rounds:g} rounds a run"
    rate = f"{percent(found.false_alarms / found.pairs)} [{percent(found.alarms_low)}, {percent(found.alarms_high)}]"
    effective = (
        None
        if found.effective_n is None
        else f"{amount_text(round(found.effective_n))} of {amount_text(round(found.samples))}"
    )
    return {
        "subject": (found.target, size),
        "pairs": amount_text(found.pairs),
        "outcomes": joined(outcomes, most=5),
        "alarms": rate + (f", above {percent(MAX_ALARMS)}: not judged" if found.unfit else ""),
        "pair_sd": _both(found.pair_sd, found.tail_pair_sd),
        "run_sd": _both(found.run_sd, found.tail_run_sd),
        "lag1": None if found.lag1 is None else significant(found.lag1, decimals=2),
        "effective_n": effective,
        "decidable_margin": _reach(found.decidable_margin),
    }


def _reach(margin: float | None) -> str | None:
    # A figure of that size says no more than that it is none.
    return None if margin is None else percent(margin) if margin <= _FARTHEST else f"above {percent(_FARTHEST)}"


def _both(median: float | None, tail: float | None) -> str | None:
    """Return two spreads; of logs this small, a standard deviation reads as a share."""
    if median is None:
        return None
    return f"{percent(median)} / {percent(tail) if tail is not None else '–'}"
