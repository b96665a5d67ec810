"""Frames in, results out: pure, seeded, without files or clocks; a subject a folder."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
