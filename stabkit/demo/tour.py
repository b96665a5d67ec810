"""The whole way once, on this machine and offline: service, evidence, store, verdict, pages."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stabkit.collect import Collection, collect
from stabkit.config import Config, load_config
from stabkit.demo.certificates import write_certificates
from stabkit.demo.processes import RunningService, busy_machine, running_service
from stabkit.demo.repository import BASELINE_LABEL, CANDIDATE_LABEL, build_versions
from stabkit.demo.scenarios import find_scenario
from stabkit.errors import StabkitError, UsageError
from stabkit.pipeline import Job, ReportFiles, from_here, make_reports, sample_folder
from stabkit.probe import Progress
from stabkit.report.display import Reason, badge
from stabkit.report.index import write_index
from stabkit.store import Store, open_store

__all__ = ["Walk", "collect_versions", "lacks_rounds", "project_text", "store_versions", "walk", "write_config"]

_MARK: Final = ".stabkit-demo"


@dataclass(frozen=True)
class Walk:
    """What the demo made.

    Attributes
    ----------
    exit_code : int
        That of the verdict: 0, 1 or 3; 2 if a page could not be made.
    summary : str
        The verdict in words, and where the pages are.
    decide : str or None
        The command that measures what the verdict lacks.
    rounds_decide : bool
        More rounds are what it lacks, of a condition at least.
    takes : str or None
        How long the command takes, in words; None if that is not known.
    """

    exit_code: int
    index: Path
    summary: str
    decide: str | None = None
    rounds_decide: bool = False
    takes: str | None = None


def walk(
    scenario_name: str,
    output: Path,
    *,
    rounds: int = 13,
    note: Callable[[str], None] = lambda _text: None,
    progress: Progress | None = None,
) -> Walk:
    """Build both versions, run them, collect, store, judge, and write all pages.

    Parameters
    ----------
    scenario_name : str
        A key of ``SCENARIOS``: what the candidate really does differently.
    output : Path
        Folder for the pages; the work itself lies in its subfolder ``demo``.

    Raises
    ------
    UsageError
        No such scenario, or ``output/demo`` holds something that the demo did not write.
    """
    scenario = find_scenario(scenario_name)
    folder = _fresh_folder(Path(os.path.realpath(output / "demo")))  # the services work in folders of their own
    note(f"scenario {scenario.name}: {scenario.summary}")
    versions = build_versions(folder, scenario)
    certificates = write_certificates(folder / "tls")
    with ExitStack() as stack:
        baseline = stack.enter_context(running_service(versions.baseline, certificates))
        candidate = stack.enter_context(running_service(versions.candidate, certificates))
        config = write_config(folder, baseline, candidate, rounds=rounds, again=_again(scenario.name, output))
        note(f"both versions are up: probing them in {rounds} interleaved rounds, then testing and scanning both")
        stack.enter_context(busy_machine(scenario.busy_processes))
        collected = collect_versions(config, progress)
    store_versions(open_store(config.data, create=True), collected, versions.baseline_commit, versions.candidate_commit)
    if collected.interrupted:
        raise KeyboardInterrupt
    note("writing the pages")
    jobs = _jobs(folder, config)
    if progress is not None:
        progress.start("pages", len(jobs))
    made = make_reports(jobs, output, done=lambda *_: progress.advance() if progress is not None else None)
    if progress is not None:
        progress.finish()
    index, _, _ = write_index(output)
    return _finish(made, index)


def _fresh_folder(folder: Path) -> Path:
    if folder.exists() and not (folder / _MARK).is_file():
        raise UsageError(
            "This folder exists and was not written by the demo.",
            where=str(folder),
            hint="Name another folder with --output.",
        )
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / _MARK).touch()
    except OSError as error:
        raise UsageError(
            f"The folder cannot be written: {error.strerror or error}.",
            where=str(folder),
            hint="Name another folder with --output.",
        ) from error
    return folder


def _again(scenario: str, output: Path) -> tuple[str, ...]:
    """Return the command that measures the same again; both services have ended by the time anyone reads of it."""
    words = ["stabkit", "demo", "--rounds", "{rounds}"]
    words += ["--scenario", scenario] if scenario != "stable" else []
    return (*words, *(["--output", str(output)] if output != Path("reports") else []))


def write_config(
    folder: Path, baseline: RunningService, candidate: RunningService, *, rounds: int, again: tuple[str, ...] = ()
) -> Config:
    """Write the demo's ``stabkit.toml`` for two running versions, and load it."""
    path = folder / "stabkit.toml"
    text = project_text(baseline, candidate, rounds=rounds, python=sys.executable, again=again)
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def project_text(
    baseline: RunningService,
    candidate: RunningService,
    *,
    rounds: int,
    python: str,
    data: str = "data",
    again: tuple[str, ...] = (),
) -> str:
    """Return the demo's configuration as TOML, with the addresses of two versions."""
    template = (Path(__file__).parent / "project.toml").read_text(encoding="utf-8")
    return template.format(
        rounds=rounds,
        again=json.dumps(again),  # a TOML list of strings is written alike
        data=data,
        baseline=baseline.url(""),
        candidate=candidate.url(""),
        baseline_socket=baseline.url("", "wss"),
        candidate_socket=candidate.url("", "wss"),
        baseline_pid=baseline.pid,
        candidate_pid=candidate.pid,
        python=python,
    )


