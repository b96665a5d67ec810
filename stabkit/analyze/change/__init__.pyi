from .checklist_lines import readiness
from .impact import area_coincidence, assess_changes

__all__ = ["area_coincidence", "assess_changes", "readiness"]
