from .compliance import score_pieces
from .gaps import absent
from .metrics import key_metrics, strip
from .overall import verdict
from .tests import map_figure, not_passing_figure

__all__ = ["absent", "key_metrics", "map_figure", "not_passing_figure", "score_pieces", "strip", "verdict"]
