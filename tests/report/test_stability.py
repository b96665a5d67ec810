"""The stability report on whole generated stores: no section vanishes, nothing missing is green."""

from __future__ import annotations

import json

import pytest

import stabkit
from stabkit.errors import StabkitError, UnknownRunError, UsageError
from stabkit.report.display import Piece
from stabkit.report.sections import times

SECTIONS = [
    "verdict",
    "executive_summary",
    "key_metrics",
    "availability",
    "websocket",
    "compliance",
    "change_impact",
    "test_results",
    "response_times",
    "business_value",
    "risks",
    "resources",
    "readiness",
    "recommendations",
    "conclusion",
    "evidence_and_method",
]


@pytest.fixture(scope="module")
def worse(worse_store):
    return stabkit.stability_report(data=worse_store.root)


@pytest.fixture(scope="module")
def steady(steady_store):
    return stabkit.stability_report(data=steady_store.root)


@pytest.fixture(scope="module")
def nothing(history, tmp_path_factory):
    """A store whose only run gave no evidence at all."""
    store = history.open_store(tmp_path_factory.mktemp("nothing") / "data", create=True)
    history.add_run(store, 1, history.Evidence())
    return stabkit.stability_report(data=store.root)


@pytest.mark.parametrize("name", SECTIONS)
class TestEverySection:
    def test_shows_itself_in_four_forms_and_says_the_same_twice(self, worse, name):
        piece = getattr(worse, name)()
        assert isinstance(piece, Piece)
        assert "<" in piece._repr_html_()
        assert piece.markdown().strip()
        assert repr(piece).strip()
        assert "caused" not in repr(piece)
        once = json.dumps(piece.piece(), allow_nan=False)
        assert once == json.dumps(getattr(worse, name)().piece(), allow_nan=False)

    def test_stands_without_any_evidence(self, nothing, name):
        piece = getattr(nothing, name)()
        assert repr(piece).strip()
        assert "✓" not in repr(piece)


def test_what_got_worse_is_said_first(worse):
    verdict = worse.verdict()
    assert verdict.word == "regressed"
    regressed = [reason.subject for reason in verdict.reasons if reason.outcome == "regressed"]
    assert {"service tests", "socket contract", "ruff findings"} <= set(regressed)
    words = repr(verdict)
    assert "confirmed by 5 reruns" in words
    assert "2 new findings (all critical)" in words
    assert "field data.user_id (expected present, observed absent)" in words


def test_what_stayed_is_not_called_worse(steady):
    assert steady.gate.verdict in ("stable", "inconclusive")
    assert all(condition.outcome != "regressed" for condition in steady.gate.conditions)
    assert dict(steady.verdict().facts)["Worse"] == "nothing"


def test_the_run_before_is_the_baseline(worse, worse_store):
    assert worse.case.baseline.run["label"] == "v1.4"
    assert worse.case.runs["label"].tolist() == [f"v1.{i}" for i in range(6)]


def test_the_first_run_has_no_baseline(history, tmp_path):
    store = history.open_store(tmp_path / "data", create=True)
    history.add_run(store, 1, history.evidence(1))
    report = stabkit.stability_report(data=store.root)
    assert report.case.first
    assert report.gate.verdict == "inconclusive"
    assert report.verdict().sentence.startswith("The first run has no baseline")
    assert all(e.outcome != "stable" for c in report.gate.conditions for e in c.estimates if c.kind == "latency")
    for name in SECTIONS:
        assert repr(getattr(report, name)())


@pytest.mark.parametrize("table", ["samples", "checks", "tests", "scans"])
def test_taking_evidence_away_never_makes_stable(history, tmp_path, table):
    lost = (table, "findings") if table == "scans" else (table,)
    store = history.build_store(tmp_path, runs=2, without=lost)
    report = stabkit.stability_report(data=store.root)
    assert report.gate.verdict != "stable"
    section = {"samples": "response_times", "checks": "readiness", "tests": "test_results", "scans": "compliance"}[
        table
    ]
    assert "No evidence" in repr(getattr(report, section)()) or "not checked" in repr(getattr(report, section)())


def test_a_journey_without_guard_is_named(worse):
    text = repr(worse.business_value())
    assert "1 journey unguarded" in text
    assert next(line for line in text.splitlines() if "unguarded" in line and "billing" in line)


def test_many_metrics_are_named_rather_than_drawn(worse, monkeypatch):
    monkeypatch.setattr(times, "SHOWN_TARGETS", 1)
    monkeypatch.setattr(times, "DRAWN_METRICS", 1)
    words = repr(worse.response_times())
    amount = len(times.drawn_populations(worse.case)[0])
    assert amount > 2
    assert f"{amount - 1} metrics are not drawn here: " in words
    assert words.endswith("--notebook latency_deltas")


def test_manual_lines_are_never_ticked(worse):
    line = next(line for line in repr(worse.readiness()).splitlines() if "Security audit signed" in line)
    assert line.startswith("– manual")


def test_failures_come_as_bursts(worse):
    text = repr(worse.availability())
    assert "9 failed samples" in text
    assert text.count("HTTP 503") == 1


