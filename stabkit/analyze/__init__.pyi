from .acceptances import Accepted as Accepted, accepted_between as accepted_between
from .acceptances import accepted_risk as accepted_risk, finding_names as finding_names
from .checks import CheckComparison as CheckComparison, united_checks as united_checks, worst_checks as worst_checks
from .earlier import EarlierRun as EarlierRun, Measure as Measure, RunValue as RunValue
from .facts import About as About, Difference as Difference, Measured as Measured, Missing as Missing, Need as Need
from .facts import NeedReason as NeedReason, NeedUnit as NeedUnit
from .outcome import CollectionPlan as CollectionPlan
from .outcome import ConditionResult as ConditionResult, Estimate as Estimate, Gate as Gate, Outcome as Outcome
from .outcome import combine as combine, result_of as result_of, to_json as to_json
from .rows import records as records
from .sides import RunEvidence as RunEvidence, Sides as Sides
