import json
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stabkit.analyze.facts import Measured, Missing
from stabkit.analyze.gate.evaluation import RunEvidence, evaluate_gate
from stabkit.analyze.outcome import ConditionResult, Estimate, Gate, to_json
from stabkit.config import Condition, Config, load_config
from stabkit.schema import Evidence, empty

CONFIG = Config.model_validate(
    {
        "http": {"api": {"url": "http://127.0.0.1/"}},
        "tests": {"unit": {"files": ["j.xml"]}},
        "scans": {"lint": {"files": ["s.sarif"]}},
        "resources": {"server": {"port": 80}},
    }
)
SLOW = Config.model_validate(
    {
        "http": {"api": {"url": "http://127.0.0.1/"}},
        "condition": [{"name": "slow", "kind": "slow_requests", "target": "api", "metric": "response_time"}],
    }
)
START = pd.Timestamp("2026-01-01", tz="UTC")


def samples(*, factor: float = 1.0, failed: int = 0, rounds: int = 20, each: int = 100, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = rounds * each
    times = 20 * factor * np.exp(0.1 * rng.standard_normal(n))
    # Scattered: failures in one burst are one incident.
    good = ~np.isin(np.arange(n), np.linspace(0, n - 1, failed).astype(int))
    times = np.where(good, times, np.nan)
    http = pd.DataFrame(
        {
            "target": "api",
            "metric": "response_time",
            "round": np.repeat(np.arange(rounds), each),
            "sequence": np.arange(n),
            "due_at": START + pd.to_timedelta(np.arange(n) * 100, unit="ms"),
            "service_ms": times,
            "response_ms": times,
            "late_ms": np.where(good, 0.05, np.nan),
            "connection": "reused",
            "warmup": False,
            "ok": good,
        }
    )
    memory = 100 * np.exp(0.002 * rng.standard_normal(rounds))
    server = {"target": "server", "metric": "memory", "unit": "MB", "ok": True, "warmup": False}
    readings = pd.DataFrame({"round": np.arange(rounds), "sequence": np.arange(rounds), "value": memory}).assign(
        **server
    )
    return pd.concat([http, readings], ignore_index=True)


def checks(**outcomes: str) -> pd.DataFrame:
    rows = [{"target": "api", "check": name, "outcome": outcome} for name, outcome in outcomes.items()]
    return pd.DataFrame(rows)


def results(**statuses: Any) -> pd.DataFrame:
    rows = []
    for test_id, given in statuses.items():
        for number, status in enumerate([given] if isinstance(given, str) else given, start=1):
            base = {"suite": "unit", "name": test_id, "test_id": test_id, "attempt": number}
            rows.append({**base, "status": status, "fresh_process": number > 1, "message": "boom"})
    return pd.DataFrame(rows)


def scans(**other: Any) -> pd.DataFrame:
    base = {"scan_id": "lint", "tool": "ruff", "version": "1", "scope": "all", "complete": True}
    return pd.DataFrame([{**base, "scope_sha256": "s", "rules_sha256": "r", **other}])


def findings(*rows: Mapping[str, Any]) -> pd.DataFrame:
    base = {"scan_id": "lint", "tool": "ruff", "rule": "R1", "severity": "error", "scope": "all", "suppressed": False}
    return pd.DataFrame([{**base, "line": 1, "fingerprint": row["path"], **row} for row in rows])


def side(label: str, tables: Mapping[str, pd.DataFrame] | None = None, **run: Any) -> RunEvidence:
    seed = 1 if label == "before" else 2
    good = {
        "samples": samples(seed=seed),
        "checks": checks(status="pass", body="pass"),
        "tests": results(a="pass", b="pass", known="fail"),
        "scans": scans(),
        "findings": findings({"path": "old.py"}),
    }
    row = {"run_id": label, "environment": "local", "collection_id": "c1", "complete": True, **run}
    return RunEvidence(row, Evidence.of(**{**good, **(tables or {})}))


def judged(config: Config = CONFIG, *, before: Any = None, after: Any = None, **options: Any) -> Gate:
    return evaluate_gate(config, side("before", before), side("after", after), **options)


def condition(gate: Gate, kind: str) -> ConditionResult:
    return next(result for result in gate.conditions if result.kind == kind)


def reasons(result: ConditionResult) -> set[str]:
    return {need.reason for need in result.needs}


def test_nothing_changed_is_stable() -> None:
    gate = judged()
    assert {c.name: c.outcome for c in gate.conditions if c.outcome != "stable"} == {}
    assert (gate.verdict, gate.exit_code, gate.missing, gate.unjudged) == ("stable", 0, (), ())
    assert condition(gate, "tests").items[0]["state"] == "still_failing"
    assert condition(gate, "tests").facts["candidate_pass"] == "2/3"
    json.dumps(to_json(gate))


WORSE: dict[str, tuple[str, dict[str, pd.DataFrame]]] = {
    "slower": ("latency", {"samples": samples(factor=1.3, seed=2)}),
    "failing": ("error_rate", {"samples": samples(failed=200, seed=2)}),
    "check": ("checks", {"checks": checks(status="fail", body="pass")}),
    "test": ("tests", {"tests": results(a=["fail"] * 6, b="pass", known="fail")}),
    "finding": ("findings", {"findings": findings({"path": "old.py"}, {"path": "new.py"})}),
}


@pytest.mark.parametrize("case", WORSE)
def test_each_kind_of_evidence_can_prove_a_regression_and_its_mirror_does_not(case: str) -> None:
    kind, tables = WORSE[case]
    gate = judged(after=tables)
    assert (gate.verdict, gate.exit_code) == ("regressed", 1)
    assert gate.conditions[0].kind == kind
    assert condition(gate, kind).exact == (kind in ("checks", "tests", "findings"))
    swapped = judged(before=tables)
    assert condition(swapped, kind).outcome == "improved"
    assert swapped.verdict != "regressed"


OPEN: dict[str, tuple[str, str, dict[str, pd.DataFrame]]] = {
    "not rerun": ("tests", "not_rerun", {"tests": results(a="fail", b="pass", known="fail")}),
    "disappeared": ("tests", "missing", {"tests": results(b="pass", known="fail")}),
    "newly skipped": ("tests", "missing", {"tests": results(a="skip", b="pass", known="fail")}),
    "added failing": ("tests", "not_rerun", {"tests": results(a="pass", b="pass", known="fail", more="fail")}),
    "flaky badly": ("tests", "not_rerun", {"tests": results(a=["fail", "pass", "fail"], b="pass", known="fail")}),
    "not checked": ("checks", "not_checked", {"checks": checks(status="pass", body="not_checked")}),
    "check gone": ("checks", "missing", {"checks": checks(status="pass")}),
    "other version": ("findings", "not_comparable", {"scans": scans(version="2")}),
    "incomplete scan": ("findings", "not_comparable", {"scans": scans(complete=False)}),
    "one request": ("latency", "one_sample", {"samples": samples(rounds=1, each=1)}),
}


@pytest.mark.parametrize("case", OPEN)
def test_each_gap_is_inconclusive_and_says_what_is_missing(case: str) -> None:
    kind, reason, tables = OPEN[case]
    both = {"samples": tables["samples"]} if case == "one request" else None
    gate = judged(before=both, after=tables)
    assert (gate.verdict, gate.exit_code) == ("inconclusive", 3)
    assert condition(gate, kind).outcome == "inconclusive"
    assert reason in reasons(condition(gate, kind))
    assert gate.reasons


def test_a_recovered_test_is_listed_and_does_not_block() -> None:
    gate = judged(after={"tests": results(a=["fail", "pass"], b="pass", known="fail")})
    assert gate.verdict == "stable"
    assert {item["state"] for item in condition(gate, "tests").items} == {"flaky", "still_failing"}


def test_a_check_failing_on_both_sides_is_known_and_not_stable() -> None:
    failing = {"checks": checks(status="fail", body="pass")}
    result = condition(judged(before=failing, after=failing), "checks")
    assert (result.outcome, reasons(result)) == ("inconclusive", {"failing_on_both_sides"})


def test_five_broken_and_five_fixed_is_no_even_trade() -> None:
    before = {f"a{i}": "pass" for i in range(5)} | {f"b{i}": "fail" for i in range(5)}
    after = {f"a{i}": ["fail"] * 6 for i in range(5)} | {f"b{i}": "pass" for i in range(5)}
    gate = judged(before={"tests": results(**before)}, after={"tests": results(**after)})
    assert gate.verdict == "regressed"
    assert condition(gate, "tests").facts["regressed"] == 5


def test_a_new_finding_in_incomparable_scans_proves_nothing() -> None:
    tables = {"findings": findings({"path": "old.py"}, {"path": "new.py"}), "scans": scans(rules_sha256="x")}
    result = condition(judged(after=tables), "findings")
    assert (result.outcome, result.exact) == ("inconclusive", False)
    assert [item["what"] for item in result.items] == ["R1 new.py:1"]


@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [
        ({"severity": "warning"}, {"severity": "error"}, "regressed"),
        ({"severity": "warning"}, {"severity": "note"}, "stable"),
        ({"suppressed": True}, {}, "regressed"),
        ({}, {"suppressed": True}, "stable"),
    ],
)
def test_a_finding_that_rises_into_the_gating_range_gates(old: Any, new: Any, outcome: str) -> None:
    config = CONFIG.model_copy(
        update={"condition": (Condition(name="f", kind="findings", target="lint", min_severity="high"),)}
    )
    tables = [{"findings": findings({"path": "old.py", **given})} for given in (old, new)]
    assert condition(judged(config, before=tables[0], after=tables[1]), "findings").outcome == outcome


