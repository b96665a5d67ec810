"""Which conditions follow where none is declared: from a target by its metrics and checks, from a suite, a scan."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from stabkit.config.conditions import Condition, Objective, Severity
from stabkit.vocabulary import is_time, metric_of

__all__ = [
    "READINGS",
    "coverage_condition",
    "reading_condition",
    "scan_condition",
    "suite_condition",
    "target_conditions",
    "window_conditions",
]

# Metric, kind, what the condition is called after its target, severity.
_FOLLOWING: Final[tuple[tuple[str, str, str, Severity], ...]] = (
    ("response_time", "latency", "response time", "normal"),
    ("response_time", "error_rate", "errors", "high"),
    ("session_time", "latency", "session time", "normal"),
    ("connect_time", "error_rate", "errors", "high"),
    ("transaction_time", "latency", "transaction time", "normal"),
    ("transaction_time", "error_rate", "failed transactions", "high"),
    ("memory", "resource", "memory", "normal"),
)
READINGS: Final = ("memory", "cpu")
"""The readings that are judged where a source says that it gives them; of a declared process memory alone is."""
_MARGIN: Final = 0.10  # of what is compared at different times
_TAIL_MARGIN: Final = 0.20
_TAIL: Final = 0.9
_LIMITED: Final = ("response_time", "connect_time")


def target_conditions(
    target: str,
    metrics: Collection[str] = (),
    *,
    checks: bool = False,
    objective: Objective | None = None,
    measured: bool = False,
    counted: bool = False,
) -> tuple[Condition, ...]:
    """Return the conditions that follow from a target.

    Parameters
    ----------
    target : str
        Its name.
    metrics : collection of str
        What is measured of it.
    checks : bool
        Whether expectations of it are checked.
    objective : Objective, optional
        It limits the response time, of a WebSocket the connect time.
    measured : bool
        True where nothing is declared and the metrics are those of the evidence: then every time and every reading
        that can be judged is, since nobody said which of them matter.
    counted : bool
        True if a load tool counts its requests and how many of them failed, and keeps none of them.

    Examples
    --------
    >>> [condition.name for condition in target_conditions("api", ["response_time"], checks=True)]
    ['api response time', 'api errors', 'api contract']
    >>> [condition.name for condition in target_conditions("queue", ["wait_time", "length"], measured=True)]
    ['queue wait time']
    """
    rules = [rule for rule in _FOLLOWING if rule[0] in metrics]
    if counted and "response_time" not in metrics:
        rules += [rule for rule in _FOLLOWING if rule[:2] == ("response_time", "error_rate")]
    if measured:
        known = {metric for metric, kind, _, _ in rules if kind in ("latency", "resource")}
        others = (metric_of(metric) for metric in sorted({*metrics} - known))
        rules += [(m.name, "latency" if is_time(m.name) else "resource", m.words, "normal") for m in others if m.judged]
    found = {
        words: Condition(name=f"{target} {words}", kind=kind, target=target, metric=metric, severity=severity)
        for metric, kind, words, severity in reversed(rules)  # of response and connect times, the first has the errors
    }
    every = list(found.values())[::-1]
    if checks:
        every.append(Condition(name=f"{target} contract", kind="checks", target=target, severity="critical"))
    limited = next((metric for metric in _LIMITED if metric in metrics), None)
    if objective is not None and limited is not None:
        name = f"{target} objective"
        every.append(Condition(name=name, kind="objective", target=target, metric=limited, objective=objective))
    return tuple(every)


def reading_condition(target: str, metric: str) -> Condition:
    """Return the condition that follows from a source that says which reading it gives."""
    return Condition(name=f"{target} {metric}", kind="resource", target=target, metric=metric)


def window_conditions(
    target: str, metric: str | None, readings: Collection[str], shares: Collection[float]
) -> tuple[Condition, ...]:
    """Return the conditions that follow from windows around a deploy: one a quantile of a histogram, else the reading.

    Examples
    --------
    >>> [(c.name, c.margin) for c in window_conditions("cart", None, ["response_time_p99"], [0.99])]
    [('cart p99', 0.2)]
    """
    if not readings:
        return (Condition(name=f"{target} {metric or 'level'}", kind="resource", target=target, metric=metric),)
    return tuple(
        Condition(
            name=f"{target} p{100 * share:g}",
            kind="resource",
            target=target,
            metric=reading,
            margin=_TAIL_MARGIN if share >= _TAIL else _MARGIN,
        )
        for reading, share in zip(readings, shares, strict=True)
    )


def suite_condition(suite: str, *, mission_critical: bool) -> Condition:
    """Return the condition that follows from a test suite."""
    severity: Severity = "critical" if mission_critical else "high"
    return Condition(name=f"{suite} tests", kind="tests", target=suite, severity=severity)


def coverage_condition(report: str | None = None, *, ranged: bool) -> Condition:
    """Return the condition that follows from a coverage report, or from all that are there.

    Without a range nobody knows which lines changed: then the whole alone is judged.
    """
    name = "coverage" if report is None else f"{report} coverage"
    return Condition(name=name, kind="coverage", target=report, at_least=None if ranged else 0)


def scan_condition(scan: str) -> Condition:
    """Return the condition that follows from a scan, by its configured name or its tool."""
    return Condition(name=f"{scan} findings", kind="findings", target=scan)
