"""How two runs were collected, so that a command can ask for the same once more."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from stabkit.analyze import CollectionPlan, Need
from stabkit.config import CollectSettings
from stabkit.text import shell

__all__ = ["AGAIN", "Again"]

_PLACEHOLDER: Final = re.compile(r"\{(?:rounds|label|baseline)\}")


@dataclass(frozen=True)
class Again:
    """How the two runs were collected, so that a command asks for the same once more.

    Attributes
    ----------
    candidate, baseline : str or None
        Their labels, as far as a command can name them.
    together : bool
        True if both were probed in the same rounds: then they must be again.
    stored : bool
        False if they are evidence files, which no command of ours can make.
    places : tuple of str
        Options that say where configuration and store are, unless they are found by themselves.
    rounds : int
        Of the candidate; 0 if unknown.
    beside : bool
        True if the configuration says where the baseline's version answers, so that both can be probed together.
    declared : frozenset of str or None
        What a collection gathers, by name; None if that is not known.
    plan : CollectionPlan or None
        How many rounds would decide the whole gate.
    deployed : str or None
        When the candidate went live, where Prometheus was asked for the windows around it.
    settings : CollectSettings
        What the configuration says of collecting: its ``again`` stands for ``stabkit collect``.
    """

    candidate: str | None = None
    baseline: str | None = None
    together: bool = False
    stored: bool = True
    places: tuple[str, ...] = ()
    rounds: int = 0
    beside: bool = False
    declared: frozenset[str] | None = None
    plan: CollectionPlan | None = None
    deployed: str | None = None
    settings: CollectSettings = field(default_factory=CollectSettings)

    @property
    def collect(self) -> str | None:
        """The command that collects all that is declared, as a run of its own; None for evidence files."""
        if not self.stored:
            return None
        return self._own(self.candidate, 0) if self.settings.again else shell(["stabkit", "collect", *self.places])

    @property
    def both(self) -> bool:
        """True if one command collects both sides: in the same rounds, or as the project itself says."""
        return bool(self.settings.again) or (self.baseline is not None and (self.together or self.beside))

    def gathers(self, target: str | None) -> bool:
        """Say whether a collection gathers evidence of a target, suite or scan; of None: of anything."""
        if self.declared is None:
            return True
        return bool(self.declared) if target is None else target in self.declared

    def reaches(self, need: Need | None) -> bool:
        """Say whether a collection gives what a need asks for, each version under its own name.

        The baseline's version runs no longer where it was replaced: a collection under its label would store the new
        version in its place. More rounds of the candidate alone decide nothing either.
        """
        return self.stored and (need is None or need.side == "candidate" or self.both or self.baseline is None)

    def command(self, need: Need | None = None, rounds: int = 0) -> str | None:
        """Return the command that collects the same runs under their names; None where none does.

        Examples
        --------
        >>> Again("v1.5", settings=CollectSettings(again=("make", "stability", "ROUNDS={rounds}"))).command(rounds=24)
        'make stability ROUNDS=24'
        """
        if not self.reaches(need):
            return None
        if self.settings.again:
            return self._own(self.candidate, rounds)
        words = ["--label", self.candidate] if self.candidate else []
        words += ["--baseline-label", self.baseline] if self.both and self.baseline else []
        words += ["--deployed-at", self.deployed] if self.deployed and self.both else []
        words += ["--rounds", str(rounds)] if rounds else []
        return shell(["stabkit", "collect", *words, *self.places])

    def _own(self, label: str | None, rounds: int) -> str:
        known = {
            "{rounds}": str(rounds or self.rounds or self.settings.rounds),
            "{label}": label or "candidate",
            "{baseline}": self.baseline or "baseline",
        }
        # In one pass: a label may itself read "{rounds}".
        return shell([_PLACEHOLDER.sub(lambda found: known[found[0]], word) for word in self.settings.again])


AGAIN: Final = Again()
