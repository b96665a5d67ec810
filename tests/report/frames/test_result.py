"""Every public statistic answers in one manner: attributes, a frame, plain values, a few lines, and a table."""

import inspect
import json

import numpy as np
import pandas as pd
import pytest

import stabkit
from stabkit.analyze.history import detect_changes as changes_of
from stabkit.analyze.latency import compare_latency as compare_times
from stabkit.errors import SchemaError, UsageError
from stabkit.report.display import Piece
from stabkit.report.frames import FrameResult
from stabkit.report.page.foreign import clean_html

RNG = np.random.default_rng(1)
STEP = [100.0] * 20 + [120.0] * 20


def results():
    store = stabkit.open("tests/data/demo_history")
    before, after = (store.samples(run) for run in ("v1.4", "v1.5"))
    history = store.quantiles(by=("target", "run_id")).merge(store.runs()[["run_id", "label", "started_at"]])
    findings = [read(run) for read in (store.findings, store.scans) for run in ("v1.4", "v1.5")]
    return {
        "latency": stabkit.compare_latency(before, after),
        "latency of one": stabkit.compare_latency(
            [10.0 + k % 3 for k in range(400)], [10.0 + k % 3 for k in range(400)]
        ),
        "latency of nothing": stabkit.compare_latency([], []),
        "rates": stabkit.compare_rates(before, after),
        "counts": stabkit.compare_rates((0, 100), (3, 100)),
        "resource": stabkit.compare_resource(before, after),
        "changes": stabkit.detect_changes(history, column="p50"),
        "changes of values": stabkit.detect_changes(STEP),
        "no changes": stabkit.detect_changes([1.0, 2.0]),
        "drift": stabkit.detect_drift(history, column="p50"),
        "drift of nothing": stabkit.detect_drift([]),
        "flakiness": stabkit.flakiness(store.tests(), store.runs()),
        "no tests": stabkit.flakiness(store.tests().iloc[:0], store.runs()),
        "findings": stabkit.match_findings(*findings),
        "no findings": stabkit.match_findings(*(frame.iloc[:0] for frame in findings)),
    }


RESULTS = results()


@pytest.mark.parametrize("found", RESULTS.values(), ids=list(RESULTS))
def test_a_result_is_a_frame_plain_values_a_few_lines_and_a_table(found):
    assert isinstance(found, FrameResult)
    assert isinstance(found.to_frame(), pd.DataFrame)
    json.dumps(found.to_dict(), allow_nan=False)
    lines = repr(found).splitlines()
    assert 1 <= len(lines) <= 30
    assert not repr(found).startswith(type(found).__name__)
    assert isinstance(found.shown, Piece)
    bundle = found._repr_mimebundle_()
    assert bundle["text/plain"] == repr(found)
    assert bundle["text/html"] == found._repr_html_()
    assert bundle["text/markdown"] == found._repr_markdown_()


@pytest.mark.parametrize("found", RESULTS.values(), ids=list(RESULTS))
def test_its_html_is_safe_colours_nothing_and_sets_prose_to_the_left(found):
    """A theme's own colours hold, light or dark; an untrusted notebook keeps what carries meaning."""
    html = found._repr_html_()
    styles = {part.split('"')[0] for part in html.split('style="')[1:]}
    assert styles <= {"text-align:left"}
    assert "<script" not in html
    assert "<style" not in html
    assert ("<td" in html) <= ('style="text-align:left"' in html)
    assert not clean_html(html)[1]


def test_a_comparison_is_still_what_the_gate_compares():
    before, after = RNG.lognormal(3, 0.3, 2000), RNG.lognormal(3, 0.3, 2000)
    own, theirs = stabkit.compare_latency(before, after), compare_times(before, after)
    for name in ("outcome", "need", "quantiles", "flags", "slowest", "estimates", "deciding"):
        assert getattr(own, name) == getattr(theirs, name)


