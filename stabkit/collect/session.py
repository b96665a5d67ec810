"""One collection: everything that the configuration declares, both sides interleaved, as evidence by side."""

from __future__ import annotations

import json
import logging
import math
import platform
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from stabkit.analyze.tests import failing_tests
from stabkit.change import Git, collect_changes, repository_state
from stabkit.collect.addresses import same_addresses
from stabkit.collect.base_tests import run_base_tests
from stabkit.collect.readings import query_range
from stabkit.collect.suites import read_coverage, run_scan, run_suite
from stabkit.collect.windows import Deploy, query_windows
from stabkit.config import Config
from stabkit.errors import EvidenceError, StabkitError, UsageError, nearest
from stabkit.installation import package_version
from stabkit.probe import (
    Interrupted,
    Machine,
    Probe,
    Progress,
    TimeLimit,
    calibrate,
    check_limits,
    declared_probes,
    run_rounds,
)
from stabkit.probe.http import measure_floor
from stabkit.read import read_paths
from stabkit.runs import aa_label, check_label, new_run
from stabkit.schema import Evidence
from stabkit.sources import Fault, fault_code, named, source_evidence

__all__ = ["Collection", "Stop", "baseline_state", "collect", "collect_aa"]

_LOG: Final = logging.getLogger(__name__)
_KINDS: Final = ("http", "websocket", "resources", "prometheus", "tests", "scans", "coverage", "records", "changes")
_TOOLS: Final = ("httpx", "h2", "websockets", "psutil", "pytest", "ruff")

Part = tuple[str, str, Callable[[], Evidence]]
Stop = Callable[[int, Callable[[], Mapping[str, Evidence]]], bool]
"""Asked before each round, with the number of complete rounds and how to get the evidence so far; true ends them."""


@dataclass(frozen=True)
class Collection:
    """What one collection gave.

    Attributes
    ----------
    runs : mapping
        Side (``candidate``, and ``baseline`` if asked for) -> its runs row.
    evidence : mapping
        Side -> its evidence.
    interrupted : bool
        True if Ctrl-C ended it early; what there was by then is in it.
    """

    runs: Mapping[str, Mapping[str, Any]]
    evidence: Mapping[str, Evidence]
    interrupted: bool


