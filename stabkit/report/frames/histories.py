"""Where a history of one's own changed, and whether it drifts: values, or a frame with a row a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from stabkit.analyze import to_json
from stabkit.analyze.history import Change, Drift
from stabkit.analyze.history import detect_changes as changes_of
from stabkit.analyze.history import detect_drift as drift_in
from stabkit.errors import UsageError, nearest
from stabkit.numbers import amount_text, percent, significant
from stabkit.report.display import Column, Group, Piece, Statement, Table
from stabkit.report.frames.populations import keys_of, names_of, pandas_of
from stabkit.report.frames.result import FrameResult, chosen
from stabkit.report.words import sentence
from stabkit.text import count, joined, plain

__all__ = ["ChangesResult", "DriftResult", "HistoryChange", "detect_changes", "detect_drift"]

_KEYS: Final = ("target", "metric", "connection", "series", "suite", "tool", "environment")
_TIMES: Final = ("started_at", "day", "due_at")
_RUNS: Final = ("label", "run_id", "day")
# Numbers of a frame that are no measured value: how many there are, not what they are.
_COUNTS: Final = ("n", "failed", "not_finite", "rounds", "line", "round", "sequence")
_CHANGES: Final = (
    Column("run", "Since", "head"),
    Column("of", "Of"),
    Column("index", "Place", "number"),
    Column("before", "Before", "number"),
    Column("after", "After", "number"),
    Column("change", "Change", "number"),
)
_DRIFTS: Final = (
    Column("name", "History", "head"),
    Column("outcome", "Drift"),
    Column("slope", "A run [95 %]", "number"),
    Column("share", "Of the level", "number"),
    Column("n", "Values", "number"),
)


@dataclass(frozen=True)
class HistoryChange(Change):
    """A change of level, and where it is.

    Attributes
    ----------
    of : str or None
        Which history: target, metric and the like; None where nothing says it.
    run : str or None
        Label, id or day of the first value after the change; None where nothing says it.
    """

    of: str | None = None
    run: str | None = None


class ChangesResult(FrameResult, list[HistoryChange]):
    """The confirmed changes of one history or of several, in time order within each; a list that shows itself.

    Attributes
    ----------
    by : mapping
        Name of a history to its own changes; empty where there is one.
    n : int
        How many values were looked at.
    """

    def __init__(
        self, changes: Sequence[HistoryChange], *, n: int = 0, by: Mapping[str, ChangesResult] | None = None
    ) -> None:
        super().__init__(changes)
        self.n = n
        self.by: Mapping[str, ChangesResult] = by or {}

    # A list's own would stand before the one that shows the table.
    __repr__ = FrameResult.__repr__

    @property
    def shown(self) -> Piece:
        """The result as a display object."""
        histories = f" in {count(len(self.by), 'history', 'histories')}" if self.by else ""
        looked = f"{count(self.n, 'value')}{histories}"
        if not self:
            return Statement((sentence(f"No change of level found among {looked}"),))
        rows = tuple(
            {
                "run": change.run or f"value {change.index}",
                "of": change.of,
                "index": str(change.index),
                "before": significant(change.before),
                "after": significant(change.after),
                "change": percent(change.ratio - 1, sign=True)
                if change.ratio is not None
                else significant(change.difference, sign=True),
            }
            for change in self
        )
        columns = _CHANGES if any(change.of for change in self) else tuple(c for c in _CHANGES if c.key != "of")
        lead = Statement((sentence(f"{count(len(self), 'change')} of level among {looked}"),))
        records = tuple(to_json(change) for change in self)
        return Group((lead, Table(columns, rows, "Changes of level", records=records)))

    def to_frame(self) -> pd.DataFrame:
        """Return a row a change: ``of``, ``run``, ``index``, ``before``, ``after``, ``difference``, ``ratio``, ...

        ``index`` is the place, among the values of its own history, of the first value after the change; ``p_value``,
        ``superiority``, ``runs_before``, ``runs_after`` and ``flags`` are those of
        :class:`stabkit.analyze.history.Change`.
        """
        names = (
            "of", "run", "index", "before", "after", "difference", "ratio", "p_value", "superiority", "runs_before",
            "runs_after", "flags",
        )  # fmt: skip
        return pd.DataFrame([{name: getattr(change, name) for name in names} for change in self], columns=list(names))

    def to_dict(self) -> dict[str, Any]:
        """Return the whole result as plain JSON values."""
        return {"n": self.n, "changes": [to_json(change) for change in self], "histories": list(self.by)}


@dataclass(frozen=True, repr=False)
class DriftResult(Drift, FrameResult):
    """Whether one history drifts, or any of several, and how fast.

    Attributes
    ----------
    outcome, reason, slope_per_run, low, high, ...
        As of :class:`stabkit.analyze.history.Drift`. Of several histories: ``drifting`` if any is, else
        ``inconclusive`` if any is; slopes are those of each, in ``by``.
    name : str
        Which history, in words.
    by : mapping
        Name of a history to its own result; empty where there is one.
    """

    name: str = "history"
    about: Mapping[str, str | None] = field(default_factory=dict)
    by: Mapping[str, DriftResult] = field(default_factory=dict)

    __repr__ = FrameResult.__repr__

    def __getitem__(self, name: str) -> DriftResult:
        """Return the result of one history, by its name; a part of the name that only one has is enough."""
        return chosen(self.by or {self.name: self}, name)

    @property
    def shown(self) -> Piece:
        """The result as a display object."""
        rows = tuple(
            {
                "name": plain(one.name),
                "outcome": {"none": "none shown"}.get(one.outcome, one.outcome),
                "slope": None
                if one.slope_per_run is None
                else f"{significant(one.slope_per_run, sign=True)} "
                f"[{significant(one.low, sign=True)}, {significant(one.high, sign=True)}]",
                "share": None if one.share_per_run is None else percent(one.share_per_run, sign=True),
                "n": amount_text(one.n),
            }
            for one in self._each
        )
        return Table(_DRIFTS, rows, "Drift over the runs", records=tuple(one.to_dict() for one in self._each))

    def to_frame(self) -> pd.DataFrame:
        """Return a row a history: what tells it from others, ``outcome``, ``reason``, ``slope_per_run``, ``low``, ...

        ``low`` and ``high`` are the 95 % bounds of the slope, in the unit of the values a run; then
        ``share_per_run``, ``p_value``, ``start``, ``end`` (of a ramp) and ``n``.
        """
        names = ("outcome", "reason", "slope_per_run", "low", "high", "share_per_run", "p_value", "start", "end", "n")
        return pd.DataFrame([{**one.about, **{name: getattr(one, name) for name in names}} for one in self._each])

    def to_dict(self) -> dict[str, Any]:
        """Return the whole result as plain JSON values."""
        own: dict[str, Any] = to_json(self)
        return {**own, "by": {name: one.to_dict() for name, one in self.by.items()}}

    @property
    def _each(self) -> Sequence[DriftResult]:
        return list(self.by.values()) or [self]


def detect_changes(values: Any, *, column: str | None = None) -> ChangesResult:
    """Return the confirmed changes of level in a history, in time order; no margin is applied.

    Parameters
    ----------
    values : sequence of float, Series or DataFrame
        One value a run in time order, shape (n,); nulls are gaps; fewer than 8 values: no changes. Or a frame with a
        row a run, such as ``store.quantiles(by=("target", "day"))``: sorted by ``started_at`` or ``day`` where it has
        them. Targets, metrics, connections, suites, tools and environments are histories of their own.
    column : str, optional
        Which column of a frame holds the values; None: its only one that holds numbers.

    Returns
    -------
    ChangesResult
        A list of changes, each with ``index`` (of the first value after it), ``before``, ``after``, ``run``, ``of``.

    Raises
    ------
    SchemaError
        A value is neither a finite number nor null.
    UsageError
        The frame has no such column, or several that hold numbers, which are named.

    Notes
    -----
    As of :func:`stabkit.analyze.history.detect_changes`: two of three detectors must agree, Welch's test confirms.

    Examples
    --------
    >>> [(c.index, c.before, c.after) for c in detect_changes([20, 21, 20, 22, 21, 20, 30, 31, 30, 29, 30, 31])]
    [(6, 20.5, 30.0)]
    >>> days = pd.date_range("2026-11-01", periods=24, tz="UTC")
    >>> chat = pd.DataFrame({"target": "chat", "day": days, "p99": [20.0, 21.0] * 6 + [30.0, 31.0] * 6})
    >>> login = pd.DataFrame({"target": "login", "day": days, "p99": [9.0, 9.1] * 12})
    >>> detect_changes(pd.concat([chat, login])).to_frame()[["of", "run", "before", "after"]].to_dict("records")
    [{'of': 'chat', 'run': '2026-11-13', 'before': 20.5, 'after': 30.5}]
    """
    values = pandas_of(values)
    if not isinstance(values, pd.DataFrame):
        _no_column(column, "detect_changes")
        found = [HistoryChange(**vars(change)) for change in changes_of(values)]
        return ChangesResult(found, n=len(values))
    by = {}
    for name, about, rows, chosen_column in _histories(values, column, "detect_changes"):
        runs = _run_names(rows)
        of = name if about else None
        found = [
            HistoryChange(**vars(change), of=of, run=runs[change.index]) for change in changes_of(rows[chosen_column])
        ]
        by[name] = ChangesResult(found, n=int(rows[chosen_column].notna().sum()))
    if len(by) == 1:
        return next(iter(by.values()))
    every = [change for one in by.values() for change in one]
    return ChangesResult(every, n=sum(one.n for one in by.values()), by=by)


def detect_drift(values: Any, *, margin: float | None = None, column: str | None = None) -> DriftResult:
    """Say whether a history drifts, how fast, and when it reaches the margin.

    Parameters
    ----------
    values : sequence of float, Series or DataFrame
        As of :func:`stabkit.detect_changes`.
    margin : float, optional
        Allowed relative change, such as 0.05.
    column : str, optional
        As of :func:`stabkit.detect_changes`.

    Raises
    ------
    SchemaError
        A value is neither a finite number nor null.
    UsageError
        The margin is not positive; or the frame has no such column, or several that hold numbers.

    Notes
    -----
    As of :func:`stabkit.analyze.history.detect_drift`: Mann-Kendall, and the slope of Theil and Sen.

    Examples
    --------
    >>> detect_drift([20 + 0.1 * run + (run % 3) / 10 for run in range(60)]).outcome
    'drifting'
    """
    values = pandas_of(values)
    if not isinstance(values, pd.DataFrame):
        _no_column(column, "detect_drift")
        return DriftResult(**vars(drift_in(values, margin=margin)))
    by = {}
    for name, about, rows, chosen_column in _histories(values, column, "detect_drift"):
        by[name] = DriftResult(**vars(drift_in(rows[chosen_column], margin=margin)), name=name, about=about)
    if len(by) == 1:
        return next(iter(by.values()))
    outcomes = [one.outcome for one in by.values()]
    whole = next((word for word in ("drifting", "inconclusive") if word in outcomes), "none")
    reason = ", ".join(dict.fromkeys(one.reason for one in by.values() if one.outcome == whole))
    total = sum(one.n for one in by.values())
    return DriftResult(whole, reason, n=total, name=count(len(by), "history", "histories"), by=by)  # type: ignore[arg-type] # of the three words


def _no_column(column: str | None, where: str) -> None:
    if column is not None:
        raise UsageError(f"There is no column {column!r} in plain values.", where=where, hint="Leave column out.")


_About = dict[str, str | None]


def _histories(frame: pd.DataFrame, column: str | None, where: str) -> Iterator[tuple[str, _About, pd.DataFrame, str]]:
    """Yield each history: its name, what tells it apart, its rows in time order, the column of its values."""
    known = keys_of([frame], _KEYS)
    chosen_column = _column(frame, column, where)
    times = [name for name in _TIMES if name in frame.columns][:1]
    ordered = frame.sort_values(times, kind="stable") if times else frame
    varying = [name for name in known if len(frame[name].unique()) > 1]
    found: list[tuple[_About, pd.DataFrame]] = []
    if not varying:
        found.append(({name: _text(frame[name].iloc[0]) for name in known if len(frame)}, ordered))
    else:
        for values, rows in ordered.groupby(varying, dropna=False, sort=True):
            own = dict(zip(varying, values, strict=True))
            found.append(({name: _text(own.get(name, rows[name].iloc[0])) for name in known}, rows))
    names = names_of([about for about, _ in found], "history")
    for name, (about, rows) in zip(names, found, strict=True):
        further = [about[key] for key in varying if key in _KEYS[4:]]
        whole = " ".join([*([] if further and name == "history" else [name]), *(str(one) for one in further if one)])
        yield whole, about, rows.reset_index(drop=True), chosen_column


def _column(frame: pd.DataFrame, column: str | None, where: str) -> str:
    numbers = [
        str(name) for name in frame.columns if frame[name].dtype.kind in "iuf" and name not in (*_COUNTS, *_KEYS)
    ]
    if column is None and len(numbers) == 1:
        return numbers[0]
    if column is None:
        what = f"Several columns hold numbers: {joined(numbers, most=8)}." if numbers else "No column holds numbers."
        raise UsageError(what, where=where, hint=f"Name one: column={(numbers or ['p99_ms'])[0]!r}.")
    if column not in frame.columns:
        guess = nearest(column, [str(name) for name in frame.columns])
        hint = f"Did you mean {guess!r}?" if guess else f"Known: {joined(numbers, most=8)}."
        raise UsageError(f"The frame has no column {column!r}.", where=where, hint=hint)
    return column


def _run_names(rows: pd.DataFrame) -> list[str | None]:
    for name in _RUNS:
        if name in rows.columns:
            return [_text(value) for value in rows[name]]
    return [None] * len(rows)


def _text(value: Any) -> str | None:
    if value is None or pd.isna(value):
        return None
    return plain(value.date().isoformat() if hasattr(value, "date") else value)
