"""Workers of a Dask cluster: of any that has a scheduler, or processes of this machine for one batch.

Each report is one task. A worker that dies in the middle of one loses nothing: the scheduler gives the task to another.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from stabkit.errors import NotebookError
from stabkit.pipeline.outputs import Output
from stabkit.pipeline.reports import possible_files
from stabkit.pipeline.workers import connections
from stabkit.pipeline.workers.attempts import Made, Task, failure_page, report_there
from stabkit.pipeline.workers.connections import HANDBOOK, check_workers, connected, lost, nobody
from stabkit.pipeline.workers.needs import Needs, all_needs, needs_of, signed
from stabkit.pipeline.workers.remote import WorkerError, work
from stabkit.pipeline.workers.threads import Threads
from stabkit.redact import redact_text

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Cluster", "cluster_workers"]

_COUNT_WORKERS_S: Final = 5
_RETRIES: Final = (
    1  # of what a worker could leave no page of, such as on a full disk; deaths are the scheduler's to count
)
_STOP_S: Final = 10
_APPEAR_S: Final = 10


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
    with connected(where) as client, signed(tasks[0].output, tasks[0].address) as sign:
        needs = {task.number: needs_of(task, sign) for task in tasks}
        cluster = Cluster(client, needs, at_once)
        try:
            check_workers(client, all_needs(needs.values()))
            cluster.listen()
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

    def listen(self) -> None:
        """Hear from the workers which tasks begin and end."""
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
            raise lost()
        if self._submitted and time.monotonic() - self._counted_at > _COUNT_WORKERS_S:
            self._counted_at = time.monotonic()
            if self._client.scheduler_info()["workers"]:
                self._seen_at = self._counted_at
            elif self._counted_at - self._seen_at > connections.PATIENCE_S:
                raise nobody()

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
                raise lost()
            error = NotebookError(
                "Somebody cancelled the task of this report on the cluster.", where=task.job.file_name
            )
        else:
            error = _as_error(task, future.exception())
        return Made(task.job, "failed", failure_page(task, error), error)


def _appearing(task: Task) -> Any:
    """Return the report that a worker wrote; a network's file system may show it here a moment later."""
    Output(task.output, task.address).fetch(path.name for path in possible_files(task.job, task.output))
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
        hint=HANDBOOK,
    )
