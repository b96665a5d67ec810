"""How Jupyter starts kernels through a fork: papermill's and nbclient's, and JupyterLab's where it is asked to.

``JUPYTER_DEFAULT_PROVISIONER_NAME=stabkit-warm jupyter lab`` gives warm kernels to notebooks opened there.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from pathlib import Path
from typing import Any, Final

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from stabkit.pipeline.kernels.starting import NotWarmError, is_wanted
from stabkit.pipeline.kernels.warm import WarmProcess, start

__all__ = ["PROVISIONER", "WarmProvisioner"]

_log = logging.getLogger(__name__)

PROVISIONER: Final = "stabkit-warm"
_POLL_S: Final = 0.002
_GONE_S: Final = 1.0
_broken: Final = threading.Event()
_CARRIED: Final = frozenset({"env", "cwd", "stdin", "stdout", "stderr", "independent"})


class WarmProvisioner(LocalProvisioner):
    """Forks kernels where that gives the same as starting them; else starts them."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork the kernel of a command, or start it plainly."""
        process = await asyncio.to_thread(_forked_or_none, cmd, self._scrub_kwargs(kwargs))
        if process is not None:
            self.process = process  # type: ignore[assignment]
            self.pid = self.pgid = process.pid
            return self.connection_info
        return await super().launch_kernel(cmd, **kwargs)

    async def kill(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 - as those who call it have it
        """Kill the kernel and see it go: whoever asks next whether it lives waits a tenth of a second else."""
        await super().kill(restart=restart)
        end = asyncio.get_running_loop().time() + _GONE_S
        while self.process is not None and await self.poll() is None and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(_POLL_S)


def _forked_or_none(command: list[str], options: dict[str, Any]) -> WarmProcess | None:
    """Fork a kernel, or say once why not; what went wrong once is not waited for again."""
    if not is_wanted() or _broken.is_set():
        return None
    try:
        return _forked(command, options)
    except NotWarmError as reason:
        if reason.ordinary:
            _log.info("A plain kernel is started: %s.", reason)
        elif not _broken.is_set():
            _broken.set()
            _log.warning("Kernels are started one by one, which takes longer: %s.", reason)
    return None


def _forked(command: list[str], options: dict[str, Any]) -> WarmProcess:
    other = options.keys() - _CARRIED
    if other:
        raise NotWarmError(f"it is to be started with {', '.join(sorted(other))}", ordinary=True)
    environment = dict(options.get("env") or os.environ)
    if not options.get("independent"):
        environment["JPY_PARENT_PID"] = str(os.getpid())  # as a plain kernel is told
    with Path(os.devnull).open("rb") as nothing:  # a kernel reads nothing from its starter
        streams = (options.get("stdin"), nothing.fileno()), (options.get("stdout"), 1), (options.get("stderr"), 2)
        return start(
            [str(Path(word).expanduser()) if word.startswith("~") else word for word in command],
            folder=Path(options.get("cwd") or Path.cwd()),
            environment=environment,
            streams=[usual if stream is None else _descriptor(stream) for stream, usual in streams],
        )


def _descriptor(stream: Any) -> int:
    number = stream if isinstance(stream, int) else stream.fileno()
    if number < 0:
        raise NotWarmError("its streams are to be made by subprocess", ordinary=True)
    return int(number)
