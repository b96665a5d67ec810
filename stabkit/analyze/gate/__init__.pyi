from .evaluation import evaluate_gate
from .looks import Look, look_confidence, look_verdict, read_looks, undecided, write_looks
from .self_noise import SelfPair, measure_noise

__all__ = [
    "Look",
    "SelfPair",
    "evaluate_gate",
    "look_confidence",
    "look_verdict",
    "measure_noise",
    "read_looks",
    "undecided",
    "write_looks",
]