def collect(
    config: Config,
    *,
    label: str | None = None,
    baseline_label: str | None = None,
    rounds: int | None = None,
    only: Sequence[str] = (),
    base: str | None = None,
    known_failures: Mapping[str, Iterable[str]] | None = None,
    deploy: Deploy | None = None,
    stop: Stop | None = None,
    progress: Progress | None = None,
) -> Collection:
    """Gather all evidence that the configuration declares.

    Parameters
    ----------
    config : Config
        What to collect.
    label : str, optional
        Of the candidate; by default what ``git describe`` says, else the short commit, else the time.
    baseline_label : str, optional
        Also collect the baseline, of every target that declares one, in rounds interleaved with the candidate's.
    rounds : int, optional
        The configured number if None.
    only : sequence of str
        Kinds (``http``, ``tests``, ...) or configured names; all if empty.
    base : str, optional
        Commit that the changes are counted from; the configured one if None. Without either, changes are not
        collected: missing evidence.
    known_failures : mapping, optional
        Suite -> ids of the tests that failed in the baseline already; they are not rerun to confirm a break.
    deploy : Deploy, optional
        When the candidate went live: what Prometheus knows of the windows around it is asked for. Without it that
        is not.
    stop : Stop, optional
        Ends the rounds early.
    progress : Progress, optional
        Told how far it is.

    Returns
    -------
    Collection
        A part that fails is a source with status ``error``, and its run is not ``complete``; the others go on.

    Raises
    ------
    UsageError
        An unknown name in ``only``, equal labels, the label of an A/A run, a baseline where no target declares one, or
        a deploy without a window, without a baseline, or whose window is not over.
    ConfigError
        More is asked of a target than the limits allow.
    """
    for given in (label, baseline_label):
        check_label(given)
    chosen = _chosen(config, only)
    _check_deploy(config, chosen, deploy, baseline_label, datetime.now(UTC))
    sides = {"candidate": declared_probes(config, chosen, baseline=False)}
    started, machine = datetime.now(UTC), Machine.here()
    repository = config.path(config.changes.repository) if config.changes else config.root.resolve()
    commit, branch = repository_state(repository)
    label = label or _describe(repository, commit) or f"{started:%Y-%m-%dT%H:%M:%SZ}"
    if baseline_label is not None:
        # The baseline's block is declared first, so that "latest" is the candidate.
        sides = {"baseline": declared_probes(config, chosen, baseline=True), **sides}
        windows = _windows(config, chosen) if deploy is not None else ()
        _check_baseline([*sides["baseline"], *_baseline_parts(config, chosen), *windows], label, baseline_label)
    check_limits(config, chosen, rounds=rounds or config.collect.rounds, sides=len(sides), ends_early=stop is not None)
    same = same_addresses(config, chosen) if len(sides) > 1 else Evidence()
    evidence, interrupted = _measure(config, sides, rounds, progress=progress, stop=stop)
    evidence = {side: found.merge(same) for side, found in evidence.items()}
    if not interrupted:
        around = _around(config, deploy)
        for side in evidence:
            queries = _queries(config, chosen, side, started, around)
            evidence[side], interrupted = _run_parts(queries, evidence[side], progress)
    known, sources = known_failures or {}, {"candidate": (commit, branch)}
    if not interrupted and "baseline" in sides:
        sources["baseline"] = baseline_state(config)
        base = (sources["baseline"][0] if config.changes and config.changes.base is None else None) or base
        evidence["baseline"], interrupted = _run_parts(_baseline_parts(config, chosen), evidence["baseline"], progress)
        known = {**known, **failing_tests(evidence["baseline"]["tests"], tried=True)}
    if not interrupted:
        parts = _parts(config, chosen, base, known)
        evidence["candidate"], interrupted = _run_parts(parts, evidence["candidate"], progress)
    measured = None if not any(sides.values()) else machine
    floor = None if interrupted or measured is None else _floor()
    shared = _shared(config, together=len(sides) > 1, floor=floor, machine=measured)
    runs = {}
    for number, side in enumerate(sides):
        at, on = sources.get(side, (None, None))
        runs[side] = new_run(
            label=label if side == "candidate" else baseline_label,
            # A microsecond apart: the candidate is the later run.
            started_at=started + timedelta(microseconds=number),
            complete=not interrupted and not evidence[side].failed,
            commit=at,
            branch=on,
            deployed_at=deploy.at if deploy is not None and side == "candidate" else None,
            **shared,
        )
    return Collection(runs, evidence, interrupted)


def _shared(config: Config, *, together: bool, floor: float | None, machine: Machine | None) -> dict[str, Any]:
    """Return what the runs of both sides have in common."""
    return {
        "project": config.project.name,
        "environment": config.project.environment,
        "config_sha256": config.sha256,
        "versions": _versions(),
        "floor_ms": floor,
        "machine": None if machine is None else machine.to_json(),
        "calibration_ms": None if machine is None else calibrate(),
        "collection_id": secrets.token_hex(8) if together else None,
        "finished_at": datetime.now(UTC),
    }


