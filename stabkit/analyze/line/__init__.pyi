from .judging import FEWEST_RUNS as FEWEST_RUNS, LineJudgement as LineJudgement, judge_on_line as judge_on_line
from .runs import RunValue as RunValue
