"""The kinds of conditions: all that is known of a kind stands in one record, and here alone.

A new kind is a module with its judge, and its record in :data:`KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, Literal

__all__ = ["KINDS", "Kind", "kind_of", "usual_margin"]

_JUDGES: Final = "stabkit.analyze.gate.kinds"
_PROBES: Final = ("http", "websocket", "load", "records")


@dataclass(frozen=True)
class Kind:
    """What a kind of condition is.

    Attributes
    ----------
    name : str
        As ``kind`` in stabkit.toml.
    judged_by : str
        The module below ``stabkit.analyze.gate.kinds`` whose ``judge(condition, sides)`` returns the result.
    sources : tuple of str
        The kinds of sources that its evidence comes from; a fault of one of them casts doubt on its conditions.
    evidence : str
        What it rests on, in words: ``response times``.
    question : str
        What it asks.
    section : str
        The section that shows its evidence, by the name of the report's method.
    noun : str or None
        What its items are, one of them: ``test``; None where it judges estimates.
    margin : float or None
        Taken where a condition states none: a share of the baseline's value, or for ``points`` a difference of shares.
    tail_margin : float or None
        The same of the 99th percentile.
    scale : str or None
        ``ratio`` or ``points``: what its margins are; None where it has none.
    compares : bool
        True if a change against the baseline is judged, false for a limit that the candidate alone must keep.
    follows : bool
        True if it says less than the other kinds of the same times, and stands after them.
    """

    name: str
    judged_by: str
    sources: tuple[str, ...]
    evidence: str
    question: str
    section: str
    noun: str | None = None
    margin: float | None = None
    tail_margin: float | None = None
    scale: Literal["ratio", "points"] | None = None
    compares: bool = True
    follows: bool = False

    @property
    def probed(self) -> bool:
        """True if its evidence comes from the probes of a target, or from load files that speak of it."""
        return self.sources == _PROBES

    @property
    def judge(self) -> Callable[..., Any]:
        """The judge: it takes a condition and the sides of a comparison, and returns a condition's result."""
        found: Callable[..., Any] = import_module(f"{_JUDGES}.{self.judged_by}").judge
        return found


_ALL: Final = (
    Kind(
        "latency",
        "latency",
        _PROBES,
        evidence="response times",
        question="Is the median and is the 99th percentile at most a margin slower?",
        section="response_times",
        margin=0.05,
        tail_margin=0.20,
        scale="ratio",
    ),
    Kind(
        "slow_requests",
        "slow_requests",
        _PROBES,
        evidence="response times",
        question="Did the share of slow requests grow by less than a margin?",
        section="response_times",
        scale="points",
        follows=True,
    ),
    Kind(
        "objective",
        "objective",
        _PROBES,
        evidence="response times",
        question="Is the quantile below its limit, whatever the baseline was?",
        section="response_times",
        compares=False,
    ),
    Kind(
        "error_rate",
        "error_rate",
        _PROBES,
        evidence="requests",
        question="Did the share of failed requests grow by less than a margin?",
        section="availability",
        margin=0.005,
        scale="points",
    ),
    Kind(
        "checks",
        "checks",
        _PROBES,
        evidence="checks",
        question="Does every check pass that passed before?",
        section="availability",
        noun="check",
    ),
    Kind(
        "tests",
        "tests",
        ("tests", "records"),
        evidence="test results",
        question="Does every test pass that passed before, and are all of them still there?",
        section="test_results",
        noun="test",
    ),
    Kind(
        "findings",
        "findings",
        ("scan", "records"),
        evidence="scans",
        question="Is no finding new, in scans that can be compared?",
        section="compliance",
        noun="finding",
    ),
    Kind(
        "resource",
        "resource",
        ("resources", "records"),
        evidence="resource readings",
        question="Are the level and its growth within a margin?",
        section="resources",
        margin=0.10,
        scale="ratio",
    ),
)
KINDS: Final[Mapping[str, Kind]] = MappingProxyType({kind.name: kind for kind in _ALL})
"""Every kind of condition, by name."""


def usual_margin(name: str, *, tail: bool = False) -> float:
    """Return the margin that a kind takes where a condition states none.

    Examples
    --------
    >>> usual_margin("latency"), usual_margin("latency", tail=True)
    (0.05, 0.2)
    """
    margin = KINDS[name].tail_margin if tail else KINDS[name].margin
    assert margin is not None, name
    return margin


def kind_of(name: str) -> Kind | None:
    """Return the record of a kind; None for what stands in where no condition could be made.

    Examples
    --------
    >>> kind_of("tests").noun, kind_of("evidence") is None
    ('test', True)
    """
    return KINDS.get(name)
