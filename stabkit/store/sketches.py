"""Sketches: how many samples fell into which logarithmic bucket, by run, target, metric and day.

A percentile read from a sketch lies within 1 % of the sample at that rank, and takes a table of thousands of rows where
the samples have millions. Buckets of several days, runs or machines add up; percentiles never do. They serve long
histories; a verdict is always judged by the samples, with their rounds and their order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from stabkit.errors import UsageError, nearest
from stabkit.samples import COUNTS, TIME_COLUMNS
from stabkit.store.batches import Batch
from stabkit.store.places import DataFile
from stabkit.store.reading import queries

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd
    import pyarrow as pa

    from stabkit.store.places import Place

__all__ = ["GROUPS", "TABLE", "days_of", "quantiles", "sketch"]

TABLE: Final = "sketches"
GROUPS: Final = ("target", "day", "run_id", "metric")

# Bucket i holds what lies in (1.02 ** (i - 1), 1.02 ** i]; read back as 2 * 1.02 ** i / 2.02 it is wrong by 0.0099 at
# either end. Logarithms, as the powers themselves overflow for the largest doubles.
_LOG: Final = f"{math.log(1.02)!r}e0"  # without an exponent it would be a DECIMAL
_MIDDLE: Final = f"({math.log(2 / 2.02)!r}e0)"
_KEYS: Final = "run_id, target, metric, connection, unit, warmup, ok, day, kind, bucket"
# The time of a population of one run by itself, as stabkit.samples.best_column chooses it; where all requests have the
# best column, there is nothing to choose.
_OF: Final = ("run_id", "target", "metric", "connection")
_WHOLE: Final = " ".join(
    f"WHEN count({name}) FILTER ({COUNTS}) = count(*) FILTER ({COUNTS}) THEN '{name}'" for name in TIME_COLUMNS
)
_KNOWN: Final = " ".join(f"WHEN count({name}) FILTER ({COUNTS}) > 0 THEN '{name}'" for name in TIME_COLUMNS)
_TIME: Final = " ".join(f"WHEN '{name}' THEN {name}" for name in TIME_COLUMNS)
_SAME: Final = " AND ".join(f"row.{name} IS NOT DISTINCT FROM best.{name}" for name in _OF)
_BUCKETS: Final = f"""
    SELECT counted.* REPLACE (coalesce(counted.day, _started.day) AS day) FROM (
        SELECT {_KEYS}, count(*)::BIGINT AS n FROM (
            SELECT row.run_id, row.target, row.metric, row.connection, ok,
                coalesce(warmup, false) AS warmup,
                CASE coalesce(best.time, '{TIME_COLUMNS[0]}') {_TIME} END AS x,
                CASE WHEN best.time = 'value' OR x IS NULL THEN unit ELSE 'ms' END AS unit,
                due_at::DATE AS day,
                CASE WHEN x IS NULL THEN 'none' WHEN NOT isfinite(x) THEN 'not_finite' WHEN x = 0 THEN 'zero'
                     WHEN x > 0 THEN 'positive' ELSE 'negative' END AS kind,
                CASE WHEN kind IN ('positive', 'negative') THEN ceil(ln(abs(x)) / {_LOG})::INTEGER END AS bucket
            FROM {{source}} AS row LEFT JOIN (
                SELECT {", ".join(_OF)}, CASE {_WHOLE} {_KNOWN} END AS time FROM {{source}}
                WHERE (run_id, metric) IN (
                    SELECT run_id, metric FROM {{source}} WHERE {TIME_COLUMNS[0]} IS NULL AND {COUNTS}
                )
                GROUP BY ALL
            ) AS best ON {_SAME}
        ) GROUP BY ALL
    ) AS counted LEFT JOIN _started USING (run_id)
"""  # noqa: S608 - constants alone
_QUANTILES: Final = f"""
    WITH asked AS (
        SELECT * FROM ({{sketch}}) WHERE metric = $metric AND (NOT ok OR {COUNTS}) AND {{during}}
    ), told AS (
        -- Where there is no value there is no unit, and often no connection or one that no good request has: it is
        -- counted with those that have one.
        SELECT * REPLACE (
            coalesce(unit, max(unit) OVER same) AS unit,
            CASE WHEN max(ok) OVER alike THEN connection
                 ELSE coalesce(max(connection) FILTER (ok) OVER same, connection) END AS connection
        ) FROM asked WINDOW same AS (PARTITION BY {{by}}), alike AS (PARTITION BY {{by}}, connection)
    ), counted AS (
        SELECT {{keys}}, kind, bucket, ok, sum(n) AS n FROM told GROUP BY ALL
    ), placed AS (
        SELECT {{keys}}, n,
            CASE kind WHEN 'zero' THEN 0 WHEN 'positive' THEN exp(bucket * {_LOG} + {_MIDDLE})
                 ELSE -exp(bucket * {_LOG} + {_MIDDLE}) END AS x
        FROM counted WHERE ok AND kind IN ('zero', 'positive', 'negative')
    ), ranked AS (
        SELECT *, sum(n) OVER (PARTITION BY {{keys}} ORDER BY x) AS upto, sum(n) OVER (PARTITION BY {{keys}}) AS total
        FROM placed
    ), answers AS (
        SELECT {{keys}}, {{answers}} FROM ranked GROUP BY ALL
    ), totals AS (
        SELECT {{keys}}, (coalesce(sum(n) FILTER (ok AND kind IN ('zero', 'positive', 'negative')), 0))::BIGINT AS n,
            (coalesce(sum(n) FILTER (NOT ok), 0))::BIGINT AS failed,
            (coalesce(sum(n) FILTER (ok AND kind = 'not_finite'), 0))::BIGINT AS not_finite
        FROM counted GROUP BY ALL
    )
    SELECT {{shown}}, n, failed, not_finite, {{names}} FROM totals
    LEFT JOIN answers ON {{equal}}
    ORDER BY {{order}}
