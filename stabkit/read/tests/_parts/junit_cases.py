"""JUnit XML, event by event, into plain columns.

Passing cases take the short way: one Python call at the start of the element and one at its end, no text handler.
Everything that is rare (failures, attempts, suites) goes through the tables of ``_junit_words``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from xml.parsers import expat

import numpy as np

from stabkit.read.test_ids import UNNAMED
from stabkit.read.tests._parts.case_columns import CaseColumns, by_attribute, mapped
from stabkit.read.tests._parts.cases import TEXT_LIMIT
from stabkit.read.tests._parts.junit_rows import Attempt, Rows, spread_attempts
from stabkit.read.tests._parts.junit_words import RANK, SKIPS, STATING, TELL_NOTHING, TROUBLES, stated
from stabkit.read.tests._parts.plain_cases import NotPlain, PlainCases, interleaved
from stabkit.read.xml_faults import not_a_report, refuse_entities

__all__ = ["JUnitCases", "Suite"]

# Cases that become columns together: many strings of Python at a time would cost memory, few plain ones time.
_BATCH: Final = 1_000
_PLAIN_BATCH: Final = 10_000
# In these the printable characters of ASCII are what they are in ASCII.
_ASCII_BASED: Final = frozenset(("utf-8", "us-ascii", "iso-8859-1", "windows-1252"))
_CLAIMS: Final = ("tests", "failures", "errors", "skipped", "disabled", "time", "timestamp", "hostname")
# Properties by which a suite says where it ran, in lower case. Surefire writes all of Java's, so none of those is here.
_RAN_IN: Final = ("browser", "browsername", "project", "device", "devicename", "platformname")


@dataclass
class Suite:
    """One suite element: what its header claims; ``parent`` is None for the outermost.

    ``ran_in`` is the browser, project or device that its properties name.
    """

    name: str | None
    header: dict[str, str]
    parent: int | None
    ran_in: str | None = None


@dataclass
class _Trouble:
    """One failure, error or earlier attempt while its text is being read."""

    status: str
    attempt: str | None  # 'flaky' or 'rerun' if it is an attempt of its own
    message: str
    time: str | None
    text: list[str] = field(default_factory=list)
    length: int = 0


class JUnitCases:
    """The cases of a JUnit report, filled while the XML is parsed.

    ``columns`` holds what each case says of itself; ``statuses`` and ``messages`` only the rows that are no plain
    pass. Where cases carry attempts of their own, :meth:`rows` spreads them over several rows. ``unknown`` counts the
    words and elements that say a result nobody understands, ``troubles`` the failures and errors that are described:
    some headers count those, and not the cases that have them, ``foreign`` names what stands beside the cases and is of
    no JUnit report.

    Raises
    ------
    ReportError
        From :meth:`parse`: another root element, or an entity declared or left undefined. Nothing outside the file is
        ever opened.
    NotPlain
        From :meth:`parse` with ``plain``: the report has to be read without.
    """

    def __init__(self, root: Path | None = None, *, plain: PlainCases | None = None) -> None:
        self.columns = CaseColumns(root)
        self.statuses: dict[int, str] = {}
        self.messages: dict[int, str] = {}
        self.suites: list[Suite] = []
        self.cut_texts = 0
        self.uncarried = 0
        self.troubles = 0
        self.unknown: dict[str, int] = {}
        self.foreign: dict[str, None] = {}
        self._aside: str | None = None
        self._todo = False
        self._batch: list[list[str]] = []
        # What children said of cases: applied once it is known what the cases say of themselves.
        self._settled: list[tuple[int, str, str]] = []
        self._not_run: set[int] = set()
        self._suite_starts: list[tuple[int, int]] = [(0, -1)]
        self._open_suites: list[int] = []
        self._in_case = False
        self._open_attempts: list[Attempt] = []
        self._attempts_of: dict[int, list[Attempt]] = {}
        self._trouble: _Trouble | None = None
        self._muted: str | None = None
        self._plain = plain
        self._marked = None if plain is None else [plain.mark, ""]
        # Plain cases since the last flush: how many other cases came before a run of them, and how many they are.
        self._runs: list[tuple[int, int]] = []
        self._in_runs = 0
        self._parser = self._new_parser()

    def parse(self, blocks: Iterable[bytes]) -> None:
        """Parse the blocks of one document; ``ExpatError`` if it is malformed, what was read until then is kept."""
        try:
            for block in blocks:
                plain = self._plain if self.suites else None
                self._parser.Parse(plain.take_out(block) if plain else block, False)  # noqa: FBT003 - by position
                if len(self._batch) >= _BATCH or self._in_runs >= _PLAIN_BATCH:
                    self._flush()
            self._parser.Parse(b"", True)  # noqa: FBT003
        finally:
            self._flush()
        if self._plain is not None and self._plain.left:
            raise NotPlain

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
        """Hand over the rows of ``tests``: a case each, or an attempt each where cases carry attempts."""
        cases = self.columns.rows
        starts = np.array([start for start, _ in self._suite_starts] + [cases])
        suite_of = np.repeat(np.array([suite for _, suite in self._suite_starts], dtype="int64"), np.diff(starts))
        rows = Rows(np.arange(cases), suite_of, self.columns.time_s, {}, self.statuses, self.messages)
        return spread_attempts(rows, self._attempts_of) if self._attempts_of else rows

    def _new_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        # A list of names and values costs less than a dictionary, and a case is one of many alike.
        parser.ordered_attributes = True
        refuse_entities(parser)
        parser.StartElementHandler = self._root
        parser.EndElementHandler = self._end
        if self._plain is not None:
            parser.XmlDeclHandler = self._declared
            parser.StartDoctypeDeclHandler = self._typed
            parser.ProcessingInstructionHandler = self._run
        return parser

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ASCII_BASED:
            self._plain = None

    def _typed(self, *_: object) -> None:
        # A document type can give cases attributes that do not stand in them.
        self._plain = None

    def _run(self, mark: str, count: str) -> None:
        if self._plain is not None and mark == self._plain.mark:
            self._claim(int(count))

    def _claim(self, count: int) -> None:
        """Take in plain cases where the parser meets their mark."""
        if self._in_case or self._trouble is not None or not self._open_suites:
            raise NotPlain
        self._runs.append((len(self._batch), count))
        self._in_runs += count

    def _root(self, name: str, attributes: list[str]) -> None:
        local = name.rpartition(":")[2]
        if local not in ("testsuites", "testsuite"):
            raise not_a_report(local)
        self._parser.StartElementHandler = self._start
        self._start(name, attributes)

    def _start(self, name: str, attributes: list[str]) -> None:
        if name == "testcase":
            if attributes == self._marked:
                self._claim(1)
            else:
                self._batch.append(attributes)
            self._in_case = True
            return
        self._rare_start(name.rpartition(":")[2], attributes)

    def _flush(self) -> None:
        """Move the cases begun since the last flush into the columns, and then what their children said."""
        if count := len(self._batch) + self._in_runs:
            said = by_attribute(self._batch) if self._batch else {}
            if self._plain is not None and self._runs:
                plain = self._plain.claim(self._in_runs)
                said = interleaved(plain, said, self._runs, len(self._batch)) if self._batch else plain
                self._runs, self._in_runs = [], 0
            if not said.keys().isdisjoint(STATING):
                nothing = [None] * count
                self._read_stated(*(said[key].to_pylist() if key in said else nothing for key in STATING))
            self.columns.extend(said, count)
            self._batch.clear()
        for row, status, message in self._settled:
            self._settle(row, status, message)
        self._settled.clear()

    def _read_stated(self, *words: Sequence[str | None]) -> None:
        """Take in what the cases not yet in the columns say of their own result, a list for each of ``STATING``."""
        pairs = list(zip(*words, strict=True))
        known = {pair: stated(*pair) for pair in set(pairs)}
        if set(known.values()) <= {("pass", None)}:
            return
        for row, pair in enumerate(pairs, start=self.columns.rows):
            status, word = known[pair]
            if status != "pass":
                self.statuses[row] = status
            if status == "skip":
                self._not_run.add(row)
            if word is not None:
                self.unknown[word] = self.unknown.get(word, 0) + 1

    @property
    def _rows(self) -> int:
        return self.columns.rows + len(self._batch) + self._in_runs

    def _rare_start(self, name: str, attributes: list[str]) -> None:
        if name == "testcase":
            self._start(name, attributes)
        elif name in ("testsuite", "testsuites"):
            self._open_suite(mapped(attributes))
        elif self._trouble is not None:
            if name in ("system-out", "system-err") and self._muted is None:
                self._muted = name
                self._parser.CharacterDataHandler = None
        elif name in TROUBLES:
            status, attempt = TROUBLES[name]
            said = mapped(attributes)
            self._trouble = _Trouble(status, attempt, said.get("message", ""), said.get("time"))
            self._parser.CharacterDataHandler = self._text
        elif name in SKIPS and self._in_case:
            said = mapped(attributes)
            kind = said.get("type")
            self._todo = kind == "todo" or said.get("message") == "TEST_CASE tagged with !mayfail"
            self._say("xfail" if kind == "pytest.xfail" else "skip", said.get("message", ""))
        elif name == "property" and not self._in_case and self._open_suites:
            said = mapped(attributes)
            if said.get("name", "").lower() in _RAN_IN:
                suite = self.suites[self._open_suites[-1]]
                suite.ran_in = suite.ran_in or said.get("value") or None
        elif self._in_case and self._aside is None:
            self._aside = name
            if name not in TELL_NOTHING:
                self.unknown[f"<{name[:40]}>"] = self.unknown.get(f"<{name[:40]}>", 0) + 1
                self._say("no_result", "")
        elif not self._in_case and name not in TELL_NOTHING and name not in SKIPS:
            self.foreign.setdefault(name)

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
        elif name in TROUBLES:
            self._close_trouble(name)
        elif name in ("testsuite", "testsuites"):
            self._close_suite()
        elif name == "testcase":
            self._end(name)

    def _close_trouble(self, name: str) -> None:
        trouble = self._trouble
        # An element of the same kind inside a failure's text belongs to that text.
        if trouble is None or TROUBLES[name] != (trouble.status, trouble.attempt):
            return
        self._trouble = None
        self.troubles += 1
        self._parser.CharacterDataHandler = None
        if not self._in_case:
            self._add_uncarried(trouble)
        elif trouble.attempt is None:
            # node and Catch2 write what failed as expected as a skip, then a failure.
            self._say("xfail" if self._todo else trouble.status, self._message(trouble))
        else:
            self._open_attempts.append(Attempt(trouble.status, self._message(trouble), trouble.time, trouble.attempt))

    def _say(self, status: str, message: str) -> None:
        self._settled.append((self._rows - 1, status, message))

    def _settle(self, row: int, status: str, message: str) -> None:
        """Give a case its status: the most severe of its children, unless it says it did not run."""
        present = self.statuses.get(row, "pass")
        if row in self._not_run:
            # status="notrun" with a failure child: the child is a placeholder of the reporter.
            self.messages.setdefault(row, self._cut(message))
        elif RANK[status] >= RANK[present]:
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
