"""The verdict: every condition judged, Holm's correction over the measured ones, and what the whole amounts to.

STABLE needs every gating condition to be stable or improved and nothing missing; REGRESSED needs one that is proven
worse; all else is INCONCLUSIVE.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pandas as pd

from stabkit.analyze.acceptances import accepted_condition, what_is_accepted
from stabkit.analyze.checks import CheckComparison, check_states, worst_checks
from stabkit.analyze.facts import About, Measured, Missing
from stabkit.analyze.gate.following import conditions_of
from stabkit.analyze.gate.kinds.measured import unjudged_failures
from stabkit.analyze.gate.kinds.unjudged import compare_the_rest
from stabkit.analyze.gate.looks import stated_confidence
from stabkit.analyze.gate.planning import plan_collection
from stabkit.analyze.latency import different_load, round_gaps
from stabkit.analyze.outcome import ConditionResult, Estimate, Gate, Need, VerdictWord
from stabkit.analyze.sides import RunEvidence, Sides
from stabkit.analyze.statistics import CONFIDENCE, LEVEL, MetricNoise, holm_limit, level_of
from stabkit.config import Condition, Config
from stabkit.errors import StabkitError
from stabkit.kinds import KINDS, NO_CONDITION, Kind, kind_of
from stabkit.schema import Evidence
from stabkit.vocabulary import CONDITION_SEVERITIES, OPEN, OUTCOMES

__all__ = [
    "RunEvidence", "confidence_of", "evaluate_gate", "evaluate_sides", "judge_alone", "settle",
]  # fmt: skip

# What these needs ask for, no further round of the same gives.
_NOT_BY_ROUNDS: Final = frozenset(
    {"missing", "not_collected", "partial", "not_checked", "undeclared", "not_comparable"}
)


def evaluate_gate(
    config: Config,
    baseline: RunEvidence | None,
    candidate: RunEvidence,
    *,
    history: Evidence | None = None,
    noise: Sequence[MetricNoise] = (),
    confidence: float | None = None,
    history_runs: pd.DataFrame | None = None,
) -> Gate:
    """Judge every condition and return the verdict with everything it rests on.

    Parameters
    ----------
    config : Config
        Its conditions; without any, those that follow from the evidence itself (:func:`.conditions_of`).
    baseline : RunEvidence or None
        None: whatever compares is inconclusive; checks and objectives are judged all the same.
    candidate : RunEvidence
        The run to be judged.
    history : Evidence, optional
        Tables of earlier runs of the same environment, for flake rates and reopened findings.
    noise : sequence of MetricNoise
        What A/A runs of the same environment have shown (:func:`.measure_noise`). It covers
        separate runs; where A/A runs alarm too often, measured times are inconclusive.
    confidence : float, optional
        Of every measured interval. None: what the last planned look of either run says, else 0.95.
    history_runs : DataFrame, optional
        The rows of the table ``runs`` that the history belongs to; they tell which tests are to be expected.

    Returns
    -------
    Gate
        Conditions in order of weight.

    Notes
    -----
    Holm's correction at the one-sided error of the bounds, 2.5 % unless looks are planned, runs over the p-values of
    all gating estimates; a measured condition that is regressed by itself but not after the correction is
    inconclusive. Exact regressions need no correction.
    """
    stated = confidence_of(baseline, candidate) if confidence is None else confidence
    return evaluate_sides(Sides(config, baseline, candidate, history, tuple(noise), stated, history_runs))


def confidence_of(*runs: RunEvidence | None) -> float:
    """Return the confidence of every measured interval: what the last planned look of a run says, else 0.95."""
    return max(stated_confidence(run.fact("looks")) for run in runs if run is not None)


def evaluate_sides(sides: Sides) -> Gate:
    """Judge two sides as :func:`evaluate_gate` does."""
    conditions = conditions_of(sides)
    judged = [_judge(condition, sides) for condition in conditions]
    judged = [
        accepted_condition(result, _faults(condition, result, sides), sides)
        for condition, result in zip(conditions, _after_holm(judged, level_of(sides.confidence)), strict=True)
    ]
    missing = _missing(sides)
    judged += _evidence_results(judged, conditions, sides)
    ordered = tuple(sorted(judged, key=_weight))
    others = compare_the_rest((result.comparison for result in judged), sides)
    unjudged = _unjudged(conditions, sides)
    accepted = what_is_accepted(ordered, others, sides)
    plan = plan_collection(ordered, sides)
    return Gate(_verdict(ordered), ordered, missing, unjudged, sides.confidence, others, plan, accepted)


def judge_alone(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge one condition as :func:`evaluate_sides` does, before the rules of the whole gate."""
    return _judge(condition, sides)


