"""What a page states of itself, signed if asked; and whether that still holds."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
