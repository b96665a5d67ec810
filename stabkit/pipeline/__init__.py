"""Running notebooks and writing their reports."""

import sys

# jsonschema imports this module if it is there, which compiles some 35 grammars for a format that notebooks never use:
# three of four seconds of every start. Kernels and ``collect``, which validates payloads, see jsonschema in full.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
