"""One frame a side, split into what may be compared with each other: never two targets, or two runs, as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from stabkit.analyze import Measured
from stabkit.errors import SchemaError, UsageError
from stabkit.report.words import metric_words
from stabkit.samples import best_column, counted, milliseconds
from stabkit.text import joined, plain

__all__ = [
    "Part",
    "interleaved",
    "keys_of",
    "name_of",
    "names_of",
    "one_run",
    "pandas_of",
    "parts_of",
    "that_count",
    "times_of",
]

_KEYS: Final = ("target", "metric", "connection", "series")
_RUN: Final = ("run_id", "label")


@dataclass(frozen=True, eq=False)
class Part:
    """What is compared at once.

    Attributes
    ----------
    about : mapping
        Target, metric, connection and series, as far as the frames say them.
    baseline, candidate : DataFrame or array-like
        As they were given, or the rows of this part in time order.
    """

    about: Mapping[str, str | None]
    baseline: Any
    candidate: Any

    @property
    def sides(self) -> tuple[Any, Any]:
        """Both sides."""
        return self.baseline, self.candidate


def parts_of(
    baseline: Any,
    candidate: Any,
    *,
    where: str,
    keys: Sequence[str] = _KEYS,
    wanted: Callable[[str], bool] = bool,
) -> list[Part]:
    """Return the parts of both sides that may be compared with each other, in the order of their names.

    Parameters
    ----------
    baseline, candidate : DataFrame, table of Arrow or polars, or array-like
        Frames with any of the columns of ``samples``; arrays are one part.
    where : str
        Who asks, for errors.
    keys : sequence of str
        Columns whose values are never pooled.
    wanted : callable
        Whether a metric is meant.

    Raises
    ------
    UsageError
        A side holds several runs, or no metric of those that are meant.
    SchemaError
        One side says which target a row is of, and the other does not.
    """
    sides = {"baseline": pandas_of(baseline), "candidate": pandas_of(candidate)}
    for name, side in sides.items():
        one_run(side, where=where, name=name)
    if not all(isinstance(side, pd.DataFrame) for side in sides.values()):
        _check_alone(sides, keys, where)
        return [Part({}, *sides.values())]
    known = keys_of(list(sides.values()), keys)
    _check_alike(sides, known, where)
    divided = [_divided(side, known) for side in _meant(sides, wanted, where)]
    found = sorted({key for side in divided for key in side})
    nothing = [side.iloc[:0] for side in sides.values()]
    made = [
        Part(
            {name: value or None for name, value in zip(known, key, strict=True)},
            *(side.get(key, empty) for side, empty in zip(divided, nothing, strict=True)),
        )
        for key in found
    ]
    kept = [part for part in made if not all(_warm_up_alone(side) for side in part.sides)]
    return kept or [Part({}, *nothing)]


def pandas_of(side: Any) -> Any:
    """Return a table of Arrow or polars as a frame of pandas; anything else as it is."""
    table = not isinstance(side, (pd.DataFrame, pd.Series)) and hasattr(side, "to_pandas") and hasattr(side, "columns")
    return side.to_pandas() if table else side


def keys_of(frames: Sequence[pd.DataFrame], keys: Sequence[str] = _KEYS) -> list[str]:
    """Return which of the columns that tell populations apart the frames have."""
    return [name for name in keys if any(name in frame.columns for frame in frames)]


def one_run(side: Any, *, where: str, name: str) -> None:
    """Refuse a frame that holds several runs.

    Raises
    ------
    UsageError
        It names them.
    """
    if not isinstance(side, pd.DataFrame):
        return
    for column in _RUN:
        runs = [plain(run) for run in side[column].unique()] if column in side.columns else []
        if len(runs) > 1:
            raise UsageError(
                f"The {name} holds {len(runs)} runs: {joined(runs, most=5)}.",
                where=where,
                hint=f"Give one run a side, as store.samples(RUN) does, or choose its rows by {column}.",
            )


def names_of(each: Sequence[Mapping[str, str | None]], otherwise: str) -> list[str]:
    """Return what each of several is called; the kind of connection only where it tells two of them apart."""
    short = [name_of({**about, "connection": None}, otherwise) for about in each]
    return [
        name if short.count(name) == 1 else name_of(about, otherwise) for name, about in zip(short, each, strict=True)
    ]


def name_of(about: Mapping[str, str | None], otherwise: str) -> str:
    """Return what a part is called, whole.

    Examples
    --------
    >>> name_of({"target": "api", "metric": "response_time", "connection": "reused"}, "times")
    'api response time, reused connections'
    >>> name_of({}, "times")
    'times'
    """
    metric = about.get("metric")
    measured = Measured(about.get("target"), metric_words(metric) if metric else None, *_further(about))
    return plain(str(measured)) or otherwise


def interleaved(part: Part) -> bool:
    """Say whether both sides were measured in turns: the times when samples were due overlap.

    Without such times they count as measured so, as :func:`stabkit.analyze.latency.compare_latency` takes rounds.
    """
    if not all(isinstance(side, pd.DataFrame) and "due_at" in side.columns for side in part.sides):
        return True
    spans = [(side["due_at"].min(), side["due_at"].max()) for side in part.sides]
    if any(pd.isna(moment) for span in spans for moment in span):
        return True
    (first, last), (other_first, other_last) = spans
    return bool(first <= other_last and other_first <= last)


def that_count(side: Any) -> Any:
    """Return the rows that were no warm-up and went well, where a frame says so; anything else as it is."""
    if not isinstance(side, pd.DataFrame) or not {"ok", "warmup"} & set(side.columns):
        return side
    told = side.assign(**{name: value for name, value in (("ok", True), ("warmup", False)) if name not in side.columns})
    return side.loc[counted(told).index] if side.index.is_unique else side[_places(told)]


def times_of(part: Part) -> tuple[Any, Any]:
    """Return the times of both sides that count, from the one column that both have."""
    sides = [that_count(side) for side in part.sides]
    if not all(isinstance(side, pd.DataFrame) for side in sides):
        return sides[0], sides[1]
    whole = [
        pd.DataFrame({name: side[name] if name in side.columns else None for name in _TIMED}, index=side.index)
        for side in sides
    ]
    if any(side["response_ms"].isna().any() for side in whole) and any(
        name in side.columns for side in sides for name in _TIMED[1:]
    ):
        column = best_column(whole)
        if column not in (None, "response_ms"):
            timed = [side.assign(response_ms=milliseconds(own, column)) for side, own in zip(sides, whole, strict=True)]
            return timed[0], timed[1]
    return sides[0], sides[1]


_TIMED: Final = ("response_ms", "service_ms", "value", "unit")


def _places(side: pd.DataFrame) -> Any:
    alone = side.reset_index(drop=True)
    return alone.index.isin(counted(alone).index)


def _further(about: Mapping[str, str | None]) -> tuple[str | None, str | None]:
    return about.get("connection"), about.get("series")


def _meant(sides: Mapping[str, pd.DataFrame], wanted: Callable[[str], bool], where: str) -> list[pd.DataFrame]:
    """Return the rows of each side whose metric is meant, and those that say none."""
    named = [side["metric"].dropna() for side in sides.values() if "metric" in side.columns]
    every = list(dict.fromkeys(str(metric) for metrics in named for metric in metrics.unique()))
    known = [metric for metric in every if wanted(metric)]
    if every and not known:
        raise UsageError(
            f"No metric here can be compared so: {joined([plain(metric) for metric in every], most=8)}.",
            where=where,
            hint="Choose rows of another metric, or ask stabkit.compare_latency, compare_rates or compare_resource.",
        )
    return [
        side[side["metric"].isin(known) | side["metric"].isna()] if "metric" in side.columns else side
        for side in sides.values()
    ]


def _divided(side: pd.DataFrame, known: Sequence[str]) -> dict[tuple[str, ...], pd.DataFrame]:
    order = [name for name in ("round", "sequence") if name in side.columns]
    ordered = side.sort_values(order, kind="stable") if order == ["round", "sequence"] else side
    if not known or ordered.empty:
        return {("",) * len(known): ordered} if len(ordered) else {}
    words = {
        name: ordered[name].astype("object").where(ordered[name].notna(), "").astype(str).to_numpy()
        if name in ordered.columns
        else ""
        for name in known
    }
    places = pd.DataFrame(words, index=range(len(ordered))).groupby(list(known)).indices
    return {tuple(map(str, key if isinstance(key, tuple) else (key,))): ordered.iloc[at] for key, at in places.items()}


def _warm_up_alone(side: pd.DataFrame) -> bool:
    return "warmup" in side.columns and bool(side["warmup"].fillna(value=False).astype(bool).all())


def _check_alone(sides: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    """Refuse a frame of several populations beside an array, which tells none apart."""
    for name, side in sides.items():
        if isinstance(side, pd.DataFrame):
            _refuse_several(name, side, [key for key in keys if key in side.columns], where)


def _check_alike(sides: Mapping[str, pd.DataFrame], known: Sequence[str], where: str) -> None:
    for name, side in sides.items():
        other = next(frame for key, frame in sides.items() if key != name)
        lone = [key for key in known if key not in other.columns]
        if len(side) and len(other):
            _refuse_several(name, side, lone, where)


def _refuse_several(name: str, side: pd.DataFrame, columns: Sequence[str], where: str) -> None:
    for column in columns:
        values = side[column].dropna().unique()
        if len(values) > 1:
            raise SchemaError(
                f"The {name} holds several of {column}, and the other side does not say of which its rows are: "
                f"{joined([plain(value) for value in values], most=5)}.",
                where=where,
                hint=f"Give both sides the column {column}, or choose one of them on both.",
            )
