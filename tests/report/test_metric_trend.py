"""The words and the table of one metric's history, on levels that are known."""

import json

import numpy as np
import pandas as pd
import pytest

from stabkit.errors import UsageError
from stabkit.report.metric_trend import trend
from stabkit.report.sections.times import history_figure
from stabkit.schema import conform

NARROW = str.maketrans({"\u202f": " ", "\u00a0": " "})


def history(levels, *, environments=None, requests=30):
    """Return runs and samples whose requests lie around each run's level, ms; None: a run without samples."""
    rng = np.random.default_rng(7)
    starts = pd.date_range("2026-03-01", periods=len(levels), freq="D", tz="UTC")
    names = [f"v1.{number}" for number in range(len(levels))]
    runs = pd.DataFrame({"run_id": names, "label": names, "started_at": starts, "complete": True})
    runs["environment"] = environments or "staging"
    parts = [
        pd.DataFrame(
            {
                "run_id": name,
                "target": "api",
                "metric": "response_time",
                "round": 0,
                "sequence": range(requests),
                "ok": True,
                "response_ms": level * rng.lognormal(0, 0.01, requests),
            }
        )
        for name, level in zip(names, levels, strict=True)
        if level is not None
    ]
    return conform("samples", pd.concat(parts, ignore_index=True)), conform("runs", runs)


def said(*args, **options):
    shown = trend(*args, target="api", **options)
    return shown, " ".join(shown.pieces[0].sentences).translate(NARROW)


def test_a_step_is_told_with_the_run_that_brought_it():
    samples, runs = history([100] * 10 + [120] * 10)
    shown, text = said(samples, runs, quantile="p50", margin=0.05)
    assert "1 change in 20 runs" in text
    assert "It rose by 20" in text
    assert "with v1.10" in text
    assert "beyond the margin" in text
    rows = shown.pieces[1].rows
    assert rows[0]["run"][0] == "v1.19"  # the newest first
    assert [row["run"][0] for row in rows if row["what"]] == ["v1.10"]
    json.dumps(shown.piece(), allow_nan=False)


def test_a_drift_says_its_pace_and_when_it_reaches_the_margin():
    samples, runs = history([100 + 0.4 * number for number in range(60)])
    text = said(samples, runs, quantile="p50", margin=0.2)[1]
    assert "a drift in 60 runs" in text
    assert "It drifts up by 0.39" in text
    assert "instead of" not in text  # the newest values of a slope are no suspects
    assert "it has moved by the margin in" in text


def test_a_level_history_promises_nothing():
    text = said(*history([100] * 20), quantile="p50")[1]
    assert "no change found in 20 runs" in text
    assert "No drift found" in text
    assert "remain possible" in text


def test_few_runs_and_gaps_are_told():
    samples, runs = history([100, None, 100, 100])
    shown, text = said(samples, runs, quantile="p50")
    assert "3 runs with a value; 1 run without it; 8 show whether it changes or drifts" in text
    assert [row["n"] for row in shown.pieces[1].rows] == ["30", "30", "0", "30"]


def test_a_spike_and_a_suspect_are_no_changes():
    text = said(*history([100] * 10 + [200] + [100] * 9), quantile="p50")[1]
    assert "1 spike set aside: v1.10" in text
    text = said(*history([100] * 19 + [200]), quantile="p50")[1]
    assert "since v1.19 it lies at" in text.lower()
    assert "2 more runs would tell a change from a spike" in text


def test_runs_of_another_environment_are_no_part_of_the_history():
    samples, runs = history([100] * 12 + [300] * 12, environments=["local"] * 12 + ["staging"] * 12)
    text = said(samples, runs, quantile="p50")[1]
    assert "no change found in 12 runs" in text
    assert "12 runs of another environment" in text


def test_an_unknown_target_is_refused_by_name():
    samples, runs = history([100] * 3)
    with pytest.raises(UsageError, match="No sample has the target 'apo'"):
        trend(samples, runs, target="apo")


def test_a_line_that_ends_is_no_change_of_the_system():
    samples, runs = history([100] * 12 + [50] * 12)
    fresh = samples["run_id"].isin([f"v1.{number}" for number in range(12)])
    samples["connection"] = fresh.map({True: "fresh", False: "reused"}).astype("str")
    figure = history_figure(samples, runs, "api", "response_time")
    assert "No change found" in figure.description.title
    samples["connection"] = "reused"
    figure = history_figure(samples, runs, "api", "response_time")
    assert "fell by 50" in figure.description.title
