"""What is accepted does not gate, is no evidence, and counts again the day after its last."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pandas as pd
import pytest

from stabkit.analyze.gate.evaluation import evaluate_sides
from stabkit.analyze.outcome import ConditionResult, Gate, to_json
from stabkit.analyze.sides import Sides
from stabkit.config import Condition, Config
from stabkit.report.words.sentences import verdict_sentence
from tests.analyze.gate.test_evaluation import CONFIG, checks, condition, findings, results, samples, scans, side

LAST = date(2026, 12, 31)
NEXT = date(2027, 1, 1)
NEW = {"findings": findings({"path": "old.py"}, {"path": "new.py"})}
BROKEN = {"tests": results(a=["fail"] * 6, b="pass", known="fail")}


def config_of(*entries: dict[str, str], config: Config = CONFIG) -> Config:
    told = [{"reason": "known", "owner": "ann", "until": LAST.isoformat(), **entry} for entry in entries]
    return Config.model_validate({**config.model_dump(), "accepted": told})


def judged(config: Config, after: Any, *, on: date | None = LAST, before: Any = None, **run: Any) -> Gate:
    return evaluate_sides(Sides(config, side("before", before), side("after", after, **run), today=on))


def states(gate: Gate) -> list[str]:
    return [one.state for one in gate.accepted]


@pytest.mark.parametrize(
    ("entry", "kind", "after"),
    [
        ({"finding": "R1 new.py:1"}, "findings", NEW),
        ({"finding": "R1 new.py"}, "findings", NEW),
        ({"finding": "R1 new*"}, "findings", NEW),
        ({"finding": "new.py"}, "findings", NEW),  # its fingerprint
        ({"test": "a"}, "tests", BROKEN),
        ({"test": "/^a$/"}, "tests", BROKEN),
    ],
)
def test_an_item_that_is_accepted_does_not_gate_until_the_day_after(entry: Any, kind: str, after: Any) -> None:
    config = config_of(entry)
    gate = judged(config, after)
    found = condition(gate, kind)
    assert (gate.verdict, found.outcome, states(gate)) == ("stable", "stable", ["accepted"])
    taken = [item for item in found.items if item["state"] == "accepted"]
    assert taken[0]["accepted"]["until"] == "2026-12-31"
    assert (found.facts["accepted"], found.facts.get("new", 0), found.facts["fixed"]) == (1, 0, 0)
    later = judged(config, after, on=NEXT)
    assert (later.verdict, states(later)) == ("regressed", ["expired"])
    assert to_json(gate)["accepted"][0]["owner"] == "ann"


def test_on_no_known_day_nothing_is_accepted() -> None:
    gate = judged(config_of({"test": "a"}), BROKEN, on=None)
    assert (gate.verdict, states(gate)) == ("regressed", ["expired"])
    dated = judged(config_of({"test": "a"}), BROKEN, on=None, started_at=pd.Timestamp("2026-12-31 23:59", tz="UTC"))
    assert (dated.verdict, states(dated)) == ("stable", ["accepted"])


def test_what_is_near_and_not_meant_still_gates() -> None:
    gate = judged(config_of({"finding": "R1 new.py:2"}, {"test": "new.py"}), NEW)
    assert (gate.verdict, states(gate)) == ("regressed", ["unmatched", "unmatched"])


def test_a_condition_that_regressed_keeps_its_outcome_and_does_not_gate() -> None:
    slow = {"samples": samples(factor=1.3, seed=2)}
    names = [one.name for one in judged(CONFIG, slow).conditions if one.outcome == "regressed"]
    gate = judged(config_of(*({"condition": name} for name in names)), slow)
    assert (gate.verdict, set(states(gate))) == ("stable", {"accepted"})
    assert [one.outcome for one in gate.conditions if "accepted_as" in one.facts] == ["regressed"] * len(names)


def test_missing_evidence_cannot_be_accepted() -> None:
    gone = {"tests": results(b="pass", known="fail")}
    assert judged(config_of({"test": "a"}), gone).verdict == "inconclusive"
    skipped = {"tests": results(a="skip", b="pass", known="fail")}
    assert judged(config_of({"test": "a"}), skipped).verdict == "inconclusive"
    incomplete = {**NEW, "scans": scans(complete=False)}
    assert judged(config_of({"finding": "R1 new.py"}), incomplete).verdict == "inconclusive"
    open_ = {"checks": checks(status="pass", body="not_checked")}
    name = condition(judged(CONFIG, open_), "checks").name
    assert judged(config_of({"condition": name}), open_).verdict == "inconclusive"


def test_an_accepted_condition_does_not_hide_that_its_evidence_is_partial() -> None:
    broken = {"checks": checks(status="fail", body="pass")}
    name = condition(judged(CONFIG, broken), "checks").name
    config = config_of({"condition": name})
    assert judged(config, broken).verdict == "stable"
    gate = judged(config, broken, complete=False)
    assert (gate.verdict, condition(gate, "checks").outcome) == ("inconclusive", "inconclusive")


def test_an_accepted_condition_does_not_hide_a_tail_that_is_open() -> None:
    rules = (
        Condition(name="times", kind="latency", target="api", metric="response_time"),
        Condition(name="contract", kind="checks", target="api"),
    )
    config = config_of({"condition": "times"}, config=CONFIG.model_copy(update={"condition": rules}))

    def outcome(rounds: int) -> tuple[str, str, set[str]]:
        before, after = (samples(factor=f, seed=seed, rounds=rounds, each=10) for f, seed in ((1.0, 1), (1.3, 2)))
        gate = judged(config, {"samples": after}, before={"samples": before})
        times = condition(gate, "latency")
        assert times.estimates[0].outcome == "regressed"
        return gate.verdict, times.outcome, {need.reason for need in times.needs}

    assert outcome(40) == ("stable", "regressed", set())
    assert outcome(10) == ("inconclusive", "inconclusive", {"tail_unbounded"})


def test_an_accepted_condition_does_not_hide_readings_that_are_gone() -> None:
    before, after = samples(), samples(seed=2)
    memory = after["metric"] == "memory"
    after.loc[memory, "value"] *= 1.5
    short = after[~memory | (after["round"] < 15)]
    name = condition(judged(CONFIG, {"samples": after}, before={"samples": before}), "resource").name
    config = config_of({"condition": name})
    assert judged(config, {"samples": after}, before={"samples": before}).verdict == "stable"
    gate = judged(config, {"samples": short}, before={"samples": before})
    found = condition(gate, "resource")
    assert (gate.verdict, found.outcome) == ("inconclusive", "inconclusive")
    assert "without_reading" in {need.about for need in found.needs}
    unaccepted = judged(CONFIG, {"samples": short}, before={"samples": before})
    assert condition(unaccepted, "resource").outcome == "regressed"


def test_where_all_that_gates_is_accepted_nothing_is_stable() -> None:
    only = (Condition(name="contract", kind="checks", target="api"),)
    config = config_of({"condition": "contract"}, config=CONFIG.model_copy(update={"condition": only}))
    assert judged(config, {"checks": checks(status="fail", body="pass")}).verdict == "inconclusive"


def test_a_finding_that_stays_is_matched_and_one_that_is_gone_is_not() -> None:
    gate = judged(config_of({"finding": "R1 old.py"}), {})
    assert (gate.verdict, states(gate), gate.accepted[0].matches) == ("stable", ["accepted"], ("R1 old.py:1",))
    mended = judged(config_of({"finding": "R1 old.py"}), {"findings": findings({"path": "new.py"})})
    assert states(mended) == ["unmatched"]


def test_what_it_keeps_from_gating_is_told_apart_from_what_else_it_means() -> None:
    rows = [{"path": "old.py"}, {"path": "new.py"}, {"path": "small.py", "severity": "note"}]
    (found,) = judged(config_of({"finding": "R1 *"}), {"findings": findings(*rows)}).accepted
    assert (found.spares, set(found.matches)) == (("R1 new.py:1",), {"R1 new.py:1", "R1 old.py:1", "R1 small.py:1"})
    (tests,) = judged(config_of({"test": "*"}), BROKEN).accepted
    assert (tests.spares, tests.matches) == (("a",), ("a", "known"))
    (expired,) = judged(config_of({"test": "*"}), BROKEN, on=NEXT).accepted
    assert (expired.spares, expired.matches) == ((), ("a", "known"))


def test_what_decides_nothing_is_not_accepted_but_left_as_it_is() -> None:
    small = {"findings": findings({"path": "old.py"}, {"path": "small.py", "severity": "note"})}
    found = condition(judged(config_of({"finding": "R1 *"}), small), "findings")
    assert [item["state"] for item in found.items] == ["new"]
    assert (found.facts["below_floor"], found.facts.get("accepted")) == (1, None)


def test_an_accepted_condition_that_stays_open_is_matched_all_the_same() -> None:
    broken = {"checks": checks(status="fail", body="pass")}
    name = condition(judged(CONFIG, broken), "checks").name
    gate = judged(config_of({"condition": name}), broken, complete=False)
    assert (gate.verdict, states(gate), gate.accepted[0].spares) == ("inconclusive", ["accepted"], (name,))


def test_the_verdict_says_what_is_good_only_because_it_is_accepted() -> None:
    slow = {"samples": samples(factor=1.3, seed=2), **NEW, **BROKEN}
    names = [one.name for one in judged(CONFIG, slow).conditions if one.outcome == "regressed"]
    times = [{"condition": name} for name in names if "response time" in name]
    gate = judged(config_of(*times, {"test": "a"}, {"finding": "R1 new.py"}), slow)
    assert gate.verdict == "stable"
    said = verdict_sentence(gate)
    amount = "1 condition" if len(times) == 1 else f"{len(times)} conditions"
    assert said.endswith(f"; {amount}, 1 finding and 1 test are accepted, not mended.")
    assert "accepted" not in verdict_sentence(judged(CONFIG, {}))


def test_a_breaking_change_is_accepted_as_a_risk() -> None:
    gone = {"path": "shop/api.py", "what": "shop.api.total", "change": "object_removed", "proven": True}
    facts = json.dumps({"facts": [gone], "examined": 3, "open": None})
    rows = pd.DataFrame([{"target": "changes", "check": "no API break", "outcome": "fail", "facts": facts}])
    rule = Condition(name="api", kind="change", facts=("api_break",))
    base = CONFIG.model_copy(update={"condition": (rule,)})

    def outcome(*entries: dict[str, str]) -> ConditionResult:
        sides = Sides(config_of(*entries, config=base), side("before"), side("after", {"checks": rows}), today=LAST)
        return condition(evaluate_sides(sides), "change")

    assert outcome().outcome == "regressed"
    for name in ("shop/api.py", "shop.api.total", "api_break", "shop.*"):
        found = outcome({"risk": name})
        assert (found.outcome, found.items[0]["state"]) == ("stable", "accepted")
