"""How risky a change is: one level for the whole of it, by rank in its own repository's history, and one a file.

Risk explains; only configured conditions gate. Nothing here says that a change caused anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import PurePosixPath
from typing import Any, Final, Literal

import pandas as pd

from stabkit.analyze.change.coincidence import Suspect, suspects
from stabkit.analyze.change.recorded_facts import distinct_facts, is_grave, range_checks
from stabkit.analyze.outcome import Gate
from stabkit.vocabulary import BAD, GRAVE_FACTS, RISK_LEVELS, STATUS_COUNTS

__all__ = ["RANK_LEVELS", "ChangeRisk", "Reason", "assess_changes", "change_risk"]

Level = Literal["NONE", "MINIMAL", "LOW", "MEDIUM", "HIGH"]

RANK_LEVELS: Final[tuple[tuple[Level, float], ...]] = (
    *(("MINIMAL", 100 / 3), ("LOW", 200 / 3)),
    *(("MEDIUM", 90.0), ("HIGH", 100.0)),
)
"""Levels of a rank, each with the percentile where it ends."""

_TENTH: Final = 90.0
# What a fact that is_grave raises a change to, at least.
_RAISED_TO: Final[Mapping[str, Level]] = dict.fromkeys(GRAVE_FACTS, "HIGH")
_CRITICAL: Final = ("critical", "high")
_IDLE: Final = ("doc", "test")
_NO_RUNTIME: Final = ("ci", "tooling")
_CODE: Final = ("internal", "api", "migration")
_COLUMNS: Final = (
    *("path", "old_path", "status", "added", "deleted", "category", "area", "functions", "importers", "owner"),
    *("criticality", "value", "tests_alongside", "partners"),
)


@dataclass(frozen=True)
class Reason:
    """Why a level is what it is.

    Attributes
    ----------
    code : str
        What kind of reason, as :mod:`stabkit.report.words` says it.
    names : tuple of str
        What it speaks of.
    value : float or None
        Its number: a percentile, a count.
    raises : bool
        True if it raised the level; what only explains does not.
    """

    code: str
    names: tuple[str, ...] = ()
    value: float | None = None
    raises: bool = False


@dataclass(frozen=True)
class ChangeRisk:
    """How risky a whole change is.

    Attributes
    ----------
    level : str or None
        Of :data:`stabkit.vocabulary.RISK_LEVELS`; None where too little history leaves it unknown.
    percentile : float or None
        Where the change ranks among earlier ones of the same repository, 0 to 100.
    inputs : mapping
        What it was ranked by: ``steps, compared, lines_added, files, folders, experience``; empty if not recorded.
    reasons : tuple of Reason
        What made the level, what raised it first.
    """

    level: Level | None
    percentile: float | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()


def change_risk(changes: pd.DataFrame, checks: pd.DataFrame, gate: Gate | None = None) -> ChangeRisk:
    """Return the one level of a whole change.

    Parameters
    ----------
    changes, checks : DataFrame
        Those tables of the candidate.
    gate : Gate, optional
        The verdict: what it found broken in changed files raises the level.

    Returns
    -------
    ChangeRisk
        NONE: documents, tests and code equal but for comments and format. MINIMAL: nothing that runs in production, or
        settings and dependencies without code. Code by its percentile among earlier changes of code of as many steps:
        MINIMAL in the lower third (of several steps LOW), LOW in the middle one, MEDIUM in the upper one, HIGH in the
        upper tenth; unknown with too little history. Raised: to HIGH by what is proven to take something away, by a
        test that broke or a finding that is new in a changed file; one level by a changed file of a critical area.

    Notes
    -----
    Lines added in code predict trouble better than any rule we tried; a rank within the repository keeps its meaning
    where trained models age. Measured by ``benchmarks/risk.py``; see ``docs/decisions/0022-risk-by-rank.md``.
    """
    if changes.empty:
        return ChangeRisk(None, reasons=(Reason("no_change"),), inputs={})
    inputs = _inputs(changes)
    percentile = inputs.pop("percentile", None)
    idle = [_is_idle(row) for row in changes.to_dict("records")]
    running = changes[~(pd.Series(idle, index=changes.index) | changes["category"].isin(_NO_RUNTIME))]
    raised = list(_raised(running, checks, gate))
    if running.empty and not raised:
        code: Level = "NONE" if all(idle) else "MINIMAL"
        return ChangeRisk(code, percentile, inputs, (Reason("idle" if all(idle) else "no_runtime"),))
    level, reason = _ranked(percentile, inputs)
    critical = sorted(set(running.loc[running["criticality"].isin(_CRITICAL), "area"].dropna()))
    if critical:
        level = RISK_LEVELS[min(_at(level or "LOW") + 1, _at("HIGH"))]
    for floor in map(_floor, raised):
        level = floor if level is None or _at(floor) > _at(level) else level
    raised += [Reason("critical", tuple(critical), raises=True)] if critical else []
    return ChangeRisk(level, percentile, inputs, (*raised, reason))


def _ranked(percentile: float | None, inputs: Mapping[str, Any]) -> tuple[Level | None, Reason]:
    if inputs.get("files") == 0:
        return "MINIMAL", Reason("no_code")
    if percentile is None:
        return None, Reason("no_rank")
    level = next((name for name, end in RANK_LEVELS if percentile < end), RANK_LEVELS[-1][0])
    # Of many steps each one may go wrong, however small all of them are beside others as many.
    several = (inputs.get("steps") or 1) > 1
    return "LOW" if several and level == "MINIMAL" else level, Reason("rank", value=percentile)


def _floor(reason: Reason) -> Level:
    """Return what a reason raises to at least, a whole change and a file alike."""
    return _RAISED_TO[reason.names[0]] if reason.code == "grave" else "HIGH"


def _at(level: Level) -> int:
    return RISK_LEVELS.index(level)


def _inputs(changes: pd.DataFrame) -> dict[str, Any]:
    told = changes["rank"].dropna()
    try:
        found = json.loads(told.iloc[0]) if len(told) else {}
    except (ValueError, RecursionError):
        return {}
    # A record may hold anything; what is no number says nothing.
    known = found.items() if isinstance(found, dict) else ()
    return {name: value for name, value in known if value is None or (type(value) in (int, float) and 0 <= value < inf)}


def _raised(running: pd.DataFrame, checks: pd.DataFrame, gate: Gate | None) -> Iterator[Reason]:
    grave = [one for one in distinct_facts(range_checks(checks)) if is_grave(one)]
    for fact in dict.fromkeys(str(one["fact"]) for one in grave):
        paths = tuple(dict.fromkeys(str(one["path"]) for one in grave if one["fact"] == fact))
        yield Reason("grave", (fact, *paths), sum(one["fact"] == fact for one in grave), raises=True)
    if gate is None or running.empty:
        return
    for code, kind in (("tests_broken", "tests"), ("findings_new", "findings")):
        near = [found for found in suspects(running, gate) if found.kind == kind and found.near]
        if near:
            names = tuple(dict.fromkeys(found.item for found in near))
            yield Reason(code, names, len(names), raises=True)


def assess_changes(
    changes: pd.DataFrame,
    *,
    checks: pd.DataFrame | None = None,
    tests: pd.DataFrame | None = None,
    gate: Gate | None = None,
) -> pd.DataFrame:
    """Return each changed file with its risk level and the reasons for it.

    Parameters
    ----------
    changes : DataFrame
        The table ``changes``; not changed. Without rows the result has none either.
    checks, tests : DataFrame, optional
        Tables of the candidate: what the range is proven to do, and which tests passed.
    gate : Gate, optional
        The verdict: tests that broke and findings that are new.

    Returns
    -------
    DataFrame
        ``path, old_path, status, added, deleted, category, area, functions, importers, owner, criticality, value,
        tests_alongside, partners, level, reasons``, riskiest first, then by changed lines. ``reasons`` is a tuple of
        :class:`Reason`, what raised the level first.

    Notes
    -----
    NONE: documents, tests, or code equal but for comments and format. MINIMAL: no runtime code, or only additions in a
    module that nothing imports. LOW: runtime code, and nothing else known. MEDIUM: among the tenth of files of this
    repository that changed most, or a migration. HIGH: it is proven to take something away, a test that imports it
    broke, a finding in it is new; or MEDIUM in a critical area. Whether tests passed explains, and raises nothing.
    """
    grave: dict[str, list[str]] = {}
    for one in distinct_facts(range_checks(checks)) if checks is not None else ():
        if is_grave(one):
            grave.setdefault(str(one["path"]), []).append(str(one["fact"]))
    near = [found for found in suspects(changes, gate) if found.near] if gate is not None and len(changes) else []
    rows = []
    for change in changes.to_dict("records"):
        facts = {name: value if _known(value) else None for name, value in change.items()}
        own = [name for path in (facts["path"], facts["old_path"]) for name in grave.get(path or "", ())]
        level, reasons = _level(facts, own, [found for found in near if found.path == facts["path"]], tests)
        rows.append(facts | {"level": level, "reasons": tuple(reasons)})
    frame = pd.DataFrame(rows, columns=[*_COLUMNS, "level", "reasons"])
    if frame.empty:
        return frame
    for name in ("added", "deleted", "importers"):
        frame[name] = frame[name].astype("Int64")
    size = frame["added"].fillna(0) + frame["deleted"].fillna(0)
    order = frame.assign(rank=-frame["level"].map(RISK_LEVELS.index), size=-size)
    return frame.loc[order.sort_values(["rank", "size", "path"], kind="stable").index].reset_index(drop=True)


def _level(
    change: Mapping[str, Any], grave: list[str], near: list[Suspect], tests: pd.DataFrame | None
) -> tuple[Level, list[Reason]]:
    raised = [Reason("grave", (fact,), grave.count(fact), raises=True) for fact in dict.fromkeys(grave)]
    for code, kind in (("tests_broken", "tests"), ("findings_new", "findings")):
        if names := tuple(dict.fromkeys(found.item for found in near if found.kind == kind)):
            raised.append(Reason(code, names, len(names), raises=True))
    category = change["category"]
    if not raised and (category in _IDLE or change["docs_only"]):
        return "NONE", [Reason("category", (category,)) if category in _IDLE else Reason("same_code")]
    rules = list(_rules(change))
    critical = change["criticality"] if change["criticality"] in _CRITICAL else None
    about = [*_tested(change["path"], tests)]
    if raised or (rules and critical):
        extra = [Reason("critical", (critical,), raises=True)] if critical else []
        floors: list[Level] = ["HIGH"] if rules and critical else [_floor(one) for one in raised]
        return max(floors, key=_at), [*raised, *rules, *extra, *about]
    if rules:
        return "MEDIUM", [*rules, *about]
    if category in _NO_RUNTIME:
        return "MINIMAL", [Reason("category", (category,))]
    if change["importers"] == 0 and change["deleted"] == 0:
        return "MINIMAL", [Reason("only_additions")]
    return "LOW", [Reason("no_rule"), *about]


def _rules(change: Mapping[str, Any]) -> Iterator[Reason]:
    percentile = change["churn_percentile"]
    if percentile is not None and percentile >= _TENTH and change["category"] in _CODE:
        yield Reason("churn", value=percentile, raises=True)
    if change["category"] == "migration":
        yield Reason("migration", raises=True)


def _tested(path: str, tests: pd.DataFrame | None) -> Iterator[Reason]:
    """Yield what is known of tests named after a module, where tests were recorded at all."""
    if tests is None or tests.empty:
        return
    stem = PurePosixPath(path).stem
    word = re.compile(rf"(^|[^A-Za-z0-9])(test_{re.escape(stem)}|{re.escape(stem)}_test)($|[^A-Za-z0-9_])")
    named = tests[tests["test_id"].map(lambda text: word.search(text) is not None)]
    # A test that passed only on a retry is no proof, so every attempt must have passed.
    bad = tuple(sorted(set(named.loc[named["status"].isin(BAD), "test_id"])))
    if bad:
        yield Reason("tests_failed", bad, len(bad))
        return
    passed = named.loc[named["status"].isin(STATUS_COUNTS["passed"]), "test_id"].nunique()
    yield Reason("tests_passed", value=passed) if passed else Reason("no_tests")


def _is_idle(change: Mapping[Any, Any]) -> bool:
    return change["category"] in _IDLE or (_known(change["docs_only"]) and bool(change["docs_only"]))


def _known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and pd.isna(value)) and value is not pd.NA
