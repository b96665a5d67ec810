"""What a verdict rests on, by name and hash; and whether all of it is still there, unchanged."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
