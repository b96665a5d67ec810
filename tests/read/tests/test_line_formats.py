"""go test -json, libtest, dart and TAP: a line an event, broken off anywhere, mixed with anything."""

import json
from pathlib import Path
from typing import Any

import pytest

from stabkit.read.readers import read_file
from stabkit.schema import Evidence


def read(folder: Path, content: str | bytes) -> Evidence:
    path = folder / "report.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_file(path)


def events(*entries: dict[str, Any]) -> str:
    return "".join(f"{json.dumps(entry)}\n" for entry in entries)


def source(found: Evidence) -> dict[str, Any]:
    return found["sources"].to_dict("records")[0]


def rows(found: Evidence) -> list[tuple[str, str]]:
    return list(zip(found["tests"]["test_id"], found["tests"]["status"], strict=True))


def go(action: str, test: str | None = None, **more: Any) -> dict[str, Any]:
    return {"Action": action, "Package": "shop/cart"} | ({"Test": test} if test else {}) | more


def test_go_tests_parents_and_output(tmp_path):
    found = read(
        tmp_path,
        "# shop/cart\nsome build output\n"
        + events(
            go("start"),
            *[
                go("run", "TestAdd"),
                go("run", "TestAdd/one"),
                go("output", "TestAdd/one", Output="    x_test.go:3: no\n"),
            ],
            *[go("fail", "TestAdd/one", Elapsed=0.01), go("fail", "TestAdd", Elapsed=0.02)],
            *[go("run", "TestSkip"), go("skip", "TestSkip", Elapsed=0)],
            go("fail", Elapsed=0.1),
        ),
    )
    assert source(found)["status"] == "ok"
    assert rows(found) == [
        ("shop/cart::TestAdd/one", "fail"),
        ("shop/cart::TestAdd", "fail"),
        ("shop/cart::TestSkip", "skip"),
    ]
    assert found["tests"]["message"].iloc[0] == "x_test.go:3: no"
    assert "2 lines are no events" in source(found)["message"]


def test_go_package_that_does_not_build_is_an_error(tmp_path):
    build = {"ImportPath": "shop/cart", "Action": "build-output", "Output": "cart.go:3: undefined: x\n"}
    found = read(tmp_path, events(build, go("start"), go("fail", Elapsed=0, FailedBuild="shop/cart")))
    assert rows(found) == [("shop/cart::shop/cart", "error")]
    assert found["tests"]["message"].iloc[0] == "cart.go:3: undefined: x"


def test_go_build_that_no_package_owns_up_to_is_an_error(tmp_path):
    build = {"ImportPath": "shop/db", "Action": "build-fail"}
    found = read(tmp_path, events(build, go("run", "T"), go("pass", "T"), go("pass")))
    assert rows(found) == [("shop/cart::T", "pass"), ("shop/db::shop/db", "error")]


def test_go_benchmark_passes_with_its_package_without_an_event(tmp_path):
    begun = [go("run", "BenchmarkAdd"), go("output", "BenchmarkAdd", Output="BenchmarkAdd-4  100  12 ns/op\n")]
    assert rows(read(tmp_path, events(*begun, go("pass"))))[0][1] == "pass"
    assert rows(read(tmp_path, events(*begun, go("fail"))))[0][1] == "no_result"
    assert rows(read(tmp_path, events(*begun)))[0][1] == "no_result"


def test_go_tests_that_never_ended_have_no_result(tmp_path):
    begun = [go("start"), go("run", "TestHang"), go("output", "TestHang", Output="panic: test timed out\n")]
    ended = read(tmp_path, events(*begun, go("fail", Elapsed=600)))
    assert (rows(ended), source(ended)["status"]) == ([("shop/cart::TestHang", "no_result")], "ok")
    cut = read(tmp_path, events(*begun))
    assert (rows(cut), source(cut)["status"]) == ([("shop/cart::TestHang", "no_result")], "partial")


def test_go_cached_results_are_not_fresh(tmp_path):
    cached = go("output", Output="ok  \tshop/cart\t(cached)\n")
    found = read(tmp_path, events(go("run", "T"), go("pass", "T", Elapsed=0.1), cached, go("pass", Elapsed=0)))
    assert "cached" in source(found)["message"]


def test_go_output_of_a_windows_shell_is_read(tmp_path):
    text = events(go("run", "T"), go("pass", "T", Elapsed=0.1), go("pass", Elapsed=0))
    assert rows(read(tmp_path, text.encode("utf-16"))) == [("shop/cart::T", "pass")]


def rust(name: str, event: str, **more: Any) -> dict[str, Any]:
    return {"type": "test", "name": name, "event": event, **more}


