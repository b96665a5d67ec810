"""Test cases as a reader finds them, and the ``tests`` rows that they become."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.read.test_ids import UNNAMED, stable_id
from stabkit.read.xml_tree import Element, Soundness
from stabkit.redact import redact_text
from stabkit.schema import Evidence
from stabkit.sources import Status, source_evidence
from stabkit.text import amount, spelt
from stabkit.vocabulary import BAD, STATUS_COUNTS, STATUSES

__all__ = [
    "CUT_TEXTS",
    "TEXT_LIMIT",
    "TWICE",
    "UNCARRIED",
    "Attempt",
    "Case",
    "Report",
    "assembly_name",
    "foreign_content",
    "number",
    "unlisted_failures",
]

TEXT_LIMIT: Final = 64 * 1024
"""Bytes of a failure's text that are kept."""

# What is said of one, and of several.
CUT_TEXTS: Final = (
    f"failure text was cut to {TEXT_LIMIT // 1024} KiB",
    f"failure texts were cut to {TEXT_LIMIT // 1024} KiB",
)
TWICE: Final = (
    "test id occurs more than once without a notation for attempts: the worst counts",
    "test ids occur more than once without a notation for attempts: the worst counts",
)
UNCARRIED: Final = (
    "failure that no case carries became a case named after its suite",
    "failures that no case carries became cases named after their suites",
)
_FRAMEWORK: Final = re.compile(r"net(?:standard|coreapp)?\d[\w.]*(?:-[a-z]+[\d.]*)?", re.IGNORECASE)
# How the counts of headers are called here -> the statuses that they count.
_COUNTED: Final[Mapping[str, tuple[str, ...]]] = {
    "tests": STATUSES,
    **STATUS_COUNTS,
    "failures": STATUS_COUNTS["failed"],
    "failed": tuple(sorted(BAD)),
}


@dataclass(frozen=True)
class Attempt:
    """One try of one test: status, duration in seconds or None, failure text or None."""

    status: str
    time_s: float | None = None
    message: str | None = None


@dataclass
class Case:
    """One test case with its attempts, oldest first; the last is its result."""

    name: str | None
    attempts: list[Attempt]
    group: str | None = None
    file: str | None = None
    suite: str | None = None
    variant: str | None = None

    @property
    def status(self) -> str:
        """The status of the last attempt."""
        return self.attempts[-1].status

    @classmethod
    def of(
        cls, name: str | None, status: str, *, time_s: float | None = None, message: str | None = None, **where: Any
    ) -> Case:
        """Return a case of one attempt."""
        return cls(name, [Attempt(status, time_s, message)], **where)


@dataclass
class Report:
    """What one file holds: its cases, what its header claims, and what has to be said about it.

    Attributes
    ----------
    claimed : dict
        Totals of the header, named as in the reader of JUnit: tests, passed, failures, errors, failed (failures and
        errors in one), skipped.
    unread : str or None
        Why more should follow than the file holds; the source is then partial.
    told : list of int
        Totals of failures that stand deeper than the header: a suite's own, of all suites together.
    """

    cases: list[Case] = field(default_factory=list)
    claimed: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    unread: str | None = None
    told: list[int] = field(default_factory=list)
    status: Status = "ok"
    line: int | None = None
    column: int | None = None
    uncarried: int = 0

    @classmethod
    def of(cls, sound: Soundness) -> Report:
        """Return a report without cases that says how whole its document is."""
        return cls(warnings=list(sound.warnings), status=sound.status, line=sound.line, column=sound.column)

    def note_foreign(self, tree: Element, *known: str) -> None:
        """Say so where the report has no case and holds nothing that its format has, but something else.

        Tools of other kinds give their reports the same root element: CppUnit's is that of TRX.

        Parameters
        ----------
        known : str
            Elements that stand directly below the root of a report of this format.
        """
        names = [child.name for child in tree.children]
        if names and not self.cases and not set(names) & {*known}:
            self.unread = foreign_content(names)

    def add_uncarried(self, name: str | None, message: str | None, **where: Any) -> None:
        """Add a failure that no case carries, as a case in error named after its suite."""
        self.cases.append(Case.of(name or UNNAMED, "error", message=message, **where))
        self.uncarried += 1

    @property
    def failing(self) -> bool:
        """True if any case ends badly."""
        return any(case.status in BAD for case in self.cases)

    def evidence(self, path: Path, *, form: str, suite: str | None, root: Path | None) -> Evidence:
        """Return the rows of ``tests`` and the ``sources`` row."""
        warnings = list(self.warnings)
        if self.uncarried:
            warnings.append(amount(self.uncarried, *UNCARRIED))
        frame = _frame(self.cases, path, suite, root, warnings)
        claimed = {key: value for key, value in self.claimed.items() if value is not None}
        status = self.status
        if self.unread is not None:
            warnings.insert(0, self.unread)
            status = "partial" if status in ("ok", "repaired") else status
        if not len(frame) and status != "error":
            stated = any(claimed.get(key) for key in _COUNTED)
            status = "partial" if stated else status
            warnings.append("its header counts tests, but it holds no case" if stated else "it holds no test")
        elif len(frame):
            warnings += _disagreements(self.cases, claimed, self.uncarried)
            listed = sum(attempt.status in BAD for case in self.cases for attempt in case.attempts)
            if gap := unlisted_failures(claimed, listed, *self.told) or _unlisted(claimed, len(self.cases)):
                warnings.insert(0, gap)
                status = "partial" if status in ("ok", "repaired") else status
        return source_evidence(
            {"tests": frame},
            kind="tests",
            path=path,
            form=form,
            status=status,
            messages=warnings,
            line=self.line,
            column=self.column,
            claimed=claimed,
        )


