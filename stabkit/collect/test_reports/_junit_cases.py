"""JUnit XML, event by event, into plain columns.

Passing cases take the short way: one Python call at the start of the element and one at its end, no text handler.
Everything that is rare (failures, attempts, suites) goes through the tables at the end of this module.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from xml.parsers import expat

import numpy as np

from stabkit.collect.content import ReportError
from stabkit.collect.test_ids import UNNAMED
from stabkit.collect.test_reports._case_columns import SLICE, CaseColumns, mapped, seconds
from stabkit.collect.test_reports._cases import TEXT_LIMIT
from stabkit.collect.xml_faults import refuse_entities

__all__ = ["Floats", "Integers", "JUnitCases", "Rows", "Suite"]

Integers = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]

_RANK: Final = {"pass": 0, "no_result": 1, "xfail": 2, "skip": 2, "fail": 3, "error": 4}
# What the attributes status and result of a case say; any other word is no result.
_STATED: Final = {
    **dict.fromkeys(("", "run", "completed", "pass", "passed", "success", "successful", "ok", "executed"), "pass"),
    **dict.fromkeys(("notrun", "disabled", "suppressed", "skipped", "skip", "ignored", "filtered", "untested"), "skip"),
    **dict.fromkeys(("fail", "failed", "failure"), "fail"),
    "error": "error",
}
# Children of a case that tell nothing of its result; any other that is no failure and no skip leaves it without one.
_TELL_NOTHING: Final = frozenset(
    (
        *("properties", "property", "system-out", "system-err", "output", "stdout", "stderr", "log", "logs", "warning"),
        *("attachments", "attachment", "file", "link", "links", "screenshot", "tags", "tag", "labels", "label", "step"),
        *("metadata", "description", "parameters", "arguments", "steps", "requirements", "traits", "categories"),
        *("benchmark", "metrics", "performance", "time", "duration", "coverage", "assertions", "success", "passed"),
    )
)


@dataclass
class Suite:
    """One suite element: what its header claims; ``parent`` is None for the outermost."""

    name: str | None
    header: dict[str, str]
    parent: int | None


@dataclass
class _Trouble:
    """One failure, error or earlier attempt while its text is being read."""

    status: str
    attempt: str | None  # 'flaky' or 'rerun' if it is an attempt of its own
    message: str
    time: str | None
    text: list[str] = field(default_factory=list)
    length: int = 0


@dataclass(frozen=True)
class _Attempt:
    status: str
    message: str
    time: str | None


@dataclass(frozen=True)
class Rows:
    """The rows of ``tests``, an entry a row; the dictionaries only where a row is no plain pass in its first attempt.

    ``case`` is the row's place in :class:`CaseColumns`, ``suite`` in the suites (-1 outside any).
    """

    case: Integers
    suite: Integers
    time_s: Floats
    attempts: dict[int, int]
    statuses: dict[int, str]
    messages: dict[int, str]

    @property
    def superseded(self) -> int:
        """Attempts that a later one of the same case follows."""
        return len(self.case) - (int(self.case[-1]) + 1 if len(self.case) else 0)


class JUnitCases:
    """The cases of a JUnit report, filled while the XML is parsed.

    ``columns`` holds what each case says of itself; ``statuses`` and ``messages`` only the rows that are no plain
    pass. Where cases carry attempts of their own, :meth:`rows` spreads them over several rows. ``unknown`` counts the
    words and elements that say a result nobody understands.

    Raises
    ------
    ReportError
        From :meth:`parse`: another root element, or an entity declared or left undefined. Nothing outside the file is
        ever opened.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.columns = CaseColumns(root)
        self.statuses: dict[int, str] = {}
        self.messages: dict[int, str] = {}
        self.suites: list[Suite] = []
        self.cut_texts = 0
        self.uncarried = 0
        self.unknown: dict[str, int] = {}
        self._aside: str | None = None
        self._todo = False
        self._batch: list[list[str]] = []
        self._last: list[str] = []
        self._suite_starts: list[tuple[int, int]] = [(0, -1)]
        self._open_suites: list[int] = []
        self._in_case = False
        self._open_attempts: list[_Trouble] = []
        self._attempts_of: dict[int, list[_Trouble]] = {}
        self._trouble: _Trouble | None = None
        self._muted: str | None = None
        self._parser = self._new_parser()

    def parse(self, blocks: Iterable[bytes]) -> None:
        """Parse the blocks of one document; ``ExpatError`` if it is malformed, what was read until then is kept."""
        try:
            for block in blocks:
                self._parser.Parse(block, False)  # noqa: FBT003 - expat takes it by position
                if len(self._batch) >= SLICE:
                    self._flush()
            self._parser.Parse(b"", True)  # noqa: FBT003
        finally:
            self._flush()

    def end_early(self) -> None:
        """Leave the case in which the document was cut off without a result: what failed in it may be missing."""
        row = self._rows - 1
        if self._in_case and self.statuses.get(row, "pass") not in ("fail", "error"):
            self.statuses[row] = "no_result"

    @property
    def position(self) -> tuple[int, int]:
        """Line and column where the parser stands, both from 1."""
        return self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1

    def rows(self) -> Rows:
        """Return the rows of ``tests``: a case each, or an attempt each where cases carry attempts."""
        cases = self.columns.rows
        starts = np.array([start for start, _ in self._suite_starts] + [cases])
        suite_of = np.repeat(np.array([suite for _, suite in self._suite_starts], dtype="int64"), np.diff(starts))
        rows = Rows(np.arange(cases), suite_of, self.columns.time_s, {}, dict(self.statuses), dict(self.messages))
        return self._spread_attempts(rows) if self._attempts_of else rows

    def _new_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        # A list of names and values costs less than a dictionary, and a case is one of many alike.
        parser.ordered_attributes = True
        refuse_entities(parser)
        parser.StartElementHandler = self._root
        parser.EndElementHandler = self._end
        return parser

    def _root(self, name: str, attributes: list[str]) -> None:
        local = name.rpartition(":")[2]
        if local not in ("testsuites", "testsuite"):
            raise ReportError(f"not a test report: its root element is {local[:80]!r}")
        self._parser.StartElementHandler = self._start
        self._start(name, attributes)

    def _start(self, name: str, attributes: list[str]) -> None:
        if name == "testcase":
            self._in_case = True
            self._batch.append(attributes)
            return
        self._rare_start(name.rpartition(":")[2], attributes)

    def _flush(self) -> None:
        """Move the cases begun since the last flush into the columns."""
        batch = self._batch
        if not batch:
            return
        base = self.columns.rows
        said = self.columns.extend(batch)
        if "status" in said or "result" in said:
            for number, case in enumerate(batch):
                status, word = _stated(case)
                if status != "pass":
                    self.statuses.setdefault(base + number, status)
                if word is not None:
                    self.unknown[word] = self.unknown.get(word, 0) + 1
        self._last = batch[-1]
        batch.clear()

    @property
    def _rows(self) -> int:
        return self.columns.rows + len(self._batch)

    def _rare_start(self, name: str, attributes: list[str]) -> None:
        if name == "testcase":
            self._start(name, attributes)
        elif name in ("testsuite", "testsuites"):
            self._open_suite(mapped(attributes))
        elif self._trouble is not None:
            if name in ("system-out", "system-err") and self._muted is None:
                self._muted = name
                self._parser.CharacterDataHandler = None
        elif name in _TROUBLES:
            status, attempt = _TROUBLES[name]
            said = mapped(attributes)
            self._trouble = _Trouble(status, attempt, said.get("message", ""), said.get("time"))
            self._parser.CharacterDataHandler = self._text
        elif name == "skipped" and self._in_case:
            said = mapped(attributes)
            kind = said.get("type")
            self._todo = kind == "todo" or said.get("message") == "TEST_CASE tagged with !mayfail"
            self._settle("xfail" if kind == "pytest.xfail" else "skip", said.get("message", ""))
        elif self._in_case and self._aside is None:
            self._aside = name
            if name not in _TELL_NOTHING:
                self.unknown[f"<{name[:40]}>"] = self.unknown.get(f"<{name[:40]}>", 0) + 1
                self._settle("no_result", "")

    def _open_suite(self, attributes: dict[str, str]) -> None:
        parent = self._open_suites[-1] if self._open_suites else None
        self._open_suites.append(len(self.suites))
        header = {key: value for key, value in attributes.items() if key in _CLAIMS}
        self.suites.append(Suite(attributes.get("name") or None, header, parent))
        self._suite_starts.append((self._rows, self._open_suites[-1]))

    def _close_suite(self) -> None:
        self._open_suites.pop()
        self._suite_starts.append((self._rows, self._open_suites[-1] if self._open_suites else -1))

    def _text(self, text: str) -> None:
        trouble = self._trouble
        if trouble is not None and trouble.length <= TEXT_LIMIT:
            trouble.text.append(text)
            trouble.length += len(text)

    def _end(self, name: str) -> None:
        if name == "testcase":
            self._in_case = self._todo = False
            self._aside = None
            if self._open_attempts:
                self._attempts_of[self._rows - 1] = self._open_attempts
                self._open_attempts = []
            return
        name = name.rpartition(":")[2]
        if name == self._aside:
            self._aside = None
        if name == self._muted:
            self._muted = None
            self._parser.CharacterDataHandler = self._text
        elif name in _TROUBLES:
            self._close_trouble(name)
        elif name in ("testsuite", "testsuites"):
            self._close_suite()
        elif name == "testcase":
            self._end(name)

    def _close_trouble(self, name: str) -> None:
        trouble = self._trouble
        # An element of the same kind inside a failure's text belongs to that text.
        if trouble is None or _TROUBLES[name] != (trouble.status, trouble.attempt):
            return
        self._trouble = None
        self._parser.CharacterDataHandler = None
        if not self._in_case:
            self._add_uncarried(trouble)
        elif trouble.attempt is None:
            # node and Catch2 write what failed as expected as a skip, then a failure.
            self._settle("xfail" if self._todo else trouble.status, self._message(trouble))
        else:
            self._open_attempts.append(trouble)

    def _settle(self, status: str, message: str) -> None:
        """Give the open case its status: the most severe of its children, unless it says it did not run."""
        row = self._rows - 1
        stated, _ = _stated(self._batch[-1] if self._batch else self._last)
        present = self.statuses.get(row, stated)
        if stated == "skip":
            # status="notrun" with a failure child: the child is a placeholder of the reporter.
            self.messages.setdefault(row, self._cut(message))
        elif _RANK[status] >= _RANK[present]:
            self.statuses[row] = status
            if message:
                self.messages[row] = self._cut(message)

    def _add_uncarried(self, trouble: _Trouble) -> None:
        """Add the failure of a suite that no case carries, as a case named after the suite."""
        name = self.suites[self._open_suites[-1]].name if self._open_suites else None
        self._batch.append(["name", name or UNNAMED])
        row = self._rows - 1
        self.statuses[row] = "error"
        self.messages[row] = self._message(trouble)
        self.uncarried += 1

    def _spread_attempts(self, rows: Rows) -> Rows:
        """Turn each case with attempts into a row an attempt, oldest first; its own result is the last."""
        origin: list[int] = []
        spread = Rows(rows.case, rows.suite, rows.time_s, {}, {}, {})
        times: dict[int, str | None] = {}
        for row in range(len(rows.case)):
            tries = [_Attempt(rows.statuses.get(row, "pass"), rows.messages.get(row, ""), None)]
            if row in self._attempts_of:
                tries = self._tries(self._attempts_of[row], tries[0])
                # The duration that the case states is its last attempt's; the others have their own.
                times |= {len(origin) + number: attempt.time for number, attempt in enumerate(tries[:-1])}
            for number, attempt in enumerate(tries, start=1):
                place = len(origin)
                origin.append(row)
                spread.statuses[place] = attempt.status
                if attempt.message:
                    spread.messages[place] = attempt.message
                if len(tries) > 1:
                    spread.attempts[place] = number
        cases = np.array(origin, dtype="int64")
        time_s = rows.time_s[cases]
        time_s[list(times)] = seconds(list(times.values()))
        return Rows(cases, rows.suite[cases], time_s, spread.attempts, spread.statuses, spread.messages)

    def _tries(self, troubles: list[_Trouble], final: _Attempt) -> list[_Attempt]:
        earlier = [_Attempt(trouble.status, self._message(trouble), trouble.time) for trouble in troubles]
        if all(trouble.attempt == "flaky" for trouble in troubles):
            return [*earlier, final]
        # The case's own failure was the first try, the reruns followed and failed too.
        first = _Attempt(final.status if final.status in ("fail", "error") else "fail", final.message, None)
        last = earlier.pop()
        return [first, *earlier, _Attempt(last.status, last.message, None)]

    def _message(self, trouble: _Trouble) -> str:
        text = "".join(trouble.text).strip()
        head = trouble.message.strip()
        if head and not text.startswith(head):
            text = f"{head}\n{text}" if text else head
        return self._cut(text)

    def _cut(self, text: str) -> str:
        if len(text) <= TEXT_LIMIT // 4:
            return text
        data = text.encode("utf-8", "replace")
        if len(data) <= TEXT_LIMIT:
            return text
        self.cut_texts += 1
        return data[:TEXT_LIMIT].decode("utf-8", "ignore")


_CLAIMS: Final = ("tests", "failures", "errors", "skipped", "disabled", "time", "timestamp")
_TROUBLES: Final = {
    "failure": ("fail", None),
    "error": ("error", None),
    "flakyFailure": ("fail", "flaky"),
    "flakyError": ("error", "flaky"),
    "rerunFailure": ("fail", "rerun"),
    "rerunError": ("error", "rerun"),
}


def _stated(attributes: list[str]) -> tuple[str, str | None]:
    """Return what a case says of its own result, and the word of it that is not understood."""
    said = mapped(attributes)
    unknown: str | None = None
    for key in ("status", "result"):
        word = said.get(key, "").strip()
        status = _STATED.get(word.lower())
        if status is None:
            unknown = f'{key}="{word[:40]}"'
        elif status != "pass":
            return status, None
    return ("pass", None) if unknown is None else ("no_result", unknown)
