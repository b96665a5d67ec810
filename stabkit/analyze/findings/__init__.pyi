from .findings_over_runs import finding_ages, finding_history
from .hunks import stored_hunks
from .matching import FINDING_STATES, FindingComparison, match_findings, severity_rank
from .scores import FORMULAS, score_claims, score_conflicts

__all__ = [
    "FINDING_STATES",
    "FORMULAS",
    "FindingComparison",
    "finding_ages",
    "finding_history",
    "match_findings",
    "score_claims",
    "score_conflicts",
    "severity_rank",
    "stored_hunks",
]
