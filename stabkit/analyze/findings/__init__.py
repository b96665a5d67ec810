"""Which finding of one scan is which of another: states, history and claimed scores."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
