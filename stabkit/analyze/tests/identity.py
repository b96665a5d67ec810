"""What tells results of one id apart: the browser, the host, the job that wrote them, or merely how many there are.

A test that runs in two browsers has two results, and so has a row of data whose values its reporter leaves out of the
name. One id may therefore stand for several results, on each side; as many as there are have to be compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

import pandas as pd

from stabkit.analyze.rows import unique
from stabkit.analyze.tests.final_attempts import SEVERITY
from stabkit.vocabulary import BAD

__all__ = ["Identity"]

# What a pool of machines calls its members differs from run to run: at-1f3a9c21b7d0, runner-20411, fv-az1203-11.
_MACHINE: Final = re.compile(
    r"[0-9a-f]{8,}|\d{3,}|\d+-\d+|^ip-|^localhost$|^(?:desktop|laptop|win)-(?=[a-z]*\d)[0-9a-z]{7,}$"
    r"|(?:agent|builder|executor|host|machine|pod|runner|slave|vm|worker)[-_ ]?\d+$",
    re.IGNORECASE,
)
# What jobs of a matrix are called after, with its version: py311, windows-2022, jdk1.8.0_292, ios-17-2.
_VERSIONED: Final = re.compile(
    r"(?<![a-z])(?:c?py|python|pypy|node|jdk|java|openjdk|jre|kotlin|scala|ruby|jruby|php|perl|go|rust|net|netcoreapp"
    r"|netstandard|dotnet|mono|gcc|clang|msvc|vs|cuda|chrome|chromium|firefox|safari|webkit|edge|opera|android|api|ios"
    r"|iphone|ipad|pixel|galaxy|windows|ubuntu|debian|fedora|centos|rhel|alpine|macos|osx|postgres|postgresql|pg|mysql"
    r"|mariadb|mongo|mongodb|redis|sqlite|oracle|mssql|django|rails|spring|numpy|pandas|torch|tensorflow)"
    r"[-_. ]?v?\d{1,4}(?:[-._]\d{1,3})*(?![0-9a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Identity:
    """How the results of ids that stand for several are named, alike on both sides and in earlier runs.

    Attributes
    ----------
    shared : frozenset of str
        Ids that stand for several results in any of the runs.
    variants : frozenset of str
        What the reports say of them that tells them apart on both sides; empty where it says nothing useful.
    depth : int
        Trailing parts of a report's path that tell reports apart; 0 where paths say nothing useful.
    """

    shared: frozenset[str] = frozenset()
    variants: frozenset[str] = frozenset()
    depth: int = 0

    @classmethod
    def of(cls, sides: Sequence[pd.DataFrame]) -> Identity:
        """Learn it from the rows of the table ``tests`` of both sides, of one run each.

        Notes
        -----
        A name that only one side knows tells nothing apart where it looks like a machine's, nor where no name is
        common to both: results are then compared by their number alone.
        """
        shared: frozenset[str] = frozenset().union(*(_shared(tests) for tests in sides))
        if not shared:
            return cls()
        own = [tests[tests["test_id"].isin(shared)] for tests in sides]
        variants = _common_names([set(_variants(tests).dropna()) for tests in own])
        return cls(shared, variants, _depth([_sources(tests) for tests in own]))

    def named(self, tests: pd.DataFrame) -> pd.DataFrame:
        """Return rows of the table ``tests``, each result of a shared id under an id of its own.

        The id is followed by what tells the result apart, as ``[webkit]``, and by a number from the second of those
        that are alike: the worst comes first, so that as many as fail more than before are those that broke, and what
        is left over on the longer side is what came or went.
        """
        if not self.shared:
            return tests
        results = self._results(tests)
        if results.empty:
            return tests
        ids = tests["test_id"].astype("object")
        ids.loc[results.index] = results["test_id"]
        return tests.assign(test_id=ids.astype("str"))

    def surplus(self, baseline: pd.DataFrame, candidate: pd.DataFrame) -> frozenset[str]:
        """Return the ids, as :meth:`named` has them, of results beyond those that the baseline has of the same kind.

        Both are rows as they came, not yet named. An id that the baseline does not hold at all has no surplus.
        """
        if not self.shared:
            return frozenset()
        before, after = self._results(baseline), self._results(candidate)
        if before.empty or after.empty:
            return frozenset()
        held = after["kind"].map(before.groupby("kind")["number"].max()).astype("float64")
        return frozenset(after.loc[after["number"] > held, "test_id"])

    def gone(self, baseline: pd.DataFrame, candidate: pd.DataFrame) -> dict[str, str]:
        """Return the results of the browsers, hosts and reports that the candidate lacks altogether, each with its one.

        Both are rows as they came; results are called as :meth:`named` has them.
        """
        if not self.shared or candidate.empty:
            return {}
        ids = self.named(baseline)["test_id"]
        found: dict[str, str] = {}
        for before, after in zip(self._holders(baseline), self._holders(candidate), strict=True):
            lost = set(before.dropna()) - set(after.dropna())
            gone = before.isin(lost)
            found |= dict(zip(ids[gone], before[gone], strict=True))
        return found

    def _results(self, tests: pd.DataFrame) -> pd.DataFrame:
        """Return, of the rows of shared ids, what kind of result each is of, its number among them, and its id."""
        rows = tests[tests["test_id"].isin(self.shared)]
        if rows.empty:
            return pd.DataFrame({"kind": "", "number": pd.Series(dtype="int64"), "test_id": ""}, index=rows.index)
        label = self._label(rows)
        kind = rows["test_id"].astype("object") + label
        runs = rows["run_id"].fillna("") if "run_id" in rows else pd.Series("", index=rows.index)
        groups = [runs, rows["suite"], rows["test_id"], label]
        number = _numbers(rows, groups, _chains(rows, groups))
        return pd.DataFrame(
            {"kind": kind, "number": number, "test_id": kind.where(number == 1, kind + " #" + number.astype(str))}
        )

    def _holders(self, rows: pd.DataFrame) -> list[pd.Series]:
        """Return what tells the results of several apart: the variant, and the report where reports do."""
        known = _variants(rows)
        parts = [known.where(known.isin(self.variants))]
        if self.depth:
            parts.append(rows["source"].map(lambda path: _tail(path, self.depth), na_action="ignore"))
        return parts

    def _label(self, rows: pd.DataFrame) -> pd.Series:
        found = pd.Series("", index=rows.index, dtype="object")
        for part in self._holders(rows):
            found = found + [f" [{text}]" if isinstance(text, str) else "" for text in part]
        return found


def _shared(tests: pd.DataFrame) -> frozenset[str]:
    """Return the ids that stand for several results within one suite of a run."""
    if unique(tests["test_id"]):
        return frozenset()
    key = [name for name in ("run_id", "suite", "test_id", "attempt") if name in tests]
    return frozenset(tests.loc[tests.duplicated(key), "test_id"])


def _variants(tests: pd.DataFrame) -> pd.Series:
    return tests["variant"] if "variant" in tests else pd.Series(None, index=tests.index, dtype="object")


def _common_names(runs: Sequence[set[str]]) -> frozenset[str]:
    held = Counter(name for run in runs for name in run)
    rare = [name for name, times in held.items() if times < len(runs)]
    nothing_common = len(runs) > 1 and max(held.values(), default=0) < 2
    if len(held) < 2 or nothing_common or (rare and all(map(_is_machine, rare))):
        return frozenset()
    return frozenset(held)


def _is_machine(name: str) -> bool:
    """Say whether a name looks like one of a pool's, beside the versions that jobs are called after."""
    return _MACHINE.search(_VERSIONED.sub("", name)) is not None


