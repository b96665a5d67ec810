from .floor import measure_floor as measure_floor
from .http_probe import HttpProbe as HttpProbe
