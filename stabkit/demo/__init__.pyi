from .scenarios import SCENARIOS
from .tour import walk

__all__ = ["SCENARIOS", "walk"]
