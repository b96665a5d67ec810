"""What every statistic of a frame answers with: one content, to be looked at, to be computed with, to be kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, Self, TypeVar

import pandas as pd

from stabkit.analyze import ConditionResult, Estimate, Need, Outcome, combine, to_json
from stabkit.analyze.statistics import holm_limit, level_of
from stabkit.errors import UsageError
from stabkit.report.display import Column, Group, Piece, Statement, Table, badge
from stabkit.report.words import change_text, margin_text, need_text, sample_text, sentence, value_text
from stabkit.text import count, joined
from stabkit.vocabulary import OUTCOMES

__all__ = [
    "EstimateResult",
    "FrameResult",
    "chosen",
    "condition_rows",
    "estimate_rows",
    "estimates_table",
    "largest_need",
    "need_sentence",
    "worse_together",
]  # fmt: skip

_SHOWN: Final = 12
_Result = TypeVar("_Result")
_ESTIMATE: Final = (
    "quantity", "unit", "scale", "baseline", "candidate", "change", "low", "high", "margin", "outcome", "p_worse",
    "n_baseline", "n_candidate", "rounds", "method",
)  # fmt: skip
_COLUMNS: Final = (
    Column("name", "Quantity", "head"),
    Column("baseline", "Baseline", "number"),
    Column("candidate", "Candidate", "number"),
    Column("change", "Change [bounds]", "number"),
    Column("margin", "Margin", "number"),
    Column("outcome", "Outcome", "outcome"),
)


class FrameResult(ABC):
    """Base of what the public statistics return: a result that shows itself.

    ``to_frame()`` gives its rows, ``to_dict()`` plain JSON values, ``repr`` a few lines; a notebook shows a table.
    """

    @property
    @abstractmethod
    def shown(self) -> Piece:
        """The result as a display object."""

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """Return the rows of the result, to compute with."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the whole result as plain JSON values; what is unbounded or unknown is None."""

    def __repr__(self) -> str:
        return self.shown.text()

    def _repr_html_(self) -> str:
        return self.shown._repr_html_()

    def _repr_markdown_(self) -> str:
        return self.shown.markdown()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return self.shown._repr_mimebundle_(include, exclude)


