"""JUnit XML and its dialects: Surefire, Gradle, pytest, nextest, googletest, and all that imitate them.

Cases decide; headers are claims. A file that is cut off keeps the cases that were read, with status ``error``.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any, Final
from xml.parsers import expat

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from stabkit.read.content import ReportError, chunks, conflict_line, xml_root
from stabkit.read.test_ids import UNNAMED
from stabkit.read.tests._parts.case_columns import SLICE, TEXT, constant, lean_memory
from stabkit.read.tests._parts.cases import CUT_TEXTS, TWICE, UNCARRIED, foreign_content, unlisted_failures
from stabkit.read.tests._parts.junit_cases import JUnitCases
from stabkit.read.tests._parts.junit_rows import Integers, Rows
from stabkit.read.tests._parts.plain_cases import NotPlain, PlainCases
from stabkit.read.xml_faults import CUT_OFF, cut_off, parse_repaired
from stabkit.redact import redact_text
from stabkit.schema import Evidence
from stabkit.sources import Status, source_evidence
from stabkit.text import amount, spelt
from stabkit.vocabulary import BAD

__all__ = ["FORMAT", "KIND", "MASKED", "read", "recognise"]

FORMAT: Final = "junit"
KIND: Final = "tests"
MASKED: Final = "flakiness masked by the reporter"

BLOCK: Final = 1 << 19
"""Bytes that are parsed together; a report within the first is read case by case."""

_TEXTS: Final = ("name", "class", "test_id")
# What is said of one, and of several.
_BAD_TIMES: Final = ("time that is no duration became null", "times that are no durations became null")
_UNKNOWN: Final = (
    "case says of its result what is not understood, and has none",
    "cases say of their result what is not understood, and have none",
)
_UNCOUNTED: Final = (
    "case stands as passing and was repeated: a failed attempt",
    "cases stand as passing and were repeated: failed attempts",
)


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a JUnit report, by its root element."""
    return xml_root(head) in ("testsuites", "testsuite")


