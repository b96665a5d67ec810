"""Times, failures and readings of two runs compared: which samples are judged, and by which bounds."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
