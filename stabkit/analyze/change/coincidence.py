"""What got worse beside what changed: it coincides, and nothing here says that one caused the other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import pandas as pd

from stabkit.analyze.outcome import ConditionResult, Gate
from stabkit.config import Config

__all__ = ["Suspect", "area_coincidence", "suspects"]

How = Literal["same_file", "configured", "imports", "changes_together"]

_HOW: Final[tuple[How, ...]] = ("same_file", "configured", "imports", "changes_together")
_WORSE: Final = ("regressed", "new_failing", "new")
_IDLE: Final = ("doc", "test")


@dataclass(frozen=True)
class Suspect:
    """A changed file beside something that got worse.

    Attributes
    ----------
    condition, kind : str
        The condition that regressed, and its kind.
    item : str
        The test, the finding or the metric.
    path : str
        The changed file.
    area : str or None
        Its area.
    how : str
        What ties them: the finding is in the file; an area names the target; the test imports the file; the test's file
        usually changes with it.
    distance : float
        Of imports, how many stand between, 1 being a direct one; else 0. Of what changes together, 1 less the share.
    """

    condition: str
    kind: str
    item: str
    path: str
    area: str | None
    how: How
    distance: float = 0.0

    @property
    def near(self) -> bool:
        """True if it is the same file, or imported directly."""
        return self.how == "same_file" or (self.how == "imports" and self.distance <= 1)


def suspects(changes: pd.DataFrame, gate: Gate, config: Config | None = None) -> tuple[Suspect, ...]:
    """Return the changed files that are tied to what regressed, the nearest first for each.

    Parameters
    ----------
    changes : DataFrame
        The table ``changes``.
    gate : Gate
        The verdict.
    config : Config, optional
        Its areas may name the targets that run their files.
    """
    rows = changes.to_dict("records")
    found = [
        suspect
        for condition in gate.conditions
        if condition.outcome == "regressed"
        for row in rows
        for suspect in _tied(condition, row, config)
    ]
    best: dict[tuple[str, str, str], Suspect] = {}
    for suspect in found:
        key = (suspect.condition, suspect.item, suspect.path)
        if key not in best or _rank(suspect) < _rank(best[key]):
            best[key] = suspect
    order = [condition.name for condition in gate.conditions]
    return tuple(sorted(best.values(), key=lambda one: (order.index(one.condition), one.item, *_rank(one), one.path)))


def _rank(suspect: Suspect) -> tuple[int, float]:
    return _HOW.index(suspect.how), suspect.distance


def _tied(condition: ConditionResult, row: Mapping[Any, Any], config: Config | None) -> Iterator[Suspect]:
    path, area = str(row["path"]), None if pd.isna(row["area"]) else str(row["area"])

    def suspect(item: str, how: How, distance: float = 0.0) -> Suspect:
        return Suspect(condition.name, condition.kind, item, path, area, how, distance)

    configured = config.areas.get(area or "") if config else None
    if configured and condition.target and condition.target in configured.targets:
        yield suspect(condition.name, "configured")
    reached: Mapping[str, Any] = _mapping(row.get("tests_reaching"))
    together = dict(_pairs(row.get("partners")))
    for item in condition.items:
        if item.get("state") not in _WORSE:
            continue
        what = str(item.get("what") or "")
        if condition.kind == "findings" and item.get("path") in (path, row.get("old_path")):
            yield suspect(what, "same_file")
        if condition.kind != "tests":
            continue
        for test_file, distance in reached.items():
            if _is_in(what, test_file) and isinstance(distance, int):
                yield suspect(what, "imports", float(distance))
        for partner, share in together.items():
            if _is_in(what, partner):
                yield suspect(what, "changes_together", 1.0 - share)
        if _is_in(what, path):
            yield suspect(what, "same_file")


def _is_in(test: str, path: str) -> bool:
    """Say whether a test's id names a file, as a path or as a module."""
    module = path.rpartition(".")[0].replace("/", ".")
    return path in test or (module != "" and (test.startswith((f"{module}.", f"{module}::")) or f" {module}." in test))


def _mapping(text: Any) -> Mapping[str, Any]:
    found = _json(text)
    return found if isinstance(found, dict) else {}


def _pairs(text: Any) -> Iterator[tuple[str, float]]:
    found = _json(text)
    for pair in found if isinstance(found, list) else ():
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], float | int):
            yield pair[0], float(pair[1])


def _json(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None


def area_coincidence(changes: pd.DataFrame, gate: Gate, config: Config | None = None) -> pd.DataFrame:
    """Return which changed areas each regressed condition coincides with; it says nothing of causes.

    Returns
    -------
    DataFrame
        ``condition, target, metric, area, files, added, deleted, how``; areas that hold only documents and tests are
        left out. ``how`` is what ties them best, as of :class:`Suspect`; null where they only changed in the same
        range. The best tied come first. No rows without a regression.
    """
    columns = ["condition", "target", "metric", "area", "files", "added", "deleted", "how"]
    runtime = changes[~changes["category"].isin(_IDLE)] if len(changes) else changes
    tied = suspects(runtime, gate, config) if len(runtime) else ()
    rows = []
    for condition in gate.conditions:
        if condition.outcome != "regressed" or runtime.empty:
            continue
        near = [one for one in tied if one.condition == condition.name]
        for area, group in runtime.groupby("area", sort=True):
            ranks = sorted(_rank(one) for one in near if one.area == area)
            rows.append(
                {
                    "condition": condition.name,
                    "target": condition.target,
                    "metric": condition.metric,
                    "area": area,
                    "files": len(group),
                    "added": int(group["added"].fillna(0).sum()),
                    "deleted": int(group["deleted"].fillna(0).sum()),
                    "how": _HOW[ranks[0][0]] if ranks else None,
                    "_rank": ranks[0] if ranks else (len(_HOW), 0.0),
                }
            )
        # What is tied to the condition says more than what merely changed as well.
        mine = [row for row in rows if row["condition"] == condition.name]
        if any(row["how"] for row in mine):
            rows = [row for row in rows if row["condition"] != condition.name or row["how"]]
    rows.sort(key=lambda row: row["_rank"])
    order = {condition.name: number for number, condition in enumerate(gate.conditions)}
    rows.sort(key=lambda row: order[row["condition"]])
    return pd.DataFrame(rows, columns=columns)