@pytest.mark.parametrize("table", ["samples", "checks", "tests", "scans"])
@pytest.mark.parametrize("which", ["before", "after"])
def test_taking_a_source_away_never_makes_stable(table: str, which: str) -> None:
    gate = judged(**{which: {table: empty(table)}})
    if (table, which) == ("checks", "before"):
        assert gate.verdict == "stable"  # checks need no baseline: they pass now
        return
    assert gate.verdict == "inconclusive"
    assert gate.reasons
    if table != "checks":
        assert gate.missing


def test_declared_evidence_is_required_though_no_condition_speaks_of_it() -> None:
    by_checks = CONFIG.model_copy(update={"condition": (Condition(name="answers", kind="checks", target="api"),)})
    assert judged(by_checks).verdict == "stable"
    gate = judged(by_checks, after={"scans": empty("scans"), "findings": empty("findings")})
    assert (gate.verdict, gate.reasons[0].name) == ("inconclusive", "evidence")


def test_two_scans_by_one_tool_are_judged_by_their_names() -> None:
    names = ("lint", "audit")
    config = CONFIG.model_copy(
        update={
            "scans": dict.fromkeys(names, CONFIG.scans["lint"]),
            "condition": tuple(Condition(name=name, kind="findings", target=name) for name in names),
        }
    )
    both = pd.concat([scans(scan_id=name) for name in ("lint#1", "lint#2", "audit")])
    known = findings({"path": "old.py"})
    after = pd.concat([known, findings({"path": "new.py"}).assign(scan_id="audit")])
    gate = judged(config, before={"scans": both, "findings": known}, after={"scans": both, "findings": after})
    assert {c.name: c.outcome for c in gate.conditions} == {"lint": "stable", "audit": "regressed"}


