"""Test trends: whether the tests keep passing, which are unstable, and which became slower."""

from __future__ import annotations

from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.analyze.history import beyond_resolution, replayed_changes
from stabkit.analyze.tests import flakiness, mass_failures, pass_history, renamed, test_results
from stabkit.case import load_history
from stabkit.config import Config
from stabkit.errors import UsageError, nearest
from stabkit.numbers import amount_text, duration, moment, percent
from stabkit.report.arguments import store_by_name
from stabkit.report.display import Column, Fold, Group, NoEvidence, Piece, Statement, Subject, Table
from stabkit.report.sections import history_subject, map_figure, not_passing_figure, suite_figure
from stabkit.report.words import sentence, set_change_text
from stabkit.text import count, joined, plain, verb

__all__ = ["TestTrends", "test_trends"]

SHOWN_TESTS = 20
SHOWN_RUNS = 10
_BROKEN_AND_MENDED: Final = 2
_TOO_FEW: Final = "too few runs"


@store_by_name("suite", "last")
def test_trends(  # a public function, no test
    *,
    data: str | Path | None = None,  # noqa: PT028
    config: str | Path | Config | None = None,  # noqa: PT028
    suite: str | None = None,  # noqa: PT028
    last: int | None = None,  # noqa: PT028
) -> TestTrends:
    """Return the history of the tests in a store.

    Parameters
    ----------
    data, config : optional
        Store and configuration, as :func:`stabkit.report.stability.stability_report` takes them; its ``test_aliases``
        keep the history of renamed tests.
    suite : str, optional
        One suite; None or empty: all.
    last : int, optional
        Only that many newest runs; None or 0: all of them.

    Raises
    ------
    UsageError
        No such suite; names the nearest. Or ``last`` is negative, or the store is not given by name.
    StoreError, ConfigError
        There is no store, or the configuration is wrong.

    Examples
    --------
    >>> test_trends(data="data/sample", last=2).runs["label"].tolist()
    ['v1.4', 'v1.5']
    """
    if last is not None and last < 0:
        raise UsageError(f"The number of runs is {last}.", where="last", hint="Give 0 for all runs, or more.")
    stored = load_history("tests", data=data, config=config, last=last)
    tests = renamed(stored.evidence["tests"], stored.config.test_aliases)
    known = sorted(set(tests["suite"]))
    if suite and suite not in known:
        guess = nearest(suite, known)
        hint = f"Did you mean {guess!r}?" if guess else f"Known: {', '.join(known) or 'none'}."
        raise UsageError(f"No suite {suite!r}.", where="test_trends", hint=hint)
    return TestTrends(
        tests[tests["suite"] == suite] if suite else tests,
        stored.runs,
        stored.again.collect,
        subject=history_subject(stored.runs, stored.config),
    )


# pytest collects imported functions called test_*; this is no test.
test_trends.__test__ = False  # type: ignore[attr-defined]


