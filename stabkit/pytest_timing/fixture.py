"""The plugin of pytest, found by its entry point: loaded at every start of pytest, and idle unless it is asked.

Nothing but the standard library and pytest is imported here. Source: pytest, writing plugins (``pytest11``).
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

__all__ = ["Measure", "pytest_addoption", "pytest_sessionfinish", "stabkit_measure"]

Result = TypeVar("Result")

METRIC: Final = "call_time"
_COMMITS: Final = ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; without the first nothing is timed."""
    group = parser.getgroup("stabkit", "what stabkit compares")
    group.addoption("--stabkit-records", metavar="FILE", help="Write what stabkit_measure times to this record.")
    group.addoption(
        "--stabkit-label",
        metavar="LABEL",
        default=os.environ.get("STABKIT_LABEL"),
        help="The run's label in the record.",
    )


@dataclass
class _Recorded:
    """What the tests of one session timed."""

    file: Path
    label: str | None
    started_at: datetime
    samples: list[dict[str, Any]] = field(default_factory=list)
    rounds: dict[str, int] = field(default_factory=dict)

    def begin(self, name: str) -> int:
        """Return the number of a round of calls of that name, from 0."""
        self.rounds[name] = self.rounds.get(name, -1) + 1
        return self.rounds[name]

    def add(self, name: str, number: int, sequence: int, took_ns: int, error: BaseException | None) -> None:
        took = took_ns / 1e6
        row = {"target": name, "metric": METRIC, "round": number, "sequence": sequence}
        row |= {"service_ms": took, "response_ms": took, "ok": error is None}
        self.samples.append(row if error is None else {**row, "error": type(error).__name__})

    def write(self) -> None:
        run = {"label": self.label, "commit": _commit(), "started_at": self.started_at.isoformat()}
        run["finished_at"] = datetime.now(UTC).isoformat()
        known = {name: value for name, value in run.items() if value is not None}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.file.with_name(f".{self.file.name}.unfinished")
        unfinished.write_text(json.dumps({"stabkit": 1, "run": known, "samples": self.samples}), encoding="utf-8")
        unfinished.replace(self.file)


_RECORDED: Final = pytest.StashKey[_Recorded]()


class Measure:
    """Times calls and blocks of a test; without ``--stabkit-records`` it only runs them.

    Parameters
    ----------
    name : str
        What is timed where a call names nothing: the test's own name.
    recorded : _Recorded or None
        Where samples go; None times nothing.
    """

    def __init__(self, name: str, recorded: _Recorded | None) -> None:
        self._name = name
        self._recorded = recorded

    def __call__(
        self,
        function: Callable[..., Result],
        *arguments: Any,
        name: str | None = None,
        times: int = 30,
        warmup: int = 3,
    ) -> Result:
        """Call a function that many times, each timed, and return what it returned last.

        Parameters
        ----------
        function : callable
        *arguments
            What it is given.
        name : str, optional
            The target in the record; else the test's own name.
        times : int
            Timed calls, at least 1; together they are one round.
        warmup : int
            Calls before them that are not timed.

        Raises
        ------
        ValueError
            ``times`` is below 1.
        """
        if times < 1:
            raise ValueError("times is at least 1")
        if self._recorded is None:
            return function(*arguments)
        for _ in range(warmup):
            function(*arguments)
        target = name or self._name
        number = self._recorded.begin(target)
        for sequence in range(times):
            with self._timed(target, number, sequence):
                result = function(*arguments)
        return result

    @contextmanager
    def block(self, name: str | None = None) -> Iterator[None]:
        """Time the block once; each block of a name is a round of its own."""
        if self._recorded is None:
            yield
            return
        target = name or self._name
        with self._timed(target, self._recorded.begin(target), 0):
            yield

    @contextmanager
    def _timed(self, target: str, number: int, sequence: int) -> Iterator[None]:
        assert self._recorded is not None
        error: BaseException | None = None
        begun = time.perf_counter_ns()
        try:
            yield
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._recorded.add(target, number, sequence, time.perf_counter_ns() - begun, error)


@pytest.fixture
def stabkit_measure(request: pytest.FixtureRequest) -> Measure:
    """Return what times calls and blocks of a test, as in ``stabkit_measure(search, "needle", times=50)``."""
    return Measure(request.node.name, _recorded(request))


def _recorded(request: pytest.FixtureRequest) -> _Recorded | None:
    config = request.config
    if config.stash.get(_RECORDED, None) is None:
        given = config.getoption("--stabkit-records")
        if not given:
            return None
        file = config.invocation_params.dir / given
        worker = getattr(config, "workerinput", {}).get("workerid")  # of pytest-xdist: each writes its own
        if worker:
            file = file.with_name(f"{file.stem}-{worker}{file.suffix}")
        label = config.getoption("--stabkit-label")
        config.stash[_RECORDED] = _Recorded(file, label, datetime.now(UTC))
        tell = request.getfixturevalue("record_testsuite_property")
        for name, value in (("stabkit.label", label), ("stabkit.commit", _commit())):
            if value:
                tell(name, value)
    return config.stash[_RECORDED]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the record, where anything was timed."""
    recorded = session.config.stash.get(_RECORDED, None)
    if recorded is not None and recorded.samples:
        recorded.write()


def _commit() -> str | None:
    """Return the commit that is checked out; None where git knows none."""
    found = next((os.environ[name] for name in _COMMITS if os.environ.get(name)), None)
    if found is None:
        with suppress(OSError, subprocess.SubprocessError):
            words = ["git", "rev-parse", "HEAD"]
            told = subprocess.run(words, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603 - words of ours
            found = told.stdout.strip()
    return found or None
