from .backtest import Backtest as Backtest, CarriedMargin as CarriedMargin
from .backtest import ConditionBacktest as ConditionBacktest, JudgedPair as JudgedPair
from .backtest import NotBacktested as NotBacktested, Outcomes as Outcomes
from .backtest import PlantedOutcomes as PlantedOutcomes, UnchangedPair as UnchangedPair
from .backtest import least_caught as least_caught, run_backtest as run_backtest
from .evaluation import confidence_of as confidence_of
from .evaluation import evaluate_gate as evaluate_gate, evaluate_sides as evaluate_sides
from .exact import compare_exactly as compare_exactly
from .looks import Look as Look, look_confidence as look_confidence, look_verdict as look_verdict
from .looks import read_looks as read_looks, undecided as undecided, write_looks as write_looks
from .planting import Plant as Plant
from .self_noise import SelfPair as SelfPair, measure_noise as measure_noise
