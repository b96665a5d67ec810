"""Keys, tokens and passwords that a change adds, never shown themselves."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
