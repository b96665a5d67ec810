"""Every verdict state has its words: golden, plural-correct, never a cause, never greener than the evidence."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stabkit.analyze.facts import Measured, Missing
from stabkit.analyze.outcome import ConditionResult, Estimate, Gate, Need
from stabkit.numbers import SPACE
from stabkit.report.words import overview
from stabkit.report.words.decision import decision_text
from stabkit.report.words.sentences import reason, reason_text, standing_outcome, verdict_sentence, whole_text
from stabkit.schema import empty
from stabkit.text import count, joined, plain


def latency(outcome: str, *, name: str = "p50", **fields: Any) -> Estimate:
    known: dict[str, Any] = {"baseline": 100.0, "candidate": 100.4, "change": 1.004, "low": 0.99, "high": 1.02}
    known |= {"margin": 0.05, "n_baseline": 500, "n_candidate": 500, "rounds": 10}
    return Estimate(name, "ms", "ratio", outcome, **(known | fields))


SLOW = {"baseline": 176.0, "candidate": 272.0, "change": 1.55, "low": 1.44, "high": 1.66, "margin": 0.2}


def condition(kind: str, outcome: str, **fields: Any) -> ConditionResult:
    return ConditionResult(f"backend {kind}", kind, outcome, target="backend", metric="response_time", **fields)


def item(state: str, name: str = "t::a", **fields: Any) -> dict[str, Any]:
    return {"state": state, "what": name, **fields}


MORE_SLOW = {"facts": {"slower_than_ms": {"backend response_time": 117.4}, "limit": "baseline p95"}}


def slow_share(outcome: str, **fields: Any) -> Estimate:
    known: dict[str, Any] = {"baseline": 0.05, "candidate": 0.052, "change": 0.002, "low": -0.018, "high": 0.022}
    known |= {"margin": 0.04, "n_baseline": 900, "n_candidate": 900, "rounds": 15}
    return Estimate("slow requests", "share", "difference", outcome, **(known | fields))


TESTS = {"total": 17, "still_failing": 2, "fixed": 0}
STATES: dict[str, ConditionResult] = {
    "stable latency": condition("latency", "stable", estimates=(latency("stable"),)),
    "improved latency": condition(
        "latency", "improved", estimates=(latency("improved", candidate=90.0, change=0.9, low=0.87, high=0.93),)
    ),
    "regressed latency, beyond the margin": condition(
        "latency",
        "regressed",
        estimates=(latency("stable"), latency("regressed", name="p99", beyond_margin=True, **SLOW)),
    ),
    "regressed latency, not beyond": condition(
        "latency", "regressed", estimates=(latency("regressed", change=1.07, low=1.01, high=1.12, candidate=107.0),)
    ),
    "inconclusive by noise": condition(
        "latency",
        "inconclusive",
        estimates=(latency("inconclusive", low=0.93, high=1.08),),
        needs=(Need(8, "rounds", "wide_interval"),),
    ),
    "stable slow requests": condition("slow_requests", "stable", estimates=(slow_share("stable"),), **MORE_SLOW),
    "improved slow requests": condition(
        "slow_requests",
        "improved",
        estimates=(slow_share("improved", candidate=0.001, change=-0.049, low=-0.066, high=-0.033),),
        **MORE_SLOW,
    ),
    "regressed slow requests, beyond the margin": condition(
        "slow_requests",
        "regressed",
        estimates=(slow_share("regressed", candidate=0.16, change=0.11, low=0.081, high=0.14, beyond_margin=True),),
        **MORE_SLOW,
    ),
    "regressed slow requests, by an objective": condition(
        "slow_requests",
        "regressed",
        estimates=(slow_share("regressed", candidate=0.098, change=0.048, low=0.021, high=0.077),),
        facts={"slower_than_ms": {"backend response_time": 150.0}, "limit": "objective"},
    ),
    "inconclusive slow requests": condition(
        "slow_requests",
        "inconclusive",
        estimates=(slow_share("inconclusive", low=-0.05, high=0.055),),
        needs=(Need(14, "rounds", "wide_interval"),),
        **MORE_SLOW,
    ),
    "inconclusive slow requests, out of proportion": condition(
        "slow_requests",
        "inconclusive",
        estimates=(slow_share("inconclusive", low=-0.1, high=0.3),),
        needs=(Need(700, "rounds", "smallest_margin", decidable_margin=0.43),),
        **MORE_SLOW,
    ),
    "inconclusive slow requests, n = 1": condition(
        "slow_requests",
        "inconclusive",
        estimates=(
            Estimate("slow requests", "share", "difference", "inconclusive", margin=0.04, n_baseline=1, n_candidate=1),
        ),
        needs=(Need(30, "rounds", "one_sample", "round_size", numbers=(("samples", 100),)),),
        facts={"slower_than_ms": {}, "limit": "baseline p95"},
    ),
    "inconclusive, out of proportion": condition(
        "error_rate",
        "inconclusive",
        estimates=(
            Estimate(
                "error rate",
                "share",
                "difference",
                "inconclusive",
                baseline=0.0,
                candidate=0.0188,
                change=0.0188,
                low=-0.05,
                high=0.09,
                margin=0.005,
                n_baseline=480,
                n_candidate=480,
                rounds=8,
            ),
        ),
        needs=(Need(250_000, "samples", "smallest_margin", decidable_margin=0.114),),
    ),
    "inconclusive, n = 1": condition(
        "latency",
        "inconclusive",
        estimates=(latency("inconclusive", baseline=125.0, candidate=126.0, n_baseline=1, n_candidate=1, rounds=1),),
        needs=(Need(30, "rounds", "one_sample", "round_size", numbers=(("samples", 100),)),),
    ),
    "inconclusive, tail without bound": condition(
        "latency",
        "inconclusive",
        estimates=(latency("inconclusive", name="p99", change=None, low=None, high=None),),
        needs=(Need(4, "rounds", "tail_unbounded"),),
    ),
    "inconclusive, run noise unknown": condition(
        "latency",
        "inconclusive",
        estimates=(latency("stable", rounds=1),),
        needs=(Need(None, "rounds", "run_noise_unknown"),),
    ),
    "inconclusive, prober late": condition(
        "latency",
        "inconclusive",
        estimates=(latency("regressed", name="p99", **SLOW),),
        needs=(
            Need(
                None,
                "evidence",
                "prober_late",
                "late_at_quantile",
                numbers=(("quantile", 0.5), ("late_ms", 12.0), ("allowed_ms", 2.5)),
                side="candidate",
            ),
        ),
    ),
    "inconclusive, many metrics": condition(
        "latency",
        "inconclusive",
        estimates=(latency("regressed", change=1.03, low=1.001, high=1.06, candidate=103.0),),
        needs=(Need(None, "rounds", "many_metrics", numbers=(("metrics", 12),)),),
    ),
    "objective met": condition(
        "objective",
        "stable",
        facts={"below_ms": 150},
        estimates=(
            Estimate(
                "p95",
                "ms",
                "difference",
                "stable",
                candidate=126.0,
                change=126.0,
                low=120.0,
                high=131.0,
                margin=150.0,
                n_candidate=500,
                rounds=10,
            ),
        ),
    ),
    "objective missed": condition(
        "objective",
        "regressed",
        facts={"below_ms": 150},
        estimates=(
            Estimate(
                "p95",
                "ms",
                "difference",
                "regressed",
                candidate=186.0,
                change=186.0,
                low=171.0,
                high=200.0,
                margin=150.0,
                n_candidate=500,
                rounds=10,
            ),
        ),
    ),
    "errors regressed": condition(
        "error_rate",
        "regressed",
        estimates=(
            Estimate(
                "error rate",
                "share",
                "difference",
                "regressed",
                baseline=0.001,
                candidate=0.02,
                change=0.019,
                low=0.012,
                high=0.027,
                margin=0.005,
                beyond_margin=True,
                n_baseline=5000,
                n_candidate=5000,
            ),
        ),
    ),
    "tests stable": condition("tests", "stable", facts=TESTS),
    "tests improved": condition("tests", "improved", facts=TESTS | {"fixed": 3}, items=(item("fixed"),)),
    "one test regressed": condition(
        "tests", "regressed", exact=True, items=(item("regressed", confirmed=True, reruns=5),)
    ),
    "tests regressed": condition(
        "tests",
        "regressed",
        exact=True,
        items=tuple(item("regressed", f"t::{name}", confirmed=True, reruns=5) for name in "abc"),
    ),
    "tests not confirmed": condition(
        "tests",
        "inconclusive",
        items=(item("unconfirmed", confirmed=False),),
        needs=(Need(3, "reruns", "not_rerun", "unconfirmed", ("t::a",)),),
    ),
    "tests disappeared": condition(
        "tests",
        "inconclusive",
        items=(item("disappeared"),),
        needs=(Need(None, "evidence", "missing", "hidden_tests", tuple("abcdefghijklmnop"), (("errors", 1),)),),
    ),
    "findings stable": condition("findings", "stable", facts={"open": 15, "fixed": 0}),
    "findings regressed": condition(
        "findings",
        "regressed",
        exact=True,
        items=(
            {"state": "new", "what": "S608 a.py:3", "path": "a.py", "line": 3, "severity": "critical", "gates": True},
            {"state": "new", "what": "S101 b.py:7", "path": "b.py", "line": 7, "severity": "high", "gates": True},
            {"state": "fixed", "what": "S101 c.py:7", "severity": "high", "gates": False},
            {"state": "fixed", "what": "S101 d.py:7", "severity": "high", "gates": False},
        ),
    ),
    "findings not comparable": condition(
        "findings", "inconclusive", needs=(Need(None, "scans", "not_comparable", "scans", ("version 1 to 2",)),)
    ),
    "contract regressed": condition(
        "checks",
        "regressed",
        exact=True,
        items=({"state": "fail", "what": "field user_id", "expected": "present", "observed": "absent"},),
    ),
    "contract stable": condition("checks", "stable", facts={"total": 9}),
    "contract not checked": condition(
        "checks", "inconclusive", needs=(Need(None, "evidence", "not_checked", subjects=("certificate",)),)
    ),
    "memory regressed": condition(
        "resource", "regressed", estimates=(latency("regressed", beyond_margin=True, **SLOW),)
    ),
    "missing": condition(
        "latency", "inconclusive", needs=(Need(None, "evidence", "missing", "samples", ("backend",)),)
    ),
    "no baseline": condition("latency", "inconclusive", needs=(Need(1, "runs", "missing", "baseline", ("backend",)),)),
    "partial": condition(
        "tests",
        "inconclusive",
        needs=(Need(None, "evidence", "partial", "source_partial", ("junit.xml", "cut off"), side="candidate"),),
    ),
    "nothing at all": condition("scan", "inconclusive"),
}


def shown(text: str) -> str:
    return text.replace(SPACE, " ").replace("\u00a0", " ")


def test_every_state_has_its_words(snapshot):
    lines = []
    for name, result in STATES.items():
        line = reason(result)
        command = f" [{line.command}]" if line.command else ""
        lines.append(f"{name}: {line.outcome}: {line.subject}: {shown(line.text)}{command} -> {line.section}")
    assert "\n".join(lines) == snapshot


def test_whole_reports_have_their_words(snapshot):
    run = pd.Series({"label": "v1.5", "commit": "a1b2c3d4e5", "run_id": "x", "environment": "staging"})
    gates = {
        "stable": Gate("stable", tuple(c for c in STATES.values() if c.outcome == "stable")),
        "improved": Gate("stable", (STATES["improved latency"], STATES["tests stable"])),
        "regressed": Gate("regressed", tuple(STATES.values()), missing=(Missing("scan", "ruff", ("candidate",)),)),
        "regressed by latency": Gate("regressed", (STATES["regressed latency, beyond the margin"],)),
        "inconclusive": Gate("inconclusive", (STATES["inconclusive by noise"], STATES["tests stable"])),
        "n = 1": Gate("inconclusive", (STATES["inconclusive, n = 1"],)),
        "unjudged": Gate("stable", (STATES["tests stable"],), unjudged=(Measured("backend", "connect_time"),)),
        "nothing": Gate("inconclusive"),
    }
    lines = [overview.title_text(None, run), overview.title_text(run, run)]
    for name, gate in gates.items():
        lines += [
            f"== {name}",
            decision_text(gate),
            *overview.summary_texts(gate),
            *overview.conclusion_texts(gate, empty("sources")),
        ]
        lines += [f"{key}: {text}" for key, text in overview.facts_strip(gate, empty("changes")).items()]
        lines += [f"{a.when}: {a.what} ({a.because})" for a in overview.advice(gate)[:4]]
    lines += [
        "== first run",
        *overview.summary_texts(gates["nothing"]),
        decision_text(gates["nothing"], lacking="first_run"),
    ]
    assert shown("\n".join(lines)) == snapshot


@pytest.mark.parametrize("name", STATES)
def test_words_are_clean(name):
    text = shown(reason(STATES[name]).text)
    assert text
    assert "  " not in text
    assert "caused" not in text
    assert not text.endswith((".", ";", ":"))
    assert not re.search(r"\b1 (tests|findings|checks|rounds|reruns|samples|metrics)\b", text)
    assert "None" not in text
    assert "nan" not in text


# More of the same decides nothing here; the words say what would.
BEYOND_COLLECTING = ("out of proportion", "both sides", "not confirmed")


@pytest.mark.parametrize("name", [name for name, c in STATES.items() if c.outcome == "inconclusive"])
def test_an_open_condition_says_what_collects_it(name):
    command = reason(STATES[name]).command
    if any(words in name for words in BEYOND_COLLECTING):
        assert command is None
    else:
        assert command is not None
        assert command.startswith("stabkit aa" if "run noise" in name else "stabkit collect")


def test_verdict_sentence_counts_the_gating_conditions_alone():
    loose = ConditionResult("x", "latency", "regressed", gating=False)
    conditions = (STATES["tests regressed"], STATES["missing"], STATES["tests stable"], loose)
    sentence = verdict_sentence(Gate("regressed", conditions))
    assert sentence == "1 of 3 conditions regressed, 1 is undecided, 1 holds."


@pytest.mark.parametrize("why", ["run_noise_unknown", "prober_late", "not_comparable", "partial", "many_metrics"])
def test_an_estimate_is_never_surer_than_its_condition(why):
    doubted = condition("latency", "inconclusive", needs=(Need(None, "rounds", why),))
    assert standing_outcome(doubted, latency("stable")) == "inconclusive"


def test_a_stable_median_stays_stable_beside_an_open_tail():
    open_tail = condition("latency", "inconclusive", needs=(Need(4, "rounds", "tail_unbounded"),))
    assert standing_outcome(open_tail, latency("stable")) == "stable"


def test_the_first_screen_says_the_gravest_doubt_and_counts_the_rest():
    needs = (Need(4, "rounds", "tail_unbounded"), Need(None, "evidence", "prober_late", side="candidate"))
    result = condition("latency", "inconclusive", estimates=(latency("inconclusive"),), needs=needs)
    assert reason_text(result).endswith("10 rounds were too few; about 14 are needed, measured afresh; 1 further doubt")
    assert whole_text(result).endswith(
        "about 14 are needed, measured afresh; too noisy, the candidate's prober was itself late"
    )


@given(st.text(), st.text())
def test_hostile_names_stay_one_line_of_text(name, target):
    result = ConditionResult(name, "tests", "inconclusive", target=target, items=(item("unconfirmed", name),))
    line = reason(result)
    for text in (line.subject, line.text, line.command or ""):
        assert "\n" not in text
        assert "\x1b" not in text
        assert "\u202e" not in text


@given(st.lists(st.text(min_size=1, alphabet="abc"), max_size=9), st.integers(1, 5))
def test_cut_lists_say_how_many_more(names, most):
    text = joined(names, most=most)
    cut = re.search(r"and (\d+) more$", text)
    listed = len(names) - (int(cut.group(1)) if cut else 0)
    assert listed <= max(most, 1) + 1
    assert all(name in text for name in names[:listed])


def test_words_of_amounts():
    assert count(1, "more round") == "1 more round"
    assert count(3, "more round") == "3 more rounds"
    assert plain("a\tb\r\nc") == "a b c"


def test_two_are_both_and_what_is_accepted_is_said_where_the_rest_is_stable():
    fine = condition("checks", "stable")
    assert verdict_sentence(Gate("stable", (fine, fine))) == "Both conditions hold."
    open_ = condition("checks", "inconclusive")
    assert verdict_sentence(Gate("inconclusive", (open_, open_))) == "Both conditions are undecided."
    tests = condition("tests", "stable", items=(item("accepted"), item("accepted", "t::b"), item("flaky", "t::c")))
    taken = condition("latency", "regressed", gating=False, facts={"accepted_as": {"owner": "ann"}})
    gate = Gate("stable", (taken, tests))
    assert verdict_sentence(gate) == ("The one condition holds; 1 condition and 2 tests are accepted, not mended.")
    both = Gate("stable", (taken, tests, fine))
    assert verdict_sentence(both) == ("Both conditions hold; 1 condition and 2 tests are accepted, not mended.")
    assert "1 condition and 2 tests are accepted, not mended" in decision_text(both)
    assert verdict_sentence(both) in overview.summary_texts(both)[0].replace("STABLE: b", "B").replace("Stable: b", "B")
