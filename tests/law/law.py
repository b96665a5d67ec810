"""The law: whatever is taken away from a candidate's evidence, or added to it as a failure, its verdict is not greener.

In full, for a baseline that stays as it is and a candidate that changes:

1. A candidate that is **not STABLE** does not become STABLE by losing anything: not by an element, an attribute, an
   entry, a key, a line, a file, nor by the end of a file. REGRESSED may become INCONCLUSIVE, for what proved it may
   be what was lost. Where it lost all that it had beyond the baseline, and is the report of a candidate that never had
   it, no reader can tell.
2. A candidate that is **STABLE** does not stay so when it loses a result that the baseline has, or when a file of a
   format that has a last word ends before it. It may stay so when what it lost carries no result: a property, a
   duration, white space, a test that was skipped.
3. A candidate that is **STABLE** does not stay so when a failure is added to it in any notation: a case that fails, a
   new one that does, a failure of a suite or of the run, a count of failures that no case carries, a tool's own word
   that it did not succeed.
4. A candidate that is **REGRESSED** stays so when a failure is added.

A finding that is gone was mended, for all that anyone can say, where the scan still says that it looked: for scans the
results of the first two points are what was looked at (runs, files), not what was found. Of requests a few may be gone
without anyone's knowing, unless the file counts them; more than half of an endpoint's may not.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

from tests.law.damage import cut, said, without_part
from tests.law.judging import Files, Judge
from tests.law.notations import BAD, Notation, Result, results, worse

__all__ = ["SHAPES", "Example", "broken", "example"]

SHAPES = 16
"""Baselines of a format that candidates are compared with: many changes of few reports find more than the reverse."""


@dataclass(frozen=True)
class Example:
    """A baseline, a candidate, and what became of the candidate.

    Attributes
    ----------
    what : str
        What was done, in words.
    carries : bool
        What was taken away carried a result, or what was added is a failure.
    added : bool
        Something was added, not taken away.
    mended : bool
        A scan lists fewer findings than it did, or the report is that of the baseline: the first point does not speak
        of it.
    """

    before: Files
    after: Files
    changed: Files
    what: str
    carries: bool
    added: bool = False
    mended: bool = False


def example(notation: Notation, draw: random.Random) -> Example:
    """Return a candidate of a format, equal to its baseline or worse, and a change that must not make it greener."""
    known = results(random.Random(draw.randrange(SHAPES)), notation)
    name = f"report.{'xml' if notation.shape == 'xml' else 'json'}"
    before, same = notation.write(known) + "\n", notation.write(known)
    failing = worse(draw, notation, known)
    if draw.randrange(3) == 0:  # a candidate that is worse already
        after = notation.write(failing)
        return _less(notation, draw, {name: before}, name, after, known)
    if draw.randrange(3) == 0:
        return _more(notation, draw, {name: before}, name, same, known)
    return _less(notation, draw, {name: before}, name, same, known)


def _more(
    notation: Notation, draw: random.Random, before: Files, name: str, after: str, known: list[Result]
) -> Example:
    way = draw.choice(["a result", *notation.failures])
    changed = notation.write(worse(draw, notation, known)) if way == "a result" else notation.failures[way](after)
    return Example(before, {name: after}, {name: changed}, f"added: {way}", changed != after, added=True)


def _less(
    notation: Notation, draw: random.Random, before: Files, name: str, after: str, known: list[Result]
) -> Example:
    if draw.randrange(4) == 0:
        left = cut(after, draw)
        lost = not notation.open_end or _lost(notation, after, left, known)
        never = notation.endless and notation.mended(after, left)
        return Example(before, {name: after}, {name: left}, "cut off", lost, mended=never)
    left = without_part(after, notation.shape, draw)
    mended = notation.mended(after, left) or _says_no_more(notation, left, known)
    return Example(before, {name: after}, {name: left}, "without a part", _lost(notation, after, left, known),
                   mended=mended)  # fmt: skip


def _says_no_more(notation: Notation, left: str, known: list[Result]) -> bool:
    """Say whether a report is that of the baseline; of lines also one with all its results and no other line."""
    whole = notation.write(known)
    if said(left, notation.shape) == said(whole, notation.shape):
        return True
    lines, rest = (Counter(text.splitlines()) for text in (whole, left))
    return notation.shape == "lines" and rest <= lines and notation.carried(left) == notation.carried(whole)


def _lost(notation: Notation, before: str, after: str, known: list[Result]) -> bool:
    """Say whether a result that was there is gone.

    A test that was skipped carries none; one that failed already and now has no result is no better than it was.
    """
    of = {result.name: result.status for result in known}
    had, has = notation.carried(before), notation.carried(after)
    if notation.many:
        return any(2 * has[name] < times for name, times in had.items())
    gone = had - has
    return any(of.get(name) != "skip" and not (of.get(name) in BAD and name in after) for name in gone)


def broken(example_: Example, judge: Judge) -> str | None:
    """Return how an example breaks the law; None where it keeps it."""
    base = judge.verdict(example_.before, example_.after)
    if (example_.mended and base != "stable") or (base == "stable" and not example_.carries):
        return None  # whatever is said of it now, the law has nothing to say
    now = judge.verdict(example_.before, example_.changed)
    if base != "stable" and now == "stable" and not example_.mended:
        return f"{example_.what}: {base} became stable"
    if base == "stable" and now == "stable" and example_.carries:
        return f"{example_.what}: still stable"
    if example_.added and base == "regressed" and now != "regressed":
        return f"{example_.what}: regressed became {now}"
    return None
