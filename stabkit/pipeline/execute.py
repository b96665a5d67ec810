"""Running one notebook in a fresh kernel, through papermill."""

from __future__ import annotations

import logging
import os
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import nbformat

from stabkit.errors import NotebookError
from stabkit.pipeline.notebooks import check_parameters
from stabkit.redact import MASK, is_secret_name, redact_text

__all__ = ["CellFailure", "Execution", "execute_notebook"]

_BANNER: Final = "papermill-error-cell-tag"
_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class CellFailure:
    """The cell that broke, and how."""

    cell: int
    heading: str
    error: str
    message: str


@dataclass(frozen=True)
class Execution:
    """A notebook that ran, to its end or to the cell that broke."""

    notebook: nbformat.NotebookNode
    failure: CellFailure | None = None


def execute_notebook(
    path: Path, parameters: Mapping[str, Any] | None = None, *, folder: Path | None = None, timeout_s: int = 600
) -> Execution:
    """Run a notebook with parameters in a fresh kernel and return it with its outputs.

    Parameters
    ----------
    path : Path
        The notebook; not changed.
    parameters : mapping, optional
        Values for its ``parameters`` cell. Values under names that usually hold secrets are masked in the result.
    folder : Path, optional
        The kernel's working folder; the present one if not given.
    timeout_s : int
        Limit of each cell, seconds.

    Raises
    ------
    UsageError
        A parameter that the notebook does not declare.
    NotebookError
        The file is no notebook, or its kernel died. A cell that raises is no error here: it is the result's failure.
    """
    given = dict(parameters or {})
    check_parameters(path, given)
    _quieten()
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    with tempfile.TemporaryDirectory(prefix="stabkit-") as scratch, _own_event_loop():
        output = Path(scratch) / path.name
        failure = None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of papermill's own imports; cells warn in their own process
                papermill.execute_notebook(
                    str(path),
                    str(output),
                    parameters=given,
                    kernel_name="python3",
                    progress_bar=False,
                    cwd=str(folder or Path.cwd()),
                    execution_timeout=timeout_s,
                    # The kernel warns on stderr that loopback is not encrypted; only its errors matter here.
                    extra_arguments=["--IPKernelApp.log_level=40"],
                )
        except PapermillExecutionError as error:
            notebook = nbformat.read(output, as_version=4)
            failure = _failure(notebook, error.ename, error.evalue)
        except CellTimeoutError:
            notebook = nbformat.read(output, as_version=4)
            failure = _failure(notebook, "TimeoutError", f"The cell ran longer than {timeout_s} s and was stopped.")
        except DeadKernelError as error:
            raise NotebookError(
                "The notebook's kernel died.",
                where=path.name,
                hint="It may have run out of memory; run the notebook in JupyterLab to see the cell.",
            ) from error
        else:
            notebook = nbformat.read(output, as_version=4)
    _mask_parameters(notebook)
    _drop_papermill_banner(notebook)
    return Execution(notebook, failure)


@contextmanager
def _own_event_loop() -> Iterator[None]:
    # nbclient makes one for the thread it runs in, and never closes it.
    from jupyter_core.utils import ensure_event_loop

    loop = ensure_event_loop()
    try:
        yield
    finally:
        if not loop.is_running():
            loop.close()


def _quieten() -> None:
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # the kernel's debugger warns on every start
    for name in ("papermill", "nbclient", "traitlets"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _failure(notebook: nbformat.NotebookNode, name: str, message: str) -> CellFailure:
    text = redact_text(_ANSI.sub("", str(message)))
    heading = ""
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and _BANNER not in cell.metadata.get("tags", []):
            lines = [line.lstrip("# ").strip() for line in cell.source.splitlines() if line.startswith("#")]
            heading = lines[-1] if lines else heading
        if cell.cell_type == "code" and cell.metadata.get("papermill", {}).get("exception"):
            return CellFailure(number, heading, name, text)
    return CellFailure(-1, heading, name, text)


def _mask_parameters(notebook: nbformat.NotebookNode) -> None:
    stored = notebook.metadata.get("papermill", {}).get("parameters", {})
    secrets = [str(value) for name, value in stored.items() if is_secret_name(name) and value]
    for name, value in stored.items():
        if is_secret_name(name):
            stored[name] = MASK
        elif isinstance(value, str):
            stored[name] = redact_text(value, secrets)
    for cell in notebook.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.source = redact_text(cell.source, secrets)


def _drop_papermill_banner(notebook: nbformat.NotebookNode) -> None:
    # papermill puts red boxes above and into a notebook that broke; the page says it in its own words.
    notebook.cells = [cell for cell in notebook.cells if _BANNER not in cell.metadata.get("tags", [])]
