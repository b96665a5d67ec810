"""Readings of the windows before and after a deploy, and of the same windows on days without one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import pandas as pd

from stabkit.collect.readings import KIND, answered
from stabkit.config import PrometheusSource
from stabkit.errors import EvidenceError
from stabkit.probe import ask_range
from stabkit.read import ReportError
from stabkit.read.loads import FORMAT, Grid, Readings, bucket_quantiles, bucket_series, readings
from stabkit.schema import Evidence
from stabkit.sources import Fault, fault_code, named, source_evidence
from stabkit.text import count, joined

__all__ = ["Deploy", "query_windows"]

Side = Literal["baseline", "candidate"]
_SIDES: Final[tuple[Side, Side]] = ("baseline", "candidate")
_FARTHEST: Final = 28  # days back; a service is another one then
_PATIENCE: Final = 3  # days in a row that the server does not answer for
_NAMED: Final = 4  # days left out that are named
_UNITS: Final = (
    ("_seconds_bucket", "seconds"),
    ("_milliseconds_bucket", "milliseconds"),
    ("_ms_bucket", "milliseconds"),
)
_TO_MS: Final = {"seconds": 1000.0, "s": 1000.0, "milliseconds": 1.0, "ms": 1.0}


@dataclass(frozen=True)
class Deploy:
    """When a version went live, and when others did.

    Attributes
    ----------
    at : datetime
        With a zone.
    others : sequence of datetime
        Every other known deploy: a day that holds one is no day without.
    """

    at: datetime
    others: Sequence[datetime] = field(default_factory=tuple)

    def over(self, source: PrometheusSource) -> datetime:
        """Return when the window after it is over."""
        return self.at + timedelta(seconds=source.settle + (source.window or 0.0))

    def within(self, source: PrometheusSource, day: int) -> datetime | None:
        """Return another deploy within the windows of a day; None if there is none."""
        at = self.at - timedelta(days=day)
        first = at - timedelta(seconds=source.before_s)
        last = at + timedelta(seconds=source.settle + (source.window or 0.0))
        apart = timedelta(seconds=1)  # this very deploy, collected once more
        return next((other for other in self.others if first <= other <= last and abs(other - self.at) > apart), None)


@dataclass
class _Windows:
    """What was read of both windows, day by day."""

    frames: dict[Side, list[pd.DataFrame]] = field(default_factory=lambda: {side: [] for side in _SIDES})
    gaps: dict[Side, list[str]] = field(default_factory=lambda: {side: [] for side in _SIDES})
    left_out: list[str] = field(default_factory=list)
    days: int = 0


def query_windows(name: str, source: PrometheusSource, deploy: Deploy, *, root: Path = Path()) -> dict[Side, Evidence]:
    """Return what the server read before and after a deploy, and at the same hours of earlier days without one.

    Parameters
    ----------
    name : str
        The configured name; it becomes the target of the samples.
    source : PrometheusSource
        With a ``window``.
    deploy : Deploy
        When it was.
    root : Path
        Folder of the configuration.

    Returns
    -------
    dict
        Side -> ``samples`` and ``sources``. Each reading says by ``days_before`` which day it is of, 0 the deploy's
        own; those of other days are marked as warm-up, so that nothing else counts them. Days with gaps, warnings of
        the server or another deploy are left out, and the source names them.

    Raises
    ------
    ConfigError
        The URL, a header or the CA file cannot be used as configured.
    """
    found = _Windows()
    try:
        own = {side: _window(name, source, (deploy.at, side), root) for side in _SIDES}
    except EvidenceError as error:
        fault = Fault(f"Prometheus could not be asked: {error.what}", fault_code(error))
        lost = source_evidence({}, kind=KIND, path=name, form=FORMAT, status="error", messages=[fault])
        return dict.fromkeys(_SIDES, named(lost, name))
    for side, part in own.items():
        found.frames[side].append(part.frame.assign(days_before=0) if len(part.frame) else part.frame)
        found.gaps[side] += part.gaps + ([] if len(part.frame) else ["Prometheus knows no reading of that window"])
    other = deploy.within(source, 0)
    if other is not None:
        for gaps in found.gaps.values():
            gaps.append(f"another deploy, {_day(other)}, falls into these windows")
    if any(len(part.frame) for part in own.values()):
        _add_placebos(found, name, source, deploy, root)
    remarks = [f"{count(found.days, 'day')} without a deploy to compare with"]
    if found.left_out:
        more = len(found.left_out) - _NAMED
        listed = joined(found.left_out[:_NAMED]) + (f" and {count(more, 'other')}" if more > 0 else "")
        remarks.append(f"left out: {listed}")
    return {
        side: named(_evidence(name, found.frames[side], found.gaps[side], [*own[side].remarks, *remarks]), name)
        for side in _SIDES
    }


def _evidence(name: str, frames: list[pd.DataFrame], gaps: list[str], remarks: list[str]) -> Evidence:
    known = [frame for frame in frames if len(frame)]
    return source_evidence(
        {"samples": pd.concat(known, ignore_index=True)} if known else {},
        kind=KIND,
        path=name,
        form=FORMAT,
        status="partial" if gaps else "ok",
        messages=[*gaps, *remarks],
    )


def _add_placebos(found: _Windows, name: str, source: PrometheusSource, deploy: Deploy, root: Path) -> None:
    """Ask for earlier days until there are as many without a deploy as wanted, or none is left."""
    silent = 0
    for day in range(1, _FARTHEST + 1):
        if found.days == source.placebo_days or silent == _PATIENCE:
            return
        when = _day(deploy.at - timedelta(days=day))
        other = deploy.within(source, day)
        if other is not None:
            found.left_out.append(f"{when}, deployed at {other.astimezone(UTC):%H:%M}")
            continue
        try:
            parts = {side: _window(name, source, (deploy.at - timedelta(days=day), side), root) for side in _SIDES}
        except EvidenceError as error:
            found.left_out.append(f"{when}, {error.what[:80]}")
            silent += 1
            continue
        if not any(len(part.frame) for part in parts.values()):
            found.left_out.append(f"{when}, no reading")
            silent += 1
            continue
        silent = 0
        gap = next((gap for part in parts.values() for gap in (part.gaps or _half(part))), None)
        if gap is not None:
            found.left_out.append(f"{when}, {gap}")
            continue
        found.days += 1
        for side, part in parts.items():
            found.frames[side].append(part.frame.assign(days_before=day, warmup=True))


def _half(part: Readings) -> list[str]:
    return [] if len(part.frame) else ["one window has no reading"]


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def _window(name: str, source: PrometheusSource, which: tuple[datetime, Side], root: Path) -> Readings:
    """Return the readings of one window, before or after a moment."""
    at, side = which
    step = timedelta(seconds=source.step_s)
    if side == "baseline":
        start, end = at - timedelta(seconds=source.before_s) + step, at
    else:
        settled = at + timedelta(seconds=source.settle)
        start, end = settled + step, settled + timedelta(seconds=source.window or 0.0)
    answer = ask_range(name, source, query=source.query, start=start, end=end, root=root)
    grid = Grid(start.timestamp(), end.timestamp(), source.step_s)
    document, odd = answered(answer)
    if source.quantiles:
        found = _quantiles(document, name, grid, source)
    else:
        found = readings(document, target=name, grid=grid, unit=source.unit)
        if not len(found.frame) and bucket_series(document):
            found.gaps.append("the query gives buckets of a histogram: say which quantiles = [0.5, 0.99] of it")
        if source.metric is not None and len(found.frame):
            found.frame["metric"] = source.metric
            found.frame["sequence"] = range(len(found.frame))
    found.remarks.extend([*odd, *answer.repeats])
    return found


def _quantiles(document: dict[str, object], name: str, grid: Grid, source: PrometheusSource) -> Readings:
    """Return the quantiles of a histogram as readings, a metric each."""
    readings(document, target=name, grid=grid)  # an error of the server, and its warnings, are said as of any answer
    unit = source.unit or next((unit for end, unit in _UNITS if re.search(rf"{end}\b", source.query)), None)
    factor = _TO_MS.get((unit or "").lower())
    if factor is None:
        raise ReportError('neither the query nor unit = "seconds" says what the buckets are in')
    stated = readings({**document, "data": {"resultType": "matrix", "result": []}}, target=name, grid=grid)
    series = bucket_series(document)
    if not series:
        return Readings(
            pd.DataFrame(), stated.remarks, [*stated.gaps, "the query gives no buckets, sum by (le) of them"]
        )
    found = bucket_quantiles(series, source.quantiles)
    answers = [
        {
            "metric": {"__name__": metric},
            "values": [
                [at, "NaN" if value is None else str(value * factor)]
                for at, value in zip(found.moments, found.values[share], strict=True)
            ],
        }
        for metric, share in zip(source.readings, source.quantiles, strict=True)
        if share in found.values
    ]
    made = {"status": "success", "data": {"resultType": "matrix", "result": answers}}
    result = readings(made, target=name, grid=grid, unit="ms")
    why = [text for share in source.quantiles for text in found.why.get(share, ()) if text]
    unknown = [f"{n} of {len(found.moments)} steps have no quantile: {text}" for text, n in _counted(why)]
    gaps = [*stated.gaps, *found.gaps, *(unknown or result.gaps)]
    return Readings(result.frame, stated.remarks, gaps)


def _counted(texts: Sequence[str]) -> list[tuple[str, int]]:
    return [(text, texts.count(text)) for text in dict.fromkeys(texts)]
