"""What other tools answer: test suites, scans, the git range of a change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from stabkit.config.model import Model

__all__ = ["ChangesSource", "CoverageSource", "FindingMapping", "ScanSource", "TestSuite"]


class TestSuite(Model):
    """One test suite: a command that writes a report, or report files that exist already."""

    __test__ = False  # not a pytest class

    command: tuple[str, ...] = Field(default=(), description="'{output}' is replaced by the report's path")
    files: tuple[str, ...] = Field(default=(), description="paths or globs")
    directory: Path | None = Field(default=None, description="where the command runs; left out: beside this file")
    baseline_directory: Path | None = Field(
        default=None, description="the same in the baseline's own source, where both sides are collected at once"
    )
    environment: Mapping[str, str] = Field(default_factory=dict, description="more variables for the command")
    timeout_s: float = Field(default=1_800, gt=0, description="the command is stopped after so many seconds")
    confirm_reruns: int = Field(default=5, ge=0, le=50, description="fresh reruns of each failing test")
    rerun_known_failures: bool = Field(
        default=False, description="also rerun what failed in the baseline in every rerun already"
    )
    rerun_command: tuple[str, ...] = Field(
        default=(), description="runs one test again; '{output}' and '{test}' are replaced"
    )
    retries: Literal["declared", "same_id"] = Field(
        default="declared", description="same_id: cases of one id are attempts in order, and the last counts"
    )
    left_out: tuple[str, ...] = Field(
        default=(), description="globs of test ids that are not to run any more, or not here: their absence is no gap"
    )
    mission_critical: bool = Field(default=False, description="its condition is critical where none is declared")

    @model_validator(mode="after")
    def _one_way(self) -> TestSuite:
        if bool(self.command) == bool(self.files):
            raise ValueError("give either command or files")
        return self


class FindingMapping(Model):
    """Where the findings stand in a JSON or CSV file that no reader knows: dotted paths, or names of columns.

    ``path`` and ``line`` may name several places of one finding: a list, or ``places[*].file`` of each entry of a list.
    """

    tool: str = Field(description="what the scan is called; findings of another tool are never compared with it")
    findings: str | None = Field(
        default=None, description="JSON: dotted path to the list; left out: the document itself"
    )
    rule: str = Field(description="where the name of the rule stands")
    path: str = Field(description="where the file's path stands")
    line: str | None = Field(default=None, description="where the line number stands")
    message: str | None = Field(default=None, description="where the message stands")
    severity: str | None = Field(default=None, description="where the severity stands")
    severities: Mapping[str, str] = Field(default_factory=dict, description="the file's word -> a standard one")
    fingerprint: str | None = Field(default=None, description="the tool's own name for a finding")
    files: str | None = Field(default=None, description="JSON: dotted path to the scanned files, listed or counted")


class ScanSource(Model):
    """One compliance scan: a command that writes a report, or report files that exist already."""

    command: tuple[str, ...] = Field(default=(), description="'{output}' is replaced by the report's path")
    files: tuple[str, ...] = Field(default=(), description="paths or globs of reports that exist already")
    directory: Path | None = Field(default=None, description="where the command runs; left out: beside this file")
    baseline_directory: Path | None = Field(
        default=None, description="the same in the baseline's own source, where both sides are collected at once"
    )
    timeout_s: float = Field(default=1_800, gt=0, description="the command is stopped after so many seconds")
    ok_exit_codes: tuple[int, ...] = Field(
        default=(0, 1), description="with any other the scan counts as failed, whatever it wrote"
    )
    mapping: FindingMapping | None = Field(default=None, description="for files of a format that no reader knows")

    @model_validator(mode="after")
    def _one_way(self) -> ScanSource:
        if bool(self.command) == bool(self.files):
            raise ValueError("give either command or files")
        return self


class CoverageSource(Model):
    """Coverage reports that a test run wrote; several count together."""

    files: tuple[str, ...] = Field(min_length=1, description="paths or globs of reports")
    directory: Path | None = Field(default=None, description="the folder they belong to; left out: beside this file")
    baseline_directory: Path | None = Field(
        default=None, description="the same in the baseline's own source, where both sides are collected at once"
    )


class ChangesSource(Model):
    """The git range between baseline and candidate."""

    repository: Path = Field(default=Path(), description="any folder of the git repository")
    base: str | None = Field(default=None, description="a commit; left out: the baseline run's own commit")
    head: str = Field(default="HEAD", description="the candidate's commit")
    packages: tuple[str, ...] = Field(
        default=(), description="packages whose names others import; none: those that the repository publishes"
    )
    base_tests: str | None = Field(
        default=None, description="a suite whose tests, as they were at base, are run on the candidate too"
    )
