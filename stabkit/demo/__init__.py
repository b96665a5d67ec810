"""A real small service in two versions, so that the whole way runs on one machine, offline."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
