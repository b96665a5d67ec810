"""The documents of an OTLP file: one, or one a line, as the collector's file exporter appends them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stabkit.read.content import head_lines, read_head, text_lines
from stabkit.read.json_content import NO_JSON, json_line, load_json
from stabkit.read.json_shapes import mapped
from stabkit.read.loads._parts.requests import Load
from stabkit.text import amount

__all__ = ["documents"]


def documents(path: Path, load: Load) -> Iterator[Mapping[str, Any]]:
    """Yield the documents of a file; what has to be said about it, and lines that are none, goes into ``load``.

    Raises
    ------
    ReportError
        Malformed, or cut off.
    """
    lines = [line for line in head_lines(read_head(path)) if line.strip()]
    if len(lines) < 2 or json_line(lines[0]) is None:
        content = load_json(path)
        load.warnings += content.warnings
        yield mapped(content.value)
        return
    foreign = 0
    for line in text_lines(path):
        document = json_line(line)
        foreign += document is None and bool(line.strip())
        if document is not None:
            yield document
    if foreign:
        load.unread = amount(foreign, *NO_JSON)
