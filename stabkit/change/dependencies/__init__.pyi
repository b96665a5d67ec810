from .compared import answer_dependencies as answer_dependencies
