"""The store beside bare DuckDB on the same files: percentiles of long histories, many small runs, and killed writers.

    python benchmarks/store.py [--rows 50000000] [--runs 1000] [--kills 100] [--repeat 3]

Both answer the same query over the same Parquet files in the same process, one after the other; the best of the repeats
counts, by the processor's time, since other processes make the clock's differ by half. The first answer of a store also
hashes every file; that is shown by itself, since it is paid once. The samples are made by DuckDB, 500,000 a run, and
need some 20 bytes each on disk while it runs. Memory is the peak resident set of a process of its own, with all that
Python loads.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from stabkit.schema import TABLES, Evidence
from stabkit.store import Store, new_run, open_store
from stabkit.store.batches import Batch, DataFile, marker_of
from stabkit.store.places.place import quote

START = datetime(2026, 1, 1, tzinfo=UTC)
LIMIT = 1.2
MEMORY_GB = 0.25
A_RUN = 500_000
PERCENTILES = """
    SELECT target, date_trunc('day', due_at) AS day,
           quantile_cont(response_ms, [0.5, 0.95, 0.99]) AS percentiles, count(*) AS n
    FROM {source} WHERE ok GROUP BY 1, 2 ORDER BY 1, 2
"""
MADE = {
    "target": "CASE WHEN r % 2 = 0 THEN 'api' ELSE 'chat' END",
    "metric": "'response_time'",
    "round": "r // 1000",
    "sequence": "r % 1000",
    "due_at": "day + to_microseconds(r * 100000)",
    "service_ms": "x",
    "response_ms": "x",
    "connection": "'reused'",
    "warmup": "false",
    "ok": "r % 1000 > 0",
}
KINDS = {"text": "VARCHAR", "float": "DOUBLE", "integer": "BIGINT", "boolean": "BOOLEAN", "time": "TIMESTAMPTZ"}


def make_run(store: Store, number: int, rows: int) -> None:
    """Write one run as the store does, but let DuckDB draw and write its samples."""
    day = START + timedelta(days=number)
    run = new_run(label=f"v{number}", started_at=day) | {"started_at": day.isoformat()}
    path = f"table=samples/day={day:%Y-%m-%d}/{run['run_id']}-made.parquet"
    chosen = ", ".join(
        f'({MADE.get(column.name, "NULL")})::{KINDS[column.kind]} AS "{column.name}"'
        for column in TABLES["samples"].columns
    ).replace('(NULL)::VARCHAR AS "run_id"', f"{quote(run['run_id'])} AS run_id")
    target = store.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    duckdb.execute("SET TimeZone = 'UTC'")
    duckdb.execute(
        f"""COPY (SELECT {chosen} FROM (
            SELECT range AS r, TIMESTAMPTZ {quote(day.isoformat())} AS day,
                exp(3 + 0.5 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) AS x FROM range({rows})
        )) TO {quote(str(target))} (FORMAT parquet, COMPRESSION zstd)"""
    )
    content = target.read_bytes()
    file = DataFile("samples", path, rows, len(content), hashlib.sha256(content).hexdigest())
    batch = Batch("made", day.isoformat(), run, (file,))
    batch = Batch(f"made-{number}", batch.committed_at, run, batch.files)
    store.place.write(f"commits/{run['run_id']}-made.json", json.dumps(marker_of(batch)).encode())


def best(work: Callable[[], object], repeat: int) -> float:
    found = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def spent(work: Callable[[], object]) -> float:
    """Return the processor's seconds of all threads."""
    start = time.process_time()
    work()
    return time.process_time() - start


def bare(root: Path) -> Callable[[], object]:
    files = sorted(str(path) for path in root.glob("table=samples/*/*.parquet"))
    query = PERCENTILES.format(source=f"read_parquet({files}, hive_partitioning = false)")
    return lambda: duckdb.sql(query).to_arrow_table()


def peak_gb(root: Path, what: str) -> tuple[float, float]:
    """Return the seconds and the peak memory of one answer in a process of its own."""
    out = subprocess.run(
        [sys.executable, __file__, "--answer", what, "--store", str(root)], capture_output=True, text=True, check=True
    )
    seconds, peak = map(float, out.stdout.split())
    return seconds, peak


def answer(what: str, root: Path) -> None:
    """Answer once, and print the seconds and the peak resident set in GB."""
    store = open_store(root)
    start = time.perf_counter()
    if what == "sketches":
        store.quantiles()
    elif what == "exact":
        store.sql(PERCENTILES.format(source="samples"))
    elif what == "bare":
        bare(root)()
    elif what == "compact":
        store.compact()
    seconds = time.perf_counter() - start
    status = Path("/proc/self/status").read_text()  # ru_maxrss begins with what the parent had
    print(seconds, int(status.split("VmHWM:")[1].split()[0]) / 1e6)


