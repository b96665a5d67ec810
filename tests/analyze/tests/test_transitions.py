from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit.analyze.tests.transitions import TRANSITIONS, suite_summary, test_results, test_transitions
from stabkit.schema import conform, empty


def rows(**statuses: Any) -> pd.DataFrame:
    """One row an attempt: name='pass' or name=['fail', 'pass']; reruns are fresh processes."""
    found = []
    for test_id, given_ in statuses.items():
        attempts = [given_] if isinstance(given_, str) else list(given_)
        for number, status in enumerate(attempts, start=1):
            found.append(row(test_id, status, attempt=number, fresh_process=number > 1))
    return conform("tests", pd.DataFrame(found)) if found else empty("tests")


def row(test_id: str, status: str, **other: Any) -> dict[str, Any]:
    message = "boom" if status in ("fail", "error") else None
    base = {"suite": "unit", "name": test_id, "attempt": 1, "time_s": 0.5, "message": message}
    return {"test_id": test_id, "status": status, **base, **other}


def transition_of(before: pd.DataFrame, after: pd.DataFrame, test_id: str = "t", **options: Any) -> pd.Series:
    frame = test_transitions(before, after, **options)
    return frame.set_index("test_id").loc[test_id]


@pytest.mark.parametrize(
    ("before", "after", "transition"),
    [
        ("pass", "fail", "regressed"),
        ("xfail", "error", "regressed"),
        ("pass", "no_result", "regressed"),
        ("fail", "pass", "fixed"),
        ("error", "xpass", "fixed"),
        ("fail", "error", "still_failing"),
        ("pass", None, "disappeared"),
        ("skip", None, "disappeared"),
        (None, "pass", "added"),
        (None, "fail", "added"),
        (None, "skip", "added"),
        ("skip", "fail", "added"),
        ("pass", "skip", "newly_skipped"),
        ("fail", "skip", "newly_skipped"),
        ("skip", "skip", "still_skipped"),
        ("pass", "xfail", "still_passing"),
        ("pass", ["fail", "pass"], "flaky"),
        ("pass", ["fail", "pass", "fail"], "flaky"),
        (["fail", "pass"], "fail", "flaky"),
        ("fail", ["fail", "pass"], "flaky"),
        (["fail", "pass"], "pass", "still_passing"),
    ],
)
def test_every_transition(before: Any, after: Any, transition: str) -> None:
    sides = [rows(t=side) if side is not None else rows() for side in (before, after)]
    found = test_transitions(sides[0], sides[1])
    assert found["transition"].tolist() == [transition]


def test_the_worst_of_undeclared_repeats_wins_and_is_not_flaky() -> None:
    twice = conform("tests", pd.DataFrame([row("t", "pass"), row("t", "fail", message="second"), row("t", "skip")]))
    result = test_results(twice).iloc[0]
    assert (result["status"], result["attempts"], bool(result["recovered"])) == ("fail", 1, False)
    assert result["message"] == "second"
    assert result["time_s"] == 1.5


def test_a_retry_of_one_shard_does_not_hide_the_failure_of_another() -> None:
    retried = [row("t", "fail"), row("t", "pass", attempt=2)]
    for others, status, transition in (
        ([row("t", "fail")], "fail", "regressed"),
        ([row("t", "pass")], "pass", "flaky"),
        ([row("t", "fail"), row("t", "pass", attempt=2)], "pass", "flaky"),
    ):
        for rows_ in (retried + others, others + retried):
            after = conform("tests", pd.DataFrame(rows_))
            assert test_results(after)["status"].tolist() == [status]
            assert transition_of(rows(t="pass"), after)["transition"] == transition


def test_retries_inside_a_process_are_no_fresh_failures() -> None:
    inside = conform("tests", pd.DataFrame([row("t", "fail", attempt=k) for k in range(1, 7)]))
    assert test_results(inside)["fresh_failures"].tolist() == [1]
    assert not transition_of(rows(t="pass"), inside)["confirmed"]


def test_a_break_rerun_in_fresh_processes_is_confirmed_without_history() -> None:
    others = {f"x{i}": "pass" for i in range(20)}
    found = transition_of(rows(t="pass", **others), rows(t=["fail"] * 5, **others))
    assert found["confirmed"]
    assert found["flake_basis"] == "suite"
    assert pd.isna(found["need_reruns"])


