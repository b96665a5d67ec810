"""What a folder holds that stabkit.toml can name: reports, suites, endpoints, areas; nothing is run."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
