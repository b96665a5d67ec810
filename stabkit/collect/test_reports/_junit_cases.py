"""JUnit XML, event by event, into plain columns.

Passing cases take the short way: one Python call at the start of the element and one at its end, no text handler.
Everything that is rare (failures, attempts, suites) goes through the tables at the end of this module.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NoReturn
from xml.parsers import expat

from stabkit.collect.content import ReportError
from stabkit.collect.test_ids import UNNAMED

__all__ = ["TEXT_LIMIT", "JUnitCases", "Suite"]

TEXT_LIMIT: Final = 64 * 1024
_RANK: Final = {"pass": 0, "xfail": 1, "skip": 1, "fail": 2, "error": 3}
_STATED: Final = {
    "notrun": "skip",
    "disabled": "skip",
    "suppressed": "skip",
    "skipped": "skip",
    "fail": "fail",
    "failed": "fail",
    "error": "error",
}


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


class JUnitCases:
    """Columns of a JUnit report, one entry a row of ``tests``, filled while the XML is parsed.

    Raises
    ------
    ReportError
        From :meth:`parse`: another root element, or an entity declared or left undefined. Nothing outside the file is
        ever opened.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.classes: list[str] = []
        self.files: list[str | None] = []
        self.times: list[str | None] = []
        self.statuses: list[str] = []
        self.suite_of: list[int] = []
        self.attempts: dict[int, int] = {}
        self.messages: dict[int, str] = {}
        self.suites: list[Suite] = []
        self.superseded = 0
        self.cut_texts = 0
        self.uncarried = 0
        self.stated_only = 0
        self._open_suites: list[int] = []
        self._suite = -1
        self._in_case = False
        self._earlier: list[_Trouble] = []
        self._trouble: _Trouble | None = None
        self._muted: str | None = None
        self._known: dict[str, str] = {}
        self._parser = self._new_parser()

    def parse(self, blocks: Iterable[bytes]) -> None:
        """Parse the blocks of one document; ``ExpatError`` if it is malformed."""
        for block in blocks:
            self._parser.Parse(block, False)  # noqa: FBT003 - expat takes it by position
        self._parser.Parse(b"", True)  # noqa: FBT003

    @property
    def position(self) -> tuple[int, int]:
        """Line and column where the parser stands, both from 1."""
        return self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1

    def _new_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.EntityDeclHandler = _refuse_declaration
        parser.SkippedEntityHandler = _refuse_undefined
        parser.StartElementHandler = self._root
        parser.EndElementHandler = self._end
        return parser

    def _root(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if local not in ("testsuites", "testsuite"):
            raise ReportError(f"not a test report: its root element is {local[:80]!r}")
        self._parser.StartElementHandler = self._start
        self._start(name, attributes)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "testcase":
            get = attributes.get
            known = self._known
            self._in_case = True
            self.names.append(get("name") or UNNAMED)
            group = get("classname") or UNNAMED
            # A report repeats its class names; keeping one string of each halves the memory.
            self.classes.append(known.setdefault(group, group))
            file = get("file")
            self.files.append(file and known.setdefault(file, file))
            self.times.append(get("time"))
            self.suite_of.append(self._suite)
            stated = get("status")
            if stated is None and "result" not in attributes:
                self.statuses.append("pass")
            else:
                self.statuses.append(self._stated(attributes))
            return
        self._rare_start(name.rpartition(":")[2], attributes)

    def _stated(self, attributes: dict[str, str]) -> str:
        for key in ("status", "result"):
            status = _STATED.get(attributes.get(key, "").strip().lower())
            if status is not None:
                return status
        return "pass"

    def _rare_start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "testcase":
            self._start(name, attributes)
        elif name in ("testsuite", "testsuites"):
            self._open_suite(attributes)
        elif self._trouble is not None:
            if name in ("system-out", "system-err") and self._muted is None:
                self._muted = name
                self._parser.CharacterDataHandler = None
        elif name in _TROUBLES:
            status, attempt = _TROUBLES[name]
            self._trouble = _Trouble(status, attempt, attributes.get("message", ""), attributes.get("time"))
            self._parser.CharacterDataHandler = self._text
        elif name == "skipped" and self._in_case:
            xfail = attributes.get("type") == "pytest.xfail"
            self._settle("xfail" if xfail else "skip", attributes.get("message", ""))

    def _open_suite(self, attributes: dict[str, str]) -> None:
        parent = self._open_suites[-1] if self._open_suites else None
        self._suite = len(self.suites)
        self._open_suites.append(self._suite)
        header = {key: value for key, value in attributes.items() if key in _CLAIMS}
        self.suites.append(Suite(attributes.get("name") or None, header, parent))

    def _text(self, text: str) -> None:
        trouble = self._trouble
        if trouble is not None and trouble.length <= TEXT_LIMIT:
            trouble.text.append(text)
            trouble.length += len(text)

    def _end(self, name: str) -> None:
        if name == "testcase":
            self._in_case = False
            if self._earlier:
                self._spread_attempts()
            return
        name = name.rpartition(":")[2]
        if name == self._muted:
            self._muted = None
            self._parser.CharacterDataHandler = self._text
        elif name in _TROUBLES:
            self._close_trouble(name)
        elif name in ("testsuite", "testsuites"):
            self._open_suites.pop()
            self._suite = self._open_suites[-1] if self._open_suites else -1
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
            self._settle(trouble.status, self._message(trouble))
        else:
            self._earlier.append(trouble)

    def _settle(self, status: str, message: str) -> None:
        """Give the open case its status: the most severe of its children, unless it says it did not run."""
        present = self.statuses[-1]
        row = len(self.statuses) - 1
        if present == "skip" and status != "skip" and row not in self.messages:
            # status="notrun" with a failure child: the child is a placeholder of the reporter.
            self.messages[row] = message
            return
        if _RANK[status] >= _RANK[present]:
            self.statuses[-1] = status
            if message:
                self.messages[row] = self._cut(message)

    def _add_uncarried(self, trouble: _Trouble) -> None:
        """Add the failure of a suite that no case carries, as a case named after the suite."""
        name = self.suites[self._suite].name if self._suite >= 0 else None
        self.names.append(name or UNNAMED)
        self.classes.append(UNNAMED)
        self.files.append(None)
        self.times.append(None)
        self.statuses.append("error")
        self.suite_of.append(self._suite)
        self.messages[len(self.names) - 1] = self._message(trouble)
        self.uncarried += 1

    def _spread_attempts(self) -> None:
        """Turn the case just ended into its attempts, oldest first; its own result is the last."""
        row = len(self.names) - 1
        final, message = self.statuses[row], self.messages.pop(row, "")
        tries = [(t.status, self._message(t), t.time) for t in self._earlier]
        if any(trouble.attempt == "rerun" for trouble in self._earlier):
            # The case's own failure was the first try, the reruns followed and failed too.
            first = (final if final in ("fail", "error") else "fail", message, None)
            tries.insert(0, first)
            final, message, _ = tries.pop()
        self._earlier = []
        name, group, file, time = self.names.pop(), self.classes.pop(), self.files.pop(), self.times.pop()
        suite = self.suite_of.pop()
        self.statuses.pop()
        for number, (status, text, seconds) in enumerate([*tries, (final, message, time)], start=1):
            self.names.append(name)
            self.classes.append(group)
            self.files.append(file)
            self.times.append(seconds)
            self.suite_of.append(suite)
            self.statuses.append(status)
            self.attempts[len(self.names) - 1] = number
            if text:
                self.messages[len(self.names) - 1] = text
        self.superseded += len(tries)

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


def _refuse_declaration(name: str, *_rest: object) -> NoReturn:
    raise ReportError(f"refused: it declares the entity {name[:80]!r}, which no test report needs")


def _refuse_undefined(name: str, *_rest: object) -> NoReturn:
    raise ReportError(f"refused: it uses the undefined entity {name[:80]!r}")
