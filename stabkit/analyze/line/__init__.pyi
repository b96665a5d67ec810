from .comparison import (
    SEPARATE_MARGINS as SEPARATE_MARGINS,
    LineComparison as LineComparison,
    compare_with_line as compare_with_line,
)
from .comparison import left_out_of_line as left_out_of_line, line_run_noise as line_run_noise
from .judging import FEWEST_RUNS as FEWEST_RUNS, LineJudgement as LineJudgement, judge_on_line as judge_on_line
from .machines import different_machine as different_machine
from .summary import earlier_run as earlier_run
