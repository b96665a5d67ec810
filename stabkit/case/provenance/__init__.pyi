from .compared import Difference as Difference, compared as compared
from .recorded import MOST_NEWEST as MOST_NEWEST, recorded as recorded
