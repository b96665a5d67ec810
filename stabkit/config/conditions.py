"""What must hold for the verdict to be STABLE: one condition a table."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator
from pydantic_core import PydanticCustomError

from stabkit.config.model import Model
from stabkit.kinds import KINDS
from stabkit.vocabulary import CHANGE_FACTS, Worse

__all__ = ["AT_LEAST", "ChangeFact", "Condition", "ConditionKind", "Objective", "Severity"]


def _known(kind: Any) -> str:
    if kind in KINDS:
        return str(kind)
    # The error of a Literal, which the kinds would be if a record could not add to them.
    raise PydanticCustomError("literal_error", "unknown kind", {"expected": ", ".join(map(repr, KINDS))})


ConditionKind = Annotated[str, BeforeValidator(_known), WithJsonSchema({"type": "string", "enum": list(KINDS)})]
"""The name of a kind of condition, one of :data:`stabkit.kinds.KINDS`."""


def _known_fact(fact: Any) -> str:
    if fact in CHANGE_FACTS:
        return str(fact)
    raise PydanticCustomError("literal_error", "unknown fact", {"expected": ", ".join(map(repr, CHANGE_FACTS))})


ChangeFact = Annotated[
    str, BeforeValidator(_known_fact), WithJsonSchema({"type": "string", "enum": list(CHANGE_FACTS)})
]
"""What a change may do, one of :data:`stabkit.vocabulary.CHANGE_FACTS`."""
AT_LEAST: Final = 0.8
"""Which share of the changed lines has to run where a coverage condition does not say it."""
Severity = Literal["critical", "high", "normal", "low"]


class Objective(Model):
    """A limit on one quantile, judged by its one-sided bound."""

    quantile: float = Field(default=0.95, gt=0, lt=1, description="which one is limited: 0.95 is the 95th percentile")
    below_ms: float = Field(gt=0, description="it has to lie below, in milliseconds")


_PER_CENT: Final = 2.0  # a margin of this and more is meant as per cent: nobody allows three times as much


class Condition(Model):
    """One thing that must hold for the verdict to be STABLE.

    Margins: ``latency`` and ``resource`` are ratios (0.05 is 5 %), ``error_rate`` and ``slow_requests`` are absolute
    (0.005 is half a percentage point). ``slow_requests`` are those slower than the objective, without one those slower
    than the baseline's own 95th percentile. ``worse`` and ``absolute_margin`` are those of a ``resource``.
    """

    name: str = Field(description="what it is called everywhere; no two conditions may share it")
    kind: ConditionKind = Field(description="what is judged, and how")
    target: str | None = Field(
        default=None, description="target, suite or scan it speaks of; left out: all of its kind"
    )
    metric: str | None = Field(default=None, description="which of the target's metrics; left out: all of its kind")
    margin: float | None = Field(
        default=None,
        ge=1e-6,
        allow_inf_nan=False,
        description="how much worse is accepted, as a share: 0.05 is 5 %; of error_rate and slow_requests in points",
    )
    tail_margin: float | None = Field(
        default=None, ge=1e-6, allow_inf_nan=False, description="the same for the slowest requests"
    )
    absolute_margin: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="in the unit of the reading; it goes before margin"
    )
    worse: Worse | None = Field(default=None, description="whether more or less of a reading is worse")
    objective: Objective | None = Field(default=None, description="the limit that a quantile of times has to keep")
    facts: tuple[ChangeFact, ...] | None = Field(
        default=None, description="what a condition of the kind change forbids; left out: all that takes something away"
    )
    min_severity: str | None = Field(
        default=None,
        description="findings below it are listed, not judged; left out: low, so that notes and style do not gate",
    )
    at_least: float | None = Field(
        default=None,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="of a coverage condition: which share of the changed lines has to run; left out: 0.8, "
        "with 0 the whole alone is judged",
    )
    gating: bool = Field(default=True, description="false: shown, and no part of the verdict")
    accept_single_run: bool = Field(default=False, description="judge one run a side without known machine noise")
    severity: Severity = Field(default="normal", description="how grave it is if it does not hold")
    advice: str | None = Field(default=None, description="what the page says to do where it does not hold")

    @field_validator("margin", "tail_margin")
    @classmethod
    def _is_a_share(cls, value: float | None) -> float | None:
        if value is not None and value >= _PER_CENT:
            allowed = f"{value:g} would allow {100 * value:g} % more"
            raise ValueError(f"{allowed}; a margin is a share: {value:g} % is {value / 100:g}")
        return value

    @model_validator(mode="after")
    def _facts_of_a_change(self) -> Condition:
        if self.facts is not None and self.kind != "change":
            raise PydanticCustomError("misplaced", "facts are what a condition of the kind 'change' forbids")
        if self.facts == ():
            raise PydanticCustomError(
                "empty", "no fact is named: name one, or leave facts out for all that takes something away"
            )
        return self

    @model_validator(mode="after")
    def _share_of_coverage(self) -> Condition:
        if self.at_least is not None and self.kind != "coverage":
            raise PydanticCustomError("misplaced", "at_least belongs to a condition of the kind 'coverage'")
        return self

    @model_validator(mode="after")
    def _of_readings(self) -> Condition:
        given = [name for name in ("worse", "absolute_margin") if getattr(self, name) is not None]
        if given and KINDS[self.kind].judges != "readings":
            raise ValueError(f"{given[0]} belongs to a condition of kind 'resource', not {self.kind!r}")
        if self.worse == "lower" and self.margin is not None and self.margin >= 1:
            raise ValueError(f"margin = {self.margin:g} allows any loss: where lower is worse it has to be below 1")
        return self