@lean_memory()
def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of a JUnit report and its ``sources`` row.

    Parameters
    ----------
    path : Path
        The report, plain or gzip.
    suite : str, optional
        The configured suite; without it each row carries the report's own suite name.
    root : Path, optional
        Absolute file names beneath it become relative in test ids.

    Raises
    ------
    ReportError
        The file is refused or malformed in a way that leaves nothing to believe.

    Notes
    -----
    Rows in file order, ``attempt`` from 1: attempts of one case follow each other, its last is the result. A test id
    that occurs twice without a notation for attempts keeps attempt 1 in each row: the worst of them counts.
    """
    cases, faults, status, position = _parse(path, root)
    warnings = list(faults)
    rows = cases.rows()
    frame = _frame(cases, rows, path, suite, warnings)
    claimed = _claims(cases, rows, frame, warnings)
    if status == "ok" and not len(frame):
        counts = ("tests", "failures", "errors")
        stated = any(suite.header.get(key, "0").strip() not in ("", "0") for suite in cases.suites for key in counts)
        status = "partial" if stated or cases.foreign else "ok"
        warnings.append("its header counts tests, but it holds no case" if stated else "it holds no test")
        if cases.foreign:
            warnings.insert(0, foreign_content(cases.foreign))
    described = max(cases.troubles, sum(word in BAD for word in rows.statuses.values()))
    gap = unlisted_failures(claimed, described, _deepest_failures(cases)) if len(frame) else None
    if gap and status in ("ok", "repaired"):
        warnings.insert(0, gap)
        status = "partial"
    line, column = position or (None, None)
    return source_evidence(
        {"tests": frame},
        kind=KIND,
        path=path,
        form=FORMAT,
        status=status,
        messages=warnings,
        line=line,
        column=column,
        claimed=claimed,
    )


def _parse(path: Path, root: Path | None) -> tuple[JUnitCases, list[str], Status, tuple[int, int] | None]:
    # What is wrong with a report, and where, is for the way below to say: it sees every byte.
    with contextlib.suppress(NotPlain, ReportError, expat.ExpatError, LookupError, ValueError):
        cases = JUnitCases(root, plain=PlainCases())
        cases.parse(chunks(path, size=BLOCK))
        return cases, [], "ok", None
    cases = JUnitCases(root)
    try:
        cases.parse(chunks(path, size=BLOCK))
    except expat.ExpatError as error:
        marker = conflict_line(path)
        if marker is not None:
            raise ReportError(f"unresolved merge conflict, line {marker}", line=marker, column=1) from error
        if error.code in CUT_OFF and cases.suites:
            cases.end_early()
            kept = cut_off(error.lineno)
            return cases, [kept], "error", (error.lineno, error.offset + 1)
        cases = JUnitCases(root)
        said, status, position = parse_repaired(path, error, cases.parse)
        if status == "error":
            cases.end_early()
        return cases, said, status, position
    except ReportError as fault:
        if fault.line is None and cases.position[0]:
            fault.line, fault.column = cases.position
        raise
    except (LookupError, ValueError) as error:
        raise ReportError(f"malformed: {error}", line=1, column=1) from error
    return cases, [], "ok", None


def _text(values: pa.Array | pa.ChunkedArray) -> pd.api.extensions.ExtensionArray:
    # Straight from Arrow: the strings come from expat, so none holds a lone surrogate that conform would look for.
    return pd.array(values, dtype="str")


def _frame(cases: JUnitCases, rows: Rows, path: Path, suite: str | None, warnings: list[str]) -> pd.DataFrame:
    columns, count = cases.columns, len(rows.case)
    spread = bool(rows.superseded)
    texts = {key: columns.text(key).take(rows.case) if spread else columns.text(key) for key in _TEXTS}
    attempts = np.ones(count, dtype="int64")
    attempts[list(rows.attempts)] = list(rows.attempts.values())
    if columns.distinct < count:
        _unmask(cases, rows, texts["test_id"].to_pylist(), attempts, warnings)
    if columns.bad_times:
        warnings.append(f"{amount(columns.bad_times, *_BAD_TIMES)}, such as {str(columns.bad_time)[:40]!r}")
    if cases.cut_texts:
        warnings.append(amount(cases.cut_texts, *CUT_TEXTS))
    if cases.uncarried:
        warnings.append(amount(cases.uncarried, *UNCARRIED))
    if cases.unknown:
        words = ", ".join(sorted(cases.unknown)[:3])
        warnings.append(f"{amount(sum(cases.unknown.values()), *_UNKNOWN)}: {words}")
    return pd.DataFrame(
        {
            "source": constant(redact_text(spelt(path)), count),
            "suite": _suites(cases, rows) if suite is None else constant(suite, count),
            "class": _text(texts["class"]),
            "name": _text(texts["name"]),
            "test_id": _text(texts["test_id"]),
            "variant": _variants(cases, rows),
            "attempt": pd.array(attempts, dtype="Int64"),
            "status": _statuses(rows),
            "time_s": rows.time_s,
            "message": _messages(rows),
        },
        copy=False,
    )


def _suites(cases: JUnitCases, rows: Rows) -> pd.api.extensions.ExtensionArray:
    return _of_suites(cases, rows, [suite.name for suite in cases.suites], UNNAMED)


def _variants(cases: JUnitCases, rows: Rows) -> pd.api.extensions.ExtensionArray:
    """Return where each case's suite ran: the browser that its properties name, or its host.

    Playwright writes the project, Karma the browser in place of the host.
    """
    said = [suite.ran_in or suite.header.get("hostname") or None for suite in cases.suites]
    return _of_suites(cases, rows, said, None)


def _of_suites(
    cases: JUnitCases, rows: Rows, own: list[str | None], default: str | None
) -> pd.api.extensions.ExtensionArray:
    """Return for each row what its suite says, or the nearest one around it that says anything."""
    for number, element in enumerate(cases.suites):
        if own[number] is None and element.parent is not None:
            own[number] = own[element.parent]
    used = np.unique(rows.suite)
    names = [(own[number] if number >= 0 else None) or default for number in used]
    if len(names) == 1 and names[0] is not None:
        return constant(names[0], len(rows.suite))
    return _text(pa.array(names, TEXT).take(pa.array(np.searchsorted(used, rows.suite))))


def _statuses(rows: Rows) -> pd.api.extensions.ExtensionArray:
    words = sorted({"pass", *rows.statuses.values()})
    codes = np.full(len(rows.case), words.index("pass"))
    codes[list(rows.statuses)] = [words.index(status) for status in rows.statuses.values()]
    return _text(pa.array(words, TEXT).take(pa.array(codes)))


def _messages(rows: Rows) -> pd.api.extensions.ExtensionArray:
    messages: list[str | None] = [None] * len(rows.case)
    for row, message in rows.messages.items():
        messages[row] = message or None
    rows.messages.clear()
    slices = []
    # In slices, each given up once it is in Arrow: megabytes of failures need not be there twice.
    for start in range(0, len(messages), SLICE):
        slices.append(pa.array(messages[start : start + SLICE], TEXT))
        messages[start : start + SLICE] = [None] * len(slices[-1])
    return _text(pa.chunked_array(slices, TEXT))


def _unmask(cases: JUnitCases, rows: Rows, ids: list[str], attempts: Integers, warnings: list[str]) -> None:
    """Recognise failed attempts that the reporter wrote down as passing cases.

    pytest-rerunfailures writes a case without a failure for each failed attempt, but does not count it in the header.
    So if one id occurs several times in a report of pytest and its first occurrences pass, they were failed attempts:
    pytest gives no id twice, unless every worker runs every test, and then the header counts them all. Other headers
    may count what they like: rows of data that share a name pass, and nobody tried them again.
    """
    repeats, per_suite = _repeats(rows, ids)
    masked = 0
    for suite, groups in _passing_at_first(rows, repeats).items():
        extra = sum(passing for _, passing in groups)
        header = cases.suites[suite].header.get("tests", "").strip() if suite >= 0 else ""
        if not _is_pytest(cases, suite) or header == str(per_suite[suite]):
            continue
        for group, passing in groups:
            attempts[group] = [min(place, passing) + 1 for place in range(len(group))]
            for row in group[:passing]:
                rows.statuses[row] = "fail"
                rows.messages[row] = f"{MASKED}: this attempt stands as passing in the report, yet was repeated"
        masked += extra
    if masked:
        warnings.append(f"{MASKED}: {amount(masked, *_UNCOUNTED)}")
    twice = int(sum(attempts[group[-1]] == 1 for _, group in repeats))
    if twice:
        warnings.append(amount(twice, *TWICE))


def _is_pytest(cases: JUnitCases, suite: int) -> bool:
    if suite < 0:
        return False
    own = cases.suites[suite]
    outer = cases.suites[own.parent].name if own.parent is not None else None
    return own.name == "pytest" or outer == "pytest tests"


def _repeats(rows: Rows, ids: list[str]) -> tuple[list[tuple[int, list[int]]], dict[int, int]]:
    """Return (suite, rows) of each id that a suite holds more than once, and the number of cases of each suite."""
    rows_of: dict[tuple[int, str], list[int]] = {}
    per_suite: dict[int, int] = {}
    for row, key in enumerate(zip(rows.suite.tolist(), ids, strict=True)):
        if row not in rows.attempts:
            rows_of.setdefault(key, []).append(row)
            per_suite[key[0]] = per_suite.get(key[0], 0) + 1
    return [(suite, found) for (suite, _), found in rows_of.items() if len(found) > 1], per_suite


def _passing_at_first(rows: Rows, repeats: list[tuple[int, list[int]]]) -> dict[int, list[tuple[list[int], int]]]:
    """Return, of each suite, the ids whose first occurrences pass: their rows, and how many attempts those can be."""
    found: dict[int, list[tuple[list[int], int]]] = {}
    for suite, group in repeats:
        earlier = takewhile(lambda row: rows.statuses.get(row, "pass") == "pass", group[:-1])
        if passing := sum(1 for _ in earlier):
            found.setdefault(suite, []).append((group, passing))
    return found


def _claims(cases: JUnitCases, rows: Rows, frame: pd.DataFrame, warnings: list[str]) -> dict[str, Any]:
    claimed: dict[str, Any] = {
        key: total
        for key in ("tests", "failures", "errors", "skipped", "disabled")
        if (total := _claimed_total(cases, key)) is not None
    }
    stamps = [s.header["timestamp"] for s in cases.suites if s.header.get("timestamp")]
    if stamps:
        claimed["timestamp"] = _earliest(stamps, warnings)
    masked = pc.sum(pc.starts_with(pa.array(frame["message"].array), MASKED)).as_py() or 0
    superseded = rows.superseded + masked
    status = list(rows.statuses.values())
    counted = {
        "tests": len(frame) - superseded,
        "failures": None if superseded else status.count("fail"),
        "errors": None if superseded else status.count("error"),
    }
    differing = [
        f"{key} {claimed[key]} (counted {value})"
        for key, value in counted.items()
        if value is not None and key in claimed and claimed[key] != value
    ]
    if differing and len(frame):
        warnings.append(f"its header disagrees with its cases: {', '.join(differing)}")
    return claimed


def _claimed_total(cases: JUnitCases, key: str) -> int | None:
    """Sum a header count over the outermost suites that state it; None if none does."""
    total, stated = 0, [False] * len(cases.suites)
    found = False
    for number, suite in enumerate(cases.suites):
        if suite.parent is not None and stated[suite.parent]:
            stated[number] = True
        elif (text := _count_of(suite.header, key)) is not None:
            stated[number] = found = True
            total += int(text)
    return total if found else None


def _deepest_failures(cases: JUnitCases) -> int:
    """Return the failures that suites claim together, each what it states or what those within it do, if that is more.

    A run may be put together of reports, and its header then counts less than they do.
    """
    within = [0] * (len(cases.suites) + 1)  # the last: those that stand in no other
    for number in reversed(range(len(cases.suites))):
        suite = cases.suites[number]
        own = sum(int(text) for key in ("failures", "errors") if (text := _count_of(suite.header, key)) is not None)
        within[-1 if suite.parent is None else suite.parent] += max(own, within[number])
    return within[-1]


def _count_of(header: Mapping[str, str], key: str) -> str | None:
    text = header.get(key, "")
    return text if re.fullmatch(r"\s*\d{1,12}\s*", text, re.ASCII) else None


def _earliest(stamps: list[str], warnings: list[str]) -> str | None:
    found: list[datetime] = []
    unreadable = 0
    zoneless = False
    for stamp in dict.fromkeys(stamps):
        try:
            moment = datetime.fromisoformat(stamp.strip())
            zoneless = zoneless or moment.tzinfo is None
            found.append((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC))
        except (ValueError, OverflowError):
            unreadable += 1
    if zoneless:
        warnings.append("timestamps without a zone are read as UTC")
    if unreadable:
        warnings.append(
            amount(unreadable, "timestamp cannot be read and became null", "timestamps cannot be read and became null")
        )
    return min(found).isoformat() if found else None
