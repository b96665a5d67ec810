"""A home for Jupyter where the user has none: containers run users without one, or with one that nobody may write."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from stabkit.pipeline.kernels import SETTING

__all__ = ["find_home"]

# Where they put what they keep, each below the home folder.
_KEPT: Final = {"IPYTHONDIR": "ipython", "JUPYTER_RUNTIME_DIR": "jupyter", "MPLCONFIGDIR": "matplotlib"}


@cache
def find_home() -> None:
    """Give Jupyter a folder for this process where there is no home folder, or none that can be written.

    Only what is missing is set: a home that can be read stays the home.
    """
    try:
        home = Path.home()
    except RuntimeError:
        home = None
    if home is not None and os.access(home, os.W_OK) and _keeps_files(home):
        return
    folder = tempfile.mkdtemp(prefix="stabkit-home-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.setdefault(SETTING, "0")  # what is kept for later would have lost its home by then
    if home is None:
        os.environ["HOME"] = folder
    for variable, name in _KEPT.items():
        os.environ.setdefault(variable, str(Path(folder, name)))


def _keeps_files(home: Path) -> bool:
    """Say whether a file can be written there: the mode bits alone do not tell of file systems that take none."""
    try:
        with tempfile.TemporaryFile(dir=home):
            return True
    except OSError:
        return False
