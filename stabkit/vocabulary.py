"""The words of the tables: what each metric is, which statuses of a test are good, how outcomes are ordered.

One home for what would otherwise be known in many places, each a little differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

__all__ = [
    "BAD",
    "BASE_TESTS",
    "CHANGE_FACTS",
    "CHANGE_LINES",
    "CHECK_OUTCOMES",
    "CONDITION_SEVERITIES",
    "EXIT_CODES",
    "FLOOR",
    "GOOD",
    "GRAVE_FACTS",
    "LISTED",
    "METRICS",
    "MISSING_COMMIT",
    "OPEN",
    "OUTCOMES",
    "REQUEST_METRICS",
    "RISK_LEVELS",
    "SAID",
    "STATUSES",
    "STATUS_COUNTS",
    "VERDICTS",
    "Metric",
    "Worse",
    "finding_rank",
    "gravest",
    "is_time",
    "metric_of",
    "of_websocket",
    "severity_rank",
]

Probe = Literal["http", "websocket", "resources"]
Worse = Literal["higher", "lower"]
"""Which way a metric gets worse."""


@dataclass(frozen=True)
class Metric:
    """What a metric is.

    Attributes
    ----------
    name : str
        As in the table ``samples``.
    words : str
        As people say it.
    unit : str
        ``ms`` for times.
    probe : str or None
        What measures it: ``http``, ``websocket``, ``resources``; None for one that only other tools write.
    judged : bool
        True if a condition follows from it where none is declared.
    worse : str or None
        ``higher`` or ``lower``; None where nobody can know it from the name.
    """

    name: str
    words: str
    unit: str
    probe: Probe | None = None
    judged: bool = True
    worse: Worse | None = "higher"

    @property
    def time(self) -> bool:
        """True if it is a response time or a part of one: less is better, and quantiles tell of it."""
        return self.unit == "ms"


_KNOWN: Final = (
    Metric("response_time", "response time", "ms", "http"),
    Metric("transaction_time", "transaction time", "ms"),
    Metric("redirect_hop", "hop of a redirect", "ms", "http", judged=False),
    Metric("connect_time", "connect time", "ms", "websocket"),
    Metric("first_message_time", "time to first message", "ms", "websocket"),
    Metric("session_time", "session time", "ms", "websocket"),
    Metric("round_trip_time", "round trip", "ms", "websocket"),
    Metric("ping_time", "ping", "ms", "websocket"),
    Metric("memory", "memory", "MB", "resources"),
    Metric("cpu", "CPU time", "s", "resources"),
    Metric("threads", "threads", "count", "resources", judged=False),
    Metric("open_files", "open files", "count", "resources", judged=False),
    Metric("sockets", "sockets", "count", "resources", judged=False),
    Metric("container_memory", "container memory", "MB", "resources", judged=False),
    Metric("container_cpu", "container CPU time", "s", "resources", judged=False),
    Metric("container_processes", "container processes", "count", "resources", judged=False),
    Metric("oom_kills", "oom kills", "count", "resources", judged=False),
)
REQUEST_METRICS: Final = ("response_time", "connect_time", "transaction_time")
"""Metrics whose samples are requests, handshakes or transactions: each may fail, and their share is judged."""

METRICS: Final[Mapping[str, Metric]] = MappingProxyType({metric.name: metric for metric in _KNOWN})
"""The metrics that stabkit itself measures, by name; :func:`metric_of` knows every other one too."""

_EVENT: Final = "event:"
_QUANTILE: Final = re.compile(r"(\w+_time)_p(\d{1,2}(?:\.\d{1,3})?)")

# Words of a name that say which way it gets worse, and those that say nothing of it. A name with any other word is not
# guessed at: error_budget_left gets worse as it falls.
_MORE_IS_WORSE: Final = frozenset(
    {"error", "errors", "failed", "failure", "failures", "exceptions", "timeouts", "restarts", "backlog", "queue"}
)
_LESS_IS_WORSE: Final = frozenset({"success", "successes", "succeeded", "successful", "availability"})
_PLAIN: Final = frozenset(
    {"per", "s", "second", "min", "minute", "total", "count", "number", "rate", "ratio", "share", "percent", "http",
     "grpc", "request", "requests", "response", "responses", "job", "jobs", "length", "depth", "size"}
)  # fmt: skip


def _direction(name: str) -> Worse | None:
    words = set(name.lower().split("_")) - _PLAIN
    if not words:
        return None
    return "higher" if words <= _MORE_IS_WORSE else "lower" if words <= _LESS_IS_WORSE else None


def metric_of(name: str) -> Metric:
    """Return what a metric is; one that stabkit does not measure is a time if it is called so.

    Of any other, whether more or less of it is worse is known only where every word of the name is plain.

    Examples
    --------
    >>> metric_of("event:done").words, metric_of("queue_time").unit, metric_of("queue_length").unit
    ('arrival of done', 'ms', '')
    >>> [metric_of(name).worse for name in ("memory", "errors_per_s", "success_ratio", "error_budget_left")]
    ['higher', 'higher', 'lower', None]
    """
    if name in METRICS:
        return METRICS[name]
    if name.startswith(_EVENT):
        return Metric(name, f"arrival of {name.removeprefix(_EVENT)}", "ms", "websocket")
    if name.endswith("_time"):
        return Metric(name, name.replace("_", " "), "ms")
    if quantile := _QUANTILE.fullmatch(name):  # a reading already: no time of a single request
        return Metric(name, f"{quantile[1].replace('_', ' ')}, p{quantile[2]}", "", judged=False)
    return Metric(name, name.replace("_", " "), "", judged=False, worse=_direction(name))


def is_time(name: str) -> bool:
    """Say whether a metric is a time that is judged as such.

    Examples
    --------
    >>> is_time("connect_time"), is_time("event:done"), is_time("memory"), is_time("redirect_hop")
    (True, True, False, False)
    """
    metric = metric_of(name)
    return metric.time and metric.judged


def of_websocket(name: str | None) -> bool:
    """Say whether a metric is one that WebSocket sessions have.

    Examples
    --------
    >>> of_websocket("ping_time"), of_websocket("event:done"), of_websocket("response_time"), of_websocket(None)
    (True, True, False, False)
    """
    return name is not None and metric_of(name).probe == "websocket"


STATUSES: Final = ("skip", "pass", "xfail", "xpass", "no_result", "fail", "error")
"""Statuses of a test, from harmless to worst."""

BAD: Final = frozenset({"fail", "error", "no_result"})
"""Statuses of a test that did not do what it should."""

GOOD: Final = frozenset({"pass", "xfail", "xpass"})
"""Statuses of a test that did; a skip is neither."""

STATUS_COUNTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"passed": ("pass", "xpass"), "failed": ("fail",), "errors": ("error", "no_result"), "skipped": ("skip", "xfail")}
)
"""What test reports count, as they count it: an expected failure as skipped, an unexpected pass as passed."""

CHANGE_FACTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "irreversible_migration": "rollback possible",
        "breaking_migration": "old code runs on the new schema",
        "secret_added": "no secret added",
        "api_break": "no API break",
        "deleted_module": "no public module deleted",
        "contract_break": "no contract break",
        "entry_point_removed": "no command or option removed",
        "permission_widened": "no wider CI permissions",
        "dependency_change": "no dependency change",
        "environment_change": "no environment variable change",
        "schema_change": "no schema change",
        "configuration_change": "no configuration change",
        "flag_change": "no feature flag change",
    }
)
"""What a change may do -> the check of the target ``changes`` that looks for it, the gravest first."""

GRAVE_FACTS: Final = tuple(CHANGE_FACTS)[: tuple(CHANGE_FACTS).index("dependency_change")]
"""What a change takes away from those who rely on it: named first, and judged where a condition names no facts."""

MISSING_COMMIT: Final = "holds every commit of the baseline"
"""The check of the target ``changes`` that lists what the candidate lacks."""

BASE_TESTS: Final = "the baseline's own tests"
"""The check of the target ``changes`` that runs them on the candidate."""

CHANGE_LINES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "api": ("api_break", "deleted_module"),
        "dependencies": ("dependency_change",),
        "environment": ("environment_change",),
        "schema": ("schema_change",),
        "old_code_new_schema": ("breaking_migration",),
        "rollback": ("irreversible_migration",),
        "configuration": ("configuration_change",),
        "flags": ("flag_change",),
        "ci": ("permission_widened",),
        "secrets": ("secret_added",),
        "contracts": ("contract_break",),
        "entry_points": ("entry_point_removed",),
    }
)
"""The lines that ``stabkit impact`` answers -> the facts that each asks for."""

RISK_LEVELS: Final = ("NONE", "MINIMAL", "LOW", "MEDIUM", "HIGH")
"""Levels of risk of a change, the least first."""

CONDITION_SEVERITIES: Final = ("critical", "high", "normal", "low")
"""How much a condition weighs, the gravest first."""

CHECK_OUTCOMES: Final = ("fail", "not_checked", "pass")
"""Outcomes of a check, the worst first."""

OUTCOMES: Final = ("regressed", "inconclusive", "improved", "stable")
"""Outcomes in order of weight, the gravest first."""

OPEN: Final = ("regressed", "inconclusive")
"""Outcomes that keep a run from being stable."""

SAID: Final[Mapping[str, str]] = MappingProxyType({"inconclusive": "undecided"})
"""Outcomes whose word differs where a condition or a metric has them: INCONCLUSIVE is the verdict's."""