@pytest.mark.parametrize("status", ["partial", "error"])
@pytest.mark.parametrize("kind", ["http", "tests", "scan", "resources", "changes", "load"])
def test_a_failed_source_never_makes_stable(status: str, kind: str) -> None:
    broken = {"sources": pd.DataFrame([{"kind": kind, "path": "x", "status": status, "message": "cut off"}])}
    for sides in ({"before": broken}, {"after": broken}):
        gate = judged(**sides)
        assert gate.verdict == "inconclusive"
        assert "partial" in {reason for result in gate.reasons for reason in reasons(result)}


def test_an_interrupted_run_is_never_stable() -> None:
    gate = evaluate_gate(CONFIG, side("before"), side("after", complete=False))
    assert gate.verdict == "inconclusive"
    assert all(result.outcome == "inconclusive" for result in gate.conditions)


def test_partial_evidence_still_proves_a_regression() -> None:
    gate = evaluate_gate(CONFIG, side("before"), side("after", WORSE["test"][1], complete=False))
    assert gate.verdict == "regressed"


def test_without_a_baseline_only_checks_are_judged() -> None:
    gate = evaluate_gate(CONFIG, None, side("after"))
    assert gate.verdict == "inconclusive"
    assert {c.kind for c in gate.conditions if c.outcome == "stable"} == {"checks"}
    assert gate.missing == (Missing("baseline"),)
    assert evaluate_gate(CONFIG, None, side("after", WORSE["check"][1])).verdict == "regressed"


