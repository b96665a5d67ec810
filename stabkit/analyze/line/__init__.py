"""The runs of one system over time: how much they differ by themselves, and whether a new one still belongs to them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
