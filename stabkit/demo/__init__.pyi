from .scenarios import SCENARIOS as SCENARIOS
from .tour import walk as walk