def test_changes_are_a_list_of_changes():
    found = stabkit.detect_changes(STEP)
    (change,) = found
    assert (change.index, change.before, change.after) == (20, 100.0, 120.0)
    assert found[0].run is None
    assert [c.index for c in found] == [c.index for c in changes_of(STEP)]
    assert stabkit.detect_changes([1.0] * 3) == []


def test_one_population_is_chosen_by_a_part_of_its_name_that_it_alone_has():
    found = RESULTS["latency"]
    assert found["chat"].name == "chat response time"
    with pytest.raises(UsageError, match="Several are called so"):
        found["response time"]
    with pytest.raises(UsageError, match="There is no 'shop' here"):
        found["shop"]
    with pytest.raises(UsageError, match=r"of \d+ populations"):
        _ = found.shift


def test_the_shift_of_a_result_has_the_bands_of_all_percentiles_at_once():
    shift = RESULTS["latency"]["chat"].shift
    assert list(shift) == ["quantile", "baseline_ms", "candidate_ms", "difference_ms", "low_ms", "high_ms"]
    assert shift["low_ms"].notna().sum() > 5


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: stabkit.compare_rates((1, 10), [True, False]), SchemaError, "One side is counts"),
        (lambda: stabkit.compare_rates((11, 10), (1, 10)), SchemaError, "no counts"),
        (lambda: stabkit.compare_rates([0.5, 1.5, 2.5], [1.0, 2.0, 3.0]), SchemaError, "no truth values"),
        (lambda: stabkit.compare_rates(pd.DataFrame({"ok": [True]}), pd.DataFrame()), SchemaError, "round"),
        (lambda: stabkit.compare_rates((0, 9), (0, 9), margin=2), UsageError, "margin"),
        (lambda: stabkit.compare_resource([[1.0]], [[1.0]]), SchemaError, "2 dimensions"),
        (lambda: stabkit.compare_resource([1.0], [1.0], worse="more"), UsageError, "worse is 'more'"),
        (lambda: stabkit.detect_changes([1.0], column="p50"), UsageError, "plain values"),
        (lambda: stabkit.detect_changes(pd.DataFrame({"p50": [1.0], "p99": [2.0]})), UsageError, "p50 and p99"),
        (lambda: stabkit.detect_drift(pd.DataFrame({"p50": [1.0]}), column="p5"), UsageError, "no column 'p5'"),
        (lambda: stabkit.detect_drift(pd.DataFrame({"label": ["v1"]})), UsageError, "No column holds numbers"),
        (lambda: stabkit.compare_latency(pd.DataFrame({"response_ms": [1.0]}), [1.0]), SchemaError, "round"),
    ],
)
def test_what_cannot_be_compared_is_said_with_what_to_do(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert caught.value.hint


def test_scans_that_are_missing_on_both_sides_are_said_so():
    store = stabkit.open("tests/data/demo_history")
    found = stabkit.match_findings(store.findings("v1.4"), store.findings("v1.5"))
    assert not found.comparable
    assert "no scan of ruff" in repr(found)


def test_a_reading_that_nobody_has_is_named_with_the_nearest():
    store = stabkit.open("tests/data/demo_history")
    with pytest.raises(UsageError, match="no readings of 'memry'") as caught:
        stabkit.compare_resource(store.samples("v1.4"), store.samples("v1.5"), metric="memry")
    assert caught.value.hint == "Did you mean 'memory'?"


def test_units_that_differ_are_not_compared():
    reading = pd.DataFrame({"round": range(9), "value": 1.0, "unit": "MB"})
    with pytest.raises(SchemaError, match="given in KB and MB"):
        stabkit.compare_resource(reading, reading.assign(unit="KB"))


@pytest.mark.parametrize(
    "name",
    [
        "compare_latency",
        "compare_rates",
        "compare_resource",
        "detect_changes",
        "detect_drift",
        "flakiness",
        "match_findings",
    ],
)
def test_each_statistic_says_its_parameters_and_has_an_example(name):
    function = getattr(stabkit, name)
    text = inspect.getdoc(function) or ""
    assert ">>> " in text
    for parameter in inspect.signature(function).parameters:
        assert parameter in text, parameter
