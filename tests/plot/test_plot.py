"""Figures of one's own: what the store and the statistics give, on axes of one's own, in the style in force."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.text import Text

import stabkit
from stabkit.chart.drawing.palette import PALETTE
from stabkit.errors import SchemaError, UsageError

ROUNDS = np.repeat(np.arange(30), 100)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def store():
    return stabkit.open("tests/data/demo_history")


@pytest.fixture(scope="module")
def result(store):
    return stabkit.compare_latency(store.samples("build-12"), store.samples("build-13"))


@pytest.fixture(scope="module")
def drawn(store, result):
    """Every function, as it takes what the store and the statistics give."""
    before, after = store.samples("v1.4"), store.samples("v1.5")
    return {
        "shift": lambda **ax: stabkit.plot.shift(result["backend"], **ax),
        "tail": lambda **ax: stabkit.plot.tail(result["backend"], objective_ms=5, **ax),
        "dumbbell": lambda **ax: stabkit.plot.dumbbell(result, **ax),
        "readings": lambda **ax: stabkit.plot.readings(before, after, metric="cpu", **ax),
        "history": lambda **ax: stabkit.plot.history(store, target="backend", **ax),
        "heatmap": lambda **ax: stabkit.plot.heatmap(store, **ax),
        "not_passing": lambda **ax: stabkit.plot.not_passing(store, **ax),
        "open_findings": lambda **ax: stabkit.plot.open_findings(store, **ax),
        "ages": lambda **ax: stabkit.plot.ages(store, **ax),
    }


NAMES = ["shift", "tail", "dumbbell", "readings", "history", "heatmap", "not_passing", "open_findings", "ages"]


def level(seed, ms):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"round": ROUNDS, "response_ms": ms * np.exp(0.1 * rng.standard_normal(len(ROUNDS)))})


@pytest.mark.parametrize("name", NAMES)
def test_it_draws_on_the_axes_it_is_given_and_leaves_them_in_their_place(drawn, name):
    figure, (left, right) = plt.subplots(1, 2)
    places = [axes.get_position().bounds for axes in (left, right)]
    assert drawn[name](ax=right) is right
    assert right.get_title(loc="left")
    assert not left.get_title(loc="left")
    assert not left.lines
    assert [axes.get_position().bounds for axes in (left, right)] == places
    assert figure.axes == [left, right]


@pytest.mark.parametrize("name", NAMES)
def test_it_makes_a_figure_where_none_is_given(drawn, name):
    axes = drawn[name]()
    assert isinstance(axes, Axes)
    axes.figure.canvas.draw()


@pytest.mark.parametrize("style", ["default", "dark_background", "ggplot"])
@pytest.mark.parametrize("name", NAMES)
def test_it_takes_the_colours_of_the_style_in_force(drawn, name, style):
    """None of the report's own colours is left, so nothing is drawn dark on dark."""
    with plt.style.context(style):
        axes = drawn[name]()
        kept = {to_hex(rc) for rc in (mpl.rcParams["text.color"], mpl.rcParams["grid.color"])}
        colours = {to_hex(line.get_color()) for line in axes.lines}
        colours |= {to_hex(text.get_color()) for text in axes.findobj(Text) if text.get_text()}
        colours |= {to_hex(colour) for one in axes.collections for colour in one.get_facecolor()}
        assert not (colours - kept) & set(PALETTE)


