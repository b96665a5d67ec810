"""Outputs that are none of ours, as a page can show them, with a line for what it cannot.

A page runs nothing and loads nothing, and every string is text. What an output says only to a script, a widget or
another host is named and counted instead: nothing is left out without a word.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import mistune
from markupsafe import Markup, escape

from stabkit.redact import redact_text
from stabkit.report.display import WHOLE_MIME, WHOLE_NAMES, plain_text
from stabkit.report.page.foreign import clean_html
from stabkit.text import count, joined

__all__ = ["Block", "not_shown", "output_blocks", "preformatted", "prose", "terminal_text", "whole_files"]

_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_IMAGES: Final = ("image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp")
# What only a script could show -> what people call it.
_INTERACTIVE: Final[Mapping[str, str]] = {
    "application/vnd.plotly": "interactive chart",
    "application/vnd.vega": "interactive chart",
    "application/vnd.bokeh": "interactive chart",
    "application/vnd.holoviews": "interactive chart",
    "application/vnd.jupyter.widget": "interactive widget",
    "application/geo+json": "map",
    "application/javascript": "script",
    "text/javascript": "script",
    "application/pdf": "PDF document",
}
_PARQUET: Final = b"PAR1"  # what such a file begins and ends with
_BARE_OBJECT: Final = re.compile(r"\s*<[\w. :]+( object)?( at 0x[0-9a-f]+)?>\s*")
_ATTACHMENT: Final = re.compile(r"attachment:([^)\s\"'>]+)")

Block = tuple[Markup, str]
"""A block of the page, and of the Markdown summary."""


def terminal_text(text: object) -> str:
    r"""Return what a terminal would show in the end: no escape sequences, and of overwritten lines the last state.

    Examples
    --------
    >>> terminal_text("0 %\r50 %\r100 %\ndone")
    '100 %\ndone'
    """
    plain = _ANSI.sub("", _joined(text)).replace("\r\n", "\n")
    return redact_text("\n".join(line.rstrip("\r").rpartition("\r")[2] for line in plain.split("\n")))


def preformatted(text: str, label: str = "") -> Block:
    """Return text as it is written, with a label that says what it is."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    head = Markup('<p class="lead">{}</p>').format(label) if label else Markup()
    said = f"{label}\n\n" if label else ""
    return head + Markup('<pre tabindex="0">{}</pre>').format(text), f"{said}{fence}\n{text}\n{fence}"


def not_shown(lost: Mapping[str, int]) -> Iterator[Block]:
    """Yield the line that says what is not shown, and how many; none where nothing is lost."""
    if lost:
        what = joined([count(number, plain_text(name)) for name, number in lost.items()], most=len(lost))
        text = f"Not shown: {what}. A page runs nothing and loads nothing; the notebook has it."
        yield Markup('<p class="lead">{}</p>').format(text), text


def prose(source: str, attachments: Mapping[str, Any] | None = None) -> Iterator[Block]:
    """Yield Markdown as prose: markup inside it is text, and images from elsewhere are named, not loaded."""
    html = str(_MARKDOWN(_ATTACHMENT.sub(lambda found: _attached(found, attachments or {}), source)))
    clean, lost = clean_html(html)
    yield Markup('<div class="prose">{}</div>').format(Markup(clean.strip())), source  # noqa: S704
    yield from not_shown(lost)


