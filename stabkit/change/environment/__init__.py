"""What the running system reads: environment variables, configuration files, feature flags."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