def test_libtest_events_and_nextest_retries(tmp_path):
    begin = {"type": "suite", "event": "started", "test_count": 4}
    found = read(
        tmp_path,
        events(
            begin,
            *[rust("shop::cart$tests::adds", "started"), rust("shop::cart$tests::adds", "failed", stdout="no")],
            *[rust("shop::cart$tests::adds#2", "started"), rust("shop::cart$tests::adds#2", "ok", exec_time=0.5)],
            *[rust("a", "started"), rust("a", "ignored"), rust("b", "started"), rust("b", "timeout")],
            rust("c", "started"),
            {"type": "suite", "event": "failed"},
        ),
    )
    assert rows(found) == [
        *[("shop::cart::tests::adds", "fail"), ("shop::cart::tests::adds", "pass")],
        *[("(?)::a", "skip"), ("(?)::b", "error"), ("(?)::c", "no_result")],
    ]
    assert list(found["tests"]["attempt"]) == [1, 2, 1, 1, 1]
    unfinished = read(tmp_path, events(begin, rust("a", "started"), rust("a", "ok")))
    assert source(unfinished)["status"] == "partial"


def test_a_name_that_two_binaries_share_is_two_tests(tmp_path):
    begin, end = {"type": "suite", "event": "started", "test_count": 1}, {"type": "suite", "event": "ok"}
    one = [begin, rust("tests::adds", "started"), rust("tests::adds", "failed"), end]
    two = [begin, rust("tests::adds", "started"), rust("tests::adds", "ok"), end]
    hung = [begin, rust("tests::adds", "started"), end]
    found = read(tmp_path, events(*one, *two, *hung))
    assert rows(found) == [("tests::adds", "fail"), ("tests::adds", "pass"), ("tests::adds", "no_result")]
    assert set(found["tests"]["attempt"]) == {1}


def test_a_slow_test_that_ends_well_passes(tmp_path):
    begin, end = {"type": "suite", "event": "started", "test_count": 1}, {"type": "suite", "event": "ok"}
    slow = [rust("a", "started"), rust("a", "timeout"), rust("a", "ok")]
    assert rows(read(tmp_path, events(begin, *slow, end))) == [("(?)::a", "pass")]


def dart(*entries: dict[str, Any], done: bool | None = True) -> str:
    start = {"protocolVersion": "0.1.1", "runnerVersion": "1.25", "pid": 1, "type": "start", "time": 0}
    suite = {"suite": {"id": 0, "path": "test/cart_test.dart"}, "type": "suite", "time": 1}
    end = [{"success": done, "type": "done", "time": 99}] if done is not None else []
    return events(start, suite, *entries, *end)


def begun(number: int, name: str, time: int = 10) -> dict[str, Any]:
    return {"test": {"id": number, "name": name, "suiteID": 0}, "type": "testStart", "time": time}


def ended(number: int, result: str = "success", time: int = 260, **more: Any) -> dict[str, Any]:
    return {
        "testID": number,
        "result": result,
        "hidden": False,
        "skipped": False,
        "type": "testDone",
        "time": time,
    } | more


def test_dart_hidden_successes_late_errors_and_clock(tmp_path):
    late = {"testID": 2, "error": "late", "stackTrace": "", "isFailure": False, "type": "error", "time": 300}
    found = read(
        tmp_path,
        dart(
            *[begun(1, "loading"), ended(1, hidden=True), begun(2, "adds"), ended(2), late],
            *[begun(3, "waits"), ended(3, skipped=True), begun(4, "hangs")],
            done=False,
        ),
    )
    assert rows(found) == [
        ("test/cart_test.dart::adds", "error"),
        ("test/cart_test.dart::waits", "skip"),
        ("test/cart_test.dart::hangs", "no_result"),
    ]
    assert found["tests"]["time_s"].iloc[0] == 0.25
    assert source(found)["status"] == "ok"


@pytest.mark.parametrize("done", [None, False])
def test_dart_runs_that_did_not_end_well_are_partial(tmp_path, done):
    assert source(read(tmp_path, dart(begun(1, "a"), ended(1), done=done)))["status"] == "partial"


def test_dart_runs_in_one_file_each_count(tmp_path):
    first, second = dart(begun(1, "a"), ended(1, "failure"), done=False), dart(begun(1, "a"), ended(1))
    found = read(tmp_path, first + second)
    assert rows(found) == [("test/cart_test.dart::a", "fail"), ("test/cart_test.dart::a", "pass")]
    assert source(read(tmp_path, dart(begun(1, "a"), ended(1), done=None) + second))["status"] == "partial"
    assert source(read(tmp_path, dart(done=False) + second))["status"] == "partial"


