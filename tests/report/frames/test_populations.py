"""What one frame holds of several is never compared as one: by target, or refused in a sentence that names them."""

import numpy as np
import pandas as pd
import pytest

import stabkit
from stabkit.errors import SchemaError, UsageError
from stabkit.report.frames.populations import Part, interleaved, names_of

ROUNDS = np.repeat(np.arange(20), 60)


def side(seed=1, **ms):
    """Return a frame of several targets, each log-normal about its own level."""
    rng = np.random.default_rng(seed)
    parts = [
        pd.DataFrame(
            {
                "target": name,
                "round": ROUNDS,
                "response_ms": level * np.exp(0.08 * rng.standard_normal(len(ROUNDS))),
                "ok": True,
                "value": level + rng.standard_normal(len(ROUNDS)) / 100,
            }
        )
        for name, level in ms.items()
    ]
    return pd.concat(parts, ignore_index=True)


COMPARED = {
    "latency": stabkit.compare_latency,
    "rates": stabkit.compare_rates,
    "resource": lambda *sides: stabkit.compare_resource(*sides, metric="threads"),
}


@pytest.mark.parametrize(
    ("compare", "column", "names"),
    [
        (stabkit.compare_latency, "target", ("chat", "login")),
        (stabkit.compare_latency, "metric", ("response_time", "connect_time")),
        (stabkit.compare_latency, "connection", ("fresh", "reused")),
        (stabkit.compare_rates, "target", ("chat", "login")),
        (stabkit.compare_rates, "metric", ("response_time", "connect_time")),
        (COMPARED["resource"], "target", ("chat", "login")),
        (COMPARED["resource"], "series", ("pool=a", "pool=b")),
        (stabkit.compare_resource, "metric", ("threads", "sockets")),
    ],
)
def test_two_of_a_kind_are_compared_apart(compare, column, names):
    frames = [side(seed, **dict.fromkeys(names, 100)).rename(columns={"target": column}) for seed in (1, 2)]
    found = compare(*frames)
    assert len(found.by) == 2
    assert set(found.to_frame()[column]) == set(names)
    for name, one in found.by.items():
        assert found[name] == one
        assert name in repr(found)


def test_a_slower_target_is_not_hidden_by_an_equal_one():
    """Pooled, 100 ms and 40 ms gave "61 ms, stable"."""
    found = stabkit.compare_latency(side(1, chat=100, login=40), side(2, chat=100, login=48))
    assert found.outcome == "regressed"
    assert {name: one.outcome for name, one in found.by.items()} == {"chat": "stable", "login": "regressed"}
    assert found["login"].quantiles[0].baseline == pytest.approx(40, rel=0.02)


@pytest.mark.parametrize("compare", COMPARED.values(), ids=list(COMPARED))
@pytest.mark.parametrize("column", ["run_id", "label"])
def test_several_runs_a_side_are_refused_by_name(compare, column):
    before = side(1, chat=100)
    mixed = before.assign(**{column: np.where(before["round"] < 10, "v1.3", "v1.4")})
    with pytest.raises(UsageError, match=r"The candidate holds 2 runs: v1\.3 and v1\.4"):
        compare(before, mixed)


def test_several_runs_of_findings_are_refused_by_name():
    store = stabkit.open("tests/data/demo_history")
    both = store.findings(["v1.4", "v1.5"])
    with pytest.raises(UsageError, match="The baseline findings holds 2 runs"):
        stabkit.match_findings(both, store.findings("v1.5"))


@pytest.mark.parametrize("compare", COMPARED.values(), ids=list(COMPARED))
def test_a_side_that_says_no_target_is_not_held_against_several(compare):
    before = side(1, chat=100, login=40)
    with pytest.raises(SchemaError, match=r"several of target.*chat and login"):
        compare(before, before.drop(columns="target"))


def test_an_array_is_not_held_against_several_targets():
    with pytest.raises(SchemaError, match="chat and login"):
        stabkit.compare_latency(side(1, chat=100, login=40), [1.0, 2.0, 3.0])


def test_a_target_of_one_side_alone_stays_open():
    found = stabkit.compare_latency(side(1, chat=100, login=40), side(2, chat=100))
    assert found.by["login"].outcome == found.outcome == "inconclusive"
    assert found.need is not None


