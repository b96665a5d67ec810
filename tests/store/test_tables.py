"""The tables of a store by their names, and as Arrow: what ``read`` gives, filtered alike."""

import inspect

import pandas as pd
import pytest

from stabkit.errors import UnknownRunError, UsageError
from stabkit.schema import TABLES
from stabkit.store import open_store
from stabkit.store.reading.tables import TableReading
from stabkit.store.store import Store

SHORT = sorted(set(TABLES) - {"runs"})
FILTERS = [
    {},
    {"runs": "v1.5"},
    {"runs": ["v1.4", "latest"]},
    {"since": "2026-11-30T15:45:00Z"},
    {"runs": "latest", "until": "2026-11-30"},
    {"columns": ["run_id"]},
]


@pytest.fixture(scope="module")
def store():
    return open_store("tests/data/demo_history")


@pytest.mark.parametrize("given", FILTERS, ids=str)
@pytest.mark.parametrize("table", SHORT)
def test_each_table_has_a_method_that_reads_it(store, table, given):
    pd.testing.assert_frame_equal(getattr(store, table)(**given), store.read(table, **given))


@pytest.mark.parametrize("table", SHORT)
def test_it_takes_what_read_takes_and_says_so(table):
    method = getattr(Store, table)
    wanted, taken = (list(inspect.signature(one).parameters.values()) for one in (Store.read, method))
    assert [(one.name, one.kind, one.default) for one in taken[1:]] == [
        (one.name, one.kind, one.default) for one in wanted[2:]
    ]
    assert f"``{table}``" in inspect.getdoc(method)


def test_every_table_has_one():
    assert set(SHORT) <= {name for name in vars(TableReading) if not name.startswith("_")}


@pytest.mark.parametrize("given", FILTERS, ids=str)
@pytest.mark.parametrize("table", sorted(TABLES))
def test_arrow_has_the_rows_and_columns_of_read(store, table, given):
    arrow, frame = store.arrow(table, **given), store.read(table, **given)
    assert arrow.column_names == list(frame.columns)
    assert arrow.num_rows == len(frame)
    assert arrow["run_id"].to_pylist() == frame["run_id"].tolist()


def test_times_of_arrow_are_utc_and_columns_come_in_the_order_asked_for(store):
    arrow = store.arrow("samples", "v1.5", ["response_ms", "due_at"])
    assert [str(kind) for kind in arrow.schema.types] == ["double", "timestamp[us, tz=UTC]"]


def test_what_is_not_there_is_named(store):
    with pytest.raises(UsageError, match="no column 'targt'"):
        store.samples("v1.5", ["targt"])
    with pytest.raises(UsageError, match="There is no table 'sample'"):
        store.arrow("sample")
    with pytest.raises(UnknownRunError, match=r"No run 'v9\.9'"):
        store.tests("v9.9")
