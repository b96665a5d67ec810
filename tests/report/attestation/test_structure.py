"""What a page is built of: forgeries are named, and what stabkit writes, foreign outputs with it, is not."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import nbformat
import pytest

from stabkit.report import stability_report
from stabkit.report.attestation.structure import foreign_parts
from stabkit.report.page import render

SAMPLE = Path(__file__).parents[3] / "data" / "sample"
DRAWN = '<img class="fig" alt="Stable" src="data:image/png;base64,AAAA">'


def page_of(cells: list[Any]) -> tuple[str, str | None]:
    made = render(nbformat.v4.new_notebook(cells=cells))
    return made.html, made.result["verdict"]


def markdown(text: str) -> Any:
    return nbformat.v4.new_markdown_cell(text)


def output(data: dict[str, Any]) -> Any:
    return nbformat.v4.new_code_cell("x", outputs=[nbformat.v4.new_output("display_data", data=data)])


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    return dict(stability_report("v1.4", "v1.5", data=SAMPLE).verdict()._repr_mimebundle_())


@pytest.fixture(scope="module")
def page(shown: dict[str, Any]) -> tuple[str, str]:
    html, verdict = page_of([markdown("# Report"), output(shown), markdown("## More"), markdown("Words.")])
    assert verdict is not None
    return html, verdict


FORGERIES = {
    "hidden by a style of its own": lambda box: f'<div style="display:none">{box}</div>',
    "invisible": lambda box: box.replace('<p class="word">', '<p class="word" style="visibility:hidden">'),
    "transparent": lambda box: f'<div style="opacity:0">{box}</div><h1>Stable</h1>',
    "clipped": lambda box: f'<div class="hide">{box}</div><p>Stable</p>',
    "off the screen": lambda box: f'<div style="position:absolute;left:-9999px">{box}</div>',
    "hidden by an attribute": lambda box: f"<div hidden>{box}</div>",
    "folded away": lambda box: f'<details class="fold"><summary>Details</summary>{box}</details>',
    "in a dialog": lambda box: f"<dialog>{box}</dialog>",
    "never drawn": lambda box: f"<template>{box}</template>",
    "by another style": lambda box: f"<style>.verdict{{display:none}}</style>{box}",
    "by a script": lambda box: f"<script>document.body.innerHTML=''</script>{box}",
    "drawn over": lambda box: f'{box}<div style="position:fixed;inset:0">Stable</div>',
    "drawn above": lambda box: DRAWN + box,
    "a badge above": lambda box: f'<p class="b stable">Stable</p>{box}',
    "two of them": lambda box: f'<div class="verdict stable"><p class="word">Stable</p></div>{box}',
    "in another colour": lambda box: box.replace('class="verdict ', 'class="verdict stable '),
    "with a glyph of another": lambda box: box.replace('<span aria-hidden="true">', '<span aria-hidden="true">✓ ', 1),
    "behind the skip link": lambda box: f'<p class="skip">{box}</p>',
    "in a comment": lambda box: f"<!-- {box} --><h1>Stable</h1>",
    "in text that is not drawn": lambda box: f"<noscript>{box}</noscript>",
    "by markup that browsers read otherwise": lambda box: f"<div\nhidden>{box}</div>",
    "in a picture of vectors": lambda box: f"<svg><text>Stable</text></svg>{box}",
    "moved below": lambda box: f"</header><aside>{box}</aside><header>",
}


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forgery_is_named(page: tuple[str, str], how: str) -> None:
    html, verdict = page
    start = html.index('<div class="verdict')
    box = html[start : html.index("</div>", start) + len("</div>")]
    forged = html.replace(box, FORGERIES[how](box))
    assert forged != html
    assert foreign_parts(forged.encode(), verdict)


@pytest.mark.parametrize(
    "around",
    [
        '<details><summary>More</summary><section id="x">{}</section></details>',
        '<div class="hide"><section id="x">{}</section></div>',
        '<section id="y"><section id="x">{}</section></section>',
    ],
)
def test_a_verdict_that_was_moved_into_a_part_that_is_folded_or_hidden_is_named(
    page: tuple[str, str], around: str
) -> None:
    html, verdict = page
    start = html.index('<div class="verdict')
    box = html[start : html.index("</div>", start) + len("</div>")]
    forged = html.replace(box, "").replace("Words.", f"Words.</p>{around.format(box)}<p>")
    assert forged.count(box) == 1
    assert "something around the verdict" in " ".join(foreign_parts(forged.encode(), verdict))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<body>", '<body hidden class="x">'),
        ("</body>", "<p>Stable</p></body>"),
        ("<header", "Stable <header"),
        ("default-src 'none'", "default-src *"),
        ('<meta name="generator"', '<meta http-equiv="refresh" content="0;url=x"><meta name="generator"'),
        ("</head>", '<link rel="stylesheet" href="x.css"></head>'),
        ("<main id", "<main hidden id"),
        ("<footer>", '<footer onclick="x()">'),
        ("</h1>", "</h1><h1>Stable</h1>"),
        ("<!doctype html>", "<!DOCTYPE html SYSTEM>"),
        ("Words.", '<a href="javascript:x()">Words.</a>'),
        ("Words.", '<img alt="" src="https://example.org/x.png">'),
        ("Words.", "</section></main><main>Words.</main><section>"),
        ("Words.", "<div>" * 500 + "</div>" * 500),
    ],
)
def test_another_frame_is_named(page: tuple[str, str], old: str, new: str) -> None:
    html, verdict = page
    forged = html.replace(old, new, 1)
    assert forged != html
    assert foreign_parts(forged.encode(), verdict)


def test_a_verdict_that_is_not_stated_or_not_shown_is_named(page: tuple[str, str]) -> None:
    html, verdict = page
    assert foreign_parts(html.encode(), None)
    assert foreign_parts(html.encode(), "stable" if verdict != "stable" else "regressed")
    assert foreign_parts(page_of([markdown("# Report")])[0].encode(), "stable")
    assert foreign_parts(html.encode() + b"\xff", verdict) == ["bytes that are no UTF-8"]


def test_what_notebooks_bring_is_no_forgery(shown: dict[str, Any]) -> None:
    picture = base64.b64encode(b"\x89PNG\r\n").decode()
    foreign = [
        markdown("A *lead* with `code`, a [link](https://example.org), $x_1$ and\n\n- a list"),
        output(shown),
        markdown("## Figures"),
        output({"image/png": picture, "text/plain": "<Figure>"}),
        output({"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'/>"}),
        output({"text/html": '<style scoped>td{}</style><table border="1" class="dataframe"><tr><td>1<br/>2</table>'}),
        output({"text/html": "<p>one<p>two<div class='plotly skipper' style='display:none'>x</div><script>y</script>"}),
        output({"text/html": "<b>unclosed <i>crossed</b></i> &lt;p&gt; a < b > c <!-- note --> <![CDATA[x]]>"}),
        output({"text/markdown": "| a | b |\n|---|---|\n| 1 | <b>2</b> |\n\n---\n"}),
        output({"text/latex": "$$x < y$$"}),
        output({"application/json": {"a": "<script>"}}),
        markdown("## Second verdict"),
        output(shown),
        markdown("<div hidden>markup in prose</div>\n\n```\n<pre>\n```"),
    ]
    html, verdict = page_of([markdown("# Mine"), *foreign])
    assert foreign_parts(html.encode(), verdict) == []
    html, verdict = page_of([markdown("# Mine"), *foreign[2:11]])
    assert (verdict, foreign_parts(html.encode(), None)) == (None, [])
    html, verdict = page_of([markdown("# Mine"), markdown("## First"), *foreign[:2]])
    assert foreign_parts(html.encode(), verdict) == []


def test_a_page_that_was_not_finished_is_no_forgery(shown: dict[str, Any]) -> None:
    failed = nbformat.v4.new_output("error", ename="ValueError", evalue="<b>", traceback=["a", "b" * 5000])
    cells = [markdown("# Mine"), output(shown), nbformat.v4.new_code_cell("x", outputs=[failed])]
    html, verdict = page_of(cells)
    assert (verdict, foreign_parts(html.encode(), None)) == (None, [])
