from .common_tests import FEWEST_COMMON as FEWEST_COMMON, coverage as coverage
from .common_tests import expected_to_fail as expected_to_fail, hidden_tests as hidden_tests
from .compared_tests import TestComparison as TestComparison, compare_tests as compare_tests
from .compared_tests import expected_tests as expected_tests, lost_tests as lost_tests, united_tests as united_tests
from .flaky import flakiness as flakiness, mass_failures as mass_failures
from .tests_over_runs import pass_history as pass_history, test_run_map as test_run_map
from .transitions import TRANSITIONS as TRANSITIONS, UNMOVED as UNMOVED, failing_tests as failing_tests
from .transitions import renamed as renamed
from .transitions import suite_summary as suite_summary
from .transitions import test_results as test_results, test_transitions as test_transitions
