from .comparing import Lost as Lost, lost_since as lost_since
from .recording import MOST_NEWEST as MOST_NEWEST, recorded as recorded
