"""What is slow at the beginning alone is named as a cold start; what stays slow is not."""

import numpy as np
import pandas as pd
import pytest

from stabkit.analyze.latency import Population, cold_start


def side(times):
    """Return requests of a frame: an array of rounds, each an array of ms."""
    rounds = np.repeat(np.arange(len(times)), [len(own) for own in times])
    rows = pd.DataFrame({"round": rounds, "response_ms": np.concatenate(times), "warmup": False, "ok": True})
    return rows.assign(service_ms=None, value=None, unit=None)


STEADY = np.full((12, 20), 20.0)


def cold_rounds(n):
    times = STEADY.copy()
    times[:n] *= 10
    return times


def cold_requests(n):
    times = STEADY.copy()
    times[:, :n] *= 5
    return times


@pytest.mark.parametrize(
    ("times", "found"),
    [
        (STEADY, None),
        (cold_rounds(2), ("cold_rounds", (("rounds", 2.0), ("times", 10.0)))),
        (cold_requests(3), ("cold_requests", (("requests", 3.0), ("times", 5.0)))),
        (cold_rounds(8), None),
        (cold_rounds(2)[::-1], None),
        (np.random.default_rng(1).permutation(cold_rounds(2)), None),
        (cold_rounds(1)[:3], None),
    ],
)
@pytest.mark.parametrize("cold", ["baseline", "candidate"])
def test_a_slow_beginning_is_a_cold_start(times, found, cold) -> None:
    sides = {"baseline": side(STEADY), "candidate": side(STEADY), cold: side(times)}
    needs = cold_start(Population("api", "response_time", None, **sides))
    assert [(need.about, need.numbers, need.side) for need in needs] == ([] if found is None else [(*found, cold)])
