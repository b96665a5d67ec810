"""Order, gaps, totals and keys, by arrival."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit.config import SequenceRule
from stabkit.paths import MISSING, find_field
from stabkit.probe.websocket.sequences import Event, evaluate_sequence


def events(text: str, *, step_ms: float = 100) -> list[Event]:
    """Make events of words such as ``a`` or ``a:key``, each ``step_ms`` after the one before."""
    made = []
    for index, word in enumerate(text.split()):
        kind, _, key = word.partition(":")
        payload = {"type": kind, "order": {"id": key}} if key else {"type": kind}
        made.append(Event(index, step_ms * (index + 1), payload))
    return made


def judge(text: str, *, ended_ms: float = 10_000, deadline: bool = True, step_ms: float = 100, **rule: object):
    return evaluate_sequence(
        SequenceRule(**{"steps": ("a", "b", "c"), **rule}),
        events(text, step_ms=step_ms),
        type_field="type",
        ended_ms=ended_ms,
        deadline=deadline,
    )


def fault(text: str, **rule: object) -> str | None:
    result = judge(text, **rule)
    assert len(result.keys) == 1
    assert result.keys[0].undecided is None
    return result.keys[0].fault


@pytest.mark.parametrize(
    ("mode", "text", "words"),
    [
        ("strict", "a b c", None),
        ("strict", "a x b c", "expected 'b', got 'x' (event 1)"),
        ("strict", "a b c c", "'c' (event 3) follows the last step"),
        ("strict", "b a c", "expected 'a', got 'b' (event 0)"),
        ("strict", "a b", "step 'c' was expected, not seen in 10 s"),
        ("subsequence", "x a x b b c x", None),
        ("subsequence", "a c", "step 'b' is missing before 'c' (event 1), not seen"),
        ("subsequence", "a b", "step 'c' was expected, not seen in 10 s"),
        ("subsequence", "b c", "step 'a' is missing before 'b' (event 0), not seen"),
        ("subsequence", "c a b", "step 'c' came at event 0, before 'b'; not seen after it in 10 s"),
        ("any_order", "c x a b", None),
        ("any_order", "c a", "step 'b' was expected, not seen in 10 s"),
    ],
)
def test_modes(mode: str, text: str, words: str | None) -> None:
    assert fault(text, mode=mode) == words


def test_repeated_steps_need_repeated_events() -> None:
    assert fault("a b a", steps=("a", "b", "a"), mode="any_order") is None
    assert fault("a b", steps=("a", "b", "a"), mode="any_order") == "step 'a' was expected, not seen in 10 s"
    assert fault("a b", steps=("a", "b", "a")) == "step 'a' came at event 0, before 'b'; not seen after it in 10 s"


def test_gap_and_total() -> None:
    assert fault("a x b c", gap_ms=200, total_ms=300) is None
    assert fault("a x b c", gap_ms=199) == "'a' to 'b' (event 2) took 200 ms, allowed 199 ms"
    assert fault("a x b c", total_ms=299) == "took 300 ms in total, allowed 299 ms"
    # A limit broken on the way is a fault even though the rest never came.
    assert "took 200 ms, allowed 150 ms" in str(fault("a x b", gap_ms=150))


def test_each_key_by_itself() -> None:
    result = judge("a:1 a:2 b:2 b:1 c:1 a:3 c:2 c", key="order.id", at_least=3)
    assert result.fault is None
    assert {key.key: key.fault for key in result.keys} == {
        "1": None,
        "2": None,
        "3": "step 'b' was expected, not seen in 10 s",
    }


def test_null_and_absent_keys_make_no_sequence() -> None:
    found = evaluate_sequence(
        SequenceRule(steps=("a",), key="id"),
        [Event(0, 1, {"type": "a", "id": None}), Event(1, 2, {"type": "a"}), Event(2, 3, {"type": "a", "id": [1]})],
        type_field="type",
        ended_ms=1000,
        deadline=True,
    )
    assert found.keys == ()
    assert "at least 1 key in id, seen 0 in 1 s" in str(found.fault)


def test_numbers_and_texts_are_different_keys() -> None:
    found = evaluate_sequence(
        SequenceRule(steps=("a",), key="id", at_least=2),
        [Event(0, 1, {"type": "a", "id": 1}), Event(1, 2, {"type": "a", "id": 0})],
        type_field="type",
        ended_ms=1000,
        deadline=True,
    )
    assert [key.key for key in found.keys] == ["1", "0"]
    assert found.fault is None


def test_too_few_keys() -> None:
    assert judge("").fault == "expected at least 1 sequence, seen 0 in 10 s; the first step would be 'a'"
    result = judge("a:1 b:1 c:1", key="order.id", at_least=2)
    assert "expected at least 2 key in order.id, seen 1 in 10 s" in str(result.fault)


def test_events_of_no_step_are_no_sequence() -> None:
    assert judge("x:1 y:1", key="order.id").keys == ()


def test_too_late_to_finish_is_undecided() -> None:
    late = judge("x x a b", ended_ms=500, total_ms=1000)
    assert late.keys[0].fault is None
    assert "began 0.2 s before listening ended, and may take 1 s" in str(late.keys[0].undecided)
    # Without a stated limit, or with time enough, or when the server itself ended the session, absence is a fault.
    assert "not seen" in str(fault("x x a b", ended_ms=500))
    assert "not seen" in str(fault("x x a b", ended_ms=5000, total_ms=1000))
    assert "not seen" in str(fault("x x a b", ended_ms=500, total_ms=1000, deadline=False))
    # More time could not mend a wrong order.
    assert "got 'x'" in str(fault("a x b", ended_ms=301, total_ms=1000, mode="strict"))


@pytest.mark.parametrize(
    ("payload", "path", "found"),
    [
        ({"a": None}, "a", None),
        ({"a": 0}, "a", 0),
        ({}, "a", MISSING),
        ({"a": {"b": 1}}, "a.b", 1),
        ({"a.b": 1}, "a.b", 1),
        ({"a": {"b.c": 1}}, "a.b.c", 1),
        ({"a": [{"b": 1}]}, "a.0.b", 1),
        ({"a": [1]}, "a.1", MISSING),
        ({"a": [1]}, "a.-1", MISSING),
        ({"a": [1]}, "a.²", MISSING),
        ({"a": "text"}, "a.0", MISSING),
        (None, "a", MISSING),
        ([1], "0", 1),
    ],
)
def test_find_field(payload: object, path: str, found: object) -> None:
    assert find_field(payload, path) is found or find_field(payload, path) == found


WORDS = st.lists(st.sampled_from(["a", "b", "c", "x"]), max_size=8).map(" ".join)


@settings(deadline=None)
@given(WORDS)
def test_strict_implies_subsequence_implies_any_order(text: str) -> None:
    kept = []
    for mode in ("strict", "subsequence", "any_order"):
        result = judge(text, mode=mode)
        kept.append(result.fault is None and all(key.fault is None for key in result.keys))
    assert kept == sorted(kept)


@settings(deadline=None)
@given(WORDS, st.floats(1, 1000))
def test_a_limit_only_takes_away(text: str, limit: float) -> None:
    if any(key.fault for key in judge(text).keys):
        assert not any(
            key.fault is None and key.undecided is None for key in judge(text, gap_ms=limit, total_ms=limit).keys
        )


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.integers(),
        lambda s: st.lists(s, max_size=2) | st.dictionaries(st.sampled_from(["", "0", "a", "a.b"]), s, max_size=2),
        max_leaves=6,
    ),
    st.text(alphabet="a.b01²-", max_size=6),
)
def test_find_field_takes_anything(payload: object, path: str) -> None:
    find_field(payload, path)
