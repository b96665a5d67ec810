"""The objects behind the other notebooks: on a generated history, and on a store that holds nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

import stabkit
from stabkit.errors import UsageError
from stabkit.report import deltas
from stabkit.report.display import Piece
from stabkit.report.sections.times import tail_figure
from stabkit.report.test_history import TestTrends
from stabkit.runs import new_run
from stabkit.schema import Evidence, conform
from stabkit.store import open_store

METHODS = {
    "latency_deltas": ["headline", "comparisons", "targets", "shift", "tail", "stages", "rounds", "history"],
    "test_trends": ["headline", "suite", "not_passing", "history", "map", "flakiness", "durations"],
    "compliance_history": ["headline", "open_findings", "new_and_fixed", "ages", "scores", "breaks"],
    "change_impact": ["headline", "files", "areas", "risks", "checklist", "recommendations"],
}


@pytest.mark.parametrize("name", METHODS)
def test_every_section_shows_itself(worse_store, name):
    result = getattr(stabkit, name)(data=worse_store.root)
    for method in METHODS[name]:
        piece = getattr(result, method)()
        assert isinstance(piece, Piece), method
        assert "<" in piece._repr_html_()
        assert "No evidence" not in repr(piece), method
        json.dumps(piece.piece(), allow_nan=False)


@pytest.mark.parametrize("name", [*METHODS, "stability_report"])
def test_what_is_loaded_asks_neither_store_nor_configuration_again(worse_store, tmp_path, monkeypatch, name):
    shutil.copytree(worse_store.root.parent, tmp_path / "project")
    monkeypatch.chdir(tmp_path)
    here, there = (getattr(stabkit, name)(data=folder) for folder in (worse_store.root, "project/data"))
    shutil.rmtree(tmp_path / "project")
    (tmp_path / "stabkit.toml").write_text("[")
    methods = METHODS.get(name) or [one for one in vars(type(here)) if not one.startswith("_") and one != "gate"]
    for method in methods:
        with_store, without = (repr(getattr(result, method)()) for result in (here, there))
        assert "No evidence" not in without or "No evidence" in with_store, method
        assert without.strip(), method


@pytest.mark.parametrize("name", METHODS)
def test_a_store_without_evidence_says_so_in_every_section(history, tmp_path, name):
    store = history.open_store(tmp_path / "data", create=True)
    history.add_run(store, 1, history.Evidence())
    result = getattr(stabkit, name)(data=store.root)
    for method in METHODS[name]:
        words = repr(getattr(result, method)())
        assert words.strip(), method
        assert "✓" not in words, method


def test_runs_whose_samples_are_pruned_stay_in_the_picture(history, tmp_path):
    store = history.open_store(tmp_path / "data", create=True)
    for day in range(6):
        samples = pd.DataFrame(
            {
                "target": "backend",
                "metric": "response_time",
                "round": [i // 10 for i in range(40)],
                "sequence": range(40),
            }
            | {"ok": True, "response_ms": [20.0 + day + i / 40 for i in range(40)]}
        ).assign(due_at=datetime(2026, 3, 1 + day, tzinfo=UTC))
        run = new_run(label=f"build-{day}", environment="ci", started_at=datetime(2026, 3, 1 + day, tzinfo=UTC))
        store.append(run, Evidence.of(samples=samples))
    store.prune(1, dry_run=False, now=datetime(2026, 3, 20, tzinfo=UTC))
    ((figure,),) = (row.pieces for row in stabkit.latency_deltas(data=store.root).history().pieces)
    rows = figure.content()["data"]["rows"]
    assert [row["sketched"] for row in rows] == [True] * 4 + [False] * 2
    assert all(abs(row["p50_ms"] / (20.475 + day) - 1) < 0.011 for day, row in enumerate(rows))
    assert (
        "4 runs without samples are drawn from sketches, within 1\u202f%, with no band." in figure.description.caption
    )


def test_more_metrics_than_a_page_holds_are_named_with_what_draws_them(worse_store, monkeypatch):
    monkeypatch.setattr(deltas, "DRAWN_METRICS", 1)
    found = stabkit.latency_deltas(data=worse_store.root)
    for section in (found.shift, found.tail, found.rounds, found.history):
        row, left = section().pieces
        assert len(row.pieces) == 1
        assert f"{len(found.pairs) - 1} metrics are not drawn here: " in repr(left)
        assert repr(left).endswith(f"--notebook latency_deltas --parameter target={found.pairs[1][0]}")
    alone = stabkit.latency_deltas(data=worse_store.root, target=found.pairs[1][0])
    assert "not drawn" not in repr(alone.shift())


def test_a_tail_of_one_side_is_drawn_alone():
    after = pd.DataFrame({"round": 0, "response_ms": [float(i) for i in range(1, 201)]})
    title = tail_figure(after.head(0), after, of="api response time", objective_ms=150.0).description.title
    assert title.replace("\u202f", " ") == "api response time: 25 % miss the 150 ms objective"


def test_the_slow_tail_is_found(worse_store):
    words = repr(stabkit.latency_deltas(data=worse_store.root, target="backend").tail())
    assert "objective" in words


def test_test_trends_name_the_break_and_the_flaky(worse_store):
    trends = stabkit.test_trends(data=worse_store.root, suite="service")
    assert "1 failure more than in the run before" in repr(trends.headline())
    assert "test_case_07" in repr(trends.flakiness())
    assert "2/6" in repr(trends.flakiness())


def test_only_the_newest_runs(worse_store):
    assert len(stabkit.test_trends(data=worse_store.root, last=2).runs) == 2


def test_compliance_counts_states_not_totals(worse_store):
    assert "6 findings open, 2 new and 1 fixed since the scan before" in repr(
        stabkit.compliance_history(data=worse_store.root).headline()
    )


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("latency_deltas", {"target": "bakend"}),
        ("test_trends", {"suite": "servce"}),
        ("compliance_history", {"tool": "rufff"}),
    ],
)
def test_a_wrong_name_gets_the_nearest(worse_store, name, wrong):
    with pytest.raises(UsageError, match=r"Did you mean '(backend|service|ruff)'"):
        getattr(stabkit, name)(data=worse_store.root, **wrong)


def test_a_negative_number_of_runs_is_refused(worse_store):
    with pytest.raises(UsageError, match="-3"):
        stabkit.test_trends(data=worse_store.root, last=-3)


def test_changes_coincide_and_do_not_cause(worse_store):
    words = repr(stabkit.change_impact(data=worse_store.root).areas())
    assert "coincide" in words
    assert "caused" not in words


def test_a_git_range_needs_no_store(tmp_path):
    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True, timeout=30)

    git("init", "-q", "-b", "main")
    (tmp_path / "service.py").write_text("LIMIT = 1\n")
    git("add", ".")
    git("commit", "-qm", "first")
    (tmp_path / "service.py").write_text("LIMIT = 2\n")
    git("commit", "-qam", "second")
    impact = stabkit.change_impact(repository=tmp_path, base="HEAD~1")
    assert "1 commit, 1 file" in repr(impact.headline())
    assert "service.py" in repr(impact.files())
    for method in METHODS["change_impact"]:
        assert repr(getattr(impact, method)()).strip()


def test_half_a_git_range_is_refused(tmp_path):
    with pytest.raises(UsageError, match="base"):
        stabkit.change_impact(repository=tmp_path)


def flaky_store(folder):
    """Twelve runs at six commits: one test flips, one broke twice and was renamed, in the fifth run all fail."""
    store = open_store(folder, create=True)
    for number in range(12):
        started = datetime(2026, 3, 1, number, tzinfo=UTC)
        run = new_run(label=f"b{number}", environment="ci", started_at=started, commit=f"c{number // 2}", branch="main")
        names = {f"t{k}": "pass" for k in range(6)} | {"flips": "fail" if number % 2 else "pass"}
        names["new" if number > 5 else "old"] = "fail" if number in (2, 8) else "pass"
        rows = [
            {"suite": "u", "name": name, "test_id": name, "attempt": 1, "status": "fail" if number == 4 else status}
            for name, status in names.items()
        ]
        store.append(run, Evidence.of(tests=pd.DataFrame(rows)))
    return store


def test_the_ranking_shows_every_measure_and_lists_what_is_set_aside(tmp_path):
    ranking = repr(stabkit.test_trends(data=flaky_store(tmp_path / "runs").root).flakiness())
    assert "left out, since more than 80 % of a suite failed: b4 (8 of 8 in u)" in ranking.lower().replace("\n", " ")
    (line,) = [line for line in ranking.splitlines() if "flips" in line and "10/10" not in line and "/" in line]
    # Eleven results are left: 10 pairs of neighbours, 9 of which flip; five commits with two results, all disagree.
    for words in ("9/10", "5/5", "1.00 bit", "11"):
        assert words in line


def test_a_renamed_test_keeps_its_history(tmp_path):
    store = flaky_store(tmp_path / "runs")
    (tmp_path / "stabkit.toml").write_text('[test_aliases]\nold = "new"\n')
    trends = stabkit.test_trends(data=store.root)
    assert set(trends.tests["test_id"]) == {"flips", "new", *(f"t{k}" for k in range(6))}
    assert "4/10" in repr(trends.flakiness())
    (tmp_path / "other.toml").write_text("[test_aliases]\n")
    assert "old" in set(stabkit.test_trends(data=store.root, config=tmp_path / "other.toml").tests["test_id"])


def test_a_test_that_broke_and_was_mended_or_removed_is_not_unstable():
    tests, runs = [], []
    for number in range(40):
        names = {"steady": "pass", "mended": "fail" if number in (3, 4) else "pass"}
        names |= {"removed": "fail"} if number < 20 else {}
        # On the grid of whole milliseconds; the level that moves by more than one step did move.
        times = {"steady": 0.004 if number < 20 else 0.005, "mended": 0.004 if number < 20 else 0.009}
        rows = [
            {"suite": "u", "name": name, "test_id": name, "attempt": 1, "status": status, "time_s": times.get(name)}
            for name, status in names.items()
        ]
        started = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=number)
        runs.append(new_run(label=f"b{number}", environment="ci", started_at=started))
        tests.append(pd.DataFrame(rows).assign(run_id=runs[-1]["run_id"]))
    trends = TestTrends(conform("tests", pd.concat(tests)), conform("runs", pd.DataFrame(runs)))
    said = repr(trends.headline())
    assert "No test was unstable." in said
    assert "The suite shrank from 3 to 2 tests since b0." in said
    assert "1 failing test was removed or skipped with b20; none fails now" in repr(trends.suite())
    assert "None of the 2 least stable tests fails in b39; 1 of them is not run any more" in repr(trends.map())
    durations = repr(trends.durations())
    assert "mended" in durations
    assert "steady" not in durations


def test_open_findings_are_listed_by_severity(tmp_path):
    store = open_store(tmp_path / "runs", create=True)
    words = {"old": "info", "middle": "warning", "new": "error"}
    for number in range(3):
        about = {"scan_id": "s", "scope": "all", "tool": "lint"}
        scans = pd.DataFrame([about | {"version": "1", "files_scanned": 1, "complete": True}])
        rows = [
            about | {"rule": rule, "severity": word, "path": f"{rule}.py", "line": 1, "message": rule}
            for rule, word in list(words.items())[: number + 1]
        ]
        findings = pd.DataFrame(rows).assign(fingerprint=lambda frame: frame["rule"], suppressed=False)
        run = new_run(label=f"b{number}", environment="ci", started_at=datetime(2026, 3, 1 + number, tzinfo=UTC))
        store.append(run, Evidence.of(scans=scans, findings=findings))
    history = stabkit.compliance_history(data=store.root)
    assert "Lint: 3 findings open, 1 new and 0 fixed since the scan before; open: 1 error, 1 warning, 1 info." in repr(
        history.headline()
    )
    _, table = history.ages().pieces
    assert [row["severity"] for row in table.rows] == ["error", "warning", "info"]


@pytest.mark.parametrize("versions", [("1", "2", "3"), ("1", "1", None)], ids=["one break a scan", "a version unknown"])
def test_what_breaks_a_line_of_scans_is_in_words_below_its_figures(tmp_path, versions):
    store = open_store(tmp_path / "runs", create=True)
    for number, version in enumerate(versions):
        about = {"scan_id": "s", "scope": "all", "tool": "lint"}
        known = {"scope_sha256": "a" * 64, "rules_sha256": "b" * 64}
        scans = pd.DataFrame([about | known | {"version": version, "files_scanned": 1, "complete": True}])
        finding = about | {"rule": "E1", "severity": "error", "path": "a.py", "line": 1, "message": "bad"}
        findings = pd.DataFrame([finding]).assign(fingerprint="f", suppressed=False)
        run = new_run(label=f"b{number}", environment="ci", started_at=datetime(2026, 3, 1 + number, tzinfo=UTC))
        store.append(run, Evidence.of(scans=scans, findings=findings))
    told = "version 1 to 2" if versions[1] == "2" else "version unknown, taken as unchanged"
    history = stabkit.compliance_history(data=store.root)
    report = stabkit.stability_report("b1", "b2", data=store.root)
    for shown in (history.open_findings(), history.new_and_fixed(), report.compliance()):
        page = shown._repr_html_()
        assert told in page
        assert "Difference(" not in page


@pytest.mark.parametrize("name", METHODS)
def test_what_a_page_is_about_is_said_by_what_it_opens_with(worse_store, name):
    subject = getattr(stabkit, name)(data=worse_store.root).headline().content()["subject"]
    assert subject.project
    assert subject.at
    assert bool(subject.candidate) is (name in ("latency_deltas", "change_impact"))
