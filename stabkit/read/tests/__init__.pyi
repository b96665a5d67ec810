from .junit import MASKED as MASKED
