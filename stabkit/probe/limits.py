"""Limits that protect the probed system: on rate, number of requests and time of a collection."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from stabkit.config import CollectSettings, Config, HttpTarget, WebSocketTarget
from stabkit.errors import ConfigError

__all__ = ["TimeLimit", "check_limits"]


class TimeLimit:
    """Asked before each round: true once the probing has lasted longer than it may.

    Attributes
    ----------
    reached : bool
        True if it ended the rounds.
    """

    def __init__(self, settings: CollectSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = 60 * settings.max_minutes
        self._clock = clock
        self._started: float | None = None
        self.reached = False

    def __call__(self) -> bool:
        """Say whether the time is up; it runs from the first question."""
        now = self._clock()
        self._started = now if self._started is None else self._started
        self.reached = now - self._started >= self._seconds
        return self.reached


def check_limits(
    config: Config, chosen: Callable[[str, str], bool], *, rounds: int, sides: int, ends_early: bool
) -> None:
    """Refuse a collection that would ask more of a target than the configuration allows.

    Parameters
    ----------
    config : Config
        Targets and limits.
    chosen : callable
        Whether a kind and name are to be collected.
    rounds, sides : int
        How often each target is probed.
    ends_early : bool
        True if the rounds end when something is decided: their number is then no plan for the time.

    Raises
    ------
    ConfigError
        A target's rate or number of requests, or the planned time of all, is above its limit.
    """
    limits = config.collect
    seconds = 0.0
    for where, target, amount, before in _targets(config, chosen):
        if target.rate > limits.max_rate:
            raise ConfigError(
                f"{target.rate:g} a second is above the limit of {limits.max_rate:g} that protects the target.",
                where=f"{where}.rate",
                hint="Lower it, or raise collect.max_rate if the target is known to bear it.",
            )
        if before + amount * rounds > limits.max_requests:
            raise ConfigError(
                f"{amount:,} in each of {rounds:,} rounds are above the limit of {limits.max_requests:,}.",
                where=where,
                hint="Ask for fewer, or raise collect.max_requests.",
            )
        copies = sides if target.baseline_url else 1
        seconds += copies * (before / target.rate + rounds * (amount / target.rate + _listening_s(target)))
    if not ends_early and seconds > 60 * limits.max_minutes:
        raise ConfigError(
            f"{rounds:,} rounds would take {seconds / 60:,.0f} minutes, {limits.max_minutes:g} are allowed.",
            where="collect.max_minutes",
            hint="Ask for fewer rounds or requests, a higher rate, or raise the limit.",
        )


def _targets(
    config: Config, chosen: Callable[[str, str], bool]
) -> Iterator[tuple[str, HttpTarget | WebSocketTarget, int, int]]:
    for name, http in config.http.items():
        if chosen("http", name):
            yield f"http.{name}", http, http.requests, http.warming
    for name, socket in config.websocket.items():
        if chosen("websocket", name):
            yield f"websocket.{name}", socket, socket.sessions, socket.warmup_sessions


def _listening_s(target: HttpTarget | WebSocketTarget) -> float:
    """Return how long the last session of a round listens, where nothing ends it sooner."""
    return target.listen_ms / 1000 if isinstance(target, WebSocketTarget) and target.until_type is None else 0.0
