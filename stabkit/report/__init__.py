"""Results as pages: an object for each notebook, with a method for each section."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