"""  # noqa: S608 - constants alone


def schema() -> pa.Schema:
    """Return the Parquet types of a sketch."""
    import pyarrow as pa

    return pa.schema(
        [
            *((name, pa.string()) for name in ("run_id", "target", "metric", "connection", "unit")),
            ("warmup", pa.bool_()),
            ("ok", pa.bool_()),
            ("day", pa.date32()),
            ("kind", pa.string()),
            ("bucket", pa.int32()),
            ("n", pa.int64()),
        ]
    )


def days_of(batches: Sequence[Batch]) -> dict[str, str]:
    """Return the UTC day on which each run began: that of its samples without a time."""
    return {batch.run_id: str(batch.run["started_at"])[:10] for batch in reversed(batches)}


def sketch(place: Place, ready: Sequence[DataFile], fresh: Sequence[DataFile], started: Mapping[str, str]) -> pa.Table:
    """Return the buckets of these sketches and of the samples in these files, one row a bucket and run.

    Parameters
    ----------
    place : Place
        Where the store lies.
    ready, fresh : sequence of DataFile
        Sketches, and files of samples.
    started : mapping
        Run id -> the UTC day it began, for samples without a time of their own.
    """
    place.verify([*ready, *fresh])
    with queries.connection(place, [*ready, *fresh]) as database:
        return database.sql(_rows(place, database, ready, fresh, started)).to_arrow_table().cast(schema())


def quantiles(
    place: Place,
    ready: Sequence[DataFile],
    fresh: Sequence[DataFile],
    wanted: Sequence[float],
    *,
    metric: str,
    by: Sequence[str],
    started: Mapping[str, str],
    since: date | None,
    until: date | None,
) -> pd.DataFrame:
    """Return the quantiles of these runs, from sketches where there are some and from the samples elsewhere."""
    _check(wanted, by)
    keys = list(dict.fromkeys([*by, "connection", "unit"]))
    names = [f"p{100 * each:g}" for each in wanted]
    answers = ", ".join(
        f'min(x) FILTER (upto >= greatest(1, ceil({float(each)!r}e0 * total - 1e-9))) AS "{name}"'
        for each, name in zip(wanted, names, strict=True)
    )
    parameters: dict[str, Any] = {"metric": metric, "runs": list(started)}
    during = ["run_id IN (SELECT unnest($runs))"]
    for moment, name, relation in ((since, "since", ">="), (until, "until", "<")):
        if moment is not None:
            during.append(f"day {relation} ${name}::DATE")
            parameters[name] = moment.isoformat()
    with queries.connection(place, [*ready, *fresh]) as database:
        text = _QUANTILES.format(
            by=", ".join(by) or "metric",
            keys=", ".join(keys),
            shown=", ".join(f"totals.{key}" for key in keys),
            sketch=_rows(place, database, ready, fresh, started),
            during=" AND ".join(during),
            answers=answers,
            names=", ".join(f'"{name}"' for name in names),
            equal=" AND ".join(f"totals.{key} IS NOT DISTINCT FROM answers.{key}" for key in keys),
            order=", ".join(f"totals.{key}" for key in keys),
        )
        return queries.to_pandas(database.sql(text, params=parameters).to_arrow_table())


def _rows(
    place: Place, database: Any, ready: Sequence[DataFile], fresh: Sequence[DataFile], started: Mapping[str, str]
) -> str:
    import pyarrow as pa

    parts = []
    if fresh:
        days = pa.table({"run_id": pa.array(started, pa.string()), "day": pa.array(started.values(), pa.string())})
        database.register("_started_text", days)
        database.execute("CREATE TEMP TABLE _started AS SELECT run_id, day::DATE AS day FROM _started_text")
        parts.append(_BUCKETS.format(source=queries.samples(place, database, fresh)))
    if ready:
        relation = place.relation(database, TABLE, [file.path for file in ready], schema())
        parts.append(f"SELECT {_KEYS}, n FROM {relation}")  # noqa: S608 - paths from checked manifests
    nothing = ", ".join(f"NULL::{kind} AS {name}" for name, kind in _EMPTY.items())
    return " UNION ALL BY NAME ".join(parts or [f"SELECT {nothing} WHERE false"])


_EMPTY: Final[Mapping[str, str]] = {
    **dict.fromkeys(("run_id", "target", "metric", "connection", "unit", "kind"), "VARCHAR"),
    **dict.fromkeys(("warmup", "ok"), "BOOLEAN"),
    "day": "DATE",
    "bucket": "INTEGER",
    "n": "BIGINT",
}


def _check(wanted: Sequence[float], by: Sequence[str]) -> None:
    for name in by:
        if name not in GROUPS:
            guess = nearest(name, GROUPS)
            hint = f"Did you mean {guess!r}?" if guess else f"Known: {', '.join(GROUPS)}."
            raise UsageError(f"Quantiles are not grouped by {name!r}.", where="Store.quantiles", hint=hint)
    if not wanted or not all(0 <= each <= 1 for each in wanted):
        raise UsageError("A quantile lies between 0 and 1.", where="Store.quantiles", hint="Such as (0.5, 0.95, 0.99).")
