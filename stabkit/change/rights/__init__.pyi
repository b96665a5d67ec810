from .widened import answer_permissions as answer_permissions
