"""The evidence tables: columns, dtypes, units and keys, and the one door through which frames pass.

Every frame leaving ``collect`` or ``store`` went through :func:`conform`: columns in order, dtypes as declared,
missing values null (never 0), timestamps in UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
import pandas as pd

from stabkit.errors import SchemaError, nearest
from stabkit.text import amount

if TYPE_CHECKING:
    import pandera.pandas as pa

__all__ = ["SCHEMA_VERSION", "TABLES", "Column", "Evidence", "Table", "conform", "empty"]

SCHEMA_VERSION: Final = 1

Kind = Literal["text", "float", "integer", "boolean", "time"]

_DTYPES: Final[Mapping[Kind, str]] = {
    "text": "str",
    "float": "float64",
    "integer": "Int64",
    "boolean": "boolean",
    "time": "datetime64[us, UTC]",
}


_Values: TypeAlias = pd.Series | pd.api.extensions.ExtensionArray


@dataclass(frozen=True)
class Column:
    """One column of an evidence table."""

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None

    @property
    def dtype(self) -> str:
        """The pandas dtype of this column."""
        return _DTYPES[self.kind]


@dataclass(frozen=True)
class Table:
    """One evidence table: what a row is, and its columns."""

    name: str
    row: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in order."""
        return tuple(column.name for column in self.columns)


def _text(name: str, meaning: str, *, required: bool = False, allowed: tuple[str, ...] = ()) -> Column:
    return Column(name, "text", meaning, required=required, allowed=allowed)


def _float(name: str, meaning: str, *, minimum: float | None = None) -> Column:
    return Column(name, "float", meaning, minimum=minimum)


def _integer(name: str, meaning: str, *, required: bool = False, minimum: float | None = 0) -> Column:
    return Column(name, "integer", meaning, required=required, minimum=minimum)


def _boolean(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, "boolean", meaning, required=required)


def _time(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, "time", meaning, required=required)


_RUN_ID = _text("run_id", "the run this row belongs to; null until the store appends it")

