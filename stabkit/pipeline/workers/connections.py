"""Connecting to a Dask cluster, or starting one of this machine; its workers asked what they can do."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stabkit.errors import NotebookError, UsageError
from stabkit.installation import need_for
from stabkit.paths import read_bounded
from stabkit.pipeline.workers.needs import Needs, lacking, signs
from stabkit.redact import redact_text, redact_url

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["HANDBOOK", "PATIENCE_S", "check_workers", "connected", "lost", "nobody"]

_log = logging.getLogger(__name__)

_LOCAL: Final = re.compile(r"local:(\d{1,3})")
_CONNECT_S: Final = 15
_SAY_WAITING_S: Final = 5
_LARGEST: Final = 4_000_000  # bytes of a scheduler file
PATIENCE_S: Final = 600.0
"""How long nobody may be there to do the work: a batch system may have the workers in its queue."""
HANDBOOK: Final = "The handbook's page on clusters says what workers need."


@contextlib.contextmanager
def connected(where: str) -> Iterator[Client]:
    """Connect to a cluster, or start one of this machine, for as long as it is used."""
    need_for("cluster")
    import distributed

    for name in ("distributed", "distributed.client"):  # it writes tracebacks where we say a sentence
        logging.getLogger(name).setLevel(logging.CRITICAL)
    found = _LOCAL.fullmatch(where)
    with contextlib.ExitStack() as opened:
        if found is not None and int(found[1]):
            address: Any = opened.enter_context(_local_cluster(int(found[1])))
        else:
            address = _address(where)
        try:
            client = distributed.Client(address, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError, ValueError, TypeError, ImportError, RuntimeError) as error:
            raise UsageError(
                f"No Dask scheduler can be used there: {redact_text(str(error) or type(error).__name__)}.",
                where=redact_url(where),
                hint="Give the address of one, such as tcp://host:8786, the path of a scheduler file, or local:N for N "
                "processes of this machine.",
            ) from error
        opened.enter_context(client)
        yield client


def _address(where: str) -> str:
    """Return a scheduler's address, from its file if it is one."""
    if where.startswith("local:"):
        raise UsageError("local:N starts N processes on this machine.", where=where, hint="Such as: --cluster local:4")
    if "://" in where or not (where.endswith(".json") or Path(where).is_file()):
        return where
    until = time.monotonic() + _CONNECT_S  # it may be about to be written
    while True:
        try:
            return str(json.loads(read_bounded(where, _LARGEST))["address"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            if time.monotonic() > until:
                said = error.strerror if isinstance(error, OSError) else "it holds no address"
                raise UsageError(
                    f"The scheduler file cannot be used: {said}.",
                    where=where,
                    hint="A scheduler writes it: dask scheduler --scheduler-file FILE",
                ) from error
            time.sleep(0.2)


@contextlib.contextmanager
def _local_cluster(processes: int) -> Iterator[Any]:
    """Start workers of this machine that nobody else on it can give work to, each with one notebook at a time."""
    import dask
    from distributed import LocalCluster
    from distributed.security import Security

    alone = {
        "distributed.scheduler.worker-saturation": 1.0,  # no task waits at a worker while another one is free
        "distributed.scheduler.http.routes": [],  # nothing to be read by other users of the machine either
        "distributed.worker.http.routes": [],
    }
    with dask.config.set(alone), LocalCluster(
        n_workers=processes,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
        memory_limit=0,  # the work is the kernels', whose memory it does not see
        protocol="tls://",
        security=Security.temporary(),
        preload=[f"{__package__}.remote"],
        silence_logs=logging.CRITICAL,
    ) as cluster:  # fmt: skip
        yield cluster


def check_workers(client: Client, needs: Needs) -> None:
    """Wait until there is a worker, and make sure that all those there can do the work.

    Raises
    ------
    UsageError
        There is none for a long time, or one lacks something.
    """
    _wait_for_a_worker(client)
    answers = client.run(lacking, needs, on_error="return")
    for address, answer in answers.items():
        if answer:
            more = sum(bool(other) for other in answers.values()) - 1
            what = _no_stabkit(answer) if isinstance(answer, BaseException) else answer[0]
            raise UsageError(
                f"The worker {address} {what}{f'; {more} more cannot do this work' if more else ''}.",
                where="--cluster",
                hint=f"Give all workers the same stabkit and the same folders at the same paths. {HANDBOOK}",
            )
    if not needs.output:
        return
    seen = signs(needs)
    if seen < len(answers):
        raise UsageError(
            f"What {len(answers) - seen} of {len(answers)} workers wrote is not seen here.",
            where=needs.output,
            hint=f"Name an output folder that all workers share. {HANDBOOK}",
        )


def _wait_for_a_worker(client: Client) -> None:
    # A task waits at the scheduler, so that a cluster that grows with its work begins to.
    hello = client.submit(int, pure=False)  # not ours: a worker without stabkit would leave before it is asked
    try:
        hello.result(timeout=_SAY_WAITING_S)
    except TimeoutError:
        _log.warning("no worker has joined the cluster yet; waiting for one")
        try:
            hello.result(timeout=PATIENCE_S)
        except TimeoutError:
            raise nobody() from None


def _no_stabkit(problem: BaseException) -> str:
    if "No module named 'stabkit" in str(problem):  # told as a text inside an exception
        return "cannot import stabkit"
    return f"could not be asked: {type(problem).__name__}: {redact_text(str(problem))}"


def lost() -> NotebookError:
    """Return the error of a scheduler that is gone."""
    return NotebookError(
        "The cluster's scheduler is gone, or cannot be reached any longer.",
        where="--cluster",
        hint="Run the same command again: what is done is skipped.",
    )


def nobody() -> UsageError:
    """Return the error of a cluster without workers."""
    return UsageError(
        f"The cluster has had no worker for {PATIENCE_S / 60:g} minutes.",
        where="--cluster",
        hint="Start some: dask worker ADDRESS. What is done is skipped the next time.",
    )
