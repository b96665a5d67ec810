from .containers import UnavailableError as UnavailableError, find_group as find_group
from .declared import declared_probes as declared_probes
from .machine import Machine as Machine, calibrate as calibrate
from .limits import TimeLimit as TimeLimit, check_limits as check_limits
from .prometheus import RangeAnswer as RangeAnswer, ask_range as ask_range
from .rounds import Interrupted as Interrupted, Probe as Probe, Progress as Progress, run_rounds as run_rounds
