"""Running one notebook in a fresh kernel, through papermill."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import nbformat

from stabkit.errors import NotebookError
from stabkit.pipeline.homes import find_home
from stabkit.pipeline.kernels import lives_in
from stabkit.pipeline.notebooks import check_parameters, kernel_of, plain_path
from stabkit.pipeline.watch import Watch
from stabkit.redact import redact_notebook, redact_text, remember, secrets_within

__all__ = ["Execution", "execute_notebook"]

_BANNER: Final = "papermill-error-cell-tag"


@dataclass(frozen=True)
class Execution:
    """A notebook that ran, to its end or to the cell that broke."""

    notebook: nbformat.NotebookNode
    peak_memory_mb: float | None = None


def execute_notebook(
    path: Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    folder: Path | None = None,
    timeout_s: float = 600,
    watch: Watch | None = None,
) -> Execution:
    """Run a notebook with parameters in a fresh kernel and return it with its outputs.

    Parameters
    ----------
    path : Path
        The notebook; not changed.
    parameters : mapping, optional
        Values for its ``parameters`` cell. Values under names that usually hold secrets, nested ones too,
        are masked in the result, wherever they appear.
    folder : Path, optional
        The kernel's working folder; the present one if not given. Modules are imported from there only by a notebook
        that lies there itself.
    timeout_s : float
        Limit of each cell, seconds.
    watch : Watch, optional
        Told of the kernel and its cells; limits the whole notebook, if another thread looks at it.

    Returns
    -------
    Execution
        Whatever stopped it - a cell that raised, that took too long, that ended its kernel - stands as an error below
        the cell. The cells before keep their outputs.

    Raises
    ------
    UsageError
        A parameter that the notebook does not declare.
    NotebookError
        The file is no notebook, the kernel that it asks for is not installed, or none starts.
    """
    given = dict(parameters or {})
    remember(*secrets_within(given))
    check_parameters(path, given)
    find_home()
    kernel = kernel_of(path)
    watch = watch if watch is not None else Watch()
    _quieten()
    with _own_event_loop():
        error = _run(path, given, timeout_s, watch, kernel=kernel, folder=folder)
    if error is not None and watch.cell < 0:
        said = watch.said.splitlines() or [str(error) or type(error).__name__]
        raise NotebookError(
            f"No kernel started for the notebook: {redact_text(said[-1])}",
            where=path.name,
            hint="Is ipykernel installed beside stabkit? See: jupyter kernelspec list",
        ) from error
    notebook = watch.notebook
    _drop_papermill_banner(notebook)
    if error is not None:
        _say_stopped(notebook, watch, error, timeout_s)
    redact_notebook(notebook, given)
    return Execution(notebook, watch.peak_memory_mb)


def _run(
    path: Path,
    parameters: dict[str, Any],
    timeout_s: float,
    watch: Watch,
    *,
    kernel: tuple[str, bool],
    folder: Path | None,
) -> Exception | None:
    """Execute a notebook and return what stopped its kernel; a cell that raised is no such thing."""
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    from stabkit.pipeline.engine import ENGINE

    name, python = kernel
    try:
        papermill.execute_notebook(
            plain_path(path),
            None,
            parameters=parameters,
            engine_name=ENGINE,
            kernel_name=name,
            progress_bar=False,
            cwd=None if folder is None else str(folder),
            execution_timeout=timeout_s,
            watch=watch,
            python=python,
            at_home=lives_in(path, folder or Path.cwd()),
        )
    except PapermillExecutionError:
        return None
    except (CellTimeoutError, DeadKernelError, RuntimeError, OSError) as error:
        return error
    return None


@contextmanager
def _own_event_loop() -> Iterator[None]:
    # nbclient makes one for the thread it runs in, and never closes it.
    from jupyter_core.utils import ensure_event_loop

    loop = ensure_event_loop()
    try:
        yield
    finally:
        if not loop.is_running():
            left = asyncio.all_tasks(loop)  # of a kernel that died: it would be waited for until the end of time
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            loop.close()


def _quieten() -> None:
    for name in ("papermill", "nbclient", "traitlets"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _say_stopped(notebook: nbformat.NotebookNode, watch: Watch, error: Exception, timeout_s: float) -> None:
    """Put below the last cell why it never ended, as an error of its own."""
    from nbclient.exceptions import CellTimeoutError

    if watch.overdue:
        name, message = "TimeoutError", f"The notebook ran longer than {watch.timeout_s:g} s and was stopped."
    elif isinstance(error, CellTimeoutError):
        name, message = "TimeoutError", f"The cell ran longer than {timeout_s:g} s and was stopped."
    elif watch.exit_status is not None:
        name, message = "DeadKernel", f"The kernel {_ending(watch.exit_status)} in this cell."
    else:
        name, message = "DeadKernel", f"The kernel answers no longer: {error}"
    if watch.peak_memory_mb is not None:
        message += f" It had taken {watch.peak_memory_mb:,.0f} MB of memory."
    hint = "It may have run out of memory." if watch.exit_status == -signal.SIGKILL and not watch.overdue else ""
    told = [hint, redact_text(watch.said)]
    cell = notebook.cells[watch.cell]
    cell.outputs.append(nbformat.v4.new_output("error", ename=name, evalue=message, traceback=[*filter(None, told)]))


def _ending(status: int) -> str:
    """Say how a process ended.

    Examples
    --------
    >>> _ending(-9), _ending(3)
    ('was killed by SIGKILL', 'ended itself with exit code 3')
    """
    if status >= 0:
        return f"ended itself with exit code {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


def _drop_papermill_banner(notebook: nbformat.NotebookNode) -> None:
    # papermill puts red boxes above and into a notebook that broke; the page says it in its own words.
    notebook.cells = [cell for cell in notebook.cells if _BANNER not in cell.metadata.get("tags", [])]
