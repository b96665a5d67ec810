"""Rows as plain values: what a column holds, null as None, whatever its dtype."""

import pandas as pd
import pytest

from stabkit.analyze.rows import records, unique, values


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Series(["a", None], dtype="str"), ["a", None]),
        (pd.Series([1, None], dtype="Int64"), [1, None]),
        (pd.Series([True, None], dtype="boolean"), [True, None]),
        (pd.Series([0.5, None], dtype="float64"), [0.5, None]),
        (pd.Series([True, False]), [True, False]),
        (pd.Series([], dtype="str"), []),
    ],
)
def test_values_are_plain(column, expected):
    found = values(column)
    assert found == expected
    assert [type(one) for one in found] == [type(one) for one in expected]


def test_equal_words_are_one_object_and_different_ones_stay():
    frame = pd.DataFrame({"status": ["fail", "pass"] * 50, "test": [f"t{n}" for n in range(100)]})
    found = list(records(frame, ["status", "test"]))
    assert [row["test"] for row in found] == [f"t{n}" for n in range(100)]
    assert len({id(row["status"]) for row in found}) == 2
    assert [row["status"] for row in found] == ["fail", "pass"] * 50


def test_rows_of_nothing():
    assert list(records(pd.DataFrame({"a": pd.Series([], dtype="str")}))) == []
    assert unique(pd.Series([], dtype="str"))
    assert not unique(pd.Series(["a", "b", "a"], dtype="str"))
