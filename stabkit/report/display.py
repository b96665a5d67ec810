"""What a report shows: figures, tables, statements and checklists, each once as an object; ``answer`` has the verdict.

An object answers every reader with the same content: HTML for notebooks and pages (escaped by Jinja2; only tags that an
untrusted notebook keeps), Markdown, plain text for terminals, and ``application/vnd.stabkit+json``, the piece of the
result it stands for, from which ``render`` makes the report's JSON. All text given to it is untrusted.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

import jinja2
from markupsafe import Markup, escape

from stabkit.analyze.outcome import to_json
from stabkit.chart.description import Description
from stabkit.chart.numbers import count, plural, significant
from stabkit.errors import UsageError
from stabkit.report.escape import markdown_code, markdown_text, plain_text, slug
from stabkit.report.numbers import moment

__all__ = [
    "GLYPHS",
    "PIECE_MIME",
    "CheckItem",
    "Checklist",
    "Column",
    "Figure",
    "Fold",
    "Group",
    "NoEvidence",
    "Piece",
    "Statement",
    "Table",
]

PIECE_MIME: Final = "application/vnd.stabkit+json"
SCHEMA_VERSION: Final = 1
TEMPLATES: Final = Path(__file__).with_name("templates")
SHOWN_ROWS: Final = 200
FIGURE_ROWS: Final = 60
LONG_WORD: Final = 22
_JOINT: Final = re.compile(r"(?<=/)|(?<=[^_]_)(?=[^_.])|(?<=::)|(?<=\.)(?=\w{4})")

# Glyph and colour class of each word that a cell, reason or check may carry; the word itself always stands beside them.
GLYPHS: Final[Mapping[str, tuple[str, str]]] = {
    "stable": ("✓", "stable"),
    "improved": ("+", "improved"),
    "regressed": ("✗", "regressed"),
    "inconclusive": ("?", "inconclusive"),
    "error": ("!", "regressed"),
    "yes": ("✓", "stable"),
    "no": ("✗", "regressed"),
    "pass": ("✓", "stable"),
    "fail": ("✗", "regressed"),
    "passed": ("✓", "stable"),
    "failed": ("✗", "regressed"),
    "ok": ("✓", "stable"),
    "repaired": ("?", "inconclusive"),
    "partial": ("?", "inconclusive"),
    "not checked": ("?", "inconclusive"),
    "manual": ("–", "none"),
    "no evidence": ("–", "none"),
    "fixed": ("+", "improved"),
    "new": ("✗", "regressed"),
    "reopened": ("✗", "regressed"),
    "still failing": ("✗", "none"),
    "disappeared": ("?", "inconclusive"),
    "newly skipped": ("?", "inconclusive"),
    "flaky": ("~", "inconclusive"),
    "not scanned": ("–", "none"),
    "high": ("✗", "regressed"),
    "medium": ("?", "inconclusive"),
    "low": ("✓", "stable"),
}
NEUTRAL: Final = ("·", "none")


def badge(word: object) -> tuple[str, str, str]:
    """Return glyph, colour class and shown word of an outcome or state."""
    shown = plain_text(str(word).replace("_", " "))
    return (*GLYPHS.get(shown.lower(), NEUTRAL), shown)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES / "stabkit"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "slug": slug,
        "badge": badge,
        "data": _data_address,
        "line": plain_text,
        "breaks": _with_breaks,
        "words": _unbroken_words,
    }
    return environment


def _with_breaks(text: object) -> Markup:
    """Escape, and allow breaks inside long names where a reader expects them: after a slash, dot, underscore, colon."""
    parts = (_JOINT.split(word) if len(word) > LONG_WORD else [word] for word in plain_text(text).split(" "))
    return Markup(" ").join(Markup("<wbr>").join(part) for part in parts)


def _unbroken_words(command: object) -> Markup:
    """Escape a command, its words kept whole: browsers break "--only" after its first hyphen."""
    words = plain_text(command).split(" ")
    whole = Markup('<span class="w">{}</span>')
    return Markup(" ").join(whole.format(word) if len(word) <= LONG_WORD else escape(word) for word in words)


def _data_address(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()


class Piece:
    """Base of all display objects: one content, four forms."""

    kind: ClassVar[str]

    def _repr_html_(self) -> str:
        macro = getattr(_environment().get_template("pieces.html.j2").module, self.kind)
        return str(macro(self)).strip()

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002
        return {
            "text/plain": repr(self),
            "text/html": self._repr_html_(),
            "text/markdown": self.markdown(),
            PIECE_MIME: self.piece(),
        }

    def markdown(self) -> str:
        """Return the content as Markdown in which all evidence is escaped."""
        raise NotImplementedError

    def content(self) -> dict[str, Any]:
        """Return the content as JSON values, without schema and kind."""
        raise NotImplementedError

    def piece(self) -> dict[str, Any]:
        """Return the piece of the result that this object stands for."""
        return {"schema": SCHEMA_VERSION, "kind": self.kind, **to_json(self.content())}


@dataclass(frozen=True, repr=False)
class Statement(Piece):
    """Computed sentences: a section's lead, a summary, a conclusion.

    Parameters
    ----------
    sentences : tuple of str
    command : str or None
        What to run next, shown as code after the sentences.
    points : bool
        Each sentence on a line of its own.
    """

    kind: ClassVar[str] = "statement"
    sentences: tuple[str, ...]
    command: str | None = None
    points: bool = False

    def __repr__(self) -> str:
        return plain_text(" ".join([*self.sentences, *([self.command] if self.command else [])]))

    def markdown(self) -> str:
        """Return the content as Markdown."""
        command = f" {markdown_code(self.command)}" if self.command else ""
        if self.points:
            return "\n".join(f"- {markdown_text(line)}" for line in self.sentences) + command
        return markdown_text(" ".join(self.sentences)) + command

    def content(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        return {"sentences": list(self.sentences), "command": self.command}


@dataclass(frozen=True, repr=False)
class NoEvidence(Piece):
    """A section without evidence: it keeps its place, and says what would fill it.

    Parameters
    ----------
    subject : str
        What there is no evidence of: "WebSocket sessions".
    command : str or None
        What collects it.
    reason : str or None
        Why there is none, if known.
    """

    kind: ClassVar[str] = "no_evidence"
    subject: str
    command: str | None = None
    reason: str | None = None

    @property
    def sentence(self) -> str:
        """Return "No evidence of ...", with the reason."""
        reason = f" {self.reason}" if self.reason else ""
        return f"No evidence of {self.subject}.{reason}"

    def __repr__(self) -> str:
        return plain_text(f"– {self.sentence}" + (f" Run: {self.command}" if self.command else ""))

    def markdown(self) -> str:
        """Return the content as Markdown."""
        command = f" Run: {markdown_code(self.command)}" if self.command else ""
        return f"– {markdown_text(self.sentence)}{command}"

    def content(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        return {"subject": self.subject, "command": self.command, "reason": self.reason}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    key : str
        Name in the rows.
    label : str
        Heading; never empty.
    kind : {"text", "head", "number", "outcome", "code", "strip"}
        ``head`` is the row's name (a pair gives a second, quiet line); ``number`` is right-aligned; ``outcome`` is a
        word with glyph and colour; ``strip`` is a :class:`stabkit.chart.strip.Strip`.
    phone : bool
        False leaves the column out of the cards that rows become on a phone (never leave out what decides).
    """

    key: str
    label: str
    kind: Literal["text", "head", "number", "outcome", "code", "strip"] = "text"
    phone: bool = True


