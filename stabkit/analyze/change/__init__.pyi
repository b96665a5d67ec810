from .checklist_lines import readiness as readiness
from .coincidence import Suspect as Suspect, area_coincidence as area_coincidence, suspects as suspects
from .journeys import Guard as Guard, JourneyState as JourneyState, journey_states as journey_states
from .recorded_facts import broken_promises as broken_promises
from .recorded_facts import Line as Line, RangeCheck as RangeCheck, distinct_facts as distinct_facts
from .recorded_facts import (
    grave_facts as grave_facts,
    is_grave as is_grave,
    lines as lines,
    missing_commits as missing_commits,
)
from .recorded_facts import range_checks as range_checks
from .risk import (
    RANK_LEVELS as RANK_LEVELS,
    ChangeRisk as ChangeRisk,
    Reason as Reason,
    assess_changes as assess_changes,
)
from .risk import change_risk as change_risk
