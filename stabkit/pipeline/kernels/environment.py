"""What kernels that make reports are given: their environment, and where they may import from.

The folder that a command is called in may be anybody's: a ``pandas.py`` that lies there is not to run because a report
is made. A kernel imports from its working folder only where the notebook lies there itself, as in JupyterLab.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

__all__ = ["apart", "kernel_environment", "lives_in"]

# A caller's MPLBACKEND=Agg, common on servers, would silently take every pyplot figure away; the kernel's debugger
# warns at every start.
_OURS: Final = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
_SAFE_PATH: Final = "-P"


def kernel_environment(*, at_home: bool = True) -> dict[str, str]:
    """Return this process' environment as a kernel is given it.

    Parameters
    ----------
    at_home : bool
        Else the kernel imports nothing from its working folder. An empty entry of ``PYTHONPATH`` means that folder, and
        is mostly what ``PYTHONPATH=$PYTHONPATH:/more`` leaves of a variable that was not set.
    """
    environment = os.environ | _OURS
    if not at_home and "PYTHONPATH" in environment:
        paths = [path for path in environment.pop("PYTHONPATH").split(os.pathsep) if path]
        environment |= {"PYTHONPATH": os.pathsep.join(paths)} if paths else {}
    return environment


def apart(command: Sequence[str]) -> list[str]:
    """Return the command that starts a Python kernel, so that it imports nothing from its working folder.

    A command that is no interpreter followed by a module is left as it is: it may be a program of any kind.

    Examples
    --------
    >>> apart(["python3", "-m", "ipykernel_launcher", "-f", "{connection_file}"])
    ['python3', '-P', '-m', 'ipykernel_launcher', '-f', '{connection_file}']
    >>> apart(["conda", "run", "python", "-m", "ipykernel_launcher"])
    ['conda', 'run', 'python', '-P', '-m', 'ipykernel_launcher']
    >>> apart(["start-kernel", "-f", "{connection_file}"])
    ['start-kernel', '-f', '{connection_file}']
    """
    words = list(command)
    place = words.index("-m") if "-m" in words else 0
    return [*words[:place], _SAFE_PATH, *words[place:]] if place and _SAFE_PATH not in words[:place] else words


def lives_in(notebook: Path, folder: Path) -> bool:
    """Say whether a notebook lies in a folder itself, not below it.

    Examples
    --------
    >>> lives_in(Path("notebooks/explore.ipynb"), Path("notebooks")), lives_in(Path("notebooks/explore.ipynb"), Path())
    (True, False)
    """
    return notebook.is_file() and notebook.resolve().parent == folder.resolve()
