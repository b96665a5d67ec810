"""JUnit XML and its dialects: Surefire, Gradle, pytest, nextest, googletest, and all that imitate them.

Cases decide; headers are claims. A file that is cut off keeps the cases that were read, with status ``error``.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from xml.parsers import expat

import numpy as np
import pandas as pd
import pyarrow as pa

from stabkit.collect.content import ReportError, chunks, conflict_line, xml_root
from stabkit.collect.sources import Status, source_evidence
from stabkit.collect.test_ids import UNNAMED, stable_ids
from stabkit.collect.test_reports._junit_cases import TEXT_LIMIT, JUnitCases
from stabkit.collect.xml_faults import CONTROLS, CUT_OFF, find_controls, removed_text
from stabkit.redact import redact_text
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "MASKED", "read", "recognise"]

FORMAT: Final = "junit"
KIND: Final = "tests"
MASKED: Final = "flakiness masked by the reporter"

_SLICE: Final = 10_000
_Integers = np.ndarray[Any, np.dtype[np.int64]]
_Floats = np.ndarray[Any, np.dtype[np.float64]]


def recognise(head: bytes, name: str) -> bool:  # noqa: ARG001 - the name never decides
    """Say whether a file that begins with these bytes is a JUnit report, by its root element."""
    return xml_root(head) in ("testsuites", "testsuite")


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
    cases, faults, status, position = _parse(path)
    warnings = list(faults)
    frame = _frame(cases, path, suite, root, warnings)
    claimed = _claims(cases, frame, warnings)
    if status == "ok" and not len(frame):
        stated = any(suite.header.get("tests", "0").strip() not in ("", "0") for suite in cases.suites)
        status = "partial" if stated else "ok"
        warnings.append("its header counts tests, but it holds no case" if stated else "it holds no test")
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


def _parse(path: Path) -> tuple[JUnitCases, list[str], Status, tuple[int, int] | None]:
    cases = JUnitCases()
    try:
        cases.parse(chunks(path))
    except expat.ExpatError as error:
        marker = conflict_line(path)
        if marker is not None:
            raise ReportError(f"unresolved merge conflict, line {marker}", line=marker, column=1) from error
        if error.code in CUT_OFF and cases.suites:
            kept = f"cut off: the cases before line {error.lineno} were read, what follows is missing"
            return cases, [kept], "error", (error.lineno, error.offset + 1)
        return _repair(path, error)
    except ReportError as fault:
        if fault.line is None and cases.position[0]:
            fault.line, fault.column = cases.position
        raise
    except (LookupError, ValueError) as error:
        raise ReportError(f"malformed: {error}", line=1, column=1) from error
    return cases, [], "ok", None


def _repair(path: Path, error: expat.ExpatError) -> tuple[JUnitCases, list[str], Status, tuple[int, int]]:
    """Parse once more without control bytes; if there are none, or it does not help, the file is an error."""
    malformed = ReportError(f"malformed: {expat.ErrorString(error.code)}", line=error.lineno, column=error.offset + 1)
    count, first = find_controls(path)
    if first is None:
        raise malformed from error
    cases = JUnitCases()
    try:
        cases.parse(block.translate(None, CONTROLS) for block in chunks(path))
    except (expat.ExpatError, LookupError, ValueError):
        raise malformed from error
    return cases, [removed_text(count, first)], "repaired", first


def _text(values: list[str] | list[str | None]) -> pd.api.extensions.ExtensionArray:
    # Straight into Arrow: the strings come from expat, so none holds a lone surrogate that conform would look for.
    return pd.array(pa.array(values, pa.large_string()), dtype="str")


def _constant(value: str, rows: int) -> pd.api.extensions.ExtensionArray:
    return pd.array(pa.repeat(pa.scalar(value, pa.large_string()), rows), dtype="str")


def _frame(cases: JUnitCases, path: Path, suite: str | None, root: Path | None, warnings: list[str]) -> pd.DataFrame:
    rows = len(cases.names)
    test_id, distinct = _ids(cases, root)
    attempts = np.ones(rows, dtype="int64")
    for row, attempt in cases.attempts.items():
        attempts[row] = attempt
    if distinct < rows:
        _unmask(cases, test_id.to_pylist(), attempts, warnings)
    statuses = ["pass"] * rows
    for row, status in cases.statuses.items():
        statuses[row] = status
    messages: list[str | None] = [None] * rows
    for row, message in cases.messages.items():
        # Only what looks like a URL can hold user information; the search for it is slow on megabytes of failures.
        messages[row] = (redact_text(message) if "://" in message else message) or None
    if cases.cut_texts:
        warnings.append(f"{cases.cut_texts} failure text(s) cut to {TEXT_LIMIT // 1024} KiB")
    if cases.uncarried:
        warnings.append(f"{cases.uncarried} failure(s) that no case carries became cases named after their suite")
    return pd.DataFrame(
        {
            "source": _constant(redact_text(str(path)), rows),
            "suite": _text(_suite_names(cases)) if suite is None else _constant(suite, rows),
            "class": _text(cases.classes),
            "name": _text(cases.names),
            "test_id": pd.array(test_id, dtype="str"),
            "attempt": pd.array(attempts, dtype="Int64"),
            "status": _text(statuses),
            "time_s": _seconds(cases.times, warnings),
            "message": _text(messages),
        },
        copy=False,
    )


def _ids(cases: JUnitCases, root: Path | None) -> tuple[pa.ChunkedArray, int]:
    """Return the test ids, and how many at least are distinct; in slices, since the ids are the longest text of all."""
    slices, seen = [], set[int]()
    for start in range(0, len(cases.names), _SLICE):
        part = slice(start, start + _SLICE)
        ids = stable_ids(cases.files[part], cases.classes[part], cases.names[part], root=root)
        slices.append(pa.array(ids, pa.large_string()))
        seen.update(map(hash, ids))
    return pa.chunked_array(slices, pa.large_string()), len(seen)


def _suite_names(cases: JUnitCases) -> list[str]:
    own = [suite.name for suite in cases.suites]
    for number, element in enumerate(cases.suites):
        if own[number] is None and element.parent is not None:
            own[number] = own[element.parent]
    names = [name or UNNAMED for name in own]
    return [names[number] for number in cases.suite_of]


def _seconds(times: list[str | None], warnings: list[str]) -> _Floats:
    """Return durations in seconds; what is no duration becomes null, counted in a warning."""
    try:
        cast = pa.array(times, pa.large_string()).cast(pa.float64())
        values: _Floats = cast.to_numpy(zero_copy_only=False).copy()
    except pa.ArrowInvalid:
        values = np.fromiter(map(_one_time, times), dtype="float64", count=len(times))
    values[~np.isfinite(values) | (values < 0)] = np.nan
    unreadable = int(np.isnan(values).sum()) - times.count(None)
    if unreadable:
        example = next(t for t, v in zip(times, values, strict=True) if t is not None and math.isnan(v))
        warnings.append(f"{unreadable} time(s) that are no duration became null, such as {example[:40]!r}")
    return values


def _one_time(text: str | None) -> float:
    try:
        # Python reads "1_0" as ten, which no reporter means.
        return float(text) if text is not None and "_" not in text else math.nan
    except ValueError:
        return math.nan


def _unmask(cases: JUnitCases, ids: list[str], attempts: _Integers, warnings: list[str]) -> None:
    """Recognise failed attempts that the reporter wrote down as passing cases.

    pytest-rerunfailures writes a case without a failure for each failed attempt, but does not count it in the header.
    So if one id occurs several times, every occurrence but the last passes, and the header counts exactly the last
    ones, the earlier ones were failed attempts.
    """
    repeats, per_suite = _repeats(cases, ids)
    masked = 0
    for suite, groups in _passing_before_last(cases, repeats).items():
        extra = sum(len(rows) - 1 for rows in groups)
        header = cases.suites[suite].header.get("tests", "") if suite >= 0 else ""
        if header.strip() != str(per_suite[suite] - extra):
            continue
        for rows in groups:
            attempts[rows] = range(1, len(rows) + 1)
            for row in rows[:-1]:
                cases.statuses[row] = "fail"
                cases.messages[row] = f"{MASKED}: this attempt stands as passing in the report, yet was repeated"
        masked += extra
    if masked:
        warnings.append(f"{MASKED}: {masked} repeated case(s) stand as passing but are not in its header's count")
    twice = sum(attempts[rows[-1]] == 1 for _, rows in repeats)
    if twice:
        warnings.append(f"{twice} test id(s) occur more than once without a notation for attempts: the worst counts")


def _repeats(cases: JUnitCases, ids: list[str]) -> tuple[list[tuple[int, list[int]]], dict[int, int]]:
    """Return (suite, rows) of each id that a suite holds more than once, and the number of cases of each suite."""
    rows_of: dict[tuple[int, str], list[int]] = {}
    per_suite: dict[int, int] = {}
    for row, key in enumerate(zip(cases.suite_of, ids, strict=True)):
        if row not in cases.attempts:
            rows_of.setdefault(key, []).append(row)
            per_suite[key[0]] = per_suite.get(key[0], 0) + 1
    return [(suite, rows) for (suite, _), rows in rows_of.items() if len(rows) > 1], per_suite


def _passing_before_last(cases: JUnitCases, repeats: list[tuple[int, list[int]]]) -> dict[int, list[list[int]]]:
    found: dict[int, list[list[int]]] = {}
    for suite, rows in repeats:
        if all(cases.statuses.get(row, "pass") == "pass" for row in rows[:-1]):
            found.setdefault(suite, []).append(rows)
    return found


def _claims(cases: JUnitCases, frame: pd.DataFrame, warnings: list[str]) -> dict[str, Any]:
    claimed: dict[str, Any] = {
        key: total
        for key in ("tests", "failures", "errors", "skipped", "disabled")
        if (total := _claimed_total(cases, key)) is not None
    }
    stamps = [s.header["timestamp"] for s in cases.suites if s.header.get("timestamp")]
    if stamps:
        claimed["timestamp"] = _earliest(stamps, warnings)
    superseded = cases.superseded + int(frame["message"].str.startswith(MASKED).sum())
    status = frame["status"].value_counts()
    counted = {
        "tests": len(frame) - superseded,
        "failures": None if superseded else int(status.get("fail", 0)),
        "errors": None if superseded else int(status.get("error", 0)),
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
        elif re.fullmatch(r"\s*\d{1,12}\s*", suite.header.get(key, ""), re.ASCII):
            stated[number] = found = True
            total += int(suite.header[key])
    return total if found else None


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
        warnings.append(f"{unreadable} timestamp(s) cannot be read and became null")
    return min(found).isoformat() if found else None
