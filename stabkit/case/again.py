"""How two runs were collected, so that a command can ask for the same once more."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from stabkit.analyze import Need
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
    settings : CollectSettings
        What the configuration says of collecting: its ``again`` stands for ``stabkit collect``.
    """

    candidate: str | None = None
    baseline: str | None = None
    together: bool = False
    stored: bool = True
    places: tuple[str, ...] = ()
    rounds: int = 0
    settings: CollectSettings = field(default_factory=CollectSettings)

    @property
    def collect(self) -> str:
        """The command that collects all that is declared, as a run of its own."""
        if self.settings.again:
            return self.command()
        return shell(["stabkit", "collect", *self.places])

    def command(self, need: Need | None = None, rounds: int = 0) -> str:
        """Return the command that collects the same runs under their names: the one that the need speaks of, or all.

        Examples
        --------
        >>> Again("v1.5", settings=CollectSettings(again=("make", "stability", "ROUNDS={rounds}"))).command(rounds=24)
        'make stability ROUNDS=24'
        """
        alone = need is not None and need.side == "baseline" and not self.together
        label = self.baseline if alone else self.candidate
        if self.settings.again:
            return self._own(label, rounds)
        words = ["--label", label] if label else []
        words += ["--baseline-label", self.baseline] if self.together and self.baseline else []
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