def test_metrics_that_are_no_times_are_left_out_and_alone_refused():
    store = stabkit.open("tests/data/demo_history")
    before, after = (store.samples(run) for run in ("v1.4", "v1.5"))
    metrics = set(stabkit.compare_latency(before, after).to_frame()["metric"])
    assert "response_time" in metrics
    assert not metrics & {"memory", "cpu", "threads"}
    memory = [frame[frame["metric"] == "memory"] for frame in (before, after)]
    with pytest.raises(UsageError, match="No metric here can be compared so: memory"):
        stabkit.compare_latency(*memory)
    assert stabkit.compare_resource(*memory).outcome == "stable"


def test_the_store_and_the_gate_say_the_same_of_one_population():
    """What an analyst compares by hand is what was judged: rows, column, pairing and bounds."""
    report = stabkit.stability_report("v1.4", "v1.5", data="tests/data/demo_history")
    store = stabkit.open("tests/data/demo_history")
    found = stabkit.compare_latency(store.samples("v1.4"), store.samples("v1.5"))
    judged = [
        judged
        for condition in report.case.of_kind("latency")
        if condition.target == "chat"
        for judged in condition.comparison
    ]
    own = found["chat"].deciding
    assert [(e.low, e.high, e.outcome) for e in own] == [(e.low, e.high, e.outcome) for e in judged[0].estimates]


def test_warm_up_and_failed_requests_are_left_out_where_the_frame_says_so():
    fine = side(1, chat=100)
    more = fine.assign(warmup=fine["round"] == 0)
    more.loc[more["round"] == 1, ["ok", "response_ms"]] = [False, np.nan]
    found = stabkit.compare_latency(fine, more)
    assert found.to_frame()["n_candidate"].tolist()[0] == 18 * 60
    assert len(found.times[1]) == 18 * 60


def test_sides_that_were_measured_one_after_the_other_are_not_paired():
    start = pd.Timestamp("2026-11-20", tz="UTC")
    before = side(1, chat=100)
    before["due_at"] = start + pd.to_timedelta(np.arange(len(before)), unit="s")
    later = side(2, chat=100).assign(due_at=before["due_at"] + pd.Timedelta(days=1))
    assert interleaved(Part({}, before, before))
    assert not interleaved(Part({}, before, later))
    found = stabkit.compare_latency(before, later)
    assert not found.paired
    assert "run_noise_unknown" in found.flags
    assert "not measured in turns" in repr(found)
    assert stabkit.compare_latency(before, later, paired=True).paired


def test_tables_of_arrow_are_taken_as_frames():
    store = stabkit.open("tests/data/demo_history")
    arrow = [store.arrow("samples", run) for run in ("v1.4", "v1.5")]
    frames = [store.samples(run) for run in ("v1.4", "v1.5")]
    for compare in (stabkit.compare_latency, stabkit.compare_rates, stabkit.compare_resource):
        assert compare(*arrow).to_dict() == compare(*frames).to_dict()


def test_names_say_the_kind_of_connection_only_where_it_tells_two_apart():
    about = {"target": "api", "metric": "response_time"}
    kinds = [{**about, "connection": kind} for kind in ("fresh", "reused")]
    assert names_of(kinds[:1], "times") == ["api response time"]
    assert names_of(kinds, "times") == [
        "api response time, fresh connections",
        "api response time, reused connections",
    ]


def test_histories_of_several_targets_are_looked_at_apart():
    days = pd.date_range("2026-10-01", periods=40, tz="UTC")
    level = np.where(np.arange(40) < 20, 40.0, 44.0)
    chat = pd.DataFrame({"target": "chat", "day": days, "p99": 100 + np.arange(40) % 3})
    login = pd.DataFrame({"target": "login", "day": days, "p99": level + np.arange(40) % 2 / 10})
    found = stabkit.detect_changes(pd.concat([chat, login]).sort_values("day", ascending=False))
    assert [(one.of, one.run, one.index) for one in found] == [("login", "2026-10-21", 20)]
    assert {name: len(one) for name, one in found.by.items()} == {"chat": 0, "login": 1}
    drift = stabkit.detect_drift(pd.concat([chat, login]))
    assert {name: one.outcome for name, one in drift.by.items()} == {"chat": "none", "login": "none"}
