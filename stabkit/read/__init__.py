"""Evidence files that other tools wrote: test reports, scans, load files, and records of our own."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
