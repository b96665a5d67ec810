"""Notebooks as a pipeline: found, executed by papermill, rendered, in batches too."""

import sys

import lazy_loader

# jsonschema imports this module if it is there, which compiles some 35 grammars for a format that notebooks never use:
# three of four seconds of every start. Kernels and ``collect``, which validates payloads, see jsonschema in full.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