def output_blocks(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> Iterator[Block]:
    """Yield what a page shows of an output: its richest form that needs no script, and a line for what is lost."""
    image = next((kind for kind in _IMAGES if kind in data), None)
    if image is not None:
        yield _image(image, data, metadata)
        return
    lost = Counter(name for kind in data if (name := _interactive(kind)))
    yield from _text_forms(data, lost)


def whole_files(data: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files that an output brings along, by the one word that stands for what a row of them is.

    A notebook may come from anywhere: what is no such word or no such file is left out.
    """
    given = data.get(WHOLE_MIME)
    found: dict[str, bytes] = {}
    files: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    for name in WHOLE_NAMES:
        text = files.get(name)
        try:
            content = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
        except ValueError:
            continue
        if content.startswith(_PARQUET) and content.endswith(_PARQUET):
            found[name] = content
    return found


def _text_forms(data: Mapping[str, Any], lost: Counter[str]) -> Iterator[Block]:
    plain = terminal_text(data.get("text/plain", ""))
    worded = "" if lost and _BARE_OBJECT.fullmatch(plain) else plain
    if "text/html" in data:
        clean, left_out = clean_html(_joined(data["text/html"]))
        lost.update(left_out)
        if _says_something(clean):
            page = Markup('<div class="scroll" tabindex="0" role="group" aria-label="Table">{}</div>')
            own = plain and not _BARE_OBJECT.fullmatch(plain)
            told = preformatted(plain if own else terminal_text(Markup(clean).striptags()))[1]  # noqa: S704
            yield page.format(Markup(clean)), told  # noqa: S704
        elif plain and not _BARE_OBJECT.fullmatch(plain):
            yield preformatted(plain)
    elif "text/markdown" in data:
        for page, source in prose(redact_text(_joined(data["text/markdown"]))):
            yield page, preformatted(source)[1]
    elif "text/latex" in data:
        yield preformatted(terminal_text(data["text/latex"]), "LaTeX, as it is written:")
    elif "application/json" in data:
        yield preformatted(terminal_text(_as_json(data["application/json"])))
    elif worded:
        yield preformatted(worded)
    elif not lost:
        others = {kind: value for kind, value in data.items() if kind.startswith("text/") and kind != "text/plain"}
        for value in others.values():
            yield preformatted(terminal_text(value))
        if not others:
            lost.update(f"{kind} output" for kind in data if kind != "text/plain")
    yield from not_shown(lost)


def _image(kind: str, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> Block:
    raw = _joined(data[kind])
    encoded = base64.b64encode(raw.encode()).decode() if kind.endswith("xml") else raw.replace("\n", "")
    own = metadata.get(kind)
    alt = own.get("alt") if isinstance(own, Mapping) else None
    plain = plain_text(terminal_text(data.get("text/plain", "")))
    alt = alt or ("Image without description" if not plain or _BARE_OBJECT.fullmatch(plain) else plain)
    figure = Markup('<figure><img class="fig" alt="{}" src="data:{};base64,{}"></figure>').format(alt, kind, encoded)
    return figure, preformatted(str(alt), "Image:")[1]


def _interactive(kind: str) -> str | None:
    return next((name for start, name in _INTERACTIVE.items() if kind.startswith(start)), None)


def _says_something(html: str) -> bool:
    return "<img" in html or bool(Markup(html).striptags().strip())  # noqa: S704


def _joined(text: object) -> str:
    return "".join(map(str, text)) if isinstance(text, (list, tuple)) else str(text)


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)


def _attached(found: re.Match[str], attachments: Mapping[str, Any]) -> str:
    """Return the address of an image that is attached to its cell, as one that holds the image."""
    forms = attachments.get(found[1])
    for kind, raw in forms.items() if isinstance(forms, Mapping) else ():
        if kind in _IMAGES and kind != "image/svg+xml" and isinstance(raw, str):
            return f"data:{kind};base64,{raw.strip()}"
    return found[0]


def _as_written(_renderer: object, text: str) -> str:
    return f'<span class="math">${escape(text)}$</span>'


def _block_as_written(_renderer: object, text: str) -> str:
    return f'<pre class="math">$${escape(text)}$$</pre>\n'


def _parser() -> Any:
    # escape=True: markup inside Markdown is text. Unsafe link targets are dropped by mistune. Formulas stay as they
    # are written: without the plugin their underscores and stars would be read as emphasis.
    parser: Any = mistune.create_markdown(escape=True, plugins=["table", "strikethrough", "math"])
    parser.renderer.register("inline_math", _as_written)
    parser.renderer.register("block_math", _block_as_written)
    return parser


_MARKDOWN: Final = _parser()
