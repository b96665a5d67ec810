"""What other packages bring by entry points: readers, notebooks and kinds of conditions, each checked before it counts.

A plugin is code that somebody installed, and is trusted as such. What cannot be loaded, is not what it says, or has a
name that is taken is left out, and told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

__all__ = ["GROUPS", "Plugin", "known_plugins", "left_out", "load_plugins"]

Group = Literal["readers", "notebooks", "conditions"]
GROUPS: Final[tuple[Group, ...]] = ("readers", "notebooks", "conditions")
"""What a plugin may bring; its entry points stand in ``stabkit.readers`` and so on."""

_log: Final = logging.getLogger(__name__)
_left_out: Final[dict[Plugin, str]] = {}


@dataclass(frozen=True)
class Plugin:
    """One entry point of another package.

    Attributes
    ----------
    group : {"readers", "notebooks", "conditions"}
    name : str
    package, version : str
        The distribution that brings it.
    value : str
        Where it is: ``module`` or ``module:attribute``.
    """

    group: Group
    name: str
    package: str
    version: str
    value: str

    @property
    def noun(self) -> str:
        """What it is, one of them."""
        return {"readers": "reader", "notebooks": "notebook", "conditions": "condition"}[self.group]


@cache
def known_plugins() -> tuple[Plugin, ...]:
    """Return what is installed, by group, package and name, with nothing of it loaded."""
    from importlib.metadata import entry_points  # slow to import, and to look up

    found = {
        Plugin(group, point.name, point.dist.name, point.dist.version, point.value)
        for group in GROUPS
        for point in entry_points(group=f"stabkit.{group}")
        if point.dist is not None
    }
    return tuple(sorted(found, key=lambda one: (GROUPS.index(one.group), one.package, one.name)))


def load_plugins(
    group: Group, check: Callable[[Plugin, Any], str | None], taken: Container[str] = ()
) -> dict[str, tuple[Plugin, Any]]:
    """Return what the plugins of a group bring, by name; what is left out is told in a warning.

    Parameters
    ----------
    group : {"readers", "notebooks", "conditions"}
    check : callable
        What is wrong with a plugin and what it brings, in words; None if nothing is.
    taken : container of str
        Names that a plugin may not hide.
    """
    found: dict[str, tuple[Plugin, Any]] = {}
    for plugin in known_plugins():
        if plugin.group != group:
            continue
        if plugin.name in taken:
            problem: str | None = "its name is one of stabkit's own"
        elif plugin.name in found:
            problem = f"{found[plugin.name][0].package} brings one of that name"
        else:
            value, problem = _loaded(plugin, check)
            if problem is None:
                found[plugin.name] = (plugin, value)
        if problem is not None and plugin not in _left_out:
            _left_out[plugin] = problem
            _log.warning("the %s %s of %s is left out: %s", plugin.noun, plugin.name, plugin.package, problem)
    return found


def left_out() -> dict[Plugin, str]:
    """Return the plugins that were left out so far, with the reason."""
    return dict(_left_out)


def _loaded(plugin: Plugin, check: Callable[[Plugin, Any], str | None]) -> tuple[Any, str | None]:
    from importlib.metadata import EntryPoint

    try:
        value = EntryPoint(plugin.name, plugin.value, f"stabkit.{plugin.group}").load()
        return value, check(plugin, value)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a stranger's module raises, it is told and left out
        _log.debug("%s", plugin, exc_info=True)
        return None, f"it cannot be loaded: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
