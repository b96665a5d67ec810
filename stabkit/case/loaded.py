"""The case that a stability report speaks of: two runs, their evidence, the gate, and the history before them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from stabkit.analyze import CheckComparison, ConditionResult, Gate, RunEvidence, Sides, accepted_risk, united_checks
from stabkit.analyze.change import ChangeRisk, JourneyState, Line, change_risk, journey_states, lines
from stabkit.analyze.gate import confidence_of, evaluate_sides
from stabkit.analyze.latency import Population, StatedRequests, stated_requests
from stabkit.analyze.statistics import MetricNoise
from stabkit.case.again import Again
from stabkit.case.earlier_runs import (
    HISTORY_RUNS,
    JUDGING,
    line_before,
    runs_before,
    runs_until,
    tables_of_both,
    unknown_levels,
)
from stabkit.case.endpoints import grouped_alike
from stabkit.case.freshness import doubt_old_sides
from stabkit.case.order import Behind, behind
from stabkit.case.populations import case_populations
from stabkit.case.provenance import recorded
from stabkit.case.references import named_run
from stabkit.case.run_evidence import existing, files_alone, load_run, renamed, run_before, sketches_of
from stabkit.case.self_pairs import known_noise
from stabkit.case.settings import find_settings, open_project, places, store_place
from stabkit.change import described
from stabkit.config import Config
from stabkit.errors import UsageError
from stabkit.runs import new_run
from stabkit.schema import Evidence, conform
from stabkit.store import Store
from stabkit.text import shell
from stabkit.vocabulary import REQUEST_METRICS, is_time

__all__ = ["Case", "case_of_range", "load_case", "verdict_of"]

_READINGS = ("memory", "cpu", "container_memory", "container_cpu")


@dataclass(frozen=True, eq=False)
class Case:
    """Everything that the sections read, loaded once: no store and no file is asked again.

    Attributes
    ----------
    sides : Sides
        What the gate was judged on: configuration, both runs, the history before them, and what A/A runs show.
    gate : Gate
        The verdict with every condition.
    runs : DataFrame
        The stored runs of the candidate's environment up to the candidate, oldest first; table ``runs``. The two sides
        alone if they are evidence files.
    history : Evidence
        Tables of these runs, as far as they were asked for; those of the baseline and the candidate if these are files.
    sketches : mapping
        Metric -> percentiles of the runs of the history that keep no samples; without those that all keep theirs.
    config_path : Path or None
        The file that the configuration came from.
    stored : bool
        False if both sides are evidence files.
    places : tuple of str
        The options that say where configuration and store are, unless they are found by themselves.
    asked : tuple of str
        Baseline and candidate as they were named.
    unknown_levels : tuple of str
        Names of accepted levels that no run of the environment bears.
    provenance : mapping or None
        What the verdict rests on, by name and hash, as :func:`stabkit.case.provenance.recorded` says; None of a range.
    """

    sides: Sides
    gate: Gate
    runs: pd.DataFrame
    history: Evidence = field(default_factory=Evidence)
    sketches: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    config_path: Path | None = None
    stored: bool = False
    places: tuple[str, ...] = ()
    asked: tuple[str, str] = ("", "")
    unknown_levels: tuple[str, ...] = ()
    provenance: Mapping[str, Any] | None = None

    @property
    def baseline(self) -> RunEvidence | None:
        """The run before; None in the first run ever."""
        return self.sides.baseline

    @property
    def candidate(self) -> RunEvidence:
        """The run that is judged."""
        return self.sides.candidate

    @property
    def config(self) -> Config:
        """The resolved configuration."""
        return self.sides.config

    @property
    def noise(self) -> tuple[MetricNoise, ...]:
        """What all A/A runs of the candidate's environment show, newer ones too; empty if there are none."""
        return self.sides.noise

    @cached_property
    def behind(self) -> tuple[Behind, ...]:
        """The sides of a store that began before a run that was stored before them, the baseline first."""
        sides = (self.baseline, self.candidate) if self.stored else ()
        found = (behind(self.runs, side.run["run_id"]) for side in sides if side is not None)
        return tuple(one for one in found if one is not None)

    @property
    def first(self) -> bool:
        """True if there is no baseline."""
        return self.baseline is None

    @property
    def lacking(self) -> str | None:
        """Why there is no baseline: ``first_run`` here, ``same_version`` as all before it, or ``one_side`` was given.

        None if there is one.
        """
        if self.baseline is not None:
            return None
        if not self.stored:
            return "one_side"
        return "same_version" if (self.runs["run_id"] != self.candidate.run["run_id"]).any() else "first_run"

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
    def lines(self) -> tuple[Line, ...]:
        """The lines of the checklist of the change, as answered, with what of them is accepted."""
        return lines(self.after["checks"], lambda item: accepted_risk(item, self.sides))

    @cached_property
    def risk(self) -> ChangeRisk:
        """How risky the whole change is."""
        return change_risk(self.after["changes"], self.after["checks"], self.gate)

    @cached_property
    def journeys(self) -> tuple[JourneyState, ...]:
        """How every configured journey stands."""
        return journey_states(self.config, self.gate, self.after["checks"], self.after["changes"])

    @cached_property
    def times(self) -> tuple[Population, ...]:
        """The populations of times on both sides, as they were judged."""
        return case_populations(self.gate, self.sides, is_time)

    @cached_property
    def requests(self) -> tuple[Population, ...]:
        """The requests and handshakes of both sides, warm-up and failures among them, as the error rate counts them."""
        return case_populations(self.gate, self.sides, REQUEST_METRICS.__contains__, split=False)

    @cached_property
    def stated(self) -> Mapping[str, StatedRequests]:
        """The requests of each target that load tools counted, and did not keep."""
        return stated_requests(self.sides)

    @cached_property
    def readings(self) -> tuple[Population, ...]:
        """The readings of memory and CPU on both sides, as they were judged."""
        return case_populations(self.gate, self.sides, _READINGS.__contains__)

    @cached_property
    def checks(self) -> CheckComparison | None:
        """The checks of both sides, each once, as they were judged; None if there are none."""
        return united_checks(self.gate.compared(CheckComparison))

    def of_kind(self, *kinds: str) -> tuple[ConditionResult, ...]:
        """Return the conditions of these kinds, in order of weight."""
        return tuple(c for c in self.gate.conditions if c.kind in kinds)

    @property
    def command(self) -> str:
        """The command that makes this report again."""
        sides = [self.baseline, self.candidate] if self.baseline else [self.candidate]
        # Ids, since a label or 'latest' means another run tomorrow.
        words = [side.run["run_id"] for side in sides] if self.stored else [side for side in self.asked if side]
        return shell(["stabkit", "report", *words, *self.places])

    @property
    def again(self) -> Again:
        """How to collect both runs once more, under the same names."""
        at = self.candidate.fact("deployed_at")
        return Again(
            candidate=_label(self.candidate),
            baseline=_label(self.baseline) if self.baseline else None,
            together=self.sides.paired,
            stored=self.stored,
            places=self.places,
            rounds=int(self.after["samples"]["round"].nunique()),
            beside=self._beside,
            declared=None if self.config.records else frozenset(self._declared),
            plan=self.gate.plan,
            deployed=None if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}",
            settings=self.config.collect,
        )

    @property
    def apart(self) -> bool:
        """True if both runs were measured, and not in the same rounds: their times differ by themselves."""
        measured = all(len(evidence["samples"]) for evidence in (self.before, self.after))
        return self.baseline is not None and measured and not self.sides.paired

    @property
    def declares(self) -> bool:
        """True if the configuration says what is to be measured, or how it is judged."""
        return bool(self.config.condition or self.config.records) or any(True for _ in self._declared)

    @property
    def _beside(self) -> bool:
        urls = [target.baseline_url for target in self.config.http.values()]
        urls += [target.baseline_url for target in self.config.websocket.values()]
        return bool(urls) and all(urls)

    @property
    def _declared(self) -> Iterator[str]:
        config = self.config
        for part in (config.http, config.websocket, config.resources, config.prometheus, config.tests, config.scans):
            yield from part
        if config.changes is not None:
            yield "changes"

    def websocket_targets(self) -> list[str]:
        """Return the names of WebSocket targets, declared or seen."""
        return sorted(self.sides.websocket_targets)

    def http_targets(self) -> list[str]:
        """Return the names of HTTP targets, declared or seen."""
        found = {*self.config.http, *self.stated}
        for evidence in (self.before, self.after):
            samples, checks = evidence["samples"], evidence["checks"]
            found |= set(samples.loc[samples["metric"].isin(["response_time", "transaction_time"]), "target"])
            found |= set(checks.loc[checks["check"].isin(["status", "certificate", "body"]), "target"])
        return sorted(found - set(self.websocket_targets()))

    def other_targets(self) -> list[str]:
        """Return the names of targets that were checked, and are neither HTTP nor WebSocket; nor a range of commits."""
        checked = {*self.before["checks"]["target"], *self.after["checks"]["target"]}
        return sorted(checked - {"changes", *self.http_targets(), *self.websocket_targets()})


