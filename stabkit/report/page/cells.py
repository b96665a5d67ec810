"""What an executed notebook shows, cell by cell: its sections with their outputs, its code, where it failed."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import mistune
import nbformat
from markupsafe import Markup

from stabkit.errors import NotebookError
from stabkit.redact import redact_text
from stabkit.report.display import PIECE_MIME, SCHEMA_VERSION, plain_text
from stabkit.report.page.foreign import clean_html

__all__ = ["Failure", "Section", "Shown", "collect_cells", "read_notebook"]

_HEADING: Final = re.compile(r"^(#{1,2})[ \t]+(.+?)[ \t#]*$")
_NUMBERED: Final = re.compile(r"^(\d+(?:\.\d+)*)[.)]?\s+(.+)$")
_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_NOT_RUN: Final = Markup(
    '<p class="nothing"><span class="b none"><span aria-hidden="true">–</span> not run</span> '
    "<span>The notebook stopped before this section was finished.</span></p>"
)
_PAPERMILL_NOTES: Final = ("papermill-error-cell-tag", "papermill-error-cell")


@dataclass(frozen=True)
class Shown:
    """One output or text: what it is on the page, in the result (empty if it is no piece), and in Markdown."""

    html: Markup
    piece: dict[str, Any] = field(default_factory=dict)
    markdown: str = ""


@dataclass
class Section:
    """A heading with what stands below it; the part before the first heading has none of its own."""

    heading: str = ""
    number: str = ""
    anchor: str = ""
    shown: list[Shown] = field(default_factory=list)

    @property
    def blocks(self) -> list[Markup]:
        """What the page shows."""
        return [output.html for output in self.shown]

    @property
    def pieces(self) -> list[dict[str, Any]]:
        """The pieces of the result."""
        return [output.piece for output in self.shown if output.piece]

    @property
    def markdown(self) -> list[str]:
        """What the Markdown summary says."""
        return [output.markdown for output in self.shown if output.markdown]


@dataclass(frozen=True)
class Failure:
    """The cell that failed: its number and section, the error, and the traceback, whole only if it is long."""

    cell: int
    section: str
    name: str
    message: str
    short: str
    long: str


def read_notebook(notebook: Any) -> tuple[nbformat.NotebookNode, str]:
    """Return a notebook of a file or of a mapping, and its name.

    Raises
    ------
    NotebookError
        It is no notebook.
    """
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


def collect_cells(node: nbformat.NotebookNode) -> tuple[list[Section], Failure | None, list[str]]:
    """Walk the cells: the part before the first section, the sections, the first failure, and the code."""
    parts = [Section()]
    failure: Failure | None = None
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
                part.shown.append(Shown(_NOT_RUN, markdown="– not run"))
    return parts, failure, code


def _read_markdown(source: str, parts: list[Section], code: list[str]) -> None:
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
        parts[-1].shown.append(Shown(page, markdown=block))

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
            parts.append(Section(numbered[2], numbered[1]) if numbered else Section(words))
    close()


def _read_output(output: Mapping[str, Any], part: Section) -> None:
    if output["output_type"] == "stream":
        if output["name"] == "stdout":
            text = _ANSI.sub("", output["text"]).strip()
            part.shown.append(Shown(Markup('<pre tabindex="0">{}</pre>').format(text)))
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
        part.shown.append(Shown(html, piece, data["text/markdown"]))
        return
    part.shown.extend(Shown(html) for html in _foreign(data, output.get("metadata", {})))


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


def _failure(output: Mapping[str, Any], cell: int, section: str) -> Failure:
    lines = _told("\n".join(output.get("traceback", []))).splitlines()
    short = "\n".join(lines[-6:]) if len(lines) > 6 else "\n".join(lines)
    return Failure(
        cell, section, plain_text(output.get("ename", "Error")), plain_text(_told(output.get("evalue", "")))[:600],
        short, "\n".join(lines) if len(lines) > 6 else "",
    )  # fmt: skip


def _told(text: object) -> str:
    return redact_text(_ANSI.sub("", str(text)))
