"""Warm kernels: forked from a process that has imported what notebooks need, equal to kernels started plainly."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
