"""Reading committed Parquet files through DuckDB: explicit file lists, nothing globbed, nothing written."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from stabkit.errors import StoreError, UsageError, nearest
from stabkit.schema import TABLES, conform
from stabkit.store.batches import arrow_schema
from stabkit.store.places import DataFile, quote

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    from stabkit.store.places import Place
    from stabkit.store.spans import Span

__all__ = [
    "arrow_table",
    "check_names",
    "connection",
    "due_in",
    "of_runs",
    "query",
    "read_table",
    "samples",
    "to_arrow",
    "to_pandas",
]

_SQL_TYPES: Final = {
    "text": "VARCHAR",
    "float": "DOUBLE",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "time": "TIMESTAMPTZ",
}


def check_names(table: str, columns: Sequence[str] | None) -> None:
    """Refuse the name of a table or column that there is not.

    Raises
    ------
    UsageError
        It names the nearest one.
    """
    if table not in TABLES:
        guess = nearest(table, TABLES)
        hint = f"Did you mean {guess!r}?" if guess else f"Tables: {', '.join(TABLES)}."
        raise UsageError(f"There is no table {table!r}.", where="Store.read", hint=hint)
    for column in columns or ():
        if column not in TABLES[table].names:
            guess = nearest(column, TABLES[table].names)
            hint = f"Did you mean {guess!r}?" if guess else f"Columns: {', '.join(TABLES[table].names)}."
            raise UsageError(f"Table {table!r} has no column {column!r}.", where="Store.read", hint=hint)


def read_table(
    place: Place,
    name: str,
    files: Sequence[DataFile],
    columns: Sequence[str] | None,
    where: pc.Expression | None = None,
) -> pd.DataFrame:
    """Return the rows of these files as the named table, in order of the files; of those that meet a condition."""
    wanted = list(TABLES[name].names) if columns is None else list(columns)
    names = [column for column in TABLES[name].names if column in wanted]
    return conform(name, to_pandas(arrow_table(place, name, files, names, where)), names)[wanted]


def arrow_table(
    place: Place,
    name: str,
    files: Sequence[DataFile],
    columns: Sequence[str] | None = None,
    where: pc.Expression | None = None,
) -> pa.Table:
    """Return the rows of these files with the types that the store writes, in order of the files.

    Arrow keeps that order; DuckDB on several threads does not under every condition.
    """
    import pyarrow as pa

    schema = arrow_schema(name)
    if not files:
        table = schema.empty_table()
        return table if columns is None else table.select(list(columns))
    try:
        dataset = place.dataset([file.path for file in files], schema)
        return dataset.to_table(columns=None if columns is None else list(columns), filter=where)
    except (OSError, pa.ArrowException) as error:
        what = str(error).strip().splitlines()[0]
        raise StoreError(f"The store cannot be read: {what}", where=str(place), hint="Check its files.") from error


def of_runs(files: Sequence[DataFile], runs: Iterable[str]) -> pc.Expression | None:
    """Return the condition that rows are of these runs; None where the files hold no others."""
    return _among(runs) if any("/pack-" in file.path for file in files) else None


def samples(place: Place, database: duckdb.DuckDBPyConnection, files: Sequence[DataFile]) -> str:
    """Return SQL for the samples in these files, to stand behind ``FROM``."""
    return f"({_select(place, database, 'samples', files)})"


def due_in(
    place: Place, files: Sequence[DataFile], span: Span, early: Iterable[str]
) -> tuple[list[DataFile], pc.Expression]:
    """Return the files that may hold samples of a time, and the condition that their rows meet.

    Parameters
    ----------
    place : Place
        Where the store lies.
    files : sequence of DataFile
        Of the table ``samples``.
    span : Span
        Which time; it has a bound.
    early : iterable of str
        Ids of the runs that started in it: their samples without a time are in it.

    Notes
    -----
    What a Parquet file says of its columns decides; a file that says nothing is kept, and verified by the reader.
    """
    import pyarrow.compute as pc

    facts = [_due(place, file) for file in files]
    chosen = [
        file
        for file, (low, high, nulls) in zip(files, facts, strict=True)
        if nulls or ((span.until is None or low < span.until) and (span.since is None or high >= span.since))
    ]
    due = pc.field("due_at")
    during = pc.scalar(True)  # noqa: FBT003 - true, whatever the row
    if span.since is not None:
        during &= due >= span.since
    if span.until is not None:
        during &= due < span.until
    return chosen, during | (due.is_null() & _among(early))


def _due(place: Place, file: DataFile) -> tuple[datetime, datetime, bool]:
    """Return the first and last due time of a file, and whether it may hold samples without one."""
    unknown = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC), True
    import pyarrow as pa

    try:
        footer = place.footer(file.path)
        position = footer.schema.names.index("due_at")
        found = [footer.row_group(number).column(position).statistics for number in range(footer.num_row_groups)]
    except (OSError, ValueError, pa.ArrowException):
        return unknown
    if not found or any(each is None or not each.has_min_max or not each.has_null_count for each in found):
        return unknown
    low, high = min(each.min for each in found), max(each.max for each in found)
    return _aware(low), _aware(high), any(each.null_count for each in found)


def query(
    place: Place,
    runs: pd.DataFrame,
    files: Mapping[str, Sequence[DataFile]],
    text: str,
    parameters: Any,
    *,
    verify: Callable[[list[DataFile]], object],
) -> pd.DataFrame:
    """Run one SELECT with every evidence table as a view of its name; verify the files of the tables it names."""
    import duckdb

    with connection(place, [file for named in files.values() for file in named]) as database:
        _check_select(database, text)
        try:
            named = {name.strip('"').lower() for name in database.get_table_names(text)}
        except duckdb.Error:
            named = set(files)
        verify([file for name, own in files.items() if name in named for file in own])
        database.register("_runs", to_arrow(runs))
        database.execute("CREATE TEMP TABLE runs AS SELECT * FROM _runs")
        database.unregister("_runs")
        for name in TABLES:
            if name != "runs":
                select = _select(place, database, name, files.get(name, ()), runs=runs["run_id"])
                # A damaged file is a fault of the queries that name its table; to the others the table is unknown.
                with contextlib.nullcontext() if name in named else contextlib.suppress(duckdb.Error):
                    database.execute(f"CREATE TEMP VIEW {name} AS {select}")
        database.execute("SET lock_configuration = true")
        try:
            result = database.sql(text, params=parameters or None).to_arrow_table()
        except duckdb.Error as error:
            raise UsageError(
                f"DuckDB refuses this query: {str(error).strip().splitlines()[0]}",
                where="SQL",
                hint=f"Tables: {', '.join(TABLES)}.",
            ) from error
    return to_pandas(result)


def _check_select(database: duckdb.DuckDBPyConnection, text: str) -> None:
    import duckdb

    try:
        statements = database.extract_statements(text)
    except duckdb.Error as error:
        what = str(error).strip().splitlines()[0]
        raise UsageError(f"This is not SQL: {what}", where="SQL", hint="Write one SELECT.") from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise UsageError(
            "The store is read by one SELECT at a time, and never changed by SQL.",
            where="SQL",
            hint="Write one SELECT; runs are added with Store.append.",
        )


@contextlib.contextmanager
def connection(place: Place, files: Sequence[DataFile]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory that can open these files and nothing else, whatever the SQL says."""
    import duckdb

    database = duckdb.connect(":memory:")
    try:
        database.execute("SET TimeZone = 'UTC'")
        database.execute("SET python_enable_replacements = false")
        database.execute("SET autoinstall_known_extensions = false")
        database.execute("SET autoload_known_extensions = false")
        allowed = ", ".join(map(quote, place.openable(file.path for file in files)))
        database.execute(f"SET allowed_paths = [{allowed}]")
        database.execute("SET enable_external_access = false")
        yield database
    except duckdb.Error as error:
        what = str(error).strip().splitlines()[0]
        raise StoreError(f"The store cannot be read: {what}", where=str(place), hint="Check its files.") from error
    finally:
        database.close()