def long_history(root: Path, rows: int, repeat: int) -> None:
    store = open_store(root, create=True)
    runs = max(1, rows // A_RUN)
    for number in range(runs):
        make_run(store, number, rows // runs)
    store = open_store(root)
    size = sum(path.stat().st_size for path in root.glob("table=samples/*/*.parquet")) / 1e6
    print(f"p50, p95, p99 by target and day: {rows:,} samples in {runs} runs, {size:.0f} MB; best of {repeat}")
    start = time.perf_counter()
    store.sql("SELECT count(*) FROM samples")
    print(f"  hashing every file, once                 {time.perf_counter() - start:8.3f} s")
    # In turn, so that a busy machine is busy for both.
    pairs = [(spent(bare(root)), spent(lambda: store.sql(PERCENTILES.format(source="samples")))) for _ in range(repeat)]
    reference, own = (min(each) for each in zip(*pairs, strict=True))
    print(f"  {'processor, all threads':40}{'s':>9}")
    verdict = "met" if own <= LIMIT * reference else "MISSED"
    print(f"  bare DuckDB                              {reference:8.3f} s   1.00")
    print(f"  Store.sql                                {own:8.3f} s   {own / reference:.2f}")
    print(f"  -> target <= {LIMIT} times bare DuckDB: {verdict}")
    day = spent(lambda: store.read("samples", columns=["response_ms"], since=START, until=START + timedelta(days=1)))
    print(f"  Store.read of one column of one day      {day:8.3f} s   {day / reference:.2f}")
    print(f"  {'in a process of its own, from opening the store':48}{'s':>10}{'peak GB':>10}")
    for name, what in (
        ("bare DuckDB", "bare"),
        ("Store.sql, exact", "exact"),
        ("Store.quantiles, none sketched yet", "sketches"),
        ("Store.compact: sketch and pack", "compact"),
        ("Store.quantiles, sketched", "sketches"),
    ):
        seconds, peak = peak_gb(root, what)
        print(f"  {name:48}{seconds:10.3f}{peak:10.3f}")
    verdict = "met" if peak < MEMORY_GB else "MISSED"
    print(f"  -> target < {MEMORY_GB} GB by sketches: {verdict}")
    worst_error(store)


def worst_error(store: Store) -> None:
    """Print how far the worst percentile from sketches lies from the sample at its rank."""
    store = open_store(store.root)
    exact = store.sql(
        """SELECT target, due_at::DATE AS day, quantile_disc(response_ms, 0.5) AS a, quantile_disc(response_ms, 0.95)
        AS b, quantile_disc(response_ms, 0.99) AS c FROM samples WHERE ok GROUP BY 1, 2 ORDER BY 1, 2"""
    )
    found = store.quantiles()
    errors = np.abs(found[["p50", "p95", "p99"]].to_numpy() / exact[["a", "b", "c"]].to_numpy() - 1)
    rows = sum(file.rows for file in {*store._known.manifest().sketches.values()})
    print(f"  sketches: {rows:,} rows; worst error of {errors.size} percentiles {100 * errors.max():.2f} %")


def small_samples(drawn: np.random.Generator, when: datetime) -> pd.DataFrame:
    columns = {"metric": "response_time", "round": 0, "sequence": range(20), "ok": True}
    due = pd.date_range(when, periods=20, freq="1s").as_unit("us")
    return pd.DataFrame(
        {"target": ["api", "chat"] * 10, "due_at": due, "response_ms": drawn.lognormal(3, 0.5, 20)} | columns
    )


def many_runs(root: Path, runs: int, repeat: int) -> None:
    drawn = np.random.default_rng(1)
    store = open_store(root, create=True)
    taken = []
    for number in range(runs):
        when = START + timedelta(hours=number)
        evidence = Evidence.of(samples=small_samples(drawn, when))
        start = time.perf_counter()
        store.append(new_run(label=f"v{number}", started_at=when), evidence)
        taken.append(time.perf_counter() - start)
    first, last = (float(np.median(part)) for part in (taken[: runs // 10], taken[-(runs // 10) :]))
    print(
        f"{runs:,} runs of 20 samples; storing one takes {1000 * first:.1f} ms at first, {1000 * last:.1f} ms at last"
    )
    ways: dict[str, Callable[[], object]] = {
        "list the runs, store just opened": lambda: open_store(root).runs(),
        "read one run, store just opened": lambda: open_store(root).read("samples", "latest"),
        "read all samples": lambda: store.read("samples"),
        "percentiles by SQL": lambda: store.sql(PERCENTILES.format(source="samples")),
        "percentiles by Store.quantiles": store.quantiles,
    }
    before = {name: best(work, repeat) for name, work in ways.items()}
    reference = best(bare(root), repeat)
    start = time.perf_counter()
    done = store.compact()
    spent = time.perf_counter() - start
    print(f"  best of {repeat:<32}{'as stored':>12}{'compacted':>12}")
    for name, work in ways.items():
        print(f"  {name:40}{before[name]:10.3f} s{best(work, repeat):10.3f} s")
    print(f"  {'percentiles, bare DuckDB':40}{reference:10.3f} s")
    print(f"  compaction: {done.packed} files into {done.packs} in {spent:.2f} s")


def killed_writers(root: Path, kills: int) -> None:
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "store"))
    import test_durability

    open_store(root, create=True)
    acknowledged, killed = test_durability.kill_at_random(root, writers=10, kills=kills, seed=20261)
    stored = test_durability.assert_whole(root, acknowledged, killed)
    print(f"10 writers at once, {killed} SIGKILLs at random moments: {len(acknowledged):,} runs acknowledged, ", end="")
    print(f"{stored:,} stored, 0 acknowledged ones missing, 0 partial")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=50_000_000)
    arguments.add_argument("--runs", type=int, default=1000)
    arguments.add_argument("--kills", type=int, default=100)
    arguments.add_argument("--repeat", type=int, default=3)
    arguments.add_argument("--answer", help=argparse.SUPPRESS)
    arguments.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.answer:
        answer(options.answer, options.store)
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.rows:
            long_history(Path(folder) / "long", options.rows, options.repeat)
        if options.runs:
            print()
            many_runs(Path(folder) / "many", options.runs, options.repeat)
        if options.kills:
            print()
            killed_writers(Path(folder) / "killed", options.kills)


if __name__ == "__main__":
    main()
