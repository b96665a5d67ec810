"""The kinds of conditions: all that is known of a kind stands in one record, and here alone.

A new kind is a module with its judge, and its record among those below. Other packages bring kinds by entry points of
``stabkit.conditions``; they are looked up only where a name is none of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Final, Literal

from stabkit.installation import Plugin, load_plugins

__all__ = ["KINDS", "NO_CONDITION", "Kind", "kind_of", "usual_margin"]

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
        The module below ``stabkit.analyze.gate.kinds`` whose ``judge(condition, sides)`` returns the result; of a
        plugin the module's whole name, with a dot.
    sources : tuple of str
        The kinds of sources that its evidence comes from; a fault of one of them casts doubt on its conditions.
    judges : str
        ``times`` of good requests, ``failures`` of requests, ``readings``, or ``items`` one by one.
    evidence : str
        What it rests on, in words: ``response times``.
    question : str
        What it asks.
    section : str
        The section that shows its evidence, by the name of the report's method.
    noun : str or None
        What its items are, one of them: ``test``; None where it judges estimates.
    subject : str or None
        What its estimates are of, after the name of the target; None: the metric and the name of the estimate say it.
    rule : str or None
        The rule that decides a regression of its items.
    margin : float or None
        Taken where a condition states none: a share of the baseline's value, or for ``points`` and items a difference
        of shares.
    tail_margin : float or None
        The same of the slowest requests, by their 99th percentile; of the mean of the slowest 5 % three quarters of it.
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
    judges: Literal["times", "failures", "readings", "items"]
    evidence: str
    question: str
    section: str
    noun: str | None = None
    subject: str | None = None
    rule: str | None = None
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
        where = self.judged_by if "." in self.judged_by else f"{_JUDGES}.{self.judged_by}"
        found: Callable[..., Any] = import_module(where).judge
        return found

    @property
    def plugged(self) -> bool:
        """True if another package brings it."""
        return "." in self.judged_by


class _Kinds(Mapping[str, Kind]):
    """The kinds of this package, and those of plugins once a name asked for them."""

    def __init__(self, own: Iterable[Kind]) -> None:
        self._own = {kind.name: kind for kind in own}
        self._plugged: dict[str, Kind] | None = None

    def __getitem__(self, name: str) -> Kind:
        if name not in self._own and self._plugged is None:
            found = load_plugins("conditions", _fault_of, self._own)
            self._plugged = {key: kind for key, (_, kind) in found.items()}
        return self._own[name] if name in self._own else (self._plugged or {})[name]

    def __iter__(self) -> Iterator[str]:
        return iter((*self._own, *(self._plugged or ())))

    def __len__(self) -> int:
        return len(self._own) + len(self._plugged or ())


def _fault_of(plugin: Plugin, kind: Any) -> str | None:
    """Say what is wrong with a kind that a plugin brings: the first thing that is."""
    if not isinstance(kind, Kind):
        return "it is no stabkit.kinds.Kind"
    sources = {source for one in _ALL for source in one.sources}
    judges = {one.judges for one in _ALL}
    told = (kind.judges == "items") == (kind.noun is not None and kind.rule is not None)
    faults = (
        (kind.name == plugin.name, f"it calls itself {kind.name!r}"),
        (kind.plugged, "judged_by is not the whole name of a module"),
        (bool(kind.sources) and set(kind.sources) <= sources, f"its sources are not of: {', '.join(sorted(sources))}"),
        (kind.judges in judges, f"what it judges is none of: {', '.join(sorted(judges))}"),
        (told, "a noun and a rule belong to what judges items, and to nothing else"),
        (kind.section in {one.section for one in _ALL}, f"there is no section {kind.section!r}"),
    )
    for sound, what in faults:
        if not sound:
            return what
    return None if callable(kind.judge) else f"{kind.judged_by}.judge cannot be called"


_ALL: Final = (
    Kind(
        "latency",
        "latency",
        _PROBES,
        judges="times",
        evidence="response times",
        question="Are the median and the slowest requests at most a margin slower?",
        section="response_times",
        margin=0.05,
        tail_margin=0.20,
        scale="ratio",
    ),
    Kind(
        "slow_requests",
        "slow_requests",
        _PROBES,
        judges="times",
        evidence="response times",
        question="Did the share of slow requests grow by less than a margin?",
        section="response_times",
        subject="slow requests",
        scale="points",
        follows=True,
    ),
    Kind(
        "objective",
        "objective",
        _PROBES,
        judges="times",
        evidence="response times",
        question="Is the quantile below its limit, whatever the baseline was?",
        section="response_times",
        compares=False,
    ),
    Kind(
        "error_rate",
        "error_rate",
        _PROBES,
        judges="failures",
        evidence="requests",
        question="Did the share of failed requests grow by less than a margin?",
        section="availability",
        subject="failed requests",
        margin=0.005,
        scale="points",
    ),
    Kind(
        "checks",
        "checks",
        _PROBES,
        judges="items",
        evidence="checks",
        question="Does every check pass as often as before?",
        section="availability",
        noun="check",
        rule="a check fails always that did not, or more often than chance explains; one is enough",
    ),
    Kind(
        "tests",
        "tests",
        ("tests", "records"),
        judges="items",
        evidence="test results",
        question="Does every test pass that passed before, and are all of them still there?",
        section="test_results",
        noun="test",
        rule="a test that passed fails now, again and again in fresh processes; one is enough",
    ),
    Kind(
        "findings",
        "findings",
        ("scan", "records"),
        judges="items",
        evidence="scans",
        question="Is no finding new, in scans that can be compared?",
        section="compliance",
        noun="finding",
        rule="a finding of a gating severity is new, in scans that can be compared; one is enough",
    ),
    Kind(
        "coverage",
        "coverage",
        ("coverage", "changes", "records"),
        judges="items",
        evidence="coverage reports",
        question="Do tests run the changed lines, and as much of the whole as before?",
        section="test_results",
        noun="file",
        rule="fewer of the changed lines ran than is asked for, or less of the whole than before by a margin",
        margin=0.01,
    ),
    Kind(
        "resource",
        "resource",
        ("resources", "records"),
        judges="readings",
        evidence="resource readings",
        question="Are the level and its growth within a margin?",
        section="resources",
        margin=0.10,
        scale="ratio",
    ),
    Kind(
        "change",
        "change",
        ("changes", "records"),
        judges="items",
        evidence="checks of a git range",
        question="Does the change take away nothing that others rely on?",
        section="change_impact",
        noun="breaking change",
        rule="a fact that the condition names is proven in the range; one is enough",
    ),
)
KINDS: Final[Mapping[str, Kind]] = _Kinds(_ALL)
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


NO_CONDITION: Final = Kind(
    "evidence",
    "",
    (),
    judges="items",
    evidence="",
    question="",
    section="evidence_and_method",
)
"""What stands in where no condition could be made, and says why; no condition can be declared so."""


def kind_of(name: str) -> Kind:
    """Return the record of a kind; a kind of another version, as in a result that is read, is shown in general words.

    Examples
    --------
    >>> kind_of("tests").noun, kind_of("evidence") is NO_CONDITION, kind_of("of tomorrow").section
    ('test', True, 'key_metrics')
    """
    if name == NO_CONDITION.name:
        return NO_CONDITION
    return KINDS.get(name) or replace(NO_CONDITION, name=name, judges="readings", section="key_metrics")