def settle(
    results: Sequence[ConditionResult], confidence: float = CONFIDENCE
) -> tuple[list[ConditionResult], VerdictWord]:
    """Return results after the rules of the whole gate, Holm's correction, and the verdict that they amount to."""
    settled = _after_holm(results, level_of(confidence))
    return settled, _verdict(settled)


def _judge(condition: Condition, sides: Sides) -> ConditionResult:
    kind = KINDS[condition.kind]
    result = _judged_by_plugin(kind, condition, sides) if kind.plugged else kind.judge(condition, sides)
    faults = _faults(condition, result, sides)
    if not faults or result.outcome == "regressed":
        return result
    return replace(result, outcome="inconclusive", needs=(*result.needs, *faults))


def _judged_by_plugin(kind: Kind, condition: Condition, sides: Sides) -> ConditionResult:
    """Return what a judge of another package says; where it fails there is no verdict, and the plugin is named."""
    try:
        result = kind.judge(condition, sides)
    except StabkitError:
        raise
    except Exception as error:
        raise _lame(kind, f"{type(error).__name__}: {str(error)[:200]}") from error
    if not isinstance(result, ConditionResult) or (result.name, result.kind) != (condition.name, condition.kind):
        raise _lame(kind, "it returns no result of the condition that it was given")
    return result


def _lame(kind: Kind, what: str) -> StabkitError:
    return StabkitError(
        f"The judge of {kind.name!r}, which a plugin brings, failed: {what}.",
        where=kind.judged_by,
        hint="Tell whoever wrote the plugin, or take the condition out of stabkit.toml.",
    )


def _faults(condition: Condition, result: ConditionResult, sides: Sides) -> tuple[Need, ...]:
    """Return what keeps a condition from being stable, whatever its judge says."""
    failures = KINDS[condition.kind].judges == "failures"
    faults = sides.faults(_source_kinds(condition, sides), condition.target, failures=failures)
    faults += unjudged_failures(condition, sides) + different_load(condition, sides) + round_gaps(condition, sides)
    return faults + _elsewhere(result, sides)


def _elsewhere(result: ConditionResult, sides: Sides) -> tuple[Need, ...]:
    """Return why items of two environments cannot show stability: of one alone nothing says what the change did."""
    need = sides.other_environment
    compares = KINDS[result.kind].compares and KINDS[result.kind].judges == "items"
    return (need,) if need is not None and compares and need not in result.needs else ()


def _source_kinds(condition: Condition, sides: Sides) -> tuple[str, ...]:
    kind = KINDS[condition.kind]
    if kind.probed and condition.target in sides.config.http:
        return ("http", "load", "records")
    if kind.probed and condition.target in sides.config.websocket:
        return ("websocket", "load", "records")
    return (*kind.sources, "changes") if condition.target == "changes" else kind.sources


def _after_holm(results: Sequence[ConditionResult], level: float = LEVEL) -> list[ConditionResult]:
    """Return the results, those measured regressions doubted that do not stand among so many metrics."""
    found = [_p(e, level) for result in results if result.gating for e in result.estimates]
    family = [p for p in found if p is not None]
    limit = holm_limit(family, level)
    return [_doubted(result, limit, len(family), level) for result in results]


