"""The due times of one round, and the workers that keep them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import Final

__all__ = ["Schedule", "run_together"]

_SPIN_NS: Final = 200_000  # sleeping overshoots by about 0.1 ms, so the rest of the way is awaited awake
_NAP_NS: Final = 200_000_000  # the longest sleep, after which a stopped schedule is noticed


class Schedule:
    """The due times of one round, handed out in order to whoever is free.

    Parameters
    ----------
    requests : int
        How many.
    rate : float
        Due per second, whatever became of those before.
    """

    def __init__(self, requests: int, rate: float) -> None:
        self._period_ns = int(1e9 / rate)
        self._start_ns = perf_counter_ns() + min(self._period_ns, 1_000_000)
        self._requests = requests
        self._taken = 0
        self._stopped = False
        self._lock = threading.Lock()

    def take(self) -> tuple[int, int] | None:
        """Return position and due time of the next request, on the clock of ``perf_counter_ns``; None at the end."""
        with self._lock:
            if self._stopped or self._taken >= self._requests:
                return None
            position = self._taken
            self._taken += 1
        return position, self._start_ns + position * self._period_ns

    def wait(self, due_ns: int) -> bool:
        """Sleep until a due time; return False if the schedule was stopped meanwhile."""
        while (left := due_ns - perf_counter_ns()) > 0:
            if self._stopped:
                return False
            time.sleep(min(max(left - _SPIN_NS, 0), _NAP_NS) / 1e9)
        return not self._stopped

    def stop(self) -> None:
        """Hand out nothing any more."""
        self._stopped = True


def run_together(works: Sequence[Callable[[], None]], schedule: Schedule) -> None:
    """Run each piece of work, in threads of their own if there are several; return when all have ended.

    An interrupt stops the schedule and is raised once the requests under way have ended; so is a worker's own error.
    """
    if len(works) == 1:
        works[0]()
        return
    faults: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - carried over to the caller
            schedule.stop()
            faults.append(error)

    threads = [threading.Thread(target=guarded, args=(work,), name="http probe", daemon=True) for work in works]
    started: list[threading.Thread] = []
    try:
        for thread in threads:
            thread.start()
            started.append(thread)
        for thread in threads:
            thread.join()
    except BaseException:  # an interrupt, or no further thread can be started
        schedule.stop()
        for thread in started:
            thread.join()
        raise
    if faults:
        raise faults[0]
