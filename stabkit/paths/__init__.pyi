from .fields import MISSING as MISSING, find_field as find_field, read_json as read_json
from .files import expanded as expanded, on_this_machine as on_this_machine
