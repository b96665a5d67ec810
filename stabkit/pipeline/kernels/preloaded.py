"""What kernels find imported, and whether that is still what they would import themselves."""

from __future__ import annotations

import builtins
import contextlib
import importlib
import io
import os
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Final

__all__ = ["Preloaded"]

# What every kernel imports until it can be asked.
_KERNEL: Final = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "ipykernel.debugger",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "psutil",
    "tornado.platform.asyncio",
    "tornado.queues",
)
# What a notebook of reports takes most of its start for. Not pyplot and matplotlib_inline: their import looks for the
# shell that they are to draw for, and there is none yet.
_LIBRARIES: Final = (
    "duckdb",
    "jinja2",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "matplotlib.figure",
    "numpy",
    "pandas",
    "pandas.core.methods.to_dict",
    "pandas.io.formats.format",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "threadpoolctl",
)
_ROOMS: Final = ("analyze", "case", "change", "chart", "config", "report", "store")
_OF_PAGES: Final = ("stabkit.report.page", "stabkit.report.index")  # no kernel writes one
_IMPORTABLE: Final = (".py", ".pyc", ".so")
_INSTALLED: Final = ("dist-packages", "site-packages")


class Preloaded:
    """The modules imported ahead, by now; a figure has been drawn, so that the fonts are found.

    Attributes
    ----------
    names : set of str
        Top-level modules that a kernel by itself would not have imported.
    environment : dict of str to str
        Variables that the imports of every kernel have set.
    """

    def __init__(self) -> None:
        before = dict(os.environ)
        for name in _KERNEL:
            importlib.import_module(name)
        self.environment = {name: value for name, value in os.environ.items() if name not in before}
        plain = set(sys.modules)
        with _as_in_a_kernel():
            for name in _LIBRARIES:
                importlib.import_module(name)
            for room in _ROOMS:
                _import_all(f"stabkit.{room}")
            from stabkit.chart import draw_once

            draw_once()
        self.names = {name.partition(".")[0] for name in set(sys.modules) - plain}
        self._files = _files()
        self._stamps = _stamps(self._files)

    def is_stale(self) -> bool:
        """Say whether a file that was imported is another by now, or matplotlib would take other settings."""
        return _stamps(self._files) != self._stamps

    def hidden_by(self, folder: str) -> str | None:
        """Return what a kernel started in a folder would take from there instead; None if there is no such thing.

        A working folder comes before what is installed, unless nothing is imported from it, and its ``matplotlibrc``
        before the user's.
        """
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name.partition(".")[0]
                imported = not sys.flags.safe_path and name in self.names
                if name == "matplotlibrc" or (imported and _hides(entry, name)):
                    return entry.name
        return None


@contextlib.contextmanager
def _as_in_a_kernel() -> Iterator[None]:
    """Let imports see what they would look for: pandas asks once if tables are for a terminal, and its code."""
    stdout = sys.stdout
    sys.stdout = io.TextIOWrapper(io.BytesIO(), encoding="UTF-8")
    builtins.get_ipython = lambda: SimpleNamespace(kernel=None)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        del builtins.get_ipython  # type: ignore[attr-defined]
        sys.stdout = stdout


def _import_all(name: str) -> None:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        if not module.name.startswith(_OF_PAGES):
            importlib.import_module(module.name)


def _files() -> list[str]:
    """Return the files of all that is imported; read from the modules' own names, as some import on any question."""
    known = [getattr(module, "__dict__", {}) for module in tuple(sys.modules.values())]
    return [file for names in known if isinstance(file := names.get("__file__"), str)]


def _stamps(files: Sequence[str]) -> list[tuple[int, int, int] | str | None]:
    from stabkit.chart import settings_file

    settings = settings_file()
    return [settings, *(_stamp(file) for file in (*files, settings))]


def _stamp(file: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 - two thousand of them before each fork
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _hides(entry: os.DirEntry[str], name: str) -> bool:
    """Say whether it is another module of that name, found before the imported one."""
    found = entry.name.endswith(_IMPORTABLE) or any(Path(entry.path, f"__init__{end}").exists() for end in _IMPORTABLE)
    if not found:  # a folder without that gives way to what is installed
        return False
    file = vars(sys.modules[name]).get("__file__") if name in sys.modules else None
    if file is None:
        return True
    place = Path(file).parent if Path(file).name.startswith("__init__.") else Path(file)
    return str(place.parent) not in _before_the_folder() and not (place.exists() and place.samefile(entry.path))


def _before_the_folder() -> list[str]:
    """Return what is searched before the working folder: IPython puts that right before what is installed."""
    names = [Path(place).name for place in sys.path]
    return sys.path[: min((names.index(name) for name in _INSTALLED if name in names), default=0)]
