"""An executed notebook as one page, one JSON result and one Markdown summary, all from the same outputs.

The page is self-contained: no script, no request, equal bytes for equal input. What the notebook shows through
:mod:`stabkit.report.display` carries its piece of the result; the result is these pieces, section by section.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import nbformat
from markupsafe import Markup, escape

from stabkit.installation import package_version
from stabkit.lines import json_text
from stabkit.numbers import confidence_text, moment
from stabkit.report.display import SCHEMA_VERSION, TEMPLATES, markdown_text, plain_text, slug
from stabkit.report.page.cells import Failure, Section, Shown, collect_cells, read_notebook
from stabkit.report.page.shell import page_css
from stabkit.text import count
from stabkit.vocabulary import EXIT_CODES

__all__ = ["Rendered", "render"]

MARKDOWN_BUDGET: Final = 60_000  # a pull-request comment holds 65,536 characters
_ANCHOR: Final = re.compile(r'<a( class="at")? href="#([^"]*)">(.*?)</a>')


@dataclass(frozen=True)
class Rendered:
    """What became of a notebook.

    Attributes
    ----------
    html : str
        The whole page.
    result : dict
        ``schema``, ``notebook``, ``heading`` (what kind of page it is), ``title``, ``verdict`` (null without one, or
        if a cell failed), ``exit_code``, ``subject``, ``summary`` (the verdict's piece), ``failure``, ``sections``:
        heading, number and pieces of each.
    markdown : str
        The same for job summaries, at most 60,000 characters.
    whole : mapping
        Name, such as ``tests``, to a Parquet file of what the result lists the beginning of; empty where it lists all.
    """

    html: str
    result: dict[str, Any]
    markdown: str
    whole: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def json(self) -> str:
        """The result as JSON text, one trailing newline."""
        return json_text(self.result) + "\n"

    @property
    def exit_code(self) -> int:
        """0 stable or nothing judged, 1 regressed, 2 a cell failed, 3 inconclusive."""
        return int(self.result["exit_code"])


@dataclass
class _Page:
    title: str
    version: str
    css: Markup
    window_title: str = ""
    index: str | None = None
    crumbs: list[str] = field(default_factory=list)
    when: str = ""
    likely: str = ""
    runs: str = ""
    command: str = ""
    header: list[Markup] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    quiet: list[Section] = field(default_factory=list)
    absent: list[Section] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    failure: Failure | None = None


def render(
    notebook: Path | str | nbformat.NotebookNode | Mapping[str, Any],
    *,
    title: str | None = None,
    about: str | None = None,
    index: str | None = None,
) -> Rendered:
    """Return the page, the result and the summary of an executed notebook.

    Parameters
    ----------
    notebook : path or notebook node
        An executed notebook; also one whose run was broken off by a failing cell.
    title : str, optional
        The page's heading; else the verdict's subject, else the notebook's own first heading.
    about : str, optional
        What this report is about, among many of one notebook: follows a heading that is only the notebook's.
    index : str, optional
        Relative address of the index page, for the way back.

    Raises
    ------
    NotebookError
        The file is no notebook.
    """
    node, name = read_notebook(notebook)
    lead, failure, code = collect_cells(node)
    head, sections = lead[0], lead[1:]
    if failure:
        _withdraw_verdict(lead)
    pieces = [piece for section in lead for piece in _flat(section.pieces)]
    verdict = next((piece for piece in pieces if piece["kind"] == "verdict"), None)
    subject = _subject(verdict, head)
    named = title or ": ".join(filter(None, (head.heading or name, plain_text(about or ""))))
    heading = title or subject.get("title") or _with_sides(named, subject)
    page = _Page(heading, package_version(), _style(), index=index, sections=sections, code=code, failure=failure)
    page.window_title = _window_title(named if not verdict else heading, verdict, subject, failure)
    page.crumbs = [plain_text(subject[key]) for key in ("project", "environment") if subject.get(key)]
    page.when = _when(heading, subject)
    page.likely = _likely(verdict)
    page.runs = " and ".join(plain_text(run) for run in (verdict or {}).get("runs") or [])
    page.command = plain_text((verdict or {}).get("command") or "")
    _number(sections)
    _settle_links(lead)
    page.header = head.blocks
    page.sections, page.quiet, page.absent = _apart(sections)
    named_as = {"notebook": name, "heading": named, "title": heading}
    result = _result(named_as, verdict, subject, failure, lead)
    whole = {name: content for part in lead for output in part.shown for name, content in output.whole.items()}
    return Rendered(_page_html(node, page), result, _summary(heading, failure, lead), whole)


def _withdraw_verdict(parts: list[Section]) -> None:
    """Leave out what was concluded before a cell failed: an unfinished report has no verdict, in no form."""
    for part in parts:
        part.shown = [
            output
            for output in part.shown
            if all(p["kind"] != "verdict" for p in _flat([output.piece] if output.piece else []))
        ]


def _flat(pieces: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for piece in pieces:
        yield piece
        if piece["kind"] in ("group", "fold"):
            yield from _flat(piece["pieces"])


def _apart(sections: list[Section]) -> tuple[list[Section], list[Section], list[Section]]:
    """Return the sections to look at, those of one line, and those without evidence, which a page names together.

    Without any to look at all stay in their places.
    """
    bare = [part for part in sections if part.pieces and all(_is_bare(output) for output in part.shown)]
    quiet = [part for part in sections if part.pieces and all(output.piece.get("quiet") for output in part.shown)]
    told = [part for part in sections if part not in bare and part not in quiet]
    return (told, quiet, bare) if told else (sections, [], [])


def _is_bare(output: Shown) -> bool:
    return output.piece.get("kind") == "no_evidence"


def _subject(verdict: Any, head: Section) -> Mapping[str, Any]:
    """Return what a page is about: its verdict says so, else what it opens with."""
    told = [verdict] if verdict else [piece for piece in head.pieces if piece["kind"] == "statement"]
    return next((piece["subject"] for piece in told if isinstance(piece.get("subject"), Mapping)), {})


def _with_sides(named: str, subject: Mapping[str, Any]) -> str:
    sides = [plain_text(subject[key]) for key in ("candidate", "baseline") if subject.get(key)]
    return f"{named}: {' against '.join(sides)}" if sides else named


def _number(sections: list[Section]) -> None:
    taken: dict[str, int] = {"main": 1}
    for section in sections:
        anchor = slug(section.heading)
        taken[anchor] = taken.get(anchor, 0) + 1
        section.anchor = anchor if taken[anchor] == 1 else f"{anchor}-{taken[anchor]}"


def _settle_links(parts: list[Section]) -> None:
    """Lead links to the sections of this page, with their numbers; of those that it lacks the words are left."""
    numbers = {part.anchor: part.number for part in parts[1:]}
    for part in parts:
        part.shown = [replace(output, html=_linked(output.html, numbers)) for output in part.shown]


def _linked(html: Markup, numbers: Mapping[str, str]) -> Markup:
    def settled(match: re.Match[str]) -> str:
        anchor = slug(match[2].replace("-", " ", 1))  # in a notebook the number is a part of the heading's id
        if anchor not in numbers:
            return match[3]
        number = numbers[anchor] if match[1] else ""
        told = f'<span class="no">{escape(number)} </span>{match[3]}' if number else match[3]
        return f'<a{match[1] or ""} href="#{anchor}">{told}</a>'

    return Markup(_ANCHOR.sub(settled, str(html))) if 'href="#' in html else html  # noqa: S704


def _when(heading: str, subject: Mapping[str, Any]) -> str:
    """Return period and rounds for the line above the heading; no time if a run without a label has it there."""
    at, rounds, note = subject.get("at"), subject.get("rounds"), plain_text(subject.get("note") or "")
    told = not at or at[:10] in heading or at[:16].replace("-", "").replace(":", "") in heading
    period = [] if told else [_period(moment(at), moment(subject["until"]) if subject.get("until") else "")]
    return " · ".join([*period, *([count(rounds, "round")] if rounds else []), *filter(None, [note])])


def _period(start: str, end: str) -> str:
    """Return both ends of a period, the day once where they share it."""
    if not end or start == end:
        return start
    day, comma, clock = start.rpartition(", ")
    same = comma and end.startswith(day + comma)
    return f"{day}, {clock.rsplit(None, 1)[0]} to {end.removeprefix(day + comma)}" if same else f"{start} to {end}"


def _likely(verdict: Any) -> str:
    """Return what an interval is, once a page; nothing where none is judged."""
    gate = (verdict or {}).get("gate") or {}
    confidence = gate.get("confidence")
    if not isinstance(confidence, float):
        return ""
    return f"Likely: where the change lies with {confidence_text(confidence)} confidence."


def _window_title(heading: str, verdict: Any, subject: Mapping[str, Any], failure: Failure | None) -> str:
    sides = [subject.get("candidate"), subject.get("baseline")]
    what = " against ".join(plain_text(side) for side in sides if side)
    if subject.get("project"):
        what = f"{plain_text(subject['project'])} {what}".strip()
    if not verdict or not any(sides):
        what = ": ".join(filter(None, (plain_text(heading), what)))
    word = "Not finished" if failure else str(verdict["word"]).capitalize() if verdict else ""
    return f"{word}: {what}" if word else what


def _result(
    named_as: Mapping[str, str],
    verdict: Any,
    subject: Mapping[str, Any],
    failure: Failure | None,
    parts: list[Section],
) -> dict[str, Any]:
    exit_code = EXIT_CODES["error"] if failure else int(verdict["exit_code"]) if verdict else 0
    return {
        "schema": SCHEMA_VERSION,
        **named_as,
        "verdict": None if failure or not verdict else verdict["word"],
        "exit_code": exit_code,
        "subject": subject or None,
        "summary": verdict,
        "failure": None
        if failure is None
        else {"cell": failure.cell, "section": failure.section, "error": failure.name, "message": failure.message},
        "sections": [
            {"number": part.number or None, "heading": part.heading, "pieces": part.pieces}
            for part in parts
            if part is not parts[0] or part.pieces
        ],
    }


def _summary(heading: str, failure: Failure | None, parts: list[Section]) -> str:
    blocks = [f"# {markdown_text(heading)}"]
    if failure:
        where = f" in section “{markdown_text(failure.section)}”" if failure.section else ""
        error = f"{markdown_text(failure.name)}: {markdown_text(failure.message)}"
        blocks.append(f"**! NOT FINISHED** Cell {failure.cell}{where} failed, so there is no verdict. {error}")
    blocks += parts[0].markdown
    for part in parts[1:]:
        number = f"{part.number} " if part.number else ""
        blocks += [f"## {number}{markdown_text(part.heading)}", *part.markdown]
    kept: list[str] = []
    room = MARKDOWN_BUDGET
    for i, block in enumerate(blocks):
        room -= len(block) + 2
        if room < 200:
            kept.append(f"… and {count(len(blocks) - i, 'block')} more in the HTML report.")
            break
        kept.append(block)
    return "\n\n".join(kept) + "\n"


def _style() -> Markup:
    return Markup(page_css())  # noqa: S704


@cache
def _exporter() -> Any:
    from nbconvert.exporters.templateexporter import TemplateExporter

    # Not HTMLExporter: it parses and rewrites the finished page, which costs time and the bytes as written.
    class PageExporter(TemplateExporter):
        file_extension = ".html"

        def _template_extension_default(self) -> str:
            return ".html.j2"

    exporter: Any = PageExporter
    return exporter(template_name="stabkit", extra_template_basedirs=[str(TEMPLATES)])


def _page_html(node: nbformat.NotebookNode, page: _Page) -> str:
    html, _ = _exporter().from_notebook_node(node, resources={"stabkit": page})
    return str(html).strip() + "\n"
