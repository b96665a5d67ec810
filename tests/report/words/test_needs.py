"""What leaves a condition open is said once, with the run that lacks it and a command that can be pasted."""

from __future__ import annotations

from typing import Any

import pytest

from stabkit.analyze.outcome import ConditionResult, Estimate, Need
from stabkit.case.again import Again
from stabkit.config import CollectSettings
from stabkit.report.words.needs import doubts, need_command, need_text, needs_both, within_reach


def opened(*needs: Need, **fields: Any) -> ConditionResult:
    estimate = Estimate("p50", "ms", "ratio", "inconclusive", n_baseline=500, n_candidate=500, rounds=10)
    return ConditionResult(
        "x", "latency", "inconclusive", target="backend", estimates=(estimate,), needs=needs, **fields
    )


def test_what_both_runs_lack_alike_is_said_once():
    lost = [Need(None, "evidence", "partial", "collection", side=side) for side in ("baseline", "candidate")]
    assert doubts(opened(*lost)) == ("each run's collection was not completed",)


def test_what_the_runs_lack_differently_is_said_for_each():
    needs = [
        Need(None, "evidence", "missing", "scan", (what,), side=side) for what, side in (("a", "baseline"), ("b", None))
    ]
    assert doubts(opened(*needs)) == ("no scan of a in the baseline", "no scan of b")


def test_a_decided_condition_has_no_doubts():
    assert doubts(ConditionResult("x", "latency", "regressed", needs=(Need(1, "rounds", "wide_interval"),))) == ()


@pytest.mark.parametrize(("kind", "unit"), [("latency", "%"), ("slow_requests", "points"), ("error_rate", "points")])
def test_a_margin_is_in_the_unit_of_its_condition(kind, unit):
    need = Need(250_000, "samples", "smallest_margin", decidable_margin=0.114)
    result = ConditionResult("x", kind, "inconclusive", needs=(need,))
    said = "250,000 more samples would decide; this evidence settles an allowed change of 11.4\u202f"
    assert doubts(result) == (said + unit,)


def test_no_two_rates_differ_by_more_than_all():
    need = Need(764, "samples", "smallest_margin", decidable_margin=1.13)
    assert need_text(need, points=True) == "764 more samples would decide"


@pytest.mark.parametrize(
    ("need", "said"),
    [
        (
            Need(1, "runs", "not_repeated", numbers=(("slower_share", 8.72),), side="candidate"),
            "looks slower (+872\u202f%); run the candidate once more: red only if it repeats",
        ),
        (
            Need(None, "rounds", "smallest_margin", decidable_margin=20.2),
            "this evidence settles an allowed change of 2,020\u202f%",
        ),
        (
            Need(None, "runs", "not_comparable", "load_rate", numbers=(("before", 1_500_000.0), ("after", 12.5))),
            "1,500,000 requests a second against 12.5",
        ),
        (
            Need(
                None,
                "evidence",
                "prober_late",
                "late_at_quantile",
                numbers=(("late_ms", 1234.0), ("quantile", 0.99), ("allowed_ms", 0.5)),
            ),
            "1,234\u202fms at p99, 0.5\u202fms are allowed",
        ),
    ],
)
def test_large_numbers_are_written_out(need, said):
    assert said in need_text(need)


def test_more_rounds_are_counted_from_those_there_are():
    assert need_command(opened(), Need(8, "rounds", "wide_interval")) == "stabkit collect --rounds 18"


def test_the_rounds_are_enough_for_every_doubt_whichever_weighs_most():
    late, wide = Need(None, "evidence", "prober_late"), Need(26, "rounds", "wide_interval")
    assert need_command(opened(late, wide), late, Again("v1.5")) == "stabkit collect --label v1.5 --rounds 36"


def test_samples_become_whole_rounds():
    assert need_command(opened(), Need(51, "samples", "wide_interval")) == "stabkit collect --rounds 12"


def test_samples_of_a_rate_become_rounds_of_the_run():
    rate = ConditionResult(
        "errors",
        "error_rate",
        "inconclusive",
        estimates=(Estimate("errors", "share", "difference", "inconclusive", n_candidate=200),),
    )
    need = Need(565, "samples", "wide_interval")
    assert need_command(rate, need, Again("v1.5", rounds=5)) == "stabkit collect --label v1.5 --rounds 20"
    assert need_command(rate, need, Again("v1.5")) == "stabkit collect --label v1.5"


