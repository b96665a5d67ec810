from .advice import advise as advise
from .builds import PLACEHOLDERS as PLACEHOLDERS, Build as Build, Happened as Happened, find_builds as find_builds
from .builds import happened as happened, has_placeholder as has_placeholder, in_time_order as in_time_order
from .builds import time_of as time_of
from .detection import Detected as Detected, detect_project as detect_project
from .retries import number_attempts as number_attempts
from .session import Collection as Collection, baseline_state as baseline_state, collect as collect
from .session import collect_aa as collect_aa
from .windows import Deploy as Deploy
