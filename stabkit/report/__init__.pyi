from .aa_table import noise_table
from .compliance import compliance_history
from .deltas import latency_deltas
from .explanation import explain, explanation_document, find_condition
from .impact import change_impact
from .lists import (
    check_document,
    check_statement,
    compaction_statement,
    compare_scans,
    difference,
    difference_tables,
    pruning_statement,
    run_table,
    source_table,
)
from .metric_trend import margin_of, trend
from .sarif import new_findings_log
from .stability import stability_report
from .test_history import test_trends

__all__ = [
    "change_impact",
    "check_document",
    "check_statement",
    "compaction_statement",
    "compare_scans",
    "compliance_history",
    "difference",
    "difference_tables",
    "explain",
    "explanation_document",
    "find_condition",
    "latency_deltas",
    "margin_of",
    "new_findings_log",
    "noise_table",
    "pruning_statement",
    "run_table",
    "source_table",
    "stability_report",
    "test_trends",
    "trend",
]
