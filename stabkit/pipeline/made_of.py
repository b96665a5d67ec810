"""What a report is made of: enough to know, without running anything, whether it would come out the same again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.case import baseline_named, existing, files_alone, find_settings_file, open_runs
from stabkit.errors import StabkitError
from stabkit.installation import package_version
from stabkit.paths import read_bounded
from stabkit.pipeline.notebooks import find_notebook, notebook_defaults
from stabkit.pipeline.reports import Job, report_files, report_paths
from stabkit.redact import redact_values
from stabkit.store import Store, project_store
from stabkit.vocabulary import EXIT_CODES, VERDICTS

__all__ = ["Ingredients", "recorded", "same"]

#: Parameters whose values name runs, or evidence files.
_SIDES: Final = ("baseline", "candidate", "run")
# Whatever else a result says, it is a failure, or somebody wrote into it.
_CAME_OUT: Final = ((None, 0), *((verdict, EXIT_CODES[verdict]) for verdict in VERDICTS))
# What is hashed of a folder: beyond this, reading would cost more than making the report again.
_MOST_FILES: Final = 1_000
_MOST_BYTES: Final = 200_000_000


class Ingredients:
    """What reports are made of; stores, notebooks and files are read once for all of them."""

    def __init__(self) -> None:
        self._stores: dict[str, Store | None] = {}
        self._contents: dict[int, _Contents] = {}
        self._files: dict[Path, str | None] = {}

    def of(self, job: Job) -> dict[str, Any] | None:
        """Return what a job's report is made of; None if that cannot be told, so that it must be made in any case.

        Parameters
        ----------
        job : Job
            Its notebook and parameters have been checked.

        Returns
        -------
        dict or None
            ``stabkit`` (the version), ``notebook`` (SHA-256), ``about``, ``parameters`` (secrets masked: reports that
            differ in a secret alone count as the same), ``runs`` (run ids by the parameter that means them), ``data``
            (a hash over all that is stored up to the newest of these runs, and over A/A runs; over all that is stored
            if none is named) and ``files`` (SHA-256 of each file or folder that a parameter names, and of the
            configuration).
        """
        if job.problem is not None:
            return None
        path = find_notebook(job.notebook)
        values = {**notebook_defaults(path), **job.parameters}
        store = self._store_of(values)
        runs: dict[str, str] = {}
        files: dict[str, str | None] = {}
        for name, value in values.items():
            if not isinstance(value, str) or not value or (name == "data" and store is not None):
                continue
            against = values.get("candidate") if name == "baseline" else None
            run_id = _resolved(store, value, against) if name in _SIDES and store is not None else None
            if run_id is not None:
                runs[name] = run_id
            elif path_named := existing(value):
                files[name] = self._digest(path_named)
            elif name in _SIDES:
                return None
        if store is not None and values.get("baseline") == "" and "candidate" in runs:
            runs["baseline"] = _before(runs["candidate"], store)
        if "config" in values and not values["config"]:
            found = find_settings_file(None, str(values.get("data") or ""), store)
            files["config"] = self._digest(found) if found is not None else ""
        if None in files.values():
            return None
        made = {
            "stabkit": package_version(),
            "notebook": self._digest(path),
            "about": job.about,
            "parameters": {name: _shown(name, value) for name, value in sorted(job.parameters.items())},
            "runs": runs,
            "data": self._contents_of(store).until(runs.values()) if store is not None else None,
            "files": files,
        }
        return dict(json.loads(json.dumps(made)))

    def _store_of(self, values: Mapping[str, Any]) -> Store | None:
        data, config = values.get("data"), values.get("config")
        if not isinstance(data, str) or (not data and files_alone(values.get("baseline"), values.get("candidate"))):
            return None
        try:
            return self._store(data or str(project_store(config if isinstance(config, str) else None) or ""))
        except StabkitError:  # of the configuration: the notebook says so
            return None

    def _store(self, data: str) -> Store | None:
        if data not in self._stores:
            try:
                self._stores[data] = open_runs(data)
            except StabkitError:
                self._stores[data] = None
        return self._stores[data]

    def _contents_of(self, store: Store) -> _Contents:
        if id(store) not in self._contents:
            self._contents[id(store)] = _Contents(store)
        return self._contents[id(store)]

    def _digest(self, path: Path) -> str | None:
        place = path.resolve()
        if place not in self._files:
            self._files[place] = _digest(place)
        return self._files[place]


def recorded(job: Job, output: Path) -> dict[str, Any] | None:
    """Return the result of a job's report as it lies in the output folder; None unless all its files are there."""
    result = report_paths(job, output)[1]
    try:
        found = json.loads(read_bounded(result, _MOST_BYTES))
        usable = isinstance(found, dict) and all(path.stat().st_size for path in report_files(job, output, found))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return found if usable else None


def _resolved(store: Store, reference: str, candidate: object) -> str | None:
    try:
        judged = store.run(candidate) if isinstance(candidate, str) and candidate else None
        return store.resolve(baseline_named(reference, judged, store))
    except StabkitError:  # unknown, ambiguous or damaged: the notebook says so
        return None


def _before(run_id: str, store: Store) -> str:
    from stabkit.case import run_before

    return run_before(store.run(run_id), store) or ""


class _Contents:
    """What a store held when it was first asked."""

    def __init__(self, store: Store) -> None:
        history, apart = store.runs(), store.runs(aa=True)
        self._places = {run_id: place for place, run_id in enumerate(history["run_id"])}
        self._aa = set(apart["run_id"])
        self._batches = store.batch_ids()
        self._hashes: dict[Any, str] = {}

    def until(self, runs: Iterable[str]) -> str:
        """Hash what is stored of all runs that come no later than the newest of these, and of every A/A run.

        Without any, what is stored of all runs.
        """
        known = self._places
        newest = max((known[run_id] for run_id in runs if run_id in known), default=None)
        if newest not in self._hashes:
            ids = sorted(
                batch
                for run_id, batch in self._batches
                if run_id in self._aa or newest is None or (run_id in known and known[run_id] <= newest)
            )
            self._hashes[newest] = hashlib.sha256("\n".join(ids).encode()).hexdigest()
        return self._hashes[newest]


def _digest(path: Path) -> str | None:
    digest = hashlib.sha256()
    room = _MOST_BYTES
    try:
        for number, file in enumerate(_files(path)):
            room -= file.stat().st_size
            if number >= _MOST_FILES or room < 0:
                return None
            with file.open("rb") as content:
                inner = hashlib.file_digest(content, "sha256").hexdigest()
            digest.update(f"{file.relative_to(path).as_posix()}\0{inner}\n".encode("utf-8", "surrogateescape"))
    except OSError:
        return None
    return digest.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    found = []
    for file in path.rglob("*"):
        if file.is_file():
            found.append(file)
        if len(found) > _MOST_FILES:
            break
    yield from sorted(found)


def _shown(name: str, value: Any) -> Any:
    return redact_values({name: value}, named=True)[name]


def same(made: Mapping[str, Any] | None, result: Mapping[str, Any] | None) -> bool:
    """Say whether a result is of the very same ingredients, and is no failure."""
    if made is None or result is None or result.get("made_of") != made:
        return False
    return (result.get("verdict"), result.get("exit_code")) in _CAME_OUT
