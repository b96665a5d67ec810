from .again import AGAIN, Again
from .earlier import look_back
from .loaded import Case, load_case
from .run_evidence import existing, run_before, sketches_of, states_its_start
from .self_pairs import known_noise
from .settings import find_settings, find_settings_file, places

__all__ = [
    "AGAIN",
    "Again",
    "Case",
    "existing",
    "find_settings",
    "find_settings_file",
    "known_noise",
    "load_case",
    "look_back",
    "places",
    "run_before",
    "sketches_of",
    "states_its_start",
]
