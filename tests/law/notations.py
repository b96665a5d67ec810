"""What the law needs to know of a format: how a report of it is written, what carries a result, how a failure reads."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

__all__ = ["BAD", "Notation", "Result", "counted", "edited", "results", "worse"]

BAD = ("fail", "error")


@dataclass(frozen=True)
class Result:
    """One unit of evidence: a test case, a finding's file, a request; ``group`` is what holds several of them."""

    group: str
    name: str
    status: str = "pass"


Write = Callable[[Sequence[Result]], str]
Edit = Callable[[str], str]


@dataclass(frozen=True)
class Notation:
    """A format as the law sees it.

    Attributes
    ----------
    form : str
        The ``FORMAT`` of its reader.
    shape : str
        ``xml``, ``json`` or ``lines``: how parts of it are taken away.
    write : callable
        A report of these results, with every header that the tool writes.
    carrier : str
        An expression over the text of a report; each match carries a result, its first group names whose.
    statuses : tuple of str
        The results that it can tell apart.
    failures : mapping
        Further ways to write down that something failed: their name -> what they make of a report.
    open_end : bool
        The format has no last word, so at its end only results that are gone count.
    endless : bool
        It lists what happened and counts nothing: what is gone at its end never happened, for all that anyone can say.
    fails_before : bool
        A baseline may hold what fails already.
    proves : bool
        Equal reports of it are STABLE: it holds more than totals.
    many : bool
        A name has many results; losing one of them is no gap that anyone can see, losing more than half of them is.
    found : str
        An expression for what a scan found; where it matches less often, something was mended, for all one can say.
    """

    form: str
    shape: str
    write: Write
    carrier: str
    statuses: tuple[str, ...] = ("pass", "fail", "error", "skip")
    failures: Mapping[str, Edit] = field(default_factory=dict)
    open_end: bool = False
    endless: bool = False
    fails_before: bool = True
    proves: bool = True
    many: bool = False
    found: str = r"(?!)"

    def carried(self, text: str) -> Counter[str]:
        """Return how many results of each name a text carries."""
        return Counter(re.findall(self.carrier, text))

    def mended(self, before: str, after: str) -> bool:
        """Say whether a scan lists fewer findings than before."""
        return len(re.findall(self.found, after)) < len(re.findall(self.found, before))


def results(draw: random.Random, notation: Notation) -> list[Result]:
    """Return results of one group or several: most pass, some were skipped, a few are known to fail."""
    groups, each = (2, 2) if notation.many else (3, 4)
    found: list[Result] = []
    for group in range(draw.randint(1, groups)):
        for _ in range(draw.randint(1, each)):
            others = ("skip", "fail") if notation.fails_before else ()
            weighed = ["pass"] * 6 + [status for status in others if status in notation.statuses]
            found.append(Result(f"group_{group}", f"case_{len(found)}", draw.choice(weighed)))
    if all(result.status != "pass" for result in found):
        found[0] = replace(found[0], status="pass")
    return found


def worse(draw: random.Random, notation: Notation, found: Sequence[Result]) -> list[Result]:
    """Return the results with a failure more: a case that passed fails, or one that is new does.

    A new one stands beside another of its group: between two others it would part them, and a report that lost it again
    would still not be the one that never had it.
    """
    status = draw.choice([status for status in BAD if status in notation.statuses])
    changed = list(found)
    if draw.randrange(3) == 0:
        place = draw.randrange(len(found))
        changed.insert(place + draw.randrange(2), Result(found[place].group, "case_new", status))
        return changed
    place = draw.choice([number for number, result in enumerate(found) if result.status == "pass"])
    changed[place] = replace(changed[place], status=status)
    return changed


def edited(pattern: str, change: str | Callable[[re.Match[str]], str], *, last: bool = False) -> Edit:
    """Return an edit that replaces the first match of an expression, or the last; a report without one stays."""

    def edit(text: str) -> str:
        matches = list(re.finditer(pattern, text))
        if not matches:
            return text
        match = matches[-1 if last else 0]
        new = change(match) if callable(change) else match.expand(change)
        return text[: match.start()] + new + text[match.end() :]

    return edit


def counted(name: str, *, shape: str = "xml", last: bool = False) -> Edit:
    """Return an edit by which a header claims one more of what it counts under a name."""
    pattern = rf'( {name}=")(\d+)(")' if shape == "xml" else rf'("{name}": )(\d+)()'
    return edited(pattern, lambda match: f"{match[1]}{int(match[2]) + 1}{match[3]}", last=last)