def test_no_evidence_at_all_is_inconclusive_with_a_reason() -> None:
    nothing = RunEvidence({"run_id": "x", "complete": True}, Evidence())
    for config in (CONFIG, Config()):
        gate = evaluate_gate(config, None, nothing)
        assert gate.verdict == "inconclusive"
        assert gate.reasons


def test_separate_runs_are_never_stable_unless_that_is_accepted() -> None:
    after = side("after", collection_id="c2")
    result = condition(evaluate_gate(CONFIG, side("before"), after), "latency")
    assert (result.outcome, "run_noise_unknown" in reasons(result)) == ("inconclusive", True)
    accepted = Condition(name="r", kind="latency", target="api", metric="response_time", accept_single_run=True)
    config = CONFIG.model_copy(update={"condition": (accepted,)})
    assert condition(evaluate_gate(config, side("before"), after), "latency").outcome == "stable"
    far = side("after", {"samples": samples(factor=1.5, seed=2)}, collection_id="c2")
    assert condition(evaluate_gate(CONFIG, side("before"), far), "latency").outcome == "regressed"


def test_other_environments_are_not_comparable() -> None:
    gate = evaluate_gate(CONFIG, side("before"), side("after", environment="production"))
    assert reasons(condition(gate, "latency")) == {"not_comparable"}
    assert gate.verdict == "inconclusive"


def test_a_late_prober_is_asked_to_be_on_time() -> None:
    frame = samples(seed=2)
    late = {"samples": frame.assign(late_ms=np.where(frame["metric"] == "response_time", 3.0, np.nan))}
    assert "prober_late" in reasons(condition(judged(after=late), "latency"))


@pytest.mark.parametrize(("own", "asked"), [(0.001, False), (3.0, True)])
def test_only_the_probers_own_part_of_lateness_counts(own: float, asked: bool) -> None:
    frame = samples(seed=2)
    requests = frame["metric"] == "response_time"
    # With several connections the order of rows no longer tells who waited for what: the prober noted it.
    noted = frame.assign(late_ms=np.where(requests, 30.0, np.nan), own_late_ms=np.where(requests, own, np.nan))
    assert ("prober_late" in reasons(condition(judged(after={"samples": noted}), "latency"))) == asked


def test_fresh_and_reused_connections_are_two_populations() -> None:
    frames = [
        pd.concat([samples(seed=s), samples(seed=s + 5, factor=f).assign(connection="fresh")])
        for s, f in ((1, 1.0), (2, 1.4))
    ]
    gate = judged(before={"samples": frames[0]}, after={"samples": frames[1]})
    result = condition(gate, "latency")
    worse = {e.name for e in result.estimates if e.outcome == "regressed"}
    assert result.outcome == "regressed"
    assert worse == {f"api response_time, fresh connections, {q}" for q in ("p50", "slowest 5 %")}


