import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit.errors import SchemaError
from stabkit.schema import TABLES, Evidence, conform, empty


def sample(**changes):
    row = {"target": "api", "metric": "response_time", "round": 0, "sequence": 0, "ok": True, "response_ms": 1.5}
    return pd.DataFrame([{**row, **changes}])


@pytest.mark.parametrize("name", TABLES)
def test_empty_table_conforms_to_itself(name):
    frame = empty(name)
    pd.testing.assert_frame_equal(conform(name, frame), frame, check_index_type=False)
    assert tuple(frame.columns) == TABLES[name].names


def test_missing_optional_columns_become_null_not_zero():
    frame = conform("samples", sample())
    assert frame["tls_ms"].isna().all()
    assert frame["warmup"].isna().all()
    assert str(frame["due_at"].dtype) == "datetime64[us, UTC]"


def test_times_of_any_zone_become_utc():
    frame = conform("samples", sample(due_at="2025-09-14T14:24:00+02:00"))
    assert frame["due_at"][0] == pd.Timestamp("2025-09-14 12:24", tz="UTC")


def test_unknown_column_names_the_nearest():
    with pytest.raises(SchemaError, match="Did you mean 'response_ms'"):
        conform("samples", sample(respons_ms=1))


def test_missing_required_column_is_named():
    with pytest.raises(SchemaError, match="outcome"):
        conform("checks", pd.DataFrame({"target": ["a"], "check": ["b"]}))


def test_all_failing_rows_are_carried():
    frame = pd.DataFrame({"target": ["a", None, "c"], "check": ["x"] * 3, "outcome": ["pass", "fail", "maybe"]})
    with pytest.raises(SchemaError) as caught:
        conform("checks", frame)
    assert caught.value.rows[["column", "row"]].to_dict("records") == [
        {"column": "target", "row": 1},
        {"column": "outcome", "row": 2},
    ]


def test_negative_time_is_refused():
    with pytest.raises(SchemaError, match="at least 0"):
        conform("samples", sample(response_ms=-1.0))


@pytest.mark.parametrize(("column", "value"), [("response_ms", "fast"), ("round", 1.5), ("due_at", "soon")])
def test_value_of_the_wrong_kind_names_its_column(column, value):
    with pytest.raises(SchemaError, match=column):
        conform("samples", sample(**{column: value}))


def test_argument_is_not_changed():
    frame = sample()
    before = frame.copy()
    conform("samples", frame)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(("column", "value"), [("response_ms", 9.5), ("round", 7), ("ok", False), ("target", "web")])
def test_result_shares_nothing_with_the_argument(column, value):
    frame = conform("samples", sample())
    before = frame.copy()
    result = conform("samples", frame)
    result.loc[0, column] = value
    assert result.loc[0, column] == value
    pd.testing.assert_frame_equal(frame, before)


@settings(deadline=None)
@given(st.text())
def test_any_text_can_be_stored_as_utf8(text):
    frame = conform("checks", pd.DataFrame({"target": [text], "check": ["x"], "outcome": ["pass"]}))
    frame["target"][0].encode("utf-8")


def test_lone_surrogate_is_replaced():
    hostile = pd.DataFrame({"target": ["a\ud800"], "check": ["x"], "outcome": ["pass"]}, dtype=object)
    frame = conform("checks", hostile)
    assert frame["target"][0] == "a?"


def test_evidence_leaves_out_tables_without_rows():
    evidence = Evidence.of(checks=empty("checks"), samples=sample())
    assert list(evidence) == ["samples"]
    assert len(evidence["checks"]) == 0


def test_merge_keeps_order_and_both_sides():
    one, two = Evidence.of(samples=sample(sequence=0)), Evidence.of(samples=sample(sequence=1))
    assert one.merge(two)["samples"]["sequence"].tolist() == [0, 1]
    assert Evidence().merge(one)["samples"]["sequence"].tolist() == [0]


@pytest.mark.parametrize(("status", "failed"), [("ok", False), ("repaired", False), ("partial", True), ("error", True)])
def test_failed_sources_fail_the_evidence(status, failed):
    sources = pd.DataFrame({"kind": ["tests"], "path": ["a.xml"], "status": [status]})
    assert Evidence.of(sources=sources).failed is failed


def test_times_with_and_without_fractions_stand_side_by_side():
    texts = ["2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00.000001+00:00", None]
    runs = pd.DataFrame({"run_id": ["a", "b", "c"], "started_at": "2026-01-01", "finished_at": texts, "complete": True})
    found = conform("runs", runs)["finished_at"]
    assert found.isna().tolist() == [False, False, True]
    assert (found[1] - found[0]) == pd.Timedelta(microseconds=1)


def test_a_part_of_a_table_keeps_its_contract() -> None:
    frame = pd.DataFrame({"outcome": ["pass"], "check": ["status"]})
    assert list(conform("checks", frame, ["outcome", "check"]).columns) == ["check", "outcome"]
    with pytest.raises(SchemaError, match="maybe"):
        conform("checks", pd.DataFrame({"outcome": ["maybe"]}), ["outcome"])
    with pytest.raises(SchemaError, match="Unknown column"):
        conform("checks", frame, ["outcome"])


def test_a_value_that_breaks_the_contract_is_shown_as_it_was_given() -> None:
    row = {"target": "api", "check": "id", "outcome": "fail"}
    with pytest.raises(SchemaError) as caught:
        Evidence.of(checks=pd.DataFrame([{**row, "failed": -5}]))
    assert caught.value.what == (
        "1 value breaks the table's contract; it is -5 in column 'failed', expected at least 0."
    )
    with pytest.raises(SchemaError, match="2 values break the table's contract; the first is -5 in"):
        Evidence.of(checks=pd.DataFrame([{**row, "failed": -5}, {**row, "failed": -6}]))
