"""Requests on a schedule, over connections of their own, and what their answers owe."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
