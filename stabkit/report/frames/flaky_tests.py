"""How flaky each test of one's own frame is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from stabkit.analyze import records, to_json
from stabkit.analyze.tests import flakiness as measures_of
from stabkit.numbers import amount_text, percent
from stabkit.report.display import Column, Group, Piece, Statement, Table
from stabkit.report.frames.result import FrameResult
from stabkit.report.words import sentence
from stabkit.text import count, plain

__all__ = ["FlakinessResult", "flakiness"]

_SHOWN: Final = 20
_COLUMNS: Final = (
    Column("test", "Test", "head"),
    Column("recoveries", "Recovered in a rerun", "number"),
    Column("disagreements", "Both at one commit", "number"),
    Column("flips", "Flips [95 %]", "number"),
    Column("n", "Results", "number"),
)


@dataclass(frozen=True, eq=False, repr=False)
class FlakinessResult(FrameResult):
    """The measures of flakiness of every test.

    Attributes
    ----------
    frame : DataFrame
        One row a test, the most flaky first, as :func:`stabkit.analyze.tests.flakiness` has it.
    tests, runs : DataFrame
        What it was computed of.
    """

    frame: pd.DataFrame
    tests: pd.DataFrame
    runs: pd.DataFrame

    @property
    def flaky(self) -> list[str]:
        """The tests with strong evidence: they recovered in a rerun, or were good and bad at one commit."""
        strong = (self.frame["recoveries"] > 0) | (self.frame["disagreements"] > 0)
        return list(self.frame.loc[strong, "test_id"])

    @property
    def shown(self) -> Piece:
        """The result as a display object: the tests with any sign of it."""
        signs = self.frame[self.frame[["recoveries", "disagreements", "flips"]].sum(axis=1) > 0]
        few = int((~self.frame["enough"]).sum())
        said = [sentence(f"{count(len(self.flaky), 'test is', 'tests are')} flaky for sure, of {len(self.frame)}")]
        said += [sentence(f"{count(few, 'test has', 'tests have')} fewer than ten results")] if few else []
        lead = Statement(tuple(said))
        if signs.empty:
            return lead
        rows = tuple(
            {
                "test": (plain(row["test_id"]), plain(row["suite"])),
                "recoveries": f"{row['recoveries']} of {amount_text(row['n'])}",
                "disagreements": f"{row['disagreements']} of {amount_text(row['commits'])}",
                "flips": None
                if pd.isna(row["flip_rate"])
                else f"{percent(row['flip_rate'])} [{percent(row['flip_low'])}, {percent(row['flip_high'])}]",
                "n": amount_text(row["n"]),
            }
            for row in signs.to_dict("records")
        )
        caption = "Signs of flakiness, the strongest first"
        return Group((lead, Table(_COLUMNS, rows, caption, records=tuple(records(signs)), limit=_SHOWN)))

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the frame: a row a test, the most flaky first."""
        return self.frame.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return the whole result as plain JSON values."""
        return {"flaky": self.flaky, "tests": to_json(list(records(self.frame)))}


def flakiness(tests: pd.DataFrame, runs: pd.DataFrame) -> FlakinessResult:
    """Return how flaky every test is: recovery and disagreement are strong evidence, flips are weak.

    Parameters
    ----------
    tests, runs : DataFrame
        Tables ``tests`` and ``runs``, as ``store.tests()`` and ``store.runs()`` give them. Suites are kept apart, and
        so are branches and environments; tests of runs that are not in ``runs`` do not count.

    Returns
    -------
    FlakinessResult
        Its frame has every measure with n and Wilson's 95 % bounds. A run in which most of a suite failed is set
        aside: a full disk tells of no test.

    Raises
    ------
    SchemaError
        A frame breaks its table's contract.

    Examples
    --------
    >>> import stabkit
    >>> store = stabkit.open("data/sample")
    >>> result = flakiness(store.tests(), store.runs())
    >>> result.flaky == list(result.to_frame()["test_id"][: len(result.flaky)])
    True
    """
    return FlakinessResult(measures_of(tests, runs), tests, runs)
