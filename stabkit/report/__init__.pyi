from .aa_table import noise_table as noise_table
from .gate_backtest import backtest as backtest, backtest_document as backtest_document
from .compliance import compliance_history as compliance_history
from .deltas import latency_deltas as latency_deltas
from .explanation import explain as explain, explanation_document as explanation_document
from .explanation import find_condition as find_condition
from .impact import ChangeImpact as ChangeImpact, change_impact as change_impact
from .lists import check_document as check_document, check_statement as check_statement
from .lists import compaction_statement as compaction_statement
from .lists import difference as difference, difference_tables as difference_tables
from .lists import format_table as format_table
from .lists import pruning_statement as pruning_statement, run_table as run_table, source_table as source_table
from .lists import verification_table as verification_table
from .metric_trend import margin_of as margin_of, trend as trend
from .moved_series import moved_histories as moved_histories, one_history as one_history
from .moved_series import survey_sections as survey_sections
from .interchange import error_announcement as error_announcement, gate_announcement as gate_announcement
from .interchange import gate_junit as gate_junit, gate_log as gate_log, gate_metrics as gate_metrics
from .interchange import new_findings_log as new_findings_log
from .stability import stability_report as stability_report
from .store_contents import stored_runs as stored_runs
from .test_history import test_trends as test_trends
