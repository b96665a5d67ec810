from .junit import MASKED

__all__ = ["MASKED"]
