from .breaks import answer_api as answer_api
from .entry_points import answer_entry_points as answer_entry_points
from .modules import answer_modules as answer_modules
