"""The JSON results of a folder of reports, read as what anybody may have put there: no file stops the others.

A file that is the result of a report and cannot be used is told, never left out in silence; whatever else a usable one
lacks, or has in a wrong type, is not known. Nothing that is unclear counts as stable.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast, get_args
from urllib.parse import quote

from stabkit.analyze import ConditionResult, Estimate, Need, NeedReason, Outcome
from stabkit.chart import Strip
from stabkit.errors import EvidenceError
from stabkit.report.display import SCHEMA_VERSION, badge
from stabkit.report.sections import strip
from stabkit.report.words import leading_estimate
from stabkit.text import joined, plain
from stabkit.vocabulary import EXIT_CODES, VERDICTS

__all__ = ["GROUPS", "Folder", "Result", "Unread", "group_badge", "read_folder"]

# In the order of the page, with the exit code of a whole batch whose worst report is of the group.
GROUPS: Final = (
    ("error", "failed to execute", EXIT_CODES["error"]),
    *((verdict, verdict, EXIT_CODES[verdict]) for verdict in VERDICTS),
    ("none", "without verdict", 0),
)

LARGEST_BYTES: Final = 64_000_000  # a report's result has a quarter of a million
LONGEST_TEXT: Final = 400
_LARGEST_NUMBER: Final = 1e300  # what is larger has no percentage
# Two of them make a file the result of a report, so that one which lacks the third is told and not left out.
_OWN_KEYS: Final = frozenset({"notebook", "sections", "verdict"})
_INDEX: Final = "index.json"
_EXIT_CODES: Final[Mapping[str | None, int]] = {None: 0, **{verdict: EXIT_CODES[verdict] for verdict in VERDICTS}}


class _UnusableError(Exception):
    """Why a file is of no use; one sentence without a full stop."""


@dataclass(frozen=True)
class Unread:
    """A file that should say how a report came out, and does not.

    Attributes
    ----------
    file : str
        Its name.
    message : str
        What is wrong with it, as a sentence.
    """

    file: str
    message: str


@dataclass(frozen=True)
class Result:
    """What the index needs of a report.

    Attributes
    ----------
    group : str
        Its verdict; ``error`` if it could not be finished, ``none`` if it judges nothing.
    about, text : str
        What it says first: a condition or cell, and what was seen of it; either may be empty.
    heading : str
        What kind of page it is: "Stability report", "Test trends: the recorded sample".
    notebook : str
        What it was made by; pages of one notebook are of one kind.
    at : datetime or None
        Start of the candidate's collection, UTC; of a page about a history, its newest run.
    outcomes : mapping
        Condition to outcome.
    measured : mapping
        Metric to change, interval and margin; in the report's own order of weight.
    page : bool
        Whether its page lies beside it.
    """

    group: str
    file: str
    title: str
    environment: str = ""
    heading: str = ""
    notebook: str = ""
    sides: str = ""
    about: str = ""
    text: str = ""
    largest: str = ""
    change: tuple[str, str] = ("", "")
    missing: str = ""
    at: datetime | None = None
    outcomes: Mapping[str, str] = field(default_factory=dict)
    measured: Mapping[str, Strip] = field(default_factory=dict)
    page: bool = True

    @property
    def name(self) -> str:
        """Title and environment, as one name."""
        return f"{self.title} {self.environment}".strip()

    @property
    def reason(self) -> str:
        """What it says first."""
        return f"{self.about} {self.text}".strip()

    @property
    def link(self) -> str:
        """The page's address, relative to the index; empty if there is no page."""
        return quote(os.fsencode(f"{self.file.removesuffix('.json')}.html")) if self.page else ""


@dataclass(frozen=True)
class Folder:
    """What the JSON files of a folder are: results, results of no use, and files of something else, by name."""

    results: tuple[Result, ...]
    unread: tuple[Unread, ...] = ()
    others: tuple[str, ...] = ()


