"""What a repository depends on, in every common ecosystem: declared ranges and resolved versions."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