def test_a_break_that_was_not_rerun_says_how_many_reruns_it_needs() -> None:
    found = transition_of(rows(t="pass"), rows(t="fail"))
    assert not found["confirmed"]
    need = int(found["need_reruns"])
    assert transition_of(rows(t="pass"), rows(t=["fail"] * (1 + need)))["confirmed"]
    assert not transition_of(rows(t="pass"), rows(t=["fail"] * need))["confirmed"]


def test_history_decides_how_much_a_failure_means() -> None:
    def history(failures: int, passes: int) -> pd.DataFrame:
        results = ["fail"] * failures + ["pass"] * passes
        runs = [rows(t=status, u="pass").assign(run_id=f"r{i}") for i, status in enumerate(results)]
        return pd.concat(runs, ignore_index=True)

    after = rows(t=["fail"] * 4, u="pass")
    many = {f"x{i}": "pass" for i in range(100)}
    sides = (rows(t="pass", u="pass", **many), pd.concat([after, rows(**many)]))
    clean = transition_of(*sides, history=history(0, 60))
    flaky = transition_of(*sides, history=history(20, 40))
    assert clean["confirmed"]
    assert clean["flake_basis"] == "own history"
    assert not flaky["confirmed"]
    assert flaky["flake_rate"] == pytest.approx(20.5 / 62, abs=1e-3)
    assert int(flaky["need_reruns"]) > 0


@pytest.mark.parametrize("flaky_side", [0, 1])
def test_a_flaky_neighbour_on_either_side_asks_for_more_reruns(flaky_side: int) -> None:
    calm = (rows(t="pass", u="pass"), rows(t="fail", u="pass"))
    flaky = [rows(t=("pass", "fail")[side], u=["fail", "pass"] if side == flaky_side else "pass") for side in (0, 1)]
    assert transition_of(*flaky)["need_reruns"] > transition_of(*calm)["need_reruns"]


def test_one_suite_is_compared_by_itself() -> None:
    both = pd.concat([rows(t="pass"), rows(u="pass").assign(suite="other")])
    assert test_transitions(both, both, suite="other")["test_id"].tolist() == ["u"]


def test_aliases_join_a_renamed_test() -> None:
    frame = test_transitions(rows(old="pass"), rows(new="pass"), aliases={"old": "new"})
    assert frame[["test_id", "transition"]].values.tolist() == [["new", "still_passing"]]


def test_aliases_form_chains_and_hold_on_both_sides() -> None:
    chain = {"a": "b", "b": "c", "x": "y", "y": "x"}
    for before, after in (("a", "c"), ("b", "c"), ("a", "b"), ("a", "a")):
        frame = test_transitions(rows(**{before: "pass"}), rows(**{after: "pass"}), aliases=chain)
        assert frame[["test_id", "transition"]].values.tolist() == [["c", "still_passing"]]
    both = test_transitions(rows(a="pass", c="pass"), rows(c="pass"), aliases=chain).set_index("test_id")
    assert both["transition"].to_dict() == {"a": "disappeared", "c": "still_passing"}


@pytest.mark.parametrize(
    ("gone", "error", "kept"),
    [
        # A class's set-up in Surefire and unittest, mocha's hook, a file jest cannot load, a package go cannot build.
        (["DbTest::x", "DbTest::y"], "DbTest::(?)", ["CartTest::x"]),
        (["ut.B::x"], "(?)::setUpClass (ut.B)", ["ut.A::x"]),
        (["cart::x", "cart::y"], 'cart::"before all" hook for "x"', ["shop::x"]),
        (["gone.test.ts::cart::x"], "gone.test.ts::cart::/b/gone.test.ts", ["a.test.ts::cart::x"]),
        (["shop/cart::TestX"], "shop/cart::shop/cart", ["shop/list::TestX"]),
        (["tests.pyx.test_a::t"], "(?)::tests.pyx.test_a", ["tests.pyx.test_ab::t"]),
    ],
)
def test_every_kind_of_error_owns_up_to_what_it_hides(gone: list[str], error: str, kept: list[str]) -> None:
    before = conform("tests", pd.DataFrame([row(name, "pass") for name in [*gone, *kept]]))
    name = error.partition("::")[2]
    after = conform("tests", pd.DataFrame([row(error, "error", name=name), *(row(name, "pass") for name in kept)]))
    frame = test_transitions(before, after).set_index("test_id")
    assert frame.loc[gone, "hidden_by"].tolist() == [error] * len(gone)
    assert frame.loc[kept, "hidden_by"].isna().all()


