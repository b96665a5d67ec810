"""The facts of a git range: changed files and the lines of the checklist."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
