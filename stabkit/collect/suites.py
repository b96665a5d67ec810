"""Configured test suites and scans: their command run, or their report files read.

A command is an argument list, never a shell line; ``{output}`` becomes the path of the report it shall write. It runs
in a process group of its own, which is killed whole at the timeout.

Reruns that confirm a failure use ``rerun_command``, where ``{test}`` becomes the name of one test: the pytest node id
``tests/test_a.py::TestB::test_c[x]`` if the class or file of the report leads to a file under the suite's directory,
else the test id as it stands in the tables (``class::name``).
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from stabkit.collect.retries import number_attempts
from stabkit.config import CoverageSource, FindingMapping, ScanSource, TestSuite
from stabkit.paths import expanded
from stabkit.read import expand, read_file, read_paths, scans_once, with_context
from stabkit.redact import redact_text, remember_environment
from stabkit.schema import Evidence
from stabkit.sources import Fault, doubted, named, source_evidence
from stabkit.vocabulary import BAD

__all__ = ["read_coverage", "run_scan", "run_suite", "test_argument"]

_log = logging.getLogger(__name__)
_STDERR_LINES = 8
_STDERR_BYTES = 64 * 1024
_CLOCK_TICK = timedelta(seconds=2)  # some file systems keep the time of a file in steps of two seconds


@dataclass(frozen=True)
class _Setting:
    """Where a command runs, and with which environment variables."""

    folder: Path
    variables: Mapping[str, str]


@dataclass(frozen=True)
class _Run:
    """How a command ended, and when it began; ``code`` is None if it was killed at the timeout or could not start."""

    code: int | None
    problem: str | None
    stderr: str
    began: datetime = field(default_factory=lambda: datetime.now(UTC))


def run_suite(
    name: str,
    suite: TestSuite,
    *,
    root: Path,
    environment: Mapping[str, str] | None = None,
    known_failures: Collection[str] = (),
) -> Evidence:
    """Run or read one test suite; its rows carry the configured name.

    Parameters
    ----------
    name : str
        The configured name.
    suite : TestSuite
        Its command or files.
    root : Path
        Folder of the configuration: what relative paths are relative to.
    environment : mapping, optional
        Variables beside the suite's own, such as the address of the side under test.
    known_failures : Collection of str
        Ids of tests that failed in the baseline already, tried again and again: failing still is no news that reruns
        could confirm, so they are not rerun, unless the suite asks for it with ``rerun_known_failures``; then after the
        others.

    Returns
    -------
    Evidence
        ``tests`` and ``sources``. With ``confirm_reruns`` and a ``rerun_command`` each failing test is run again,
        alone and in a process of its own, until it has failed that often or passed; these rows are its attempts 2, 3,
        ...
        All attempts that ran here have ``fresh_process``. A command that gives no report leaves a source with status
        ``error``: its exit code and last words.
    """
    return named(_suite_evidence(name, suite, root, environment or {}, known_failures), name)


def _suite_evidence(
    name: str, suite: TestSuite, root: Path, environment: Mapping[str, str], known_failures: Collection[str]
) -> Evidence:
    folder = _folder(suite.directory, root)
    attempts = number_attempts if suite.retries == "same_id" else lambda evidence: evidence
    if suite.files:
        found = read_paths(_absolute(suite.files, folder), kind="tests", suite=name, root=folder)
        return _with_suite_sources(attempts(found), name)
    setting = _Setting(folder, {**os.environ, **suite.environment, **environment})
    with _report_path() as output:
        run = _run(_filled(suite.command, {"output": str(output)}), setting, suite.timeout_s)
        evidence = _report(name, "tests", run, output, setting)
    evidence = _fresh(attempts(evidence))
    if suite.confirm_reruns and suite.rerun_command:
        known = frozenset(known_failures)
        return evidence.merge(*_reruns(name, suite, evidence["tests"], setting, known))
    return evidence


def run_scan(name: str, scan: ScanSource, *, root: Path) -> Evidence:
    """Run or read one compliance scan; ``scan_id`` is the configured name (of further scans ``name#2``, ...).

    An exit code that is not in ``ok_exit_codes`` makes the scan incomplete, whatever its report says.
    """
    return named(_scan_evidence(name, scan, root), name)


def read_coverage(name: str, report: CoverageSource, *, root: Path) -> Evidence:
    """Read the reports of one configured coverage, which count together."""
    folder = _folder(report.directory, root)
    return named(read_paths(_absolute(report.files, folder), kind="coverage", suite=name, root=folder), name)


def _scan_evidence(name: str, scan: ScanSource, root: Path) -> Evidence:
    folder = _folder(scan.directory, root)
    if scan.files:
        files = [file for text in _absolute(scan.files, folder) for file in expand(text) or [Path(text)]]
        parts: list[Evidence] = []
        taken = 0
        for file in files:
            # A file may hold several scans, which number themselves: the next one begins after them.
            own = name if not taken else f"{name}#{taken + 1}"
            parts.append(read_file(file, kind="scan", suite=own, root=folder, mapping=scan.mapping))
            taken += max(1, parts[-1]["scans"]["scan_id"].nunique())
        return Evidence().merge(*scans_once(parts))
    with _report_path() as output:
        setting = _Setting(folder, dict(os.environ))
        run = _run(_filled(scan.command, {"output": str(output)}), setting, scan.timeout_s)
        evidence = with_context(_report(name, "scan", run, output, setting, mapping=scan.mapping), folder)
    if run.code in scan.ok_exit_codes:
        return evidence
    evidence = _partial(evidence, f"the command ended with exit code {run.code}")
    return Evidence.of(**{**evidence.tables, "scans": evidence["scans"].assign(complete=False)})


def _folder(directory: Path | None, root: Path) -> Path:
    return (root / directory).resolve() if directory is not None else root.resolve()


def _absolute(files: Sequence[str], folder: Path) -> list[str]:
    return [str(folder / expanded(file)) for file in files]


@contextmanager
def _report_path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="stabkit-") as folder:
        yield Path(folder) / "report"


def _filled(command: Sequence[str], values: Mapping[str, str]) -> list[str]:
    # Not str.format: other braces in an argument are the command's own.
    filled = []
    for argument in command:
        for key, value in values.items():
            argument = argument.replace(f"{{{key}}}", value)  # noqa: PLW2901
        filled.append(argument)
    return filled


def _run(command: Sequence[str], setting: _Setting, timeout_s: float) -> _Run:
    """Run a command to its end or its timeout, and say how it went."""
    remember_environment(setting.variables)
    began = datetime.now(UTC)
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(  # noqa: S603 - the command is the user's own, an argument list without a shell
                command,
                cwd=setting.folder,
                env=dict(setting.variables),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = f"the command could not start: {_start_fault(error, command[0])}"
            return _Run(None, Fault(why, "not_startable"), "")
        code: int | None = None
        problem = None
        try:
            code = process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            problem = f"the command was killed at its timeout of {timeout_s:g} s"
        finally:
            # Also after an interrupt and for children that outlived the command: nothing stays behind.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        errors.seek(0, os.SEEK_END)
        errors.seek(max(0, errors.tell() - _STDERR_BYTES))
        return _Run(code, problem, errors.read().decode("utf-8", "replace"), began)


def _report(
    name: str, kind: str, run: _Run, output: Path, setting: _Setting, *, mapping: FindingMapping | None = None
) -> Evidence:
    """Return what the command wrote, or an error source that says how it ended."""
    ending = run.problem or f"the command ended with exit code {run.code}"
    if run.problem is None and output.is_file() and output.stat().st_size:
        evidence = read_file(output, kind=kind, suite=name, root=setting.folder, mapping=mapping)
        evidence = _new(_renamed(evidence, str(output), name), run)
        return _doubted(evidence, run) if kind == "tests" else evidence
    lines = [line for line in run.stderr.splitlines() if line.strip()][-_STDERR_LINES:]
    words = redact_text("\n".join(lines))
    what = ending if run.problem else Fault(f"{ending} and wrote no report", "no_report")
    said = [what, f"its last words: {words}"] if words else [what]
    return source_evidence({}, kind=kind, path=name, status="error", messages=said)


def _new(evidence: Evidence, run: _Run) -> Evidence:
    """Return the evidence as partial if its file was written before the command began: it copied an old report."""
    written = evidence["sources"]["written_at"].min()
    if pd.isna(written) or written >= run.began - _CLOCK_TICK:
        return evidence
    return _partial(
        evidence, Fault(f"written at {written:%Y-%m-%d %H:%M:%S} UTC, before its command began: did it run?", "old")
    )


def _doubted(evidence: Evidence, run: _Run) -> Evidence:
    """Return the evidence as partial if the command failed and its report holds no failure that would explain it."""
    if run.code == 0 or evidence["tests"]["status"].isin(BAD).any():
        return evidence
    return _partial(evidence, f"the command ended with exit code {run.code}, yet its report holds no failure")


def _partial(evidence: Evidence, why: str) -> Evidence:
    """Return the evidence with its usable sources partial; what was said of them before follows."""
    sources = evidence["sources"]
    return Evidence.of(
        **{**evidence.tables, "sources": doubted(sources, sources["status"].isin(["ok", "repaired"]), why)}
    )


def _renamed(evidence: Evidence, path: str, name: str) -> Evidence:
    """Return the evidence with the configured name in place of a temporary path."""
    tables = dict(evidence.tables)
    for table, column in (("sources", "path"), ("tests", "source")):
        if table in tables:
            frame = tables[table].copy()
            frame[column] = frame[column].replace({path: name})
            tables[table] = frame
    return Evidence(_with_suite_sources(Evidence(tables), name).tables)


def _with_suite_sources(evidence: Evidence, name: str) -> Evidence:
    """Return the evidence with the suite's name in what its sources claim, so that a claim finds its suite."""
    sources = evidence["sources"].copy()
    tests = sources["kind"] == "tests"
    sources.loc[tests, "claimed"] = [
        json.dumps({**(json.loads(text) if isinstance(text, str) else {}), "suite": name}, sort_keys=True)
        for text in sources.loc[tests, "claimed"]
    ]
    return Evidence.of(**{**evidence.tables, "sources": sources})


def _start_fault(error: OSError | ValueError, program: str) -> str:
    if isinstance(error, FileNotFoundError) and str(error.filename) == program:
        return f"there is no program {program!r}"
    return str(getattr(error, "strerror", None) or error)


def _fresh(evidence: Evidence) -> Evidence:
    if "tests" not in evidence.tables:
        return evidence
    return Evidence.of(**{**evidence.tables, "tests": evidence["tests"].assign(fresh_process=True)})


def _reruns(
    name: str, suite: TestSuite, tests: pd.DataFrame, setting: _Setting, known_failures: Collection[str]
) -> Iterator[Evidence]:
    last = tests.sort_values("attempt", kind="stable").groupby("test_id", sort=False).tail(1)
    # An id that occurs twice counts by its worst: it is rerun if any of its last attempts failed.
    worst = tests[tests["test_id"].isin(last["test_id"]) & tests["status"].isin(BAD)]
    failing = pd.concat([last[last["status"].isin(BAD)], worst[worst["attempt"] == 1]])
    recovered = set(last.loc[~last["status"].isin(BAD) & (last["attempt"] > 1), "test_id"])
    found = failing.drop_duplicates("test_id")[["test_id", "class", "name"]]
    found = found.sort_values("test_id", key=lambda ids: ids.isin(known_failures), kind="stable")
    for test_id, group, own in found.itertuples(index=False, name=None):
        if test_id in recovered or (test_id in known_failures and not suite.rerun_known_failures):
            continue
        attempt = int(tests.loc[tests["test_id"] == test_id, "attempt"].max())
        argument = test_argument(test_id, None if pd.isna(group) else group, own, setting.folder)
        for number in range(1, suite.confirm_reruns + 1):
            evidence, status = _rerun(name, suite, (test_id, argument), attempt + number, setting)
            yield evidence
            if status not in BAD:
                break


def _rerun(name: str, suite: TestSuite, test: tuple[str, str], attempt: int, setting: _Setting) -> tuple[Evidence, str]:
    """Run one test, given as id and argument, once more; return its row and the status of this attempt."""
    test_id, argument = test
    label = f"{name} rerun {attempt} of {test_id}"
    with _report_path() as output:
        command = _filled(suite.rerun_command, {"output": str(output), "test": argument})
        run = _run(command, setting, suite.timeout_s)
        evidence = _report(name, "tests", run, output, setting)
    rows = evidence["tests"]
    rows = rows[rows["test_id"] == test_id]
    # Several tests may bear one id: all their last attempts count, so that none hides the failure of another.
    rows = rows[rows["attempt"] == rows["attempt"].max()]
    sources = evidence["sources"].assign(path=label)
    if rows.empty:
        # The rerun says nothing about this test: no attempt, and the run is incomplete.
        _log.warning("%s gave no result for it", label)
        note = sources["message"].fillna("the rerun's report does not hold this test")
        sources = sources.assign(status="error", message=note, rows=0)
        return Evidence.of(sources=sources), "no_result"
    rows = rows.assign(attempt=attempt, fresh_process=True, source=label, suite=name)
    bad = rows.loc[rows["status"].isin(BAD), "status"]
    status = str(bad.iloc[0] if len(bad) else rows["status"].iloc[0])
    return Evidence.of(sources=sources.assign(rows=len(rows)), tests=rows), status


def test_argument(test_id: str, group: str | None, name: str, folder: Path) -> str:
    """Return what ``{test}`` stands for: a pytest node id where a file says so, else the test id.

    The longest beginning of the dotted class that is a Python file under ``folder`` is the module, the rest classes.

    Examples
    --------
    >>> test_argument("shop.CartTest::adds", "shop.CartTest", "adds", Path("."))
    'shop.CartTest::adds'
    """
    parts = (group or "").split(".")
    for length in range(len(parts), 0, -1):
        file = Path(*parts[:length]).with_suffix(".py") if all(parts[:length]) else None
        if file is not None and not file.is_absolute() and (folder / file).is_file():
            return "::".join([file.as_posix(), *parts[length:], name])
    head = test_id.split("::", 1)[0]
    if head.endswith(".py") and (folder / head).is_file():
        return f"{head}::{name}"
    return test_id


test_argument.__test__ = False  # type: ignore[attr-defined]  # its name is no pytest test
