"""The store: a place of runs that only grows, with references to find one again."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from stabkit.errors import StoreError, UsageError
from stabkit.runs import as_text, is_aa
from stabkit.schema import TABLES, Evidence
from stabkit.store import retention, sketches
from stabkit.store.batches import Batch, check_writable, write_batch
from stabkit.store.checking import StoreCheck, check_files
from stabkit.store.compaction import Compaction, compact
from stabkit.store.export import EXPORT_FORMATS, write_tables
from stabkit.store.markers import Markers
from stabkit.store.places import DataFile, Folder, Place
from stabkit.store.reading import queries
from stabkit.store.reading.tables import TableReading
from stabkit.store.references import resolve, word_of
from stabkit.store.retention import Pruning
from stabkit.store.spans import Span, day_of, moment_of

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc

__all__ = ["Store"]

_LOG: Final = logging.getLogger(__name__)


class Store(TableReading):
    """A place of runs: batches of Parquet files, visible by their commit markers, read through DuckDB.

    Several processes may append and read at the same time. Nothing stored is ever changed. Open one with
    :func:`stabkit.store.open_store`.

    Examples
    --------
    >>> import tempfile
    >>> from stabkit.store import new_run, open_store
    >>> store = open_store(tempfile.mkdtemp(), create=True)
    >>> checks = pd.DataFrame({"target": ["api"], "check": ["status"], "outcome": ["pass"]})
    >>> run_id = store.append(new_run(label="v1.5"), Evidence.of(checks=checks))
    >>> store.resolve("v1.5") == store.resolve("latest") == run_id
    True
    >>> store.read("checks")["outcome"].tolist()
    ['pass']
    """

    def __init__(self, place: Place | Path, *, as_of: Mapping[str, str] | None = None) -> None:
        self.place: Place = Folder(place) if isinstance(place, Path) else place
        self._known = Markers(self.place, as_of)
        self._verified: set[str] = set()
        #: Answers references that need more than the runs: a gate, or git.
        self.beyond: Callable[[str, Store], str] | None = None

    def __repr__(self) -> str:
        return f"Store({str(self.place)!r})"

    @property
    def root(self) -> Path | None:
        """The folder of the store; None for a remote one."""
        return self.place.root if isinstance(self.place, Folder) else None

    def check_writable(self) -> None:
        """Make sure that the store can take a batch, before hours are spent on gathering one.

        Raises
        ------
        StoreError
            It cannot.
        """
        check_writable(self.place)

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
            for batch in self._known.batches():
                if batch.batch_id == batch_id:
                    return batch.run_id
        if "started_at" not in row and row.get("run_id"):
            row = {**self.run(str(row["run_id"])).to_dict(), **row}
        sequence, after = self._known.next_place()
        own = self._known.identity
        return write_batch(self.place, row, evidence, batch_id, sequence=sequence, after=after, store=own).run_id

    def runs(self, *, aa: bool = False) -> pd.DataFrame:
        """Return the runs of the history, oldest first, as the ``runs`` table; with ``aa`` the A/A runs instead.

        A run stored while it happened comes after all that was stored before it, also where the clock of its machine
        is behind; see :mod:`stabkit.store.chronology`.

        A/A runs (labels that begin with ``aa/``) compare the system with itself. They are found by label and id, and
        are no part of the history: not of ``latest``, nor of what is read or queried without naming runs.

        A run of several batches is one row: the newest value that is not null, the earliest start, the latest end,
        and complete only if every batch was. A damaged marker hides its run and is logged; see :attr:`damaged`.
        """
        known = self._known.runs()
        apart = known["label"].map(is_aa).astype(bool)
        return known[apart if aa else ~apart].reset_index(drop=True)

    def tables(self, run_id: str) -> frozenset[str]:
        """Return the names of the tables that a run holds, without opening any."""
        return frozenset(f.table for batch in self._known.batches() if batch.run_id == run_id for f in batch.files)

    def batch_ids(self) -> tuple[tuple[str, str], ...]:
        """Return run id and batch id of all that is stored, in the order in which it was: equal ids, equal evidence."""
        return tuple((batch.run_id, batch.batch_id) for batch in self._known.batches())

    def committed(self, run_id: str) -> list[dict[str, Any]]:
        """Return what is committed of a run, as JSON values.

        Returns
        -------
        list of dict
            Of each batch, in the order of their commitment: ``marker`` (its file), ``sha256`` of that file, and
            ``tables``, each with ``rows`` and the ``sha256`` of the data file as it was committed.
        """
        return [
            {
                "marker": f"{batch.run_id}-{batch.batch_id}.json",
                "sha256": batch.digest,
                "tables": {file.table: {"rows": file.rows, "sha256": file.sha256} for file in batch.files},
            }
            for batch in self._known.batches()
            if batch.run_id == run_id
        ]

    @property
    def identity(self) -> str | None:
        """What tells this store from others, wherever it lies; None of one that an older stabkit made."""
        return self._known.identity

    def newest(self) -> dict[str, str]:
        """Return the markers that nothing follows yet, by name, each with its sha256.

        They stand for all that is stored: everything else is followed by one of them, directly or not.
        """
        return self._known.next_place()[1]

    def pruned(self, run_id: str) -> bool:
        """Say whether samples of a run were dropped by :meth:`prune`."""
        return bool(self._dropped(run_id))

    def lacks(self, newest: Mapping[str, str]) -> list[str]:
        """Return what is gone or changed of once newest markers and of all that they followed, sorted."""
        now, own = self._known.readable(), self._known.identity
        wanted, seen, lost = list(newest.items()), set(newest), []
        while wanted:
            name, digest = wanted.pop()
            if name not in now or now[name].digest != digest:
                lost.append(name)
            elif now[name].store == own:  # what one of another store followed is there
                wanted += [link for link in now[name].after.items() if link[0] not in seen]
                seen |= now[name].after.keys()
        return sorted(lost)

    def as_of(self, newest: Mapping[str, str]) -> Store:
        """Return the store as it was when these were its newest markers; what was stored since is left out.

        One of them that is gone or changed is left out too, and what only it followed.
        """
        return Store(self.place, as_of=newest)

    @property
    def damaged(self) -> tuple[StoreError, ...]:
        """What is wrong with each commit marker that cannot be read; empty if all is well."""
        self._known.batches()
        return tuple(self._known.faults.values())

    def resolve(self, reference: str) -> str:
        """Return the run id that a reference names.

        Parameters
        ----------
        reference : str
            ``latest``, a run id, a label (its newest run), a unique prefix of a run id, a commit or its first seven
            digits, or ``latest:BRANCH``; ``~1`` behind any of them goes one run further back. In a store that
            ``stabkit.open`` opened also ``last-stable`` and ``baseline-of:COMMIT``.

        Raises
        ------
        UnknownRunError
            No run answers to it.
        StoreError
            A prefix fits several runs, or a damaged marker may hide the run that is meant.
        UsageError
            The reference is no text.
        """
        reference = as_text(reference, "run")
        word = word_of(reference)
        if word in ("last-stable", "baseline-of:") and reference not in set(self._known.runs()["label"]):
            if self.beyond is None:
                raise StoreError(
                    f"What {reference!r} means is not known to the store alone.",
                    where=str(self.place),
                    hint="Open the store with stabkit.open, or name the run by its label or id.",
                )
            return self.beyond(reference, self)
        return resolve(reference, self._known, self.runs(), where=str(self.place))

    def run(self, reference: str) -> pd.Series:
        """Return the runs row that a reference names."""
        run_id = self.resolve(reference)
        runs = self._known.runs()
        return runs[runs["run_id"] == run_id].iloc[0].copy()

    def read(
        self,
        table: str,
        runs: Sequence[str] | str | None = None,
        columns: Sequence[str] | None = None,
        *,
        since: datetime | date | str | None = None,
        until: datetime | date | str | None = None,
    ) -> pd.DataFrame:
        """Return one table, of some runs or all, in the order it was stored.

        Parameters
        ----------
        table : str
            A key of :data:`stabkit.schema.TABLES`.
        runs : sequence of references, optional
            The whole history if None.
        columns : sequence of str, optional
            All if None; no other column is read from disk.
        since, until : datetime, date or str, optional
            A range of time, ``until`` excluded, in UTC unless it says otherwise. Samples are in it by the time they
            were due (by the start of their run if they have none), other rows by the start of their run. Files and
            parts of files outside it are not read.

        Raises
        ------
        UsageError
            Unknown table or column, or a time that cannot be read.
        StoreError
            A data file is missing or changed; it is named. Other runs stay readable.
        """
        queries.check_names(table, columns)
        span = Span(moment_of(since, "since"), moment_of(until, "until"))
        if table == "runs":
            found = self._chosen(runs, span)[1]
            return found if columns is None else found[list(columns)]
        files, where = self._asked(table, runs, span)
        return queries.read_table(self.place, table, files, columns, where)

    def arrow(
        self,
        table: str,
        runs: Sequence[str] | str | None = None,
        columns: Sequence[str] | None = None,
        *,
        since: datetime | date | str | None = None,
        until: datetime | date | str | None = None,
    ) -> pa.Table:
        """Return one table as Arrow, for whatever reads Arrow: ``polars.from_arrow(store.arrow("samples"))``.

        The filters are those of :meth:`read`, and so are the rows and their order; no pandas lies between.

        Parameters
        ----------
        table, runs, columns, since, until
            As of :meth:`read`.

        Returns
        -------
        pyarrow.Table
            Texts, 64-bit integers and floats, truth values, and times in UTC to the microsecond.

        Raises
        ------
        UsageError, StoreError
            As of :meth:`read`.

        Examples
        --------
        >>> from stabkit.store import open_store
        >>> samples = open_store("data/sample").arrow("samples", "v1.5", ["target", "response_ms"])
        >>> samples.column_names, str(samples.schema.field("response_ms").type)
        (['target', 'response_ms'], 'double')
        """
        queries.check_names(table, columns)
        span = Span(moment_of(since, "since"), moment_of(until, "until"))
        if table == "runs":
            found = queries.to_arrow(self._chosen(runs, span)[1])
            return found if columns is None else found.select(list(columns))
        files, where = self._asked(table, runs, span)
        return queries.arrow_table(self.place, table, files, columns, where)

    def _chosen(self, runs: Sequence[str] | str | None, span: Span) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the runs that are asked for, and those of them that started in a span."""
        every = self._known.runs()
        wanted = None if runs is None else self._resolved(runs, every)
        chosen = self.runs() if wanted is None else every[every["run_id"].isin(wanted)].reset_index(drop=True)
        inside = pd.Series([span.holds(moment) for moment in chosen["started_at"]], dtype=bool)
        return chosen, chosen[inside].reset_index(drop=True)

    def _asked(
        self, table: str, runs: Sequence[str] | str | None, span: Span
    ) -> tuple[list[DataFile], pc.Expression | None]:
        """Return the verified files that may hold the rows that are asked for, and the condition that these meet."""
        chosen, early = self._chosen(runs, span)
        if table != "samples" or not span:
            known = early["run_id"].tolist()
            files = self._verify(self._live(known, table))
            return files, queries.of_runs(files, known)
        known = chosen["run_id"].tolist()
        files, during = queries.due_in(self.place, self._live(known, table), span, early["run_id"])
        whose = queries.of_runs(files, known)
        return self._verify(files), during if whose is None else during & whose

    def evidence(self, reference: str) -> Evidence:
        """Return all evidence of one run; a table it lacks is left out."""
        run_id = self.resolve(reference)
        self._warn_of_dropped(run_id)
        files = {name: self._live([run_id], name) for name in TABLES}
        self._verify([file for own in files.values() for file in own])
        return Evidence(
            {
                name: queries.read_table(self.place, name, own, None, queries.of_runs(own, [run_id]))
                for name, own in files.items()
                if own
            }
        )

    def sql(self, query: str, params: Sequence[Any] | Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Return the result of one SELECT; every evidence table is there under its name.

        Parameters
        ----------
        query : str
            DuckDB's SQL. It can open nothing but this store's committed files and can change nothing. What it says of
            columns and values is pushed down into the files.
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
        files = {name: self._live(runs["run_id"].tolist(), name) for name in TABLES if name != "runs"}
        return queries.query(self.place, runs, files, query, params, verify=self._verify)

    def quantiles(
        self,
        wanted: Sequence[float] = (0.5, 0.95, 0.99),
        *,
        metric: str = "response_time",
        by: Sequence[str] = ("target", "day"),
        runs: Sequence[str] | str | None = None,
        since: date | str | None = None,
        until: date | str | None = None,
    ) -> pd.DataFrame:
        """Return percentiles of a long history, each within 1 % of the sample at its rank.

        They come from sketches, which ``compact`` makes, and from the samples of what was stored since. Warm-up
        requests are left out, failed ones counted apart, those of the warm-up too. For a verdict the samples
        themselves are judged.

        Parameters
        ----------
        wanted : sequence of float
            Between 0 and 1; the rank of ``q`` among ``n`` values is ``ceil(q * n)``.
        metric : str
            ``response_time``, ``memory``, ``event:<type>`` and so on; of each run its own best column, as
            :mod:`stabkit.samples` says.
        by : sequence of str
            Of ``target``, ``day`` (UTC), ``run_id`` and ``metric``. Fresh and reused connections are two populations,
            and never share a row.
        runs : sequence of references, optional
            The whole history if None.
        since, until : date or str, optional
            Whole UTC days, ``until`` excluded.

        Returns
        -------
        DataFrame
            The columns of ``by``, ``connection``, ``unit``, ``n`` (values), ``failed``, ``not_finite``, and one for
            each quantile, such as ``p99``, in the unit of its row; sorted by the first ones. Null where ``n`` is 0.

        Raises
        ------
        UsageError
            A quantile or a group that there is not.
        StoreError
            A file is missing or changed.

        Notes
        -----
        Logarithmic buckets as in DDSketch, doi:10.14778/3352063.3352135.
        """
        ids = self.runs()["run_id"].tolist()
        if runs is not None:
            ids = self._resolved(runs, self._known.runs())
        manifest = self._known.manifest()
        known = set(ids)
        own = [file for batch in self._known.batches() if batch.run_id in known for file in _samples(batch)]
        ready = dict.fromkeys(manifest.sketches[file.path] for file in own if file.path in manifest.sketches)
        # A pack holds samples that a sketch covers as well; only what is in none is read from samples.
        fresh = [file for file in own if file.path not in manifest.sketches]
        days = sketches.days_of(self._known.batches())
        return sketches.quantiles(
            self.place,
            self._verify(list(ready)),
            self._verify(manifest.live(fresh)),
            wanted,
            metric=metric,
            by=by,
            started={run_id: days[run_id] for run_id in ids if run_id in days},
            since=day_of(since, "since"),
            until=day_of(until, "until"),
        )

    def check(self) -> StoreCheck:
        """Return whether the store is whole: every marker is read and every data file hashed anew."""
        anew = Markers(self.place)
        files = [file for batch in anew.batches() for file in batch.files]
        manifest = anew.manifest()
        anew.read_each()
        live = [*manifest.live(files), *dict.fromkeys(manifest.sketches.values())]
        known = [*(file.path for file in files), *manifest.named]
        faults = [*anew.faults.values(), *anew.manifest_faults, *manifest.mismatches(files, self.place.where)]
        found = check_files(self.place, live, known, faults, runs=len(anew.runs()))
        markers = anew.readable().values()
        copied = sum(marker.sealed and marker.store != anew.identity for marker in markers)
        return dataclasses.replace(found, unsealed=sum(not marker.sealed for marker in markers), copied=copied)

    def compact(self, *, now: datetime | None = None) -> Compaction:
        """Make few large files of the many small ones, and sketches; return what was done. What is read stays the same.

        Readers at work are not disturbed: the old files stay for :data:`stabkit.store.compaction.GRACE`, and are
        removed by the first compaction after it.

        Raises
        ------
        StoreError
            A data file is missing or changed, or the place cannot be written; then nothing is changed.
        """
        batches, manifest = self._known.batches(), self._known.manifest()
        return compact(self.place, self._known.readable(), batches, manifest, now=now)

    def prune(self, keep_days: int, *, dry_run: bool = True, now: datetime | None = None) -> Pruning:
        """Drop the samples of runs that ended more than so many days ago, and return what goes; or only say it.

        Their percentiles stay (:meth:`quantiles`), and so does all else of these runs. The two newest runs of an
        environment, and its newest A/A runs, keep their samples at any age. A file goes only when every run in it is
        old; a pack holds samples of runs that ended in one month.

        Parameters
        ----------
        keep_days : int
            At least 1.
        dry_run : bool
            Only say what would go; the default.
        now : datetime, optional
            With a zone; the time by default.

        Raises
        ------
        UsageError
            ``keep_days`` is below 1.
        StoreError
            A data file is missing or changed, the place cannot be written, or another compaction was quicker; then
            nothing is dropped.
        """
        if keep_days < 1:
            raise UsageError(f"{keep_days} days keep nothing.", where="keep_days", hint="Give at least 1.")
        moment = now or datetime.now(UTC)
        batches, manifest = self._known.batches(), self._known.manifest()
        found = retention.plan(batches, manifest, self._known.runs(), moment - timedelta(days=keep_days))
        if dry_run or not found.paths:
            return found
        done = compact(self.place, self._known.readable(), batches, manifest, drop=found.paths, pack=False, now=moment)
        if done.overtaken:
            hint = "Nothing was dropped; try again."
            raise StoreError("Another compaction changed the store meanwhile.", where=str(self.place), hint=hint)
        return dataclasses.replace(found, done=True)

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

    def _resolved(self, references: Sequence[str] | str, every: pd.DataFrame) -> list[str]:
        """Return the run ids that references name; an id is not looked up again, as a history names hundreds."""
        known = set(every["run_id"])
        names = references if isinstance(references, Iterable) and not isinstance(references, str) else [references]
        return [name if name in known else self.resolve(name) for name in names]

    def _live(self, runs: Sequence[str], table: str) -> list[DataFile]:
        """Return the files to open for a table of these runs."""
        known = set(runs)
        own = [batch for batch in self._known.batches() if batch.run_id in known]
        return self._known.manifest().live(file for batch in own for file in batch.files if file.table == table)

    def _verify(self, files: list[DataFile]) -> list[DataFile]:
        fresh = [file for file in files if file.path not in self._verified]
        self.place.verify(fresh)
        self._verified |= {file.path for file in fresh}
        return files

    def _dropped(self, run_id: str) -> list[datetime]:
        dropped = self._known.manifest().dropped
        gone = [file for batch in self._known.batches() if batch.run_id == run_id for file in _samples(batch)]
        return [dropped[file.path] for file in gone if file.path in dropped]

    def _warn_of_dropped(self, run_id: str) -> None:
        since = self._dropped(run_id)
        if since:
            _LOG.warning(
                "the samples of run %s were pruned on %s; only its percentiles remain, which no verdict can use",
                run_id,
                f"{max(since):%Y-%m-%d}",
            )


def _samples(batch: Batch) -> list[DataFile]:
    return [file for file in batch.files if file.table == "samples"]
