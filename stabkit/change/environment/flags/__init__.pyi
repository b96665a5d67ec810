from .compared import answer_flags as answer_flags