def test_failures_and_warm_up_are_no_latencies() -> None:
    frame = samples(seed=2)
    slow = frame["sequence"].lt(200) & frame["metric"].eq("response_time")
    warm = frame.assign(warmup=slow, response_ms=np.where(slow, 900.0, frame["response_ms"]))
    result = condition(judged(after={"samples": warm}), "latency")
    assert all(e.n_candidate == 1_800 for e in result.estimates)


def test_an_objective_is_judged_by_the_candidate_alone() -> None:
    config = Config.model_validate(
        {"http": {"api": {"url": "http://127.0.0.1/", "objective": {"quantile": 0.95, "below_ms": 26}}}}
    )
    assert condition(evaluate_gate(config, None, side("after")), "objective").outcome == "stable"
    slow = {"samples": samples(factor=1.5, seed=2)}
    assert condition(judged(config, after=slow), "objective").outcome == "regressed"
    known = condition(judged(config, before=slow, after=slow), "objective")
    assert (known.outcome, "failing_on_both_sides" in reasons(known)) == ("inconclusive", True)


def test_an_objective_that_two_equal_systems_miss_a_little_is_no_regression() -> None:
    from stabkit.analyze.latency.objectives import objective_estimate
    from stabkit.config import Objective

    limit = Objective(below_ms=23.0)  # their 95th percentile is 23.6 ms; only the larger run proves it
    before, after = samples(rounds=20, each=30), samples(rounds=20, each=400, seed=2)
    outcomes = [
        objective_estimate(frame[frame["metric"] == "response_time"], limit).outcome for frame in (before, after)
    ]
    assert outcomes == ["inconclusive", "regressed"]
    config = Config.model_validate({"http": {"api": {"url": "http://127.0.0.1/", "objective": limit.model_dump()}}})
    found = condition(judged(config, before={"samples": before}, after={"samples": after}), "objective")
    assert (found.outcome, "failing_on_both_sides" in reasons(found)) == ("inconclusive", True)


def test_holm_doubts_a_lone_small_p_among_many() -> None:
    from stabkit.analyze.gate.evaluation import _after_holm

    def result(p: float, *, gating: bool = True) -> ConditionResult:
        outcome = "regressed" if p < 0.025 else "stable"
        estimate = Estimate("p50", "ms", "ratio", outcome, p_worse=p)  # type: ignore[arg-type]
        return ConditionResult("c", "latency", outcome, gating=gating, estimates=(estimate,))  # type: ignore[arg-type]

    alone = _after_holm([result(0.02)])
    among = _after_holm([result(0.02), *[result(0.5)] * 9])
    strong = _after_holm([result(0.0001), *[result(0.5)] * 9])
    shown = _after_holm([result(0.02, gating=False), *[result(0.5)] * 9])
    assert [found[0].outcome for found in (alone, among, strong, shown)] == [
        *("regressed", "inconclusive", "regressed", "regressed")
    ]
    assert among[0].needs[0].reason == "many_metrics"


def test_what_does_not_gate_does_not_decide() -> None:
    open_eyes = Condition(name="f", kind="findings", target="lint", gating=False)
    config = CONFIG.model_copy(update={"condition": (open_eyes, Condition(name="c", kind="checks", target="api"))})
    gate = judged(config, after=WORSE["finding"][1])
    assert (gate.verdict, condition(gate, "findings").outcome) == ("stable", "regressed")
    assert gate.unjudged == (Measured("api", "response_time"), Measured("server", "memory"))


def test_conditions_follow_from_the_evidence_where_none_are_declared() -> None:
    gate = judged(Config())
    kinds = {"latency", "error_rate", "resource", "checks", "tests", "findings"}
    assert {c.kind for c in gate.conditions} == kinds
    assert gate.verdict == "stable"


