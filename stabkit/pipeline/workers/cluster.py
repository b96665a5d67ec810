"""Workers of a Dask cluster: of any that has a scheduler, or processes of this machine for one batch.

Each report is one task. A worker that dies in the middle of one loses nothing: the scheduler gives the task to another.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stabkit.errors import NotebookError, StabkitError, UsageError
from stabkit.pipeline.reports import report_failure
from stabkit.pipeline.workers.attempts import Made, Task, report_there
from stabkit.pipeline.workers.needs import Needs, all_needs, lacking, needs_of, signed
from stabkit.pipeline.workers.remote import WorkerError, work
from stabkit.pipeline.workers.threads import Threads
from stabkit.redact import redact_text, redact_url

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Cluster", "cluster_workers"]

_log = logging.getLogger(__name__)

_LOCAL: Final = re.compile(r"local:(\d{1,3})")
_CONNECT_S: Final = 15
_SAY_WAITING_S: Final = 5
#: How long nobody may be there to do the work: a batch system may have the workers in its queue.
PATIENCE_S: Final = 600.0
_COUNT_WORKERS_S: Final = 5
_RETRIES: Final = (
    1  # of what a worker could leave no page of, such as on a full disk; deaths are the scheduler's to count
)
_STOP_S: Final = 10
_APPEAR_S: Final = 10
_HANDBOOK: Final = "The handbook's page on clusters says what workers need."


@contextlib.contextmanager
def cluster_workers(tasks: Sequence[Task], *, where: str, at_once: int | None = None) -> Iterator[Cluster]:
    """Offer the workers of a cluster for some tasks; whatever ends the batch, what runs is cancelled.

    Parameters
    ----------
    where : str
        Address of a scheduler, path of a scheduler file, or ``local:N``.
    at_once : int, optional
        Most tasks that the cluster has at the same time; else all.

    Raises
    ------
    UsageError
        There is no such cluster, or one of its workers could not make these reports; or distributed is not installed.
    """
    with _connected(where) as client, signed(tasks[0].output) as sign:
        cluster = Cluster(client, {task.number: needs_of(task, sign) for task in tasks}, at_once)
        try:
            cluster.check()
            yield cluster
        finally:
            cluster.stop()


class Cluster:
    """A client's view of a cluster.

    Parameters
    ----------
    client : distributed.Client
    needs : dict
        What each task needs, by its number.
    at_once : int, optional
        Most tasks that the cluster has at the same time; else all.
    """

    def __init__(self, client: Client, needs: dict[int, Needs], at_once: int | None) -> None:
        self._client = client
        self._needs = needs
        self._at_once = at_once
        self._topic = f"stabkit-{secrets.token_hex(4)}"
        self._here = Threads()  # for jobs that are known not to run: they are a page without any work
        self._submitted: dict[Future[Made], Any] = {}
        self._begun: dict[int, Callable[[], None]] = {}
        self._told: deque[dict[str, int]] = deque()
        self._at_work: set[int] = set()
        self._counted_at = self._seen_at = time.monotonic()

    def check(self) -> None:
        """Wait until there is a worker, and make sure that all those there can do the work.

        Raises
        ------
        UsageError
            There is none for a long time, or one lacks something.
        """
        self._wait_for_a_worker()
        needs = all_needs(self._needs.values())
        answers = self._client.run(lacking, needs, on_error="return")
        for address, answer in answers.items():
            if answer:
                more = sum(bool(other) for other in answers.values()) - 1
                what = _no_stabkit(answer) if isinstance(answer, BaseException) else answer[0]
                raise UsageError(
                    f"The worker {address} {what}{f'; {more} more cannot do this work' if more else ''}.",
                    where="--cluster",
                    hint=f"Give all workers the same stabkit and the same folders at the same paths. {_HANDBOOK}",
                )
        signs = sum(1 for _ in Path(needs.output).glob(f"{needs.sign}-*"))
        if signs < len(answers):
            raise UsageError(
                f"What {len(answers) - signs} of {len(answers)} workers wrote is not seen here.",
                where=needs.output,
                hint=f"Name an output folder that all workers share. {_HANDBOOK}",
            )
        self._client.subscribe_topic(self._topic, lambda event: self._told.append(event[1]))

    def has_room(self) -> bool:
        """Say whether the scheduler may be given one more task; it knows itself which worker is free."""
        return self._at_once is None or len(self._submitted) < self._at_once

    def submit(self, task: Task, begun: Callable[[], None]) -> Future[Made]:
        """Give a task to the scheduler."""
        if task.job.problem is not None:
            return self._here.submit(task, begun)
        answer: Future[Made] = Future()
        self._begun[task.number] = begun
        future = self._client.submit(
            work, task, self._needs[task.number], self._topic,
            key=(self._topic, task.number), pure=False, retries=_RETRIES,
        )  # fmt: skip
        self._submitted[answer] = future
        future.add_done_callback(partial(self._ended, task, answer))
        return answer

    def look(self) -> None:
        """Tell which tasks began since the last look.

        Raises
        ------
        NotebookError
            The scheduler is lost, or there have been no workers for a long time.
        """
        self._here.look()
        for answer in [answer for answer in self._submitted if answer.done()]:
            del self._submitted[answer]
        while self._told:
            for event, number in self._told.popleft().items():
                if event == "begun":
                    self._at_work.add(number)
                    self._begun[number]()
                else:
                    self._at_work.discard(number)
        if self._client.status != "running":
            raise _lost()
        if self._submitted and time.monotonic() - self._counted_at > _COUNT_WORKERS_S:
            self._counted_at = time.monotonic()
            if self._client.scheduler_info()["workers"]:
                self._seen_at = self._counted_at
            elif self._counted_at - self._seen_at > PATIENCE_S:
                raise _nobody()

    def stop(self) -> None:
        """Cancel what is not done, and wait until the workers have ended their kernels."""
        self._here.stop()
        if not self._submitted or self._client.status != "running":
            return
        self._client.cancel(list(self._submitted.values()), force=True)
        until = time.monotonic() + _STOP_S
        while self._at_work and time.monotonic() < until and self._client.status == "running":
            time.sleep(0.05)
            with contextlib.suppress(IndexError):
                while True:
                    self._at_work.discard(self._told.popleft().get("ended", -1))

    def _wait_for_a_worker(self) -> None:
        # A task waits at the scheduler, so that a cluster that grows with its work begins to.
        hello = self._client.submit(_hello, key=f"{self._topic}-hello", pure=False)
        try:
            hello.result(timeout=_SAY_WAITING_S)
        except TimeoutError:
            _log.warning("no worker has joined the cluster yet; waiting for one")
            try:
                hello.result(timeout=PATIENCE_S)
            except TimeoutError:
                raise _nobody() from None

    def _ended(self, task: Task, answer: Future[Made], future: Any) -> None:
        """Take in what became of a task; called from a thread of the client."""
        try:
            answer.set_result(self._made(task, future))
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            answer.set_exception(error)

    def _made(self, task: Task, future: Any) -> Made:
        if future.status == "finished":
            told = future.result()
            files = _appearing(task)
            error = (
                NotebookError(*told["error"][:1], where=told["error"][1], hint=told["error"][2])
                if told["error"]
                else None
            )
            return Made(task.job, told["state"], files, error, told["time_s"], told["peak_memory_mb"])
        if future.status == "cancelled":
            if self._client.status != "running":
                raise _lost()
            error = NotebookError(
                "Somebody cancelled the task of this report on the cluster.", where=task.job.file_name
            )
        else:
            error = _as_error(task, future.exception())
        files = None
        with contextlib.suppress(StabkitError):
            files = report_failure(task.job, task.output, error)
        return Made(task.job, "failed", files, error)


def _hello() -> None:
    """Do nothing, at some worker."""


def _appearing(task: Task) -> Any:
    """Return the report that a worker wrote; a network's file system may show it here a moment later."""
    until = time.monotonic() + _APPEAR_S
    while (files := report_there(task.job, task.output)) is None and time.monotonic() < until:
        time.sleep(0.1)
    return files


