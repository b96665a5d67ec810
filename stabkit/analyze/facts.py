"""What is lacking and why, as values: needs, gaps, doubts about scans. Their words are made in ``report`` alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["About", "Difference", "Measured", "Missing", "Need", "NeedReason", "NeedUnit", "Subject"]

NeedUnit = Literal["samples", "rounds", "reruns", "scans", "runs", "days", "evidence"]
NeedReason = Literal[
    "one_sample", "too_few_samples", "wide_interval", "tail_unbounded", "smallest_margin", "many_metrics",
    "run_noise_unknown", "prober_late", "false_alarms", "not_rerun", "failing_on_both_sides", "not_comparable",
    "not_checked", "missing", "not_collected", "partial", "undeclared", "cold_start", "same_address",
    "short_line", "not_repeated",
]  # fmt: skip
About = Literal[
    # Evidence that is not there.
    "baseline", "samples", "samples_on_either_side", "good_requests", "requests", "readings", "tests", "checks",
    "scan", "declared", "objective", "conditions", "round_size", "empty_sides", "rounds",
    "unusable", "single_requests",
    # Tests.
    "lost_tests", "hidden_tests", "gone_variants",
    "disappeared", "newly_skipped", "added", "no_common_test", "common_tests",
    "unconfirmed", "flaky", "more_flaky", "expected_to_fail",
    # Findings, checks, objectives.
    "scans", "not_scanned", "missed_before", "now_and_then",
    # Coverage.
    "coverage", "coverage_gone", "coverage_untold", "coverage_lines",
    # The change itself.
    "git_range", "fact_not_recorded", "fact_unproven", "fact_open", "range_empty",
    # Sources.
    "collection", "source_failed", "source_partial", "source_old", "source_bare", "unsourced",
    # Measured figures.
    "environments", "same_run", "units", "direction", "absolute_margin", "series", "without_reading", "cold_rounds",
    "cold_requests", "same_address", "failures", "failing_checks", "gone_checks", "late_at_quantile", "slowest_late",
    "slow_by_lateness", "noise_alone",
    # The load that both sides were put under.
    "round_gaps", "load_rate", "load_users", "load_seconds", "load_requests", "load_targets",
    # The line of runs that a run at another time is judged by.
    "accepted_level", "small_steps", "more_slow", "runs_disagree", "line_noise", "machines", "machine_unknown",
    # The windows around a deploy.
    "placebo_days", "one_deploy", "window_noise", "window_values", "window_series",
]  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """What was measured: a metric of a target, of one kind of connection or one series where they are told apart."""

    target: str | None
    metric: str | None
    connection: str | None = None
    series: str | None = None

    def __str__(self) -> str:
        kind = f", {self.connection} connections" if self.connection else ""
        return " ".join(part for part in (self.target, self.metric, self.series) if part) + kind


@dataclass(frozen=True)
class Missing:
    """Evidence that is declared or expected, and not there.

    Attributes
    ----------
    kind : str
        What it is of.
    name : str or None
        The target, suite or scan; None where there is but one.
    sides : tuple of str
        ``baseline``, ``candidate`` or both: who lacks it. Empty for the baseline itself.
    """

    kind: Literal["samples", "readings", "tests", "scan", "coverage", "changes", "baseline"]
    name: str | None = None
    sides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """Why two scans cannot be compared, or what had to be assumed to compare them.

    Attributes
    ----------
    code : str
        What it is.
    tool : str
        Whose scans; empty where there is none.
    side : str or None
        ``baseline`` or ``candidate`` if it speaks of one of them.
    subjects : tuple of str
        Versions, paths.
    numbers : tuple of int
        In the order in which the words name them.
    """

    code: Literal[
        "no_scan_at_all", "no_scan", "incomplete", "only_totals", "listed_less", "more_unlisted", "versions",
        "unknown_rules", "rules_on_one_side", "rules", "unknown_files", "files_on_one_side", "files", "scanned_files",
        "file_counts", "files_by_range", "folders", "lines_not_followed", "unknown_version", "after_incomplete",
        "scans_gone", "scans_added", "scopes_gone", "rules_off", "changed_heads",
    ]  # fmt: skip
    tool: str = ""
    side: Literal["baseline", "candidate"] | None = None
    subjects: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()


Subject = str | Measured | Missing | Difference


@dataclass(frozen=True)
class Need:
    """What would decide an inconclusive outcome.

    Attributes
    ----------
    amount : int or None
        How many more of ``unit``; None if it cannot be counted.
    unit : str
        ``samples``, ``rounds``, ``reruns``, ``scans``, ``runs``, ``days`` or ``evidence``.
    reason : str
        Why. ``not_collected`` is what probing both sides at once does not give.
    about : str or None
        What exactly, where a reason has several causes.
    subjects : tuple
        Whom it speaks of: names of tests, suites, targets, versions; what was measured; missing evidence; a difference
        of scans. All of them, however many.
    numbers : tuple of pairs
        Name -> number, as the words need them.
    decidable_margin : float or None
        The smallest margin that the present evidence could decide, where more would be out of proportion.
    side : str or None
        ``baseline`` or ``candidate`` if one run alone lacks it.
    """

    amount: int | None
    unit: NeedUnit
    reason: NeedReason
    about: About | None = None
    subjects: tuple[Subject, ...] = ()
    numbers: tuple[tuple[str, float], ...] = ()
    decidable_margin: float | None = None
    side: str | None = None
