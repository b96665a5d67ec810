from .dumbbell import TIMES_SHOWN as TIMES_SHOWN, describe_dumbbell as describe_dumbbell, plot_dumbbell as plot_dumbbell
from .events import EVENTS_SHOWN as EVENTS_SHOWN, describe_events as describe_events, plot_events as plot_events
from .findings import describe_ages as describe_ages, describe_new_fixed as describe_new_fixed
from .findings import describe_open as describe_open, plot_ages as plot_ages, plot_new_fixed as plot_new_fixed
from .findings import plot_open as plot_open
from .history import describe_history as describe_history, plot_history as plot_history
from .impact import AREAS_SHOWN as AREAS_SHOWN, describe_impact as describe_impact, plot_impact as plot_impact
from .objectives import describe_objectives as describe_objectives, plot_objectives as plot_objectives
from .resources import describe_resources as describe_resources, plot_resources as plot_resources
from .shift import describe_shift as describe_shift, plot_shift as plot_shift
from .sparkline import COLUMNS as COLUMNS, PastResult as PastResult, Sparkline as Sparkline
from .strip import Strip as Strip
from .tail import SHARES as SHARES, describe_tail as describe_tail, plot_tail as plot_tail
from .tests import describe_not_passing as describe_not_passing, describe_test_map as describe_test_map
from .tests import plot_not_passing as plot_not_passing, plot_test_map as plot_test_map
