"""The backtest of a gate: what it says of unchanged pairs, and where there are none."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

import stabkit
from stabkit.config import Config
from stabkit.errors import UsageError
from stabkit.numbers import SPACE
from stabkit.report.gate_backtest import backtest_document
from stabkit.runs import new_run
from stabkit.schema import Evidence
from stabkit.store import open_store

START = datetime(2026, 1, 1, tzinfo=UTC)


def samples(seed, rounds=20, each=40):
    times = 20 * np.exp(0.06 * np.random.default_rng(seed).standard_normal(rounds * each))
    frame = pd.DataFrame(
        {
            "target": "a<b>pi", "metric": "response_time", "round": np.repeat(np.arange(rounds), each),
            "sequence": np.arange(times.size), "response_ms": times, "late_ms": 0.01, "connection": "reused",
            "warmup": False, "ok": True,
        }
    )  # fmt: skip
    return Evidence.of(samples=frame)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store") / "runs"
    found = open_store(folder, create=True)
    for number in range(4):
        row = new_run(label=f"build-{number}", environment="ci", started_at=START + timedelta(days=number))
        found.append(row, samples(number))
    return folder


@pytest.fixture(scope="module")
def result(store):
    return stabkit.backtest(data=store)


def test_the_headline_says_false_alarms_catches_and_limits_of_the_pairs(result):
    said = " ".join(result.headline().sentences).replace(SPACE, " ")
    assert said.startswith(
        "False alarms: 0 of 4 (likely 0 to 60 %) of the comparisons in which nothing had changed. Of these, "
    )
    assert "Halved runs have half the rounds of a whole one" in said
    assert (
        "4 pairs are few: up to 60 % false alarms remain possible. Judged were 4 unchanged pairs: 4 runs halved."
        in said
    )
    first = "say in a stabkit.toml what to ask, then compare"
    assert said.endswith(f"For more unchanged pairs, {first} the system with itself:")
    shown = result.headline()._repr_html_()
    assert 'itself: <code class="command">' in shown
    assert result.headline().command == "stabkit init", "without targets there is nothing that stabkit aa could ask"


def test_every_section_shows_what_the_document_holds(result):
    document = backtest_document(result)
    assert (document["schema"], document["kind"], document["environment"], document["runs"]) == (1, "backtest", "ci", 4)
    json.dumps(document, allow_nan=False)
    times = document["conditions"][0]
    unchanged = result.conditions().pieces[0]
    assert unchanged.records[0]["stable"] == times["unchanged"]["stable"]
    assert [one["carries"] for one in times["margins"]] == [
        row["carries"] for row in result.margins().records if row["condition"] == times["name"]
    ]
    assert len(result.pairs().rows) == len(document["pairs"]) == 4
    figures = result.caught().pieces
    data = figures[0].data.records
    counts = times["planted"][4]["outcomes"]
    row = next(row for row in data if row["name"] == times["name"] and row["change"].replace(SPACE, " ") == "+50 %")
    assert (row["caught"], row["open"]) == (counts["regressed"], counts["inconclusive"]) == (4, 0)


def test_only_the_newest_pairs_where_asked(store):
    assert [pair.first for pair in stabkit.backtest(data=store, last=2).found.pairs] == ["build-2", "build-3"]
    with pytest.raises(UsageError, match="number of pairs is -1"):
        stabkit.backtest(data=store, last=-1)


def test_names_of_evidence_are_escaped_on_the_page(result):
    for piece in (result.headline(), result.conditions(), result.caught(), result.margins()):
        assert "<b>" not in piece._repr_html_()


def test_without_unchanged_pairs_it_says_what_is_missing(tmp_path):
    found = open_store(tmp_path / "runs", create=True)
    found.append(new_run(label="v1", environment="ci", started_at=START), samples(1, rounds=5))
    result = stabkit.backtest(data=tmp_path / "runs")
    said = result.headline()
    assert said.sentences[0].startswith(
        "No evidence of unchanged pairs. There is 1 complete run with samples, which has too few rounds to be halved."
    )
    assert "Collect the same version once more" in said.sentences[0]
    assert said.command == "stabkit init"
    for piece in (result.conditions(), result.caught(), result.margins(), result.pairs(), result.summary()):
        assert "No evidence of unchanged pairs" in repr(piece)
    assert backtest_document(result)["pairs"] == []


ITEMS = {"tests": {"unit": {"files": ["j.xml"]}}, "scans": {"ruff": {"files": ["r.json"]}}}
TIMES = {"condition": [{"name": "times", "kind": "latency", "target": "a<b>pi"}]}


def test_asking_the_system_is_advised_only_where_there_is_something_to_ask(tmp_path, store):
    folder = tmp_path / "runs"
    open_store(folder, create=True).append(
        new_run(label="v1", environment="ci", started_at=START), samples(1, rounds=5)
    )
    root = {"root": tmp_path}
    alone = stabkit.backtest(data=folder, config=Config.model_validate({**TIMES, **root}))
    assert alone.headline().command is None
    assert "itself" not in alone.headline().sentences[0]
    few = stabkit.backtest(data=store, config=Config.model_validate({**TIMES, **root}))
    assert (len(few.found.pairs), few.headline().command) == (4, None)
    asked = {"http": {"api": {"url": "http://127.0.0.1/"}}}
    few = stabkit.backtest(data=store, config=Config.model_validate({**TIMES, **asked, **root})).headline()
    assert few.sentences[-1] == "For more unchanged pairs, compare the system with itself:"
    assert few.command.startswith("stabkit aa")
    probed = stabkit.backtest(data=folder, config=Config.model_validate({**TIMES, **asked, **root}))
    assert probed.headline().command.startswith("stabkit aa")


def test_where_only_items_are_judged_nothing_can_be_backtested(store):
    asked = {"http": {"api": {"url": "http://127.0.0.1/"}}, "condition": [{"name": "unit", "kind": "tests"}]}
    for config in (ITEMS, ITEMS | asked):
        result = stabkit.backtest(data=store, config=Config.model_validate(config))
        said = result.headline()
        assert "Nothing here can be backtested" in said.sentences[0]
        assert said.command is None
        assert "Not backtested: unit" in repr(result.summary())


def test_a_store_whose_runs_are_all_incomplete_says_that_it_has_none(tmp_path):
    found = open_store(tmp_path / "runs", create=True)
    found.append(new_run(label="cut", environment="ci", started_at=START, complete=False), samples(1))
    said = stabkit.backtest(data=tmp_path / "runs").headline().sentences[0]
    assert "There are 0 complete runs with samples. Collect" in said
