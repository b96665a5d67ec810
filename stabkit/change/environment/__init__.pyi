from .configuration import answer_configuration as answer_configuration
from .flags import answer_flags as answer_flags
from .names import answer_environment as answer_environment