class TestTrends:
    """The tests of a store over its runs.

    Attributes
    ----------
    tests, runs : DataFrame
        The evidence it speaks of.
    collect : str
        The command that gathers more of it.
    subject : Subject, optional
        Whose runs these are, for the head of a page.
    """

    __test__ = False

    def __init__(
        self,
        tests: pd.DataFrame,
        runs: pd.DataFrame,
        collect: str | None = "stabkit collect",
        *,
        subject: Subject | None = None,
    ) -> None:
        self.collect = collect
        self.subject = subject
        self.tests = tests.reset_index(drop=True)
        self.runs = runs

    @property
    def _missing(self) -> NoEvidence:
        return NoEvidence("test results", self.collect)

    def headline(self) -> Statement:
        """Return the state of the last run with tests, what broke in it, and how many tests are unstable."""
        if self.tests.empty:
            return Statement((self._missing.sentence,), command=self._missing.command, subject=self.subject)
        passed = self._passed
        seen = passed[passed["good"].notna()]
        now = seen.iloc[-1]
        good, judged = int(now["good"]), int(now["good"]) + int(now["bad"])
        found = [sentence(f"{good} of {count(judged, 'test')} passed in {plain(now['label'] or now['run_id'])}")]
        if len(seen) > 1:
            before = seen.iloc[-2]
            turn = int(now["bad"]) - int(before["bad"])
            change = (
                "as many failures as"
                if turn == 0
                else f"{count(abs(turn), 'failure')} {'more' if turn > 0 else 'fewer'} than"
            )
            if turn or now["bad"]:
                found.append(sentence(f"{change} in the run before"))
        found += filter(None, [self._size_text(seen)])
        unstable = self._unstable
        if len(unstable):
            amount = f"{count(len(unstable), 'test')} {verb('was', len(unstable))}"
            found.append(sentence(f"{amount} unstable: {joined(map(self._named, unstable['test_id']))}"))
        else:
            found.append("No test was unstable.")
        return Statement(tuple(found), subject=self.subject)

    @staticmethod
    def _size_text(seen: pd.DataFrame) -> str:
        """Say by how much the suite grew or shrank since the first run; nothing where it did not."""
        sizes = (seen["good"] + seen["bad"] + seen["skipped"]).astype(int)
        first, last = int(sizes.iloc[0]), int(sizes.iloc[-1])
        if first == last:
            return ""
        since = seen.iloc[0]
        way = "grew" if last > first else "shrank"
        began = plain(since["label"] or since["run_id"])
        return sentence(f"the suite {way} from {amount_text(first)} to {count(last, 'test')} since {began}")

    def _named(self, test: str) -> str:
        return f"{plain(test)} (not run any more)" if test in self._gone else plain(test)

    @cached_property
    def _gone(self) -> frozenset[str]:
        """The tests that the newest run with tests does not know."""
        ran = set(self.tests["run_id"])
        last = next(run for run in reversed(self.runs["run_id"].tolist()) if run in ran)
        return frozenset(self.tests["test_id"]) - set(self.tests.loc[self.tests["run_id"] == last, "test_id"])

    @cached_property
    def _passed(self) -> pd.DataFrame:
        return pass_history(self.tests, self.runs)

    @cached_property
    def _unstable(self) -> pd.DataFrame:
        frame = flakiness(self.tests, self.runs)
        # Two flips are a break and its repair.
        return frame[(frame["recoveries"] > 0) | (frame["disagreements"] > 0) | (frame["flips"] > _BROKEN_AND_MENDED)]

    def suite(self) -> Piece:
        """Return how many tests there are, run by run, and beside it those that did not pass."""
        if self.tests.empty:
            return self._missing
        return Group((suite_figure(self._passed), not_passing_figure(self._passed)))

    def not_passing(self) -> Piece:
        """Return failed, flaky and skipped tests, run by run."""
        return not_passing_figure(self._passed) if len(self.tests) else self._missing

    def history(self) -> Piece:
        """Return the pass history as a table, newest first; a change of the test set breaks the line and says so."""
        if self.tests.empty:
            return self._missing
        frame = self._passed.iloc[::-1]
        rows = tuple(_history_row(row) for row in frame.to_dict("records"))
        columns = (
            Column("run", "Run", "head"),
            Column("passed", "Passed", "number"),
            Column("failed", "Failed", "number"),
            Column("skipped", "Skipped", "number", phone=False),
            Column("flaky", "Flaky", "number"),
            Column("note", "Change of the test set"),
        )
        # The newest run, and those of which there is something to say; the figures above show all of them.
        told = [row for place, row in enumerate(rows) if place == 0 or _speaks(row)]
        caption = "The newest run, and those in which tests failed, were flaky, or came and went"
        shown = Table(columns, tuple(told[:SHOWN_RUNS]), caption)
        if len(rows) <= len(told) <= SHOWN_RUNS:
            return shown
        every = Table(columns, rows, "Tests run by run, newest first")
        return Group((shown, Fold((every,), summary=f"All {count(len(rows), 'run')}")))

    def map(self) -> Piece:
        """Return the least stable tests by run."""
        if self.tests.empty:
            return self._missing
        figure = map_figure(self.tests, self.runs, limit=40)
        return figure if figure is not None else Statement(("Every test passed in every run.",), quiet=True)

    def flakiness(self) -> Piece:
        """Return the least stable tests with each measure, its n and its interval; too few runs say so."""
        if self.tests.empty:
            return self._missing
        frame = self._unstable
        mass = mass_failures(self.tests, self.runs)
        pieces: list[Piece] = []
        if len(mass):
            names = joined((_mass_text(row) for row in mass.to_dict("records")), most=SHOWN_TESTS)
            pieces.append(Statement((sentence(f"left out, since more than 80 % of a suite failed: {names}"),)))
        if frame.empty:
            none = "No test recovered, disagreed with itself, or broke twice."
            return Group((*pieces, Statement((none,)))) if pieces else Statement((none,), quiet=True)
        columns = (
            Column("test", "Test", "head"),
            Column("recovery", "Recovered", "number"),
            Column("disagreement", "Disagreed", "number"),
            Column("entropy", "Entropy", "number", phone=False),
            Column("flips", "Flips", "number"),
            Column("smoothed", "Recent flips", "number", phone=False),
            Column("n", "n", "number"),
        )
        rows = tuple(_flaky_row(row, gone=row["test_id"] in self._gone) for row in frame.to_dict("records"))
        records = tuple({**row, "note": None if row["enough"] else _TOO_FEW} for row in frame.to_dict("records"))
        caption = (
            "Unstable tests, most flaky first, with 95 % intervals: recovered within a run, disagreed at one commit "
            "and by how much, flipped between runs, and that with the newest counting most"
        )
        return Group((*pieces, Table(columns, rows, caption, records=records, limit=SHOWN_TESTS)))

    def durations(self) -> Piece:
        """Return the tests whose duration changed level, slowest growth first."""
        if self.tests.empty:
            return self._missing
        times = self._times()
        found = []
        for test, values in times.items():
            series = values.to_numpy()
            # JUnit writes whole milliseconds: a level that moves by one of them may not have moved at all.
            confirmed = filter(attrgetter("confirmed"), replayed_changes(series))
            for change in beyond_resolution(confirmed, series):
                label = self.runs["label"].iloc[change.index]
                run = label if pd.notna(label) else self.runs["run_id"].iloc[change.index]
                found.append((change.after / change.before if change.before else 0.0, str(test), change, str(run)))
        if not found:
            told = sentence(f"no change of duration was found in {count(times.shape[1], 'test')}")
            return Statement((told,), quiet=True)
        found.sort(key=lambda entry: (-entry[0], entry[1]))
        rows = tuple(
            {
                "test": plain(test),
                "before": duration(change.before),
                "after": duration(change.after),
                "change": percent(ratio - 1, sign=True),
                "run": plain(run),
                "n": f"{change.runs_before} and {change.runs_after}",
            }
            for ratio, test, change, run in found
        )
        columns = (
            Column("test", "Test", "head"),
            Column("before", "Before", "number"),
            Column("after", "After", "number"),
            Column("change", "Change", "number"),
            Column("run", "Since run"),
            Column("n", "Runs before and after", "number"),
        )
        return Table(columns, rows, "Durations that changed level", limit=SHOWN_TESTS)

    def _times(self) -> pd.DataFrame:
        """One column a test, one row a run, seconds; null where the test did not run."""
        parts = [
            test_results(group).assign(run_id=run)[["run_id", "test_id", "time_s"]]
            for run, group in self.tests.groupby("run_id", sort=False)
        ]
        long = pd.concat(parts, ignore_index=True)
        wide = long.set_index(["run_id", "test_id"])["time_s"].unstack("test_id")  # noqa: PD010 - one value a cell
        return wide.reindex(self.runs["run_id"])


