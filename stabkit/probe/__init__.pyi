from .containers import UnavailableError, find_group
from .declared import declared_probes
from .limits import TimeLimit, check_limits
from .prometheus import RangeAnswer, ask_range
from .rounds import Interrupted, Probe, Progress, run_rounds

__all__ = [
    "Interrupted",
    "Probe",
    "Progress",
    "RangeAnswer",
    "TimeLimit",
    "UnavailableError",
    "ask_range",
    "check_limits",
    "declared_probes",
    "find_group",
    "run_rounds",
]
