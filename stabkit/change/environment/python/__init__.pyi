from .bindings import Names as Names, literal as literal
from .django_settings import SETTINGS as SETTINGS, is_settings_module as is_settings_module
from .django_settings import settings_given as settings_given
from .reads import may_read as may_read, python_uses as python_uses
