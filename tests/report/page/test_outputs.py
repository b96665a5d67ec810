"""What a notebook of somebody else shows is on the page, or a line says what is not, and how many."""

from __future__ import annotations

import base64
from typing import Any

import nbformat
import pytest

from stabkit.report.display import WHOLE_MIME
from stabkit.report.page.outputs import whole_files
from stabkit.report.page.rendering import Rendered, render

v4 = nbformat.v4
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def page_of(*outputs: Any, cells: tuple[Any, ...] = ()) -> Rendered:
    shown = v4.new_code_cell("", outputs=list(outputs))
    return render(v4.new_notebook(cells=[v4.new_markdown_cell("# Review\n\n## One"), *cells, shown]))


def data(**forms: Any) -> Any:
    return v4.new_output("display_data", data={name.replace("__", "/"): value for name, value in forms.items()})


@pytest.mark.parametrize(
    ("output", "on_page", "in_markdown"),
    [
        (data(text__markdown="rose by **12 %**"), "rose by <strong>12 %</strong>", "rose by **12 %**"),
        (data(text__markdown="a <b>b</b>"), "a &lt;b&gt;b&lt;/b&gt;", "a <b>b</b>"),
        (data(text__markdown="$a_1 * b_1 * c$"), "$a_1 * b_1 * c$", "$a_1 * b_1 * c$"),
        (data(text__latex="$x^2$"), '<pre tabindex="0">$x^2$</pre>', "LaTeX, as it is written:"),
        (data(application__json={"deep": [1]}), "&#34;deep&#34;", '"deep"'),
        (data(text__html="<b>kept</b>", text__plain="<x.HTML object>"), "<b>kept</b>", "kept"),
        (data(text__html="<noscript>kept</noscript>"), "kept", "kept"),
        (data(text__csv="a,b"), "a,b", "a,b"),
        (data(image__gif="R0lGODlh", text__plain="<x.Image object>"), "data:image/gif;base64,R0lGODlh", "Image"),
        (v4.new_output("stream", name="stderr", text="\x1b[31mwarned <i>"), "warned &lt;i&gt;", "Written to stderr:"),
        (v4.new_output("stream", name="stdout", text="1 %\r99 %\rdone"), ">done<", "done"),
    ],
)
def test_each_form_of_an_output_is_on_the_page_and_in_the_summary(output: Any, on_page: str, in_markdown: str) -> None:
    rendered = page_of(output)
    assert on_page in rendered.html
    assert in_markdown in rendered.markdown
    assert "Not shown" not in rendered.html


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (data(**{"application__vnd.plotly.v1+json": {"data": []}}), "1 interactive chart"),
        (
            data(**{"application__vnd.vegalite.v5+json": {}, "text__plain": "<VegaLite 5 object>"}),
            "1 interactive chart",
        ),
        (data(**{"application__vnd.jupyter.widget-view+json": {}, "text__plain": "Slider()"}), "1 interactive widget"),
        (data(application__javascript="alert(1)"), "1 script"),
        (data(**{"application__vnd.acme.table+json": {}}), "1 application/vnd.acme.table+json output"),
        (data(text__html="<div>42<script>x</script><script>y</script></div>"), "2 scripts"),
        (data(text__html="<img src='https://img.example/a.png'>"), "1 remote image"),
        (data(text__html="<iframe srcdoc='x'></iframe><svg><title>t</svg>after"), "1 embedded page and 1 HTML drawing"),
        (data(text__html="<style>td{color:red}</style><table><tr><td>1</td></tr></table>"), "1 style sheet"),
        (data(text__markdown="![a](https://img.example/a.png)"), "1 remote image"),
    ],
)
def test_what_a_page_cannot_show_is_named_and_counted(output: Any, said: str) -> None:
    rendered = page_of(output)
    assert f"Not shown: {said}." in rendered.html
    assert f"Not shown: {said}." in rendered.markdown
    assert "<script" not in rendered.html
    assert "alert(1)" not in rendered.html
    assert "img.example" not in rendered.html


def test_what_follows_a_drawing_that_is_never_closed_inside_is_kept() -> None:
    assert "after" in page_of(data(text__html="<svg><title>t</svg>after")).html


def test_a_data_frame_has_a_style_of_pandas_and_nothing_is_said_of_it() -> None:
    frame = "<div><style scoped>th{color:red}</style><table><tr><td>1</td></tr></table></div>"
    assert "Not shown" not in page_of(data(text__html=frame)).html


def test_attached_images_raw_cells_and_words_before_the_first_section_are_kept() -> None:
    picture = v4.new_markdown_cell("![chart](attachment:a.png)", attachments={"a.png": {"image/png": PIXEL}})
    about = v4.new_markdown_cell("# Review\n\nWhat it is about.")
    rendered = render(v4.new_notebook(cells=[about, picture, v4.new_raw_cell("<raw>")]))
    assert f'src="data:image/png;base64,{PIXEL}"' in rendered.html
    assert "&lt;raw&gt;" in rendered.html
    assert '<div class="prose"><p>What it is about.</p></div>' in rendered.html
    assert "What it is about." in rendered.markdown


@pytest.mark.parametrize(("value", "failed"), [("0", False), ("", False), ("None", False), ("1", True), ("no", True)])
def test_a_notebook_that_ends_itself_in_success_is_finished(value: str, failed: bool) -> None:
    end = v4.new_output("error", ename="SystemExit", evalue=value, traceback=[])
    first = v4.new_code_cell("sys.exit()", outputs=[v4.new_output("stream", name="stdout", text="no data"), end])
    rendered = page_of(cells=(first, v4.new_markdown_cell("## Two")))
    assert (rendered.exit_code == 2) is failed
    assert (rendered.result["failure"] is not None) is failed
    assert ("ended itself here; 1 code cell below did not run" in rendered.html) is not failed
    assert "no data" in rendered.html
    assert "not run" in rendered.html.partition("Two</h2>")[2]


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        "PAR1",
        {"tests": 7},
        {"tests": "no base64 !"},
        {"tests": base64.b64encode(b"<script>").decode()},
        {"../../tests": base64.b64encode(b"PAR1 PAR1").decode()},
        {"other": base64.b64encode(b"PAR1 PAR1").decode()},
    ],
)
def test_a_foreign_notebook_brings_no_file_of_its_own_along(given):
    assert whole_files({WHOLE_MIME: given}) == {}


def test_a_file_that_an_output_brings_along_is_named_by_its_rows():
    assert whole_files({WHOLE_MIME: {"tests": base64.b64encode(b"PAR1 PAR1").decode()}}) == {"tests": b"PAR1 PAR1"}
