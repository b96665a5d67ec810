from .compatibility import answer_old_code as answer_old_code
from .rollback import answer_rollback as answer_rollback
from .tables import answer_schema as answer_schema
