"""The environment of kernels that make reports."""

from __future__ import annotations

import os
from typing import Final

__all__ = ["kernel_environment"]

# A caller's MPLBACKEND=Agg, common on servers, would silently take every pyplot figure away; the kernel's debugger
# warns at every start.
_OURS: Final = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}


def kernel_environment() -> dict[str, str]:
    """Return this process' environment as a kernel is given it."""
    return os.environ | _OURS