def with_tail(frame: pd.DataFrame, every: int) -> pd.DataFrame:
    tail = (frame["metric"] == "response_time") & (frame["sequence"] % every == 7)
    slower = frame["response_ms"].where(~tail, frame["response_ms"] * 3)
    return frame.assign(response_ms=slower, service_ms=slower)


def test_a_longer_tail_is_caught_by_few_requests() -> None:
    few = {"rounds": 15, "each": 60}
    before, after = samples(seed=1, **few), with_tail(samples(seed=2, **few), 20)
    gate = judged(before={"samples": before}, after={"samples": after})
    times = condition(gate, "latency")
    assert (gate.verdict, times.outcome, times.exact) == ("regressed", "regressed", False)
    (slowest,) = (e for e in times.estimates if e.name == "slowest 5 %")
    assert (slowest.outcome, slowest.beyond_margin) == ("regressed", True)
    slow = condition(judged(SLOW, before={"samples": before}, after={"samples": after}), "slow_requests")
    assert (slow.outcome, slow.exact) == ("regressed", False)
    assert slow.facts["limit"] == "baseline p95"
    assert list(slow.facts["slower_than_ms"]) == ["api response_time, reused connections"]


def test_slow_requests_follow_the_objective_of_their_target() -> None:
    target = {"url": "http://127.0.0.1/", "objective": {"quantile": 0.99, "below_ms": 40}}
    config = Config.model_validate({"http": {"api": target}, "condition": SLOW.condition})
    gate = judged(config, after={"samples": with_tail(samples(seed=2), 20)})
    slow = condition(gate, "slow_requests")
    assert (slow.outcome, slow.facts["limit"], slow.estimates[0].margin) == (
        "regressed",
        "objective",
        pytest.approx(0.01),
    )
    assert slow.facts["slower_than_ms"] == {"api response_time, reused connections": 40.0}


def test_slow_requests_of_separate_runs_need_more_than_the_margin() -> None:
    apart = {"run_id": "apart", "collection_id": "c2"}
    for every, outcome in ((20, "inconclusive"), (8, "regressed"), (10_000, "inconclusive")):
        after = side("after", {"samples": with_tail(samples(seed=2), every)}, **apart)
        slow = condition(evaluate_gate(SLOW, side("before"), after), "slow_requests")
        assert slow.outcome == outcome
        assert ("run_noise_unknown" in reasons(slow)) == (outcome == "inconclusive")


def test_requests_slow_by_the_prober_alone_prove_nothing() -> None:
    frame = samples(seed=2)
    late = (frame["metric"] == "response_time") & (frame["sequence"] % 10 == 7)
    frame = frame.assign(
        response_ms=frame["response_ms"] + np.where(late, 30.0, 0.0), late_ms=frame["late_ms"].mask(late, 30.0)
    )
    slow = condition(judged(SLOW, after={"samples": frame}), "slow_requests")
    assert (slow.outcome, slow.needs[0].reason) == ("inconclusive", "prober_late")
    assert slow.needs[0].side == "candidate"


def test_order_of_rows_is_irrelevant() -> None:
    def shuffled(given: RunEvidence) -> RunEvidence:
        tables = {n: given.evidence[n].sample(frac=1, random_state=3) for n in given.evidence if n != "samples"}
        return replace(given, evidence=Evidence.of(samples=given.evidence["samples"], **tables))

    before, after = side("before"), side("after", {**WORSE["finding"][1], **WORSE["test"][1]})
    plain = evaluate_gate(CONFIG, before, after)
    assert to_json(evaluate_gate(CONFIG, shuffled(before), shuffled(after))) == to_json(plain)


def test_hostile_ids_stay_as_they_are() -> None:
    names = {"<script>": "fail", "=1+1": "fail", "a\n\x1b[31m": "fail", "": "pass"}
    gate = judged(before={"tests": results(**dict.fromkeys(names, "pass"))}, after={"tests": results(**names)})
    assert {item["what"] for item in condition(gate, "tests").items} == set(names) - {""}


