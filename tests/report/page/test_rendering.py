"""Rendering: page, result and summary agree; a failed run has no verdict; nothing hostile gets through."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest

from stabkit.errors import NotebookError
from stabkit.report.display import Column, Group, NoEvidence, Piece, Statement, Table
from stabkit.report.display.answer import Reason, Subject, Verdict
from stabkit.report.page.rendering import MARKDOWN_BUDGET, render

markdown, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell


class Tags(HTMLParser):
    """Records what a browser would see as tags."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def cell(*pieces: Piece, source: str = "report.x()") -> Any:
    data = [piece._repr_mimebundle_() for piece in pieces]
    return code(source, outputs=[nbformat.v4.new_output("display_data", data=one) for one in data])


def verdict(word: Any) -> Verdict:
    return Verdict(
        word,
        "The sentence.",
        (Reason("regressed", "backend p99", "slower", None, "Times"), Reason("regressed", "x", "y", None, "Nowhere")),
        subject=Subject("Stability of b against a", "shop", "staging", "a", "b", "2025-09-14T12:24:00+00:00"),
        command="stabkit report a b",
        runs=("r1", "r2"),
    )


def notebook(*cells: Any) -> Any:
    return nbformat.v4.new_notebook(cells=[markdown("# Stability\n\nRun all."), code("secret_free = 1"), *cells])


def report(word: str = "regressed") -> Any:
    times = cell(Group((Statement(("Slow.",)), NoEvidence("p99", "stabkit collect"))))
    return notebook(
        cell(verdict(word)), markdown("## 8. Times"), times, markdown("## Rest"), cell(Statement(("End.",)))
    )


@pytest.mark.parametrize(("word", "code"), [("stable", 0), ("regressed", 1), ("inconclusive", 3)])
def test_words_colour_json_and_exit_code_agree(word: str, code: int) -> None:
    rendered = render(report(word))
    assert rendered.exit_code == rendered.result["exit_code"] == code
    assert rendered.result["verdict"] == word
    assert f"<title>{word.capitalize()}: shop b against a</title>" in rendered.html
    assert f'class="verdict {word}"' in rendered.html
    assert word.upper() in rendered.markdown
    assert json.loads(rendered.json) == rendered.result


def test_same_input_same_bytes() -> None:
    assert render(report()).html == render(report()).html


def test_page_is_one_file_without_script_or_request() -> None:
    html = render(report()).html
    assert "<script" not in html
    assert "http" not in html.replace("http-equiv", "")
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    assert policy in html
    assert html.count("<h1>") == 1
    assert html.startswith('<!doctype html>\n<html lang="en">')
    assert len(html.encode()) < 20_000


def test_sections_anchors_and_links() -> None:
    rendered = render(report())
    assert [(s["number"], s["heading"]) for s in rendered.result["sections"]] == [
        (None, "Stability"),
        ("8", "Times"),
        (None, "Rest"),
    ]
    assert [piece["kind"] for piece in rendered.result["sections"][1]["pieces"]] == ["group"]
    assert rendered.html.count('href="#times"') == 2  # the contents and the reason
    assert '<section id="times">' in rendered.html
    assert "#nowhere" not in rendered.html
    assert "Nowhere" in rendered.html
    assert "Reproduce: <code>stabkit report a b</code>" in rendered.html


def test_code_is_folded_and_analysts_text_with_it() -> None:
    html = render(report()).html
    fold = html[html.index("Notebook code and parameters") :]
    assert "secret_free = 1" in fold
    assert "Run all." in fold
    assert "secret_free" not in html[: html.index("Notebook code and parameters")]


def test_failed_run_has_no_verdict_in_any_form() -> None:
    node = report()
    error = nbformat.v4.new_output(
        "error", ename="EvidenceError", evalue="<b>no</b>", traceback=["\x1b[31mline\x1b[0m"] * 30
    )
    node["cells"][4]["outputs"] = [error]
    node["cells"][6]["outputs"] = []
    note = markdown("An Exception was encountered")
    note["metadata"]["tags"] = ["papermill-error-cell-tag"]
    node["cells"].insert(0, note)
    rendered = render(node)
    assert rendered.exit_code == 2
    assert rendered.result["verdict"] is None
    assert rendered.result["failure"] == {
        "cell": 6,
        "section": "Times",
        "error": "EvidenceError",
        "message": "<b>no</b>",
    }
    assert 'role="alert"' in rendered.html
    assert "&lt;b&gt;no&lt;/b&gt;" in rendered.html
    assert "\x1b" not in rendered.html
    assert "Exception was encountered" not in rendered.html
    assert "not run" in rendered.html
    assert 'class="verdict' not in rendered.html
    assert "REGRESSED" not in rendered.markdown
    assert "NOT FINISHED" in rendered.markdown
    assert "verdict" not in {piece["kind"] for s in rendered.result["sections"] for piece in s["pieces"]}


def test_notebook_without_verdict_is_a_page() -> None:
    rendered = render(notebook(markdown("## Only"), cell(Statement(("x",)))), title="A title")
    assert (rendered.result["verdict"], rendered.exit_code, rendered.result["title"]) == (None, 0, "A title")


