"""What becomes of the journeys that carry value: protected, at risk, regressed, or guarded by nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

from stabkit.analyze.checks import worst_checks
from stabkit.analyze.outcome import Gate
from stabkit.config import Config, Journey, path_matches

__all__ = ["Guard", "JourneyState", "journey_states"]

State = Literal["regressed", "unguarded", "at_risk", "protected"]

_STATES: Final[tuple[State, ...]] = ("regressed", "unguarded", "at_risk", "protected")
_GOOD: Final = ("stable", "improved", "pass")
_BAD: Final = ("regressed", "fail")


@dataclass(frozen=True)
class Guard:
    """What watches a journey.

    Attributes
    ----------
    kind : str
        ``condition``, ``suite`` or ``check``.
    name : str
        As configured.
    outcome : str or None
        A condition's outcome, or that of a check; None where there is no such thing in the evidence.
    """

    kind: Literal["condition", "suite", "check"]
    name: str
    outcome: str | None


@dataclass(frozen=True)
class JourneyState:
    """How a journey stands after the change.

    Attributes
    ----------
    journey : Journey
        As configured.
    state : str
        ``regressed``: a guard is; ``unguarded``: none is there; ``at_risk``: a guard is open or lost; else
        ``protected``.
    guards : tuple of Guard
        The worst first.
    touched : tuple of str
        Changed files that serve it.
    """

    journey: Journey
    state: State
    guards: tuple[Guard, ...] = ()
    touched: tuple[str, ...] = ()


def journey_states(config: Config, gate: Gate, checks: pd.DataFrame, changes: pd.DataFrame) -> tuple[JourneyState, ...]:
    """Return every configured journey, the worst first; of two alike, one that the change touches, then the larger.

    Parameters
    ----------
    config : Config
        Its journeys.
    gate : Gate
        The verdict, whose conditions guard.
    checks, changes : DataFrame
        Those tables of the candidate.
    """
    known = worst_checks(checks) if config.journeys and len(checks) else checks
    found = [_state(journey, gate, known, changes) for journey in config.journeys]
    return tuple(
        sorted(
            found,
            key=lambda one: (_STATES.index(one.state), not one.touched, -(one.journey.share or 0.0), one.journey.name),
        )
    )


def _state(journey: Journey, gate: Gate, checks: pd.DataFrame, changes: pd.DataFrame) -> JourneyState:
    guards = sorted(_guards(journey, gate, checks), key=lambda guard: _weight(guard.outcome))
    paths = [str(path) for path in changes["path"]] if len(changes) else []
    touched = tuple(path for path in paths if any(path_matches(pattern, path) for pattern in journey.paths))
    state: State = "protected"
    if any(guard.outcome in _BAD for guard in guards):
        state = "regressed"
    elif all(guard.outcome is None for guard in guards):
        state = "unguarded"
    elif any(guard.outcome not in _GOOD for guard in guards):
        state = "at_risk"
    return JourneyState(journey, state, tuple(guards), touched)


def _weight(outcome: str | None) -> int:
    return 0 if outcome in _BAD else 3 if outcome in _GOOD else 1 if outcome is None else 2


def _guards(journey: Journey, gate: Gate, checks: pd.DataFrame) -> Sequence[Guard]:
    found = []
    for name in journey.guarded_by:
        outcome = next((c.outcome for c in gate.conditions if c.name == name), None)
        found.append(Guard("condition", name, outcome))
    for suite in journey.suites:
        judged = [c.outcome for c in gate.conditions if c.kind == "tests" and c.target in (suite, None)]
        found.append(Guard("suite", suite, min(judged, key=_weight) if judged else None))
    for check in journey.checks:
        mine = checks[(checks["check"] == check) | (checks["target"] + ": " + checks["check"] == check)]
        outcomes = [str(outcome) for outcome in mine["outcome"]]
        found.append(Guard("check", check, min(outcomes, key=_weight) if outcomes else None))
    return found
