"""What comes with stabkit, notebooks and a recorded history: found where it is installed, copied to where one works."""

from __future__ import annotations

import importlib.resources
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from stabkit.errors import NotebookError, StabkitError, StoreError, UsageError
from stabkit.installation import Plugin, load_plugins
from stabkit.text import capital, plain

__all__ = [
    "BUNDLED",
    "bundled_folder",
    "copy_notebooks",
    "copy_sample",
    "plugged_notebooks",
    "sample_folder",
    "write_own_notebook",
]

#: The notebooks that come with stabkit, in the order in which they are read.
BUNDLED: Final = (
    "stability_report", "latency_deltas", "test_trends", "compliance_history", "change_impact", "backtest", "explore",
)  # fmt: skip
# What Python and Jupyter leave beside files that they read.
_OWN: Final = "own_notebook.ipynb"
_PARAMETER: Final = re.compile(r'^(?P<name>\w+): str = "[^"]*"', re.MULTILINE)
_LEFT_BEHIND: Final = ("__pycache__", ".ipynb_checkpoints")


def bundled_folder() -> Path:
    """Return the folder of the notebooks that come with stabkit: inside the package, or beside it in a checkout.

    Raises
    ------
    NotebookError
        They are not installed.
    """
    lacking = "The notebooks that come with stabkit are not installed."
    hint = "Install stabkit again, or give the path of a notebook."
    return _installed("_notebooks", "notebooks", NotebookError, lacking, hint)


@cache
def plugged_notebooks() -> Mapping[str, Path]:
    """Return the notebooks that other packages bring, by name: the file of that name in the package they point to."""
    found = load_plugins("notebooks", _fault_of, BUNDLED)
    return {name: _notebook_of(name, module) for name, (_, module) in found.items()}


def _fault_of(plugin: Plugin, module: Any) -> str | None:
    if not getattr(module, "__path__", None):
        return "its entry point names no package"
    return None if _notebook_of(plugin.name, module).is_file() else f"{plugin.name}.ipynb is not in the package"


def _notebook_of(name: str, package: Any) -> Path:
    return Path(str(importlib.resources.files(package)), f"{name}.ipynb")


def sample_folder() -> Path:
    """Return the folder of the recorded history: inside the package, or beside it in a checkout.

    Raises
    ------
    StoreError
        It is not installed.
    """
    lacking = "The recorded history that comes with stabkit is not installed."
    return _installed("_sample", "data/sample", StoreError, lacking, "Install stabkit again.")


def copy_sample(folder: Path) -> None:
    """Put a copy of the recorded history into a folder that is new or empty.

    Raises
    ------
    UsageError
        Something is there already, which is left as it is; or the folder cannot be written.
    StoreError
        It is not installed.
    """
    sample = sample_folder()
    files = (path for path in sorted(sample.rglob("*")) if path.is_file())
    _copy({path.relative_to(sample).as_posix(): path for path in files}, folder)


def copy_notebooks(folder: Path) -> None:
    """Put copies of the notebooks that come with stabkit into a folder that is new or empty.

    Raises
    ------
    UsageError
        Something is there already, which is left as it is; or the folder cannot be written.
    NotebookError
        They are not installed.
    """
    notebooks = bundled_folder()
    _copy({f"{name}.ipynb": notebooks / f"{name}.ipynb" for name in BUNDLED}, folder)


def write_own_notebook(file: Path, parameters: Mapping[str, str]) -> None:
    """Write a notebook of one's own: parameters, a verdict, a frame, a comparison and a figure, to begin from.

    Parameters
    ----------
    file : Path
        A new ``.ipynb``; its name is the title.
    parameters : mapping
        Values in place of those that fit the recorded history.

    Raises
    ------
    UsageError
        Something is there already, which is left as it is; or it cannot be written.
    """
    notebook = json.loads((_package() / "pipeline" / _OWN).read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
        if cell["source"].startswith("# "):
            cell["source"] = f"# {capital(plain(file.stem.replace('_', ' ').replace('-', ' ')))}"
        if "parameters" in cell["metadata"].get("tags", []):
            cell["source"] = _PARAMETER.sub(lambda line: _given(line, parameters), cell["source"])
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as written:
            written.write(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        if file.exists() or file.is_symlink():
            hint = "Nothing is overwritten: choose another name, or move it away."
            raise UsageError("The notebook is there already.", where=str(file), hint=hint) from error
        raise UsageError(
            f"The notebook cannot be written: {error.strerror or error}.", where=str(file), hint="Choose another name."
        ) from error


def _given(line: re.Match[str], parameters: Mapping[str, str]) -> str:
    """Return a line of the parameters cell with the value that is given for it."""
    value = parameters.get(line["name"])
    return line[0] if value is None else f"{line['name']}: str = {json.dumps(value, ensure_ascii=False)}"


def _package() -> Path:
    return Path(str(importlib.resources.files("stabkit")))


def _installed(inside: str, beside: str, error: type[StabkitError], lacking: str, hint: str) -> Path:
    package = _package()
    folder = next((folder for folder in (package / inside, package.parent / beside) if folder.is_dir()), None)
    if folder is None:
        raise error(lacking, where=str(package), hint=hint)
    return folder


def _copy(files: Mapping[str, Path], folder: Path) -> None:
    """Copy files by their new names, all or none: what is half made has another name, and is gone in the end."""
    _check_free(folder)
    there = folder.is_dir()  # and maybe the working folder, which nothing can take the place of
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".stabkit-", dir=folder if there else folder.parent) as made:
            whole = Path(made, "whole")
            for name, source in files.items():
                if not set(source.parts) & set(_LEFT_BEHIND):
                    target = whole / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    # The content alone: where stabkit is installed, files may be for reading only.
                    shutil.copyfile(source, target)
            for piece in sorted(whole.iterdir()) if there else [whole]:
                piece.rename(folder / piece.name if there else folder)
    except OSError as error:
        raise UsageError(
            f"The folder cannot be written: {error.strerror or error}.", where=str(folder), hint="Choose another one."
        ) from error


def _check_free(folder: Path) -> None:
    """Refuse a place where anything is: a file, a link to nowhere, a folder that holds something."""
    taken = folder.is_symlink() or folder.exists()
    if taken and (not folder.is_dir() or any(folder.iterdir())):
        what = "The folder is there already, and is not empty." if folder.is_dir() else "Something else is there."
        raise UsageError(what, where=str(folder), hint="Nothing is overwritten: name another folder, or move it away.")
