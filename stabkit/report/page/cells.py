"""What an executed notebook shows, cell by cell: its sections with their outputs, its code, where it failed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Final

import nbformat
from markupsafe import Markup

from stabkit.errors import NotebookError
from stabkit.redact import redact_notebook
from stabkit.report.display import PIECE_MIME, SCHEMA_VERSION, plain_text
from stabkit.report.page.foreign import clean_html
from stabkit.report.page.outputs import Block, output_blocks, preformatted, prose, terminal_text, whole_files
from stabkit.text import count

__all__ = ["Failure", "Section", "Shown", "collect_cells", "read_notebook"]

_HEADING: Final = re.compile(r"^(#{1,2})[ \t]+(.+?)[ \t#]*$")
_NUMBERED: Final = re.compile(r"^(\d+(?:\.\d+)*)[.)]?\s+(.+)$")
_NOT_RUN: Final = Markup(
    '<p class="nothing"><span class="b none"><span aria-hidden="true">–</span> not run</span> <span>{}</span></p>'
)
_LONGEST_PATH: Final = 4_096
_LONGEST_NAME: Final = 200
_PAPERMILL_NOTES: Final = ("papermill-error-cell-tag", "papermill-error-cell")


@dataclass(frozen=True)
class Shown:
    """One output or text: what it is on the page, in the result (empty if it is no piece), and in Markdown."""

    html: Markup
    piece: dict[str, Any] = field(default_factory=dict)
    markdown: str = ""
    whole: Mapping[str, bytes] = field(default_factory=dict)


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
    except (OSError, ValueError, nbformat.ValidationError, AttributeError, KeyError, TypeError) as error:
        raise NotebookError(f"Not a notebook: {plain_text(error)[:200]}.", where=name or None) from error
    if "cells" not in node:
        raise NotebookError("Not a notebook: it has no cells.", where=name or None)
    try:
        nbformat.validate(node)
        redact_notebook(node)  # this is a copy, wherever it came from
    except (nbformat.ValidationError, RecursionError) as error:
        what = plain_text(str(error).partition("\n")[0])[:200] or "it is nested too deeply"
        raise NotebookError(f"Not a notebook: {what}.", where=name or None) from None
    about = node["metadata"].get("papermill")
    source = about.get("input_path") if isinstance(about, Mapping) else None
    # Whoever executed the notebook may have written anything there.
    known = PurePath(source[-_LONGEST_PATH:]).stem if isinstance(source, str) else ""
    return node, known[:_LONGEST_NAME] or name or "notebook"


def collect_cells(node: nbformat.NotebookNode) -> tuple[list[Section], Failure | None, list[str]]:
    """Walk the cells: the part before the first section, the sections, the first failure, and the code."""
    parts = [Section()]
    failure: Failure | None = None
    code: list[str] = []
    ended = False
    notes = code if _is_ours(node) else None
    for number, cell in enumerate(node["cells"], start=1):
        tags = cell.get("metadata", {}).get("tags", [])
        if any(tag in _PAPERMILL_NOTES for tag in tags):
            continue
        if cell["cell_type"] == "markdown":
            _read_markdown(cell, parts, notes)
        elif cell["cell_type"] == "raw" and cell["source"].strip():
            _show(parts[-1], [preformatted(cell["source"])])
        elif cell["cell_type"] == "code":
            code += [cell["source"]] if cell["source"].strip() else []
            failure = failure or _read_code(cell, number, parts[-1])
            if any(map(_ends, cell.get("outputs", []))):
                ended = True
                _show(parts[-1], [_ending(node["cells"][number:])])
    if failure or ended:
        why = "stopped before this section was finished" if failure else "ended itself before this section"
        for part in parts[1:]:
            if not part.shown:
                part.shown.append(Shown(_NOT_RUN.format(f"The notebook {why}."), markdown="– not run"))
    return parts, failure, code


def _read_code(cell: Mapping[str, Any], number: int, part: Section) -> Failure | None:
    """Read the outputs of a cell, and return how it failed."""
    failure: Failure | None = None
    for output in cell.get("outputs", []):
        if _ends(output):
            return failure  # IPython tells below how to leave it, which nobody asked
        if output["output_type"] == "error":
            failure = failure or _failure(output, number, part.heading)
        else:
            _read_output(output, part)
    return failure


def _is_ours(node: nbformat.NotebookNode) -> bool:
    """Say whether a notebook shows pieces of a report; what it tells its analysts stays with the code then."""
    outputs = (output for cell in node["cells"] for output in cell.get("outputs", []))
    return any(PIECE_MIME in output.get("data", {}) for output in outputs)


def _ends(output: Mapping[str, Any]) -> bool:
    """Say whether a notebook ended itself in success: ``sys.exit(0)`` is no fault, to papermill neither."""
    return (
        output["output_type"] == "error"
        and output.get("ename") == "SystemExit"
        and output.get("evalue") in ("", "0", "None")
    )


def _ending(below: list[Any]) -> Block:
    left = sum(cell["cell_type"] == "code" for cell in below)
    text = f"The notebook ended itself here; {count(left, 'code cell')} below did not run."
    return Markup('<p class="lead">{}</p>').format(text), text


def _show(part: Section, blocks: Iterable[Block]) -> None:
    part.shown.extend(Shown(page, markdown=markdown) for page, markdown in blocks)


def _read_markdown(cell: Mapping[str, Any], parts: list[Section], notes: list[str] | None) -> None:
    """Read headings and prose; what stands before the first section goes to ``notes``, if there are such."""
    fenced = False
    text: list[str] = []

    def close() -> None:
        block = "\n".join(text).strip()
        text.clear()
        if not block:
            return
        if len(parts) == 1 and notes is not None:
            notes.append(block)
        else:
            _show(parts[-1], prose(block, cell.get("attachments")))

    for line in cell["source"].splitlines():
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
        text = terminal_text(output["text"]).strip()
        if text:
            _show(part, [preformatted(text, "Written to stderr:" if output["name"] == "stderr" else "")])
        return
    data = output["data"]
    piece = data.get(PIECE_MIME)
    if piece is not None:
        if piece.get("schema") != SCHEMA_VERSION:
            raise NotebookError(
                f"An output has schema {piece.get('schema')!r}, this version reads {SCHEMA_VERSION}.",
                hint="Run the notebook again.",
            )
        html = Markup(clean_html(data["text/html"])[0])  # noqa: S704
        part.shown.append(Shown(html, piece, data["text/markdown"], whole_files(data)))
        return
    _show(part, output_blocks(data, output.get("metadata", {})))


def _failure(output: Mapping[str, Any], cell: int, section: str) -> Failure:
    lines = terminal_text("\n".join(output.get("traceback", []))).splitlines()
    short = "\n".join(lines[-6:]) if len(lines) > 6 else "\n".join(lines)
    message = plain_text(terminal_text(output.get("evalue", "")))[:600]
    return Failure(
        cell=cell,
        section=section,
        name=plain_text(output.get("ename", "Error")),
        message=message,
        short=short,
        long="\n".join(lines) if len(lines) > 6 else "",
    )
