from .outcome import ConditionResult, Estimate, Gate, Need, Outcome, to_json
from .sides import RunEvidence, Sides

__all__ = ["ConditionResult", "Estimate", "Gate", "Need", "Outcome", "RunEvidence", "Sides", "to_json"]
