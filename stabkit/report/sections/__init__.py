"""The sections of a report: each shows what the case holds, and computes nothing again."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
