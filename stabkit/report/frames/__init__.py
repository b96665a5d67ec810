"""The statistics by themselves: frames or arrays of one's own in, results that show themselves out."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
