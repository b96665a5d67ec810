"""What a database holds, and what a change does to it: tables, migrations, the way forward and back."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
