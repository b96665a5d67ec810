"""The two sides of a comparison: a run and its evidence each, and what is wrong with them before anything is judged."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Final

import pandas as pd

from stabkit.analyze.earlier import EarlierRun
from stabkit.analyze.facts import About, Need
from stabkit.analyze.statistics import CONFIDENCE, MetricNoise
from stabkit.config import Acceptance, Condition, Config
from stabkit.schema import Evidence
from stabkit.vocabulary import of_websocket

__all__ = ["FailedSource", "RunEvidence", "Sides"]

_TABLES: Final = ("tests", "samples", "scans", "coverage")
_MEASURING: Final = ("http", "websocket", "resources", "load", "records")


@dataclass(frozen=True, eq=False)
class RunEvidence:
    """One run and everything collected in it.

    Attributes
    ----------
    run : Series or Mapping
        A row of the table ``runs``.
    evidence : Evidence
        The tables of that run.
    """

    run: pd.Series | Mapping[str, Any]
    evidence: Evidence

    def fact(self, name: str) -> Any:
        """Return one value of the run's row; None if it is missing or null."""
        value = self.run.get(name)
        return None if value is None or pd.isna(value) else value

    @property
    def range_examined(self) -> bool:
        """True if the changes before this run were looked at, whether there are any or none."""
        sources = self.evidence["sources"]
        seen = (sources["kind"] == "changes") & sources["status"].isin(["ok", "repaired"])
        return bool(len(self.evidence["changes"])) or bool(seen.any())

    @property
    def complete(self) -> bool:
        """True if the run says so itself; a run that does not say is not complete."""
        return bool(self.fact("complete") or False)


@dataclass(frozen=True)
class FailedSource:
    """A source that gave nothing, or not all it should, and the one target it speaks of, if it speaks of one alone."""

    side: str
    kind: str
    target: str | None
    path: str
    status: str
    cause: str | None
    fault: str | None = None
    counted: bool = False
    """True if it keeps no request, and counts them and those that failed: failures are judged by it."""

    @property
    def need(self) -> Need:
        """What it leaves open, with what is wrong first of all."""
        name = self.path.rstrip("/").rpartition("/")[2] or self.path
        about: Mapping[str, About] = {
            "error": "source_failed",
            "partial": "source_old" if self.fault == "old" and self.cause is not None else "source_partial",
        }
        subjects = (name,) if self.cause is None else (name, self.cause)
        return Need(None, "evidence", "partial", about.get(self.status, "source_bare"), subjects, side=self.side)

    def concerns(self, kinds: Collection[str], target: str | None) -> bool:
        """Say whether it casts doubt on conditions that read these kinds, of that target or of all."""
        return self.kind in kinds and (self.target is None or target is None or self.target == target)


