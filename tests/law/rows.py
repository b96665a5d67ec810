"""Results that share one id: data rows, browsers and hosts of a test whose notation does not tell them apart."""

from __future__ import annotations

import random

from tests.law.law import Example
from tests.law.notations import Notation, Result

__all__ = ["row_examples"]


def row_examples(notation: Notation, draw: random.Random) -> list[Example]:
    """Return a test of several rows, one of which is gone, fails too, or is all that is left."""
    rows = [Result("group_0", "case_0", "fail")] + [Result("group_0", "case_0")] * draw.randint(2, 4)
    others = [Result("group_0", "case_1")]
    before = {"report": f"{notation.write([*rows, *others])}\n"}
    after = {"report": notation.write([*rows, *others])}
    passing = [row for row in rows if row.status == "pass"]
    changes = {
        "a row is gone": [*rows[:-1], *others],
        "the row that failed is gone": [*passing, *others],
        "one row is left": [rows[0], *others],
        "a second row fails": [rows[0], rows[0], *rows[2:], *others],
    }
    return [Example(before, after, {"report": notation.write(found)}, what, True) for what, found in changes.items()]
