from .floor import measure_floor
from .http_probe import HttpProbe

__all__ = ["HttpProbe", "measure_floor"]
