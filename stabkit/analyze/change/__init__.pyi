from .checklist_lines import readiness as readiness
from .impact import area_coincidence as area_coincidence, assess_changes as assess_changes
from .recorded_facts import RangeCheck as RangeCheck, distinct_facts as distinct_facts
from .recorded_facts import grave_facts as grave_facts, range_checks as range_checks