def _frame(
    cases: Sequence[Case], path: Path, suite: str | None, root: Path | None, warnings: list[str]
) -> pd.DataFrame:
    named = [replace(case, name=case.name or UNNAMED) for case in cases]
    ids = [stable_id(case.file, case.group, case.name or UNNAMED, root=root) for case in named]
    # A browser or host that the report names tells results of one id apart.
    places = Counter(zip(ids, (case.variant for case in named), strict=True))
    twice = len({test_id for (test_id, _), times in places.items() if times > 1})
    if twice:
        warnings.append(amount(twice, *TWICE))
    source, cut = redact_text(spelt(path)), 0
    rows: list[dict[str, Any]] = []
    for case, test_id in zip(named, ids, strict=True):
        for number_, attempt in enumerate(case.attempts, start=1):
            message, shorter = _cut(attempt.message)
            cut += shorter
            rows.append(
                {
                    "source": source,
                    "suite": suite or case.suite or UNNAMED,
                    "class": case.group or case.file or UNNAMED,
                    "name": case.name,
                    "test_id": test_id,
                    "variant": case.variant,
                    "attempt": number_,
                    "status": attempt.status,
                    "time_s": attempt.time_s,
                    "message": message or None,
                }
            )
    if cut:
        warnings.append(amount(cut, *CUT_TEXTS))
    return pd.DataFrame(rows)


def _cut(message: str | None) -> tuple[str | None, bool]:
    if message is None or len(message) <= TEXT_LIMIT // 4:
        return message, False
    data = message.encode("utf-8", "replace")
    if len(data) <= TEXT_LIMIT:
        return message, False
    return data[:TEXT_LIMIT].decode("utf-8", "ignore"), True


def _disagreements(cases: Iterable[Case], claimed: Mapping[str, Any], uncarried: int) -> list[str]:
    counts = Counter(case.status for case in cases)
    counts["error"] -= uncarried  # no header counts them
    differing = []
    for key, statuses in _COUNTED.items():
        counted = sum(counts[status] for status in statuses)
        if isinstance(claimed.get(key), int) and claimed[key] != counted:
            differing.append(f"{key} {claimed[key]} (counted {counted})")
    return [f"its header disagrees with its cases: {', '.join(differing)}"] if differing else []


def _unlisted(claimed: Mapping[str, Any], listed: int) -> str | None:
    """Return what a header counts of cases that do not stand here; None where it counts no more than there are."""
    stated = claimed.get("tests")
    if not isinstance(stated, int) or stated <= listed:
        return None
    return f"its header counts {amount(stated, 'test', 'tests')}, it holds {listed}: not all is listed"


def unlisted_failures(claimed: Mapping[str, Any], listed: int, *told: int) -> str | None:
    """Return what a header claims of failures that no case carries; None where each of them is listed.

    Parameters
    ----------
    claimed : mapping
        Totals of the header: ``failed``, or ``failures`` and ``errors``.
    listed : int
        Bad results of all cases, those of earlier attempts too: some reporters count each attempt that failed.
    *told : int
        What suites within the report claim together, where that is known.

    Examples
    --------
    >>> unlisted_failures({"failures": 3, "errors": 1}, 3)
    'its header counts 4 failures, its cases carry 3: not all is listed'
    >>> unlisted_failures({"failures": 3}, 3) is None
    True
    """
    counts = [claimed.get(key) for key in ("failures", "errors")]
    stated = max([sum(n for n in counts if isinstance(n, int)), claimed.get("failed") or 0, *told])
    if stated <= listed:
        return None
    return f"its header counts {amount(stated, 'failure', 'failures')}, its cases carry {listed}: not all is listed"


def foreign_content(names: Iterable[str]) -> str:
    """Return what a report holds in place of tests, by the names of its elements.

    Examples
    --------
    >>> foreign_content(["FailedTests", "SuccessfulTests", "FailedTests"])
    'it holds FailedTests, SuccessfulTests, which reports of this format do not: it may be of another tool'
    """
    shown = ", ".join(name[:40] for name in list(dict.fromkeys(names))[:3])
    return f"it holds {shown}, which reports of this format do not: it may be of another tool"


def assembly_name(path: str) -> str:
    r"""Return the name of an assembly, behind the framework that it was built for where its path tells.

    Examples
    --------
    >>> assembly_name(r"C:\agent\7\bin\Release\net8.0\Shop.Tests.dll"), assembly_name("Shop.Tests.dll")
    ('net8.0/Shop.Tests.dll', 'Shop.Tests.dll')
    """
    *folders, name = path.replace("\\", "/").split("/")
    framework = next((folder for folder in reversed(folders) if _FRAMEWORK.fullmatch(folder)), None)
    return f"{framework}/{name}" if framework else name


def number(value: object, *, scale: float = 1.0) -> float | None:
    """Return a duration in seconds, or None if it is none; ``scale`` is the unit in seconds.

    Examples
    --------
    >>> number(250, scale=0.001), number("0.5"), number(-1), number("1_0"), number(True)
    (0.25, 0.5, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and "_" in value:  # Python reads "1_0" as ten, which no reporter means
        return None
    try:
        seconds = float(value) * scale
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
