from .caught import CAUGHT_SHOWN as CAUGHT_SHOWN, CaughtMap as CaughtMap
from .dumbbell import TIMES_SHOWN as TIMES_SHOWN, DumbbellChart as DumbbellChart
from .events import EVENTS_SHOWN as EVENTS_SHOWN, EventTimeline as EventTimeline
from .findings import AgeBars as AgeBars, NewFixedBars as NewFixedBars, OpenBars as OpenBars
from .history import HistoryLines as HistoryLines, LevelLines as LevelLines
from .impact import AREAS_SHOWN as AREAS_SHOWN, ImpactBars as ImpactBars, RankStrip as RankStrip
from .objectives import HeadroomChart as HeadroomChart
from .resources import ResourceLines as ResourceLines
from .rounds import RoundLines as RoundLines
from .shift import ShiftPlot as ShiftPlot
from .sparkline import COLUMNS as COLUMNS, PastResult as PastResult, Sparkline as Sparkline
from .state import choose_backend as choose_backend, draw_once as draw_once, settings_file as settings_file
from .strip import Strip as Strip
from .tail import SHARES as SHARES, TailCurve as TailCurve
from .tests import NotPassingBars as NotPassingBars, StatusMap as StatusMap, SuiteBars as SuiteBars
