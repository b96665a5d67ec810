from .common_tests import FEWEST_COMMON, LEFT_OUT, coverage, expected_to_fail, hidden_tests, hidden_text
from .compared_tests import compare_tests, expected_tests, lost_tests
from .flaky import flakiness, mass_failures
from .tests_over_runs import pass_history, test_run_map
from .transitions import TRANSITIONS, renamed, suite_summary, test_results, test_transitions

__all__ = [
    "FEWEST_COMMON",
    "LEFT_OUT",
    "TRANSITIONS",
    "compare_tests",
    "coverage",
    "expected_tests",
    "expected_to_fail",
    "flakiness",
    "hidden_tests",
    "hidden_text",
    "lost_tests",
    "mass_failures",
    "pass_history",
    "renamed",
    "suite_summary",
    "test_results",
    "test_run_map",
    "test_transitions",
]
