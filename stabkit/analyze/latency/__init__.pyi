from .comparison import LatencyComparison, compare_latency, quantile_shift
from .lateness import crowded, own_lateness, prober_late, slow_by_prober, without_lateness
from .objectives import objective_estimate
from .populations import Population, find_populations, judged_rows, judged_times, measured_times
from .rates import compare_failures
from .resources import compare_resource
from .slow_requests import compare_slow_requests, default_margin

__all__ = [
    "LatencyComparison",
    "Population",
    "compare_failures",
    "compare_latency",
    "compare_resource",
    "compare_slow_requests",
    "crowded",
    "default_margin",
    "find_populations",
    "judged_rows",
    "judged_times",
    "measured_times",
    "objective_estimate",
    "own_lateness",
    "prober_late",
    "quantile_shift",
    "slow_by_prober",
    "without_lateness",
]
