"""The public functions share one order of arguments; a call in another names the one that is meant."""

from __future__ import annotations

import inspect
from datetime import date
from pathlib import Path

import pytest

import stabkit
from stabkit.errors import StoreError, UnknownRunError, UsageError

COMPARING = ("stability_report", "latency_deltas", "change_impact")
OVER_RUNS = ("test_trends", "compliance_history", "backtest")


@pytest.mark.parametrize("name", [*COMPARING, *OVER_RUNS])
def test_the_runs_come_first_and_all_else_by_name(name):
    parameters = list(inspect.signature(getattr(stabkit, name)).parameters.values())
    by_place = [one.name for one in parameters if one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    by_name = [one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY]
    assert by_place == (["baseline", "candidate"] if name in COMPARING else [])
    assert by_name[:2] == ["data", "config"]
    assert by_place + by_name == [one.name for one in parameters]


@pytest.mark.parametrize(
    ("name", "places", "named", "meant"),
    [
        ("latency_deltas", ("data/sample", "v1.4", "v1.5"), {}, '"v1.4", "v1.5", data="data/sample"'),
        ("latency_deltas", (Path("data/sample"),), {}, 'data="data/sample"'),
        ("latency_deltas", ("data/sample", "v1.4"), {"target": "api"}, '"v1.4", data="data/sample", target="api"'),
        ("latency_deltas", ("none", "v1", "v2", "api"), {}, '"v1", "v2", data="none", target="api"'),
        ("stability_report", ("v1.4", "v1.5", "data/sample"), {}, '"v1.4", "v1.5", data="data/sample"'),
        ("change_impact", ("s3://runs/shop", "v1"), {}, '"v1", data="s3://runs/shop"'),
        ("test_trends", ("data/sample", "unit", 5), {}, 'data="data/sample", suite="unit", last=5'),
        ("compliance_history", ("data/sample",), {"config": "a.toml"}, 'data="data/sample", config="a.toml"'),
    ],
)
def test_a_store_in_the_first_place_names_the_call_that_is_meant(name, places, named, meant):
    with pytest.raises(UsageError, match="store is given by name") as caught:
        getattr(stabkit, name)(*places, **named)
    assert caught.value.hint == f"Call it so: {name}({meant})"


def test_without_a_store_the_project_has_one(tmp_path, monkeypatch, worse_store):
    below = tmp_path / "notebooks"
    below.mkdir()
    (tmp_path / "stabkit.toml").write_text(f'[project]\ndata = "{worse_store.root}"\n')
    monkeypatch.chdir(below)
    known = worse_store.runs()["run_id"].tolist()
    assert stabkit.open().runs()["run_id"].tolist() == known
    assert stabkit.test_trends().runs["run_id"].tolist() == known
    case = stabkit.stability_report("v1.4", "v1.5").case
    assert (case.stored, case.config_path, case.places) == (True, tmp_path / "stabkit.toml", ())
    assert stabkit.latency_deltas(config=tmp_path / "stabkit.toml").case.stored


def test_two_folders_need_no_store_even_in_a_project(tmp_path, monkeypatch, worse_store):
    (tmp_path / "stabkit.toml").write_text(f'[project]\ndata = "{worse_store.root}"\n')
    for side in ("before", "after"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "junit.xml").write_text(f'<testsuite name="u"><testcase name="{side}"/></testsuite>')
    monkeypatch.chdir(tmp_path)
    assert not stabkit.stability_report("before", "after").case.stored


def test_without_any_store_both_ways_to_name_one_are_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match=r"no stabkit\.toml that names one") as caught:
        stabkit.stability_report("v1.4", "v1.5")
    assert (caught.value.where, caught.value.hint) == (
        "data",
        "Name the store, or write a configuration with: stabkit init",
    )
    made = stabkit.open("data", create=True)
    assert stabkit.open().root == made.root
    (tmp_path / "stabkit.toml").write_text('[project]\ndata = "runs"\n')
    with pytest.raises(StoreError, match="no store here") as caught:
        stabkit.open()
    assert caught.value.where == str(tmp_path / "runs")


@pytest.mark.parametrize("value", [1.1, True, date(2026, 1, 2)])
@pytest.mark.parametrize(
    "call",
    [
        lambda value: stabkit.stability_report("v1.4", value, data="tests/data/demo_history"),
        lambda value: stabkit.stability_report(value, "v1.5", data="tests/data/demo_history"),
        lambda value: stabkit.latency_deltas("v1.4", "v1.5", data="tests/data/demo_history", target=value),
        lambda value: stabkit.change_impact("v1.4", "v1.5", data="tests/data/demo_history", head=value),
        lambda value: stabkit.test_trends(data="tests/data/demo_history", suite=value),
        lambda value: stabkit.compliance_history(data="tests/data/demo_history", tool=value),
        lambda value: stabkit.open("tests/data/demo_history").read("samples", runs=[value]),
        lambda value: stabkit.open("tests/data/demo_history").read("samples", runs=value),
    ],
)
def test_a_value_that_papermill_made_of_a_word_is_refused_in_words(call, value):
    with pytest.raises(UsageError, match="A text is needed here"):
        call(value)


def test_a_whole_number_is_the_label_that_it_reads_like():
    store = stabkit.open("tests/data/demo_history")
    with pytest.raises(UnknownRunError, match="No run '1234'"):
        stabkit.stability_report("v1.4", 1234, data="tests/data/demo_history")
    with pytest.raises(UnknownRunError, match="No run '1234'"):
        store.resolve(1234)
    with pytest.raises(UsageError, match="A whole number is needed"):
        stabkit.test_trends(data="tests/data/demo_history", last="ten")
