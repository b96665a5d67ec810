"""The store: a folder of runs that only grows, with references to find one again."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.errors import SchemaError, StoreError, UnknownRunError, UsageError, nearest
from stabkit.runs import is_aa
from stabkit.schema import SCHEMA_VERSION, TABLES, Evidence, conform, empty
from stabkit.store import queries
from stabkit.store.batches import COMMITS, Batch, DataFile, read_marker, write_batch, write_durably
from stabkit.store.checking import StoreCheck, check_files
from stabkit.store.compaction import COMPACTIONS, Compaction, Packs, compact, read_packs, remove_replaced
from stabkit.store.export import EXPORT_FORMATS, write_tables

__all__ = ["Store", "open_store"]

_LOG: Final = logging.getLogger(__name__)
_SIGN: Final = "stabkit-store.json"
_GITIGNORE: Final = ".gitignore"
_IGNORED: Final = "# Runs are kept here, not in git; remove this file to commit them.\n*\n"
_RELATIVE: Final = re.compile(r"(?P<name>.+?)~(?P<back>\d{1,9})", re.DOTALL)


def open_store(path: Path | str, *, create: bool = False) -> Store:
    """Return the store in that folder.

    Parameters
    ----------
    path : Path or str
        A relative path is looked up from the working folder upwards, as git does; the first that is a store wins.
    create : bool
        Make the store (in the working folder, if the path is relative) where there is none.

    Raises
    ------
    StoreError
        There is no store, or it cannot be made.
    """
    given = Path(path).expanduser()
    here = Path.cwd()
    candidates = [given] if given.is_absolute() else [folder / given for folder in (here, *here.parents)]
    for folder in candidates:
        if _is_store(folder):
            return Store(folder.resolve())
    if not create:
        raise StoreError(
            "There is no store here" + ("." if given.is_absolute() else " or in a folder above."),
            where=str(path),
            hint="Collect a run first with: stabkit collect, or name the folder with --data.",
        )
    root = candidates[0]
    try:
        (root / COMMITS).mkdir(parents=True, exist_ok=True)
        if not (root / _GITIGNORE).exists():  # evidence in a repository would count as a change of the system
            (root / _GITIGNORE).write_text(_IGNORED, encoding="utf-8")
        write_durably(root / _SIGN, (json.dumps({"schema": SCHEMA_VERSION}) + "\n").encode())
    except OSError as error:
        raise StoreError(
            f"The store cannot be made: {error.strerror or error}.",
            where=str(root),
            hint="Name a folder that this user can write with --data.",
        ) from error
    return Store(root.resolve())


class Store:
    """A folder of runs: batches of Parquet files, visible by their commit markers, read through DuckDB.

    Several processes may append and read at the same time. Nothing stored is ever changed. Open one with
    :func:`open_store`.

    Examples
    --------
    >>> import tempfile
    >>> from stabkit.runs import new_run
    >>> store = open_store(tempfile.mkdtemp(), create=True)
    >>> checks = pd.DataFrame({"target": ["api"], "check": ["status"], "outcome": ["pass"]})
    >>> run_id = store.append(new_run(label="v1.5"), Evidence.of(checks=checks))
    >>> store.resolve("v1.5") == store.resolve("latest") == run_id
    True
    >>> store.read("checks")["outcome"].tolist()
    ['pass']
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._markers: dict[str, Batch | StoreError] = {}
        self._faults: dict[str, StoreError] = {}
        self._committed: list[Batch] = []
        self._runs: pd.DataFrame | None = None
        self._verified: set[str] = set()
        self._packed = Packs({}, {})
        self._manifests: list[str] = []

    def __repr__(self) -> str:
        return f"Store({str(self.root)!r})"

    def append(self, run: Mapping[str, Any] | pd.Series, evidence: Evidence, *, batch_id: str | None = None) -> str:
        """Store one batch of evidence and return its run id; afterwards it is on disk, whole.

        Parameters
        ----------
        run : mapping or Series
            A runs row, from :func:`stabkit.store.new_run`. With the id of a stored run, the batch is added to that
            run; then ``run_id`` alone is enough.
        evidence : Evidence
            Tables beside ``runs``. Their ``run_id`` is set here. May be empty: a run that gave nothing.
        batch_id : str, optional
            Keep it over retries: a batch that is stored already is not stored again.

        Raises
        ------
        SchemaError
            The row or a table breaks its contract.
        StoreError
            The folder cannot be written; then nothing of the batch is visible.
        """
        row = dict(run)
        if batch_id is not None:
            for batch in self._batches():
                if batch.batch_id == batch_id:
                    return batch.run_id
        if "started_at" not in row and row.get("run_id"):
            row = {**self.run(str(row["run_id"])).to_dict(), **row}
        return write_batch(self.root, row, evidence, batch_id).run_id

    def runs(self, *, aa: bool = False) -> pd.DataFrame:
        """Return the runs of the history, oldest first, as the ``runs`` table; with ``aa`` the A/A runs instead.

        A/A runs (labels that begin with ``aa/``) compare the system with itself. They are found by label and id, and
        are no part of the history: not of ``latest``, nor of what is read or queried without naming runs.

        A run of several batches is one row: the newest value that is not null, the earliest start, the latest end,
        and complete only if every batch was. A damaged marker hides its run and is logged; see :attr:`damaged`.
        """
        known = self._all_runs()
        apart = known["label"].map(is_aa).astype(bool)
        return known[apart if aa else ~apart].reset_index(drop=True)

    def _all_runs(self) -> pd.DataFrame:
        batches = self._batches()
        if self._runs is None:
            self._runs = self._merge_runs(batches)
        return self._runs

    def _merge_runs(self, batches: Sequence[Batch]) -> pd.DataFrame:
        groups: dict[str, list[Batch]] = {}
        for batch in batches:
            groups.setdefault(batch.run_id, []).append(batch)
        rows = [_merged(group) for name, group in groups.items() if not self._damage_of(name)]
        if not rows:
            return empty("runs")
        frame = _conformed(rows, self.root)
        return frame.sort_values(["started_at", "run_id"], kind="stable", ignore_index=True)

    @property
    def damaged(self) -> tuple[StoreError, ...]:
        """What is wrong with each commit marker that cannot be read; empty if all is well."""
        return tuple(self._load()[1].values())

    def resolve(self, reference: str) -> str:
        """Return the run id that a reference names.

        Parameters
        ----------
        reference : str
            ``latest``, a run id, a label (its newest run) or a unique prefix of a run id; ``~1`` behind ``latest`` or
            a label goes one run further back.

        Raises
        ------
        UnknownRunError
            No run answers to it.
        StoreError
            A prefix fits several runs, or a damaged marker may hide the run that is meant.
        """
        runs = self._all_runs()
        ids: list[str] = runs["run_id"].tolist()
        if reference in ids:
            return reference
        broken = self._damage_of(reference)
        if broken:
            raise broken
        name, back = reference, 0
        labels = set(runs["label"].dropna())
        relative = _RELATIVE.fullmatch(reference)
        if relative and reference not in labels:
            name, back = relative["name"], int(relative["back"])
        history = self.runs()["run_id"].tolist()
        among = history if name == "latest" else runs.loc[runs["label"] == name, "run_id"].tolist()
        if back < len(among):
            return self._undamaged(among[-1 - back])
        fitting = [run_id for run_id in ids if run_id.startswith(reference)] if reference else []
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            shown = ", ".join(fitting[:5])
            raise StoreError(
                f"{len(fitting)} runs begin with {reference!r}: {shown}.",
                where=str(self.root),
                hint="Give more of the run id.",
            )
        raise UnknownRunError(reference, list(dict.fromkeys([*runs["label"].dropna(), *ids])), where=str(self.root))

    def run(self, reference: str) -> pd.Series:
        """Return the runs row that a reference names."""
        run_id = self.resolve(reference)
        runs = self._all_runs()
        return runs[runs["run_id"] == run_id].iloc[0].copy()

    def read(
        self, table: str, runs: Sequence[str] | str | None = None, columns: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Return one table, of some runs or all, in the order it was stored.

        Parameters
        ----------
        table : str
            A key of :data:`stabkit.schema.TABLES`.
        runs : sequence of references, optional
            The whole history if None.
        columns : sequence of str, optional
            All if None.

        Raises
        ------
        UsageError
            Unknown table or column.
        StoreError
            A data file is missing or changed; it is named. Other runs stay readable.
        """
        _check_names(table, columns)
        wanted = None if runs is None else [self.resolve(name) for name in ([runs] if isinstance(runs, str) else runs)]
        if table == "runs":
            every = self._all_runs()
            rows = self.runs() if wanted is None else every[every["run_id"].isin(wanted)].reset_index(drop=True)
            return rows if columns is None else rows[list(columns)]
        known = self.runs()["run_id"].tolist() if wanted is None else wanted
        files = [file for file in self._files(known) if file.table == table]
        return queries.read_table(self.root, table, files, columns, known)

    def evidence(self, reference: str) -> Evidence:
        """Return all evidence of one run; a table it lacks is left out."""
        run_id = self.resolve(reference)
        files = self._files([run_id])
        present = [name for name in TABLES if any(file.table == name for file in files)]
        return Evidence(
            {
                name: queries.read_table(self.root, name, [f for f in files if f.table == name], None, [run_id])
                for name in present
            }
        )

    def sql(self, query: str, params: Sequence[Any] | Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Return the result of one SELECT; every evidence table is there under its name.

        Parameters
        ----------
        query : str
            DuckDB's SQL. It can open nothing but this store's committed files and can change nothing.
        params : sequence or mapping, optional
            Values for ``?`` or ``$name``.

        Raises
        ------
        UsageError
            It is not one SELECT, or DuckDB refuses it.
        StoreError
            A data file is missing or changed.
        """
        runs = self.runs()
        return queries.query(self.root, runs, self._files(runs["run_id"].tolist()), query, params)

    def check(self) -> StoreCheck:
        """Return whether the store is whole: every marker is read and every data file hashed anew."""
        batches, packs = self._batches(), self._packs()
        files = [file for batch in batches for file in batch.files]
        known = [file.path for file in files] + list(packs.replaced)
        return check_files(self.root, packs.live(files), known, self.damaged, runs=len(self._all_runs()))

    def compact(self, *, now: datetime | None = None) -> Compaction:
        """Make few large files of the many small ones, and return what was done; what is read stays the same.

        Readers at work are not disturbed: the old files stay for :data:`stabkit.store.compaction.GRACE`, and are
        removed by the first compaction after it.

        Raises
        ------
        StoreError
            A data file is missing or changed, or the folder cannot be written; then nothing is changed.
        """
        removed, freed = remove_replaced(self.root, self._packs(), now=now)
        packed, packs = compact(self.root, self._batches(), self._packs(), now=now)
        return Compaction(packed, packs, removed, freed)

    def export(self, folder: Path | str, runs: Sequence[str] | None = None, *, form: str = "parquet") -> list[Path]:
        """Write each table that has rows to a file of its own, and return the files.

        Parameters
        ----------
        folder : Path or str
            Made if it is missing.
        runs : sequence of references, optional
            The whole history if None.
        form : str
            ``parquet`` or ``csv``; in CSV, a text that a spreadsheet would take for a formula begins with an
            apostrophe.

        Raises
        ------
        StoreError
            A file exists already, or the folder cannot be written.
        UsageError
            Another form.
        """
        if form not in EXPORT_FORMATS:
            raise UsageError(f"There is no export format {form!r}.", hint=f"Known: {', '.join(EXPORT_FORMATS)}.")
        return write_tables({name: self.read(name, runs) for name in TABLES}, Path(folder), form)

    def _packs(self) -> Packs:
        """Read the manifests of compactions, anew if there are others than before."""
        folder = self.root / COMPACTIONS
        try:
            names = sorted(file.name for file in folder.iterdir() if re.fullmatch(r"[^.].*\.json", file.name))
        except FileNotFoundError:
            names = []
        if names != self._manifests:
            self._packed, self._manifests = read_packs(self.root, names), names
        return self._packed

    def _load(self) -> tuple[list[Batch], dict[str, StoreError]]:
        """Read the markers that are new since the last call; a committed one never changes."""
        try:
            with os.scandir(self.root / COMMITS) as entries:
                names = sorted(e.name for e in entries if e.name.endswith(".json") and not e.name.startswith("."))
        except FileNotFoundError:
            names = []  # a store without runs
        except OSError as error:
            raise StoreError(
                f"The store cannot be read: {error.strerror}.", where=str(self.root / COMMITS), hint="Check the folder."
            ) from error
        known = self._markers
        if list(known) != names or self._faults:
            self._markers = {
                name: known[name] if isinstance(known.get(name), Batch) else _marker(self.root / COMMITS / name)
                for name in names
            }
            self._faults = {name: m for name, m in self._markers.items() if isinstance(m, StoreError)}
            batches = [marker for marker in self._markers.values() if isinstance(marker, Batch)]
            batches.sort(key=lambda batch: (batch.committed_at, batch.run_id, batch.batch_id), reverse=True)
            # A batch id counts once, as first committed.
            self._committed = list({batch.batch_id: batch for batch in batches}.values())[::-1]
            self._runs = None
        return self._committed, self._faults

    def _batches(self) -> list[Batch]:
        return self._load()[0]

    def _damage_of(self, run_id: str) -> StoreError | None:
        return next((fault for name, fault in self._faults.items() if name.startswith(f"{run_id}-")), None)

    def _undamaged(self, run_id: str) -> str:
        # Names sort by time: a damaged marker behind this run may be the newer one that was meant.
        for name, fault in self._load()[1].items():
            if name > run_id:
                raise StoreError(
                    f"A newer run may be meant, but its marker is damaged. {fault.what}",
                    where=fault.where,
                    hint=f"Restore it or move it away, or name the run by its id: {run_id}",
                )
        return run_id

    def _files(self, runs: Sequence[str]) -> list[DataFile]:
        known = set(runs)
        files = [file for batch in self._batches() if batch.run_id in known for file in batch.files]
        files = self._packs().live(files)
        for file in files:
            if file.path not in self._verified:
                queries.verify(self.root, file)
                self._verified.add(file.path)
        return files


def _is_store(folder: Path) -> bool:
    return (folder / _SIGN).is_file() or (folder / COMMITS).is_dir()


def _conformed(rows: Sequence[Mapping[str, Any]], root: Path) -> pd.DataFrame:
    try:
        return conform("runs", pd.DataFrame(rows))
    except SchemaError as error:
        raise StoreError(
            f"A commit marker holds a wrong runs row: {error.what}",
            where=str(root / COMMITS),
            hint="Restore it from a backup, or move it away.",
        ) from error


def _marker(path: Path) -> Batch | StoreError:
    try:
        return read_marker(path)
    except StoreError as error:
        _LOG.warning("%s", error)
        return error


def _merged(batches: Sequence[Batch]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for batch in batches:
        row |= {name: value for name, value in batch.run.items() if value is not None}
    row["complete"] = all(batch.run["complete"] for batch in batches)
    row["started_at"] = min(batch.run["started_at"] for batch in batches)
    ends = [batch.run["finished_at"] for batch in batches if batch.run["finished_at"]]
    row["finished_at"] = max(ends) if ends else None
    return row


def _check_names(table: str, columns: Sequence[str] | None) -> None:
    if table not in TABLES:
        guess = nearest(table, TABLES)
        hint = f"Did you mean {guess!r}?" if guess else f"Tables: {', '.join(TABLES)}."
        raise UsageError(f"There is no table {table!r}.", where="Store.read", hint=hint)
    for column in columns or ():
        if column not in TABLES[table].names:
            guess = nearest(column, TABLES[table].names)
            hint = f"Did you mean {guess!r}?" if guess else f"Columns: {', '.join(TABLES[table].names)}."
            raise UsageError(f"Table {table!r} has no column {column!r}.", where="Store.read", hint=hint)
