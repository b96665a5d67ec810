from .change_points import Change, History
from .drift import Drift
from .trends import analyze_history, detect_changes, detect_drift, run_history

__all__ = ["Change", "Drift", "History", "analyze_history", "detect_changes", "detect_drift", "run_history"]
