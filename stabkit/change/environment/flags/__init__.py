"""Feature flags: where a system asks for one, and the files that set them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