def _as_error(task: Task, problem: BaseException) -> NotebookError:
    """Return what a worker, or its death, said in the place of an answer."""
    from distributed import KilledWorker

    if isinstance(problem, WorkerError):
        what, where, hint = problem.args
        return NotebookError(what, where=where, hint=hint)
    if isinstance(problem, KilledWorker):
        return NotebookError(
            f"Every worker that ran this notebook died, {problem.allowed_failures + 1} in a row.",
            where=task.job.file_name,
            hint="It may take more memory than they have; their logs and those of the machine say more.",
        )
    return NotebookError(
        f"The worker could not run this notebook: {type(problem).__name__}: {redact_text(str(problem))}",
        where=task.job.file_name,
        hint=_HANDBOOK,
    )


def _no_stabkit(problem: BaseException) -> str:
    if "No module named 'stabkit" in str(problem):  # told as a text inside an exception
        return "cannot import stabkit"
    return f"could not be asked: {type(problem).__name__}: {redact_text(str(problem))}"


def _lost() -> NotebookError:
    return NotebookError(
        "The cluster's scheduler is gone, or cannot be reached any longer.",
        where="--cluster",
        hint="Run the same command again: what is done is skipped.",
    )


def _nobody() -> UsageError:
    return UsageError(
        f"The cluster has had no worker for {PATIENCE_S / 60:g} minutes.",
        where="--cluster",
        hint="Start some: dask worker ADDRESS. What is done is skipped the next time.",
    )


@contextlib.contextmanager
def _connected(where: str) -> Iterator[Client]:
    """Connect to a cluster, or start one of this machine, for as long as it is used."""
    try:
        import distributed
    except ImportError as error:
        raise UsageError(
            f"Running on a cluster needs a package that is not installed: {error.name}.",
            where="--cluster",
            hint='Install it: pip install "stabkit[cluster]"',
        ) from error
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
            return str(json.loads(Path(where).read_text(encoding="utf-8"))["address"])
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
