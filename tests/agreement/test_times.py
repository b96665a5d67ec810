"""Judge, figures, trends and the store know the same times: as many of them, with the same medians."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest

# Scene, target, and the kind of connection where all requests have one.
TIMED = (
    ("slower_requests", "api", "reused"),
    ("other_mix_of_connections", "api", None),
    ("no_response_times_in_the_candidate", "api", "reused"),
    ("failed_and_warm_up_requests", "api", "reused"),
    ("imported_load_files", "GET cart", None),
)
SCENES = pytest.mark.parametrize(("scene", "target", "connection"), TIMED, ids=[name for name, *_ in TIMED])
SIDES = ("baseline", "candidate")
A_SIDE = re.compile(r"n ([\d,]+) a side")
EACH_SIDE = re.compile(r"n ([\d,]+) in \d+ rounds? before, ([\d,]+) in \d+ rounds? now")


def judged(asked: Any, connection: str | None) -> dict[str | None, dict[str, Any]]:
    """Return what the judge knows of each population of response times, by kind of connection: n, p50 and p99."""
    (condition,) = (c for c in asked.conditions.values() if c["kind"] == "latency")
    found: dict[str | None, dict[str, Any]] = {}
    for estimate in condition["estimates"]:
        kind = next((kind for kind in ("fresh", "reused") if kind in estimate["name"]), connection)
        own = found.setdefault(kind, {"n": (estimate["n_baseline"], estimate["n_candidate"])})
        own[estimate["name"][-3:]] = (estimate["baseline"], estimate["candidate"])
    return found


def comparisons(asked: Any, doors: Any) -> list[Any]:
    """Return the figures that compare both sides: shift plots and tail curves, of the report and of latency deltas."""
    places = (("response_times", "report"), ("shift", "deltas"), ("tail", "deltas"))
    found = [figure for place in places for figure in doors.figures(asked.piece(*place))]
    return [figure for figure in found if not _keys(figure) & {"p50_ms"}]


def _keys(figure: Any) -> set[str]:
    return {column["key"] for column in figure["data"]["columns"]}


def _sizes(figure: Any) -> tuple[int, int]:
    caption = re.sub(r"(?<=\d)\s(?=\d{3}\b)", "", figure["caption"])  # 1 000 is one number
    each = EACH_SIDE.search(caption)
    if each:
        return _whole(each[1]), _whole(each[2])
    same = A_SIDE.search(caption)
    assert same, figure["caption"]
    return _whole(same[1]), _whole(same[1])


def _whole(text: str) -> int:
    return int(text.replace(",", ""))


@SCENES
def test_figures_rest_on_as_many_times_as_were_judged(ask, doors, scene, target, connection):
    asked = ask(scene)
    figures = comparisons(asked, doors)
    assert figures
    known = [population["n"] for population in judged(asked, connection).values()]
    assert {_sizes(figure) for figure in figures} <= set(known)


@SCENES
def test_the_shift_plot_differs_at_the_median_as_the_judge_says(ask, doors, scene, target, connection):
    asked = ask(scene)
    shifts = [figure for figure in comparisons(asked, doors) if "difference_ms" in _keys(figure)]
    assert shifts
    known = [population["p50"] for population in judged(asked, connection).values()]
    for figure in shifts:
        (shown,) = (row["difference_ms"] for row in figure["data"]["rows"] if row["quantile"] == 0.5)
        assert any(shown == pytest.approx(after - before, abs=0.005 * before) for before, after in known)


@SCENES
def test_the_tail_curve_has_the_percentiles_that_were_judged(ask, doors, scene, target, connection):
    asked = ask(scene)
    tails = [figure for figure in comparisons(asked, doors) if "share_slower" in _keys(figure)]
    assert tails
    known = judged(asked, connection).values()
    for figure, (name, share) in product(tails, (("p50", 0.5), ("p99", 0.01))):
        shown = [_slowest_within(figure, side, share) for side in SIDES]
        judged_so = [list(population[name]) for population in known if name in population]
        assert judged_so or name == "p99"  # the mean of the slowest 5 % may be judged in its place
        assert not judged_so or any(shown == pytest.approx(times, rel=0.02) for times in judged_so)


def _slowest_within(figure: Any, side: str, share: float) -> float:
    """Return the time that this share of the requests of one side takes, or longer."""
    rows = [row for row in figure["data"]["rows"] if row["side"] == side and row["share_slower"] >= share]
    return max(row["response_ms"] for row in rows)


@SCENES
def test_the_rounds_of_latency_deltas_add_up_to_what_was_judged(ask, doors, scene, target, connection):
    asked = ask(scene)
    totals: dict[str, list[int]] = {}
    for figure in doors.figures(asked.piece("rounds", "deltas")):
        own = totals.setdefault(figure["title"].partition(":")[0], [0, 0])
        for row in figure["data"]["rows"]:
            own[SIDES.index(row["side"])] += row["n"]
    known = {population["n"] for population in judged(asked, connection).values()}
    assert {tuple(total) for total in totals.values()} == known


@SCENES
def test_trend_knows_the_runs_that_were_judged_with_their_medians(ask, scene, target, connection):
    asked = ask(scene)
    trend, known = asked.trend(target), judged(asked, connection)
    assert asked.scene.candidate in trend
    for place, label in enumerate(asked.sides):
        # Runs timed by another clock may be left out of a line, but not beside others with another median.
        if label not in trend and scene == "no_response_times_in_the_candidate":
            continue
        row = trend[label]
        population = known[row["connection"] if len(known) > 1 else connection]
        assert row["n"] == population["n"][place]
        assert row["p50_ms"] == pytest.approx(population["p50"][place], rel=0.01)


@SCENES
def test_the_stores_quantiles_know_the_runs_that_were_judged_with_their_medians(ask, scene, target, connection):
    asked = ask(scene)
    for kind, population in judged(asked, connection).items():
        for place, label in enumerate(asked.sides):
            row = asked.quantiles(label, target, kind)
            assert row["n"] == population["n"][place]
            # One run alone: its own best time, whatever the other run lacks.
            if label == "v1" and scene == "no_response_times_in_the_candidate":
                continue
            assert row["p50"] == pytest.approx(population["p50"][place], rel=0.02)


@pytest.mark.parametrize("scene", ["other_mix_of_connections", "failed_and_warm_up_requests", "imported_load_files"])
def test_the_history_in_the_report_is_that_of_trend(ask, doors, scene):
    asked = ask(scene)
    target = next(target for name, target, _ in TIMED if name == scene)
    trend = asked.trend(target)
    for place in (("response_times", "report"), ("history", "deltas")):
        histories = [figure for figure in doors.figures(asked.piece(*place)) if "p50_ms" in _keys(figure)]
        assert histories
        for figure in histories:
            rows = {row["label"]: row for row in figure["data"]["rows"]}
            assert rows.keys() == trend.keys()
            for label, row in rows.items():
                assert (row["n"], row["p50_ms"], row["p95_ms"]) == (
                    trend[label]["n"],
                    pytest.approx(trend[label]["p50_ms"]),
                    pytest.approx(trend[label]["p95_ms"]),
                )


def failures(asked: Any) -> list[tuple[int, int]]:
    """Return how many requests of each side the judge knows, and how many of them failed."""
    (condition,) = (c for c in asked.conditions.values() if c["kind"] == "error_rate")
    (estimate,) = condition["estimates"]
    return [(estimate[f"n_{side}"], round(estimate[side] * estimate[f"n_{side}"])) for side in SIDES]


@SCENES
def test_the_report_counts_the_failed_requests_that_were_judged(ask, doors, scene, target, connection):
    asked = ask(scene)
    rows = [row for table in doors.tables(asked.piece("availability")) for row in table["rows"]]
    (row,) = (row for row in rows if row.get("target") == target and "baseline_n" in row)
    shown = [(row[f"{side}_n"], row[f"{side}_n"] - row[f"{side}_ok"]) for side in SIDES]
    assert shown == failures(asked)
    (condition,) = (c for c in asked.conditions.values() if c["kind"] == "error_rate")
    assert row["outcome"] == condition["outcome"]


@SCENES
def test_trend_counts_the_failed_requests_that_were_judged(ask, scene, target, connection):
    asked = ask(scene)
    trend = asked.trend(target)
    assert [trend[label]["failed"] for label in asked.sides] == [failed for _, failed in failures(asked)]


@SCENES
def test_the_stores_quantiles_count_the_failed_requests_that_were_judged(ask, scene, target, connection):
    asked = ask(scene)
    kinds = judged(asked, connection)
    counted = [sum(asked.quantiles(label, target, kind)["failed"] for kind in kinds) for label in asked.sides]
    assert counted == [failed for _, failed in failures(asked)]


def test_as_many_requests_miss_the_objective_in_the_tail_curve_as_were_judged_slow(ask, doors):
    asked = ask("failed_and_warm_up_requests")
    condition = asked.conditions["api slow requests"]
    (estimate,) = condition["estimates"]
    (limit,) = condition["facts"]["slower_than_ms"].values()
    tails = [figure for figure in comparisons(asked, doors) if "share_slower" in _keys(figure)]
    assert tails
    for figure, side in product(tails, SIDES):
        beyond = [row for row in figure["data"]["rows"] if row["side"] == side and row["response_ms"] > limit]
        assert max(row["share_slower"] for row in beyond) == pytest.approx(estimate[side])


def test_the_arrivals_of_an_event_are_those_that_were_judged(ask, doors):
    asked = ask("warm_up_sessions")
    median = next(e for e in asked.conditions["chat answers"]["estimates"] if e["name"].endswith("p50"))
    (figure,) = (f for f in doors.figures(asked.piece("websocket")) if "event" in _keys(f))
    for side in SIDES:
        arrivals = sorted(row["value_ms"] for row in figure["data"]["rows"] if row["side"] == side)
        assert len(arrivals) == median[f"n_{side}"]
        assert arrivals[len(arrivals) // 2] == pytest.approx(median[side], rel=0.01)


@pytest.mark.parametrize(("condition", "metric"), [("chat connects", "connect_time"), ("chat answers", "event:done")])
def test_trend_and_quantiles_know_the_sessions_that_were_judged(ask, condition, metric):
    asked = ask("warm_up_sessions")
    median = next(e for e in asked.conditions[condition]["estimates"] if e["name"].endswith("p50"))
    trend = asked.trend("chat", metric)
    for side, label in zip(SIDES, asked.sides, strict=True):
        found = asked.store.quantiles(metric=metric, by=("run_id", "target"), runs=[label])
        assert found["n"].tolist() == [median[f"n_{side}"]]
        assert found["p50"].tolist() == [pytest.approx(median[side], rel=0.02)]
        assert trend[label]["n"] == median[f"n_{side}"]
        assert trend[label]["p50_ms"] == pytest.approx(median[side], rel=0.01)