def test_a_project_that_measures_elsewhere_names_its_own_command():
    settings = CollectSettings(rounds=8, again=("gh", "workflow", "run", "-f", "n={rounds} {label} {baseline} {x}"))
    again = Again("{rounds}", "a'b", places=("--data", "x"), settings=settings)
    assert again.command(rounds=24) == """gh workflow run -f 'n=24 {rounds} a'"'"'b {x}'"""
    unknown = Again(settings=settings)
    assert need_command(opened(), Need(4, "rounds", "wide_interval"), unknown) == unknown.command(rounds=14)
    assert unknown.collect == "gh workflow run -f 'n=8 candidate baseline {x}'"
    assert need_command(opened(), Need(None, "evidence", "missing"), Again(stored=False, settings=settings)) is None


@pytest.mark.parametrize(
    ("again", "side", "words"),
    [
        (Again("v1.5", "v1.4"), "candidate", "--label v1.5"),
        (Again("v1.5", "v1.4", together=True), "baseline", "--label v1.5 --baseline-label v1.4"),
        (Again("v1.5", "v1.4", beside=True), "baseline", "--label v1.5 --baseline-label v1.4"),
        (Again("v1.5", "v1.4", beside=True), None, "--label v1.5 --baseline-label v1.4"),
        (Again("a b", places=("--data", "x y")), None, "--label 'a b' --data 'x y'"),
    ],
)
def test_the_same_runs_are_collected_again_under_their_names(again, side, words):
    need = Need(None, "evidence", "missing", "scan", ("ruff",), side=side)
    assert need_command(opened(), need, again) == f"stabkit collect {words}"


@pytest.mark.parametrize("again", [Again("v1.5", "v1.4"), Again("v1.5", "v1.4", declared=frozenset(["backend"]))])
@pytest.mark.parametrize(
    "need",
    [
        Need(None, "evidence", "missing", "scan", ("ruff",), side="baseline"),
        Need(None, "evidence", "partial", "source_failed", ("api",), side="both"),
        Need(8, "rounds", "wide_interval"),
        Need(51, "samples", "tail_unbounded"),
    ],
)
def test_the_label_of_a_version_that_may_be_gone_is_never_collected(again, need):
    assert need_command(opened(need), need, again) is None
    assert needs_both([opened(need)], again)
    assert not within_reach([opened(need)], again)


def test_what_a_collection_does_not_gather_it_cannot_decide():
    need = Need(None, "evidence", "missing", "tests", ("unit",), side="candidate")
    imported = ConditionResult("unit", "tests", "inconclusive", target="unit", needs=(need,))
    for declared in (frozenset(), frozenset(["api"])):
        assert need_command(imported, need, Again("v1.5", "v1.4", beside=True, declared=declared)) is None
    assert need_command(imported, need, Again("v1.5", "v1.4", declared=frozenset(["unit"]))) is not None


def test_both_sides_are_collected_rather_than_noise_alone():
    need = Need(None, "rounds", "run_noise_unknown")
    command = need_command(opened(need), need, Again("v1.5", "v1.4", beside=True))
    assert command == "stabkit collect --label v1.5 --baseline-label v1.4"


def test_unknown_noise_is_measured_by_aa():
    need = Need(None, "runs", "run_noise_unknown")
    assert (
        need_command(opened(), need, Again("v1.5", "v1.4", places=("--config", "x.toml")))
        == "stabkit aa --config x.toml"
    )


@pytest.mark.parametrize(
    "need",
    [
        Need(4, "reruns", "not_rerun", "unconfirmed", ("t::a",)),
        Need(None, "evidence", "failing_on_both_sides"),
        Need(250_000, "samples", "wide_interval", decidable_margin=0.7),
        Need(None, "rounds", "false_alarms", numbers=(("alarms", 3), ("pairs", 20), ("least_share", 0.05))),
        Need(None, "evidence", "missing", "disappeared", ("t::a",)),
        Need(None, "evidence", "missing", "added", ("t::a",)),
        Need(None, "runs", "not_comparable", "environments", ("a", "b")),
    ],
)
def test_no_command_is_named_where_collecting_again_decides_nothing(need):
    assert need_command(opened(), need) is None


def test_evidence_files_have_no_command():
    assert need_command(opened(), Need(None, "evidence", "missing"), Again(stored=False)) is None


def test_unknown_reasons_are_said_not_dropped():
    assert (
        need_text(Need(2, "runs", "moon_phase", subjects=("waxing",))) == "moon phase: waxing; 2 more runs would decide"
    )


def test_a_hostile_label_cannot_break_out_of_the_command():
    assert (
        need_command(opened(), None, Again("a; rm -rf $HOME `id`")) == "stabkit collect --label 'a; rm -rf $HOME `id`'"
    )
