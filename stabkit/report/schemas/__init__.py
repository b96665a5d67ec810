"""The JSON Schemas of results: what each command prints as JSON, and what lies beside a page."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
