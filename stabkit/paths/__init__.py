"""Paths: of files as people write them, and of fields within JSON documents."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