def _select(
    place: Place,
    database: duckdb.DuckDBPyConnection,
    name: str,
    files: Sequence[DataFile],
    *,
    runs: Iterable[str] | None = None,
) -> str:
    kinds = {column.name: column.kind for column in TABLES[name].columns}
    nothing = ", ".join(f'NULL::{_SQL_TYPES[kind]} AS "{column}"' for column, kind in kinds.items())
    source = f"SELECT {nothing} WHERE false"  # gives older files the columns they lack
    if files:
        relation = place.relation(database, name, [file.path for file in files], arrow_schema(name))
        source += f" UNION ALL BY NAME SELECT * FROM {relation}"  # noqa: S608 - the paths come from checked markers
        if runs is not None and any("/pack-" in file.path for file in files):
            source += f" WHERE run_id IN ({', '.join(map(quote, runs)) or 'NULL'})"  # a pack holds other runs too
    chosen = ", ".join(f'"{column}"' for column in TABLES[name].names)
    return f"SELECT {chosen} FROM ({source})"  # noqa: S608 - names from TABLES, paths from checked markers


def _among(runs: Iterable[str]) -> pc.Expression:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.field("run_id").isin(pa.array(runs, pa.string()))


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def to_arrow(runs: pd.DataFrame) -> pa.Table:
    """Return the table ``runs`` with the types that the store writes."""
    import pyarrow as pa

    return pa.Table.from_pandas(runs, schema=arrow_schema("runs"), preserve_index=False)


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Return the table with dtypes that know null."""
    import pandas as pd
    import pyarrow as pa

    mapping: Mapping[Any, Any] = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    return table.to_pandas(types_mapper=mapping.get)