def collect_aa(
    config: Config,
    *,
    repeats: int,
    rounds: int | None = None,
    only: Sequence[str] = (),
    progress: Progress | None = None,
) -> Iterator[Collection]:
    """Probe each declared target against itself and yield pair after pair.

    Parameters
    ----------
    config : Config
        Its HTTP and WebSocket targets; the candidate's ``url`` stands on both sides.
    repeats : int
        How many pairs, at least 1.
    rounds : int, optional
        Interleaved rounds of each pair; the configured number if None.
    only : sequence of str
        Kinds or configured names; all if empty.
    progress : Progress, optional
        Told how far each pair is.

    Yields
    ------
    Collection
        Two runs labelled ``aa/<sitting>/<number>a`` and ``...b``, complete and stored by the caller before the next
        pair is measured. After an interrupt the pair it fell into is the last one.

    Raises
    ------
    UsageError
        Nothing to probe is chosen, or fewer than one pair is asked for.
    """
    if repeats < 1:
        raise UsageError(f"{repeats} pairs show nothing.", where="repeats", hint="Ask for at least one.")
    chosen = _chosen(config, only)
    if not declared_probes(config, chosen, baseline=False, resources=False):
        raise UsageError(
            "There is no HTTP or WebSocket target to compare with itself.",
            where="--only" if only else "configuration",
            hint="Declare one as [http.<name>] or [websocket.<name>].",
        )
    check_limits(config, chosen, rounds=rounds or config.collect.rounds, sides=2, ends_early=False)
    floor = _floor()
    sitting = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    commit, branch = repository_state(config.path(config.changes.repository) if config.changes else config.root)
    for number in range(1, repeats + 1):
        started, machine = datetime.now(UTC), Machine.here()
        sides = {side: declared_probes(config, chosen, baseline=False, resources=False) for side in ("a", "b")}
        # Another seed for each pair: one order drawn again and again would favour a side.
        evidence, interrupted = _measure(config, sides, rounds, seed=config.collect.seed + number, progress=progress)
        shared = _shared(config, together=True, floor=floor, machine=machine) | {"commit": commit, "branch": branch}
        runs = {
            side: new_run(
                label=aa_label(sitting, number, side),
                started_at=started + timedelta(microseconds=place),
                complete=not interrupted and not evidence[side].failed,
                **shared,
            )
            for place, side in enumerate(sides)
        }
        yield Collection(runs, evidence, interrupted)
        if interrupted:
            return


def _chosen(config: Config, only: Sequence[str]) -> Callable[[str, str], bool]:
    declared = (config.http, config.websocket, config.resources, config.prometheus, config.tests, config.scans)
    names = {name for kind in declared for name in kind}
    known = sorted({*names, *_KINDS})
    for name in only:
        if name not in known:
            guess = nearest(name, known)
            hint = f"Did you mean {guess!r}?" if guess else f"Known: {', '.join(known)}."
            raise UsageError(f"Nothing called {name!r} is declared.", where="--only", hint=hint)
    return lambda kind, name: not only or kind in only or name in only


def _check_baseline(declared: Sequence[object], label: str, baseline_label: str) -> None:
    if not declared:
        raise UsageError(
            "No chosen target, suite or scan declares where its baseline is.",
            where="baseline",
            hint="Give targets a baseline_url and suites and scans a baseline_directory, or collect the baseline as a "
            "run of its own, before the change.",
        )
    if label == baseline_label:
        raise UsageError(f"Both sides are called {label!r}.", where="label", hint="Give them different labels.")


