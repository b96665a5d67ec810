"""Secrets removed from text before it reaches a store, a log, a notebook or a page: by value, and by shape."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