TABLES: Final[Mapping[str, Table]] = MappingProxyType(
    {
        table.name: table
        for table in (
            Table(
                "runs",
                "one collection of evidence about one state of the system",
                (
                    _text("run_id", "unique, sortable by time", required=True),
                    _text("label", "the name people use, such as v1.5"),
                    _text("project", "what the system is called"),
                    _text("environment", "where it ran; only equal environments share a trend line"),
                    _time("started_at", "UTC", required=True),
                    _time("finished_at", "UTC"),
                    _text("commit", "full commit id of the system"),
                    _text("branch", "branch of the system"),
                    _time("deployed_at", "UTC, when it went live; null if nobody said so"),
                    _text("collection_id", "equal for runs whose rounds were interleaved with each other"),
                    _text("config_sha256", "of the resolved configuration"),
                    _text("versions", "JSON object: tool -> version"),
                    _float("floor_ms", "the prober's own median over loopback, ms", minimum=0),
                    _text("machine", "JSON object: the prober's processor, cores, limit of its container, stolen time"),
                    _float("calibration_ms", "what a fixed piece of work took on that machine, ms", minimum=0),
                    _text(
                        "looks", "JSON list: planned looks while collecting, each with its level; null: one at the end"
                    ),
                    _boolean("complete", "false if the collection was interrupted or a source failed", required=True),
                ),
            ),
            Table(
                "sources",
                "one input file or probe",
                (
                    _RUN_ID,
                    _text(
                        "kind",
                        "which evidence it gives",
                        required=True,
                        allowed=(
                            "http",
                            "websocket",
                            "resources",
                            "tests",
                            "scan",
                            "coverage",
                            "load",
                            "changes",
                            "records",
                        ),
                    ),
                    _text("target", "the configured target, suite or scan it speaks of alone; null if of several"),
                    _text("format", "junit, sarif, ...; null if it could not be recognised"),
                    _text("path", "file path or target, without credentials", required=True),
                    _text("sha256", "of the file; null for a probe"),
                    _text("content_sha256", "of what a compressed file holds; null where that is the file itself"),
                    _time("written_at", "UTC, when the file was last written; null for a probe"),
                    _boolean("once", "true if it holds times, so that no two runs write it alike; null for a probe"),
                    _integer("rows", "rows this source gave"),
                    _text("status", "how it went", required=True, allowed=("ok", "repaired", "partial", "error")),
                    _text("message", "what to know about it; null if nothing"),
                    _text("cause", "the first of several things to know, by itself; null if the message is the one"),
                    _text("fault", "what kind of fault made it fail or partial, as one word; null if none is known"),
                    _integer("line", "1-based line of the first fault"),
                    _integer("column", "1-based column of the first fault"),
                    _text("claimed", "JSON object: what a header claims, beside what was counted"),
                ),
            ),
            Table(
                "samples",
                "one measured request, message or reading",
                (
                    _RUN_ID,
                    _text("target", "the configured name", required=True),
                    _text(
                        "metric",
                        "response_time, connect_time, first_message_time, session_time, event:<type>, memory, cpu, ...",
                        required=True,
                    ),
                    _integer("round", "interleaved round, from 0", required=True),
                    _integer("sequence", "order within target and metric, from 0", required=True),
                    _integer("hop", "of a redirect_hop: 0 is the address asked, 1 where that sent us; null elsewhere"),
                    _time("due_at", "UTC, when it was due by the schedule"),
                    _float("service_ms", "send to last byte, ms", minimum=0),
                    _float("response_ms", "due time to last byte, ms; what is judged", minimum=0),
                    _float("late_ms", "send behind due time, ms", minimum=0),
                    _float(
                        "own_late_ms",
                        "the prober's own part of late_ms: send behind the later of due time and free connection, ms",
                        minimum=0,
                    ),
                    _float("dns_ms", "name resolution, ms; null on a reused connection", minimum=0),
                    _float("connect_ms", "TCP connect, ms; null on a reused connection", minimum=0),
                    _float("tls_ms", "TLS handshake, ms; null on a reused connection", minimum=0),
                    _float("first_byte_ms", "request headers sent to response headers received, ms", minimum=0),
                    _float("transfer_ms", "first to last body byte, ms", minimum=0),
                    _float("value", "a reading that is not a response time"),
                    _text("unit", "unit of value: ms, MB, s, count, ..."),
                    _text("series", "JSON object: the labels that tell a reading from others of its target and metric"),
                    _text("connection", "which population", allowed=("fresh", "reused")),
                    _text("protocol", "spoken: HTTP/1.1, HTTP/2; null if there was no answer"),
                    _integer("days_before", "of a window around a deploy: 0 is its own, n of n days before it"),
                    _boolean("warmup", "labelled, kept, left out by the analysis"),
                    _boolean("ok", "false for a failed request; its times are null", required=True),
                    _integer("status", "HTTP status or WebSocket close code"),
                    _text("error", "what failed; null if ok"),
                ),
            ),
            Table(
                "checks",
                "one expectation about one target",
                (
                    _RUN_ID,
                    _text("target", "the configured name; 'changes' for the git range", required=True),
                    _text("check", "what was expected of it, a short name", required=True),
                    _text("expected", "the expectation"),
                    _text("observed", "what was seen instead"),
                    _text("outcome", "result", required=True, allowed=("pass", "fail", "not_checked")),
                    _text("detail", "where: session, event, field, file:line; or why it was not checked"),
                    _integer("passed", "how often it held, where that was counted; null: a row is one time"),
                    _integer("failed", "how often it did not, where that was counted"),
                    _integer("undecided", "how often a probe could not tell; null: no probe counted"),
                    _text("facts", "JSON of what a check of the git range found and examined; null for any other"),
                ),
            ),
            Table(
                "tests",
                "one attempt of one test case",
                (
                    _RUN_ID,
                    _text("source", "path of the report"),
                    _text("suite", "configured suite, or the report's own", required=True),
                    _text("class", "class or module as reported"),
                    _text("name", "name as reported", required=True),
                    _text("test_id", "stable id: file, class, name, parameters", required=True),
                    _text("variant", "browser, platform or host that the report names; null if it names none"),
                    _integer("attempt", "from 1", required=True, minimum=1),
                    _text(
                        "status",
                        "result of this attempt",
                        required=True,
                        allowed=("pass", "fail", "error", "skip", "xfail", "xpass", "no_result"),
                    ),
                    _float("time_s", "duration, seconds; null if unknown", minimum=0),
                    _text("message", "failure text, first 64 KiB"),
                    _boolean("fresh_process", "true if this attempt was a rerun in a process of its own"),
                ),
            ),
            Table(
                "scans",
                "one scope of one scan by one tool; scope 'all' is the whole scan",
                (
                    _RUN_ID,
                    _text("scan_id", "joins findings to scans within a run", required=True),
                    _text("tool", "tool name", required=True),
                    _text("version", "tool version"),
                    _text("scope", "all, or a category of files", required=True),
                    _text("scope_sha256", "of the sorted scanned paths; null if unknown"),
                    _text("rules_sha256", "of the sorted rules with severities; null if unknown"),
                    _integer("files_scanned", "null unless stated"),
                    _boolean("complete", "false if a file was unread or the tool failed", required=True),
                    _float("claimed_score", "the tool's own score, per cent"),
                    _integer("claimed_findings", "the tool's own total"),
                    _integer("claimed_files_with_findings", "the tool's own count of files with a finding"),
                    _time("scanned_at", "UTC"),
                    _text("paths", "JSON list of scanned paths; null if unknown"),
                    _text("rules", "JSON list of active rules; null if unknown"),
                    _text("rules_off", "JSON list of rules that the scan says were switched off; null if it says none"),
                    _text("silenced", "JSON object: path to findings silenced in the source; null if unknown"),
                    _text("category", "which of the tool's scans it is; null unless stated"),
                ),
            ),
            Table(
                "findings",
                "one finding of a scan",
                (
                    _RUN_ID,
                    _text("scan_id", "joins findings to scans within a run", required=True),
                    _text("tool", "tool name", required=True),
                    _text("rule", "rule id", required=True),
                    _text("severity", "the tool's word, lower case"),
                    _text("scope", "category of files; 'all' if the tool has none", required=True),
                    _text("path", "repository-relative, with forward slashes"),
                    _integer("line", "1-based"),
                    _text("message", "the tool's sentence"),
                    _text("fingerprint", "stable id: the tool's own, else computed", required=True),
                    _text("fingerprints", "JSON object: the tool's full fingerprints"),
                    _text("partial_fingerprints", "JSON object: the tool's partial fingerprints"),
                    _text("context_sha256", "of the source text around the line; null if unknown"),
                    _text("snippet_sha256", "of the flagged text, as the tool shows it; null if it shows none"),
                    _boolean("suppressed", "suppressed in source or by review", required=True),
                ),
            ),
            Table(
                "coverage",
                "one file in one coverage report",
                (
                    _RUN_ID,
                    _text("report", "the configured report, or the path of its file", required=True),
                    _text("path", "as reported, repository-relative where that is known", required=True),
                    _integer("lines", "lines that can run", required=True),
                    _integer("covered", "those of them that ran", required=True),
                    _text("covered_lines", "JSON list of [first, last]: which ran; null if only counted"),
                    _text("missed_lines", "JSON list of [first, last]: which did not; null if only counted"),
                ),
            ),
            Table(
                "changes",
                "one changed file of a git range",
                (
                    _RUN_ID,
                    _text("path", "repository-relative", required=True),
                    _text("old_path", "before a rename or copy"),
                    _text(
                        "status",
                        "what happened",
                        required=True,
                        allowed=("added", "modified", "deleted", "renamed", "copied", "type_changed"),
                    ),
                    _integer("added", "lines; null for binary"),
                    _integer("deleted", "lines; null for binary"),
                    _text("category", "what kind of file, by the rule that fired"),
                    _text("owner", "from CODEOWNERS or configuration; null if not stated"),
                    _text("criticality", "from configuration; null if not stated"),
                    _text("value", "business value from configuration; null if not stated"),
                    _text("area", "top-level area of the path"),
                    _text("functions", "JSON list of touched functions; null if not parsed"),
                    _boolean("docs_only", "true if the parsed code is equal without comments and docstrings"),
                    _integer("importers", "modules that import this one, transitively; null if not parsed"),
                    _integer("commits", "commits of the range that touched it"),
                    _integer("past_changes", "commits before the range that touched it"),
                    _integer("past_authors", "authors before the range"),
                    _integer("past_fixes", "fixes before the range"),
                    _float("churn_percentile", "0-100 within this repository's history; null below 50 commits"),
                    _text(
                        "partners", "JSON list of [path, share]: files that usually change with it; null if not known"
                    ),
                    _text("note", "what a reviewer said of it, from records"),
                    _text("base_commit", "the older end of the range, as asked for"),
                    _text("head_commit", "head of the range"),
                    _text(
                        "rank",
                        "JSON object: where the whole range ranks in this repository's history; null if not known",
                    ),
                    _integer("range_commits", "commits in the range; of a rollback, those taken back"),
                    _text("tests_alongside", "JSON list of the tests that changed with it; null if not known"),
                    _text("tests_reaching", "JSON object: test file that imports it -> distance; null if not parsed"),
                    _text("hunks", "JSON list of [old start, old lines, new start, new lines]; null if not known"),
                ),
            ),
        )
    }
)


