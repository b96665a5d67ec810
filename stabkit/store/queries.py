"""Reading committed Parquet files through DuckDB: explicit file lists, nothing globbed, nothing written."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stabkit.errors import StoreError, UsageError
from stabkit.schema import TABLES, conform
from stabkit.store.batches import DataFile, arrow_schema

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

__all__ = ["arrow_table", "query", "read_table", "verify"]

_SQL_TYPES: Final = {
    "text": "VARCHAR",
    "float": "DOUBLE",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "time": "TIMESTAMPTZ",
}


def verify(root: Path, file: DataFile) -> None:
    """Check that a data file still is what its marker says.

    Raises
    ------
    StoreError
        The file is missing, unreadable or changed; names it.
    """
    path = root / file.path
    hint = "Restore it from a backup; other runs stay readable."
    try:
        content = path.read_bytes()
    except OSError as error:
        what = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise StoreError(f"This data file {what}.", where=str(path), hint=hint) from error
    if len(content) != file.bytes or hashlib.sha256(content).hexdigest() != file.sha256:
        raise StoreError("This data file is not what was committed: its hash differs.", where=str(path), hint=hint)


def read_table(
    root: Path, name: str, files: Sequence[DataFile], columns: Sequence[str] | None, runs: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return the rows of these files as the named table, in order of the files; of these runs, where they are named."""
    wanted = list(TABLES[name].names) if columns is None else list(columns)
    required = [column.name for column in TABLES[name].columns if column.required]
    names = [column for column in TABLES[name].names if column in {*wanted, *required}]
    with _connection(root, files) as connection:
        # Names come from TABLES, paths are parameters: no text from evidence becomes SQL.
        result = connection.sql(_select(name, names, root, files, runs)).to_arrow_table()
    return conform(name, _to_pandas(result))[wanted]


def arrow_table(root: Path, name: str, files: Sequence[DataFile]) -> pa.Table:
    """Return all rows of these files with the types that the store writes, in order of the files."""
    with _connection(root, files) as connection:
        result = connection.sql(_select(name, TABLES[name].names, root, files)).to_arrow_table()
    return result.cast(arrow_schema(name))


def query(root: Path, runs: pd.DataFrame, files: Sequence[DataFile], text: str, parameters: Any) -> pd.DataFrame:
    """Run one SELECT with every evidence table as a view of its name."""
    import duckdb

    with _connection(root, files) as connection:
        _check_select(connection, text)
        connection.register("_runs", _to_arrow(runs))
        connection.execute("CREATE TEMP TABLE runs AS SELECT * FROM _runs")
        connection.unregister("_runs")
        for name in TABLES:
            if name != "runs":
                here = [file for file in files if file.table == name]
                select = _select(name, TABLES[name].names, root, here, runs["run_id"])
                connection.execute(f"CREATE TEMP VIEW {name} AS {select}")
        connection.execute("SET lock_configuration = true")
        try:
            result = connection.sql(text, params=parameters or None).to_arrow_table()
        except duckdb.Error as error:
            raise UsageError(
                f"DuckDB refuses this query: {str(error).strip().splitlines()[0]}",
                where="SQL",
                hint=f"Tables: {', '.join(TABLES)}.",
            ) from error
    return _to_pandas(result)


def _check_select(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    import duckdb

    try:
        statements = connection.extract_statements(text)
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
def _connection(root: Path, files: Sequence[DataFile]) -> Iterator[duckdb.DuckDBPyConnection]:
    import duckdb

    connection = duckdb.connect(":memory:")
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET python_enable_replacements = false")
        connection.execute("SET autoinstall_known_extensions = false")
        connection.execute("SET autoload_known_extensions = false")
        # Only the files that markers name can be opened, whatever the SQL says.
        paths = [str(root / file.path) for file in files]
        allowed = ", ".join(_quote(path) for path in dict.fromkeys([*paths, *map(_escape_glob, paths)]))
        connection.execute(f"SET allowed_paths = [{allowed}]")
        connection.execute("SET enable_external_access = false")
        yield connection
    except duckdb.Error as error:
        what = str(error).strip().splitlines()[0]
        raise StoreError(f"The store cannot be read: {what}", where=str(root), hint="Check its files.") from error
    finally:
        connection.close()


def _select(
    name: str, columns: Sequence[str], root: Path, files: Sequence[DataFile], runs: Iterable[str] | None = None
) -> str:
    kinds = {column.name: column.kind for column in TABLES[name].columns}
    nothing = ", ".join(f'NULL::{_SQL_TYPES[kind]} AS "{column}"' for column, kind in kinds.items())
    source = f"SELECT {nothing} WHERE false"  # gives older files the columns they lack
    if files:
        paths = ", ".join(_quote(_escape_glob(str(root / file.path))) for file in files)
        reader = f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"
        source += f" UNION ALL BY NAME SELECT * FROM {reader}"  # noqa: S608 - the paths come from checked markers
        if runs is not None and any("/pack-" in file.path for file in files):
            # A pack also holds the rows of other runs.
            source += f" WHERE run_id IN ({', '.join(map(_quote, runs)) or 'NULL'})"
    chosen = ", ".join(f'"{column}"' for column in columns)
    return f"SELECT {chosen} FROM ({source})"  # noqa: S608 - names from TABLES, paths from checked markers


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _escape_glob(path: str) -> str:
    # read_parquet treats every path as a pattern; a folder may be called "data [old]".
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)


def _to_arrow(runs: pd.DataFrame) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pandas(runs, schema=arrow_schema("runs"), preserve_index=False)


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    mapping: Mapping[Any, Any] = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    return table.to_pandas(types_mapper=mapping.get)
