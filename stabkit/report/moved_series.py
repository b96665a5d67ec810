"""What moved along the history of a whole store, in words, pictures and a table, the most surprising first."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd

from stabkit.analyze.history import FALSE_SHARE, Change, Moved, Survey
from stabkit.numbers import amount_text, measure, percent, points
from stabkit.report.display import Column, Figure, Group, Piece, Statement, Subject, Table
from stabkit.report.words import metric_words, sentence
from stabkit.text import count, plain
from stabkit.vocabulary import metric_of

__all__ = ["moved_histories", "one_history", "survey_sections"]

_COLUMNS: Final = (
    Column("history", "History", "head"),
    Column("what", "What happened"),
    Column("since", "Since run"),
    Column("way", "Way"),
    Column("size", "Size, SD", "number"),
    Column("chance", "Chance, adjusted", "number"),
    Column("runs", "Runs", "number"),
)
_DRAWN: Final = (
    Column("label", "Run", "head"),
    Column("value", "Value", "number"),
    Column("level", "Level", "number"),
)
# What is counted a run; the other metrics are measured.
_COUNTED: Final = {
    "tests": "pass rate",
    "suite_size": "number of tests",
    "findings": "open findings",
    "coverage": "covered lines",
}
_SMALLEST: Final = 1e-6
_ENOUGH: Final = 8  # values, below which nothing is said of a change
# A figure is 15 KB of the page and a tenth of a second; more than these are no longer compared by eye.
DRAWN: Final = 24


def moved_histories(survey: Survey, *, limit: int = 20) -> Group:
    """Return which histories of a store moved, as a statement and a table.

    Parameters
    ----------
    survey : Survey
        Of all histories, held against each other.
    limit : int
        Rows of the table that are shown; its JSON has all.
    """
    return Group((Statement(tuple(_said(survey))), _table(survey, limit)))


def survey_sections(survey: Survey, *, limit: int = 20, subject: Subject | None = None) -> dict[str, Piece]:
    """Return a page about the histories of a store: heading to what stands below it; the first has none.

    The histories that moved are small figures, the most surprising first, 24 at most: each with its values, the level
    between its changes, and the change that is told of it. The table has all of them.

    Parameters
    ----------
    survey : Survey
        Of all histories, held against each other.
    limit : int
        Rows of the table that are shown.
    subject : Subject, optional
        Whose histories they are.
    """
    lead: dict[str, Piece] = {"": Statement(tuple(_said(survey)), subject=subject)}
    if not survey.moved:
        return lead
    figures = Group(tuple(_figure(one) for one in survey.moved[:DRAWN]), across=True)
    rest = len(survey.moved) - DRAWN
    table = _table(survey, limit)
    if rest <= 0:
        return lead | {"1 What moved": figures, "2 How surprising each is": table}
    told = Statement((sentence(f"{count(rest, 'more history', 'more histories')} moved, in the table below"),))
    return lead | {"1 What moved most surprisingly": Group((figures, told)), "2 All that moved": table}


def _figure(moved: Moved) -> Figure:
    from stabkit.chart import LevelLines  # on a terminal nothing is drawn

    change = moved.change
    names = [plain(name) for name in moved.about["runs"]]
    frame = pd.DataFrame({"run_id": names, "label": names, "value": moved.values, "level": _levels(moved)})
    of = f"{plain(moved.about['subject'])} {_metric(moved.about)}"
    worse = {"worse": True, "better": False, None: None}[_way(moved)]
    since = _since(moved)
    title = f"{of}{f' since {since}' if since else ''}: {_what(moved)}"
    chart = LevelLines(
        frame,
        title=title,
        of=_metric(moved.about),
        unit=moved.about["unit"] or "",
        changed=None if change is None else change.index,
        worse=worse,
    )
    return Figure.of(chart, small=True, columns=_DRAWN)


def one_history(found: Survey, about: Mapping[str, Any], values: Any, *, limit: int = 20) -> Group:
    """Return one history that is no time: what moved in it, its picture, and its runs, the newest first.

    Parameters
    ----------
    found : Survey
        Of this history alone.
    about, values
        The history, as :func:`stabkit.case.part_histories` returns it: values of shape (n,), null where a run has none.
    limit : int
        Runs in the table.
    """
    unit, known = about["unit"] or "", int(np.isfinite(values).sum())
    of = f"{plain(about['subject'])} {_metric(about)}"
    what = _what(found.moved[0]) if found.moved else "no change found"
    since = _since(found.moved[0]) if found.moved else None
    few = known < _ENOUGH
    said = f"{_ENOUGH} show whether it changes or drifts" if few else what + (f" since {since}" if since else "")
    lead = Statement((sentence(f"{of}: {count(known, 'run')} with a value; {said}"),))
    rows, records = [], []
    for name, value in reversed(list(zip(about["runs"], values, strict=True))):
        there = bool(np.isfinite(value))
        rows.append({"run": plain(name), "value": _level(float(value), unit) if there else None})
        records.append({"run": name, "value": float(value) if there else None, "unit": about["unit"]})
    columns = (Column("run", "Run", "head"), Column("value", "Value", "number"))
    table = Table(columns, tuple(rows), f"Runs, the newest first: {of}", records=tuple(records), limit=limit)
    return Group((lead, *(_figure(one) for one in found.moved), table))


def _levels(moved: Moved) -> np.ndarray:
    """Return what the values lie around: the level between two changes, or the line of a drift."""
    n, drift = len(moved.values), moved.history.drift
    if moved.change is None and drift.slope_per_run is not None:
        places, known = np.arange(n), np.isfinite(moved.values)
        middle = np.median((moved.values - drift.slope_per_run * places)[known])
        return np.asarray(middle + drift.slope_per_run * places, dtype=np.float64)
    edges = [0, *(change.index for change in _marked(moved)), n]
    levels = np.full(n, np.nan)
    for start, end in pairwise(edges):
        inside = moved.values[start:end]
        if np.isfinite(inside).any():
            levels[start:end] = np.nanmedian(inside)
    return levels


def _marked(moved: Moved) -> list[Change]:
    """Return the changes between which a level is drawn: the confirmed ones, and the one that is told."""
    told = [] if moved.change is None else [moved.change]
    places = {change.index: change for change in (*moved.history.changes, *told)}
    return [places[index] for index in sorted(places)]


def _said(survey: Survey) -> list[str]:
    looked = count(survey.histories, "history", "histories")
    lead = f"{looked}: {amount_text(len(survey.moved))} moved{_ways(survey)}" if survey.moved else ""
    said = [sentence(lead or f"{looked}: none is shown to have moved")]
    if survey.moved:
        said.append(
            sentence(f"the most surprising comes first; at most {percent(FALSE_SHARE)} of those listed are chance")
        )
        said.append(sentence("size is counted in standard deviations (SD) between neighbouring runs"))
    if survey.unplaced:
        moved = count(survey.unplaced, "more history", "more histories")
        said.append(
            sentence(f"{moved} did not stay at one level either, without a change or drift that could be named")
        )
    if survey.too_short:
        short = count(survey.too_short, "history has", "histories have")
        said.append(sentence(f"{short} fewer than 8 values and cannot be told"))
    return said


def _ways(survey: Survey) -> str:
    """Return how many moved for the worse and for the better; nothing where nobody can know of any."""
    ways = [_way(one) for one in survey.moved]
    parts = [f"{amount_text(ways.count(way))} for the {way}" for way in ("worse", "better") if way in ways]
    return f", {' and '.join(parts)}" if parts else ""


def _table(survey: Survey, limit: int) -> Table:
    rows = tuple(_row(one) for one in survey.moved)
    records = tuple(_record(one) for one in survey.moved)
    return Table(_COLUMNS, rows, "Histories that moved, the most surprising first", records=records, limit=limit)


def _row(moved: Moved) -> dict[str, Any]:
    about = moved.about
    more = ", ".join(plain(about[name]) for name in ("environment", "connection") if about[name])
    return {
        "history": (f"{plain(about['subject'])} {_metric(about)}", more),
        "what": _what(moved),
        "since": _since(moved),
        "way": _way(moved),
        "size": amount_text(round(moved.size, 1)),
        "chance": _chance(moved.adjusted),
        "runs": amount_text(moved.history.n),
    }


def _record(moved: Moved) -> dict[str, Any]:
    change, drift = moved.change, moved.history.drift
    about = {name: value for name, value in moved.about.items() if name != "runs"}
    return about | {
        "kind": "drift" if change is None else "change",
        "since": _since(moved),
        "before": None if change is None else change.before,
        "after": None if change is None else change.after,
        "slope_per_run": drift.slope_per_run if change is None else None,
        "confirmed": change is None or change.confirmed,
        "went_away": change is not None and change.went_away_at is not None,
        "changes": len(moved.history.changes),
        "suspected": len(moved.history.suspects),
        "worse": {"worse": True, "better": False, None: None}[_way(moved)],
        "size_sd": moved.size,
        "p_value": moved.p_value,
        "p_value_adjusted": moved.adjusted,
        "runs": moved.history.n,
    }


def _metric(about: Mapping[str, Any]) -> str:
    if about["metric"] in _COUNTED:
        return _COUNTED[about["metric"]]
    name = metric_words(about["metric"])
    if about["value"] == "failed":
        return f"{name}, failed"
    return f"{name}, {about['value']}" if about["unit"] == "ms" else name


def _what(moved: Moved) -> str:
    unit, change = moved.about["unit"] or "", moved.change
    if change is None:
        slope = moved.history.drift.slope_per_run or 0.0
        way = "up" if slope > 0 else "down"
        return f"drifts {way} by {_amount(abs(slope), unit)} a run"
    way = "rose" if change.difference > 0 else "fell"
    share = unit in ("share", "count") or change.ratio is None
    size = _amount(abs(change.difference), unit) if share else percent(abs((change.ratio or 1) - 1))
    levels = f"from {_level(change.before, unit)} to {_level(change.after, unit)}"
    more = len(moved.history.changes) - change.confirmed
    others = f"; {count(more, 'more change')}" if more else ""
    gone = ", and went away" if change.went_away_at is not None else ""
    doubt = "" if change.confirmed else f" (suspected: {count(change.more_needed, 'more run')} would tell)"
    return f"{way} by {size}, {levels}{gone}{doubt}{others}"


def _amount(value: float, unit: str) -> str:
    return points(value).lstrip("+") if unit == "share" else _level(value, unit)


def _level(value: float, unit: str) -> str:
    if unit == "share":
        return percent(value)
    return amount_text(value) if unit == "count" else measure(value, unit)


def _since(moved: Moved) -> str | None:
    change, drift = moved.change, moved.history.drift
    place = drift.start if change is None else change.index
    return None if place is None else plain(moved.about["runs"][place])


def _way(moved: Moved) -> str | None:
    """Say whether it got worse, where anybody can know that."""
    about, change = moved.about, moved.change
    up = (moved.history.drift.slope_per_run or 0.0) > 0 if change is None else change.difference > 0
    if about["metric"] in ("tests", "coverage"):
        worse = "lower"
    elif about["metric"] == "suite_size":
        return None  # tests may be taken away for good reasons
    elif about["metric"] == "findings" or about["value"] == "failed":
        worse = "higher"
    else:
        known = metric_of(about["metric"]).worse
        if known is None:
            return None
        worse = known
    return "worse" if up == (worse == "higher") else "better"


def _chance(share: float) -> str:
    return f"< {_SMALLEST:f}" if share < _SMALLEST else f"{share:.2g}"
