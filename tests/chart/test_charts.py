"""Charts: the data that is drawn, the words that describe it, and the cases without evidence."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from stabkit.chart import (
    AgeBars,
    CaughtMap,
    DumbbellChart,
    EventTimeline,
    HeadroomChart,
    HistoryLines,
    ImpactBars,
    LevelLines,
    NewFixedBars,
    NotPassingBars,
    OpenBars,
    ResourceLines,
    RoundLines,
    ShiftPlot,
    StatusMap,
    SuiteBars,
    TailCurve,
)
from stabkit.chart.drawing.canvas import new_axes, to_svg
from stabkit.chart.drawing.palette import GROUND, REGRESSED
from stabkit.chart.drawing.style import settle
from stabkit.numbers import SPACE

HOSTILE = "<script>$\\frac{1}$\x00\x1b[31m" + "é" * 50
Frame = pd.DataFrame


def shift(low: float = -1.0, difference: float = 0.0) -> Frame:
    q = np.array([0.05, 0.5, 0.9, 0.99])
    move = np.array([0, 0, difference, difference * 2])
    return Frame({"quantile": q, "difference_ms": move, "low_ms": move + low, "high_ms": move - low})


def tail() -> Frame:
    x = np.linspace(100, 400, 50)
    sides = [
        Frame({"side": s, "response_ms": x * k, "share_slower": 1 - np.arange(50) / 50})
        for s, k in (("baseline", 1), ("candidate", 1.2))
    ]
    return pd.concat(sides)


def history(n: int = 12) -> Frame:
    p95 = np.where(np.arange(n) >= n // 2, 160.0, 140.0)
    p95[1] = np.nan
    names = [f"r{i}" for i in range(n)]
    p50 = np.where(np.isnan(p95), np.nan, 100.0)
    return Frame(
        {
            "run_id": names,
            "label": names,
            "p50_ms": p50,
            "p95_ms": p95,
            "low_ms": p50 - 1,
            "high_ms": p50 + 1,
            "line": 1,
        }
    )


def passes() -> Frame:
    frame = Frame(
        {
            "run_id": ["a", "b", "c"],
            "label": ["a", None, HOSTILE],
            "failed": [1, None, 4],
            "errors": [0, None, 1],
            "skipped": [0, None, 2],
            "flaky": [0, None, 0],
        }
    )
    return frame.astype(dict.fromkeys(("failed", "errors", "skipped", "flaky"), "Int64"))


def mapped() -> Frame:
    return Frame(
        {
            "test_id": ["t::a", "t::a", HOSTILE, HOSTILE],
            "run_id": ["1", "2"] * 2,
            "label": ["1", "2"] * 2,
            "status": ["pass", "fail", None, "skip"],
            "recovered": [True, False, None, False],
        }
    )


def findings() -> Frame:
    frame = Frame(
        {
            "run_id": ["a", "b", "c"],
            "label": ["a", "b", "c"],
            "open": [15, None, 15],
            "new": [None, None, 2],
            "fixed": [None, None, 2],
            "open_high": [12, None, 11],
            "open_critical": [3, None, 4],
        }
    )
    return frame.astype(dict.fromkeys(("open", "new", "fixed", "open_high", "open_critical"), "Int64"))


def ages() -> Frame:
    return Frame({"rule": ["E1", HOSTILE], "path": ["a/b.py", None], "age_runs": [9, 1], "at_least": [True, False]})


def dumbbell() -> Frame:
    return Frame(
        {
            "name": ["tls", HOSTILE],
            "baseline": [10.0, 5],
            "candidate": [14.0, 5.1],
            "low": [13.0, None],
            "high": [15.0, None],
            "outcome": ["regressed", "stable"],
        }
    )


def objectives() -> Frame:
    return Frame(
        {
            "name": ["a", HOSTILE],
            "value": [132.0, 100],
            "low": [128.0, None],
            "high": [154.0, None],
            "limit": [150.0, 200],
            "unit": "ms",
        }
    )


def events() -> Frame:
    return Frame(
        {
            "side": ["baseline", "candidate"] * 2,
            "event": ["start", "start", HOSTILE, HOSTILE],
            "value_ms": [10.0, 12, 50, 60],
        }
    )


def resources() -> Frame:
    return Frame(
        {
            "side": ["baseline", "candidate"] * 3,
            "round": [0, 0, 1, 1, 3, 3],
            "metric": "memory",
            "value": [100.0, 110, 100, 111, 101, 114],
            "unit": "MB",
        }
    )


def impact() -> Frame:
    return Frame({"area": ["core", "core", None], "added": [10, None, 5], "deleted": [2, None, 0]}).astype(
        {"added": "Int64", "deleted": "Int64"}
    )


def caught() -> Frame:
    names = np.repeat(["whole gate", HOSTILE, "web times"], 3)
    counts = {"caught": [0, 8, 10] * 3, "open": [10, 1, 0] * 3, "missed": [0, 1, 0] * 3, "within": [0] * 9}
    return Frame({"name": names, "change": ["+2 %", "+10 %", "rare ×3"] * 3, **counts})


def rounds(number: int = 6) -> Frame:
    every = np.arange(number, dtype="float64")
    sides = [Frame({"side": "baseline", "round": every, "median_ms": 10 + every % 2, "n": 30})]
    sides.append(Frame({"side": "candidate", "round": every, "median_ms": 10.5 + every % 3, "n": 29}).drop(index=2))
    return pd.concat(sides, ignore_index=True)


def sizes(*tests: int | None) -> Frame:
    names = [f"run {number}" for number in range(len(tests))]
    frame = Frame({"run_id": names, "label": names, "good": tests, "bad": 1, "skipped": 2})
    frame.loc[frame["good"].isna(), ["bad", "skipped"]] = None
    return frame.astype(dict.fromkeys(("good", "bad", "skipped"), "Int64"))


def levels(runs: int = 12) -> Frame:
    names = [f"r{i}" for i in range(runs)]
    level = np.where(np.arange(runs) < runs // 2, 3.0, 4.0)
    frame = Frame({"run_id": names, "label": names, "value": level + np.arange(runs) % 3 / 10, "level": level})
    frame.loc[1, "value"] = np.nan
    return frame


CASES: dict[str, tuple[Any, Frame]] = {
    "caught": (CaughtMap, caught()),
    "shift": (ShiftPlot, shift(difference=20)),
    "shift, nothing moved": (ShiftPlot, shift()),
    "tail": (TailCurve, tail()),
    "history": (HistoryLines, history()),
    "history of one run": (HistoryLines, history(12).head(1)),
    "not passing": (NotPassingBars, passes()),
    "test map": (StatusMap, mapped()),
    "open": (OpenBars, findings()),
    "new and fixed": (NewFixedBars, findings()),
    "ages": (AgeBars, ages()),
    "dumbbell": (DumbbellChart, dumbbell()),
    "objectives": (HeadroomChart, objectives()),
    "events": (EventTimeline, events()),
    "resources": (ResourceLines, resources()),
    "impact": (ImpactBars, impact()),
    "rounds": (RoundLines, rounds()),
    "suite": (SuiteBars, sizes(421, None, 296)),
    "levels": (partial(LevelLines, title="api rose", changed=6, worse=True), levels()),
}


@pytest.mark.parametrize("name", CASES)
def test_draws_and_describes(name: str) -> None:
    chart, frame = CASES[name]
    before = frame.copy(deep=True)
    svg = to_svg(chart(frame).draw(new_axes()).figure)
    assert svg == to_svg(chart(frame).draw(new_axes()).figure)
    assert len(svg) < 40_000
    assert b"\x1b" not in svg
    assert b"<script>" not in svg
    words = chart(frame).describe()
    assert words.title
    assert " where " in words.alt
    assert words.caption
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("name", CASES)
def test_no_rows_is_said_and_drawn(name: str) -> None:
    chart, frame = CASES[name]
    axes = chart(frame.head(0)).draw(new_axes())
    assert [text.get_text() for text in axes.texts]
    assert chart(frame.head(0)).describe().alt.startswith("Empty")
    to_svg(axes.figure)


def plain(text: str) -> str:
    return text.replace(SPACE, " ")


def test_titles_state_the_finding() -> None:
    assert (
        plain(ShiftPlot(shift(difference=20)).describe().title)
        == "response time: p90 and above are slower, by up to 40.0 ms"
    )
    assert ShiftPlot(shift()).describe().title == "No percentile of response time is shown to have moved"
    assert (
        "all percentiles are slower"
        in ShiftPlot(shift(difference=1).assign(difference_ms=5.0, low_ms=4.0, high_ms=6.0)).describe().title
    )
    assert (
        plain(TailCurve(tail(), objective_ms=1000).describe().title)
        == "response time: none misses the 1,000 ms objective, as before"
    )
    assert (
        plain(TailCurve(tail(), objective_ms=300).describe().title)
        == "response time: 50 % miss the 300 ms objective; 34 % did before"
    )
    assert plain(TailCurve(tail()).describe().title) == "response time: p75 is 392 ms, 327 ms before"
    sizes = {"baseline": (600, 10), "candidate": (600, 10)}
    for words in (TailCurve(tail(), sizes=sizes).describe(), ShiftPlot(shift(), sizes=sizes).describe()):
        assert "; n 600 a side, in 10 rounds." in words.caption
    assert NotPassingBars(passes()).describe().title.startswith("Failing tests rose from 1 to 5 with ")
    assert StatusMap(mapped()).describe().title == "1 test fails in 2: a"
    assert OpenBars(findings()).describe().title == "Open findings stayed at 15 over 2 scans"
    assert NewFixedBars(findings()).describe().title == "2 new and 2 fixed in c"
    assert DumbbellChart(dumbbell()).describe().title == "tls regressed"
    assert "may miss" in HeadroomChart(objectives()).describe().title
    assert EventTimeline(events(), expected=("gone",)).describe().title == "gone never arrives now"
    assert plain(ResourceLines(resources()).describe().title) == "Memory has a median of 111 MB, 100 MB before"
    assert plain(ImpactBars(impact()).describe().title) == "71 % of 17 changed lines are in core"


def test_shift_colours_only_where_the_interval_excludes_zero() -> None:
    axes = ShiftPlot(shift(difference=20)).draw(new_axes())
    worse = [line for line in axes.lines if line.get_color() == REGRESSED]
    assert [list(line.get_xdata()) for line in worse] == [[2, 3]]
    unknown = shift(difference=20).assign(high_ms=np.nan)
    assert "too few samples for an interval" in ShiftPlot(unknown).describe().title


def test_a_logarithmic_axis_is_said() -> None:
    wide = shift().assign(difference_ms=[0.1, 0.1, 5.0, 300.0], low_ms=[0.0, 0, 4, 280], high_ms=[0.2, 0.2, 6, 320])
    for frame, scale in ((wide, "symlog"), (shift(difference=1), "linear")):
        assert ShiftPlot(frame).draw(new_axes()).get_yscale() == scale
        assert ("logarithmic" in ShiftPlot(frame).describe().caption) == (scale == "symlog")


def test_a_moved_percentile_does_not_contradict_what_is_judged() -> None:
    stable = {"p50": "stable", "p99": "stable"}
    words = ShiftPlot(shift(difference=20), judged=stable).describe()
    # What is judged is within its margin: the title must not call the percentiles beside it slower.
    assert plain(words.title) == (
        "response time: p90 differs by +20.0 ms, not judged; median and p99 are within what is allowed"
    )
    worse = ShiftPlot(shift(difference=20), judged={"p50": "stable", "p99": "regressed"}).describe()
    assert plain(worse.title) == (
        "response time: p90 and above are slower, by up to 40.0 ms; median is within what is allowed, p99 regressed, "
        "the others are not judged"
    )
    # The judge looks at two percentiles alone and sees more than a band for all of them.
    still = ShiftPlot(shift(), judged={"p50": "stable", "p99": "regressed"}).describe()
    assert still.title == "response time: median is within what is allowed, p99 regressed"
    unjudged = ShiftPlot(shift(difference=20), judged={}).describe()
    assert unjudged.title.endswith("; no allowed change is set for it")
    assert ShiftPlot(shift(), judged={}).describe().title == "No percentile of response time is shown to have moved"
    assert (
        ShiftPlot(shift(), judged={"p50": "stable", "p99": "inconclusive"})
        .describe()
        .title.endswith("is shown to have moved; median is within what is allowed, p99 is undecided")
    )


def test_shares_of_a_tail_are_those_of_the_samples() -> None:
    frame = Frame({"side": "candidate", "response_ms": [10.0, 20, 30, 40], "share_slower": [1, 0.75, 0.5, 0.25]})
    for limit, words in ((25, "50 % miss"), (30, "25 % miss"), (5, "100 % miss"), (40, "none misses")):
        assert words in plain(TailCurve(frame, objective_ms=limit).describe().title)
    assert "too few requests" in TailCurve(frame).describe().title


def test_history_marks_changes_and_leaves_gaps() -> None:
    change = SimpleNamespace(index=6, before=140.0, after=160.0)
    words = HistoryLines(history(), changes=[change]).describe()
    assert plain(words.title) == "p95 of response time rose by 14 % with r6"
    assert "1 run has no evidence" in words.caption
    axes = HistoryLines(history(), changes=[change]).draw(new_axes())
    assert "no data" in [text.get_text() for text in axes.texts]
    assert any(list(line.get_xdata()) == [5.5, 5.5] for line in axes.lines)
    p95 = next(line for line in axes.lines if np.nanmax(line.get_ydata()) == 160)
    assert np.isnan(p95.get_ydata()[2:4]).all()
    assert axes.get_ylim()[0] == 0
    assert "too few to look" in HistoryLines(history(12).head(3)).describe().title


def test_not_scanned_is_a_gap() -> None:
    axes = OpenBars(findings()).draw(new_axes())
    assert "not scanned" in [text.get_text() for text in axes.texts]
    assert axes.patches[0].get_path().vertices[:, 1].max() == 4  # the most severe lies below


def test_many_marks_are_rasterised_and_palette_follows_dark_mode() -> None:
    axes = new_axes()
    axes.plot(np.arange(3000), np.arange(3000), ".", color=REGRESSED)
    svg = to_svg(axes.figure)
    assert b"data:image/png;base64" in svg
    light = new_axes()
    light.plot([0, 1], color=REGRESSED)
    assert b"prefers-color-scheme:dark" in to_svg(light.figure)
    assert b"var(--worse)" in to_svg(light.figure)


def long_names() -> Frame:
    frame = Frame(
        {"test_id": [f"tests.unit::test_{word}_of_a_long_name" for word in ("first", "other")], "status": "fail"}
    )
    runs = Frame({"run_id": [f"2026-build-{i:02}" for i in range(34)]}).assign(label=lambda rows: rows["run_id"])
    return frame.merge(runs, how="cross").assign(recovered=False)


def flat_history() -> Frame:
    return history(34).assign(p50_ms=2.0, p95_ms=2.1, low_ms=1.9, high_ms=2.05, label=[f"build-{i}" for i in range(34)])


def severities() -> Frame:
    names = [f"open_{word}" for word in ("critical", "high", "medium", "low", "info", "note", "odd")]
    frame = Frame(
        {"run_id": list("abc"), "label": list("abc"), "open": [7, 7, None], **{name: [1, 1, None] for name in names}}
    )
    return frame.astype(dict.fromkeys(("open", *names), "Int64"))


def scripts() -> Frame:
    names = ["cost $x$ and $y_2$", "two\nlines", "مرحبا بالعالم", "响应时间响应时间响应", "🚀🎉" * 20, HOSTILE]
    values = 10.0 ** np.arange(-2, 4)
    frame = Frame({"name": names, "baseline": values, "candidate": values * 1.3, "low": np.nan, "high": np.inf})
    return frame.assign(outcome="inconclusive")


CROWDED: dict[str, tuple[Any, Frame, dict[str, Any]]] = {
    **{name: (chart, frame, {}) for name, (chart, frame) in CASES.items()},
    "tail, objective far away": (TailCurve, tail(), {"objective_ms": 15_000.0}),
    "tail, objective at the left": (TailCurve, tail(), {"objective_ms": 150.0}),
    "tail, objective at the right": (TailCurve, tail(), {"objective_ms": 470.0}),
    "tail, equal sides": (TailCurve, tail().assign(response_ms=np.tile(np.linspace(2, 3, 50), 2)), {}),
    "shift, one percentile in the middle": (
        ShiftPlot,
        Frame({"quantile": np.arange(1, 14) / 14, "difference_ms": 0.9, "low_ms": -0.5, "high_ms": 3.0}).assign(
            low_ms=lambda f: np.where(f.index == 8, 0.01, f["low_ms"])
        ),
        {},
    ),
    "history, flat far below its objective": (HistoryLines, flat_history(), {"objective_ms": 150.0}),
    "history, two changes": (
        HistoryLines,
        history(34),
        {"changes": [SimpleNamespace(index=i, before=140.0, after=160.0 + i) for i in (17, 18)]},
    ),
    "history, 200 runs, many changes": (
        HistoryLines,
        history(200),
        {"changes": [SimpleNamespace(index=i, before=140.0, after=160.0) for i in (40, 44, 100, 150, 198)]},
    ),
    "history, last run missing, long labels": (
        HistoryLines,
        history(9).assign(
            label=[f"release-candidate-{i}" for i in range(9)], p50_ms=lambda f: f["p50_ms"].where(f.index < 7)
        ),
        {},
    ),
    "test map, long names, many runs": (StatusMap, long_names(), {}),
    "open, seven severities, last scan missing": (OpenBars, severities(), {}),
    "dumbbell, six decades, any script": (DumbbellChart, scripts(), {}),
    "objectives, far beyond and unbounded": (
        HeadroomChart,
        objectives().assign(value=[15000.0, 1.0], low=[12000.0, 0.5], high=[25000.0, np.inf]),
        {},
    ),
    "events, one very late": (
        EventTimeline,
        pd.concat([events().head(3)] * 20 + [events().tail(1).assign(event="start", value_ms=3050.0)]),
        {"expected": ("start", "gone")},
    ),
    "shift, nothing differs at all": (ShiftPlot, shift().assign(difference_ms=0.0, low_ms=0.0, high_ms=0.0), {}),
    "not passing, none ever": (NotPassingBars, passes().assign(failed=0, errors=0, skipped=0), {}),
    "rounds, one of each side": (RoundLines, rounds().groupby("side").head(1), {}),
    "rounds, a hundred": (RoundLines, rounds(100), {}),
    "suite, 300 runs": (SuiteBars, sizes(*range(300)), {}),
    "levels, 300 runs, a share": (partial(LevelLines, title="t"), levels(300), {"unit": "share", "changed": 299}),
    "levels, long names, any unit": (
        partial(LevelLines, title="t"),
        levels().assign(label=[f"release-candidate-{i}" for i in range(12)]),
        {"unit": "$x$ and $y$"},
    ),
    "resources, equal sides": (ResourceLines, resources().assign(value=100.0), {}),
}


def unseen_labels(axes: Any) -> set[int]:
    """Tick labels beyond the limits, which matplotlib keeps but does not draw."""
    found = set()
    for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        low, high = sorted(limits)
        for tick, place in zip(axis.get_major_ticks(), axis.get_majorticklocs(), strict=False):
            found |= set() if low <= place <= high else {id(tick.label1)}
    return found


@pytest.mark.filterwarnings("ignore:Glyph")  # that font measures a box for it
@pytest.mark.parametrize("name", CROWDED)
def test_no_word_leaves_the_picture_or_lies_on_another(name: str) -> None:
    chart, frame, options = CROWDED[name]
    axes = chart(frame, **options).draw(new_axes())
    settle(axes)
    figure: Any = axes.figure
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    unseen = unseen_labels(axes)
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts if id(text) not in unseen]
    drawn = figure.bbox.padded(4)  # a reader's font is narrower than the one that measures here
    for words, box in boxes:
        assert drawn.contains(box.x0, box.y0), words
        assert drawn.contains(box.x1, box.y1), words
    marks = ("×", "–", "~")
    said = [(words, box.padded(-1)) for words, box in boxes if words not in marks]
    for i, (words, box) in enumerate(said):
        for other, place in said[i + 1 :]:
            assert not box.overlaps(place), (words, other)


def test_far_objectives_are_named_and_near_ones_drawn() -> None:
    far = TailCurve(tail(), objective_ms=15_000.0).draw(new_axes())
    assert far.get_xlim()[1] < 600
    assert any("objective" in text.get_text() and "→" in text.get_text() for text in far.texts)
    near = TailCurve(tail(), objective_ms=600.0).draw(new_axes())
    assert near.get_xlim()[1] > 600
    assert [list(line.get_xdata()) for line in near.lines][-1] == [600.0, 600.0]


def test_percentiles_without_an_interval_are_hollow_and_said() -> None:
    frame = shift(difference=20).assign(high_ms=[1.0, 1.0, 21.0, np.inf])
    axes = ShiftPlot(frame).draw(new_axes())
    hollow = [line for line in axes.lines if line.get_color() == GROUND]
    assert [list(line.get_xdata()) for line in hollow] == [[3]]
    assert "1 percentile has no interval yet (hollow)" in ShiftPlot(frame).describe().caption


def test_long_histories_and_maps_stay_small() -> None:
    tests = Frame({"test_id": [f"t{i}" for i in range(40)]}).merge(
        Frame({"run_id": [f"r{i:03}" for i in range(200)]}), how="cross"
    )
    tests = tests.assign(label=tests["run_id"], recovered=False)
    tests["status"] = np.where(np.arange(len(tests)) % 7 == 0, "fail", "pass")
    assert len(to_svg(StatusMap(tests).draw(new_axes()).figure)) < 120_000
    assert "the newest 60 of 200 runs" in StatusMap(tests).describe().caption
    counts = pd.concat([passes().dropna()] * 100, ignore_index=True)
    assert len(to_svg(NotPassingBars(counts).draw(new_axes()).figure)) < 40_000


def test_rows_say_outcome_and_change_in_glyph_word_and_colour() -> None:
    axes = DumbbellChart(dumbbell()).draw(new_axes())
    assert {"✗ +40 %", "✓ +2 %"} <= {text.get_text() for text in axes.texts}
    words = DumbbellChart(dumbbell().assign(outcome="inconclusive"), of="times", rounds=10).describe()
    assert words.title == "No regression is shown, 2 of 2 undecided"
    assert "10 rounds a side" in words.caption
    doubted = objectives().assign(high=[140.0, 120], outcome="inconclusive")
    assert "in doubt" in HeadroomChart(doubted).describe().title
    assert "met" in HeadroomChart(doubted.assign(outcome="stable")).describe().title


def test_growth_is_said_only_of_lines_that_go_one_way() -> None:
    rounds = Frame({"side": "candidate", "round": range(8), "metric": "memory", "unit": "MB"})
    grows = plain(ResourceLines(rounds.assign(value=np.linspace(39, 73, 8)), of="backend").describe().title)
    assert grows == "backend memory rises from 39.0 MB to 73.0 MB"
    jumps = plain(ResourceLines(rounds.assign(value=[39.0, 50, 37, 51, 38, 49, 36, 44]), of="backend").describe().title)
    assert jumps == "backend memory has a median of 41.5 MB"


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_few_rounds_are_counted_in_whole_numbers(rounds: int) -> None:
    numbers = np.arange(1, rounds + 1)
    frame = Frame({"side": "candidate", "round": numbers, "metric": "memory", "value": 100.0 + numbers, "unit": "MB"})
    axes = ResourceLines(frame).draw(new_axes())
    axes.figure.canvas.draw()
    low, high = axes.get_xlim()
    shown = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
    assert [label.get_text() for place, label in shown if low <= place <= high] == [str(number) for number in numbers]


def test_the_size_of_a_suite_is_told_with_its_largest_step() -> None:
    words = SuiteBars(sizes(418, 418, None, 293)).describe()
    assert words.title == "The suite shrank from 421 to 296 tests, from run 0 to run 3"
    assert (
        words.caption
        == "3 runs; blue: passed; zero at the bottom. Largest step: 125 fewer with run 3. 1 run has no evidence."
    )
    assert SuiteBars(sizes(3, 3)).describe().title == "6 tests in every run"
    assert SuiteBars(sizes(3, 5, 3)).describe().title == "6 tests as in the first run, 6 to 8 between"
    assert SuiteBars(sizes(3)).describe().title == "6 tests in the only run"


def test_a_failing_test_that_was_removed_was_not_mended() -> None:
    counts = {"failed": [1, 0], "errors": [0, 0], "skipped": [0, 0], "flaky": [0, 0], "bad_removed": [None, 1]}
    frame = Frame({"run_id": ["a", "b"], "label": ["a", "b"], **counts})
    assert NotPassingBars(frame).describe().title == "1 failing test was removed or skipped with b; none fails now"
    mended = NotPassingBars(frame.assign(bad_removed=0)).describe().title
    assert mended == "Failing tests fell from 1 to 0 with b"


def test_rounds_are_counted_and_judged_over_all() -> None:
    words = RoundLines(rounds(), of="api response time", judged={"p50": "stable"}).describe()
    # What is judged is within what is allowed: the rounds must not be called slower.
    counted = "api response time: median higher in 4 of 5 rounds, lower in 1"
    assert words.title == f"{counted}; median is within what is allowed"
    said = "1 round has one side only. Judged over all rounds: median is within what is allowed."
    assert words.caption.endswith(said)
    for judged, end in (
        ({"p50": "inconclusive"}, "median is undecided"),
        ({"p99": "regressed"}, "median is not judged"),
    ):
        title = RoundLines(rounds(), of="api response time", judged=judged).describe().title
        assert title == f"{counted}; {end}"
    for judged in ({"p50": "regressed", "p99": "stable"}, {}, None):
        title = RoundLines(rounds(), judged=judged).describe().title
        assert title == "response time: slower in 4 of 5 rounds, faster in 1"
    assert RoundLines(rounds().head(6)).describe().title == "response time: no round measured both sides"


def test_levels_break_at_their_change_and_gaps_stay() -> None:
    axes = LevelLines(levels(), title="api rose", changed=6, worse=True).draw(new_axes())
    values, level, rule = axes.lines[:3]
    assert np.isnan(values.get_ydata()[1])
    assert set(level.get_ydata()) == {3.0, 4.0}
    assert set(rule.get_xdata()) == {5.5}
    assert "1 run has no value." in LevelLines(levels(), title="api rose").describe().caption


def test_a_late_event_is_named_at_the_edge() -> None:
    chart, frame, options = CROWDED["events, one very late"]
    axes = chart(frame, **options).draw(new_axes())
    assert axes.get_xlim()[1] < 300
    assert any("3,050\u202fms" in text.get_text() for text in axes.texts)
    assert "Arrows: later arrivals" in EventTimeline(frame).describe().caption