@dataclass(frozen=True, repr=False)
class EstimateResult(FrameResult):
    """Estimates of the candidate against the baseline, of one population or of several.

    Attributes
    ----------
    outcome : str
        ``stable``, ``improved``, ``regressed`` or ``inconclusive``; of several, ``regressed`` only by Holm over all
        their estimates, stable or improved only if each is.
    need : Need or None
        What would decide it; None unless inconclusive.
    estimates : tuple of Estimate
        With their bounds; those of several populations are named after theirs.
    name : str
        What was measured, in words.
    about : mapping
        Target, metric and the like, as far as the frames say them.
    by : mapping
        Name of a population to its own result; empty where there is one.
    """

    caption: ClassVar[str]
    several: ClassVar[str] = "population"
    points: ClassVar[bool] = False
    outcome: Outcome
    need: Need | None
    estimates: tuple[Estimate, ...]
    name: str
    about: Mapping[str, str | None] = field(default_factory=dict)
    by: Mapping[str, Self] = field(default_factory=dict)

    @classmethod
    def of(cls, estimates: Sequence[Estimate], name: str, about: Mapping[str, str | None]) -> Self:
        """Return the result of one population."""
        outcome = combine([e.outcome for e in estimates])
        needs = [e.need for e in estimates if e.need is not None] if outcome == "inconclusive" else []
        return cls(outcome, largest_need(needs), tuple(estimates), name, dict(about))

    @classmethod
    def together(cls, each: Sequence[Self], confidence: float) -> Self:
        """Return several populations as one result, whose number makes no false alarm more likely; one as it is."""
        if len(each) == 1:
            return each[0]
        outcome = combine([one.outcome for one in each])
        if outcome == "regressed" and not worse_together([e for one in each for e in one.estimates], confidence):
            outcome = "inconclusive"
        needs = [one.need for one in each if one.need is not None] if outcome == "inconclusive" else []
        named = tuple(replace(e, name=f"{one.name}, {e.name}") for one in each for e in one.estimates)
        by = {one.name: one for one in each}
        return cls(outcome, largest_need(needs), named, count(len(each), cls.several), by=by)

    def __getitem__(self, name: str) -> Self:
        """Return the result of one population, by its name; a part of the name that only one has is enough."""
        return chosen({self.name: self} if not self.by else self.by, name)

    @property
    def shown(self) -> Piece:
        """The result as a display object: the outcome in words, and a row for each estimate."""
        lead = [sentence(f"{self.name}: {badge(self.outcome)[2]}")]
        lead += [need_sentence(self.need, points=self.points)] if self.need is not None else []
        named = [(f"{one.name}, {e.name}" if self.by else e.name, e) for one in self._each for e in one.estimates]
        return estimates_table(lead, named, self.caption, self.to_frame())

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each estimate.

        Returns
        -------
        DataFrame
            Target, metric and the like as far as known; ``quantity``, ``unit``, ``scale`` (ratio, difference),
            ``baseline``, ``candidate`` (in the unit), ``change``, ``low``, ``high`` (on the scale), ``margin``,
            ``outcome``, ``p_worse``, ``n_baseline``, ``n_candidate``, ``rounds``, ``method``.
        """
        return estimate_rows([(one.about, e) for one in self._each for e in one.estimates])

    def to_dict(self) -> dict[str, Any]:
        """Return the whole result as plain JSON values."""
        return {
            "name": self.name,
            "outcome": self.outcome,
            "need": to_json(self.need),
            "estimates": to_json(self.estimates),
            "by": {name: one.to_dict() for name, one in self.by.items()},
        }

    @property
    def _each(self) -> Sequence[Self]:
        return list(self.by.values()) or [self]


def chosen(known: Mapping[str, _Result], name: str) -> _Result:
    """Return the one of that name; a part of the name that only one has is enough.

    Raises
    ------
    UsageError
        None is called so, or several are.
    """
    if name in known:
        return known[name]
    found = [one for one in known if name in one]
    if len(found) != 1:
        what = f"Several are called so: {joined(found, most=5)}." if found else f"There is no {name!r} here."
        raise UsageError(what, where="result", hint=f"Known: {joined(list(known), most=8)}.")
    return known[found[0]]


def largest_need(needs: Sequence[Need]) -> Need | None:
    """Return what would decide the most; None without any need."""
    return max(needs, key=lambda need: need.amount or 0, default=None)


def estimate_rows(estimates: Sequence[tuple[Mapping[str, Any], Estimate]]) -> pd.DataFrame:
    """Return estimates as rows, with what tells several of them apart in the first columns."""
    rows = [
        {**about, "quantity": e.name, **{name: getattr(e, name) for name in _ESTIMATE[1:]}} for about, e in estimates
    ]
    names = list(dict.fromkeys(name for about, _ in estimates for name in about))
    frame = pd.DataFrame(rows, columns=[*names, *_ESTIMATE])
    numbers = ("baseline", "candidate", "change", "low", "high", "margin", "p_worse")
    return frame.astype(dict.fromkeys(numbers, "float64"))


def condition_rows(conditions: Sequence[ConditionResult]) -> pd.DataFrame:
    """Return the estimates of conditions as rows; a condition without any has one row, of its outcome alone."""
    rows: list[tuple[Mapping[str, Any], Estimate]] = []
    for c in conditions:
        about: dict[str, Any] = {"condition": c.name, "kind": c.kind, "target": c.target, "metric": c.metric}
        about |= {"gating": c.gating, "judged": c.outcome}
        bare = Estimate(name="", unit="", scale="ratio", outcome=c.outcome)
        rows += [(about, e) for e in c.estimates or (bare,)]
    frame = estimate_rows(rows)
    nothing = frame["quantity"] == ""
    return frame.mask(nothing.to_numpy()[:, None] & frame.columns.isin(_ESTIMATE) & (frame.columns != "outcome"))


def estimates_table(
    lead: Sequence[str], named: Sequence[tuple[str, Estimate]], caption: str, records: pd.DataFrame
) -> Group:
    """Return sentences and, below them, a row for each estimate, those not stable first; all of them are its data."""
    named = sorted(named, key=lambda pair: OUTCOMES.index(pair[1].outcome))
    rows = tuple(
        {
            "name": (name, sample_text(e)),
            "baseline": None if e.baseline is None else value_text(e.baseline, e.unit),
            "candidate": None if e.candidate is None else value_text(e.candidate, e.unit),
            "change": change_text(e) if e.change is not None else "no bounds yet",
            "margin": margin_text(e) or None,
            "outcome": e.outcome,
        }
        for name, e in named
    )
    table = Table(_COLUMNS, rows, caption, records=tuple(to_json(records.to_dict("records"))), limit=_SHOWN)
    return Group((Statement(tuple(lead), points=len(lead) > 1), table) if lead else (table,))


def need_sentence(need: Need | None, *, points: bool = False) -> str:
    """Return what would decide, as a sentence; empty where nothing is needed."""
    return "" if need is None else sentence(need_text(need, points=points))


def worse_together(estimates: Sequence[Estimate], confidence: float) -> bool:
    """Say whether one of several that are judged together is proven worse: by Holm over all of them.

    Examples
    --------
    >>> worse = Estimate("p50", "ms", "ratio", "regressed", p_worse=0.02)
    >>> fine = Estimate("p50", "ms", "ratio", "stable", p_worse=0.4)
    >>> worse_together([worse], 0.95), worse_together([worse, fine, fine], 0.95)
    (True, False)
    """
    known = [e for e in estimates if e.p_worse is not None]
    limit = holm_limit([float(e.p_worse or 0.0) for e in known], level_of(confidence))
    return any(e.outcome == "regressed" and float(e.p_worse or 0.0) <= limit for e in known)
