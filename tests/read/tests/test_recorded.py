"""Reports as the tools wrote them, read and compared with what the tool itself printed.

One small suite was written for each tool, with a test for each way to end: pass, fail, skip, expected failure, retry,
a hook or a fixture that fails, a file that does not load. Only paths and host names were replaced afterwards.
"""

import random
from pathlib import Path

import pytest

from stabkit.analyze.tests.final_attempts import deciding_attempts
from stabkit.read.readers import read_file
from stabkit.read.summary import source_summary

RECORDED = Path(__file__).parent / "recorded"
# File, status, then passed, failed, errors, skipped, flaky; beside it what the tool printed, where that differs why.
COUNTS = [
    # 8 failed, 7 passed, 1 skipped, 2 xfailed, 1 xpassed, 4 errors: a test that passes and fails in its teardown is one
    # case here, and a failing subtest shares the case of its test
    ("pytest.xml", "ok", (6, 7, 4, 3, 0)),
    # 7 failed, 11 passed, 4 errors, 26 rerun: 20 of the reruns stand as passing cases
    ("pytest-rerunfailures.xml", "ok", (27, 9, 4, 3, 1)),
    ("pytest-rerunfailures.json", "ok", (7, 4, 5, 3, 1)),
    ("pytest-rerunfailures.ctrf.json", "ok", (7, 8, 0, 3, 1)),
    # 3 failed, 10 passed, 1 skipped, 1 xfailed, 1 xpassed, 3 errors, 20 rerun
    ("pytest-rerunfailures-teardown.xml", "ok", (24, 3, 3, 2, 1)),
    # Tests run: 8, Failures: 2, Errors: 2, Skipped: 1, Flakes: 1, over both classes; the set-up of one fails
    ("surefire-CartTest.xml", "ok", (3, 2, 1, 1, 1)),
    ("surefire-DbTest.xml", "ok", (0, 0, 1, 0, 0)),
    # failures=2, errors=1, skipped=1, expected failures=1, unexpected successes=1
    ("unittest.xml", "ok", (1, 2, 1, 2, 0)),
    ("unittest-setupclass.xml", "ok", (0, 0, 1, 0, 0)),
    ("unittest-import-error.xml", "ok", (0, 0, 1, 0, 0)),
    # 3 passed, 1 failed, 1 error (undefined), 1 skipped
    ("behave.xml", "ok", (3, 1, 1, 1, 0)),
    # 3 tests, 1 passed, 1 failed, 1 skipped
    ("robot.xml", "ok", (1, 1, 0, 1, 0)),
    # 3 failed, 1 skipped, 1 todo, 8 passed, 13 total; two files that did not load
    ("jest.json", "ok", (8, 3, 2, 2, 1)),
    # the reporter writes what is to do as passing, and the failed hook as a case
    ("jest-junit.xml", "ok", (9, 4, 0, 1, 0)),
    # 1 failed, 3 passed, 1 expected fail, 3 skipped, 1 todo; one file did not load
    ("vitest.json", "ok", (4, 1, 1, 4, 0)),
    ("vitest.xml", "ok", (4, 3, 0, 4, 0)),
    # 3 passing, 2 pending, 4 failing
    ("mocha.json", "ok", (3, 1, 3, 2, 1)),
    ("mocha.tap", "ok", (3, 4, 0, 2, 0)),
    ("mocha-xunit.xml", "ok", (3, 4, 0, 2, 0)),
    # tests 13, pass 6, fail 2, cancelled 2, skipped 1, todo 2: one of the passing is the parent of a subtest
    ("node.tap", "ok", (6, 4, 0, 2, 0)),
    ("node.xml", "ok", (5, 4, 0, 3, 0)),
    # 10 examples, 5 failures, 3 pending, 1 error occurred outside of examples
    ("rspec.json", "partial", (2, 5, 1, 3, 0)),
    ("rspec-load-error.json", "partial", (0, 0, 1, 0, 0)),
    # 4 tests, 1 failure, 1 skipped
    ("bats.tap", "ok", (2, 1, 0, 1, 0)),
    ("bats.xml", "ok", (2, 1, 0, 1, 0)),
    # Tests: 9 Failed: 3, TODO passed: 4; the leaves of a subtest of three count here
    ("perl.tap", "ok", (4, 3, 0, 4, 0)),
    # 2 failed tests, 1 disabled, 2 skipped
    ("gtest.xml", "ok", (3, 2, 0, 3, 0)),
    # 3 failed, 2 failed as expected: the third, which should have failed and did not, stands as a plain pass
    ("catch2.xml", "ok", (3, 1, 1, 2, 0)),
    # 43 % passed, 4 failed of 7: the executable that is missing did not run
    ("ctest.xml", "ok", (2, 3, 0, 3, 0)),
    # 9 scenarios: 2 failed, 1 undefined, 1 pending, 1 skipped, 4 passed
    ("cucumber.json", "ok", (4, 2, 2, 1, 0)),
    # 4 passed, 1 failed, 3 in error (a hook, undefined, not implemented), 1 skipped
    ("behave.json", "ok", (4, 1, 3, 1, 0)),
    # 3 passing, 2 pending, 3 failing, two of them hooks, and 3 tests behind these hooks that never ran
    ("mochawesome.json", "ok", (3, 1, 5, 2, 0)),
    # 7 tests, 1 passed, 4 failed, 2 skipped; one of the failed passed before the tear-down of its suite
    ("robot-output.xml", "ok", (1, 4, 0, 2, 0)),
    # 9 failed, 2 flaky, 4 skipped, 4 did not run, 9 passed: 2 of them as they were expected to fail, in two projects
    ("playwright.json", "ok", (9, 9, 4, 6, 1)),
    # a file that does not load: no test ran
    ("playwright-load-error.json", "ok", (0, 0, 1, 0, 0)),
    # 3 passed, 1 failed, 1 ignored, with a doc test
    ("cargo-test.jsonl", "ok", (3, 1, 0, 1, 0)),
]


