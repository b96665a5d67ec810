"""Results as matplotlib axes, each with the words of its title and its text alternative."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
