"""What pipelines and containers may do: the rights that a file of theirs grants."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