def _sources(tests: pd.DataFrame) -> set[str]:
    """Return the reports of one run; none where reruns wrote reports of their own, which say nothing of the first."""
    if "source" not in tests:
        return set()
    paths = tests["source"].dropna()
    first = set(paths[tests["attempt"] == 1])
    return first if first == set(paths) else set()


def _depth(runs: Sequence[Collection[str]]) -> int:
    """Return how many trailing parts tell the paths of each run apart; 0 where nothing is to be told, or in common."""
    longest = max((len(_parts(path)) for run in runs for path in run), default=0)
    if all(len(run) < 2 for run in runs):
        return 0
    for depth in range(1, longest + 1):
        tails = [{_tail(path, depth) for path in run} for run in runs]
        if all(len(own) == len(run) for own, run in zip(tails, runs, strict=True)):
            common = len(runs) == 1 or max(Counter(tail for own in tails for tail in own).values()) > 1
            return depth if common else 0
    return 0


def _parts(path: str) -> tuple[str, ...]:
    return PurePosixPath(path.replace("\\", "/")).parts


def _tail(path: str, depth: int) -> str:
    return "/".join(_parts(path)[-depth:])


def _chains(rows: pd.DataFrame, groups: Sequence[pd.Series]) -> pd.Series:
    """Return which attempts belong together: of each attempt as many are superseded as the next one has rows.

    Failures come first and the mildest of them first, as :func:`.deciding_attempts` supersedes them.
    """
    severity = rows["status"].map(SEVERITY).astype("int64")
    order = severity.where(rows["status"].isin(BAD), severity + len(SEVERITY))
    keys = pd.concat([*groups, rows["attempt"], order], axis=1, keys=range(len(groups) + 2))
    each = list(keys.columns[:-1])
    # The order of the rows says nothing: what is alike in its status is told apart by all else that is known of it.
    for name in ("fresh_process", "message", "time_s", "source"):
        if name in rows:
            keys[name] = rows[name].astype("object").map(str)
    keys = keys.sort_values(list(keys.columns), kind="stable")
    place = keys.groupby(each, dropna=False, sort=False).cumcount()
    return place.reindex(rows.index)


def _numbers(rows: pd.DataFrame, groups: Sequence[pd.Series], chain: pd.Series) -> pd.Series:
    """Return the number of each result among those that are alike, from 1, the worst result first."""
    keys = pd.concat([*groups, chain], axis=1, keys=range(len(groups) + 1))
    last = rows["attempt"] == rows["attempt"].groupby([keys[name] for name in keys], dropna=False).transform("max")
    final = (
        rows["status"].map(SEVERITY).where(last).groupby([keys[name] for name in keys], dropna=False).transform("max")
    )
    ranked = keys.assign(final=final).drop_duplicates()
    names = list(keys.columns)
    ranked = ranked.sort_values([*names[:-1], "final", names[-1]], ascending=[*[True] * len(groups), False, True])
    ranked["number"] = ranked.groupby(names[:-1], dropna=False, sort=False).cumcount() + 1
    joined = keys.merge(ranked, on=names, how="left")
    return pd.Series(joined["number"].to_numpy(), index=rows.index)
