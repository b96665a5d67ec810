"""What a change touches: a risk level per file with its reasons, the readiness checklist, and what follows.

Impact explains; only configured conditions gate. Nothing here says that a change caused anything.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

import pandas as pd

from stabkit.analyze.change.checklist_lines import readiness
from stabkit.analyze.outcome import Gate
from stabkit.config import Area, Config
from stabkit.vocabulary import BAD, STATUS_COUNTS

__all__ = ["LEVELS", "area_coincidence", "assess_changes", "readiness"]

LEVELS: Final = ("NONE", "MINIMAL", "LOW", "MEDIUM", "HIGH")
_PERCENTILE: Final = 90.0  # of this repository's own history: doi:10.1109/TSE.2012.70 for the features
_CRITICAL: Final = ("critical", "high")
_COLUMNS: Final = ("path", "status", "added", "deleted", "category", "area", "functions", "importers", "owner")


def assess_changes(
    changes: pd.DataFrame,
    *,
    tests: pd.DataFrame | None = None,
    checks: pd.DataFrame | None = None,
    config: Config | None = None,
) -> pd.DataFrame:
    """Return each changed file with its risk level and the reasons for it.

    Parameters
    ----------
    changes : DataFrame
        The table ``changes``; not changed. Without rows the result has none either.
    tests, checks : DataFrame, optional
        Tables of the candidate: which tests passed, and the checklist lines (target ``changes``). Without tests no file
        is LOW.
    config : Config, optional
        Criticality, owner and value of areas, where the rows do not state them.

    Returns
    -------
    DataFrame
        ``path, status, added, deleted, category, area, functions, importers, owner, criticality, value, level, reasons,
        rules``, riskiest first, then by changed lines. ``reasons`` is one text, parts separated by ``"; "``; ``rules``
        a tuple of the rules that fired.

    Notes
    -----
    NONE: documents, tests, or code equal without comments and docstrings. MINIMAL: no runtime code, or only additions
    in a module that nothing imports. LOW: no rule fired, and tests named after it passed. MEDIUM: a rule fired, or no
    test evidence. HIGH: a rule fired on a critical path, or a checklist "no" in this file. A rule fires at the 90th
    percentile of this repository's own churn, and on a migration; a percentile that is null never fires.
    """
    failed = checks is not None and bool(((checks["target"] == "changes") & (checks["outcome"] == "fail")).any())
    rows = []
    for change in changes.to_dict("records"):
        facts = _with_area(change, config)
        level, reasons, rules = _level(facts, _refused(facts, failed=failed), tests)
        rows.append(facts | {"level": level, "reasons": "; ".join(reasons), "rules": tuple(rules)})
    columns = [*_COLUMNS, "criticality", "value", "level", "reasons", "rules"]
    frame = pd.DataFrame(rows, columns=columns)
    if frame.empty:
        return frame
    for name in ("added", "deleted", "importers"):
        frame[name] = frame[name].astype("Int64")
    size = frame["added"].fillna(0) + frame["deleted"].fillna(0)
    order = frame.assign(rank=-frame["level"].map(LEVELS.index), size=-size)
    return frame.loc[order.sort_values(["rank", "size", "path"], kind="stable").index].reset_index(drop=True)


def area_coincidence(changes: pd.DataFrame, gate: Gate) -> pd.DataFrame:
    """Return which changed areas each regressed condition coincides with; it says nothing of causes.

    Returns
    -------
    DataFrame
        ``condition, target, metric, area, files, added, deleted``; areas that hold only documents and tests are left
        out. No rows without a regression.
    """
    columns = ["condition", "target", "metric", "area", "files", "added", "deleted"]
    runtime = changes[~changes["category"].isin(["doc", "test"])] if len(changes) else changes
    areas = runtime.groupby("area", sort=True) if len(runtime) else []
    rows = [
        {
            "condition": condition.name,
            "target": condition.target,
            "metric": condition.metric,
            "area": area,
            "files": len(group),
            "added": int(group["added"].fillna(0).sum()),
            "deleted": int(group["deleted"].fillna(0).sum()),
        }
        for condition in gate.conditions
        if condition.outcome == "regressed"
        for area, group in areas
    ]
    return pd.DataFrame(rows, columns=columns)


def _level(  # noqa: PLR0911 - one return a rule of the table
    change: Mapping[str, Any], refused: list[str] | None, tests: pd.DataFrame | None
) -> tuple[str, list[str], list[str]]:
    category = change["category"]
    if category in ("doc", "test"):
        return "NONE", [f"only {category} files"], []
    if _known(change["docs_only"]) and change["docs_only"]:
        return "NONE", ["code equal without comments and docstrings"], []
    rules = list(_fired(change))
    reasons = [*rules, *(f"checklist no: {line}" for line in refused or ())]
    if refused or (rules and change["criticality"] in _CRITICAL):
        if rules and change["criticality"] in _CRITICAL:
            reasons.append(f"criticality {change['criticality']}")
        return "HIGH", reasons, rules
    if rules:
        return "MEDIUM", reasons, rules
    if category in ("ci", "tooling"):
        return "MINIMAL", [f"no runtime code: {category}"], rules
    alone = _known(change["importers"]) and change["importers"] == 0
    if alone and _known(change["deleted"]) and change["deleted"] == 0:
        return "MINIMAL", ["only additions", "no module imports it"], rules
    passed, evidence = _tested(change["path"], tests)
    if passed and refused is None:
        return "MEDIUM", [evidence, "which files the checklist refuses is not recorded"], rules
    if passed:
        return "LOW", ["no rule fired", evidence], rules
    unknown = [] if _known(change["churn_percentile"]) else ["too little history to say how often it changes"]
    return "MEDIUM", [evidence, *unknown], rules


def _fired(change: Mapping[str, Any]) -> Iterator[str]:
    percentile = change["churn_percentile"]
    if _known(percentile) and percentile >= _PERCENTILE:
        yield f"churn at percentile {percentile:.0f} of this repository"
    if change["category"] == "migration":
        yield "migration"


def _tested(path: str, tests: pd.DataFrame | None) -> tuple[bool, str]:
    """Say whether tests named after a module passed; which tests import it is not in the evidence."""
    if tests is None or tests.empty:
        return False, "no test evidence"
    stem = PurePosixPath(path).stem
    word = re.compile(rf"(^|[^A-Za-z0-9])(test_{re.escape(stem)}|{re.escape(stem)}_test)($|[^A-Za-z0-9_])")
    named = tests[tests["test_id"].map(lambda text: word.search(text) is not None)]
    if named.empty:
        return False, "no tests named after it"
    # The last attempt decides; a test that passed only on a retry is no proof, so every attempt must have passed.
    bad = sorted(set(named.loc[named["status"].isin(BAD), "test_id"]))
    if bad:
        return False, f"tests named after it did not pass: {', '.join(bad[:3])}"
    passed = named.loc[named["status"].isin(STATUS_COUNTS["passed"]), "test_id"].nunique()
    return bool(
        passed
    ), f"{passed} tests named after it passed (heuristic)" if passed else "tests named after it skipped"


def _refused(change: Mapping[str, Any], *, failed: bool) -> list[str] | None:
    """Return the checklist lines that fail by a file; None if any fails and which files do it is not recorded."""
    if not _known(change.get("refused")):
        return None if failed else []
    found: list[str] = json.loads(change["refused"])
    return found


def _with_area(change: Mapping[str, Any], config: Config | None) -> dict[str, Any]:
    facts = {name: value if _known(value) else None for name, value in change.items()}
    area = _area(str(change["path"]), config) if config else None
    if area is not None:
        for name in ("owner", "criticality", "value"):
            if facts[name] is None:
                facts[name] = getattr(area, name)
    return facts


def _area(path: str, config: Config) -> Area | None:
    for area in config.areas.values():
        for pattern in area.paths:
            prefix = pattern.rstrip("/")
            if path == prefix or path.startswith(f"{prefix}/") or fnmatch.fnmatchcase(path, pattern):
                return area
    return None


def _known(value: Any) -> bool:
    return value is not None and not pd.isna(value)
