from .cold_starts import cold_start as cold_start
from .comparison import LatencyComparison as LatencyComparison, compare_latency as compare_latency
from .lateness import crowded as crowded, own_lateness as own_lateness, prober_late as prober_late
from .lateness import slow_by_prober as slow_by_prober, without_lateness as without_lateness
from .loads import different_load as different_load, load_facts as load_facts
from .objectives import objective_estimate as objective_estimate
from .populations import JudgedPopulation as JudgedPopulation, Population as Population, Times as Times
from .populations import find_populations as find_populations, judged_populations as judged_populations
from .populations import own_times as own_times
from .quantiles import quantile_shift as quantile_shift, tail_shares as tail_shares
from .rates import compare_counts as compare_counts, compare_failures as compare_failures
from .resources import compare_resource as compare_resource
from .stated import Counts as Counts, StatedRequests as StatedRequests, stated_requests as stated_requests
from .series import apart as apart, worst_of as worst_of
from .lost_rounds import round_gaps as round_gaps
from .slow_requests import compare_slow_requests as compare_slow_requests, default_margin as default_margin
