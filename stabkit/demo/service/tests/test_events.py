import pytest

from chat_service.events import EVENT_TYPES

FIELDS = {"type", "event_id", "user_id", "thread_id", "run_id", "timestamp", "data"}


@pytest.mark.parametrize("number", range(5))
def test_event_has_its_seven_fields(ask, number):
    assert set(ask("hello")[number]) >= FIELDS - {"run_id"}


def test_events_come_in_order(ask):
    assert tuple(event["type"] for event in ask("hello")) == EVENT_TYPES


def test_event_ids_differ(ask):
    ids = [event["event_id"] for event in ask("hello")]
    assert len(set(ids)) == len(ids)


def test_events_share_their_run(ask):
    runs = {event.get("run_id") for event in ask("hello")}
    assert len(runs - {None}) == 1


def test_time_does_not_go_back(ask):
    times = [event["timestamp"] for event in ask("hello")]
    assert times == sorted(times)


def test_last_event_holds_the_answer(ask):
    assert ask("one two three")[-1]["data"]["answer"].endswith("(3 words)")
