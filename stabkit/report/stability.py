"""The stability report: one method for each section of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.analyze import Gate
from stabkit.case import Case, load_case
from stabkit.config import Config
from stabkit.report.arguments import store_by_name
from stabkit.report.frames import condition_rows
from stabkit.report.of_case import of_case
from stabkit.report.sections import change, compliance, method, metrics, overall, service, tests, times
from stabkit.report.words import as_json

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
    StabilityReport(stable, 14 conditions)
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

    def to_frame(self) -> pd.DataFrame:
        """Return what was judged, a row for each estimate, and one for each condition that estimates nothing.

        Returns
        -------
        DataFrame
            ``condition``, ``kind``, ``target``, ``metric``, ``gating``, ``judged`` (the condition's outcome), and of
            each estimate ``quantity``, ``unit``, ``scale``, ``baseline``, ``candidate``, ``change``, ``low``, ``high``,
            ``margin``, ``outcome``, ``p_worse``, ``n_baseline``, ``n_candidate``, ``rounds``, ``method``; in order of
            weight.

        Examples
        --------
        >>> frame = stability_report("v1.4", "v1.5", data="data/sample").to_frame()
        >>> sorted(set(frame["kind"]))[:3]
        ['checks', 'error_rate', 'findings']
        """
        return condition_rows(self.gate.conditions)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict with every condition as plain JSON values, as ``stabkit gate --format json`` has them."""
        found: dict[str, Any] = as_json(self.gate)
        return found

    def __repr__(self) -> str:
        return f"StabilityReport({self.gate.verdict}, {len(self.gate.conditions)} conditions)"

    @property
    def gate(self) -> Gate:
        """The verdict with every condition."""
        return self.case.gate

    verdict = of_case(overall.verdict)
    executive_summary = of_case(overall.executive_summary)
    key_metrics = of_case(metrics.key_metrics)
    availability = of_case(service.availability)
    websocket = of_case(service.websocket)
    compliance = of_case(compliance.compliance)
    change_impact = of_case(change.change_impact)
    test_results = of_case(tests.results)
    response_times = of_case(times.response_times)
    business_value = of_case(overall.business_value)
    risks = of_case(change.risks)
    resources = of_case(service.resources)
    readiness = of_case(change.readiness)
    recommendations = of_case(overall.recommendations)
    conclusion = of_case(overall.conclusion)
    evidence_and_method = of_case(method.evidence_and_method)
