"""Python: the variables that it reads or sets, by whatever name, and the settings that frameworks are asked for."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
