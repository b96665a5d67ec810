"""Plain cases of a JUnit report in bulk: taken out before the parser reads it, a mark left in their place.

A plain case is an element without content whose attributes stand in double quotes and hold printable ASCII alone, no
``<`` and no ``&``. Such a text is well-formed wherever an element may stand, and says the same to every parser. Whether
an element may stand there, only the parser knows: the text may be part of a comment, a CDATA section or a failure. So
a run of plain cases becomes a processing instruction of a secret name, and only where the parser reports it in a suite
do the cases count, in that place. The start of a case that has content, if plain, is left with the secret name as its
only attribute. In any other event nothing of it is believed (:class:`NotPlain`), and the report has to be read once
more with every case left in.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stabkit.read.tests._parts.case_columns import TEXT

__all__ = ["NotPlain", "PlainCases", "interleaved"]

_SPACE: Final = "[ \t\r\n]"
_CASE: Final = rf'\A<testcase(?:{_SPACE}+[A-Za-z_][A-Za-z0-9_.-]*="[ !#-%\x27-;=-~]*")+{_SPACE}*'
# From one "<" to the next. RE2 takes time linear in the text, whatever it holds.
_EMPTY: Final = rf"{_CASE}/>{_SPACE}*\z"
_OPENED: Final = rf"{_CASE}>{_SPACE}*\z"
_CLOSED: Final = rf"\A</testcase{_SPACE}*>{_SPACE}*\z"

_Integers = np.ndarray[Any, np.dtype[np.int64]]
_Booleans = np.ndarray[Any, np.dtype[np.bool_]]


class NotPlain(Exception):  # noqa: N818 - no fault of the report: it has to be read the other way
    """What was taken out of a report cannot be believed to be cases."""


class PlainCases:
    """The plain cases of one report, in document order, from their being taken out to their being columns."""

    def __init__(self) -> None:
        self.mark = f"stabkit-{secrets.token_hex(8)}"
        self._taken: list[pa.Array] = []

    def take_out(self, block: bytes) -> bytes:
        """Return a part of a report without its plain cases.

        A run of them leaves ``<?mark number-of-cases?>``, the start of one with content ``<testcase mark="">``.
        """
        begins = np.flatnonzero(np.frombuffer(block, "uint8") == ord("<"))
        tags = _slices(pa.large_binary(), np.append(begins, len(block)), pa.py_buffer(block))
        case, whole = _plain(tags)
        if not case.any():
            return block
        begins = np.append(begins, len(block))
        rest, done = [], 0
        for first, after in _runs(case, whole):
            count = case[first:after].sum()
            mark = f"<?{self.mark} {count}?>" if whole[first] else f'<testcase {self.mark}="">'
            rest += [block[done : begins[first]], mark.encode()]
            done = begins[after]
        self._taken.append(tags.filter(pa.array(case)))
        return b"".join([*rest, block[done:]])

    @property
    def left(self) -> int:
        """How many cases were taken out and not yet claimed."""
        return sum(map(len, self._taken))

    def claim(self, count: int) -> dict[str, pa.Array]:
        """Return the attributes of the next cases as columns by name, null where a case lacks one.

        Raises
        ------
        NotPlain
            A case has an attribute twice, which no parser may accept.
        """
        taken = pa.concat_arrays(self._taken)
        self._taken = [taken[count:]] if len(taken) > count else []
        return _columns(taken[:count])


def _slices(kind: pa.DataType, bounds: _Integers, data: pa.Buffer) -> pa.Array:
    """Return the stretches of a buffer from each bound to the next, without a copy."""
    return pa.Array.from_buffers(kind, len(bounds) - 1, [None, pa.py_buffer(bounds), data])


def _plain(tags: pa.Array) -> tuple[_Booleans, _Booleans]:
    """Return which tags begin a plain case, and which are part of one that ends at once."""
    empty = pc.match_substring_regex(tags, _EMPTY).to_numpy(zero_copy_only=False)
    others = np.flatnonzero(~empty)
    other = tags.take(pa.array(others))
    opened, closing = np.zeros_like(empty), np.zeros_like(empty)
    opened[others] = pc.match_substring_regex(other, _OPENED).to_numpy(zero_copy_only=False)
    closing[others] = pc.match_substring_regex(other, _CLOSED).to_numpy(zero_copy_only=False)
    closing[1:] &= opened[:-1]
    closing[:1] = False
    return empty | opened, empty | closing | np.roll(closing, -1)


def _runs(case: _Booleans, whole: _Booleans) -> list[tuple[int, int]]:
    """Return first tag and end of each run of plain cases that end at once, and of each start of another alone."""
    edges = np.flatnonzero(np.diff(whole, prepend=False, append=False)).tolist()
    starts = np.flatnonzero(case & ~whole)
    return sorted([*zip(edges[::2], edges[1::2], strict=True), *((start, start + 1) for start in starts.tolist())])


def _columns(cases: pa.Array) -> dict[str, pa.Array]:
    _, offsets, data = cases.buffers()
    starts = np.frombuffer(offsets, "int64")[cases.offset :][: len(cases) + 1]
    quotes = np.flatnonzero(np.frombuffer(data, "uint8")[: starts[-1]] == ord('"'))
    quotes = quotes[quotes >= starts[0]]
    first = np.searchsorted(quotes, starts)
    case = np.repeat(np.arange(len(cases)), np.diff(first) // 2)
    # Cut after each quote that opens, before each that closes: '<testcase name="', its value, '" time="', its value,
    # '"/>'. All is ASCII, as _CASE demands.
    cuts = quotes + (np.arange(len(quotes)) % 2 == 0)
    texts = _slices(TEXT, np.append(np.insert(cuts, first[:-1], starts[:-1]), starts[-1]), data)
    places = np.arange(0, len(quotes), 2) + case + 1
    before = texts.take(pa.array(places - 1)).dictionary_encode()
    names = [text[:-2].split()[-1] for text in before.dictionary.to_pylist()]
    which = np.array([names.index(name) for name in names])[before.indices.to_numpy()]
    return {
        name: _column(texts, places[which == number], case[which == number], len(cases))
        for number, name in enumerate(names)
        if names.index(name) == number
    }


def _column(values: pa.Array, places: _Integers, case: _Integers, count: int) -> pa.Array:
    """Return the values at some places as the column of those cases."""
    if not np.diff(case).all():
        raise NotPlain
    if len(case) == count:
        return values.take(pa.array(places))
    chosen = np.full(count, -1)
    chosen[case] = places
    return values.take(pa.array(chosen, mask=chosen < 0))


def interleaved(
    plain: Mapping[str, pa.Array], others: Mapping[str, pa.Array], runs: Sequence[tuple[int, int]], count: int
) -> dict[str, pa.Array]:
    """Return the columns of plain and of ``count`` other cases as one, in document order.

    ``runs`` says of each run of plain cases how many others came before it, and how many cases it holds.
    """
    before, lengths = np.array(runs).T
    within = int(lengths.sum())
    order = np.full(within + count, -1)
    order[np.repeat(before, lengths) + np.arange(within)] = np.arange(within)
    order[order < 0] = np.arange(within, within + count)
    none, no_other = pa.nulls(within, TEXT), pa.nulls(count, TEXT)
    return {
        key: pa.concat_arrays([plain.get(key, none), others.get(key, no_other)]).take(pa.array(order))
        for key in dict.fromkeys([*plain, *others])
    }
