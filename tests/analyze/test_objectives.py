"""The bound of a proven objective: what the samples show, whatever the limit is."""

import numpy as np
import pandas as pd
import pytest

from stabkit.analyze.objectives import objective_estimate


@pytest.mark.parametrize(("rounds", "each"), [(1, 600), (10, 60), (10, 3)])
def test_a_proven_objective_has_the_headroom_that_the_samples_show(rounds, each):
    drawn = np.random.default_rng(4)
    times = np.exp(3 + 0.1 * drawn.standard_normal(rounds * each))
    frame = pd.DataFrame({"round": np.repeat(np.arange(rounds), each), "response_ms": times})
    found = objective_estimate(frame, quantile=0.9, below_ms=500.0)
    assert found.outcome == "stable"
    assert np.quantile(times, 0.9) < found.high < 40
    # The bound does not depend on the limit, and a limit just above it is proven too.
    assert objective_estimate(frame, quantile=0.9, below_ms=5000.0).high == found.high
    assert objective_estimate(frame, quantile=0.9, below_ms=found.high * 1.0001).outcome == "stable"