def group_badge(group: str) -> tuple[str, str, str]:
    """Return glyph, colour class and word of a group's reports."""
    return ("–", "none", "no verdict") if group == "none" else (*badge(group)[:2], group)


def read_folder(root: Path) -> Folder:
    """Return what the JSON files of a folder say, in the order of their names.

    Raises
    ------
    EvidenceError
        There is no such folder, or it cannot be listed.
    """
    if not root.is_dir():
        raise EvidenceError("There is no such folder.", where=str(root), hint="Write reports into it first.")
    try:
        files = sorted(file for file in root.iterdir() if file.suffix == ".json" and file.name != _INDEX)
    except OSError as error:
        raise EvidenceError(
            f"The folder cannot be listed: {error.strerror or error}.", where=str(root), hint="Let it be read."
        ) from error
    results, unread, others = [], [], []
    for file in files:
        if file.is_dir():
            continue
        try:
            content = _content(file)
            if content is None:
                others.append(file.name)
            else:
                results.append(_result(file, content))
        except _UnusableError as error:
            unread.append(Unread(file.name, f"{error}."))
    return Folder(tuple(results), tuple(unread), tuple(others))


def _content(file: Path) -> Mapping[str, Any] | None:
    """Return a report's result; None if the file is of something else."""
    try:
        if not file.is_file():  # reading a pipe or a device might never end
            raise _UnusableError("It is no regular file")
        if (size := file.stat().st_size) > LARGEST_BYTES:
            raise _UnusableError(f"It has {size / 1e6:.0f} MB, more than any report's result")
        found = json.loads(file.read_bytes())
    except OSError as error:
        raise _UnusableError(f"It cannot be read: {error.strerror or type(error).__name__}") from error
    except RecursionError as error:
        raise _UnusableError("It is nested too deeply for a report's result") from error
    except ValueError as error:
        raise _UnusableError(f"It is not whole JSON: {plain(error, 160)}") from error
    return found if isinstance(found, dict) and len(_OWN_KEYS & found.keys()) > 1 else None


def _result(file: Path, content: Mapping[str, Any]) -> Result:
    summary, subject = _mapping(content.get("summary")), _mapping(content.get("subject"))
    failure, change = content.get("failure"), _mapping(summary.get("change"))
    conditions = tuple(_conditions(_mapping(summary.get("gate"))))
    about, text = _reason(content, summary, _mapping(failure))
    missing = [_text(one, 120) for one in _list(summary.get("missing"))]
    sides = (_text(subject.get(key), 120) for key in ("baseline", "candidate"))
    return Result(
        group=_group(content, failed=bool(failure)),
        file=file.name,
        title=_text(subject.get("project"), 120) or _text(content.get("title"), 120) or plain(file.stem),
        environment=_text(subject.get("environment"), 120),
        heading=_text(content.get("heading"), 120),
        notebook=_text(content.get("notebook"), 120),
        sides=" → ".join(side for side in sides if side) or _text(subject.get("note"), 120),
        about=about,
        text=text,
        largest=_text(summary.get("largest_change")),
        change=(_text(change.get("rank"), 40), _text(change.get("text"))),
        missing=joined(missing, most=3) if missing else "",
        at=_time((not content.get("verdict") and subject.get("until")) or subject.get("at")),
        outcomes={condition.name: condition.outcome for condition in conditions},
        measured=_measured(conditions),
        page=file.with_suffix(".html").is_file(),
    )


def _group(content: Mapping[str, Any], *, failed: bool) -> str:
    if content.get("schema") != SCHEMA_VERSION:
        version = content.get("schema")
        raise _UnusableError(
            f"Its schema is {_as_json(version)}; this version of stabkit reads schema {SCHEMA_VERSION}"
        )
    if "verdict" not in content:
        raise _UnusableError("It has no verdict, not even null")
    verdict, code = content["verdict"], content.get("exit_code")
    if failed or code == EXIT_CODES["error"]:
        return "error"
    if not isinstance(verdict, str | None) or verdict not in _EXIT_CODES:
        raise _UnusableError(f"Its verdict is {_as_json(verdict)}, which is none")
    if isinstance(code, bool) or code != _EXIT_CODES[verdict]:
        raise _UnusableError(f"Its verdict {_as_json(verdict)} and exit code {_as_json(code)} contradict each other")
    return verdict or "none"