@dataclass(frozen=True, repr=False)
class Table(Piece):
    """Rows that are read one by one; they fold into cards on a phone.

    Parameters
    ----------
    columns : tuple of Column
    rows : tuple of mappings
        Cells as shown: text, or None for no value, shown "–"; a pair of texts for a quiet second line.
    caption : str
        What the rows are; also the name of the box for those who do not see it.
    records : tuple of mappings, optional
        The values behind the rows, for the JSON result; the rows themselves if not given.
    limit : int
        Rows shown in HTML, Markdown and text; the rest is counted ("and 7 more"). The JSON result has all.
    """

    kind: ClassVar[str] = "table"
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Any], ...]
    caption: str
    records: tuple[Mapping[str, Any], ...] | None = None
    limit: int = SHOWN_ROWS

    def __post_init__(self) -> None:
        if not self.caption.strip() or not all(column.label.strip() for column in self.columns):
            raise UsageError("A table needs a caption, and each column a label.")

    @classmethod
    def of(cls, frame: Any, columns: Sequence[Column], caption: str, *, limit: int = SHOWN_ROWS) -> Table:
        """Return a table of a frame's columns, its numbers shown with three significant digits."""
        keys = [column.key for column in columns]
        unknown = [key for key in keys if key not in frame.columns]
        if unknown:
            raise UsageError(f"No column {unknown[0]!r}.", hint=f"Known: {', '.join(map(str, frame.columns))}.")
        records = tuple(frame[keys].to_dict("records"))
        rows = tuple({key: _shown(value) for key, value in record.items()} for record in records)
        return cls(
            tuple(columns), rows, caption, records=tuple(to_json(_plain(record)) for record in records), limit=limit
        )

    @property
    def filled(self) -> tuple[Column, ...]:
        """The columns of the page: a column of words in which no row says anything is left out."""
        return tuple(
            column
            for column in self.columns
            if column.kind not in ("text", "code", "strip") or any(row.get(column.key) is not None for row in self.rows)
        )

    @property
    def shown(self) -> tuple[Mapping[str, Any], ...]:
        """The rows that are shown."""
        return self.rows[: self.limit]

    @property
    def more(self) -> str:
        """Return "and 7 more", or nothing."""
        left = len(self.rows) - self.limit
        return f"and {count(left)} more" if left > 0 else ""

    def __repr__(self) -> str:
        grid = [[column.label for column in self.columns]]
        grid += [[_cell_text(row.get(column.key), column) for column in self.columns] for row in self.shown]
        widths = [max(len(line[i]) for line in grid) for i in range(len(self.columns))]
        lines = [plain_text(self.caption)]
        for line in grid:
            cells = (
                text.rjust(width) if column.kind == "number" else text.ljust(width)
                for text, width, column in zip(line, widths, self.columns, strict=True)
            )
            lines.append("  ".join(cells).rstrip())
        return "\n".join([*lines, *([self.more] if self.more else []), *(["no rows"] if not self.rows else [])])

    def markdown(self) -> str:
        """Return the content as a Markdown table."""
        if not self.rows:
            return f"{markdown_text(self.caption)}: no rows"
        columns = self.columns
        head = "| " + " | ".join(markdown_text(column.label) for column in columns) + " |"
        rule = "|" + "|".join("--:" if column.kind == "number" else "---" for column in columns) + "|"
        body = [
            "| " + " | ".join(markdown_text(_cell_text(row.get(column.key), column)) for column in columns) + " |"
            for row in self.shown
        ]
        return "\n".join(
            [f"{markdown_text(self.caption)}", "", head, rule, *body, *(["", self.more] if self.more else [])]
        )

    def content(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        records = self.records
        if records is None:
            keys = [column.key for column in self.columns if column.kind != "strip"]
            records = tuple({key: row.get(key) for key in keys} for row in self.rows)
        columns = [{"key": c.key, "label": c.label} for c in self.columns if c.kind != "strip"]
        return {"caption": self.caption, "columns": columns, "rows": [_plain(record) for record in records]}


@dataclass(frozen=True, repr=False)
class Figure(Piece):
    """A chart with its words: title, image with text alternative, caption, and the data behind it.

    Parameters
    ----------
    description : Description
        A figure without text alternative or title is refused.
    svg : bytes
        As made by :func:`stabkit.chart.canvas.to_svg`.
    data : Table or None
        What is drawn, folded below the image.

    Examples
    --------
    ``Figure.of(plot_shift, describe_shift, frame)`` draws; keywords reach both functions, ``height`` (in) the axes.
    """

    kind: ClassVar[str] = "figure"
    description: Description
    svg: bytes = field(repr=False)
    data: Table | None = None

    def __post_init__(self) -> None:
        for part, name in ((self.description.title, "title"), (self.description.alt, "alt text")):
            if not part.strip():
                raise UsageError(f"A figure needs its {name}.", hint="Its describe function computes it.")

    @classmethod
    def of(
        cls,
        plot: Callable[..., Any],
        describe: Callable[..., Description],
        frame: Any,
        *,
        height: float = 3.0,
        left: float = 0.62,
        right: float = 0.16,
        columns: Sequence[Column] | None = None,
        **options: Any,
    ) -> Figure:
        """Draw a frame and describe it, with the frame as the data behind the figure."""
        from stabkit.chart.canvas import new_axes, to_svg
        from stabkit.chart.style import settle

        axes = new_axes(height=height, left=left, right=right)
        plot(frame, axes=axes, **options)
        settle(axes)
        svg = to_svg(axes.figure)
        shown = columns or [_guess_column(name, frame[name]) for name in frame.columns]
        description = describe(frame, **options)
        return cls(description, svg, Table.of(frame, shown, f"Data: {description.title}", limit=FIGURE_ROWS))

    @property
    def image(self) -> str:
        """The image as a data address."""
        return _data_address(self.svg)

    def __repr__(self) -> str:
        texts = (self.description.title, self.description.alt, self.description.caption)
        return "\n".join(plain_text(text) for text in texts if text)

    def markdown(self) -> str:
        """Return the content as Markdown: the finding and what the image shows, without the image."""
        title, alt = markdown_text(self.description.title), markdown_text(self.description.alt)
        caption = f" {markdown_text(self.description.caption)}" if self.description.caption else ""
        return f"**{title}**\n\n{alt}.{caption}".replace("..", ".")

    def content(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        table = self.data.content() if self.data else None
        return {
            "title": self.description.title,
            "alt": self.description.alt,
            "caption": self.description.caption,
            "data": table,
        }


@dataclass(frozen=True)
class CheckItem:
    """One line of a checklist; ``outcome`` is yes, no, not_checked or manual."""

    outcome: str
    what: str
    detail: str = ""
    command: str | None = None


@dataclass(frozen=True, repr=False)
class Checklist(Piece):
    """Lines that are true, false, not checked, or for a person to verify; the last are never ticked nor counted."""

    kind: ClassVar[str] = "checklist"
    items: tuple[CheckItem, ...]
    caption: str = "Checklist"

    def __post_init__(self) -> None:
        for item in self.items:
            if item.outcome not in ("yes", "no", "not_checked", "manual"):
                raise UsageError(f"No outcome {item.outcome!r}.", hint="Known: yes, no, not_checked, manual.")

    @property
    def sentence(self) -> str:
        """Return the counts: "2 yes, 1 no, 1 not checked."."""
        words = [("yes", "yes"), ("no", "no"), ("not_checked", "not checked")]
        counts = [(sum(item.outcome == key for item in self.items), word) for key, word in words]
        text = ", ".join(f"{n} {word}" for n, word in counts if n) or "Nothing was checked"
        manual = sum(item.outcome == "manual" for item in self.items)
        by_hand = f"; {plural(manual, 'line')} for a person to verify" if manual else ""
        return f"{text}{by_hand}."

    def __repr__(self) -> str:
        return "\n".join(
            plain_text(" ".join([*badge(i.outcome)[::2], i.what, *(x for x in (i.detail, i.command) if x)]))
            for i in self.items
        )

    def markdown(self) -> str:
        """Return the content as Markdown."""
        lines = []
        for item in self.items:
            glyph, _, word = badge(item.outcome)
            detail = f" – {markdown_text(item.detail)}" if item.detail else ""
            command = f" {markdown_code(item.command)}" if item.command else ""
            lines.append(f"- {glyph} {word}: {markdown_text(item.what)}{detail}{command}")
        return "\n".join(lines) or markdown_text(self.sentence)

    def content(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        return {"caption": self.caption, "sentence": self.sentence, "items": list(self.items)}


@dataclass(frozen=True, repr=False)
class Group(Piece):
    """Several pieces in order, where one call of a notebook gives more than one."""

    kind: ClassVar[str] = "group"
    pieces: tuple[Piece, ...]

    def __repr__(self) -> str:
        return "\n\n".join(repr(piece) for piece in self.pieces)

    def markdown(self) -> str:
        """Return the content as Markdown."""
        return "\n\n".join(piece.markdown() for piece in self.pieces)

    def content(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        return {"pieces": [piece.piece() for piece in self.pieces]}


@dataclass(frozen=True, repr=False)
class Fold(Group):
    """Pieces behind a line that opens them: what is stable, or long. Nothing that decides belongs here."""

    kind: ClassVar[str] = "fold"
    summary: str = "More"

    def __repr__(self) -> str:
        return f"{plain_text(self.summary)}\n\n{super().__repr__()}"

    def markdown(self) -> str:
        """Return the content as Markdown."""
        return f"{markdown_text(self.summary)}\n\n{super().markdown()}"

    def content(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        return {"summary": self.summary, **super().content()}


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    # Missing values of any kind become null, times ISO 8601 text.
    plain: dict[str, Any] = {}
    for key, value in record.items():
        if value is None or (not isinstance(value, (list, tuple, dict)) and value != value):  # noqa: PLR0124
            plain[str(key)] = None
        elif hasattr(value, "isoformat"):
            plain[str(key)] = value.isoformat()
        else:
            plain[str(key)] = None if type(value).__name__ in ("NAType", "NaTType") else value
    return plain


def _shown(value: Any) -> Any:
    # A number gets three significant digits; text stays; a truth value reads yes or no.
    value = _plain({"": value})[""]
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "yes" if value else "no"
    if isinstance(value, str) and len(value) >= 19 and value[10:11] == "T":
        return moment(value)
    if hasattr(value, "__float__") and not isinstance(value, str):
        number = float(value)
        return count(number) if number.is_integer() else significant(number)
    return value


def _guess_column(name: str, values: Any) -> Column:
    number = values.dtype.kind in "iuf"
    words = set(map(str, values.dropna().unique()[:20])) if values.dtype.kind not in "iufbM" else set()
    outcome = bool(words) and words <= {"stable", "improved", "regressed", "inconclusive"}
    label = str(name)
    for unit in ("ms", "s", "mb"):
        label = f"{label[: -len(unit) - 1]}, {unit}" if label.endswith(f"_{unit}") else label
    return Column(
        str(name), label.replace("_", " ").strip() or "value", "number" if number else "outcome" if outcome else "text"
    )


def _cell_text(value: Any, column: Column) -> str:
    if value is None:
        return "–"
    if column.kind == "outcome":
        glyph, _, word = badge(value)
        return f"{glyph} {word}"
    if column.kind == "strip":
        return plain_text(value.alt)
    if isinstance(value, tuple):
        return " · ".join(plain_text(part) for part in value if part)
    return plain_text(value)
