"""A papermill engine that can be watched, and that loses nothing when a kernel dies.

papermill's own writes the whole notebook at each cell's start and end, tells nobody its kernel's process, and waits for
the kernel to leave by itself. This one keeps the notebook in memory and kills its kernel at the end, which skips what a
notebook registered with ``atexit``.
"""

from __future__ import annotations

from typing import Any, Final

from nbclient.exceptions import DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines

from stabkit.pipeline.watch import Watch

__all__ = ["ENGINE"]

ENGINE: Final = "stabkit"


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    """papermill's client, with a watch that is told of the kernel and of each cell."""

    def __init__(self, manager: NotebookExecutionManager, watch: Watch, **options: Any) -> None:
        super().__init__(manager, shutdown_kernel="immediate", **options)
        self._watch = watch
        self.on_cell_execute = lambda *, cell, cell_index: watch.cell_started(cell_index)  # noqa: ARG005

    def start_new_kernel_client(self, **options: Any) -> Any:
        """Tell the watch the kernel's process before anything is asked of it."""
        self._watch.kernel_started(getattr(self.km.provisioner, "pid", None))
        return super().start_new_kernel_client(**options)

    def papermill_execute_cells(self) -> None:
        """Run the cells; of a kernel that died, keep how."""
        try:
            super().papermill_execute_cells()
        except DeadKernelError:
            process = getattr(self.km.provisioner, "process", None)
            self._watch.exit_status = process.poll() if process is not None else None
            raise
        finally:
            self._watch.look()
            self._watch.kernel_ended()


class _Engine(NBClientEngine):  # type: ignore[misc]
    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        watch: Watch,
        execution_timeout: float | None = None,
        start_timeout: int = 60,
        extra_arguments: list[str] | None = None,
        **_others: Any,
    ) -> Any:
        """Run the notebook of a manager; its outputs are in the manager's notebook, whatever happens."""
        watch.notebook = nb_man.nb
        client = _Client(
            nb_man,
            watch,
            kernel_name=kernel_name,
            timeout=execution_timeout,
            startup_timeout=start_timeout,
            extra_arguments=extra_arguments or [],
        )
        return client.execute()


papermill_engines.register(ENGINE, _Engine)
