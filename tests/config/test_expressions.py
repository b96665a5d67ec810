"""Expressions and patterns that would be tried in endless ways end in time, wherever a file's meets other text."""

import re
import threading

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit.analyze.tests.transitions import renamed
from stabkit.config import Acceptance, HttpTarget, is_found, path_pattern, replaced
from stabkit.endpoints import renamed as grouped
from stabkit.errors import ConfigError
from stabkit.probe.http.expectations import Expectations

ENDLESS = r"^(\w+\s?)*$"
TRAP = "a" * 60 + "!"


def test_an_endless_search_is_stopped_and_the_next_one_answered():
    with pytest.raises(ConfigError, match=re.escape("takes longer than 0.2 s")) as caught:
        is_found(ENDLESS, TRAP, where="expect_match", limit_s=0.2)

    assert caught.value.where == "expect_match"
    assert is_found(r"a+!$", TRAP, where="expect_match")
    assert not is_found(r"b+", TRAP, where="expect_match")
    assert replaced(r"a+", r"<\g<0>>", ["xaay", "z\ud800"], where="x") == ["x<aa>y", "z\ud800"]


def test_threads_that_ask_at_once_each_get_their_own_answer():
    found = {}
    threads = [
        threading.Thread(target=lambda n=n: found.update({n: replaced(r"\d+", str(n), [f"a{n}b"] * 50, where="x")}))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert found == {n: [f"a{n}b"] * 50 for n in range(8)}


def test_endless_expressions_of_a_configuration_are_named_by_their_key():
    tests = pd.DataFrame({"test_id": ["short", TRAP]}).astype("str")
    with pytest.raises(ConfigError, match="test_aliases"):
        renamed(tests, {f"/{ENDLESS}/": "new"})

    rule = Acceptance(test=f"/{ENDLESS}/", reason="old", owner="ann", until="2999-12-31")
    with pytest.raises(ConfigError, match="accepted"):
        rule.fits(TRAP)


def test_an_endless_expectation_is_not_checked_and_not_tried_again():
    import httpx

    from stabkit.probe.http.exchange import Answer

    target = HttpTarget(
        url="http://h/", timeout_s=0.3, expect_match=ENDLESS, expect_headers={"X-Name": ENDLESS, "X-Kind": "^t+$"}
    )
    expected = Expectations(target, None, ())
    for number in range(50):  # each would take the time of an answer
        body = (TRAP + str(number)).encode()
        answer = Answer(url="http://h/", status=200, headers=httpx.Headers({"X-Name": TRAP, "X-Kind": "tt"}), body=body)
        expected.judge([answer], lambda: "here")

    rows = {row["check"]: row for row in expected.rows("api", sent=50, most=None)}
    assert (rows["body"]["outcome"], rows["body"]["undecided"]) == ("not_checked", 50)
    assert (rows["header X-Name"]["outcome"], rows["header X-Name"]["undecided"]) == ("not_checked", 50)
    assert "takes longer than 0.3 s" in rows["body"]["detail"]
    assert (rows["header X-Kind"]["outcome"], rows["header X-Kind"]["passed"]) == ("pass", 50)


def test_patterns_of_a_repository_and_of_endpoints_take_the_time_of_their_text():
    # Each of these took longer than anybody waits.
    assert path_pattern("*a" * 30 + "b").match("a" * 3_000) is None
    assert path_pattern("/".join(["**", "a"] * 15) + "/b").match("a/" * 500) is None
    assert path_pattern("**/" * 40 + "b").match("a/" * 500) is None
    name = "-" * 3_000
    assert grouped(pd.Series([name]), ["{a}-" * 12 + "b", "{a}" * 12 + "x"]).tolist() == [name]


def _as_git_has_it(pattern, path):
    """Say whether a path lies in what a pattern names, by trying all ways; small ones only."""
    parts = [part for part in re.split(r"(\*\*/?|\*|\?)", pattern.strip("/")) if part]
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    text = "".join(words.get(part, re.escape(part)) for part in parts)
    before = "" if "/" in pattern.rstrip("/") else "(?:.*/)?"
    end = "/" if pattern.endswith("/") else "(?:/|$)"
    return re.compile(before + text + (end if parts else ""), re.DOTALL).match(path) is not None


names = st.lists(st.sampled_from(["**", "*", "a", "b", "a*", "*a*b", "?", "a?b", "*ab*"]), min_size=1, max_size=4)
paths = st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=4).map("/".join)


@settings(max_examples=300)
@given(names.map("/".join), st.sampled_from(["", "/"]), st.sampled_from(["", "/"]), paths)
def test_a_pattern_means_what_it_would_if_all_ways_were_tried(middle, before, end, path):
    pattern = before + middle + end

    assert (path_pattern(pattern).match(path) is not None) == _as_git_has_it(pattern, path)


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(["{id}", "{x}", "a", "b", "/", "-"]), min_size=1, max_size=7), st.text("ab/-", min_size=1)
)
def test_an_endpoint_stands_for_what_it_would_if_all_ways_were_tried(parts, name):
    pattern = "".join(parts)
    tried = r"[^/?&=;,\s]+".join(re.escape(part) for part in re.split(r"\{[^{}/]*\}", pattern))
    stands = "{" in pattern and re.fullmatch(tried, name) is not None

    assert grouped(pd.Series([name]), [pattern]).tolist() == [pattern if stands else name]
