"""stabkit's engine as papermill finds it, for ``papermill --engine stabkit``; nothing is imported before it is used.

papermill loads the engines of all packages at every start, whichever is asked for.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["ENGINE", "LazyEngine"]


class LazyEngine:
    """The engine, imported as soon as papermill asks it for anything."""

    def __getattr__(self, name: str) -> Any:
        """Answer as the engine does."""
        if name.startswith("__"):  # asked by whoever copies or shows it
            raise AttributeError(name)
        from stabkit.pipeline import Engine

        return getattr(Engine, name)


ENGINE: Final = LazyEngine()
