"""Telling a verdict to others: webhooks, the comment of a pull or merge request, annotations of Grafana."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
