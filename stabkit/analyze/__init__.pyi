from .checks import CheckComparison as CheckComparison, united_checks as united_checks, worst_checks as worst_checks
from .outcome import ConditionResult as ConditionResult, Estimate as Estimate, Gate as Gate, Need as Need
from .outcome import Outcome as Outcome, to_json as to_json
from .sides import RunEvidence as RunEvidence, Sides as Sides
