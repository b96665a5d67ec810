"""Stable names for test cases: file, class, name and parameters, never suite name, host, shard or time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import add
from pathlib import Path
from typing import Final

from stabkit.collect.content import normalise_path

__all__ = ["UNNAMED", "stable_id", "stable_ids"]

UNNAMED: Final = "(?)"
# An address follows "at", as in "<Client object at 0x7f31c2>", or has more digits than a literal would.
_ADDRESS: Final = re.compile(r"(?<=\bat )0x[0-9a-fA-F]+|\b0x[0-9a-fA-F]{9,}")


def stable_id(file: str | None, group: str | None, name: str) -> str:
    """Return the id of one test case.

    Parameters
    ----------
    file : str or None
        As reported. Left out where the class already says it (``tests/test_a.py`` and ``tests.test_a.TestB``); of an
        absolute path, which differs between machines, only the last part counts.
    group : str or None
        The class or module as reported.
    name : str
        With its parameters; memory addresses in it are masked.

    Examples
    --------
    >>> stable_id("tests/test_a.py", "tests.test_a.TestB", "test_c[<X object at 0x7f31c2>]")
    'tests.test_a.TestB::test_c[<X object at 0x*>]'
    >>> stable_id("src/cart.test.ts", "cart", "adds")
    'src/cart.test.ts::cart::adds'
    """
    return _prefix(file, group) + _masked(name)


def stable_ids(
    files: Sequence[str | None], groups: Sequence[str | None], names: Sequence[str], *, root: Path | None = None
) -> list[str]:
    """Return the ids of many test cases, in order; as :func:`stable_id` for each, and fast."""
    if any(files):
        known = {key: _prefix(*key, root) for key in set(zip(files, groups, strict=True))}
        prefixes = [known[key] for key in zip(files, groups, strict=True)]
    else:
        alone = {group: _prefix(None, group) for group in set(groups)}
        prefixes = [alone[group] for group in groups]
    joined = "\n".join(["", *names, ""])
    if "0x" in joined or "\n " in joined or " \n" in joined or "\t" in joined:
        names = [_masked(name) for name in names]
    return list(map(add, prefixes, names))


def _masked(name: str) -> str:
    return _ADDRESS.sub("0x*", name.strip())


def _prefix(file: str | None, group: str | None, root: Path | None = None) -> str:
    group = _masked(group or "")
    path = normalise_path(file or "", root=root)
    if path.startswith("/") or re.match(r"[A-Za-z]:/", path):
        path = path.rpartition("/")[2]
    module = re.sub(r"\.\w+$", "", path).replace("/", ".")
    if module and (group == module or group.startswith(module + ".") or group.endswith("." + module)):
        path = ""
    parts = [part for part in (path, group) if part] or [UNNAMED]
    return "::".join(parts) + "::"