def _p(estimate: Estimate, level: float) -> float | None:
    """Return the one-sided p; a regression without one has at least excluded 'no change' at its bound's level."""
    if estimate.p_worse is not None and math.isfinite(estimate.p_worse):
        return estimate.p_worse
    return level if estimate.outcome == "regressed" else None


def _doubted(result: ConditionResult, limit: float, metrics: int, level: float) -> ConditionResult:
    if result.outcome != "regressed" or result.exact or not result.gating:
        return result
    worse = [p for e in result.estimates if e.outcome == "regressed" and (p := _p(e, level)) is not None]
    if any(p <= limit for p in worse):
        return result
    among = Need(None, "rounds", "many_metrics", numbers=(("metrics", metrics),))
    return replace(result, outcome="inconclusive", needs=(among, *result.needs))


def _verdict(results: Sequence[ConditionResult]) -> VerdictWord:
    gating = [result.outcome for result in results if result.gating]
    if "regressed" in gating:
        return "regressed"
    return "stable" if gating and set(gating) <= {"stable", "improved"} else "inconclusive"


def _weight(result: ConditionResult) -> tuple[int, bool, bool, int, bool, float, str]:
    known = result.severity in CONDITION_SEVERITIES
    severity = CONDITION_SEVERITIES.index(result.severity) if known else len(CONDITION_SEVERITIES)
    # Of what is open that comes first which no further round cures, then what is nearest to harm.
    cured = result.outcome != "inconclusive" or not any(need.reason in _NOT_BY_ROUNDS for need in result.needs)
    # How many requests are slow follows from how slow they are, which says more where both are known.
    follows = kind_of(result.kind).follows
    return (OUTCOMES.index(result.outcome), not result.gating, cured, severity, follows, -_size(result), result.name)


def _size(result: ConditionResult) -> float:
    """How near to harm the worst of a condition is: items that are open or broken, else the worsening in margins."""
    shifts = [
        (e.change - (e.scale == "ratio")) * (-1 if e.worse == "lower" else 1) / (e.margin or 1.0)
        for e in result.estimates
        if e.change is not None
    ]
    broken = sum(bool(item.get("blocks", item.get("gates", True))) for item in result.items)
    return max([shift for shift in shifts if math.isfinite(shift)], default=0.0) + broken


def _evidence_results(
    judged: Sequence[ConditionResult], conditions: Sequence[Condition], sides: Sides
) -> list[ConditionResult]:
    """Return an open condition for whatever would leave an inconclusive verdict without a reason.

    A failed source or declared evidence that is missing blocks STABLE even where no condition speaks of it.
    """
    open_ = any(result.gating and result.outcome in OPEN for result in judged)
    covered = [
        (_source_kinds(condition, sides), condition.target, KINDS[condition.kind].judges == "times")
        for condition in conditions
        if condition.gating
    ]
    # Of a summary the failures are judged; that its times prove nothing is open, unless failures alone are asked for.
    asked = bool(sides.config.conditions)
    needs = [
        source.need
        for source in sides.failed_sources
        if not any(
            source.concerns(kinds, target) and (asked or times or not source.counted)
            for kinds, target, times in covered
        )
    ]
    if sides.unsourced:
        needs.append(Need(None, "evidence", "partial", "unsourced", sides.unsourced, side="candidate"))
    needs += _unjudged_checks(conditions, sides)
    needs += [
        Need(None, "evidence", "partial", "collection", side=name)
        for name, side in sides.named
        if not side.complete and not open_
    ]
    if not open_:
        needs += [Need(None, "evidence", "missing", "declared", (what,)) for what in _missing(sides)]
    if not any(result.gating for result in judged) and not sides.failed_sources:
        needs.insert(0, Need(None, "evidence", "missing", "conditions"))
    if not needs:
        return []
    unique = tuple(dict.fromkeys(needs))
    return [ConditionResult("evidence", NO_CONDITION.name, "inconclusive", severity="high", needs=unique)]


