from .change_points import Change as Change, History as History
from .drift import Drift as Drift
from .trends import analyze_history as analyze_history, detect_changes as detect_changes, detect_drift as detect_drift
from .trends import REPLAYS as REPLAYS, line_changes as line_changes
from .trends import replayed_changes as replayed_changes, run_history as run_history
from .surveys import FALSE_SHARE as FALSE_SHARE, Moved as Moved, Survey as Survey
from .surveys import merged_surveys as merged_surveys, survey as survey
from .resolution import beyond_resolution as beyond_resolution
