"""Every kind of condition has all that a condition needs: a judge, words, an explanation, a section that is linked."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from stabkit.analyze.outcome import ConditionResult, Estimate, Gate, Outcome
from stabkit.config import Config, load_config
from stabkit.errors import ConfigError
from stabkit.kinds import KINDS, NO_CONDITION, kind_of
from stabkit.report.display import Section
from stabkit.report.explanation import explain
from stabkit.report.words.overview import advice, facts_strip, summary_texts
from stabkit.report.words.sentences import reason, reason_text
from stabkit.schema import empty

OUTCOMES: tuple[Outcome, ...] = ("stable", "improved", "regressed", "inconclusive")


def result_of(kind: str, outcome: Outcome) -> ConditionResult:
    known: dict[str, Any] = {"facts": {"total": 3, "baseline_tests": 3, "common": 3}}
    if KINDS[kind].judges == "items":
        items = () if outcome == "stable" else ({"state": outcome, "what": "one"},)
        return ConditionResult("x", kind, outcome, target="api", items=items, **known)
    estimate = Estimate("p50", "ms", "ratio", outcome, 20.0, 21.0, 1.05, 1.0, 1.1, 0.05, n_baseline=50, n_candidate=50)
    return ConditionResult("x", kind, outcome, target="api", estimates=(estimate,), **known)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_judge_and_its_words(kind: str) -> None:
    record = KINDS[kind]
    assert callable(record.judge)
    assert record.question.endswith("?")
    assert record.evidence
    assert (record.noun is not None, record.rule is not None) == ((record.judges == "items"),) * 2
    assert (record.scale is not None) == (record.compares and record.judges != "items")
    assert record.sources


@pytest.mark.parametrize("kind", KINDS)
def test_the_section_of_every_kind_exists_and_is_linked(kind: str) -> None:
    assert KINDS[kind].section in Section.__members__
    assert reason(result_of(kind, "regressed")).section == Section[KINDS[kind].section]


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_explained_and_told(kind: str, outcome: Outcome) -> None:
    result = result_of(kind, outcome)
    gate = Gate("stable" if outcome in ("stable", "improved") else outcome, (result,))
    shown = repr(explain(gate, result))
    assert KINDS[kind].question in shown
    assert reason_text(result)
    assert all(summary_texts(gate))
    assert all(facts_strip(gate, empty("changes")).values())
    assert advice(gate)


def test_a_kind_that_does_not_exist_is_refused_with_the_nearest(tmp_path: Any) -> None:
    file = tmp_path / "stabkit.toml"
    file.write_text('[[condition]]\nname = "a"\nkind = "latancy"\n')
    with pytest.raises(ConfigError) as error:
        load_config(file)
    assert error.value.what == "There is no kind 'latancy'."
    assert error.value.hint == f"Did you mean 'latency'? Known: {', '.join(KINDS)}."
    assert error.value.where is not None
    assert error.value.where.endswith("key condition.0.kind")


def test_what_stands_in_for_conditions_cannot_be_declared() -> None:
    assert NO_CONDITION.name not in KINDS
    with pytest.raises(ValueError, match="unknown kind"):
        Config.model_validate({"condition": [{"name": "a", "kind": NO_CONDITION.name}]})
    assert dataclasses.asdict(kind_of("of another version"))["section"] == "key_metrics"
