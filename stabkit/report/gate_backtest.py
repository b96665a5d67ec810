"""Backtest: whether a gate can be trusted, by pairs of its own history and changes planted into them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.analyze import to_json
from stabkit.analyze.gate import Backtest, ConditionBacktest, Outcomes, PlantedOutcomes, run_backtest
from stabkit.case import MOST_PAIRS, UnchangedPairs, load_unchanged_pairs
from stabkit.config import Config
from stabkit.errors import UsageError
from stabkit.kinds import kind_of
from stabkit.numbers import amount_text, percent
from stabkit.report.arguments import store_by_name
from stabkit.report.display import Column, Figure, Group, NoEvidence, Piece, Statement, Subject, Table
from stabkit.report.words import (
    alarms_text,
    carried_text,
    caught_words,
    least_text,
    left_out_texts,
    margin_now_text,
    pair_source_text,
    plant_label,
    plant_text,
    quantity_name,
    short_runs_text,
    tight_text,
    trust_texts,
)
from stabkit.text import capital, count, plain, shell, verb

__all__ = ["GateBacktest", "backtest", "backtest_document"]

_WHOLE: Final = "whole gate"
_TOO_FEW: Final = 20  # pairs; more of them are worth a command


@store_by_name("last")
def backtest(
    *,
    data: str | Path | None = None,
    config: str | Path | Config | None = None,
    last: int | None = None,
) -> GateBacktest:
    """Judge the unchanged pairs of a store as they are and with planted changes.

    Parameters
    ----------
    data, config : optional
        Store and configuration, as :func:`stabkit.report.stability.stability_report` takes them.
    last : int, optional
        Only that many newest pairs; None or 0: forty.

    Raises
    ------
    UsageError
        ``last`` is negative, or the store is not given by name.
    StoreError, ConfigError
        There is no store, or the configuration is wrong.

    Examples
    --------
    >>> result = backtest(data="data/sample", last=1)
    >>> len(result.found.pairs), result.found.verdicts.regressed
    (1, 0)
    """
    if last is not None and last < 0:
        raise UsageError(f"The number of pairs is {last}.", where="last", hint=f"Give 0 for {MOST_PAIRS}, or more.")
    source = load_unchanged_pairs(data, config, most=last or MOST_PAIRS)
    return GateBacktest(run_backtest(source.pairs, source.config, noise=source.noise), source)


def backtest_document(result: GateBacktest) -> dict[str, Any]:
    """Return a backtest in the contract of ``stabkit gate --backtest --format json``."""
    source = result.source
    about = {"environment": source.environment, "runs": source.runs, "runs_too_short": source.short}
    return {"schema": 1, "kind": "backtest", **about, **to_json(result.found)}


class GateBacktest:
    """A gate over the unchanged pairs of a store.

    Attributes
    ----------
    found : Backtest
        What came out.
    source : UnchangedPairs
        The pairs.
    """

    def __init__(self, found: Backtest, source: UnchangedPairs) -> None:
        self.found = found
        self.source = source

    @property
    def _aa(self) -> str | None:
        """The command that makes more pairs; None where the configuration has no target that it could ask."""
        config = self.source.config
        return shell(["stabkit", "aa", *self.source.places]) if config.http or config.websocket else None

    @property
    def _bare(self) -> bool:
        """Whether no configuration says what could be asked; then one has to be written first."""
        return self.source.config == Config()

    @property
    def _more(self) -> str | None:
        """The command that leads to more pairs; None where none does."""
        return "stabkit init" if self._bare else self._aa

    @property
    def _missing(self) -> NoEvidence:
        return NoEvidence("unchanged pairs", None if self._items_alone else self._more, self._why)

    @property
    def _items_alone(self) -> bool:
        """Whether every condition judges items, into which nothing can be planted."""
        left = self.found.not_backtested
        return bool(left) and not self.found.conditions and all(one.reason == "items" for one in left)

    @property
    def _why(self) -> str:
        if self._items_alone:
            return "Nothing here can be backtested: no condition judges times, failures or readings."
        if self.source.pairs:
            return "None of them holds samples that a measured condition speaks of."
        there = f"There {verb('is', self.source.runs)} {count(self.source.runs, 'complete run')} with samples"
        more = ", or compare the system with itself" if self._aa is not None else ""
        return (
            f"{there}{short_runs_text(self.source.short, self.source.runs)}. Collect the same version once more{more}"
            f"{'; a stabkit.toml says first what to ask' if self._bare else ''}."
        )

    def headline(self) -> Statement:
        """Return how far the gate can be trusted, in a few sentences."""
        if not self.found.pairs:
            return Statement((self._missing.sentence,), command=self._missing.command, subject=self._subject)
        command = self._more if len(self.found.pairs) < _TOO_FEW else None
        first = "say in a stabkit.toml what to ask, then compare" if self._bare else "compare"
        more = [f"For more unchanged pairs, {first} the system with itself:"] if command else []
        said = [*filter(None, [*trust_texts(self.found), tight_text(self.found)]), *more]
        return Statement(tuple(said), command=command, points=True, subject=self._subject)

    @property
    def _subject(self) -> Subject:
        source = self.source
        at, until = (one.isoformat() for one in source.span) if source.span is not None else (None, None)
        note = f"{count(len(source.pairs), 'unchanged pair')} of {count(source.runs, 'run')}"
        name, environment = source.config.project.name, source.environment
        return Subject("", project=name, environment=environment, at=at, until=until, note=note)

    def conditions(self) -> Piece:
        """Return how each condition judges what did not change, and which are left out."""
        left = left_out_texts(self.found.not_backtested)
        others = (Statement(tuple(left)),) if left else ()
        if not self.found.pairs:
            return Group((self._missing, *others))
        return Group((self._unchanged(), *others))

    def _unchanged(self) -> Table:
        columns = (
            Column("name", "Condition", "head"),
            Column("alarms", "False alarms", "number"),
            Column("stable", "Stable", "number"),
            Column("improved", "Improved", "number"),
            Column("open", "Undecided", "number"),
            Column("least", "Catches in 4 of 5 cases"),
        )
        whole = self.found
        judged = [
            ((_WHOLE, "its measured conditions"), whole.verdicts, whole.alarms_low, whole.alarms_high, whole.planted)
        ]
        judged += [
            ((plain(c.name), _about(c)), c.unchanged, c.alarms_low, c.alarms_high, c.planted) for c in whole.conditions
        ]
        rows = [_row(*one) for one in judged]
        records = tuple(
            {"name": c.name, **to_json(c.unchanged), "alarms_low": c.alarms_low, "alarms_high": c.alarms_high}
            for c in whole.conditions
        )
        return Table(
            columns, tuple(rows), "Comparisons in which nothing had changed, judged as they are", records=records
        )

    def caught(self) -> Piece:
        """Return what would be caught of each change: figures, those of times, failures and readings apart."""
        from stabkit.chart import CAUGHT_SHOWN, CaughtMap  # on a terminal nothing is drawn

        figures = [
            Figure.of(
                CaughtMap(_frame(found), of=caught_words(judges)),
                height=0.7 + 0.56 * min(len(found), CAUGHT_SHOWN),
                left=0.1,
            )
            for judges, found in self._by_judges()
        ]
        return Group(tuple(figures)) if figures else self._missing

    def catches(self) -> Piece:
        """Return the same as tables, for a terminal."""
        tables = [_caught_table(judges, found) for judges, found in self._by_judges()]
        return Group(tuple(tables)) if tables else self._missing

    def _by_judges(self) -> list[tuple[str, list[tuple[str, list[PlantedOutcomes]]]]]:
        """Return times, failures and readings, each with the whole gate and the conditions that judge them."""
        named = [(_WHOLE, self.found.planted), *((plain(c.name), c.planted) for c in self.found.conditions)]
        found = []
        for judges in dict.fromkeys(one.plant.judges for one in self.found.planted):
            rows = [(name, [one for one in planted if one.plant.judges == judges]) for name, planted in named]
            found.append((str(judges), [(name, planted) for name, planted in rows if planted]))
        return found

    def margins(self) -> Piece:
        """Return the margin that the evidence can carry beside the one that is set, those too narrow first."""
        pairs = [(c, margin) for c in self.found.conditions for margin in c.margins]
        if not pairs:
            return self._missing
        pairs.sort(key=lambda pair: not pair[1].too_narrow)
        columns = (
            Column("name", "Allowed change of", "head"),
            Column("margin", "Allowed", "number"),
            Column("carries", "Evidence settles", "number"),
            Column("fits", "Enough"),
            Column("pairs", "Pairs", "number"),
        )
        rows = tuple(
            {
                "name": (plain(c.name), f"{quantity_name(m)}{', a limit' if m.limit else ''}"),
                "margin": margin_now_text(m),
                "carries": carried_text(m),
                "fits": "no" if m.too_narrow else "yes",
                "pairs": amount_text(m.pairs),
            }
            for c, m in pairs
        )
        records = tuple({"condition": c.name, **to_json(m), "too_narrow": m.too_narrow} for c, m in pairs)
        caption = "The smallest allowed change with which 4 of 5 unchanged pairs would be stable"
        return Table(columns, rows, caption, records=records)

    def pairs(self) -> Piece:
        """Return every unchanged pair with its verdict, the newest first."""
        if not self.found.pairs:
            return self._missing
        columns = (
            Column("name", "Pair", "head"),
            Column("rounds", "Rounds", "number"),
            Column("verdict", "Verdict", "outcome"),
            Column("alarms", "False alarms"),
        )
        newest = self.found.pairs[::-1]
        rows = tuple(
            {
                "name": (" and ".join(dict.fromkeys(plain(name) for name in (p.first, p.second))), pair_source_text(p)),
                "rounds": amount_text(p.rounds),
                "verdict": p.verdict,
                "alarms": ", ".join(map(plain, p.alarms)) or None,
            }
            for p in newest
        )
        records = tuple(to_json(pair) for pair in newest)
        return Table(columns, rows, "Unchanged pairs, the newest first", records=records, limit=60)

    def summary(self) -> Group:
        """Return all that a terminal shows: headline, conditions, what would be caught, margins."""
        if not self.found.pairs:
            return Group((self.headline(), *(p for p in self.conditions().pieces[1:])))  # type: ignore[attr-defined]
        return Group((self.headline(), self.conditions(), self.catches(), self.margins()))


def _about(condition: ConditionBacktest) -> str:
    gating = "" if condition.gating else ", not gating"
    return f"{kind_of(condition.kind).evidence}{gating}"


def _row(
    name: tuple[str, str], outcomes: Outcomes, low: float, high: float, planted: Sequence[PlantedOutcomes]
) -> dict[str, Any]:
    return {
        "name": name,
        "alarms": alarms_text(outcomes, low, high),
        "stable": percent(outcomes.stable / outcomes.total, digits=2) if outcomes.total else None,
        "improved": percent(outcomes.improved / outcomes.total, digits=2) if outcomes.total else None,
        "open": percent(outcomes.inconclusive / outcomes.total, digits=2) if outcomes.total else None,
        "least": least_text(planted),
    }


def _frame(found: Sequence[tuple[str, Sequence[PlantedOutcomes]]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "name": name,
                "change": plant_label(one.plant),
                "caught": one.outcomes.regressed,
                "open": one.outcomes.inconclusive,
                "missed": one.missed,
                "within": one.outcomes.stable + one.outcomes.improved - one.missed,
            }
            for name, planted in found
            for one in planted
        ]
    )


def _caught_table(judges: str, found: Sequence[tuple[str, Sequence[PlantedOutcomes]]]) -> Table:
    plants = dict.fromkeys(one.plant for _, planted in found for one in planted)
    columns = (
        Column("name", "Caught", "head"),
        *(Column(f"plant{i}", plant_label(plant), "number") for i, plant in enumerate(plants)),
    )
    rows = [{"name": name, **{f"plant{i}": _cell(one) for i, one in enumerate(planted)}} for name, planted in found]
    records = tuple(
        {"name": name, "change": plant_text(one.plant), **to_json(one)} for name, planted in found for one in planted
    )
    return Table(
        columns,
        tuple(rows),
        f"{capital(caught_words(judges))} that were planted and came out regressed",
        records=records,
    )


def _cell(one: PlantedOutcomes) -> tuple[str, str]:
    return percent(one.caught, digits=2), f"{amount_text(one.missed)} missed" if one.missed else ""