def load_case(
    baseline: str | None,
    candidate: str | None,
    *,
    data: str | Path | None = None,
    config: str | Path | Config | None = None,
    history: Sequence[str] = (),
    as_of: Mapping[str, str] | None = None,
    today: date | None = None,
) -> Case:
    """Load both sides, judge them, and return the case.

    Parameters
    ----------
    baseline : str or None
        A run, or a folder or file of evidence. None or empty: the run before the candidate. ``last-stable``,
        ``latest:BRANCH`` and ``baseline-of:COMMIT`` mean a run before the candidate, of its environment.
    candidate : str or None
        The same; None or empty: the newest run.
    data : str or Path, optional
        The store; one that is named wins over a folder of a run's name. None or empty: the project's, unless both sides
        are files.
    config : str, Path or Config, optional
        As :func:`stabkit.case.settings.open_project` takes it.
    history : sequence of str
        Tables of the runs so far that are to be drawn. What a verdict needs is read in any case.
    as_of : mapping, optional
        The newest markers of a store at another time, which is then judged as it was.
    today : date, optional
        The day that counts for what is accepted until a day; today by default.

    Raises
    ------
    UsageError
        Both sides are the same run.
    UnknownRunError, StoreError, ConfigError, EvidenceError
        As their loaders say.
    """
    candidate = candidate or "latest"
    needed = not all(existing(side) for side in (baseline, candidate) if side)
    store, settings, path = open_project(data, config, needed=needed)
    if not data and files_alone(baseline, candidate):
        store = None
    if store is not None and as_of is not None:
        store = store.as_of(as_of)
    after = _described(load_run(_named(candidate, None, store, settings), store), settings)
    reference = _named(baseline, after.run, store, settings) if baseline else None
    if reference is None and store is not None:
        reference = run_before(after.run, store)
    before = load_run(reference, store) if reference else None
    before, after = grouped_alike(before, after, settings.load.endpoints)
    if before is not None and reference is not None and before.run["run_id"] == after.run["run_id"]:
        before = _told_apart(before, reference, candidate)
    after = doubt_old_sides(before, after, timely=not files_alone(baseline, candidate) or store is not None)
    sides, known, drawn = _sides(before, after, store, settings, history, today=today)
    runs = known.tail(HISTORY_RUNS).reset_index(drop=True)
    options, asked = places(settings, path, store), (baseline or "", candidate)
    return Case(
        sides, evaluate_sides(sides), runs, history=drawn, sketches=_sketches(store, runs, drawn, sides, history),
        config_path=path, stored=store is not None, places=options,
        asked=asked, unknown_levels=unknown_levels(known, settings) if store is not None else (),
        provenance=recorded(sides, store, None if store is None else store_place(store), asked),
    )  # fmt: skip


