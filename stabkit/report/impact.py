"""Change impact: what changed between two states, how risky each file is, and what was checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from stabkit.analyze.change import ChangeRisk, Line
from stabkit.case import Case, case_of_range, load_case
from stabkit.config import Config
from stabkit.errors import UsageError
from stabkit.report.arguments import store_by_name
from stabkit.report.display import Piece, Statement
from stabkit.report.impact_document import impact_document
from stabkit.report.of_case import of_case
from stabkit.report.sections import case_subject, change, overall
from stabkit.report.words import sentence
from stabkit.schema import Evidence

__all__ = ["ChangeImpact", "change_impact"]


@store_by_name("baseline", "candidate")
def change_impact(
    baseline: str | None = None,
    candidate: str = "latest",
    *,
    data: str | Path | None = None,
    config: str | Path | Config | None = None,
    repository: str | Path | None = None,
    base: str | None = None,
    head: str = "HEAD",
) -> ChangeImpact:
    """Return the impact of a change: as recorded with a run, or of a git range read now.

    Parameters
    ----------
    baseline, candidate : str
        Runs or folders; the changes are those recorded with the candidate.
    data, config : optional
        Store and configuration, as :func:`stabkit.report.stability.stability_report` takes them; the store is not
        needed with ``repository``.
    repository : str or Path, optional
        A git repository. Then ``base`` and ``head`` say the range, and no run is needed.
    base, head : str
        Commits, branches or tags.

    Raises
    ------
    UsageError
        ``repository`` without ``base``, ``base`` without ``repository``, or no such commit. Or the store is not
        given by name.
    UnknownRunError, StoreError, ConfigError
        As :func:`stabkit.report.stability.stability_report`.

    Examples
    --------
    >>> len(change_impact("v1.4", "v1.5", data="data/sample").case.after["changes"])
    4
    """
    if bool(repository) != bool(base):
        missing = "base" if repository else "repository"
        raise UsageError(
            f"{missing!r} is missing.", where="change_impact", hint="A git range needs both repository and base."
        )
    if not repository or not base:
        return ChangeImpact(load_case(baseline, candidate, data=data, config=config))
    return ChangeImpact(case_of_range(repository, base, head, config=config), repository=str(repository))


class ChangeImpact:
    """What changed, and what was checked of it.

    Attributes
    ----------
    case : Case
        The candidate holds the changes.
    repository : str or None
        Where a git range was read just now: nothing was measured of it. None for what a run recorded.
    """

    def __init__(self, case: Case, *, repository: str | None = None) -> None:
        self.case = case
        self.repository = repository

    @property
    def of_range(self) -> bool:
        """True of a git range that was read just now."""
        return self.repository is not None

    @property
    def _elsewhere(self) -> str | None:
        """The repository, if it is not the folder that commands are typed in."""
        return None if self.repository in (None, ".") else self.repository

    @property
    def evidence(self) -> Evidence:
        """The evidence that holds the changes."""
        return self.case.after

    def headline(self) -> Piece:
        """Return how much changed, how risky it is and why, and what it takes away."""
        told = self._changed(change.headline)
        if not isinstance(told, Statement) or self.of_range:
            return told
        return replace(told, subject=case_subject(self.case))

    def files(self) -> Piece:
        """Return the changed files, the riskiest first."""
        return self._changed(lambda case: change.change_table(change.assess(case), "Changed files, the riskiest first"))

    def areas(self) -> Piece:
        """Return what got worse beside what changed, and the areas of the change."""
        return self._changed(change.areas)

    def _changed(self, shown: Callable[[Case], Piece]) -> Piece:
        return change.no_change(self.case) if self.evidence["changes"].empty else shown(self.case)

    def missing(self) -> Piece:
        """Return the commits of the baseline that the candidate lacks."""
        told = change.missing_statement(self.case)
        whole = "The candidate holds every commit of the baseline."
        return told if told is not None else Statement((whole,), quiet=True)

    def risks(self) -> Piece:
        """Return the risks of the change, and of what was measured of it; the gravest first."""
        return change.file_risks(self.case) if self.of_range else change.risks(self.case)

    def checklist(self) -> Piece:
        """Return whether the change is ready; of a git range alone, what it itself is asked for."""
        return change.change_checklist(self.case) if self.of_range else change.readiness(self.case)

    def recommendations(self) -> Piece:
        """Return what to do; of a git range alone, what the change itself asks for."""
        return self.steps() if self.of_range else overall.recommendations(self.case)

    lines = of_case(change.change_checklist)

    def items(self) -> Piece:
        """Return what the change does, item by item, the gravest first."""
        told = change.item_table(self.case)
        return (
            told if told is not None else Statement((sentence("no line of the checklist lists anything"),), quiet=True)
        )

    def steps(self) -> Piece:
        """Return what to do about the change alone, whatever the verdict is."""
        found = overall.change_steps(self.case, repository=self._elsewhere)
        if not found:
            return Statement((sentence("nothing in this range asks for a step of its own"),), quiet=True)
        return overall.advice_table(found)

    @property
    def risk(self) -> ChangeRisk:
        """The one level of the whole change, with its inputs."""
        return self.case.risk

    @property
    def answers(self) -> tuple[Line, ...]:
        """The lines of the checklist of the change, as values."""
        return self.case.lines

    def document(self) -> dict[str, Any]:
        """Return the impact as JSON values, as ``stabkit impact --format json`` prints it.

        Returns
        -------
        dict
            ``schema`` 1, ``base`` and ``head`` as full ids, ``risk`` (level, percentile, inputs, reasons), ``files``,
            ``checklist`` (line, answer, items, examined, why), ``missing_in_candidate``, ``recommendations``,
            ``notes``.
        """
        return impact_document(self.case, repository=self._elsewhere)