@cache
def _validator(name: str) -> pa.DataFrameSchema:
    import pandera.pandas as pa

    columns: dict[str, pa.Column] = {}
    for column in TABLES[name].columns:
        checks = []
        if column.allowed:
            checks.append(pa.Check.isin(list(column.allowed), error=f"one of {', '.join(column.allowed)}"))
        if column.minimum is not None:
            checks.append(pa.Check.ge(column.minimum, error=f"at least {column.minimum:g}"))
        columns[column.name] = pa.Column(nullable=not column.required, checks=checks)
    return pa.DataFrameSchema(columns, name=name)


def empty(name: str) -> pd.DataFrame:
    """Return the named table without rows, every column with its dtype.

    Examples
    --------
    >>> list(empty("checks").columns)
    ['run_id', 'target', 'check', 'expected', 'observed', 'outcome', 'detail', 'passed', 'failed', 'undecided', 'facts']
    """
    return _without_rows(name).copy()


@cache
def _without_rows(name: str) -> pd.DataFrame:
    # Asked for a hundred times a verdict: made once, and copied, since its caller may change what it gets.
    return pd.DataFrame({column.name: pd.Series(dtype=column.dtype) for column in TABLES[name].columns})


def conform(name: str, frame: pd.DataFrame, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return a new frame that keeps the contract of the named table.

    Parameters
    ----------
    name : str
        A key of :data:`TABLES`.
    frame : DataFrame
        Any column order; missing optional columns become null columns. Not changed.
    columns : sequence of str, optional
        A part of the table: these alone are expected and returned.

    Returns
    -------
    DataFrame
        Exactly the table's columns, or those of its part, in the table's order, with its dtypes and a fresh index.
        Rows keep their order.

    Raises
    ------
    SchemaError
        An unknown column, a missing required column, a value that cannot be cast or is not allowed. Carries all
        failing rows.
    """
    table = TABLES[name]
    if columns is not None:
        table = replace(table, columns=tuple(column for column in table.columns if column.name in columns))
    if list(zip(frame.columns, map(str, frame.dtypes), strict=True)) == [
        (column.name, column.dtype) for column in table.columns
    ]:
        # Of the right form already, as whatever comes from the store: pandas copies what its new owner changes.
        result = frame.reset_index(drop=True)
    else:
        _check_columns(table, frame)
        cast = {column.name: _cast(table, column, frame) for column in table.columns}
        # No array is the frame's own, so none is copied once more.
        result = pd.DataFrame(cast, index=pd.RangeIndex(len(frame)), copy=False)
    # pandera names every wrong row, but takes milliseconds a frame: it is asked only where there is one.
    if not all(_keeps(column, result[column.name].array) for column in table.columns if column.name in frame.columns):
        _check_values(table, result)
    return result


def _keeps(column: Column, values: _Values) -> bool:
    """Return True if each value is one that the column allows."""
    if not (column.required or column.allowed or column.minimum is not None):
        return True
    if column.required and values.isna().any():
        return False
    if column.allowed and not {value for value in values.unique() if not pd.isna(value)}.issubset(column.allowed):
        return False
    # A null is not below the minimum.
    return column.minimum is None or not (values < column.minimum).any()


def _check_columns(table: Table, frame: pd.DataFrame) -> None:
    for name in frame.columns:
        if name not in table.names:
            guess = nearest(str(name), table.names)
            raise SchemaError(
                f"Unknown column {str(name)!r}.",
                where=f"table {table.name}",
                hint=f"Did you mean {guess!r}?" if guess else f"Columns: {', '.join(table.names)}.",
            )
    missing = [c.name for c in table.columns if c.required and c.name not in frame.columns]
    if missing:
        raise SchemaError(
            f"Required columns are missing: {', '.join(missing)}.",
            where=f"table {table.name}",
            hint="Give them, or use stabkit.schema.empty to start from.",
        )


@cache
def _no_values(dtype: str) -> pd.api.extensions.ExtensionArray:
    return pd.array([], dtype=dtype)


def _cast(table: Table, column: Column, frame: pd.DataFrame) -> _Values:
    if column.name not in frame.columns:
        # Each taken from nowhere: a list of so many None would cost more than the rest of the frame.
        return _no_values(column.dtype).take(np.full(len(frame), -1), allow_fill=True)
    values = frame[column.name]
    if str(values.dtype) == column.dtype:
        return values.array.copy()
    values = values.reset_index(drop=True)
    try:
        if column.kind == "time":
            # Texts need not be alike: Python leaves out microseconds that are zero.
            return pd.to_datetime(values, utc=True, format="ISO8601").astype(column.dtype)
        if column.kind == "text":
            return values.map(_as_text).astype(column.dtype)
        if column.kind == "float":
            return pd.to_numeric(values).astype(column.dtype)
        return values.astype(object).where(values.notna(), None).astype(column.dtype)
    except (TypeError, ValueError) as error:
        raise SchemaError(
            f"Column {column.name!r} cannot be read as {column.kind}: {error}.",
            where=f"table {table.name}",
            hint=f"It holds {column.meaning}.",
        ) from error


def _as_text(value: object) -> object:
    # Lone surrogates cannot be written as UTF-8; evidence may hold them.
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    return value if pd.api.types.is_scalar(value) and pd.isna(value) else str(value)


def _check_values(table: Table, frame: pd.DataFrame) -> None:
    import pandera.errors

    try:
        _validator(table.name).select_columns(list(frame.columns)).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases
        rows = pd.DataFrame(
            {
                "column": cases["column"],
                "row": cases["index"],
                "value": cases["failure_case"],
                "expected": cases["check"].replace("not_nullable", "a value, not null"),
            }
        )
        first = rows.iloc[0]
        shown = f"{'it' if len(rows) == 1 else 'the first'} is {_value_text(first['value'])}"
        raise SchemaError(
            f"{amount(len(rows), 'value breaks', 'values break')} the table's contract; "
            f"{shown} in column {first['column']!r}, expected {first['expected']}.",
            where=f"table {table.name}, row {first['row']}",
            hint="The error's .rows lists them all.",
            rows=rows,
        ) from error


def _value_text(value: object) -> str:
    """Return a value as whoever gave it wrote it: what numpy wraps bears no type, and a missing one is null."""
    plain = value.item() if isinstance(value, np.generic) else value
    return "null" if plain is None or plain is pd.NA else repr(plain)


@dataclass(frozen=True)
class Evidence:
    """Evidence tables by name, each conformed; what every collector returns.

    A table without rows is left out: it is missing evidence, not "no problems".

    Examples
    --------
    >>> checks = pd.DataFrame({"target": ["api"], "check": ["status"], "outcome": ["pass"]})
    >>> evidence = Evidence.of(checks=checks)
    >>> len(evidence["checks"]), len(evidence["tests"])
    (1, 0)
    """

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @classmethod
    def of(cls, **tables: pd.DataFrame) -> Evidence:
        """Return evidence from frames by table name, each passed through :func:`conform`."""
        return cls({name: conform(name, frame) for name, frame in tables.items() if len(frame)})

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return the named table; without rows if there is no such evidence."""
        return self.tables[name] if name in self.tables else empty(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def merge(self, *others: Evidence) -> Evidence:
        """Return this evidence followed by others, table by table."""
        parts = (self, *others)
        names = [name for name in TABLES if any(name in part.tables for part in parts)]
        return Evidence(
            {
                name: pd.concat([part.tables[name] for part in parts if name in part.tables], ignore_index=True)
                for name in names
            }
        )

    @property
    def failed(self) -> bool:
        """True if any source has status ``error`` or ``partial``."""
        return bool(self["sources"]["status"].isin(["error", "partial"]).any())
