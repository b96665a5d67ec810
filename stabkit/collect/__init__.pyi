from .advice import advise as advise
from .retries import number_attempts as number_attempts
from .session import Collection as Collection, baseline_state as baseline_state, collect as collect
from .session import collect_aa as collect_aa