def test_the_hand_written_reference_report_is_inconclusive() -> None:
    """One request each, 15 of 17 tests, totals without findings: nothing of it proves stability."""

    def claimed(label: str, ms: float) -> RunEvidence:
        one = samples(rounds=1, each=1).query("metric == 'response_time'").assign(response_ms=ms, service_ms=ms)
        whole = {"scan_id": "lint", "tool": "compliance", "scope": "all", "files_scanned": 1138, "complete": True}
        totals = pd.DataFrame([{**whole, "claimed_findings": 15, "claimed_score": 98.7}])
        names = {f"t{i}": "pass" for i in range(15)} | {"env1": "fail", "env2": "fail"}
        row = {"run_id": label, "environment": "staging", "complete": True}
        evidence = Evidence.of(samples=one, checks=checks(status="pass"), tests=results(**names), scans=totals)
        return RunEvidence(row, evidence)

    gate = evaluate_gate(Config(), claimed("before", 125.0), claimed("after", 126.0))
    assert gate.verdict == "inconclusive"
    assert "one_sample" in reasons(condition(gate, "latency"))
    assert next(n for n in condition(gate, "latency").needs if n.reason == "one_sample").amount is not None
    assert condition(gate, "tests").outcome == "stable"
    assert condition(gate, "tests").facts["candidate_pass"] == "15/17"
    assert condition(gate, "findings").outcome == "inconclusive"


def test_the_request_that_opens_a_reused_connection_is_no_population() -> None:
    def opened(seed: int) -> dict[str, pd.DataFrame]:
        frame = samples(seed=seed)
        first = frame["sequence"].eq(0) & frame["metric"].eq("response_time")
        return {"samples": frame.assign(warmup=first, connection=frame["connection"].mask(first, "fresh"))}

    gate = judged(before=opened(1), after=opened(2))
    assert gate.verdict == "stable"
    assert condition(gate, "latency").facts["populations"] == 1
    assert condition(gate, "error_rate").estimates[0].n_candidate == 2_000


class TestFailedSources:
    """A source that failed casts doubt where it is read, and nowhere else; but never is it forgotten."""

    CONFIG = """
        [http.one]
        url = "http://127.0.0.1:1/"
        [http.two]
        url = "http://127.0.0.1:2/"
        [[condition]]
        name = "one contract"
        kind = "checks"
        target = "one"
    """

    @staticmethod
    def side(failed_target):
        sources = pd.DataFrame(
            {"kind": ["http"], "path": ["http://127.0.0.1:2/"], "status": ["error"], "target": [failed_target]}
        )
        checks = pd.DataFrame({"target": ["one"], "check": ["status"], "outcome": ["pass"]})
        run = {"run_id": f"r-{failed_target}", "environment": "test", "complete": False, "collection_id": "c"}
        return run, Evidence.of(sources=sources, checks=checks)

    @pytest.mark.parametrize(
        ("failed_target", "doubted"), [("one", "one contract"), (None, "one contract"), ("two", "evidence")]
    )
    def test_it_doubts_its_own_conditions_and_is_never_forgotten(self, tmp_path, failed_target, doubted):
        path = tmp_path / "stabkit.toml"
        path.write_text(textwrap.dedent(self.CONFIG))
        run, evidence = self.side(failed_target)
        baseline = RunEvidence({**run, "run_id": "before"}, evidence)
        gate = evaluate_gate(load_config(path), baseline, RunEvidence(run, evidence))
        assert gate.verdict == "inconclusive"
        outcomes = {condition.name: condition.outcome for condition in gate.conditions}
        assert outcomes[doubted] == "inconclusive"
        if doubted == "evidence":
            assert outcomes["one contract"] == "stable"


