from .advice import advise
from .retries import number_attempts
from .session import Collection, baseline_state, collect, collect_aa

__all__ = ["Collection", "advise", "baseline_state", "collect", "collect_aa", "number_attempts"]
