"""An executed notebook as one page, one JSON result and one Markdown summary, all from the same outputs.

The page is self-contained: no script, no request, equal bytes for equal input. What the notebook shows through
:mod:`stabkit.report.display` carries its piece of the result; the result is these pieces, section by section.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import mistune
import nbformat
from markupsafe import Markup, escape

from stabkit.errors import NotebookError
from stabkit.report.display import PIECE_MIME, SCHEMA_VERSION, TEMPLATES
from stabkit.report.escape import markdown_text, plain_text, slug
from stabkit.report.foreign import clean_html
from stabkit.report.numbers import moment, plural
from stabkit.report.shell import package_version, page_css

__all__ = ["Rendered", "render"]

MARKDOWN_BUDGET: Final = 60_000  # a pull-request comment holds 65,536 characters
_HEADING: Final = re.compile(r"^(#{1,2})[ \t]+(.+?)[ \t#]*$")
_NUMBERED: Final = re.compile(r"^(\d+(?:\.\d+)*)[.)]?\s+(.+)$")
_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_ANCHOR: Final = re.compile(r'<a( class="at")? href="#([^"]*)">(.*?)</a>')
_NOT_RUN: Final = Markup(
    '<p class="nothing"><span class="b none"><span aria-hidden="true">–</span> not run</span> '
    "<span>The notebook stopped before this section was finished.</span></p>"
)
_PAPERMILL_NOTES: Final = ("papermill-error-cell-tag", "papermill-error-cell")


@dataclass(frozen=True)
class Rendered:
    """What became of a notebook.

    Attributes
    ----------
    html : str
        The whole page.
    result : dict
        ``schema``, ``notebook``, ``title``, ``verdict`` (null without one, or if a cell failed), ``exit_code``,
        ``subject``, ``summary`` (the verdict's piece), ``failure``, ``sections``: heading, number and pieces of each.
    markdown : str
        The same for job summaries, at most 60,000 characters.
    """

    html: str
    result: dict[str, Any]
    markdown: str

    @property
    def json(self) -> str:
        """The result as JSON text, one trailing newline."""
        return json.dumps(self.result, ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    @property
    def exit_code(self) -> int:
        """0 stable or nothing judged, 1 regressed, 2 a cell failed, 3 inconclusive."""
        return int(self.result["exit_code"])


@dataclass(frozen=True)
class _Shown:
    """One output or text: what it is on the page, in the result (empty if it is no piece), and in Markdown."""

    html: Markup
    piece: dict[str, Any] = field(default_factory=dict)
    markdown: str = ""


@dataclass
class _Section:
    heading: str = ""
    number: str = ""
    anchor: str = ""
    shown: list[_Shown] = field(default_factory=list)

    @property
    def blocks(self) -> list[Markup]:
        return [output.html for output in self.shown]

    @property
    def pieces(self) -> list[dict[str, Any]]:
        return [output.piece for output in self.shown if output.piece]

    @property
    def markdown(self) -> list[str]:
        return [output.markdown for output in self.shown if output.markdown]


@dataclass(frozen=True)
class _Failure:
    cell: int
    section: str
    name: str
    message: str
    short: str
    long: str


@dataclass
class _Page:
    title: str
    version: str
    css: Markup
    window_title: str = ""
    index: str | None = None
    crumbs: list[str] = field(default_factory=list)
    when: str = ""
    runs: str = ""
    command: str = ""
    header: list[Markup] = field(default_factory=list)
    sections: list[_Section] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    failure: _Failure | None = None


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
    node, name = _read(notebook)
    lead, failure, code = _collect(node)
    head, sections = lead[0], lead[1:]
    if failure:
        _withdraw_verdict(lead)
    pieces = [piece for section in lead for piece in _flat(section.pieces)]
    verdict = next((piece for piece in pieces if piece["kind"] == "verdict"), None)
    subject = (verdict or {}).get("subject") or {}
    heading = title or subject.get("title") or ": ".join(filter(None, (head.heading or name, plain_text(about or ""))))
    page = _Page(heading, package_version(), _style(), index=index, sections=sections, code=code, failure=failure)
    page.window_title = _window_title(heading, verdict, subject, failure)
    page.crumbs = [plain_text(subject[key]) for key in ("project", "environment") if subject.get(key)]
    page.when = _when(heading, subject)
    page.runs = " and ".join(plain_text(run) for run in (verdict or {}).get("runs") or [])
    page.command = plain_text((verdict or {}).get("command") or "")
    _number(sections)
    _settle_links(lead)
    page.header = head.blocks
    result = _result(name, heading, verdict, failure, lead)
    return Rendered(_page_html(node, page), result, _summary(heading, failure, lead))


def _withdraw_verdict(parts: list[_Section]) -> None:
    """Leave out what was concluded before a cell failed: an unfinished report has no verdict, in no form."""
    for part in parts:
        part.shown = [
            output
            for output in part.shown
            if all(p["kind"] != "verdict" for p in _flat([output.piece] if output.piece else []))
        ]


def _read(notebook: Any) -> tuple[nbformat.NotebookNode, str]:
    name = ""
    try:
        if isinstance(notebook, (str, Path)):
            name = Path(notebook).stem
            node = nbformat.read(notebook, as_version=4)
        else:
            node = nbformat.from_dict(notebook)
    except FileNotFoundError:
        raise NotebookError("There is no such notebook.", where=str(notebook)) from None
    except (OSError, ValueError, nbformat.ValidationError, AttributeError, KeyError) as error:
        raise NotebookError(f"Not a notebook: {plain_text(error)[:200]}.", where=name or None) from error
    if "cells" not in node:
        raise NotebookError("Not a notebook: it has no cells.", where=name or None)
    source = node.get("metadata", {}).get("papermill", {}).get("input_path")
    return node, Path(source).stem if source else name or "notebook"


def _collect(node: nbformat.NotebookNode) -> tuple[list[_Section], _Failure | None, list[str]]:
    """Walk the cells: the part before the first section, the sections, the first failure, and the code."""
    parts = [_Section()]
    failure: _Failure | None = None
    code: list[str] = []
    for number, cell in enumerate(node["cells"], start=1):
        tags = cell.get("metadata", {}).get("tags", [])
        if any(tag in _PAPERMILL_NOTES for tag in tags):
            continue
        if cell["cell_type"] == "markdown":
            _read_markdown(cell["source"], parts, code)
        elif cell["cell_type"] == "code":
            if cell["source"].strip():
                code.append(cell["source"])
            for output in cell.get("outputs", []):
                if output["output_type"] == "error":
                    failure = failure or _failure(output, number, parts[-1].heading)
                else:
                    _read_output(output, parts[-1])
    if failure:
        for part in parts[1:]:
            if not part.shown:
                part.shown.append(_Shown(_NOT_RUN, markdown="– not run"))
    return parts, failure, code


def _read_markdown(source: str, parts: list[_Section], code: list[str]) -> None:
    fenced = False
    text: list[str] = []

    def close() -> None:
        block = "\n".join(text).strip()
        text.clear()
        if not block:
            return
        if len(parts) == 1:  # what a notebook tells its analysts stays with the code
            code.append(block)
            return
        # escape=True: markup inside Markdown is text. Unsafe link targets are dropped by mistune.
        html = str(mistune.create_markdown(escape=True, plugins=["table"])(block))
        page = Markup(f'<div class="prose">{html.strip()}</div>')  # noqa: S704
        parts[-1].shown.append(_Shown(page, markdown=block))

    for line in source.splitlines():
        fenced ^= line.lstrip().startswith(("```", "~~~"))
        match = None if fenced else _HEADING.match(line)
        if match is None:
            text.append(line)
            continue
        close()
        words = plain_text(match[2]).strip()
        if match[1] == "#":
            parts[0].heading = parts[0].heading or words
        else:
            numbered = _NUMBERED.match(words)
            parts.append(_Section(numbered[2], numbered[1]) if numbered else _Section(words))
    close()


def _read_output(output: Mapping[str, Any], part: _Section) -> None:
    if output["output_type"] == "stream":
        if output["name"] == "stdout":
            text = _ANSI.sub("", output["text"]).strip()
            part.shown.append(_Shown(Markup('<pre tabindex="0">{}</pre>').format(text)))
        return
    data = output["data"]
    piece = data.get(PIECE_MIME)
    if piece is not None:
        if piece.get("schema") != SCHEMA_VERSION:
            raise NotebookError(
                f"An output has schema {piece.get('schema')!r}, this version reads {SCHEMA_VERSION}.",
                hint="Run the notebook again.",
            )
        html = Markup(clean_html(data["text/html"]))  # noqa: S704
        part.shown.append(_Shown(html, piece, data["text/markdown"]))
        return
    part.shown.extend(_Shown(html) for html in _foreign(data, output.get("metadata", {})))


def _foreign(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> Iterator[Markup]:
    """Show what is none of ours: a data frame, an image, or plain text."""
    for kind in ("image/svg+xml", "image/png", "image/jpeg"):
        if kind in data:
            raw = data[kind]
            encoded = base64.b64encode(raw.encode()).decode() if kind.endswith("xml") else raw.replace("\n", "")
            alt = metadata.get(kind, {}).get("alt") or plain_text(data.get("text/plain", "Image without description"))
            yield Markup('<figure><img class="fig" alt="{}" src="data:{};base64,{}"></figure>').format(
                alt, kind, encoded
            )
            return
    if "text/html" in data:
        table = Markup(clean_html(data["text/html"]))  # noqa: S704
        yield Markup('<div class="scroll" tabindex="0" role="group" aria-label="Table">{}</div>').format(table)
    elif "text/plain" in data:
        yield Markup('<pre tabindex="0">{}</pre>').format(_ANSI.sub("", data["text/plain"]))


def _failure(output: Mapping[str, Any], cell: int, section: str) -> _Failure:
    lines = _ANSI.sub("", "\n".join(output.get("traceback", []))).splitlines()
    short = "\n".join(lines[-6:]) if len(lines) > 6 else "\n".join(lines)
    return _Failure(
        cell, section, plain_text(output.get("ename", "Error")), plain_text(output.get("evalue", ""))[:600],
        short, "\n".join(lines) if len(lines) > 6 else "",
    )  # fmt: skip


def _flat(pieces: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for piece in pieces:
        yield piece
        if piece["kind"] in ("group", "fold"):
            yield from _flat(piece["pieces"])


def _number(sections: list[_Section]) -> None:
    taken: dict[str, int] = {"main": 1}
    for section in sections:
        anchor = slug(section.heading)
        taken[anchor] = taken.get(anchor, 0) + 1
        section.anchor = anchor if taken[anchor] == 1 else f"{anchor}-{taken[anchor]}"


def _settle_links(parts: list[_Section]) -> None:
    """Give links to sections their numbers, and leave the words alone of those that this page lacks."""
    numbers = {part.anchor: part.number for part in parts[1:]}
    for part in parts:
        part.shown = [replace(output, html=_linked(output.html, numbers)) for output in part.shown]


def _linked(html: Markup, numbers: Mapping[str, str]) -> Markup:
    def settled(match: re.Match[str]) -> str:
        if match[2] not in numbers:
            return match[3]
        number = numbers[match[2]] if match[1] else ""
        told = f'<span class="no">{escape(number)} </span>{match[3]}' if number else match[3]
        return f'<a{match[1] or ""} href="#{match[2]}">{told}</a>'

    return Markup(_ANCHOR.sub(settled, str(html))) if 'href="#' in html else html  # noqa: S704


def _when(heading: str, subject: Mapping[str, Any]) -> str:
    """Return time and rounds for the line above the heading; no time if a run without a label has it in the heading."""
    at, rounds = subject.get("at"), subject.get("rounds")
    told = not at or at[:10] in heading or at[:16].replace("-", "").replace(":", "") in heading
    return " · ".join([*([] if told else [moment(at)]), *([plural(rounds, "round")] if rounds else [])])


def _window_title(heading: str, verdict: Any, subject: Mapping[str, Any], failure: _Failure | None) -> str:
    sides = [subject.get("candidate"), subject.get("baseline")]
    what = " against ".join(plain_text(side) for side in sides if side) or plain_text(heading)
    if subject.get("project") and any(sides):
        what = f"{plain_text(subject['project'])} {what}"
    word = "Not finished" if failure else str(verdict["word"]).capitalize() if verdict else ""
    return f"{word}: {what}" if word else what


def _result(name: str, heading: str, verdict: Any, failure: _Failure | None, parts: list[_Section]) -> dict[str, Any]:
    exit_code = 2 if failure else int(verdict["exit_code"]) if verdict else 0
    return {
        "schema": SCHEMA_VERSION,
        "notebook": name,
        "title": heading,
        "verdict": None if failure or not verdict else verdict["word"],
        "exit_code": exit_code,
        "subject": (verdict or {}).get("subject"),
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


def _summary(heading: str, failure: _Failure | None, parts: list[_Section]) -> str:
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
            kept.append(f"… and {plural(len(blocks) - i, 'block')} more in the HTML report.")
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
