"""The store beside bare DuckDB on the same files: percentiles of long histories, and many small runs.

    python benchmarks/store.py [--rows 5000000] [--runs 1000] [--repeat 3]

Both answer the same query over the same Parquet files in the same process, one after the other; the best of the repeats
counts. The first answer of a store also hashes every file; that is shown by itself, since it is paid once.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from stabkit.schema import Evidence
from stabkit.store import Store, new_run, open_store

START = datetime(2026, 1, 1, tzinfo=UTC)
LIMIT = 1.2
PERCENTILES = """
    SELECT target, date_trunc('day', due_at) AS day,
           quantile_cont(response_ms, [0.5, 0.95, 0.99]) AS percentiles, count(*) AS n
    FROM {source} WHERE ok GROUP BY 1, 2 ORDER BY 1, 2
"""


def samples(rows: int, when: datetime, drawn: np.random.Generator) -> pd.DataFrame:
    times = drawn.lognormal(3, 0.5, rows)
    return pd.DataFrame(
        {
            "target": np.where(np.arange(rows) % 2, "api", "chat"),
            "metric": "response_time",
            "round": np.arange(rows) // 1000,
            "sequence": np.arange(rows) % 1000,
            "due_at": pd.date_range(when, periods=rows, freq="10ms", tz="UTC").astype("datetime64[us, UTC]"),
            "ok": drawn.random(rows) > 0.001,
            "service_ms": times,
            "response_ms": times,
        }
    )


def fill(folder: Path, runs: int, rows: int) -> tuple[Store, float]:
    """Return a store of so many runs of so many samples, a day apart, and the seconds a run took to store."""
    drawn = np.random.default_rng(1)
    store = open_store(folder, create=True)
    taken = []
    for number in range(runs):
        when = START + timedelta(days=number) if rows > 1000 else START + timedelta(hours=number)
        evidence = Evidence.of(samples=samples(rows, when, drawn))
        start = time.perf_counter()
        store.append(new_run(label=f"v{number}", started_at=when), evidence)
        taken.append(time.perf_counter() - start)
    return open_store(folder), statistics.median(taken)


def best(work: Callable[[], object], repeat: int) -> float:
    found = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def bare(store: Store) -> Callable[[], object]:
    files = sorted(str(path) for path in store.root.glob("table=samples/*/*.parquet"))
    query = PERCENTILES.format(source=f"read_parquet({files}, hive_partitioning = false)")
    return lambda: duckdb.sql(query).to_arrow_table()


def long_history(folder: Path, rows: int, repeat: int) -> None:
    runs = max(1, rows // 500_000)
    store, seconds = fill(folder, runs, rows // runs)
    size = sum(path.stat().st_size for path in folder.glob("table=samples/*/*.parquet")) / 1e6
    print(f"p50, p95, p99 by target and day: {rows:,} samples in {runs} runs, {size:.0f} MB; best of {repeat}")
    print(f"  stored at {rows / runs / seconds / 1e6:.2f} million samples a second")
    start = time.perf_counter()
    store.sql("SELECT 1")
    print(f"  hashing every file, once                 {time.perf_counter() - start:8.3f} s")
    reference = best(bare(store), repeat)
    print(f"  bare DuckDB                              {reference:8.3f} s   1.00")
    own = best(lambda: store.sql(PERCENTILES.format(source="samples")), repeat)
    verdict = "met" if own <= LIMIT * reference else "missed"
    print(f"  Store.sql                                {own:8.3f} s   {own / reference:.2f}")
    print(f"  -> target <= {LIMIT} times bare DuckDB: {verdict}")


def many_runs(folder: Path, runs: int, repeat: int) -> None:
    store, seconds = fill(folder, runs, 20)
    print(f"{runs:,} runs of 20 samples; storing one takes {seconds * 1000:.0f} ms; best of {repeat}")
    ways: dict[str, Callable[[], object]] = {
        "list the runs, store just opened": lambda: open_store(folder).runs(),
        "read one run, store just opened": lambda: open_store(folder).read("samples", "latest"),
        "read all samples": lambda: store.read("samples"),
        "percentiles by SQL": lambda: store.sql(PERCENTILES.format(source="samples")),
    }
    before = {name: best(work, repeat) for name, work in ways.items()}
    reference = best(bare(store), repeat)
    start = time.perf_counter()
    done = store.compact()
    spent = time.perf_counter() - start
    print(f"  {'':40}{'as stored':>12}{'compacted':>12}")
    for name, work in ways.items():
        print(f"  {name:40}{before[name]:10.3f} s{best(work, repeat):10.3f} s")
    print(f"  {'percentiles, bare DuckDB':40}{reference:10.3f} s")
    print(f"  compaction: {done.packed} files into {done.packs} in {spent:.2f} s")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=5_000_000)
    arguments.add_argument("--runs", type=int, default=1000)
    arguments.add_argument("--repeat", type=int, default=3)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        long_history(Path(folder) / "long", options.rows, options.repeat)
        print()
        many_runs(Path(folder) / "many", options.runs, options.repeat)


if __name__ == "__main__":
    main()
