"""A papermill engine that can be watched, and that loses nothing when a kernel dies.

papermill's own writes the whole notebook at each cell's start and end, tells nobody its kernel's process, and waits for
the kernel to leave by itself. This one keeps the notebook in memory and kills its kernel at the end, which skips what a
notebook registered with ``atexit``. ``papermill --engine stabkit`` runs on it too; papermill itself then saves.
"""

from __future__ import annotations

import copy
import logging
import math
import os
import sys
import tempfile
import time
from pathlib import Path
from queue import Empty
from typing import Any, Final

import nbformat
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_core.utils import ensure_async
from nbclient.exceptions import DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.log import logger
from papermill.utils import remove_args

from stabkit.pipeline.kernels import PROVISIONER, apart, is_wanted, kernel_environment, lives_in
from stabkit.pipeline.watch import Watch
from stabkit.redact import redact_notebook, remember, secrets_within

__all__ = ["ENGINE", "Engine"]

_log = logging.getLogger(__name__)

ENGINE: Final = "stabkit"
_LONGEST_FOLDER: Final = 80  # a socket's path has at most some hundred characters
_LAST_WORDS: Final = 2_000
_ANSWER_S: Final = 1.0
_TOLD_S: Final = 0.2
_LOOK_S: Final = 0.003
# The kernel warns on stderr that loopback is not encrypted; only its errors matter here.
_QUIET: Final = ["--IPKernelApp.log_level=40"]
# Figures still open under a backend that shows none, asked of the kernel: a notebook may choose its own.
_UNSHOWN: Final = (
    "(lambda plt: len(plt.get_fignums()) if plt and plt.get_backend().lower() in "
    "('agg', 'cairo', 'pdf', 'pgf', 'ps', 'svg', 'template') else 0)"
    "(__import__('sys').modules.get('matplotlib.pyplot'))"
)


class _LostError(RuntimeError):
    """A kernel is gone with the process that it was forked from, whatever the notebook did."""


class _KernelClient(AsyncKernelClient):
    """A client that knows a kernel to be ready by the end of its own question, not by a silence after it."""

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        until = math.inf if timeout is None else time.monotonic() + timeout
        while not await self._answers(self.kernel_info()):
            if not await self._async_is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > until:
                raise RuntimeError(f"Kernel didn't respond in {timeout:g} seconds")

    wait_for_ready = _async_wait_for_ready

    async def _answers(self, asked: str) -> bool:
        """Say whether a question was answered, and its end told to all: only then nothing of it comes later."""
        try:
            reply = await ensure_async(self.shell_channel.get_msg(timeout=_ANSWER_S))
            if reply["msg_type"] == "kernel_info_reply":
                self._handle_kernel_info_reply(reply)
            while True:
                told = await ensure_async(self.iopub_channel.get_msg(timeout=_TOLD_S))
                if told["parent_header"].get("msg_id") == asked and told["content"].get("execution_state") == "idle":
                    return True
        except Empty:  # who listens too late hears nothing: ask again
            return False


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    """papermill's client, with a watch that is told of the kernel and of each cell."""

    def __init__(
        self,
        manager: NotebookExecutionManager,
        watch: Watch,
        folder: str,
        *,
        python: bool,
        at_home: bool,
        warm: bool,
        **options: Any,
    ) -> None:
        super().__init__(manager, shutdown_kernel="immediate", **options)
        self._python = python
        self._at_home = at_home
        self._warm = warm and python and is_wanted()
        self._watch = watch
        self._folder = folder
        self.on_cell_execute = lambda *, cell, cell_index: watch.cell_started(cell_index)  # noqa: ARG005

    def create_kernel_manager(self) -> Any:
        """Talk to the kernel through sockets in a folder of its own.

        Ports are chosen before the kernel takes them: of many kernels, some find one of theirs taken.
        """
        manager = super().create_kernel_manager()
        manager.client_factory = _KernelClient
        if self._python and not self._at_home:
            manager.kernel_spec.argv = apart(manager.kernel_spec.argv)
        if self._warm:
            manager.kernel_spec.metadata["kernel_provisioner"] = {"provisioner_name": PROVISIONER}
        if sys.platform != "win32" and len(self._folder) < _LONGEST_FOLDER:
            manager.transport, manager.ip = "ipc", f"{self._folder}/k"
        return manager

    def start_new_kernel_client(self, **options: Any) -> Any:
        """Tell the watch the kernel's process before anything is asked of it."""
        self._watch.kernel_started(getattr(self.km.provisioner, "pid", None))
        self._await_sockets()
        return super().start_new_kernel_client(**options)

    def _await_sockets(self) -> None:
        """Wait until the kernel listens: who connects earlier tries again after a tenth of a second only."""
        if self.km.transport != "ipc":
            return
        ports = (self.km.shell_port, self.km.iopub_port, self.km.stdin_port, self.km.hb_port, self.km.control_port)
        missing = [Path(f"{self.km.ip}-{port}") for port in ports]
        process = getattr(self.km.provisioner, "process", None)
        until = time.monotonic() + (self.startup_timeout or 0)
        while missing and time.monotonic() < until and (process is None or process.poll() is None):
            missing = [path for path in missing if not path.exists()]
            time.sleep(_LOOK_S)

    def papermill_execute_cells(self) -> None:
        """Run the cells; of a kernel that died, keep how."""
        try:
            super().papermill_execute_cells()
            if self._python:
                self._say_unshown()
        except DeadKernelError:
            process = getattr(self.km.provisioner, "process", None)
            self._watch.exit_status = process.poll() if process is not None else None
            if getattr(process, "lost", False):
                raise _LostError("The process that kernels are forked from is gone.") from None
            raise
        finally:
            self._watch.look()
            self._watch.kernel_ended()

    def _say_unshown(self) -> None:
        """Put below the last cell, as an error, that figures were drawn which no page can show."""
        asked = self.kc.execute("", silent=True, store_history=False, user_expressions={"unshown": _UNSHOWN})
        answer = self.wait_for_reply(asked)["content"].get("user_expressions", {}).get("unshown", {})
        number = int(answer.get("data", {}).get("text/plain", "0"))
        if number:
            message = (
                f"{number} pyplot figure{'s were' if number > 1 else ' was'} drawn and never shown: the notebook chose "
                "a matplotlib backend that shows nothing. Leave the backend alone, or close what need not be seen."
            )
            cell = next(cell for cell in reversed(self.nb.cells) if cell.cell_type == "code")
            cell.outputs.append(nbformat.v4.new_output("error", ename="FigureNotShown", evalue=message))


