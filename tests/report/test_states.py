"""Every state a report can be in: its words are golden, and its four forms and the exit code say the same."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from stabkit.report.display.escape import markdown_text

_PATH = Path(__file__).with_name("states.py")
_SPEC = importlib.util.spec_from_file_location("stabkit_states", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
states = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(states)

EXIT_CODES = {"stable": 0, "regressed": 1, "inconclusive": 3}
GLYPHS = {"stable": "✓", "regressed": "✗", "inconclusive": "?"}
SHELL_BYTES = 20_000
LONGEST_SENTENCE = 25


class Words(HTMLParser):
    """The text of a page, and the classes of its verdict."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.verdicts: list[str] = []
        self.feed(page)
        self.text = squeezed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = (dict(attrs).get("class") or "").split()
        if tag == "div" and names[:1] == ["verdict"]:
            self.verdicts.append(names[-1])
        if tag not in ("wbr", "strong", "span", "a", "code"):  # inside a line
            self.text += " "

    def handle_data(self, data: str) -> None:
        self.text += data


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.fixture(scope="module", params=states.STATES)
def state(request: Any, history: Any, tmp_path_factory: Any) -> Any:
    return request.param, states.rendered(request.param, history, tmp_path_factory.mktemp("state"))


def pieces(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for piece in found:
        yield piece
        if piece.get("summary") != "Statistics":  # equal in every report
            yield from pieces(piece.get("pieces", []))


def sentences(rendered: Any) -> Iterator[tuple[str, str]]:
    """What a page says beside its tables: the heading, and one text each."""
    for section in rendered.result["sections"]:
        for piece in pieces(section["pieces"]):
            kind = piece["kind"]
            if kind == "statement":
                yield from ((section["heading"], text) for text in piece["sentences"])
            elif kind == "no_evidence":
                yield section["heading"], f"No evidence of {piece['subject']}."
            elif kind == "figure":
                yield section["heading"], piece["title"]
            elif kind == "table" and section["heading"] == "Recommendations":
                for row in piece["rows"]:
                    yield from ((section["heading"], text) for text in (row["what"][0], row["because"]))
            elif kind == "checklist":
                for item in piece["items"]:
                    yield from ((section["heading"], text) for text in (item["what"], item["detail"]))
                yield from ((section["heading"], text) for text in piece["notes"])


def commands(rendered: Any) -> Iterator[str]:
    """The hints of a page: what it says to run, section by section, each once."""
    for section in rendered.result["sections"]:
        told = (
            (piece.get("reason") or "", piece["command"])
            for piece in pieces(section["pieces"])
            if piece["kind"] == "no_evidence" and piece["command"]
        )
        yield from (" ".join(f"{section['heading']}: {reason} Run: {command}".split()) for reason, command in told)


def test_words_are_golden(state, snapshot):
    name, rendered = state
    summary = rendered.result["summary"]
    lines = [f"{name}: {summary['word']}: {summary['sentence']}"]
    lines += [f"  {r['outcome']}: {r['subject']}: {r['text']} -> {r['section']}" for r in summary["reasons"]]
    lines += [f"  to decide {summary['decides'] or 'all'}: {summary['decide']}"] if summary["decide"] else []
    lines += [
        f"  {m['outcome']}: {m['name']}: {m['values']}: {m['change']}: margin {m['margin']} -> {m['section']}"
        for m in summary["metrics"]
    ]
    lines += [f"  {fact['label']}: {fact['text']}" for fact in summary["facts"]]
    lines += [f"{heading}: {text}" for heading, text in sentences(rendered)]
    lines += commands(rendered)
    assert "\n".join(lines).replace("\u202f", " ") == snapshot


def test_exit_code_json_markdown_words_and_colour_agree(state):
    name, rendered = state
    word = name.split()[0].rstrip(",") if name.split()[0].rstrip(",") in EXIT_CODES else "inconclusive"
    page = Words(rendered.html)
    summary = rendered.result["summary"]
    assert rendered.result["verdict"] == summary["word"] == summary["gate"]["verdict"] == word
    assert rendered.exit_code == rendered.result["exit_code"] == summary["exit_code"] == EXIT_CODES[word]
    assert page.verdicts == [word]
    assert f"{GLYPHS[word]} {word.capitalize()} {summary['sentence']}" in page.text
    assert f"**{GLYPHS[word]} {word.upper()}** {markdown_text(summary['sentence'])}" in rendered.markdown
    assert re.search(f"<title>{word.capitalize()}: ", rendered.html)
    texts = [text for _, text in sentences(rendered)]
    texts += [f"{r['subject']} {r['text']}" for r in summary["reasons"]]
    texts += [fact["text"] for fact in summary["facts"]] + [metric["change"] for metric in summary["metrics"]]
    texts += [summary["decide"]] if summary["decide"] else []
    markdown = squeezed(rendered.markdown.replace("**", "").replace("\\", ""))
    for text in texts:
        assert squeezed(text) in page.text, text
        assert squeezed(text) in markdown, text


def test_a_sentence_is_read_in_one_breath(state):
    """At most 25 words; clauses that a semicolon or a colon parts are read one by one, but for the decision."""
    _, rendered = state
    summary = rendered.result["summary"]
    told = [text for _, text in sentences(rendered)] + [reason["text"] for reason in summary["reasons"]]
    clauses = [clause for text in told for clause in re.split(r"[;:] |(?<=[.?])\s", text)]
    clauses += re.split(r"(?<=[.?])\s", summary["sentence"])
    assert len(clauses) > 40
    long = {clause for clause in clauses if len(re.findall(r"\S*\w\S*", clause)) > LONGEST_SENTENCE}
    assert not long


def test_open_reasons_say_what_would_decide_and_nothing_missing_is_green(state):
    name, rendered = state
    summary = rendered.result["summary"]
    if summary["word"] == "stable":
        assert not summary["reasons"]
        assert all(metric["outcome"] in ("stable", "improved") for metric in summary["metrics"])
        return
    assert summary["reasons"]
    assert summary["reasons"][0]["outcome"] == summary["word"], "the gravest first"
    if summary["word"] == "inconclusive" and "first run" not in name:
        open_ = [reason["text"] for reason in summary["reasons"]]
        assert summary["decide"] or any("would decide" in text for text in open_)


def test_the_page_is_light_beside_figures_and_data(state):
    """Style and markup; what figures, tables, checklists, folds and computed sentences hold is data."""
    _, rendered = state
    shell = re.sub(r"<(figure|table|details)\b.*?</\1>", "", rendered.html, flags=re.DOTALL)
    shell = re.sub(r'src="data:[^"]*"|<ul class="check">.*?</ul>', "", shell, flags=re.DOTALL)
    shell = re.sub(r">[^<{}]+<", "><", shell)
    assert "--hair" in shell, "the style counts"
    assert len(shell.encode()) <= SHELL_BYTES
