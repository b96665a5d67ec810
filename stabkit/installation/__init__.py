"""Installation: which distribution brought this code, and which packages it came without."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
