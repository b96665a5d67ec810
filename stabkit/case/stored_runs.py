"""The runs of a store, with the tables that a history is drawn from; loaded once and frozen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stabkit.analyze.findings import finding_history
from stabkit.analyze.tests import pass_history
from stabkit.case.again import Again
from stabkit.case.settings import open_project, places
from stabkit.config import Config
from stabkit.runs import order_runs
from stabkit.samples import TO_MS
from stabkit.schema import Evidence
from stabkit.store import Store
from stabkit.vocabulary import METRICS, REQUEST_METRICS

__all__ = ["StoredRuns", "history_parts", "load_history", "part_histories"]

History = tuple[dict[str, Any], NDArray[np.float64]]

_QUANTILES: Final = {"p50": 1, "p95": 20, "p99": 100}  # samples below which it would merely be the maximum


@dataclass(frozen=True)
class StoredRuns:
    """What a store holds of its runs.

    Attributes
    ----------
    runs : DataFrame
        Oldest first; table ``runs``.
    evidence : Evidence
        The tables that were asked for, of these runs.
    config : Config
    again : Again
        How to collect once more.
    """

    runs: pd.DataFrame
    evidence: Evidence
    config: Config
    again: Again


def load_history(
    *tables: str,
    data: str | Path | None = None,
    config: str | Path | Config | None = None,
    last: int | None = None,
) -> StoredRuns:
    """Return the runs of a store with some of their tables.

    Parameters
    ----------
    tables : str
        Their names; what is not asked for is not read.
    data, config : optional
        As :func:`stabkit.case.settings.open_project` takes them.
    last : int, optional
        Only that many newest runs; None or 0: all of them.

    Raises
    ------
    StoreError, ConfigError
        There is no store, or the configuration is wrong.

    Examples
    --------
    >>> found = load_history("tests", data="data/sample", last=2)
    >>> found.runs["label"].tolist(), found.evidence["tests"]["run_id"].nunique()
    (['v1.4', 'v1.5'], 2)
    """
    store, settings, path = open_project(data, config)
    assert store is not None  # it is needed
    runs = order_runs(store.runs())
    runs = runs.tail(last).reset_index(drop=True) if last else runs
    of = runs["run_id"].tolist() if last else None
    evidence = Evidence({name: store.read(name, runs=of) for name in tables})
    again = Again(places=places(settings, path, store), settings=settings.collect)
    return StoredRuns(runs, evidence, settings, again)


def history_parts(store: Store) -> list[str]:
    """Return what the histories of a store are told from, one query each: its metrics, tests, scans, coverage.

    Examples
    --------
    >>> from stabkit.store import open_store
    >>> history_parts(open_store("data/sample"))[:2]
    ['connect_time', 'cpu']
    """
    tables = [store.tables(run_id) for run_id in store.runs()["run_id"]]
    metrics = set(store.sql("SELECT DISTINCT metric FROM samples")["metric"])
    if not all("samples" in each for each in tables):  # a sketch may know more
        metrics |= set(METRICS)
    every = frozenset[str]().union(*tables)
    return [*sorted(metrics), *(f"table {name}" for name in ("tests", "scans", "coverage") if name in every)]


def part_histories(store: Store, part: str) -> list[History]:
    """Return the histories of one part of a store, each as what it is of and one value a run, null where it has none.

    A history is of one environment and one kind of connection, as only such runs are comparable: the median and, of
    times, the 95th and 99th percentile of each target and metric; the share of failed requests; the pass rate and the
    size of each suite; the open findings of each tool, since they were last counted otherwise; the covered lines.

    Parameters
    ----------
    part : str
        One of :func:`history_parts`.

    Notes
    -----
    What it is of: ``subject``, ``metric``, ``value`` (``p50``, ``failed``, ...), ``unit``, ``environment``,
    ``connection``, and ``runs``, the names of the runs in the order of the values.
    """
    runs = order_runs(store.runs())
    if part == "table tests":
        found = _pass_rates(store, runs)
    elif part == "table scans":
        found = _open_findings(store, runs)
    elif part == "table coverage":
        found = _covered(store, runs)
    else:
        found = _quantiles(store, runs, part)
    return [(about, values) for about, values in found if np.isfinite(values).any()]


def _quantiles(store: Store, runs: pd.DataFrame, metric: str) -> Iterator[History]:
    known = store.quantiles(tuple(float(name[1:]) / 100 for name in _QUANTILES), metric=metric, by=("run_id", "target"))
    known = known.merge(runs[["run_id", "environment"]].assign(place=range(len(runs))), on="run_id")
    keys = ["environment", "target", "connection", "unit"]
    for (environment, target, connection, unit), rows in known.groupby(keys, sort=True, dropna=False):
        own = _own_runs(runs, environment)
        about = {
            "subject": target,
            "metric": metric,
            "environment": _text(environment),
            "connection": _text(connection),
        }
        time = unit in TO_MS
        for name, least in _QUANTILES.items():
            if time or name == "p50":
                values = rows[name].where(rows["n"] >= least) * (TO_MS[unit] if time else 1)
                yield _history(about | {"value": name, "unit": "ms" if time else _text(unit)}, own, rows, values)
        if metric in REQUEST_METRICS:
            yield _history(
                about | {"value": "failed", "unit": "share"}, own, rows, rows["failed"] / (rows["n"] + rows["failed"])
            )


def _pass_rates(store: Store, runs: pd.DataFrame) -> Iterator[History]:
    tests = store.read("tests")
    for suite, own in tests.groupby("suite", sort=True):
        rates = pass_history(own, runs).assign(place=range(len(runs)))
        for environment, rows in rates.groupby("environment", sort=True, dropna=False):
            about = {"subject": suite, "metric": "tests", "value": "passed", "unit": "share"}
            about |= {"environment": _text(environment), "connection": None}
            yield _history(about, _own_runs(runs, environment), rows, rows["rate"])
            size = rows["good"] + rows["bad"] + rows["skipped"]
            about |= {"metric": "suite_size", "value": "tests", "unit": "count"}
            yield _history(about, _own_runs(runs, environment), rows, size)


def _open_findings(store: Store, runs: pd.DataFrame) -> Iterator[History]:
    found = finding_history(store.read("findings"), store.read("scans"), runs)
    # Where a tool scanned once a run its scans are one history, though past builds name each by a path of its own.
    counts = found[found["open"].notna()].groupby(["tool", "run_id"])["open"].size().groupby("tool").max()
    found["series"] = found["scan_id"].where(found["tool"].map(counts) > 1)
    for (tool, _), rows in found.groupby(["tool", "series"], sort=True, dropna=False):
        counted = rows[rows["open"].notna()]
        if len(counted):
            same = counted[counted["line"] == counted["line"].iloc[-1]]
            placed = same.assign(place=same["run_id"].map({run: place for place, run in enumerate(runs["run_id"])}))
            about = {"subject": tool, "metric": "findings", "value": "open", "unit": "count"}
            yield _history(
                about | {"environment": None, "connection": None},
                runs.assign(place=range(len(runs))),
                placed,
                same["open"],
            )


def _covered(store: Store, runs: pd.DataFrame) -> Iterator[History]:
    """Yield the share of lines that ran, of each report; reports that no two runs name alike count together."""
    lines = store.read("coverage")
    known = lines.groupby("report")["run_id"].nunique()
    repeated = lines["report"].isin(known.index[known > 1])
    lines = lines.assign(report=lines["report"].where(repeated, "coverage"))
    # A file that two reports of a run hold ran where either saw it.
    files = lines.groupby(["report", "run_id", "path"])[["lines", "covered"]].max()
    totals = files.groupby(["report", "run_id"]).sum().reset_index()
    totals = totals.merge(runs[["run_id", "environment"]].assign(place=range(len(runs))), on="run_id")
    for (report, environment), rows in totals.groupby(["report", "environment"], sort=True, dropna=False):
        about = {"subject": report, "metric": "coverage", "value": "covered", "unit": "share"}
        about |= {"environment": _text(environment), "connection": None}
        share = rows["covered"].astype("float64") / rows["lines"].where(rows["lines"] > 0).astype("float64")
        yield _history(about, _own_runs(runs, environment), rows, share)


def _own_runs(runs: pd.DataFrame, environment: object) -> pd.DataFrame:
    placed = runs.assign(place=range(len(runs)))
    return placed[placed["environment"].isna() if pd.isna(environment) else placed["environment"] == environment]


def _history(about: dict[str, Any], own: pd.DataFrame, rows: pd.DataFrame, values: pd.Series) -> History:
    """Return one history over the runs of its environment, in their order."""
    by_place = pd.Series(values.to_numpy("float64", na_value=np.nan), index=rows["place"])
    names = own["label"].where(own["label"].notna(), own["run_id"])
    return about | {"runs": tuple(names)}, by_place.reindex(own["place"]).to_numpy("float64")


def _text(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)
