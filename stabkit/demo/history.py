"""A recorded history of the service: ``python -m stabkit.demo.history --output FOLDER`` runs each of its builds.

Thirty-two builds one after the other, then v1.4 and v1.5 side by side. All rows are measured; only edits are chosen.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Final

from stabkit.collect import collect
from stabkit.config import Config
from stabkit.demo.certificates import Certificates, write_certificates
from stabkit.demo.processes import RunningService, running_service
from stabkit.demo.repository import BASELINE_LABEL, CANDIDATE_LABEL, commit_version, start_repository
from stabkit.demo.scenarios import RELEASE, STORAGE_TEST, TIDY_STORAGE, Edit, apply_edits, write_service
from stabkit.demo.tour import collect_versions, project_text, store_versions, write_config
from stabkit.errors import UsageError
from stabkit.store import Store, open_store

__all__ = ["BUILDS", "record_history"]

FLAKY_TEST: Final = (
    Edit(
        "tests/test_timing.py",
        """import asyncio

from chat_service.agent import work


def test_shorter_work_ends_first():
    async def race():
        ended = []

        async def run(name, milliseconds):
            await work(milliseconds)
            ended.append(name)

        await asyncio.gather(run("short", 5.0), run("long", 5.3))
        return ended

    assert asyncio.run(race()) == ["short", "long"]
""",
    ),
)
RISKY_EXPORT: Final = (
    Edit(
        "chat_service/export.py",
        '''"""Export of messages."""

import os
import subprocess


def export(store, user_id, command):
    """Pipe the messages of one user through a command."""
    text = "\\n".join(store.messages(user_id))
    return subprocess.run(command, shell=True, input=text, capture_output=True, text=True).stdout


def export_filter(expression):
    """Return a filter from its expression."""
    return eval(f"lambda text: {expression}")
''',
    ),
)
MODERN_TYPES: Final = (
    Edit("chat_service/events.py", "from typing import Any\n", old="from typing import Any, Dict\n"),
    Edit("chat_service/events.py", "    data: dict[str, Any]", old="    data: Dict[str, Any]"),
)
SLOWER_HEALTH: Final = (
    Edit(
        "chat_service/app.py",
        "        await agent.work(self.settings.health_ms * 1.25)\n",
        old="        await agent.work(self.settings.health_ms)\n",
    ),
)
WRONG_PLURAL: Final = (Edit("chat_service/agent.py", "'s' if words > 2 else ''", old="'s' if words != 1 else ''"),)

#: What is in the source at which builds (first, last), beside the service as it stands.
_PERIODS: Final = (
    (FLAKY_TEST, 1, 26),
    (RISKY_EXPORT, 6, 24),
    (MODERN_TYPES, 10, 99),
    (SLOWER_HEALTH, 13, 18),
    (WRONG_PLURAL, 20, 22),
    (STORAGE_TEST, 23, 99),
)
BUILDS: Final[Mapping[str, tuple[Edit, ...]]] = MappingProxyType(
    {
        f"build-{number:02}": tuple(
            edit for edits, first, last in _PERIODS if first <= number <= last for edit in edits
        )
        for number in range(1, 33)
    }
)


def record_history(output: Path, *, builds: int = len(BUILDS), rounds: int = 20) -> Store:
    """Run, probe, test and scan the builds one after the other, and the last release side by side with its candidate.

    Parameters
    ----------
    output : Path
        A new store; an old one there must be removed first.
    builds : int
        How many of :data:`BUILDS`, from the first.
    rounds : int
        Interleaved rounds of the last two runs.

    Raises
    ------
    UsageError
        The folder holds something already.
    """
    if output.exists() and any(output.iterdir()):
        raise UsageError("The folder is not empty.", where=str(output), hint="Remove it to record the history anew.")
    store = open_store(output, create=True)
    (output / ".gitignore").unlink(missing_ok=True)  # this one is committed
    with tempfile.TemporaryDirectory(prefix="stabkit-history-") as scratch:
        folder = Path(scratch)
        certificates = write_certificates(folder / "tls")
        source = folder / "candidate"
        start_repository(source)
        for label, edits in list(BUILDS.items())[:builds]:
            _write(source, edits)
            commit = commit_version(source, label)
            _record_build(folder, certificates, store, label, commit)
            sys.stderr.write(f"{label}\n")
        _record_release(folder, certificates, store, rounds)
    # The addresses are those of services long gone; the conditions are what the notebooks judge by.
    gone = RunningService(port=8443, pid=1)
    again = ("stabkit", "demo", "--rounds", "{rounds}")
    text = project_text(gone, gone, rounds=rounds, python="python", data=".", again=again)
    (output / "stabkit.toml").write_text(text, encoding="utf-8")
    return store


def _write(source: Path, edits: tuple[Edit, ...]) -> None:
    for entry in source.iterdir():
        if entry.name != ".git":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    write_service(source)
    apply_edits(source, edits)


def _record_build(folder: Path, certificates: Certificates, store: Store, label: str, commit: str) -> None:
    with running_service(folder / "candidate", certificates) as service:
        config = _lighter(write_config(folder, service, service, rounds=5))
        collection = collect(config, label=label)
    for side, run in collection.runs.items():
        store.append({**run, "commit": commit, "branch": "main"}, collection.evidence[side])


def _lighter(config: Config) -> Config:
    # A build of the history is probed as briefly as a nightly job would, and its failing tests are not run again.
    http = {
        name: target.model_copy(update={"requests": min(target.requests, 30)}) for name, target in config.http.items()
    }
    tests = {name: suite.model_copy(update={"confirm_reruns": 0}) for name, suite in config.tests.items()}
    return config.model_copy(update={"http": http, "tests": tests, "changes": None})


def _record_release(folder: Path, certificates: Certificates, store: Store, rounds: int) -> None:
    # The release tidies the message store and tells its version; its test of the store has been there since build 23.
    last, source = list(BUILDS.values())[-1], folder / "candidate"
    baseline = folder / "baseline"
    _write(source, last)
    commits = [commit_version(source, "Release 1.4.0", tag=BASELINE_LABEL)]
    shutil.copytree(source, baseline, ignore=shutil.ignore_patterns(".git"))
    release = tuple(edit for edits in RELEASE.values() for edit in edits if edit not in STORAGE_TEST)
    assert set(TIDY_STORAGE) <= set(release)
    apply_edits(source, release)
    commits.append(commit_version(source, "Release 1.5.0", tag=CANDIDATE_LABEL))
    with ExitStack() as stack:
        before = stack.enter_context(running_service(baseline, certificates))
        after = stack.enter_context(running_service(source, certificates))
        config = write_config(folder, before, after, rounds=rounds)
        collected = collect_versions(config)
    store_versions(store, collected, commits[0], commits[1])


def main() -> None:
    """Record a history from the command line."""
    parser = argparse.ArgumentParser(prog="python -m stabkit.demo.history", description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--builds", type=int, default=len(BUILDS))
    options = parser.parse_args()
    record_history(options.output, builds=options.builds)


if __name__ == "__main__":
    main()