class Engine(NBClientEngine):  # type: ignore[misc]
    """The engine ``stabkit``, of this package's own reports and of papermill's command line."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        watch: Watch | None = None,
        python: bool | None = None,
        at_home: bool | None = None,
        execution_timeout: float | None = None,
        start_timeout: int = 60,
        extra_arguments: list[str] | None = None,
        **others: Any,
    ) -> Any:
        """Run the notebook of a manager; its outputs are in the manager's notebook, whatever happens.

        Without a watch, nobody asks what the kernel says outside of its cells: it says so on our own output, as
        papermill's kernels do.

        Whether the notebook lies in its working folder, and may import from there, is found out unless it is said.
        """
        python = cls.nb_language(nb_man.nb) == "python" if python is None else python
        path = str(others.get("input_path") or "")
        options = {
            "at_home": lives_in(Path(path), Path.cwd()) if at_home is None else at_home,
            **remove_args(["input_path", "timeout", "startup_timeout"], **others),
            "kernel_name": kernel_name,
            "python": python,
            "timeout": execution_timeout or others.get("timeout"),
            "startup_timeout": start_timeout,
            "extra_arguments": extra_arguments or (_QUIET if python else []),
            "log": logger,
        }
        seen = watch or Watch()
        seen.notebook = nb_man.nb
        remember(*secrets_within(nb_man.nb.metadata.get("papermill", {}).get("parameters", {})))
        untouched = copy.deepcopy(nb_man.nb)
        try:
            try:
                return _execute(nb_man, seen, options | {"warm": True}, keep=watch is not None)
            except RuntimeError as error:
                lost = isinstance(error, _LostError)
                if seen.cancelled or seen.overdue or not (lost or seen.cell < 0):
                    raise
            if lost:
                _log.warning("The process that kernels are forked from was ended: the notebook is run again, plainly.")
                seen.notebook = nb_man.nb = untouched
                seen.cell, seen.exit_status = -1, None
            # It never ran; another may.
            return _execute(nb_man, seen, options | {"warm": False}, keep=watch is not None)
        finally:
            if watch is None:  # papermill saves it next, as its own command does
                redact_notebook(nb_man.nb)


def _execute(manager: NotebookExecutionManager, watch: Watch, options: dict[str, Any], *, keep: bool) -> Any:
    """Run a notebook once; what its kernel says outside of cells may be kept from our own output, for the watch."""
    with tempfile.TemporaryDirectory(prefix="stabkit-") as folder, Path(folder, "said").open("w+b") as said:
        try:
            client = _Client(manager, watch, folder, **options)
            kept = {"stdout": said, "stderr": said} if keep else {}
            return client.execute(env=kernel_environment(at_home=options["at_home"]), **kept)
        finally:
            said.seek(max(0, said.seek(0, os.SEEK_END) - _LAST_WORDS))
            watch.said = said.read().decode("utf-8", "replace").strip()


papermill_engines.register(ENGINE, Engine)
