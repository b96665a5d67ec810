"""What the shell offers while a word is typed: notebooks, scenarios, kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["bundled", "one_of"]


def one_of(words: Callable[[], Any]) -> Callable[[str], list[str]]:
    """Return a completion by words that are only looked up when they are wanted."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in words() if word.startswith(incomplete)]

    return complete


def bundled() -> tuple[str, ...]:
    """Return the words that name notebooks that come with stabkit."""
    from stabkit.pipeline import BUNDLED

    return (*BUNDLED, "all")
