"""The index of a folder of reports, made from their JSON results alone, so that it can be made again at any time."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stabkit.errors import EvidenceError
from stabkit.lines import json_text
from stabkit.numbers import amount_text
from stabkit.report.display import SCHEMA_VERSION, markdown_text
from stabkit.report.index.index_page import index_html, titles_of
from stabkit.report.index.lines import Placed, place_in_lines
from stabkit.report.index.matrix import matrix, newest_of_each
from stabkit.report.index.results import GROUPS, Unread, group_badge, read_folder
from stabkit.report.page import write_whole
from stabkit.text import count
from stabkit.vocabulary import EXIT_CODES

__all__ = ["Index", "make_index", "write_index"]

_log = logging.getLogger(__name__)

_MARKDOWN_ROWS: Final = 200
_WARNED_OF: Final = 5


@dataclass(frozen=True)
class Index:
    """The three files of an index, and what it could not show.

    Attributes
    ----------
    unread : tuple of Unread
        Files that should say how a report came out and cannot be used; the index names them first.
    others : tuple of str
        JSON files of something else, which were left out.
    exit_code : int
        That of the worst report: 2 if one failed or cannot be read, else 1, 3 or 0.
    """

    html: Path
    json: Path
    markdown: Path
    unread: tuple[Unread, ...] = ()
    others: tuple[str, ...] = ()
    exit_code: int = 0


def write_index(folder: Path | str) -> tuple[Path, Path, Path]:
    """Write ``index.html``, ``index.json`` and ``index.md`` over all reports of a folder; return the three files.

    What :func:`make_index` does, for whoever needs no more than the files; what it could not use is a warning in the
    log.
    """
    made = make_index(folder)
    for one in made.unread[:_WARNED_OF]:
        _log.warning("%s: %s Make this report again, or take the file away.", Path(folder, one.file), one.message)
    if len(made.unread) > _WARNED_OF:
        _log.warning("%d more results cannot be read; the index names them.", len(made.unread) - _WARNED_OF)
    return made.html, made.json, made.markdown


def make_index(folder: Path | str) -> Index:
    """Write ``index.html``, ``index.json`` and ``index.md`` over all reports of a folder.

    Parameters
    ----------
    folder : Path
        Holds the ``.json`` results of reports, as written beside their pages; JSON files of something else are left
        out. One that cannot be used is named in the index, with the reason, and keeps no other from being listed. No
        result at all gives an index that says so.

    Raises
    ------
    EvidenceError
        The folder does not exist, or cannot be read or written.
    """
    root = Path(folder)
    found = read_folder(root)
    reports = place_in_lines(found.results)
    tally = Counter(one.group for one in found.results)
    counts = {group: tally[group] for group, _, _ in GROUPS} | {"unread": len(found.unread)}
    code = EXIT_CODES["error"] if found.unread else next((worst for group, _, worst in GROUPS if tally[group]), 0)
    made = Index(root / "index.html", root / "index.json", root / "index.md", found.unread, found.others, code)
    sentence = _sentence(counts)
    try:
        write_whole({
            made.json: _json(reports, made, counts),
            made.markdown: _markdown(reports, found.unread, sentence),
            made.html: index_html(reports, found.unread, sentence),
        })  # fmt: skip
    except OSError as error:
        raise EvidenceError(
            f"The index cannot be written: {error.strerror or error}.",
            where=str(root),
            hint="Let the folder be written.",
        ) from error
    return made


def _sentence(counts: Mapping[str, int]) -> str:
    parts = [f"{amount_text(counts[group])} {word}" for group, word, _ in GROUPS if counts[group]]
    unread = f"{count(counts['unread'], 'file')} cannot be read" if counts["unread"] else ""
    if parts:
        total = count(sum(counts[group] for group, _, _ in GROUPS), "report")
        return f"{total}: {', '.join(parts)}{'; ' if unread else ''}{unread}."
    return f"{unread}." if unread else "There is no report in this folder."


def _json(reports: Sequence[Placed], made: Index, counts: Mapping[str, int]) -> str:
    newest = newest_of_each(reports)
    shared = matrix([one.outcomes for one in newest])
    conditions = [] if shared is None else [
        {"file": newest[place].file, "outcomes": dict(zip(shared.conditions, outcomes, strict=True))}
        for place, outcomes in shared.lines
    ]  # fmt: skip
    result = {
        "schema": SCHEMA_VERSION,
        "counts": dict(counts),
        "exit_code": made.exit_code,
        "reports": [_report(one) for one in reports],
        "conditions": conditions,
        "unread": [{"file": one.file, "message": one.message} for one in made.unread],
    }
    return json_text(result) + "\n"


def _report(placed: Placed) -> dict[str, Any]:
    one = placed.result
    return {
        "file": one.file,
        "page": one.link or None,
        "title": one.title,
        "heading": one.heading or None,
        "environment": one.environment or None,
        "sides": one.sides or None,
        "verdict": None if one.group in ("error", "none") else one.group,
        "failed": one.group == "error",
        "reason": one.reason or None,
        "largest_change": one.largest or None,
        "missing": one.missing or None,
        "at": one.at.isoformat() if one.at else None,
        "earlier": [before.group for before in placed.earlier],
        "newest": placed.newest.file if placed.newest else one.file,
        "history": placed.history(),
    }


def _markdown(reports: Sequence[Placed], unread: Sequence[Unread], sentence: str) -> str:
    lines = ["# Reports", "", sentence]
    if unread:
        lines += ["", *(f"- ! {markdown_text(one.file)}: {markdown_text(one.message)}" for one in unread)]
    if reports:
        lines += ["", "| Report | Baseline → candidate | Verdict | First reason | Missing |", "|---|---|---|---|---|"]
    title = titles_of([placed.result for placed in reports])
    for placed in reports[:_MARKDOWN_ROWS]:
        one = placed.result
        glyph, _, word = group_badge(one.group)
        cells = (one.sides or "–", f"{glyph} {word}", one.reason or "–", one.missing or "–")
        name = markdown_text(f"{title(one)} {one.environment}".strip())
        link = f"[{name}]({one.link})" if one.link else f"{name} (no page)"
        lines.append(f"| {link} | " + " | ".join(map(markdown_text, cells)) + " |")
    if len(reports) > _MARKDOWN_ROWS:
        lines += ["", f"and {count(len(reports) - _MARKDOWN_ROWS, 'report')} more"]
    return "\n".join(lines) + "\n"
