"""What a report shows: figures, tables, statements and checklists, each once as an object; ``answer`` has the verdict.

An object answers every reader with the same content: HTML for notebooks and pages (escaped by Jinja2; only tags that an
untrusted notebook keeps), Markdown, plain text for terminals, and ``application/vnd.stabkit+json``, the piece of the
result it stands for, from which ``page`` makes the report's JSON. All text given to it is untrusted.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
