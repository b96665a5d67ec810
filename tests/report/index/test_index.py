"""The index: counts, order, links, and the same words in three files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stabkit.errors import EvidenceError
from stabkit.report.index.index_files import make_index, write_index
from stabkit.report.index.index_page import FULL_ROWS, OPEN_ROWS


def put(
    folder: Path, name: str, verdict: str | None, exit_code: int, failure: Any = None, at: str | None = None,
    project: str | None = None, sections: Any = (), conditions: Any = None, p99: Any = None,
) -> None:  # fmt: skip
    reasons = [{"outcome": verdict, "subject": f"{name} p99", "text": "<b>slow</b>"}]
    summary = (
        {
            "reasons": reasons,
            "largest_change": "The largest change is p99: +55 %",
            "change": {"rank": "largest", "text": "p99: +55 %"},
            "missing": ["memory"],
        }
        if verdict
        else None
    )
    if summary and conditions:
        found = [{"name": name_, "outcome": outcome} for name_, outcome in conditions.items()]
        summary["gate"] = {"conditions": found}
    if summary and p99:
        low, change, high = p99
        found = {"name": "p99", "unit": "ms", "scale": "ratio", "outcome": verdict, "margin": 0.2, "change": change}
        found |= {"low": low, "high": high, "n_baseline": 100, "n_candidate": 100}
        condition = {"name": "chat", "kind": "latency", "outcome": verdict, "estimates": [found]}
        summary["gate"] = {"conditions": [condition]}
    subject = {
        "title": "t",
        "project": project or f"proj {name}",
        "environment": "e",
        "baseline": "a",
        "candidate": "b",
        "at": at,
    }
    result = {
        "schema": 1, "notebook": "n", "title": name, "verdict": verdict, "exit_code": exit_code, "failure": failure,
        "subject": subject, "summary": summary, "sections": list(sections),
    }  # fmt: skip
    (folder / f"{name}.json").write_text(json.dumps(result), encoding="utf-8")
    (folder / f"{name}.html").touch()


def test_index_orders_counts_and_links(tmp_path: Path) -> None:
    put(tmp_path, "a stable", "stable", 0)
    put(tmp_path, "b", "inconclusive", 3)
    put(tmp_path, "c", "regressed", 1)
    put(tmp_path, "d", None, 2, {"cell": 3, "section": "S", "error": "EvidenceError", "message": "gone"})
    put(tmp_path, "e", None, 0)
    (tmp_path / "other.json").write_text('{"schema": 1}')
    html, result, markdown = write_index(tmp_path)
    found = json.loads(result.read_text())
    assert [report["file"] for report in found["reports"]] == ["d.json", "c.json", "b.json", "a stable.json", "e.json"]
    assert found["counts"] == {"error": 1, "regressed": 1, "inconclusive": 1, "stable": 1, "none": 1, "unread": 0}
    assert found["exit_code"] == 2
    page = html.read_text()
    assert 'href="a%20stable.html"' in page
    assert "&lt;b&gt;slow&lt;/b&gt;" in page
    assert "<strong>cell 3:</strong> EvidenceError gone" in page
    assert "5 reports: 1 failed to execute, 1 regressed, 1 inconclusive, 1 stable, 1 without verdict." in page
    assert "<script" not in page
    assert "✗ regressed" in markdown.read_text()
    before = page, result.read_bytes()
    write_index(tmp_path)
    assert (html.read_text(), result.read_bytes()) == before


@pytest.mark.parametrize(
    ("verdicts", "code"), [(["stable"], 0), (["stable", "inconclusive"], 3), (["inconclusive", "regressed"], 1)]
)
def test_regressed_outranks_inconclusive_outranks_stable(tmp_path: Path, verdicts: list[str], code: int) -> None:
    for i, word in enumerate(verdicts):
        put(tmp_path, f"r{i}", word, {"stable": 0, "regressed": 1, "inconclusive": 3}[word])
    assert json.loads(write_index(tmp_path)[1].read_text())["exit_code"] == code


def test_empty_missing_and_locked_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "There is no report in this folder." in write_index(tmp_path)[0].read_text()
    with pytest.raises(EvidenceError, match="no such folder"):
        write_index(tmp_path / "nowhere")
    before = (tmp_path / "index.html").read_bytes()
    put(tmp_path, "a", "stable", 0)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(EvidenceError, match="cannot be written: No space left on device"):
        write_index(tmp_path)
    assert (tmp_path / "index.html").read_bytes() == before
    assert not list(tmp_path.glob(".*")), "nothing is left beside it"


def test_a_bad_file_is_named_and_keeps_no_other_from_being_listed(tmp_path: Path) -> None:
    put(tmp_path, "good", "stable", 0)
    whole = json.loads((tmp_path / "good.json").read_text())
    bad = {
        "cut": json.dumps(whole)[:-9],
        "deep": "[" * 100_000,
        "disagreeing": json.dumps(whole | {"exit_code": 1}),
        "foreign word": json.dumps(whole | {"verdict": "<b>fine</b>"}),
        "later": json.dumps(whole | {"schema": 2}),
        "silent": json.dumps({key: value for key, value in whole.items() if key != "verdict"}),
    }
    for name, text in bad.items():
        (tmp_path / f"{name}.json").write_text(text)
    os.mkfifo(tmp_path / "pipe.json")
    put(tmp_path, "half \udc80", "stable", 0)  # a name that is no UTF-8
    (tmp_path / "package.json").write_text('{"name": "no report"}')
    (tmp_path / "folder.json").mkdir()
    made = make_index(tmp_path)
    assert [one.file.removesuffix(".json") for one in made.unread] == sorted([*bad, "pipe"])
    assert made.others == ("package.json",)
    assert made.exit_code == 2
    found = json.loads(made.json.read_text())
    assert found["exit_code"] == 2
    assert found["counts"] == {"error": 0, "regressed": 0, "inconclusive": 0, "stable": 2, "none": 0, "unread": 7}
    assert {one["file"]: one["message"] for one in found["unread"]}["later.json"].startswith("Its schema is 2;")
    page = made.html.read_text()
    assert "2 reports: 2 stable; 7 files cannot be read." in page
    assert 'href="half%20%80.html"' in page
    assert {"file": "half \udc80.json", "page": "half%20%80.html"}.items() <= found["reports"][0].items()
    assert page.index("Its verdict &#34;stable&#34; and exit code 1 contradict each other.") < page.index(
        'href="good.html"'
    )
    assert "cut.json: It is not whole JSON" in made.markdown.read_text()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_in_a_result_it_is_listed_or_named_and_never_turns_stable(tmp_path: Path, data: Any) -> None:
    put(tmp_path, "x", "regressed", 1, at="2025-09-01T12:00:00+00:00", project="shop", p99=(1.4, 1.5, 1.6))
    result = json.loads((tmp_path / "x.json").read_text())
    place: Any = result
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(_JSON)
    (tmp_path / "x.json").write_text(json.dumps(result))
    put(tmp_path, "y", "inconclusive", 3, at="2025-09-02T12:00:00+00:00", project="shop", p99=(0.9, 1.5, None))
    made = make_index(tmp_path)
    found = json.loads(made.json.read_text())
    assert {one["file"] for one in found["reports"]} | {one.file for one in made.unread} == {"x.json", "y.json"}
    assert found["counts"]["stable"] == 0
    assert made.exit_code in (1, 2, 3)
    assert made.exit_code != 3 or result["verdict"] in (None, "inconclusive")


def test_a_number_too_large_to_be_shown_is_not_known(tmp_path: Path) -> None:
    for day, name in enumerate("xy", start=1):
        at = f"2025-09-0{day}T12:00:00+00:00"
        put(tmp_path, name, "regressed", 1, at=at, project="shop", p99=(1.4, 1e308 if name == "x" else 1.5, 1.6))
        text = (tmp_path / f"{name}.json").read_text()
        (tmp_path / f"{name}.json").write_text(text.replace('"ms", "scale": "ratio"', '"share", "scale": "difference"'))
    _, result, _ = write_index(tmp_path)
    points = json.loads(result.read_text())["reports"][0]["history"]["points"]
    assert [point.get("change") for point in points] == [None, 150]


def test_what_the_index_cannot_use_is_a_warning_to_whoever_takes_its_files(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(7):
        (tmp_path / f"cut {number}.json").write_text('{"verdict": ')
    write_index(tmp_path)
    assert [record.levelname for record in caplog.records] == 6 * ["WARNING"]
    assert caplog.messages[0].startswith(f"{tmp_path / 'cut 0.json'}: It is not whole JSON")
    assert caplog.messages[-1].startswith("2 more results")


def test_times_are_compared_as_moments_and_equal_titles_told_apart(tmp_path: Path) -> None:
    put(tmp_path, "east", "stable", 0, at="2025-09-02T01:00:00+09:00", project="shop")
    put(tmp_path, "west", "stable", 0, at="2025-09-01T23:00:00-05:00", project="shop")
    put(tmp_path, "naive", "stable", 0, at="2025-09-01T17:00:00", project="shop")
    put(tmp_path, "same", "stable", 0, at="2025-09-01T17:00:00+00:00", project="shop")
    put(tmp_path, "never", "stable", 0, at="9999-12-31T23:00:00-09:00", project="shop")
    (tmp_path / "west.html").unlink()
    html, result, _ = write_index(tmp_path)
    reports = {one["file"]: one for one in json.loads(result.read_text())["reports"]}
    assert list(reports) == ["west.json", "same.json", "naive.json", "east.json", "never.json"]
    assert reports["west.json"]["at"] == "2025-09-02T04:00:00+00:00"
    assert [len(one["earlier"]) for one in reports.values()] == [3, 1, 1, 0, 0], "no report is before one of its moment"
    assert (reports["west.json"]["page"], reports["never.json"]["at"]) == (None, None)
    page = html.read_text()
    assert "west.json; its page is missing" in page
    assert 'href="west.html"' not in page
    assert '<span class="sub">naive.json</span>' in page, "what reads alike is told apart by its file"


def test_sparkline_follows_one_metric_and_leaves_gaps(tmp_path: Path) -> None:
    put(tmp_path, "a", "stable", 0, at="2025-09-01T12:00:00+00:00", project="shop", p99=(0.98, 1.01, 1.04))
    put(tmp_path, "b", "inconclusive", 3, at="2025-09-02T12:00:00+00:00", project="shop", conditions={"x": "stable"})
    put(tmp_path, "c", "regressed", 1, at="2025-09-03T12:00:00+00:00", project="shop", p99=(1.3, 1.4, None))
    html, result, _ = write_index(tmp_path)
    history = {one["file"]: one["history"] for one in json.loads(result.read_text())["reports"]}
    assert history["a.json"] is history["b.json"] is None, "the newest of a line tells it"
    assert (history["c.json"]["metric"], history["c.json"]["unit"]) == ("chat p99", "relative")
    assert [point["verdict"] for point in history["c.json"]["points"]] == ["stable", "inconclusive", "regressed"]
    first, gap, last = history["c.json"]["points"]
    assert (round(first["change"], 9), first["margin"], first["outcome"]) == (0.01, 0.2, "stable")
    assert gap == {"file": "b.json", "verdict": "inconclusive", "outcome": None}
    assert (round(last["low"], 9), last["high"]) == (0.3, None)
    page = html.read_text().replace("\u202f", " ")
    words = "Change of chat p99 in 3 reports, oldest first: stable, +1 % [−2 %, +4 %]; inconclusive, no value; "
    assert f'alt="{words}this one regressed, +40 % [+30 %, –]. Margin 20 %."' in page
    assert 'alt="Verdicts in 2 reports, oldest first: stable; this one inconclusive."' in page
    assert page.count("since then") == 2
    assert 'since then <a href="c.html">✗ regressed</a>' in page


def test_thousands_of_reports_are_folded_and_filtered_by_subject(tmp_path: Path) -> None:
    for number in range(FULL_ROWS + 3):
        at = f"2025-09-01T12:00:{number // 60:02}.{number % 60:02}+00:00"
        put(tmp_path, f"r{number:03}", "regressed", 1, at=at, project=("shop", "mail")[number % 2], p99=(1.3, 1.4, 1.5))
    page = write_index(tmp_path)[0].read_text()
    assert "<summary>and 3 older</summary>" in page
    assert page.count("<img ") == FULL_ROWS
    assert f"<summary>{FULL_ROWS - OPEN_ROWS} further reports</summary>" in page
    first, folded = page.index('<td data-label="Verdict"'), page.index("further reports</summary>")
    assert page[first:folded].count('<td data-label="Verdict"') == OPEN_ROWS
    assert '<li id="of-2"><a href="#of-2">shop e</a></li>' in page
    assert "body:has(#of-2:target)" in page


def test_index_names_the_verdicts_before_in_groups_that_have_some(tmp_path: Path) -> None:
    for day, (word, code) in enumerate((("stable", 0), ("regressed", 1), ("inconclusive", 3)), start=1):
        put(tmp_path, f"r{4 - day}", word, code, at=f"2025-09-0{day}T12:00:00+00:00", project="shop")
    put(tmp_path, "other", "stable", 0, at="2025-09-09T12:00:00+00:00", project="else")
    html, result, _ = write_index(tmp_path)
    found = {report["file"]: report["earlier"] for report in json.loads(result.read_text())["reports"]}
    assert found == {"r1.json": ["stable", "regressed"], "r2.json": ["stable"], "r3.json": [], "other.json": []}
    page = html.read_text()
    assert page.count("History</th>") == 2
    assert "largest change: p99: +55 %" in page
    assert "The largest change is" not in page


def test_reports_without_verdict_show_their_first_sentence(tmp_path: Path) -> None:
    pieces = [{"kind": "statement", "sentences": ["35 of 35 tests passed.", "More."]}]
    put(tmp_path, "trends", None, 0, sections=[{"number": None, "heading": "", "pieces": pieces}])
    assert '<td class="said">35 of 35 tests passed.</td>' in write_index(tmp_path)[0].read_text()


def test_groups_are_links_that_filter_and_the_newest_comes_first(tmp_path: Path) -> None:
    put(tmp_path, "old", "regressed", 1, at="2025-09-01T12:00:00+00:00")
    put(tmp_path, "new", "regressed", 1, at="2025-09-02T12:00:00+00:00")
    put(tmp_path, "broken", None, 2, {"cell": 3, "section": "S", "error": "EvidenceError", "message": "gone"})
    html, result, _ = write_index(tmp_path)
    assert [report["file"] for report in json.loads(result.read_text())["reports"]] == [
        "broken.json", "new.json", "old.json",
    ]  # fmt: skip
    page = html.read_text()
    for anchor in ("failed-to-execute", "regressed"):
        assert f'<a href="#{anchor}">' in page
        assert f'<section id="{anchor}" class="group">' in page


def test_one_bad_dependency_shows_as_a_column(tmp_path: Path) -> None:
    shared = {"database": "regressed", "own errors": "stable"}
    put(tmp_path, "a", "regressed", 1, at="2025-09-02T12:00:00+00:00", project="shop", conditions=shared)
    put(
        tmp_path,
        "before",
        "stable",
        0,
        at="2025-09-01T12:00:00+00:00",
        project="shop",
        conditions={"database": "stable"},
    )
    put(tmp_path, "b", "regressed", 1, at="2025-09-02T12:00:00+00:00", project="chat", conditions=shared)
    put(tmp_path, "c", "stable", 0, at="2025-09-02T12:00:00+00:00", project="mail", conditions={"own errors": "stable"})
    html, result, _ = write_index(tmp_path)
    found = {line["file"]: line["outcomes"] for line in json.loads(result.read_text())["conditions"]}
    assert found == {"a.json": shared, "b.json": shared, "c.json": {"database": None, "own errors": "stable"}}
    page = html.read_text()
    assert page.index('<th scope="col">database</th>') < page.index('<th scope="col">own errors</th>')
    assert page.count('<td class="regressed">') == 2
    assert "not in this report" in page


def test_nothing_shared_needs_no_matrix(tmp_path: Path) -> None:
    put(tmp_path, "a", "stable", 0, conditions={"x": "stable"})
    html, result, _ = write_index(tmp_path)
    assert json.loads(result.read_text())["conditions"] == []
    assert "several reports share" not in html.read_text()


def test_pages_of_several_notebooks_are_named_by_their_kind(tmp_path: Path) -> None:
    def kind(name: str, heading: str) -> None:
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"notebook": name, "heading": heading}))

    put(tmp_path, "report", "stable", 0, project="shop", at="2025-09-14T12:00:00+00:00")
    put(tmp_path, "deltas", None, 2, {"cell": 3}, project="shop", at="2025-09-14T13:00:00+00:00")
    kind("report", "Stability report")
    assert '<a href="report.html">shop</a>' in write_index(tmp_path)[0].read_text()
    kind("deltas", "Latency deltas: the recorded sample")
    html, result, markdown = write_index(tmp_path)
    page = html.read_text()
    assert '<a href="report.html">Stability report</a>' in page
    assert '<a href="deltas.html">Latency deltas: the recorded sample</a>' in page
    assert '<p class="crumb"><span>shop</span></p>' in page
    assert "since then" not in page, "another notebook asks another question"
    assert "[Stability report e](report.html)" in markdown.read_text()
    assert {one["heading"] for one in json.loads(result.read_text())["reports"]} == {
        "Stability report", "Latency deltas: the recorded sample",
    }  # fmt: skip
    put(tmp_path, "other", "stable", 0, project="chat")
    kind("other", "Stability report")
    assert '<a href="other.html">Stability report: chat</a>' in write_index(tmp_path)[0].read_text()
