import pandas as pd
import pytest

from stabkit.analyze.latency.lateness import crowded, own_lateness

START = pd.Timestamp("2026-01-01", tz="UTC")


def visits(*rows: tuple[float, float | None, float | None], round_number: int = 0) -> pd.DataFrame:
    due, response, late = zip(*rows, strict=True)
    at = START + pd.to_timedelta(list(due), unit="ms")
    columns = {"due_at": at, "response_ms": pd.array(response, dtype="float64"), "late_ms": late}
    return pd.DataFrame({"round": round_number, **columns}).astype({"response_ms": "float64", "late_ms": "float64"})


def test_waiting_behind_a_slow_reply_is_the_targets_fault() -> None:
    own = own_lateness(visits((0, 500.0, 0.0), (100, 410.0, 400.0), (200, 320.0, 311.0), (900, 10.0, 7.0)))
    assert own.tolist() == pytest.approx([0, 0, 1, 7])


def test_what_follows_a_failure_cannot_be_told() -> None:
    own = own_lateness(visits((0, None, None), (100, 60.0, 51.0), (200, 10.0, 2.0)))
    assert own.isna().tolist() == [True, True, False]
    assert own.iloc[2] == 2


def test_rounds_do_not_wait_for_each_other() -> None:
    frame = pd.concat([visits((0, 900.0, 0.0)), visits((100, 10.0, 3.0), round_number=1)], ignore_index=True)
    assert own_lateness(frame).tolist() == [0, 3]


def test_metrics_of_one_session_count_as_one_visit() -> None:
    frame = pd.concat([visits((0, 50.0, 0.0), (100, 40.0, 0.5)), visits((0, 600.0, 0.0), (100, 550.0, 501.0))])
    assert own_lateness(frame.reset_index(drop=True)).tolist() == pytest.approx([0, 0, 0, 1])


def test_without_due_times_nothing_is_known() -> None:
    frame = visits((0, 50.0, 0.0)).assign(due_at=pd.Series([pd.NaT], dtype="datetime64[us, UTC]"))
    assert own_lateness(frame).isna().all()


def test_what_the_prober_noted_itself_is_taken() -> None:
    frame = visits((0, 500.0, 0.0), (100, 410.0, 400.0)).assign(own_late_ms=[0.25, None])
    assert own_lateness(frame).tolist() == pytest.approx([0.25, float("nan")], nan_ok=True)


@pytest.mark.parametrize(("every_ms", "said"), [(10, [("api", 275.0, 20.0)]), (30, [])])
def test_a_target_that_is_asked_more_than_it_answers_is_crowded(every_ms: int, said: list[object]) -> None:
    late = [max(0, 20 - every_ms) * i for i in range(56)]
    frame = visits(*((every_ms * i, 20.0 + late[i], float(late[i])) for i in range(56)))
    frame = frame.assign(target="api", metric="response_time", ok=True, warmup=False, service_ms=20.0, own_late_ms=0.0)
    assert crowded(frame) == said
