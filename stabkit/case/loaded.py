"""The case that a stability report speaks of: two runs, their evidence, the gate, and the history before them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from stabkit.analyze import ConditionResult, Gate, RunEvidence, Sides
from stabkit.analyze.gate import evaluate_gate
from stabkit.analyze.latency import Population
from stabkit.analyze.statistics import MetricNoise
from stabkit.case.again import Again
from stabkit.case.populations import case_populations
from stabkit.case.run_evidence import existing, load_run, renamed, run_before, sketches_of
from stabkit.case.self_pairs import known_noise
from stabkit.case.settings import find_settings, places, store_or_none
from stabkit.change import described
from stabkit.config import Config
from stabkit.errors import UsageError
from stabkit.schema import Evidence, conform, empty
from stabkit.store import Store
from stabkit.text import shell
from stabkit.vocabulary import is_time

__all__ = ["HISTORY_RUNS", "Case", "load_case", "with_history"]

# A history of more runs than this adds pixels, not insight, and costs reading.
HISTORY_RUNS = 60
_REQUESTS = ("response_time", "connect_time")
_READINGS = ("memory", "cpu", "container_memory", "container_cpu")


@dataclass(frozen=True)
class Case:
    """Everything that the sections read; nothing here is computed by them again.

    Attributes
    ----------
    baseline : RunEvidence or None
        None in the first run ever.
    runs : DataFrame
        The stored runs of the candidate's environment up to the candidate, oldest first; table ``runs``.
    store : Store or None
        None if both sides are folders of evidence files.
    noise : tuple of MetricNoise
        What all A/A runs of the candidate's environment show, newer ones too; empty if there are none.
    sides : Sides or None
        What the gate was judged on.
    """

    baseline: RunEvidence | None
    candidate: RunEvidence
    gate: Gate
    config: Config
    config_path: Path | None
    runs: pd.DataFrame
    store: Store | None
    data: str
    asked: tuple[str, str]
    noise: tuple[MetricNoise, ...] = ()
    sides: Sides | None = None
    _tables: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False, compare=False)
    _sketches: dict[str, pd.DataFrame | None] = field(default_factory=dict, repr=False, compare=False)

    @property
    def first(self) -> bool:
        """True if there is no baseline."""
        return self.baseline is None

    @property
    def before(self) -> Evidence:
        """The baseline's evidence; empty in a first run."""
        return self.baseline.evidence if self.baseline else Evidence()

    @property
    def after(self) -> Evidence:
        """The candidate's evidence."""
        return self.candidate.evidence

    @cached_property
    def sources(self) -> pd.DataFrame:
        """The sources of both sides, baseline first, with the column ``side``."""
        parts = [("baseline", self.before["sources"]), ("candidate", self.after["sources"])]
        return pd.concat([frame.assign(side=side) for side, frame in parts], ignore_index=True)

    @cached_property
    def times(self) -> tuple[Population, ...]:
        """The populations of times on both sides, as they were judged."""
        return case_populations(self.gate, self._compared, is_time)

    @cached_property
    def requests(self) -> tuple[Population, ...]:
        """The requests and handshakes of both sides, warm-up and failures among them, as the error rate counts them."""
        return case_populations(self.gate, self._compared, _REQUESTS.__contains__, split=False)

    @cached_property
    def readings(self) -> tuple[Population, ...]:
        """The readings of memory and CPU on both sides, as they were judged."""
        return case_populations(self.gate, self._compared, _READINGS.__contains__)

    @property
    def _compared(self) -> Sides:
        return self.sides or Sides(self.config, self.baseline, self.candidate)

    def history(self, table: str) -> pd.DataFrame:
        """Return one table of all runs of the history; of the two sides alone without a store."""
        if self.store is None:
            return pd.concat([self.before[table], self.after[table]], ignore_index=True)
        if self.runs.empty:
            return empty(table)
        # Several sections draw from the same history; reading is the dear part.
        if table not in self._tables:
            self._tables[table] = self.store.read(table, runs=self.runs["run_id"].tolist())
        return self._tables[table]

    def sketches(self, metric: str) -> pd.DataFrame | None:
        """Return the percentiles of the runs of the history that keep no samples; None if all keep theirs."""
        if metric not in self._sketches:
            found = None if self.store is None else sketches_of(self.store, self.runs, self.history("samples"), metric)
            self._sketches[metric] = found
        return self._sketches[metric]

    def of_kind(self, *kinds: str) -> tuple[ConditionResult, ...]:
        """Return the conditions of these kinds, in order of weight."""
        return tuple(c for c in self.gate.conditions if c.kind in kinds)

    @property
    def command(self) -> str:
        """The command that makes this report again."""
        sides = [self.baseline, self.candidate] if self.baseline else [self.candidate]
        # Ids, since a label or 'latest' means another run tomorrow.
        stored = self.store is not None
        words = [side.run["run_id"] for side in sides] if stored else [side for side in self.asked if side]
        return shell(["stabkit", "report", *words, *self.places])

    @property
    def places(self) -> tuple[str, ...]:
        """The options that say where configuration and store are, unless they are found by themselves."""
        return places(self.config, self.config_path, self.store)

    @property
    def again(self) -> Again:
        """How to collect both runs once more, under the same names."""
        return Again(
            candidate=_label(self.candidate),
            baseline=_label(self.baseline) if self.baseline else None,
            together=self._compared.paired,
            stored=self.store is not None,
            places=self.places,
            rounds=int(self.after["samples"]["round"].nunique()),
            settings=self.config.collect,
        )

    def websocket_targets(self) -> list[str]:
        """Return the names of WebSocket targets, declared or seen."""
        return sorted(Sides(self.config, self.baseline, self.candidate).websocket_targets)

    def http_targets(self) -> list[str]:
        """Return the names of HTTP targets, declared or seen."""
        found = set(self.config.http)
        for evidence in (self.before, self.after):
            samples, checks = evidence["samples"], evidence["checks"]
            found |= set(samples.loc[samples["metric"] == "response_time", "target"])
            found |= set(checks.loc[checks["check"].isin(["status", "certificate", "body"]), "target"])
        return sorted(found - set(self.websocket_targets()))

    def other_targets(self) -> list[str]:
        """Return the names of targets that were checked, and are neither HTTP nor WebSocket; nor a range of commits."""
        checked = {*self.before["checks"]["target"], *self.after["checks"]["target"]}
        return sorted(checked - {"changes", *self.http_targets(), *self.websocket_targets()})