@dataclass(frozen=True, eq=False)
class Sides:
    """What a condition is judged on.

    Attributes
    ----------
    history : Evidence or None
        Tables of earlier runs of the same environment, the baseline and candidate left out.
    history_runs : DataFrame or None
        Their rows of the table ``runs``.
    noise : tuple of MetricNoise
        What A/A runs of the same environment have shown; empty: nothing is known.
    confidence : float
        Of the interval between both bounds of every measured estimate.
    line, repeats : tuple of EarlierRun
        Complete runs up to the baseline, and other runs of the candidate's version, oldest first; empty where rounds
        were interleaved, which need neither.
    today : date or None
        The day of the judgement, on which ``[[accepted]]`` holds or does not; None: that of the candidate.
    """

    config: Config
    baseline: RunEvidence | None
    candidate: RunEvidence
    history: Evidence | None = None
    noise: tuple[MetricNoise, ...] = ()
    confidence: float = CONFIDENCE
    history_runs: pd.DataFrame | None = None
    line: tuple[EarlierRun, ...] = ()
    repeats: tuple[EarlierRun, ...] = ()
    today: date | None = None

    @property
    def named(self) -> tuple[tuple[str, RunEvidence], ...]:
        """The sides that are there, with their names."""
        both = (("baseline", self.baseline), ("candidate", self.candidate))
        return tuple((name, side) for name, side in both if side is not None)

    @property
    def paired(self) -> bool:
        """True if both runs were collected together, their rounds interleaved."""
        if self.baseline is None:
            return False
        session = self.candidate.fact("collection_id")
        return session is not None and session == self.baseline.fact("collection_id")

    def table(self, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return a table of the baseline and of the candidate; without rows where there is none."""
        before = Evidence()[name] if self.baseline is None else self.baseline.evidence[name]
        return before, self.candidate.evidence[name]

    def earlier(self, name: str) -> pd.DataFrame | None:
        """Return a table of the earlier runs, without the rows of the two sides; None if there is none."""
        if self.history is None:
            return None
        frame = self.history[name]
        own = [side.fact("run_id") for _, side in self.named]
        return frame[~frame["run_id"].isin(own)]

    def noise_of(self, target: str, metric: str, connection: str | None) -> MetricNoise | None:
        """Return what A/A runs have shown of one population; None if there were none."""
        key = (target, metric, connection)
        return next((found for found in self.noise if (found.target, found.metric, found.connection) == key), None)

    @cached_property
    def websocket_targets(self) -> frozenset[str]:
        """The names of WebSocket targets, declared or seen."""
        found = set(self.config.websocket)
        for _, side in self.named:
            samples, checks, sources = (side.evidence[name] for name in ("samples", "checks", "sources"))
            found |= set(samples.loc[samples["metric"].map(of_websocket).astype(bool), "target"])
            event = checks["check"].eq("connection") | checks["check"].str.startswith("event ")
            found |= set(checks.loc[event, "target"])
            known = set(samples["target"]) | set(checks["target"])
            found |= set(sources.loc[sources["kind"] == "websocket", "path"]) & known
        return frozenset(found)

    @cached_property
    def failed_sources(self) -> tuple[FailedSource, ...]:
        """The sources of both sides that gave nothing, or not all they should."""
        return tuple(
            FailedSource(
                name,
                row["kind"],
                None if pd.isna(row["target"]) else row["target"],
                str(row["path"]),
                row["status"],
                next((row[name] for name in ("cause", "message") if isinstance(row[name], str)), None),
                row["fault"] if isinstance(row["fault"], str) else None,
                _counts_failures(row),
            )
            for name, side in self.named
            for row in (side.evidence["sources"].to_dict("records") if "sources" in side.evidence.tables else ())
            if row["status"] in ("error", "partial") or _percentiles_alone(row)
        )

    @cached_property
    def unsourced(self) -> tuple[str, ...]:
        """What the candidate holds and no source tells of, where sources tell of all that the baseline holds."""
        if self.baseline is None:
            return ()
        before, after = (_unsourced(side.evidence) for _, side in self.named)
        known = {name for name in _TABLES if len(self.baseline.evidence[name]) and not before[name]}
        return tuple(sorted(what for name in known for what in after[name]))

    def same_address(self, target: str) -> str | None:
        """Return the one address at which both sides of a target were asked; None if each has its own."""
        sources = self.candidate.evidence["sources"]
        same = sources[(sources["fault"] == "same_address") & (sources["target"] == target)]
        return str(same["path"].iloc[0]) if len(same) and self.paired else None

    def faults(self, kinds: Collection[str], target: str | None = None, *, failures: bool = False) -> tuple[Need, ...]:
        """Return why evidence of these source kinds cannot prove stability: failed sources, interrupted runs.

        A source that speaks of one other target alone is no fault of this one. With ``failures`` a summary that counts
        them is none either.
        """
        concerned = [source for source in self.failed_sources if source.concerns(kinds, target)]
        found = [source.need for source in concerned if not (failures and source.counted)]
        failed = {source.side for source in self.failed_sources}
        found += [
            Need(None, "evidence", "partial", "collection", side=name)
            for name, side in self.named
            if not side.complete and name not in failed
        ]
        return tuple(found)

    @property
    def other_environment(self) -> Need | None:
        """Why the two runs cannot be set against each other: they are of different environments; None if they can."""
        places = [side.fact("environment") for _, side in self.named]
        if self.baseline is None or None in places or places[0] == places[1]:
            return None
        return Need(None, "runs", "not_comparable", "environments", tuple(map(str, places)))

    @property
    def day(self) -> date | None:
        """The day of the judgement; None if nothing says it."""
        started = self.candidate.fact("started_at")
        return self.today or (None if started is None else pd.Timestamp(started).date())

    def acceptance(self, kind: str, *names: str | None) -> Acceptance | None:
        """Return the first entry of ``[[accepted]]`` that holds of a thing with these names; None if none does."""
        entries = (one for one in self.config.accepted if one.kind == kind and one.in_force(self.day))
        return next((one for one in entries if one.fits(*names)), None)

    def no_baseline(self, condition: Condition) -> Need | None:
        """Return the need for a baseline, or None if there is one."""
        if self.baseline is not None:
            return None
        return Need(1, "runs", "missing", "baseline", (condition.target or condition.kind,))


def _unsourced(evidence: Evidence) -> dict[str, set[str]]:
    """Return, table by table, the reports, targets and scans that no source tells of."""
    sources, samples = evidence["sources"], evidence["samples"]
    kinds = set(sources["kind"])
    measured = sources[sources["kind"].isin(_MEASURING)]
    of_all = bool(measured["target"].isna().any())
    return {
        "tests": set(evidence["tests"]["source"].dropna().unique()) - set(sources["path"]),
        "samples": set() if of_all else set(samples["target"].unique()) - set(measured["target"]),
        "coverage": set() if kinds & {"coverage", "records"} else set(evidence["coverage"]["report"]),
        "scans": set() if kinds & {"scan", "records"} else set(evidence["scans"]["scan_id"].dropna()),
    }


def _counts_failures(source: Mapping[Any, Any]) -> bool:
    if source["status"] not in ("ok", "repaired") or not _percentiles_alone(source):
        return False
    endpoints = json.loads(source["claimed"]).get("endpoints") or []
    return bool(endpoints) and all({"n", "failed"} <= set(entry) for entry in endpoints)


def _percentiles_alone(source: Mapping[Any, Any]) -> bool:
    """Say whether a load file holds what a tool says of its requests, and none of them: nothing to compare by."""
    claims = source["kind"] == "load" and source["format"] != "stabkit"
    claims = claims and isinstance(source["claimed"], str) and '"endpoints"' in source["claimed"]
    return claims and not pd.isna(source["rows"]) and source["rows"] == 0