def collect_versions(config: Config, progress: Progress | None = None) -> Collection:
    """Gather all evidence of both versions."""
    return collect(config, label=CANDIDATE_LABEL, baseline_label=BASELINE_LABEL, progress=progress)


def store_versions(store: Store, collected: Collection, baseline_commit: str, candidate_commit: str) -> None:
    """Store both runs, the baseline first, each with the commit of its source."""
    for side, commit in (("baseline", baseline_commit), ("candidate", candidate_commit)):
        store.append({**collected.runs[side], "commit": commit, "branch": "main"}, collected.evidence[side])


def _jobs(folder: Path, config: Config) -> list[Job]:
    change = {
        "data": from_here(config.data),
        "config": from_here(folder / "stabkit.toml"),
        "baseline": BASELINE_LABEL,
        "candidate": CANDIDATE_LABEL,
    }
    # Two runs are no history: the trends are shown on the recorded one.
    sample = {"data": from_here(sample_folder())}
    return [
        Job("stability_report", change),
        Job("latency_deltas", change),
        Job("change_impact", change),
        Job("test_trends", sample, about=_OF_THE_SAMPLE),
        Job("compliance_history", sample, about=_OF_THE_SAMPLE),
    ]


_OF_THE_SAMPLE: Final = "the recorded sample, not the runs of this demo"


def _finish(made: list[ReportFiles | StabkitError], index: Path) -> Walk:
    for entry in made:
        if isinstance(entry, StabkitError):
            raise entry
        if entry.failure is not None:
            raise entry.failure
    report = made[0]
    assert not isinstance(report, StabkitError)
    summary = report.result["summary"]
    lines = [report.title, f"{badge(summary['word'])[0]} {summary['word'].upper()}  {summary['sentence']}"]
    lines += [f"  {Reason(**{**reason, 'command': None})}" for reason in summary["reasons"]]
    told = "\n".join([*lines, f"Pages: {index}"])
    return Walk(report.exit_code, index, told, summary["decide"], lacks_rounds(summary), summary["takes"])


def lacks_rounds(summary: Mapping[str, Any]) -> bool:
    """Say whether more rounds would decide one of the conditions that are open, by what weighs most in it.

    Parameters
    ----------
    summary : mapping
        Of a report's JSON result.

    Examples
    --------
    >>> need = {"unit": "reruns", "decidable_margin": None}
    >>> lacks_rounds({"gate": {"conditions": [{"outcome": "inconclusive", "needs": [need]}]}})
    False
    """
    open_ = [
        one["needs"][0] for one in summary["gate"]["conditions"] if one["outcome"] == "inconclusive" and one["needs"]
    ]
    return any(need["unit"] in ("rounds", "samples") and need["decidable_margin"] is None for need in open_)
