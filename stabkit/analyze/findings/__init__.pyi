from .compared_findings import compare_findings as compare_findings, united_findings as united_findings
from .findings_over_runs import finding_ages as finding_ages, finding_history as finding_history
from .hunks import read_hunks as read_hunks, stored_hunks as stored_hunks
from .matching import FINDING_STATES as FINDING_STATES, GONE as GONE, FindingComparison as FindingComparison
from .matching import match_findings as match_findings
from .scores import FORMULAS as FORMULAS, score_claims as score_claims, score_conflicts as score_conflicts
