from .finding_states import FindingResult as FindingResult, match_findings as match_findings
from .flaky_tests import FlakinessResult as FlakinessResult, flakiness as flakiness
from .histories import ChangesResult as ChangesResult, DriftResult as DriftResult, HistoryChange as HistoryChange
from .histories import detect_changes as detect_changes, detect_drift as detect_drift
from .rates import RateResult as RateResult, compare_rates as compare_rates
from .readings import ResourceResult as ResourceResult, compare_resource as compare_resource
from .result import FrameResult as FrameResult, condition_rows as condition_rows
from .times import LatencyResult as LatencyResult, compare_latency as compare_latency
