from .checklist_lines import readiness as readiness
from .impact import area_coincidence as area_coincidence, assess_changes as assess_changes