@pytest.mark.parametrize("kind", ["latency", "slow_requests", "objective"])
@pytest.mark.parametrize("value", [np.nan, 0.0, np.inf])
def test_good_requests_without_a_usable_time_are_missing_evidence(kind: str, value: float) -> None:
    only = Config(
        condition=(
            Condition.model_validate({"name": kind, "kind": kind, "objective": {"quantile": 0.5, "below_ms": 99}}),
        )
    )
    holed = samples()
    holed.loc[holed.index[::2], ["response_ms", "service_ms"]] = value
    gate = judged(only, before={"samples": samples()}, after={"samples": holed})
    assert gate.verdict == "inconclusive"
    assert reasons(condition(gate, kind)) == {"missing"}


def test_resources_in_other_units_are_not_comparable() -> None:
    only = Config(condition=(Condition(name="memory", kind="resource", metric="memory"),))
    used = pd.DataFrame(
        {
            "target": "api",
            "metric": "memory",
            "round": range(20),
            "sequence": range(20),
            "value": 60.0,
            "unit": "MB",
            "ok": True,
        }
    )
    other = used.assign(unit="KB")
    assert judged(only, before={"samples": used}, after={"samples": used}).verdict == "stable"
    assert reasons(condition(judged(only, before={"samples": used}, after={"samples": other}), "resource")) == {
        "not_comparable"
    }


def many(before: str | list[str], *, changed: int, of: int, to: str | list[str]) -> dict[str, pd.DataFrame]:
    return {"tests": results(**{f"t{i:02}": to if i < changed else before for i in range(of)})}


@pytest.mark.parametrize(("changed", "outcome"), [(5, "stable"), (6, "inconclusive"), (40, "inconclusive")])
def test_more_tests_that_pass_only_when_tried_again_than_chance_explains_are_not_stable(changed, outcome) -> None:
    before, after = many("pass", changed=0, of=40, to=""), many("pass", changed=changed, of=40, to=["fail", "pass"])
    assert condition(judged(before=before, after=after), "tests").outcome == outcome


def test_as_many_flakes_on_both_sides_are_no_change() -> None:
    # The baseline's flakes were not tried again: they failed, and pass now.
    before, after = many("pass", changed=9, of=60, to="fail"), many("pass", changed=9, of=60, to=["fail", "pass"])
    shifted = {
        "tests": after["tests"].assign(test_id=after["tests"]["test_id"].map(lambda name: f"t{59 - int(name[1:]):02}"))
    }
    found = condition(judged(before=before, after=shifted), "tests")
    assert (found.facts["flaky"], found.facts["fixed"], found.outcome) == (9, 9, "improved")


def test_a_test_that_passed_and_is_now_expected_to_fail_is_not_stable() -> None:
    before, after = many("pass", changed=0, of=20, to=""), many("pass", changed=2, of=20, to="xfail")
    found = condition(judged(before=before, after=after), "tests")
    assert (found.outcome, reasons(found)) == ("inconclusive", {"not_checked"})
    known = many("pass", changed=2, of=20, to="xfail")
    assert condition(judged(before=known, after=known), "tests").outcome == "stable"


def test_times_alone_are_not_stable_where_requests_fail_that_did_not_before() -> None:
    rules = [{"name": "time", "kind": "latency", "target": "api", "metric": "response_time"}]
    alone = Config.model_validate({"condition": rules})
    failing = {"samples": samples(seed=2, failed=100)}
    found = condition(judged(alone, after=failing), "latency")
    assert (found.outcome, reasons(found)) == ("inconclusive", {"not_checked"})
    assert condition(judged(alone, before=failing, after=failing), "latency").outcome == "stable"
    rules.append({"name": "errors", "kind": "error_rate", "target": "api"})
    assert condition(judged(Config.model_validate({"condition": rules}), after=failing), "latency").outcome == "stable"


def test_a_scan_that_lists_less_of_what_it_claims_than_before_cannot_be_compared() -> None:
    listed = {"findings": findings({"path": "old.py"})}
    before, after = ({**listed, "scans": scans(claimed_findings=claimed)} for claimed in (3, 30))
    assert condition(judged(before=before, after=after), "findings").outcome == "inconclusive"
    assert condition(judged(before=after, after=after), "findings").outcome == "stable"
