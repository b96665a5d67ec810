"""What callers of the repository's own code rely on: its public names and signatures, commands and options."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
