"""What we measure ourselves: HTTP, WebSocket, resources, and readings that Prometheus holds."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