def _history_row(row: dict[str, Any]) -> dict[str, Any]:
    name = plain(row["label"]) if pd.notna(row["label"]) else plain(row["run_id"])
    when = (name, moment(row["started_at"]))
    if pd.isna(row["good"]):
        return {"run": when, "passed": None, "failed": None, "skipped": None, "flaky": None, "note": "no tests"}
    judged = int(row["good"]) + int(row["bad"])
    return {
        "run": when,
        "passed": f"{row['good']}/{judged}",
        "failed": f"{row['bad']}",
        "skipped": f"{row['skipped']}",
        "flaky": f"{row['flaky']}",
        "note": set_change_text(row["tests_added"], row["tests_removed"]),
    }


def _speaks(row: dict[str, Any]) -> bool:
    return bool(row["note"]) or any(row[name] not in (None, "0") for name in ("failed", "flaky"))


def _mass_text(row: dict[str, Any]) -> str:
    run = row["label"] if pd.notna(row["label"]) else row["run_id"]
    return f"{plain(run)} ({row['bad']} of {row['judged']} in {plain(row['suite'])})"


def _flaky_row(row: dict[str, Any], *, gone: bool) -> dict[str, Any]:
    def cell(hits: str, total: str, stem: str, rate: str) -> tuple[str, str] | None:
        if not row[total] or pd.isna(row[rate]):
            return None
        bounds = f"[{percent(row[f'{stem}_low'])}, {percent(row[f'{stem}_high'])}]"
        return f"{row[hits]}/{row[total]}", bounds

    return {
        "test": (plain(row["test_id"]), f"{plain(row['suite'])}{', not run any more' if gone else ''}"),
        "recovery": cell("recoveries", "n", "recovery", "recovery"),
        "disagreement": cell("disagreements", "commits", "disagreement", "disagreement"),
        "entropy": None if pd.isna(row["entropy"]) else f"{row['entropy']:.2f} bit",
        "flips": cell("flips", "runs", "flip", "flip_rate"),
        "smoothed": None if pd.isna(row["smoothed"]) else percent(row["smoothed"]),
        "n": str(row["n"]) if row["enough"] else f"{row['n']}, {_TOO_FEW}",
    }