def test_text_stands_out_from_the_ground_of_a_dark_style(drawn):
    def light(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in mpl.colors.to_rgb(colour)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for style in ("default", "dark_background"):
        with plt.style.context(style):
            for name in ("shift", "history", "heatmap"):
                axes = drawn[name]()
                ground = light(axes.get_facecolor())
                for text in (*axes.texts, axes.title):
                    words = light(text.get_color())
                    contrast = (max(words, ground) + 0.05) / (min(words, ground) + 0.05)
                    assert contrast > 2.2, (style, name, text.get_text())


def test_the_band_of_a_shift_holds_for_all_percentiles_at_once():
    """Each percentile by itself would call a third of equal pairs moved somewhere."""
    found = stabkit.compare_latency(level(1, 20), level(2, 20))
    frame = found.shift
    axes = stabkit.plot.shift(found)
    lines = axes.collections[0].get_segments()
    assert [segment[0][1] for segment in lines][:3] == pytest.approx(frame["low_ms"].tolist()[:3])
    assert ((frame["low_ms"] <= 0) & (frame["high_ms"] >= 0)).all()
    assert "shown to have moved" in axes.get_title(loc="left").replace("\n", " ")


@pytest.mark.parametrize(
    ("after", "outcome", "words"), [(20.4, "stable", ("slower", "faster")), (24, "regressed", ("faster",))]
)
def test_no_title_claims_what_the_comparison_does_not(after, outcome, words):
    found = stabkit.compare_latency(level(1, 20), level(2, after), margin=0.05)
    title = stabkit.plot.shift(found).get_title(loc="left").replace("\n", " ")
    assert found.outcome == outcome
    assert not [word for word in words if word in title], title
    assert ("slower" in title) is (outcome == "regressed")


def test_a_result_of_several_populations_is_refused_by_name(result):
    for draw in (stabkit.plot.shift, stabkit.plot.tail):
        with pytest.raises(UsageError, match=r"of \d+ populations: auth") as caught:
            draw(result)
        assert "result[" in caught.value.hint


def test_several_targets_are_never_drawn_as_one(store):
    with pytest.raises(UsageError, match=r"several targets.*auth, backend") as caught:
        stabkit.plot.history(store)
    assert "target='auth'" in caught.value.hint
    with pytest.raises(UsageError, match=r"no target 'backnd'.*Did you mean 'backend'"):
        stabkit.plot.history(store, target="backnd")
    readings = pd.DataFrame({"target": ["a", "b"], "round": 0, "metric": "cpu", "value": 1.0, "unit": "s"})
    with pytest.raises(UsageError, match="several targets"):
        stabkit.plot.readings(readings, readings, metric="cpu")


def test_a_history_is_drawn_of_a_store_and_of_its_percentiles_alike(store):
    frame = store.quantiles(by=("target", "run_id")).merge(store.runs()[["run_id", "label", "started_at"]])
    of_frame = stabkit.plot.history(frame.sort_values("started_at"), target="backend")
    of_store = stabkit.plot.history(store, target="backend")
    heights = [axes.lines[1].get_ydata() for axes in (of_frame, of_store)]
    np.testing.assert_allclose(*heights, rtol=0.02)
    with pytest.raises(SchemaError, match=r"p50_ms and p95_ms|p50_ms, p95_ms"):
        stabkit.plot.history(frame.drop(columns=["p50", "p95"]), target="backend")


def test_tables_without_what_belongs_to_them_are_refused(store):
    with pytest.raises(UsageError, match=r"Missing: runs.*tests with runs="):
        stabkit.plot.heatmap(store.tests())
    with pytest.raises(UsageError, match="Missing: scans and runs"):
        stabkit.plot.ages(store.findings())
    alone = stabkit.plot.heatmap(store.tests(), runs=store.runs())
    of_result = stabkit.plot.heatmap(stabkit.flakiness(store.tests(), store.runs()))
    assert alone.get_title(loc="left") == of_result.get_title(loc="left")


def test_what_is_no_comparison_is_refused():
    for draw in (stabkit.plot.shift, stabkit.plot.tail, stabkit.plot.dumbbell):
        with pytest.raises(UsageError, match="no comparison of times"):
            draw([1.0, 2.0])
    with pytest.raises(SchemaError, match="quantile"):
        stabkit.plot.shift(pd.DataFrame())


def test_nothing_measured_is_drawn_as_that():
    axes = stabkit.plot.shift(stabkit.compare_latency([], []))
    assert "No evidence" in axes.get_title(loc="left")