EXIT_CODES: Final[Mapping[str, int]] = MappingProxyType({"error": 2, "regressed": 1, "inconclusive": 3, "stable": 0})
"""The exit code of each verdict, and of what failed; the gravest first."""

LISTED: Final = 1_000
"""Most things of one kind that a result lists one by one; of what is beyond, it says how many there are.

More than anybody reads, and more than any change of a size that one reviews moves. A thousand in each of a dozen states
make some ten megabytes of JSON: what every reader of results still takes.
"""

VERDICTS: Final = ("regressed", "inconclusive", "stable")
"""Verdicts, the gravest first."""


def gravest(codes: Iterable[int]) -> int:
    """Return the exit code of several reports: that of the gravest; 0 of none.

    Examples
    --------
    >>> gravest([0, 3, 1]), gravest([])
    (1, 0)
    """
    found = set(codes)
    return next((code for code in EXIT_CODES.values() if code in found), 0)


_SEVERITIES: Final = (
    ("none", "info", "information", "informational", "note", "hint", "style", "convention"),
    ("low", "minor", "refactor"),
    ("warning", "medium", "moderate"),
    ("error", "high", "major", "serious"),
    ("critical", "blocker", "fatal", "severe"),
)


FLOOR: Final = "low"
"""Findings of a lesser severity do not gate unless a condition says otherwise: notes, hints, matters of style."""

# Linters that grade nothing, and of them the rules on layout, order of imports, docstrings, quotes, commas and naming.
_UNGRADED: Final = frozenset({"ruff", "flake8", "pycodestyle", "pydocstyle", "isort"})
_STYLE: Final = re.compile(r"(?:E[1-5]|W[1235]|D|I|Q|COM|N8)\d{2,3}")


def finding_rank(tool: str, rule: str, severity: str | None) -> int | None:
    """Return the place of a finding's severity in the common order; None where nobody says how severe it is.

    Examples
    --------
    >>> finding_rank("ruff", "E501", "error"), finding_rank("ruff", "F401", None), finding_rank("bandit", "B1", "low")
    (0, None, 1)
    """
    if tool.casefold() in _UNGRADED and _STYLE.fullmatch(rule):
        return 0
    return severity_rank(severity)


def severity_rank(severity: str | None) -> int | None:
    """Return the place of a tool's severity word in the common order, from 0; None for a word not known.

    Examples
    --------
    >>> severity_rank("warning"), severity_rank("HIGH"), severity_rank("spicy")
    (2, 3, None)
    """
    word = severity.strip().lower() if isinstance(severity, str) else ""
    return next((rank for rank, words in enumerate(_SEVERITIES) if word in words), None)
