from .fields import MISSING as MISSING, find_field as find_field, read_json as read_json
from .files import expanded as expanded, on_this_machine as on_this_machine
from .files import open_regular as open_regular, read_bounded as read_bounded
from .owners import other_owner as other_owner