def _measure(
    config: Config,
    sides: Mapping[str, Sequence[Probe]],
    rounds: int | None,
    *,
    seed: int | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> tuple[dict[str, Evidence], bool]:
    if not any(sides.values()):
        return {side: Evidence() for side in sides}, False
    wanted = config.collect.rounds if rounds is None else rounds
    drawn = config.collect.seed if seed is None else seed
    asked = None if stop is None else _RoundCount(stop, sides)
    limit = TimeLimit(config.collect)
    try:
        evidence = run_rounds(
            sides,
            rounds=wanted,
            seed=drawn,
            progress=progress,
            stop=lambda: limit() or (asked is not None and asked()),
        )
    except Interrupted as interrupt:
        return dict(interrupt.evidence), True
    if limit.reached:
        # Fewer rounds than planned, because the target is slow: that must not pass for a complete collection.
        words = f"the rounds ended after {config.collect.max_minutes:g} minutes: collect.max_minutes"
        _LOG.warning("%s%s.", words[:1].upper(), words[1:])
        kind = "http" if config.http else "websocket"
        note = source_evidence({}, kind=kind, path="collect.max_minutes", status="partial", messages=[words])
        evidence = {side: found.merge(note) for side, found in evidence.items()}
    return evidence, False


class _RoundCount:
    """What ``run_rounds`` asks before each round: how many there are, and what they gave, is passed on."""

    def __init__(self, stop: Stop, sides: Mapping[str, Sequence[Probe]]) -> None:
        self._stop = stop
        self._sides = sides
        self._complete = -1

    def __call__(self) -> bool:
        self._complete += 1
        return self._stop(self._complete, self._evidence)

    def _evidence(self) -> dict[str, Evidence]:
        return {side: Evidence().merge(*(probe.evidence() for probe in probes)) for side, probes in self._sides.items()}


def _windows(config: Config, chosen: Callable[[str, str], bool]) -> tuple[str, ...]:
    """Return the chosen Prometheus sources that look at windows around a deploy."""
    known = (name for name, source in config.prometheus.items() if source.window is not None)
    return tuple(name for name in known if chosen("prometheus", name))


def _check_deploy(
    config: Config,
    chosen: Callable[[str, str], bool],
    deploy: Deploy | None,
    baseline_label: str | None,
    now: datetime,
) -> None:
    names = _windows(config, chosen)
    if deploy is None:
        return
    if not names:
        raise UsageError(
            "No chosen Prometheus source looks at the time around a deploy.",
            where="--deployed-at",
            hint='Give one a window, such as window = "30m".',
        )
    if baseline_label is None:
        raise UsageError(
            "The windows before and after a deploy are two runs, of two versions.",
            where="--deployed-at",
            hint="Name the version before with --baseline-label.",
        )
    left = max(deploy.over(config.prometheus[name]) for name in names) - now
    if left > timedelta():
        raise UsageError(
            f"The window after the deploy is over in {math.ceil(left.total_seconds() / 60)} min.",
            where="--deployed-at",
            hint="Collect then, or make window shorter.",
        )


def _around(config: Config, deploy: Deploy | None) -> Callable[[str, str], Evidence] | None:
    """Return what asks for the windows of a source, both sides at once, and gives those of one side."""
    if deploy is None:
        return None
    found: dict[str, Mapping[Any, Evidence]] = {}

    def ask(name: str, side: str) -> Evidence:
        if name not in found:
            found[name] = query_windows(name, config.prometheus[name], deploy, root=config.root.resolve())
        return found[name][side]

    return ask


def _queries(
    config: Config,
    chosen: Callable[[str, str], bool],
    side: str,
    started: datetime,
    around: Callable[[str, str], Evidence] | None,
) -> Iterator[Part]:
    """Yield what is asked of Prometheus for one side: its readings since the collection began, or around a deploy."""
    for name, source in config.prometheus.items():
        if source.window is not None:
            if around is not None and chosen("prometheus", name):
                yield "resources", name, partial(around, name, side)
            continue
        query = source.query if side == "candidate" else source.baseline_query
        if query is not None and chosen("prometheus", name):
            yield (
                "resources",
                name,
                partial(
                    query_range,
                    name,
                    source,
                    query=query,
                    start=started,
                    end=datetime.now(UTC),
                    root=config.root.resolve(),
                ),
            )


def baseline_state(config: Config) -> tuple[str | None, str | None]:
    """Return commit and branch of the baseline's own source; each None if no ``baseline_directory`` is a checkout.

    A folder that merely lies in the repository of the candidate says nothing of the baseline.
    """
    for folder in config.baseline_directories.values():
        try:
            top = Git(folder).read("rev-parse", "--show-toplevel").decode("utf-8", "surrogateescape").rstrip("\n")
        except (EvidenceError, UsageError):
            continue
        if not config.root.resolve().is_relative_to(top):
            return repository_state(folder)
    return None, None


def _baseline_parts(config: Config, chosen: Callable[[str, str], bool]) -> Iterator[Part]:
    """Yield the suites, scans and coverage reports of the baseline's own source."""
    root = config.root.resolve()
    for name, suite in config.tests.items():
        if suite.baseline_directory is not None and chosen("tests", name):
            own = suite.model_copy(update={"directory": suite.baseline_directory})
            yield "tests", name, partial(run_suite, name, own, root=root)
    for name, scan in config.scans.items():
        if scan.baseline_directory is not None and chosen("scans", name):
            there = scan.model_copy(update={"directory": scan.baseline_directory})
            yield "scan", name, partial(run_scan, name, there, root=root)
    for name, report in config.coverage.items():
        if report.baseline_directory is not None and chosen("coverage", name):
            beside = report.model_copy(update={"directory": report.baseline_directory})
            yield "coverage", name, partial(read_coverage, name, beside, root=root)


def _parts(
    config: Config,
    chosen: Callable[[str, str], bool],
    base: str | None,
    known_failures: Mapping[str, Iterable[str]],
) -> Iterator[Part]:
    root = config.root.resolve()
    for name, suite in config.tests.items():
        if chosen("tests", name):
            known = tuple(known_failures.get(name, ()))
            yield "tests", name, partial(run_suite, name, suite, root=root, known_failures=known)
    for name, scan in config.scans.items():
        if chosen("scans", name):
            yield "scan", name, lambda name=name, scan=scan: run_scan(name, scan, root=root)  # type: ignore[misc]
    for name, report in config.coverage.items():
        if chosen("coverage", name):
            yield "coverage", name, partial(read_coverage, name, report, root=root)
    if config.records and chosen("records", "records"):
        files = [str(root / record) for record in config.records]
        yield "records", "records", lambda: read_paths(files, root=root)
    changes = config.changes
    start = base or (changes.base if changes else None)
    if start and chosen("changes", "changes"):
        repository = config.path(changes.repository) if changes else root
        head = changes.head if changes else "HEAD"
        yield (
            "changes",
            "changes",
            lambda: collect_changes(
                repository, start, head, areas=config.areas, packages=changes.packages if changes else ()
            ),
        )
        asked = changes.base_tests if changes else None
        if asked is not None and asked in config.tests:
            known = tuple(known_failures.get(asked, ()))
            yield (
                "changes",
                asked,
                partial(
                    run_base_tests,
                    asked,
                    config.tests[asked],
                    repository=repository,
                    base=start,
                    head=head,
                    root=root,
                    known_failures=known,
                ),
            )


def _run_parts(parts: Iterator[Part], evidence: Evidence, progress: Progress | None) -> tuple[Evidence, bool]:
    found = [evidence]
    try:
        for kind, name, run in parts:
            if progress is not None:
                progress.start(name, 1)
            try:
                found.append(run())
            except (StabkitError, OSError) as error:
                _LOG.warning("%s %s: %s", kind, name, error)
                why = Fault(str(error), fault_code(error))
                fault = source_evidence({}, kind=kind, path=name, status="error", messages=[why])
                found.append(named(fault, name) if kind in ("tests", "scan", "coverage", "resources") else fault)
            finally:
                if progress is not None:
                    progress.advance()
                    progress.finish()
    except KeyboardInterrupt:
        return Evidence().merge(*found), True
    return Evidence().merge(*found), False


def _describe(repository: Path, commit: str | None) -> str | None:
    if commit is None:
        return None
    try:
        described = Git(repository).read("describe", "--tags", "--always", "HEAD").decode("utf-8", "replace").strip()
    except (EvidenceError, UsageError):
        return commit[:12]
    return described or commit[:12]


def _versions() -> str:
    found = {"python": platform.python_version(), "stabkit": package_version()}
    for name in _TOOLS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return json.dumps(found, sort_keys=True)


def _floor() -> float | None:
    try:
        return measure_floor()
    except EvidenceError as error:
        _LOG.warning("The prober's own floor is unknown: %s", error)
        return None