def test_hostile_markup_is_text_or_gone() -> None:
    evil = '<img src=x onerror="a()"><script>alert(1)</script><a href="javascript:a()">go</a></section></main>'
    html = nbformat.v4.new_output("display_data", data={"text/html": evil, "text/plain": "x"})
    stream = nbformat.v4.new_output("stream", name="stdout", text=f"\x1b[31m{evil}")
    page = render(
        notebook(markdown(f"## {evil}\n\n{evil}\n\n[a](javascript:b)"), code(evil, outputs=[html, stream]))
    ).html
    parser = Tags()
    parser.feed(page)
    assert not {"script", "img"} & {tag for tag, _ in parser.found}
    names = {name for _, attributes in parser.found for name in attributes}
    assert not {name for name in names if name.startswith("on")}
    links = [attributes["href"] for tag, attributes in parser.found if tag == "a" and "href" in attributes]
    assert all(link.startswith("#") for link in links)
    assert page.count("</main>") == 1
    assert page.count("<section") == page.count("</section>")


def test_markdown_fits_a_comment() -> None:
    rows = tuple({"a": "x" * 400} for _ in range(400))
    tables = [cell(Table((Column("a", "A"),), rows, f"T{i}")) for i in range(3)]
    text = render(notebook(markdown("## Long"), *tables)).markdown
    assert len(text) <= MARKDOWN_BUDGET + 100
    assert "more in the HTML report" in text


def test_duplicate_headings_get_their_own_anchor() -> None:
    html = render(notebook(markdown("## Same"), markdown("## Same"), markdown("```\n## not a heading\n```"))).html
    assert 'id="same"' in html
    assert 'id="same-2"' in html
    assert html.count("<h2>") == 2


def test_other_versions_and_no_notebooks_are_refused(tmp_path: Path) -> None:
    node = report()
    node["cells"][2]["outputs"][0]["data"]["application/vnd.stabkit+json"]["schema"] = 2
    with pytest.raises(NotebookError, match="schema 2"):
        render(node)
    with pytest.raises(NotebookError, match="no such notebook"):
        render(tmp_path / "x.ipynb")
    broken = tmp_path / "y.ipynb"
    broken.write_text("{}")
    with pytest.raises(NotebookError, match="Not a notebook"):
        render(broken)


def test_reads_a_file_and_names_it_by_its_source(tmp_path: Path) -> None:
    node = report()
    node["metadata"]["papermill"] = {"input_path": "notebooks/stability.ipynb"}
    nbformat.write(node, tmp_path / "out.ipynb")
    assert render(tmp_path / "out.ipynb").result["notebook"] == "stability"


@pytest.mark.parametrize(
    ("heading", "shown"),
    [
        ("Stability of v2 against v1", True),
        ("Stability of 20250914T122400Z-3fa2 against v1", False),
        ("Stability of nightly 2025-09-14 against v1", False),
    ],
)
def test_the_time_is_said_once(heading: str, shown: bool) -> None:
    subject = Subject(heading, at="2025-09-14T12:24:00+00:00")
    page = render(notebook(cell(Verdict("stable", "All conditions are stable.", subject=subject)))).html
    assert ('<span class="w">14' in page) is shown


def test_sections_without_evidence_become_one_line_and_keep_their_anchors():
    bare = [cell(NoEvidence(name, "stabkit collect")) for name in ("sessions", "memory")]
    headings = [nbformat.v4.new_markdown_cell(f"## {n} {name}") for n, name in ((1, "Told"), (2, "Bare"), (3, "Empty"))]
    told = cell(Statement(("Something was seen.",)))
    node = nbformat.v4.new_notebook(cells=[headings[0], told, headings[1], bare[0], headings[2], bare[1]])
    page = render(node).html
    assert "<summary>No evidence: Bare and Empty</summary>" in page
    assert page.count("No evidence of") == 2
    assert '<h2 id="bare">' in page
    assert 'href="#bare"' not in page, "the contents name what there is to read"
    alone = render(nbformat.v4.new_notebook(cells=[headings[1], bare[0]])).html
    assert "<summary>No evidence" not in alone, "where there is nothing else, it stays open"


def test_a_page_without_verdict_is_headed_by_what_it_opens_with():
    at, until = "2025-09-14T12:24:00+00:00", "2025-09-16T08:00:00+00:00"
    about = Subject("", "shop", "staging", at=at, until=until, note="3 runs")
    title = nbformat.v4.new_markdown_cell("# Test trends")
    made = render(nbformat.v4.new_notebook(cells=[title, cell(Statement(("All passed.",), subject=about))]))
    assert re.search(r"shop \W staging", made.html)
    period = '<span class="w">14 Sep 2025, 12:24 UTC to 16 Sep 2025, 08:00 UTC · 3 runs</span>'
    assert period in made.html.replace("\N{NO-BREAK SPACE}", " ")
    assert "<title>Test trends: shop</title>" in made.html
    assert (made.result["heading"], made.result["title"]) == ("Test trends", "Test trends")
    assert made.result["subject"]["project"] == "shop"
    sides = Subject("", "shop", "staging", "v1", "v2")
    compared = render(nbformat.v4.new_notebook(cells=[title, cell(Statement(("All passed.",), subject=sides))]))
    assert (compared.result["heading"], compared.result["title"]) == ("Test trends", "Test trends: v2 against v1")
    assert "<title>Test trends: shop v2 against v1</title>" in compared.html


def test_sections_of_one_line_stand_together_beneath_the_others():
    headings = [nbformat.v4.new_markdown_cell(f"## {n} {name}") for n, name in ((1, "Scores"), (2, "Told"))]
    quiet, told = cell(Statement(("No scan claims one.",), quiet=True)), cell(Statement(("Something was seen.",)))
    page = render(nbformat.v4.new_notebook(cells=[headings[0], quiet, headings[1], told])).html
    assert page.index("Something was seen.") < page.index("No scan claims one.")
    assert '<h2 id="scores">' in page
    assert 'href="#scores"' not in page
    alone = render(nbformat.v4.new_notebook(cells=[headings[0], quiet])).html
    assert '<section class="quiet"' not in alone