def verdict_of(run_id: str, store: Store, config: Config) -> str:
    """Return how a run of a store comes out against the run before it; the first is inconclusive."""
    after = _described(load_run(run_id, store), config)
    reference = run_before(after.run, store)
    if reference is None:
        return "inconclusive"
    before = load_run(reference, store)
    after = doubt_old_sides(before, after, timely=True)
    return evaluate_sides(_sides(before, after, store, config)[0]).verdict


def _named(reference: str, candidate: pd.Series | None, store: Store | None, config: Config) -> str:
    if store is None:
        return reference
    return named_run(reference, store, config, lambda run_id: verdict_of(run_id, store, config), candidate=candidate)


def _sides(
    before: RunEvidence | None,
    after: RunEvidence,
    store: Store | None,
    config: Config,
    drawn: Sequence[str] = (),
    *,
    today: date | None = None,
) -> tuple[Sides, pd.DataFrame, Evidence]:
    """Return two runs as they are judged, the runs up to the candidate, and those of their tables that are drawn."""
    known = runs_until(before, after, store)
    earlier, shown = runs_before(known, before).tail(HISTORY_RUNS), known.tail(HISTORY_RUNS)
    if store is None:
        history, tables = None, _of_sides(before, after, drawn)
    else:
        history, tables = tables_of_both(store, (earlier, JUDGING), (shown, drawn))
    noise = known_noise(store, after.run["environment"], config)
    line, repeats = line_before(before, after, store, known, config)
    confidence, day = confidence_of(before, after), today or datetime.now(UTC).date()
    sides = Sides(config, before, after, history, noise, confidence, earlier, line, repeats, day)
    return sides, known, tables


