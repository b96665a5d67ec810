from .dumbbell import TIMES_SHOWN, describe_dumbbell, plot_dumbbell
from .events import EVENTS_SHOWN, describe_events, plot_events
from .findings import describe_ages, describe_new_fixed, describe_open, plot_ages, plot_new_fixed, plot_open
from .history import describe_history, plot_history
from .impact import AREAS_SHOWN, describe_impact, plot_impact
from .objectives import describe_objectives, plot_objectives
from .resources import describe_resources, plot_resources
from .shift import describe_shift, plot_shift
from .sparkline import COLUMNS, PastResult, Sparkline
from .strip import Strip
from .tail import SHARES, describe_tail, plot_tail
from .tests import describe_not_passing, describe_test_map, plot_not_passing, plot_test_map

__all__ = [
    "AREAS_SHOWN",
    "COLUMNS",
    "EVENTS_SHOWN",
    "SHARES",
    "TIMES_SHOWN",
    "PastResult",
    "Sparkline",
    "Strip",
    "describe_ages",
    "describe_dumbbell",
    "describe_events",
    "describe_history",
    "describe_impact",
    "describe_new_fixed",
    "describe_not_passing",
    "describe_objectives",
    "describe_open",
    "describe_resources",
    "describe_shift",
    "describe_tail",
    "describe_test_map",
    "plot_ages",
    "plot_dumbbell",
    "plot_events",
    "plot_history",
    "plot_impact",
    "plot_new_fixed",
    "plot_not_passing",
    "plot_objectives",
    "plot_open",
    "plot_resources",
    "plot_shift",
    "plot_tail",
    "plot_test_map",
]