def _reason(content: Mapping[str, Any], summary: Mapping[str, Any], failure: Mapping[str, Any]) -> tuple[str, str]:
    if failure:
        cell = failure.get("cell")
        text = " ".join(_text(failure.get(key)) for key in ("error", "message")).strip()
        return f"cell {cell}:" if isinstance(cell, int) else "", text
    first = next(map(_mapping, _list(summary.get("reasons"))), None)
    if first is not None:
        return _text(first.get("subject")), _text(first.get("text"))
    return "", "" if summary else _headline(content)


def _headline(content: Mapping[str, Any]) -> str:
    """Return what a report without verdict says first; nothing if it opens with no sentence."""
    for section in map(_mapping, _list(content.get("sections"))[:1]):
        for piece in map(_mapping, _list(section.get("pieces"))):
            if piece.get("kind") == "statement":
                return "".join(_text(one) for one in _list(piece.get("sentences"))[:1])
    return ""


def _conditions(gate: Mapping[str, Any]) -> Iterable[ConditionResult]:
    for one in map(_mapping, _list(gate.get("conditions"))):
        needs = (_text(_mapping(need).get("reason"), 40) for need in _list(one.get("needs")))
        yield ConditionResult(
            name=_text(one.get("name"), 120),
            kind=_text(one.get("kind"), 40),
            outcome=_outcome(one.get("outcome")),
            estimates=tuple(_estimate(_mapping(estimate)) for estimate in _list(one.get("estimates"))),
            # Another version may know other reasons: they are doubts all the same.
            needs=tuple(Need(None, "evidence", cast("NeedReason", reason)) for reason in needs),
        )


def _estimate(one: Mapping[str, Any]) -> Estimate:
    change, low, high, margin = (_number(one.get(key)) for key in ("change", "low", "high", "margin"))
    samples = [int(_number(one.get(key)) or 0) for key in ("n_baseline", "n_candidate")]
    return Estimate(
        name=_text(one.get("name"), 60),
        unit=_text(one.get("unit"), 20),
        scale="ratio" if one.get("scale") == "ratio" else "difference",
        outcome=_outcome(one.get("outcome")),
        change=change,
        low=low,
        high=high,
        margin=margin if margin is not None and margin > 0 else None,
        n_baseline=samples[0],
        n_candidate=samples[1],
    )


def _measured(conditions: Iterable[ConditionResult]) -> dict[str, Strip]:
    """Return the metrics that can be drawn, in the order of weight; within a condition what speaks for it first."""
    found: dict[str, Strip] = {}
    for condition in conditions:
        leading = leading_estimate(condition)
        for estimate in sorted(condition.estimates, key=lambda one: one is not leading):
            drawn = strip(condition, estimate)
            name = condition.name if estimate.name in condition.name else f"{condition.name} {estimate.name}"
            if drawn is not None:
                found.setdefault(name, drawn)
    return found


def _outcome(value: object) -> Outcome:
    known: Mapping[object, Outcome] = {word: word for word in get_args(Outcome)}
    return known.get(value, "inconclusive") if isinstance(value, str) else "inconclusive"


def _as_json(value: object) -> str:
    return plain(json.dumps(value, ensure_ascii=False), 40)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object, longest: int = LONGEST_TEXT) -> str:
    return plain(value[: 4 * longest], longest) if isinstance(value, str) else ""


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if abs(number) < _LARGEST_NUMBER else None  # not a number is no such number either


def _time(value: object) -> datetime | None:
    """Return a time as UTC; one without zone is UTC, as everywhere in the evidence."""
    try:
        time = datetime.fromisoformat(value if isinstance(value, str) else "")
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
