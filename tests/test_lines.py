"""Foreign text within lines of ours: each of these once reached a stream as itself."""

import io
import json
import logging
import sys
import unicodedata

import pytest

from stabkit.cli.application import _Stderr
from stabkit.cli.terminal import Terminal
from stabkit.errors import StabkitError
from stabkit.lines import json_text, shown_line, shown_lines
from stabkit.report.display.escape import markdown_code, markdown_text
from stabkit.store.export import harmless

HOSTILE = {
    "newline": "v1\n::error::forged",
    "carriage return": "v1\r::add-mask::a",
    "escape": "\x1b[31mred\x1b]8;;http://x\x07",
    "C1": "a\x9b31mb\x85c",
    "bidi": "user\u202egpj.exe\u2066x\u2069",
    "zero width": "pay\u200bload\u200d\u2060\ufeff",
    "tags": "a\U000e0041\U000e007f",
    "variation": "a\ufe01\U000e0101",
    "separators": "a\u2028b\u2029c",
    "fillers": "a\u3164b\u115f",
    "surrogate": "a\udc80b",
    "old command": "x ##[error]y ##vso[task.setvariable]z ##teamcity[x]",
}
FORGED = ("::error", "::add-mask::", "##[", "##vso[", "##teamcity[")


def steers(text: str) -> list[str]:
    """Return what of a stream's text is not to be there."""
    unseen = [
        hex(ord(char))
        for char in text
        if char not in "\n\t" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    ]
    hidden = [
        hex(ord(char))
        for char in text
        if 0xFE00 <= ord(char) <= 0xFE0E or 0xE0000 <= ord(char) <= 0xE0FFF or char in "\u3164\u115f"
    ]
    begun = [line for line in text.split("\n") if line.lstrip().startswith("::")]
    return [*unseen, *hidden, *begun, *(mark for mark in FORGED[2:] if mark in text)]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_stream_takes_it_as_itself(text, capsys):
    terminal = Terminal()
    terminal.result(f"row  {text}")
    terminal.result(text)
    terminal.plain(text)
    terminal.document({"label": text, text: [text]})
    out = capsys.readouterr().out
    terminal.note(text)
    terminal.warning(text)
    terminal.error(StabkitError(text, where=text, hint=text))
    terminal.event({"event": text})
    err = capsys.readouterr().err
    assert steers(out) == []
    assert steers(err) == []
    assert len(err.splitlines()) == 5
    for stream in (
        shown_lines(text),
        shown_line(text),
        json_text({"a": text}),
        markdown_text(text),
        markdown_code(text),
    ):
        assert steers(stream) == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_json_reads_as_it_was(text):
    assert json.loads(json_text({"label": text, text: 1})) == {"label": text, text: 1}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("debug", [False, True])
def test_no_log_takes_it_as_itself(text, debug, monkeypatch):
    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    try:
        int(text)
    except ValueError:
        record = logging.getLogger("stabkit.x").makeRecord(
            "stabkit.x", logging.WARNING, "", 1, "%s", (text,), sys.exc_info()
        )
    _Stderr(Terminal(debug=debug)).emit(record)
    assert steers(said.getvalue()) == []


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "naïve 中文 ✓ – …",
        "v1.5 → v1.6",
        "p99 ≤ 150\u202fms",
        "a::b",
        "test::case",
        "# heading",
        "## two",
        "std::vector",
    ],
)
def test_ordinary_text_is_printed_as_it_is(text):
    assert shown_line(text) == text
    assert shown_lines(text) == text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1", "\u200b=1"])
def test_a_spreadsheet_takes_none_for_a_formula(text):
    assert harmless(text)[0] in "'\\"
    assert steers(harmless(text)) == []
