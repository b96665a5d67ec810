"""A/A runs in the store: apart from the history, and known to every judgement of their environment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stabkit.case.self_pairs import KEPT_PAIRS, known_noise, load_unchanged_pairs, self_pairs
from stabkit.config import Config
from stabkit.report.aa_table import noise_table
from stabkit.report.stability import stability_report
from stabkit.runs import aa_label, new_run
from stabkit.schema import Evidence
from stabkit.store import Store, open_store

START = datetime(2026, 1, 1, tzinfo=UTC)
CONFIG = Config.model_validate(
    {"condition": [{"name": "times", "kind": "latency", "target": "api", "metric": "response_time"}]}
)


def samples(seed: int, *, shift: float = 0.0, rounds: int = 10, each: int = 150) -> Evidence:
    times = 20 * np.exp(shift + 0.1 * np.random.default_rng(seed).standard_normal(rounds * each))
    frame = pd.DataFrame(
        {
            "target": "api",
            "metric": "response_time",
            "round": np.repeat(np.arange(rounds), each),
            "sequence": np.arange(times.size),
            "response_ms": times,
            "late_ms": 0.01,
            "connection": "reused",
            "warmup": False,
            "ok": True,
        }
    )
    return Evidence.of(samples=frame)


def add_pairs(store: Store, count: int, *, environment: str | None = "here", within: float = 0.0, **how: int) -> None:
    for number in range(count):
        for place, side in enumerate("ab"):
            moment = START + timedelta(minutes=number, microseconds=place)
            row = new_run(
                label=aa_label("2026-01-01T00:00:00Z", number + 1, side), environment=environment, started_at=moment,
                collection_id=f"pair{number}-{environment}",
            )  # fmt: skip
            moved = within * (number % 2 * 2 - 1) * (place - 0.5)
            store.append(row, samples(2 * number + place, shift=moved, **how))


def add_run(store: Store, label: str, day: int, *, seed: int, environment: str = "here", **row: str) -> str:
    moment = START + timedelta(days=day)
    return store.append(new_run(label=label, environment=environment, started_at=moment, **row), samples(seed))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "data", create=True)


def test_history_and_latest_know_nothing_of_aa_runs(store: Store) -> None:
    first = add_run(store, "v1", -1, seed=500)
    add_pairs(store, 2, rounds=2, each=5)
    assert store.resolve("latest") == first
    assert store.runs()["run_id"].tolist() == [first]
    assert set(store.read("samples")["run_id"]) == {first}
    assert store.sql("SELECT count(*) AS n FROM runs")["n"].tolist() == [1]
    assert store.sql("SELECT count(DISTINCT run_id) AS n FROM samples")["n"].tolist() == [1]
    apart = store.runs(aa=True)
    assert apart["label"].str.endswith(("/1a", "/1b", "/2a", "/2b")).all()
    assert len(apart) == 4
    # By name they are found all the same.
    label = aa_label("2026-01-01T00:00:00Z", 2, "b")
    run_id = store.resolve(label)
    assert store.run(label)["label"] == label
    assert store.resolve(run_id) == run_id
    assert len(store.evidence(label)["samples"]) == len(store.read("samples", runs=[label])) == 10
    assert store.read("runs", runs=[label])["run_id"].tolist() == [run_id]


def test_pairs_are_those_of_the_environment_and_whole(store: Store) -> None:
    add_pairs(store, 3, rounds=2, each=5)
    add_pairs(store, 1, environment="elsewhere", rounds=2, each=5)
    add_pairs(store, 1, environment=None, rounds=2, each=5)
    lone = new_run(label=aa_label("x", 9, "a"), environment="here", collection_id="lone")
    store.append(lone, samples(1, rounds=2, each=5))
    assert [len(self_pairs(store, place)) for place in ("here", "elsewhere", None, "nowhere")] == [3, 1, 1, 0]
    assert {pair.sitting for pair in self_pairs(store, "here")} == {"2026-01-01T00:00:00Z"}
    assert known_noise(None, "here", CONFIG) == ()
    assert KEPT_PAIRS >= 100, "fewer could never show a rate of a few per cent"


def test_separate_runs_become_stable_with_known_noise(store: Store) -> None:
    add_run(store, "v1", 1, seed=500)
    add_run(store, "v2", 2, seed=501)
    unknown = stability_report("v1", "v2", data=store.root, config=CONFIG)
    assert unknown.gate.verdict == "inconclusive"
    assert "stabkit aa" not in repr(unknown.verdict())
    method = repr(unknown.evidence_and_method())
    assert "targets that stabkit asks itself" in method
    assert "stabkit aa" not in method, "nothing is declared that it could ask"
    asked = Config.model_validate(
        {**CONFIG.model_dump(exclude_unset=True), "http": {"api": {"url": "http://127.0.0.1/"}}}
    )
    declared = stability_report("v1", "v2", data=store.root, config=asked)
    assert "stabkit aa" in repr(declared.evidence_and_method())
    assert "stabkit aa" in repr(declared.verdict())
    add_pairs(store, 12)
    known = stability_report("v1", "v2", data=store.root, config=CONFIG)
    assert known.gate.verdict == "stable"
    said = repr(known.evidence_and_method())
    assert "The system against itself in environment here: 12 pairs" in said
    assert "False alarms" in said
    elsewhere = add_run(store, "v3", 3, seed=502, environment="elsewhere")
    other = add_run(store, "v4", 4, seed=503, environment="elsewhere")
    assert stability_report(elsewhere, other, data=store.root, config=CONFIG).gate.verdict == "inconclusive"


def test_an_environment_that_cannot_judge_is_said(store: Store) -> None:
    add_run(store, "v1", 1, seed=500, collection_id="c")
    add_run(store, "v2", 2, seed=501, collection_id="c")
    assert stability_report("v1", "v2", data=store.root, config=CONFIG).gate.verdict == "stable"
    add_pairs(store, 10, within=0.4)
    report = stability_report("v1", "v2", data=store.root, config=CONFIG)
    assert report.gate.verdict == "inconclusive"
    assert "10 of 10 A/A pairs came out as a change" in repr(report.verdict())
    assert "not judged" in repr(report.evidence_and_method())


def test_looks_are_told_with_what_the_intervals_hold_at(store: Store) -> None:
    looks = (
        '[{"rounds": 4, "share": 0.4, "confidence": 0.9981, "verdict": "inconclusive"},'
        ' {"rounds": 10, "share": 1.0, "confidence": 0.9519, "verdict": "<b>"}]'
    )
    add_run(store, "v1", 1, seed=500, collection_id="c", looks=looks)
    add_run(store, "v2", 2, seed=501, collection_id="c", looks=looks)
    report = stability_report("v1", "v2", data=store.root, config=CONFIG)
    assert report.gate.confidence == 0.9519
    said = repr(report.evidence_and_method())
    assert "Looks while collecting; the measured intervals of this report hold at 95.2" in said
    assert "not judged" in said
    assert "<b>" not in report.evidence_and_method()._repr_html_()


def test_the_table_tells_every_figure(store: Store) -> None:
    add_pairs(store, 12)
    noise = known_noise(store, "here", CONFIG)
    table = noise_table(noise, "here")
    (record,) = table.records or ()
    (found,) = noise
    assert (record["pairs"], record["false_alarms"], record["unfit"]) == (12, 0, False)
    assert record["run_sd"] == found.run_sd
    assert "0 % [0 %, 26.5 %]" in repr(table).replace("\u202f", " ")
    assert noise_table((), None).rows == ()


class TestUnchangedPairs:
    def test_pairs_of_aa_and_of_one_commit_come_before_halves(self, tmp_path):
        store = open_store(tmp_path / "runs", create=True)
        add_run(store, "v1", 1, seed=90, commit="a" * 40)
        add_run(store, "v1", 2, seed=91, commit="a" * 40)
        add_run(store, "v2", 3, seed=92, commit="b" * 40)
        add_pairs(store, 2)
        found = load_unchanged_pairs(tmp_path / "runs", Config())
        assert [pair.source for pair in found.pairs] == ["rounds"] * 3 + ["same_commit"] + ["aa"] * 2
        assert (found.environment, found.runs, found.short) == ("here", 3, 0)
        assert [pair.source for pair in load_unchanged_pairs(tmp_path / "runs", Config(), most=2).pairs] == ["aa"] * 2

    def test_ten_pairs_need_no_halves(self, tmp_path):
        store = open_store(tmp_path / "runs", create=True)
        add_run(store, "v1", 1, seed=90)
        add_pairs(store, 10, each=10)
        assert {pair.source for pair in load_unchanged_pairs(tmp_path / "runs", Config()).pairs} == {"aa"}

    def test_halves_are_neighbouring_rounds_each_first_in_turn(self, tmp_path):
        store = open_store(tmp_path / "runs", create=True)
        run_id = add_run(store, "v1", 1, seed=90)
        (pair,) = load_unchanged_pairs(tmp_path / "runs", Config()).pairs
        whole = store.read("samples", runs=[run_id])
        first, second = (side.evidence["samples"] for side in (pair.first, pair.second))
        assert sorted(first["round"].unique()) == sorted(second["round"].unique()) == list(range(5))
        assert len(first) + len(second) == len(whole)
        in_turn = whole[whole["round"].isin([0, 3, 4, 7, 8])]["response_ms"]
        assert sorted(first["response_ms"]) == sorted(in_turn)
        assert pair.first.fact("collection_id") == pair.second.fact("collection_id")
        assert pair.first.fact("run_id") != pair.second.fact("run_id")

    def test_two_labels_of_one_commit_collected_together_are_no_pair(self, tmp_path):
        store = open_store(tmp_path / "runs", create=True)
        for day, (label, session) in enumerate([("off", "x"), ("on", "x"), ("off", "y"), ("on", "y")]):
            add_run(store, label, day + 1, seed=day, commit="a" * 40, collection_id=session)
        found = load_unchanged_pairs(tmp_path / "runs", Config()).pairs
        labels = {(p.first.fact("label"), p.second.fact("label")) for p in found if p.source == "same_commit"}
        assert labels == {("off", "off"), ("on", "on")}

    def test_incomplete_runs_runs_elsewhere_and_short_ones_are_left_out(self, tmp_path):
        store = open_store(tmp_path / "runs", create=True)
        add_run(store, "old", 1, seed=1, environment="elsewhere")
        store.append(new_run(label="cut", environment="here", started_at=START, complete=False), samples(2))
        store.append(
            new_run(label="short", environment="here", started_at=START + timedelta(days=3)), samples(3, rounds=9)
        )
        found = load_unchanged_pairs(tmp_path / "runs", Config())
        assert (found.pairs, found.runs, found.short, found.environment) == ((), 1, 1, "here")

    def test_short_runs_do_not_use_up_what_is_asked_for(self, tmp_path):
        store = open_store(tmp_path / "runs", create=True)
        for day in range(4):
            add_run(store, f"long{day}", day, seed=day)
        for day in range(4, 9):
            row = new_run(label=f"short{day}", environment="here", started_at=START + timedelta(days=day))
            store.append(row, samples(day, rounds=3, each=10))
        found = load_unchanged_pairs(tmp_path / "runs", Config(), most=3)
        assert [pair.first.fact("label") for pair in found.pairs] == ["long1", "long2", "long3"]
        assert (found.runs, found.short) == (9, 5)
        assert len(load_unchanged_pairs(tmp_path / "runs", Config(), most=20).pairs) == 4

    def test_where_no_run_is_complete_there_are_none(self, tmp_path):
        store = open_store(tmp_path / "runs", create=True)
        store.append(new_run(label="cut", environment="here", started_at=START, complete=False), samples(2))
        found = load_unchanged_pairs(tmp_path / "runs", Config())
        assert (found.pairs, found.runs, found.environment) == ((), 0, "here")

    def test_the_environment_is_that_of_the_newest_complete_run(self, tmp_path):
        store = open_store(tmp_path / "runs", create=True)
        add_run(store, "v1", 1, seed=90)
        late = new_run(label="cut", environment="there", started_at=START + timedelta(days=9), complete=False)
        store.append(late, samples(2))
        found = load_unchanged_pairs(tmp_path / "runs", Config())
        assert (found.environment, len(found.pairs)) == ("here", 1)

    def test_a_store_without_runs_has_none(self, tmp_path):
        open_store(tmp_path / "runs", create=True)
        assert load_unchanged_pairs(tmp_path / "runs", Config()).pairs == ()