def case_of_range(repository: str | Path, base: str, head: str, *, config: str | Path | Config | None = None) -> Case:
    """Return the case of a git range: the changes alone, as a candidate without a baseline.

    Parameters
    ----------
    repository : str or Path
        A git repository; its own ``stabkit.toml`` counts if no configuration is given.
    base, head : str
        Commits, branches or tags.
    config : str, Path or Config, optional
        None or empty: the nearest to the repository, then to the working folder.

    Raises
    ------
    UsageError
        No such commit, or no repository.
    ConfigError
        The configuration cannot be used.
    """
    settings, path = find_settings(config, repository, None)
    packages = settings.changes.packages if settings.changes else ()
    from stabkit.change import collect_changes  # every reader of a change comes with it

    evidence = collect_changes(Path(repository), base, head, areas=settings.areas, packages=packages)
    runs = conform("runs", pd.DataFrame([new_run(label=f"{base}..{head}", complete=not evidence.failed)]))
    sides = Sides(settings, None, RunEvidence(runs.iloc[0], evidence), today=datetime.now(UTC).date())
    options = places(settings, path, None)
    return Case(sides, evaluate_sides(sides), runs, config_path=path, places=options, asked=("", head))


def _described(side: RunEvidence, config: Config) -> RunEvidence:
    changes = side.evidence["changes"]
    if changes.empty:
        return side
    return RunEvidence(side.run, Evidence({**side.evidence.tables, "changes": described(changes, config.areas)}))


def _told_apart(before: RunEvidence, reference: str, candidate: str) -> RunEvidence:
    """Return the baseline under an id of its own, where equal files in two places can be two runs.

    A scan that finds the same again writes the same file, and so do tests that run the same lines. Two test runs or
    two measurements never agree to the byte: there, one file was copied.
    """
    places = [existing(side) for side in (reference, candidate)]
    files = places[0] is not None and places[1] is not None and not places[0].samefile(places[1])
    if files and set(before.evidence["sources"]["kind"]) <= {"scan", "coverage"}:
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


def _of_sides(before: RunEvidence | None, after: RunEvidence, names: Sequence[str]) -> Evidence:
    sides = [side.evidence for side in (before, after) if side is not None]
    return Evidence({name: pd.concat([side[name] for side in sides], ignore_index=True) for name in names})


def _sketches(
    store: Store | None, runs: pd.DataFrame, drawn: Evidence, sides: Sides, tables: Sequence[str]
) -> dict[str, pd.DataFrame]:
    if store is None or "samples" not in tables:
        return {}
    both = [side.evidence["samples"]["metric"] for side in (sides.baseline, sides.candidate) if side is not None]
    metrics = sorted({metric for column in both for metric in column.unique() if is_time(metric)})
    found = {metric: sketches_of(store, runs, drawn["samples"], metric) for metric in metrics}
    return {metric: frame for metric, frame in found.items() if frame is not None}


def _label(side: RunEvidence) -> str | None:
    label = side.run["label"]
    return label if isinstance(label, str) and label.isprintable() and not label.startswith("-") else None
