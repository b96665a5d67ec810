"""The stability report: one method for each section of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from stabkit.analyze import Gate
from stabkit.case import Case, load_case
from stabkit.config import Config
from stabkit.report.arguments import store_by_name
from stabkit.report.display import Piece, Verdict
from stabkit.report.sections import change, compliance, method, metrics, overall, service, tests, times

__all__ = ["StabilityReport", "stability_report"]

_DRAWN: Final = ("samples", "tests", "scans", "findings")


@store_by_name("baseline", "candidate")
def stability_report(
    baseline: str | None = None,
    candidate: str = "latest",
    *,
    data: str | Path | None = None,
    config: str | Path | Config | None = None,
) -> StabilityReport:
    """Compare two runs and return the report, section by section.

    Parameters
    ----------
    baseline : str, optional
        A run (label, run id or unique prefix, ``latest~1``) or a folder of evidence files. None or empty: the run
        before the candidate in the same environment; without one, this is the first run and nothing is compared.
    candidate : str
        A run or a folder.
    data : str or Path, optional
        The store. None or empty: the one that ``stabkit.toml`` names, the given one or the nearest from the working
        folder upwards; without one, ``data``. Not needed if both sides are folders.
    config : str, Path or Config, optional
        A ``stabkit.toml``. None or empty: the nearest one to the given data folder, then to the working folder; without
        any, the conditions follow from the evidence.

    Returns
    -------
    StabilityReport
        ``report.verdict()`` and one method per section; each returns a display object that shows itself.

    Raises
    ------
    UnknownRunError
        No run and no folder answers to a reference; names the nearest.
    UsageError
        Both references name the same run, or the store is not given by name.
    StoreError, ConfigError, EvidenceError
        The store, the configuration or a folder cannot be used.

    Examples
    --------
    >>> stability_report("v1.4", "v1.5", data="data/sample")
    StabilityReport(stable, 15 conditions)
    """
    return StabilityReport(load_case(baseline, candidate, data=data, config=config, history=_DRAWN))


class StabilityReport:
    """A comparison of two runs, shown section by section.

    A section without evidence says so and names the command that fills it; none is ever left out.

    Attributes
    ----------
    case : Case
        The two runs with their evidence and history.
    gate : Gate
        The verdict with every condition.
    """

    def __init__(self, case: Case) -> None:
        self.case = case

    def __repr__(self) -> str:
        return f"StabilityReport({self.gate.verdict}, {len(self.gate.conditions)} conditions)"

    @property
    def gate(self) -> Gate:
        """The verdict with every condition."""
        return self.case.gate

    def verdict(self) -> Verdict:
        """Return the verdict, its reasons in order of weight, and the facts strip."""
        return overall.verdict(self.case)

    def executive_summary(self) -> Piece:
        """Return verdict, largest change and largest doubt, a sentence each."""
        return overall.executive_summary(self.case)

    def key_metrics(self) -> Piece:
        """Return the judged metrics, those not stable first."""
        return metrics.key_metrics(self.case)

    def availability(self) -> Piece:
        """Return success rates and checks of the HTTP targets."""
        return service.availability(self.case)

    def websocket(self) -> Piece:
        """Return handshakes, times and event checks of the WebSocket targets."""
        return service.websocket(self.case)

    def compliance(self) -> Piece:
        """Return findings by state, new ones by place, and claimed scores against formulas."""
        return compliance.compliance(self.case)

    def change_impact(self) -> Piece:
        """Return what changed, and which regressions coincide with it."""
        return change.change_impact(self.case)

    def test_results(self) -> Piece:
        """Return what became of the tests, suite by suite."""
        return tests.results(self.case)

    def response_times(self) -> Piece:
        """Return where response times moved, their tail, and their history."""
        return times.response_times(self.case)

    def business_value(self) -> Piece:
        """Return the journeys and what guards them."""
        return overall.business_value(self.case)

    def risks(self) -> Piece:
        """Return conditions that are not stable, and risky changes."""
        return change.risks(self.case)

    def resources(self) -> Piece:
        """Return CPU, memory, and what the prober itself adds."""
        return service.resources(self.case)

    def readiness(self) -> Piece:
        """Return the checklist: yes, no, not checked; manual lines are never ticked."""
        return change.readiness(self.case)

    def recommendations(self) -> Piece:
        """Return what to do now and later, each with its cause."""
        return overall.recommendations(self.case)

    def conclusion(self) -> Piece:
        """Return the verdict, and what this report cannot know."""
        return overall.conclusion(self.case)

    def evidence_and_method(self) -> Piece:
        """Return sources with hashes, runs, versions, configuration, statistics, and the command to reproduce."""
        return method.evidence_and_method(self.case)
