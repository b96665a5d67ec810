"""Stable names for test cases: file, class, name and parameters, never suite name, host, shard or time."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stabkit.read.content import normalise_path
from stabkit.text import TEMPORARY_ROOT

__all__ = ["UNNAMED", "stable_id", "stable_ids"]

UNNAMED: Final = "(?)"
# An address follows "at", as in "<Client object at 0x7f31c2>", or has more digits than a literal would.
_ADDRESS: Final = re.compile(r"(?<=\bat )0x[0-9a-fA-F]+|\b0x[0-9a-fA-F]{9,}")
_UUID: Final = re.compile(r"\b[0-9a-f]{8,12}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)
# What mktemp, tempfile and pytest make, up to the part that is drawn anew by each run.
_TEMPORARY: Final = re.compile(
    TEMPORARY_ROOT
    + r"[\\/](?:pytest-of-[^\\/\s]+[\\/]pytest-\d+|tmp[.\w]{6,}|[\w.]*-(?=[A-Za-z0-9]*\d)[A-Za-z0-9]{6,})"
)
_EPHEMERAL: Final = re.compile(r"(?<=\blocalhost:)[3-6]\d{4}\b|(?<=\b127\.0\.0\.1:)[3-6]\d{4}\b")
_VOLATILE: Final = ((_ADDRESS, "0x*"), (_UUID, "<uuid>"), (_TEMPORARY, "<tmp>"), (_EPHEMERAL, "*"))
# A look at all the bytes at once costs a tenth of one at each name.
_SUSPECT: Final = re.compile(
    rb"0x|-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|/tmp/|/T/|\\Temp\\|/Temp/|localhost:|127\.0\.0\.1:"
)
_SUSPECT_NAME: Final = r"0x|-[0-9a-fA-F]{12}|/tmp/|/T/|Temp[\\/]|localhost:|127\.0\.0\.1:"


def stable_id(file: str | None, group: str | None, name: str, *, root: Path | None = None) -> str:
    """Return the id of one test case.

    Parameters
    ----------
    file : str or None
        As reported. Left out where the class already says it (``tests/test_a.py`` and ``tests.test_a.TestB``); of an
        absolute path, which differs between machines, only the last part counts.
    group : str or None
        The class or module as reported.
    name : str
        With its parameters; what every run draws anew is masked in it: memory addresses, UUIDs, temporary folders,
        ephemeral ports.
    root : Path, optional
        An absolute ``file`` beneath it becomes relative.

    Examples
    --------
    >>> stable_id("tests/test_a.py", "tests.test_a.TestB", "test_c[<X object at 0x7f31c2>]")
    'tests.test_a.TestB::test_c[<X object at 0x*>]'
    >>> stable_id("src/cart.test.ts", "cart", "adds")
    'src/cart.test.ts::cart::adds'
    """
    return _prefix(file, group, root) + _masked(name)


def stable_ids(files: pa.Array, groups: pa.Array, names: pa.Array, *, root: Path | None = None) -> pa.Array:
    """Return the ids of many test cases, in order, as :func:`stable_id` for each; all arrays are large strings.

    Only ``names`` must be without nulls.
    """
    file, group = (values.dictionary_encode(null_encoding="encode") for values in (files, groups))
    kinds = len(group.dictionary)
    pairs = file.indices.to_numpy().astype("int64") * kinds + group.indices.to_numpy()
    distinct, which = np.unique(pairs, return_inverse=True)
    known_files, known_groups = file.dictionary.to_pylist(), group.dictionary.to_pylist()
    prefixes = [_prefix(known_files[pair // kinds], known_groups[pair % kinds], root) for pair in distinct.tolist()]
    prefix = pa.array(prefixes, pa.large_string()).take(pa.array(which))
    return pc.binary_join_element_wise(prefix, _all_masked(names), pa.scalar("", pa.large_string()))


def _all_masked(names: pa.Array) -> pa.Array:
    may_change = pc.not_equal(pc.binary_length(pc.utf8_trim_whitespace(names)), pc.binary_length(names))
    if _SUSPECT.search(names.buffers()[2].to_pybytes()):
        may_change = pc.or_(may_change, pc.match_substring_regex(names, _SUSPECT_NAME))
    if not may_change.true_count:
        return names
    masked = [_masked(name) for name in names.filter(may_change).to_pylist()]
    return pc.replace_with_mask(names, may_change, pa.array(masked, pa.large_string()))


def _masked(name: str) -> str:
    name = name.strip()
    for pattern, mask in _VOLATILE:
        name = pattern.sub(mask, name)
    return name


@functools.lru_cache(maxsize=4096)
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