@pytest.mark.parametrize(("name", "status", "expected"), COUNTS, ids=[name for name, _, _ in COUNTS])
def test_counts_are_those_of_the_tool(name, status, expected):
    (source,) = source_summary(read_file(RECORDED / name))
    counts = source["counts"]
    assert source["status"] == status, source["message"]
    assert tuple(counts[key] for key in ("passed", "failed", "errors", "skipped", "flaky")) == expected
    assert counts["cases"] == sum(expected[:4])
    assert counts["tests"] <= counts["cases"]


def test_every_recorded_report_is_expected_to_say_something():
    assert sorted(path.name for path in RECORDED.iterdir()) == sorted(name for name, _, _ in COUNTS)


@pytest.mark.parametrize(
    ("name", "test"),
    [
        ("pytest-rerunfailures.xml", "tests.test_a::test_flaky"),
        ("pytest-rerunfailures.json", "tests.test_a::test_flaky"),
        ("jest.json", "a.test.js::cart::flaky"),
        ("mocha.json", "a.js::cart::flaky"),
    ],
)
def test_the_flaky_test_is_the_one_that_was_retried(name, test):
    tests = read_file(RECORDED / name)["tests"]
    own = tests[tests["test_id"] == test].sort_values("attempt")
    assert own["status"].iloc[-1] == "pass"
    assert set(own["status"].iloc[:-1]) == {"fail"}


def test_what_was_expected_to_fail_did_not_break():
    for name, test in (("node.xml", "test::todo"), ("node.tap", "(?)::todo"), ("catch2.xml", "c.global::mayfail")):
        tests = read_file(RECORDED / name)["tests"].set_index("test_id")
        assert tests.loc[test, "status"] == "xfail"


def finals(path: Path) -> tuple[str, dict[str, str]]:
    evidence = read_file(path)
    final = deciding_attempts(evidence["tests"], ["test_id"])
    return evidence["sources"]["status"].iloc[0], dict(zip(final["test_id"], final["status"], strict=True))


# Ids in TAP begin with what comes later, node gives two tests one id, a rerun that pytest masks passes until its end.
UNTIL_THE_END = ("rerunfailures", ".tap", "node.xml")
WHOLE_IDS = [name for name, _, _ in COUNTS if not any(part in name for part in UNTIL_THE_END)]


@pytest.mark.parametrize("name", WHOLE_IDS)
def test_a_cut_report_shows_no_pass_that_the_whole_one_does_not(tmp_path, name):
    data = (RECORDED / name).read_bytes()
    whole = finals(RECORDED / name)[1]
    drawn = random.Random(name)
    path = tmp_path / "cut"
    for end in drawn.sample(range(1, len(data) - 1), 8):
        path.write_bytes(data[:end])
        status, found = finals(path)
        assert all(whole[test] == "pass" for test, result in found.items() if result == "pass"), end
        assert status in ("error", "partial") or found == whole, end
