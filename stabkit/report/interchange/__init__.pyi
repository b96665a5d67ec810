from .announced import error_announcement as error_announcement, gate_announcement as gate_announcement
from .junit_results import gate_junit as gate_junit
from .metrics_text import gate_metrics as gate_metrics
from .sarif import gate_log as gate_log, new_findings_log as new_findings_log
