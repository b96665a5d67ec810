"""The recording: all releases installed, up at once, probed in the same rounds, then tested and scanned one by one."""

from __future__ import annotations

import json
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from stabkit.analyze.tests import failing_tests
from stabkit.collect import collect
from stabkit.config import Config, load_config
from stabkit.demo.releases.database import make_database
from stabkit.demo.releases.environments import find_uv, install_release
from stabkit.demo.releases.released import RELEASES, released_at
from stabkit.demo.releases.servers import Server, running_server
from stabkit.demo.releases.trees import commit_release
from stabkit.demo.repository import start_repository
from stabkit.errors import UsageError
from stabkit.probe import declared_probes, run_rounds
from stabkit.runs import new_run
from stabkit.schema import Evidence
from stabkit.store import GRACE, Store, open_store

__all__ = ["record_releases"]

_HERE: Final = Path(__file__).parent
_INSTALLING: Final = 2
_GONE: Final = Server(port=8001, pid=1)
_PROBED: Final = ("http", "resources")
_EXAMINED: Final = ("tests", "scans", "changes")


def record_releases(
    output: Path,
    *,
    releases: Sequence[str] = tuple(RELEASES),
    rounds: int = 12,
    note: Callable[[str], None] = lambda _text: None,
) -> Store:
    """Install, run, probe, test and scan releases, and store a run of each.

    Parameters
    ----------
    output : Path
        A new store; an old one there must be removed first.
    releases : sequence of str
        Keys of ``RELEASES``, in their order.
    rounds : int
        Rounds of probing; in each all releases are asked, in an order drawn again.
    note : callable
        Told what is being done.

    Returns
    -------
    Store
        ``started_at`` of a run is noon of the day its release came out, ``finished_at`` when it was measured. All runs
        share one ``collection_id``: any two of them were measured side by side.

    Raises
    ------
    UsageError
        The folder holds something already, or uv is not installed.
    EvidenceError
        A release cannot be installed, or does not start.
    """
    if output.exists() and any(output.iterdir()):
        raise UsageError("The folder is not empty.", where=str(output), hint="Remove it to record the history again.")
    find_uv()
    with tempfile.TemporaryDirectory(prefix="stabkit-releases-") as scratch, ExitStack() as stack:
        folder = Path(scratch)
        environments = _installed(folder, releases, note)
        database = make_database(folder)
        servers = {}
        for label in releases:
            servers[label] = stack.enter_context(running_server(environments[label], database, label))
        note(f"{len(servers)} releases are up: probing them in {rounds} rounds")
        configs = {label: _config(folder, label, server, rounds) for label, server in servers.items()}
        sides = {
            label: declared_probes(config, lambda kind, _name: kind in _PROBED, baseline=False)
            for label, config in configs.items()
        }
        probed = run_rounds(sides, rounds=rounds, seed=next(iter(configs.values())).collect.seed)
        measured_at = datetime.now(UTC)
        store = open_store(output, create=True)
        (output / ".gitignore").unlink(missing_ok=True)  # this one is committed
        judged = _write_config(output / "stabkit.toml", rounds)
        shared = {"finished_at": measured_at, "config_sha256": judged.sha256}
        _examine(folder, store, configs, probed=probed, shared=shared, note=note)
    now = datetime.now(UTC)
    store.compact(now=now - 2 * GRACE)
    store.compact(now=now)  # removes what the first one replaced: nobody else reads this store yet
    return store


def _installed(folder: Path, releases: Sequence[str], note: Callable[[str], None]) -> dict[str, Path]:
    note(f"installing {len(releases)} releases, each as of its day")

    def install(label: str) -> Path:
        environment = folder / label
        install_release(label, environment)
        note(label)
        return environment

    with ThreadPoolExecutor(_INSTALLING) as pool:
        return dict(zip(releases, pool.map(install, releases), strict=True))


def _config(folder: Path, label: str, server: Server, rounds: int) -> Config:
    suite = folder / "suite"
    if not suite.exists():  # a folder of its own: no settings of pytest lie above it
        shutil.copytree(_HERE / "suite", suite, ignore=shutil.ignore_patterns("__pycache__"))
    places = {"data": "data", "suite": "suite", "trees": "trees"}
    path = folder / f"{label}.toml"
    path.write_text(_text(server, rounds, python=sys.executable, **places), encoding="utf-8")
    return load_config(path)


def _text(server: Server, rounds: int, *, python: str, **places: str) -> str:
    template = (_HERE / "project.toml").read_text(encoding="utf-8")
    quoted = {name: json.dumps(place) for name, place in places.items()}
    return template.format(url=server.url, pid=server.pid, rounds=rounds, python=python, **quoted)


def _write_config(path: Path, rounds: int) -> Config:
    # The addresses are those of servers long gone; the conditions are what the notebooks judge by.
    text = _text(_GONE, rounds, python="python", data=".", suite="suite", trees="trees")
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def _examine(
    folder: Path,
    store: Store,
    configs: Mapping[str, Config],
    *,
    probed: Mapping[str, Evidence],
    shared: Mapping[str, Any],
    note: Callable[[str], None],
) -> None:
    """Commit, test and scan the releases in their order, and store a run of each."""
    trees = folder / "trees"
    start_repository(trees)
    together = secrets.token_hex(8)
    before: str | None = None
    known: Mapping[str, Collection[str]] = {}
    for label, config in configs.items():
        note(label)
        packages = next((folder / label / "lib").glob("python*/site-packages"))
        commit = commit_release(trees, label, packages)
        # What fails in the first release is no break: nothing has to confirm it.
        examined = config if before else _without_reruns(config)
        found = collect(examined, label=label, only=_EXAMINED, base=before, known_failures=known)
        evidence = _first_lines(probed[label].merge(found.evidence["candidate"]))
        fields = {**found.runs["candidate"], **shared, "commit": commit, "branch": "main", "collection_id": together}
        for name in ("run_id", "label", "started_at", "complete"):
            fields.pop(name)
        run = new_run(label=label, started_at=released_at(label), complete=not evidence.failed, **fields)
        store.append(run, evidence)
        known = failing_tests(evidence["tests"])
        before = commit


def _without_reruns(config: Config) -> Config:
    tests = {name: suite.model_copy(update={"confirm_reruns": 0}) for name, suite in config.tests.items()}
    return config.model_copy(update={"tests": tests})


def _first_lines(evidence: Evidence) -> Evidence:
    """Return the evidence with the first line of each test's message: what follows shows code and addresses."""
    tests = evidence["tests"]
    lines = tests["message"].str.split("\n").str[0]
    return Evidence.of(**{**evidence.tables, "tests": tests.assign(message=lines)})