def load_case(
    baseline: str | None, candidate: str, *, data: str | Path, config: str | Path | Config | None = None
) -> Case:
    """Load both sides and evaluate the gate.

    Raises
    ------
    UsageError
        Both sides are the same run.
    UnknownRunError, StoreError, ConfigError, EvidenceError
        As their loaders say.
    """
    paths = [side for side in (baseline, candidate) if side]
    only_folders = bool(paths) and all(existing(side) for side in paths)
    store = store_or_none(data, needed=not only_folders)
    settings, path = find_settings(config, data, store)
    after = _described(load_run(candidate, store), settings)
    reference = baseline or (run_before(after.run, store) if store is not None else None)
    before = load_run(reference, store) if reference else None
    if before is not None and reference is not None and before.run["run_id"] == after.run["run_id"]:
        before = _told_apart(before, reference, candidate)
    known = _history_runs(before, after, store)
    runs = known.tail(HISTORY_RUNS).reset_index(drop=True)
    noise = known_noise(store, after.run["environment"], settings)
    earlier = _earlier(known, before).tail(HISTORY_RUNS)
    history = _history(earlier, store)
    gate = evaluate_gate(settings, before, after, history=history, noise=noise, history_runs=earlier)
    asked = (baseline or "", candidate)
    sides = Sides(settings, before, after, history, noise, gate.confidence, earlier)
    return Case(before, after, gate, settings, path, runs, store, str(data), asked, noise, sides)


def with_history(before: RunEvidence, after: RunEvidence, store: Store, config: Config) -> Sides:
    """Return two runs of a store as they are judged: with the runs before them; what A/A runs show is left out."""
    earlier = _earlier(_history_runs(before, after, store), before).tail(HISTORY_RUNS)
    return Sides(config, before, after, _history(earlier, store), history_runs=earlier)


def _described(side: RunEvidence, config: Config) -> RunEvidence:
    changes = side.evidence["changes"]
    if changes.empty:
        return side
    return RunEvidence(side.run, Evidence({**side.evidence.tables, "changes": described(changes, config.areas)}))


def _told_apart(before: RunEvidence, reference: str, candidate: str) -> RunEvidence:
    """Return the baseline under an id of its own, where equal files in two places can be two runs.

    A scan that finds the same again writes the same file. Two test runs or two measurements never agree to the byte:
    there, one file was copied.
    """
    places = [existing(side) for side in (reference, candidate)]
    files = places[0] is not None and places[1] is not None and not places[0].samefile(places[1])
    if files and set(before.evidence["sources"]["kind"]) == {"scan"}:
        return renamed(before, f"{before.run['run_id']}-baseline")
    run_id = before.run["run_id"]
    raise UsageError(
        "Baseline and candidate hold the same files."
        if files
        else f"Baseline and candidate are the same run {run_id!r}.",
        where=f"{reference} against {candidate}",
        hint="Give each side the files of its own run."
        if files
        else "Name another baseline, or leave it out to take the run before.",
    )


def _history_runs(before: RunEvidence | None, after: RunEvidence, store: Store | None) -> pd.DataFrame:
    if store is None:
        return conform("runs", pd.DataFrame([dict(side.run) for side in (before, after) if side is not None]))
    runs = store.runs()
    environment = after.run["environment"]
    same = runs["environment"].isna() if pd.isna(environment) else runs["environment"] == environment
    return runs[same & (runs["started_at"] <= after.run["started_at"])].reset_index(drop=True)


def _earlier(runs: pd.DataFrame, before: RunEvidence | None) -> pd.DataFrame:
    """Return the runs from which flake rates, expected tests and reopened findings are learnt.

    Only runs before the baseline: in one between the two sides the change may be at work already, and its true failures
    would pass for flakes.
    """
    if before is not None and before.run["run_id"] in set(runs["run_id"]):
        return runs[runs["started_at"] < before.run["started_at"]]
    return runs


def _history(runs: pd.DataFrame, store: Store | None) -> Evidence | None:
    """Return the tables of the earlier runs; None without a store."""
    if store is None:
        return None
    wanted = runs["run_id"].tolist()
    if not wanted:
        return Evidence()
    return Evidence.of(**{name: store.read(name, runs=wanted) for name in ("tests", "scans", "findings")})


def _label(side: RunEvidence) -> str | None:
    label = side.run["label"]
    return label if isinstance(label, str) and label.isprintable() and not label.startswith("-") else None