def test_lines_that_are_lost_or_not_understood_never_pass(tmp_path):
    begin, end = {"type": "suite", "event": "started", "test_count": 2}, {"type": "suite", "event": "ok"}
    content = events(begin, rust("a", "ok"), rust("b", "crashed"), end) + '{"type": "test", "na\n'
    found = read(tmp_path, content)
    assert rows(found) == [("(?)::a", "pass"), ("(?)::b", "no_result")]
    assert "1 line is no JSON" in source(found)["message"]
    found = read(tmp_path, dart(ended(7, "failure"), done=False) + '{"testID": 8, "resu\n')
    assert rows(found) == [("(?)::(?)", "fail")]
    assert "1 line is no JSON" in source(found)["message"]


def test_tap_directives_descriptions_and_yaml(tmp_path):
    found = read(
        tmp_path,
        """TAP version 14
1..6
ok 1 - adds \\# one
not ok 2 - fails
  ---
  duration_ms: 250
  message: "expected 1"
  ...
not ok 3 - known # TODO later
ok 4 - better # todo already
ok 5 - waits # SKIP no network
ok
""",
    )
    assert source(found)["status"] == "ok"
    assert rows(found) == [
        *[("(?)::adds # one", "pass"), ("(?)::fails", "fail"), ("(?)::known", "xfail"), ("(?)::better", "xpass")],
        *[("(?)::waits", "skip"), ("(?)::test 6", "pass")],
    ]
    assert found["tests"]["time_s"].iloc[1] == 0.25
    assert "expected 1" in found["tests"]["message"].iloc[1]
    assert found["tests"]["message"].iloc[4] == "no network"


def test_tap_leaves_of_subtests_are_cases(tmp_path):
    found = read(
        tmp_path,
        """1..2
# Subtest: cart
    ok 1 - adds
    # Subtest: deep
        not ok 1 - breaks
        1..1
    not ok 2 - deep
    1..2
not ok 1 - cart
# Subtest: teardown
    ok 1 - fine
    1..1
not ok 2 - teardown
""",
    )
    assert source(found)["status"] == "ok"
    assert rows(found) == [
        ("cart::adds", "pass"),
        ("cart > deep::breaks", "fail"),
        ("teardown::fine", "pass"),
        ("(?)::teardown", "error"),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1..3\nok 1\nok 2\n", "the plan says 3, 2 came"),
        ("1..2\nok 1\nBail out! no database\n", "bailed out: no database"),
        ("TAP version 13\nok 1\n", "a plan is missing"),
        ("1..1\n    ok 1 - inner\n    1..1\n", "the point above them did not"),
        ("1..1\n    ok 1 - inner\n    1..4\nok 1\n", "of a subtest the plan says 4, 1 came"),
        ("1..3\nok 1\nok 2\nok 2\n", "point 2 came twice"),
        ("1..2\nok 1\nok 7\n", "point 7 is beyond the plan"),
    ],
)
def test_tap_that_ends_early_is_partial(tmp_path, text, why):
    found = read(tmp_path, text)
    assert source(found)["status"] == "partial"
    assert why in source(found)["message"]


def test_tap_that_failed_is_not_skipped_and_an_empty_subtest_is_its_point(tmp_path):
    found = read(tmp_path, "1..2\nnot ok 1 - go on # skip to the end\n    1..0 # SKIP none\nok 2 # skip none\n")
    assert source(found)["status"] == "ok"
    assert rows(found) == [("(?)::go on", "fail"), ("(?)::test 2", "skip")]


def test_tap_block_without_an_end_hides_no_point_and_its_text_is_none(tmp_path):
    found = read(tmp_path, "1..2\nok 1 - a\n  ---\n  said: |\n    not ok 7\n    ...\n    ok 8\nnot ok 2 - b\n")
    assert source(found)["status"] == "ok"
    assert rows(found) == [("(?)::a", "pass"), ("(?)::b", "fail")]


def test_tap_that_was_skipped_in_another_form_of_the_word_did_not_pass(tmp_path):
    assert rows(read(tmp_path, "1..1\nok 1 - a # Skipped: no network\n")) == [("(?)::a", "skip")]


def test_tap_that_skips_everything_says_so(tmp_path):
    assert "everything was skipped: no network" in source(read(tmp_path, "1..0 # no network\n"))["message"]


@pytest.mark.parametrize("line", [events(go("run", "T")), "1..1\nok 1\n", dart(begun(1, "a"))])
def test_conflict_markers_are_never_believed(tmp_path, line):
    content = f"{line}<<<<<<< ours\n{line}=======\n{line}>>>>>>> theirs\n"
    found = read(tmp_path, content)
    assert source(found)["status"] == "error"
    assert "unresolved merge conflict" in source(found)["message"]
