"""What the shell offers while a word is typed: runs, notebooks, scenarios, kinds. Silent where nothing can be known."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from stabkit.errors import StabkitError

__all__ = ["bundled", "complete_runs", "one_of"]


def one_of(words: Callable[[], Any]) -> Callable[[str], list[str]]:
    """Return a completion by words that are only looked up when they are wanted."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in words() if word.startswith(incomplete)]

    return complete


def bundled() -> tuple[str, ...]:
    """Return the words that name notebooks that come with stabkit."""
    from stabkit.pipeline.notebooks import BUNDLED

    return (*BUNDLED, "all")


def complete_runs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the labels of the store that begin so, the newest first."""
    from stabkit.cli.options import open_data

    config, data = ctx.params.get("config"), ctx.params.get("data")
    found: list[str] = []
    with contextlib.suppress(StabkitError):  # no store, or one that cannot be read: nothing to offer
        labels = open_data(Path(config) if config else None, str(data) if data else None).runs()["label"].dropna()
        found = list(dict.fromkeys(reversed(labels.tolist())))
    return [label for label in [*found, "latest"] if incomplete and label.startswith(incomplete)] or found
