"""Which samples count and which column is their time: the same in pandas and in the store's SQL."""

from __future__ import annotations

from itertools import product

import duckdb
import pandas as pd
import pytest

from stabkit.runs import new_run
from stabkit.samples import COUNTS, TIME_COLUMNS, best_column, counted, failed, usual_fault
from stabkit.schema import Evidence
from stabkit.store import open_store


def timed(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"response_ms": None, "service_ms": None, "value": None, "unit": None} | columns, index=[0, 1])


def test_the_rule_reads_alike_in_pandas_and_sql():
    rows = pd.DataFrame(list(product([True, False], [True, False, None])), columns=["ok", "warmup"])
    rows = rows.astype("boolean")
    by_sql = duckdb.sql(f"SELECT ok, {COUNTS} AS counts FROM rows").df()
    assert by_sql["counts"].tolist() == rows.index.isin(counted(rows).index).tolist()
    assert failed(rows).tolist() == (~rows["ok"]).tolist()


def test_a_column_that_all_parts_have_whole_goes_first():
    both = timed(response_ms=[9.0, 9.0], service_ms=[8.0, 8.0])
    assert best_column([both, both]) == "response_ms"
    assert best_column([both, both.assign(response_ms=[9.0, None])]) == "service_ms"
    assert best_column([both, timed(value=[0.1, 0.2], unit="s")]) is None
    assert best_column([timed(value=[0.1, 0.2], unit="s")]) == "value"
    assert best_column([timed(value=[64.0, 64.0], unit="MB")]) is None
    assert best_column([both.iloc[:0], both]) is None


@pytest.mark.parametrize(
    ("columns", "best"),
    [
        ({"response_ms": [9.0, 9.0], "service_ms": [8.0, 8.0]}, "response_ms"),
        ({"response_ms": [9.0, None], "service_ms": [8.0, 8.0]}, "service_ms"),
        ({"response_ms": [9.0, None], "service_ms": [None, 8.0]}, "response_ms"),
        ({"service_ms": [8.0, 8.0], "value": [7.0, 7.0], "unit": "ms"}, "service_ms"),
        ({"value": [7.0, 7.0], "unit": "ms"}, "value"),
    ],
)
def test_the_store_sketches_the_time_that_a_judge_takes(tmp_path, columns, best):
    rows = timed(**columns).astype(dict.fromkeys(TIME_COLUMNS, "float64"))
    assert best_column([rows]) == best
    known = {"target": "api", "metric": "queue_time", "round": 0, "sequence": [0, 1], "ok": True}
    store = open_store(tmp_path / "data", create=True)
    store.append(new_run(label="v1"), Evidence.of(samples=rows.assign(**known)))
    for _ in range(2):
        (found,) = store.quantiles((0.5,), metric="queue_time", by=("target",)).to_dict("records")
        assert found["n"] == rows[best].notna().sum()
        assert found["p50"] == pytest.approx(rows[best].min(), rel=0.01)
        store.compact()


def test_failures_of_a_kind_that_no_good_request_has_are_counted_with_those_that_have_one(tmp_path):
    """The request that opens a reused connection is fresh and warm-up; where it fails, it is a failure all the same."""
    samples = pd.DataFrame(
        {"target": "api", "metric": "response_time", "round": 0, "sequence": range(4), "ok": [False, True, True, True]}
        | {"warmup": [True, True, False, False], "connection": ["fresh", "fresh", "reused", "reused"]}
        | {"response_ms": [None, 90.0, 5.0, 6.0]}
    )
    store = open_store(tmp_path / "data", create=True)
    store.append(new_run(label="v1"), Evidence.of(samples=samples))
    (found,) = store.quantiles((0.5,), by=("target",)).to_dict("records")
    assert (found["connection"], found["n"], found["failed"]) == ("reused", 2, 1)


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        ([200, 200, 200], [None] * 3, None),
        ([None, None, 503], ["connection refused", "connection refused", None], "connection refused"),
        ([500, 503, 503], ["a", "b", "c"], "HTTP 503"),
        ([500, 503, None], [None] * 3, "HTTP 500"),
        ([None] * 3, [None] * 3, None),
    ],
)
def test_the_usual_fault_is_that_of_most_failed_requests_in_the_words_of_whoever_answered(status, error, said):
    ok = [one == 200 for one in status]
    assert usual_fault(pd.DataFrame({"ok": ok, "status": pd.Series(status, dtype="Int64"), "error": error})) == said