def test_what_another_target_loses_meanwhile_ends_no_burst(history, tmp_path):
    run = history.evidence(1)
    samples, asked = run["samples"], run["samples"]["metric"] == "response_time"
    rows = samples[asked].sort_values("due_at").index[100:140]
    lost = {"ok": False, "status": 503, "error": "HTTP 503", "service_ms": None, "response_ms": None}
    samples.loc[rows, list(lost)] = list(lost.values())
    store = history.open_store(tmp_path / "data", create=True)
    history.add_run(store, 1, run)
    (tmp_path / "stabkit.toml").write_text(history.CONFIG)
    report = stabkit.stability_report(data=store.root, config=tmp_path / "stabkit.toml")
    table = next(piece for piece in report.availability().pieces if "failed sample" in getattr(piece, "caption", ""))
    assert [row["n"] for row in table.rows] == ["20", "20"]
    assert {row["target"] for row in table.rows} == {"backend response time", "auth response time"}


def test_the_command_names_run_ids(worse):
    ids = [worse.case.baseline.run["run_id"], worse.case.candidate.run["run_id"]]
    assert worse.verdict().command.startswith(f"stabkit report {ids[0]} {ids[1]}")


def test_hostile_names_stay_text(history, tmp_path):
    evil = "<script>alert(1)</script>\u202e|x|\n# heading"
    store = history.build_store(tmp_path, runs=2, broken=("tests/test_chat.py::test_case_03",))
    tests = history.suite_results().assign(test_id=evil, name=evil, status="fail", attempt=1).head(1)
    history.add_run(store, 5, history.Evidence.of(tests=tests, sources=history.sources()))
    report = stabkit.stability_report(data=store.root)
    for name in SECTIONS:
        piece = getattr(report, name)()
        assert "<script" not in piece._repr_html_()
        assert "\u202e" not in piece._repr_html_()
        assert "\n# heading" not in piece.markdown()


def test_unknown_runs_get_a_suggestion(worse_store):
    with pytest.raises(UnknownRunError, match=r"Did you mean 'v1\."):
        stabkit.stability_report("v1.4", "v1.77", data=worse_store.root)


def test_a_run_is_not_compared_with_itself(worse_store):
    with pytest.raises(UsageError, match="same run"):
        stabkit.stability_report("latest", "latest", data=worse_store.root)


def test_a_missing_store_is_said(tmp_path):
    with pytest.raises(StabkitError, match="no store"):
        stabkit.stability_report(data=tmp_path / "nowhere")


def test_why_there_is_no_baseline_is_said_exactly(history, tmp_path):
    store = history.open_store(tmp_path / "data", create=True)
    for _ in range(2):
        history.add_run(store, 1, history.evidence(1))
    file = tmp_path / "stabkit.toml"
    file.write_text("")
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "j.xml").write_text('<testsuite><testcase name="a"/></testsuite>')
    again = stabkit.stability_report(data=store.root)
    alone = stabkit.stability_report(None, str(tmp_path / "alone"), config=file)
    assert (again.case.lacking, alone.case.lacking) == ("same_version", "one_side")
    assert again.verdict().sentence.startswith("No run of another version that can be read comes before this one, ")
    assert alone.verdict().sentence.startswith("One side alone was given, and no baseline")


@pytest.mark.parametrize("asks", [True, False])
def test_aa_runs_are_advised_only_where_there_is_a_target_to_ask(history, tmp_path, asks):
    store = history.open_store(tmp_path / "data", create=True)
    for number in (1, 2):
        history.add_run(store, number, history.evidence(number))
    file = tmp_path / "stabkit.toml"
    file.write_text('[http.api]\nurl = "http://127.0.0.1:9/"\n' if asks else "")
    method = repr(stabkit.stability_report(data=store.root, config=file).evidence_and_method())
    assert "was not measured" in method
    assert ("stabkit aa" in method) == asks


def test_folders_of_files_need_no_store(tmp_path):
    for side, ms in (("before", 125), ("after", 126)):
        (tmp_path / side).mkdir()
        sample = {"target": "api", "metric": "response_time", "service_ms": ms, "response_ms": ms}
        facts = {"label": f"{side} it", "started_at": "2025-09-14T12:24:00Z"}
        (tmp_path / side / "evidence.json").write_text(json.dumps({"stabkit": 1, "run": facts, "samples": [sample]}))
    report = stabkit.stability_report(str(tmp_path / "before"), str(tmp_path / "after"), data=tmp_path / "none")
    assert report.gate.verdict == "inconclusive"
    assert report.verdict().subject.title == "Stability of after it against before it"
    assert "n = 1 a side" in repr(report.verdict())
    assert "n = 1" in repr(report.key_metrics())


def test_an_unread_file_is_never_stable(history, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "junit.xml").write_text("<testsuite><testcase name='t'></testsuite>")
    report = stabkit.stability_report(None, str(tmp_path / "a"), data=tmp_path / "none")
    assert report.gate.verdict == "inconclusive"
    assert "error" in repr(report.evidence_and_method())
