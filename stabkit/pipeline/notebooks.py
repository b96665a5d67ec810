"""Finding notebooks and checking what they are given, before any kernel starts."""

from __future__ import annotations

import ast
import contextlib
import json
import shlex
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import nbformat
from nbformat.warnings import MissingIDFieldWarning

from stabkit.errors import NotebookError, UsageError, nearest
from stabkit.pipeline.bundled import BUNDLED, bundled_folder, plugged_notebooks
from stabkit.runs import as_text

__all__ = [
    "NotebookParameter",
    "check_parameters",
    "find_notebook",
    "kernel_of",
    "notebook_defaults",
    "notebook_parameters",
    "plain_path",
    "read_value",
]


@dataclass(frozen=True)
class NotebookParameter:
    """One parameter of a notebook, inferred from its parameters cell."""

    name: str
    default: str
    help: str


def find_notebook(name: str) -> Path:
    """Return the path of a notebook given by path, or by the name of one that comes with stabkit or a plugin.

    Raises
    ------
    UsageError
        There is none; names the nearest.
    """
    given = Path(name)
    if given.suffix == ".ipynb":
        if given.is_file():
            return given
        raise UsageError("There is no such notebook.", where=name, hint=f"Bundled: {', '.join(BUNDLED)}.")
    if name in BUNDLED:
        return bundled_folder() / f"{name}.ipynb"
    plugged = plugged_notebooks()
    if name in plugged:
        return plugged[name]
    known = (*BUNDLED, *plugged)
    guess = nearest(name, known)
    raise UsageError(
        f"There is no notebook {name!r}.",
        hint=(f"Did you mean {guess!r}? " if guess else "")
        + f"Give a path to an .ipynb, or one of {', '.join(known)}.",
    )


def notebook_parameters(path: Path) -> dict[str, NotebookParameter]:
    """Return the parameters that a notebook declares, by name.

    Raises
    ------
    NotebookError
        The file is not a notebook, or does not say its language.
    """
    # Cells without ids run as any others do; whatever reads a notebook gives them some, and warns of it each time.
    warnings.filterwarnings("ignore", category=MissingIDFieldWarning)
    status = path.stat() if path.exists() else None
    return dict(_inspected(path, path.absolute(), (status.st_mtime_ns, status.st_size) if status else None))


@lru_cache(maxsize=256)
def _inspected(path: Path, _where: Path, _state: tuple[int, int] | None) -> Mapping[str, NotebookParameter]:
    _read(path)
    import papermill

    try:
        found = papermill.inspect_notebook(plain_path(path))
    except ValueError as error:
        raise NotebookError(
            f"The notebook's parameters cannot be read: {error}",
            where=str(path),
            hint="Open it in JupyterLab and save it again.",
        ) from error
    return {
        name: NotebookParameter(name, str(facts["default"]), str(facts["help"] or "")) for name, facts in found.items()
    }


def notebook_defaults(path: Path) -> dict[str, Any]:
    """Return the defaults of a notebook's parameters; those that are no plain values are left out."""
    found: dict[str, Any] = {}
    for name, parameter in notebook_parameters(path).items():
        with contextlib.suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            found[name] = ast.literal_eval(parameter.default)
    return found


def check_parameters(path: Path, given: Mapping[str, Any]) -> None:
    """Refuse parameters that a notebook does not declare, which papermill would only log, and texts that are none.

    Raises
    ------
    UsageError
        A parameter is unknown; names the nearest. Or the notebook wants a text, and this is a number that may have been
        written otherwise.
    """
    declared = notebook_parameters(path)
    for name, value in given.items():
        if name in declared and _is_text(declared[name]):
            as_text(value, name)
        if name not in declared:
            guess = nearest(name, declared)
            raise UsageError(
                f"The notebook has no parameter {name!r}.",
                where=path.name,
                hint=(f"Did you mean {guess!r}? " if guess else "") + f"It has: {', '.join(declared) or 'none'}.",
            )


#: The kernel of the Python that runs stabkit.
OWN_KERNEL: Final = "python3"


def kernel_of(path: Path) -> tuple[str, bool]:
    """Return the kernel that a notebook asks for, and whether it speaks Python.

    A notebook that names none runs in the Python of stabkit, if that is its language.

    Raises
    ------
    NotebookError
        The file is not a notebook, or its kernel is not installed, or speaks another language than the notebook: run in
        any other it would say something else.
    """
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    metadata = _read(path).metadata
    asked = metadata.get("kernelspec", {})
    name = str(asked.get("name") or OWN_KERNEL)
    language = str(metadata.get("language_info", {}).get("name") or asked.get("language") or "python")
    specs = KernelSpecManager()
    try:
        found = specs.get_kernel_spec(name)
    except (NoSuchKernel, ValueError) as error:
        installed = ", ".join(sorted(specs.find_kernel_specs())) or "none"
        own = f" (in its Python: python -m ipykernel install --user --name {shlex.quote(name)})"
        raise NotebookError(
            f"The notebook asks for the kernel {name!r} ({language}), which is not installed here.",
            where=str(path),
            hint=f"Install it{own if language.casefold() == 'python' else ''}, or open the notebook in JupyterLab and "
            f"save it with another kernel. Installed: {installed}.",
        ) from error
    if found.language and found.language.casefold() != language.casefold():
        raise NotebookError(
            f"The notebook is written in {language}, and its kernel {name!r} speaks {found.language}.",
            where=str(path),
            hint="Open it in JupyterLab, choose a kernel of its language, and save it.",
        )
    return name, language.casefold() == "python"


def plain_path(path: Path) -> str:
    """Return a path as papermill takes it: it would fill in what stands in braces, and take a dash for its input."""
    text = str(path).replace("{", "{{").replace("}", "}}")
    return f"./{text}" if text.startswith("-") else text


def read_value(text: str, parameter: NotebookParameter | None) -> Any:
    """Return a parameter's value from a word: as JSON, or as it stands if it is none or if the default is text.

    Examples
    --------
    >>> read_value("1.10", NotebookParameter("candidate", "'latest'", ""))
    '1.10'
    >>> read_value("10", NotebookParameter("last", "0", "")), read_value("unit", None)
    (10, 'unit')
    """
    if parameter is not None and _is_text(parameter):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _is_text(parameter: NotebookParameter) -> bool:
    return parameter.default.lstrip("rbuRBUfF")[:1] in ("'", '"')


def _read(path: Path) -> nbformat.NotebookNode:
    try:
        notebook: nbformat.NotebookNode = nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise NotebookError("There is no such notebook.", where=str(path)) from None
    except Exception as error:  # nbformat raises many kinds for one reason: this is no notebook
        raise NotebookError(
            f"The file is not a notebook: {type(error).__name__}.",
            where=str(path),
            hint="Open it in JupyterLab and save it again, or give another file.",
        ) from error
    return notebook