def _unjudged_checks(conditions: Sequence[Condition], sides: Sides) -> list[Need]:
    """Return which verdicts of a load tool no condition asks for: those that fail now and did not, and those gone."""
    rules = [rule for rule in conditions if rule.kind == "checks" and rule.gating]
    told = [_of_load_tools(frame, rules) for frame in sides.table("checks")]
    if all(frame.empty for frame in told):
        return []
    before, after = (worst_checks(frame) for frame in told)
    states = check_states(CheckComparison(before, after), level=level_of(sides.confidence))
    broken = [one.key for one in states if one.state in ("fail", "unproven")]
    # What failed before may be gone because it holds: most tools write down failed assertions alone.
    gone = [one.key for one in states if one.state == "missing" and one.row["outcome"] == "pass"]
    about: tuple[tuple[About, list[tuple[str, str]]], ...] = (("failing_checks", broken), ("gone_checks", gone))
    return [
        Need(None, "evidence", "not_checked", what, tuple(": ".join(key) for key in found), side="candidate")
        for what, found in about
        if found
    ]


def _of_load_tools(checks: pd.DataFrame, rules: Sequence[Condition]) -> pd.DataFrame:
    """Return the counted checks that no probe made and none of these conditions asks for."""
    spoken_of = pd.Series(data=False, index=checks.index)
    for rule in rules:
        same = rule.target is None or checks["target"] == rule.target
        spoken_of |= same & (rule.metric is None or checks["check"] == rule.metric)
    theirs = checks["failed"].notna() & checks["undecided"].isna() & (checks["target"] != "changes")
    return checks[theirs & ~spoken_of]


_NAMES: Final = (("samples", "target"), ("tests", "suite"))


def _missing(sides: Sides) -> tuple[Missing, ...]:
    """Return what is declared and not there."""
    config = sides.config
    absent: dict[Missing, list[str]] = {}  # what -> the sides that lack it
    for name, side in sides.named:
        evidence = side.evidence
        targets, suites = (set(evidence[table][column].unique()) for table, column in _NAMES)
        lacking = [Missing("samples", t) for t in (*config.http, *config.websocket) if t not in targets]
        lacking += [Missing("readings", t) for t in (*config.resources, *config.prometheus) if t not in targets]
        lacking += [Missing("tests", suite) for suite in config.tests if suite not in suites]
        scans = evidence["scans"]
        for scan in config.scans:
            named = (scans["scan_id"] == scan) | scans["scan_id"].str.startswith(f"{scan}#") | (scans["tool"] == scan)
            if not named.any() and (len(config.scans) > 1 or scans.empty):
                lacking.append(Missing("scan", scan))
        reports = set(evidence["coverage"]["report"])
        lacking += [Missing("coverage", name) for name in config.coverage if name not in reports]
        for what in lacking:
            absent.setdefault(what, []).append(name)
    found = [] if sides.baseline is not None else [Missing("baseline")]
    found += [replace(what, sides=tuple(names)) for what, names in absent.items()]
    if config.changes is not None and not sides.candidate.range_examined:
        found.append(Missing("changes", sides=("candidate",)))
    return tuple(found)


def _unjudged(conditions: Sequence[Condition], sides: Sides) -> tuple[Measured, ...]:
    """Return the metrics in the candidate's evidence that no condition speaks of."""
    samples = sides.candidate.evidence["samples"]
    # A hop is a part of a request, whose whole time is judged.
    samples = samples.loc[samples["hop"].isna(), ["target", "metric"]].drop_duplicates()
    rules = [c for c in conditions if KINDS[c.kind].judges != "items"]

    def spoken_of(target: str, metric: str) -> bool:
        return any(c.target in (None, target) and c.metric in (None, metric) for c in rules)

    rows = sorted(samples.itertuples(index=False, name=None))
    return tuple(Measured(target, metric) for target, metric in rows if not spoken_of(target, metric))
