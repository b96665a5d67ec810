"""A verdict in the forms that other tools read: JUnit XML, SARIF, OpenMetrics."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