def test_an_error_beside_tests_that_still_run_hides_none_of_them() -> None:
    before = rows(**{"a::x": "pass", "a::y": "pass"})
    frame = test_transitions(before, rows(**{"a::x": "pass", "a::new": "error"}))
    assert frame["hidden_by"].isna().all()


def test_a_collection_error_owns_up_to_the_tests_it_hides() -> None:
    names = [f"tests/test_a.py::C::t{i}" for i in range(16)]
    before = conform("tests", pd.DataFrame([row(name, "pass") for name in [*names, "tests/test_ab.py::other"]]))
    after = conform("tests", pd.DataFrame([row("tests.test_a", "error"), row("tests/test_ab.py::other", "pass")]))
    frame = test_transitions(before, after)
    assert (frame["hidden_by"] == "tests.test_a").sum() == 16
    assert frame.set_index("test_id").loc["tests/test_ab.py::other", "transition"] == "still_passing"


def test_a_deleted_file_explains_what_disappeared() -> None:
    before = conform("tests", pd.DataFrame([row("tests/test_a.py::t", "pass"), row("tests/test_b.py::t", "pass")]))
    frame = test_transitions(before, rows(), deleted_files=["tests/test_a.py"]).set_index("test_id")
    assert frame["explained_by"].tolist() == ["tests/test_a.py", None] or pd.isna(frame["explained_by"].iloc[1])
    assert frame.loc["tests/test_a.py::t", "explained_by"] == "tests/test_a.py"


def test_equal_totals_are_not_no_change() -> None:
    before = rows(**{f"a{i}": "pass" for i in range(5)}, **{f"b{i}": "fail" for i in range(5)})
    after = rows(**{f"a{i}": "fail" for i in range(5)}, **{f"b{i}": "pass" for i in range(5)})
    summary = suite_summary(test_transitions(before, after)).iloc[0]
    assert (summary["baseline_pass"], summary["candidate_pass"]) == ("5/10", "5/10")
    assert (summary["regressed"], summary["fixed"], summary["mcnemar_p"]) == (5, 5, 1.0)


def test_mcnemar_is_exact() -> None:
    before, after = rows(**{f"a{i}": "pass" for i in range(6)}), rows(**{f"a{i}": "fail" for i in range(6)})
    assert suite_summary(test_transitions(before, after))["mcnemar_p"].iloc[0] == pytest.approx(2 / 2**6)


def test_no_tests_at_all_give_no_rows() -> None:
    assert test_transitions(empty("tests"), empty("tests")).empty
    assert suite_summary(test_transitions(empty("tests"), empty("tests"))).empty


HOSTILE = ["=1+1", "<script>alert(1)</script>", "a\nb", "'; drop table tests; --", "ü" * 300, "nan", "None", ""]
STATUSES = st.sampled_from(["pass", "fail", "error", "skip", "xfail", "xpass", "no_result"])
TESTS = st.lists(
    st.builds(
        lambda test_id, status, attempt, fresh: row(test_id, status, attempt=attempt, fresh_process=fresh),
        st.sampled_from([*HOSTILE, "a", "b"]),
        STATUSES,
        st.integers(1, 4),
        st.sampled_from([True, False, None]),
    ),
    max_size=12,
).map(lambda found: conform("tests", pd.DataFrame(found)) if found else empty("tests"))


@given(TESTS, TESTS, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_order_is_irrelevant_every_id_appears_once_and_sides_mirror(
    before: pd.DataFrame, after: pd.DataFrame, random: Any
) -> None:
    frame = test_transitions(before, after)
    # An id stands once for each of its results; the first bears it plainly.
    assert frame["test_id"].is_unique
    assert {name.partition(" #")[0] for name in frame["test_id"]} == {*before["test_id"], *after["test_id"]}
    assert set(frame["transition"]) <= set(TRANSITIONS)
    shuffled = [side.sample(frac=1, random_state=random.randint(0, 999)) for side in (before, after)]
    pd.testing.assert_frame_equal(frame, test_transitions(shuffled[0], shuffled[1]))
    swapped = test_transitions(after, before).set_index("test_id")["transition"]
    worse = frame.loc[frame["transition"] == "regressed", "test_id"]
    assert not (swapped.loc[worse] == "regressed").any()
