"""Populations: what judges keep, and figures draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stabkit.analyze import RunEvidence
from stabkit.analyze.gate import evaluate_gate
from stabkit.analyze.latency import judged_populations
from stabkit.analyze.latency.quantiles import quantile_shift
from stabkit.config import Condition, Config
from stabkit.errors import UsageError
from stabkit.schema import Evidence


def run(label: str, samples: pd.DataFrame) -> RunEvidence:
    row = {"run_id": label, "label": label, "collection_id": "together", "complete": True}
    return RunEvidence(row, Evidence.of(samples=samples))


def requests(seed: int, connection: str, centre: float = 20.0) -> pd.DataFrame:
    times = centre * np.exp(0.1 * np.random.default_rng(seed).standard_normal(300))
    known = {"target": "api", "metric": "response_time", "ok": True, "connection": connection, "response_ms": times}
    return pd.DataFrame(known | {"round": np.arange(300) // 30, "sequence": np.arange(300)})


def test_a_result_keeps_each_population_with_its_estimates():
    sides = [
        run(name, pd.concat([requests(seed, "fresh", 60.0), requests(seed + 1, "reused")]))
        for seed, name in ((1, "v1"), (3, "v2"))
    ]
    config = Config(condition=(Condition(name="api", kind="latency", target="api", metric="response_time"),))
    (result,) = (r for r in evaluate_gate(config, *sides).conditions if r.kind == "latency")
    judged = judged_populations(result)
    assert [one.population.connection for one in judged] == ["fresh", "reused"]
    assert [one.quantities for one in judged] == [("p50", "p99")] * 2
    assert tuple(estimate for one in judged for estimate in one.estimates) == result.estimates
    assert [len(one.population.times.baseline) for one in judged] == [e.n_baseline for e in result.estimates[::2]]


def test_the_band_is_paired_where_rounds_are():
    rng = np.random.default_rng(5)
    level = np.repeat(np.exp(0.2 * rng.standard_normal(12)), 50)  # a machine that is slow for both sides at once

    def side() -> pd.DataFrame:
        times = 20 * level * np.exp(0.05 * rng.standard_normal(600))
        return pd.DataFrame({"round": np.arange(600) // 50, "response_ms": times})

    before, after = side(), side()
    together, apart = (quantile_shift(before, after, paired=paired) for paired in (True, False))
    widths = [(frame["high_ms"] - frame["low_ms"]).mean() for frame in (together, apart)]
    assert widths[0] < 0.4 * widths[1]
    fewer = quantile_shift(before, after[after["round"] < 10])
    pd.testing.assert_frame_equal(fewer, quantile_shift(before[before["round"] < 10], after[after["round"] < 10]))


def test_a_band_is_never_nearer_than_the_clocks_can_tell():
    ticks = pd.DataFrame({"round": np.repeat(np.arange(10), 40), "response_ms": np.tile([3.0, 4.0], 200)})
    shift = quantile_shift(ticks, ticks)
    assert ((shift["high_ms"] - shift["low_ms"]).dropna() >= 2.0).all()


@pytest.mark.parametrize("wrong", [{"quantiles": (1.0,)}, {"resamples": 5}])
def test_what_cannot_be_drawn_is_said(wrong):
    with pytest.raises(UsageError):
        quantile_shift([1.0, 2.0], [1.0, 2.0], **wrong)
