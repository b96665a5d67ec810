"""The conditions that two sides are judged by: as declared, or as they follow from what is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from stabkit.analyze.latency import stated_requests
from stabkit.analyze.sides import Sides
from stabkit.config import Condition, coverage_condition, scan_condition, suite_condition, target_conditions

__all__ = ["conditions_of"]

_TOLD: Final[Mapping[str, list[str]]] = {
    "samples": ["target", "metric"],
    "checks": ["target"],
    "tests": ["suite"],
    "scans": ["tool"],
    "coverage": ["report"],
}


def conditions_of(sides: Sides) -> tuple[Condition, ...]:
    """Return the conditions that two sides are judged by: those of the configuration, else those that follow.

    Where nothing is declared they are those that follow from the same targets, suites and scans where they are
    declared (:mod:`stabkit.config.defaults`), and one for each further time and reading; a scan is called by its tool.
    """
    if sides.config.conditions:
        return sides.config.conditions
    both = {name: pd.concat([_pairs(frame, columns) for frame in sides.table(name)]) for name, columns in _TOLD.items()}
    metrics = both["samples"].groupby("target")["metric"].unique().to_dict()
    checked = set(both["checks"]["target"]) - {"changes"}
    counted = set(stated_requests(sides))
    found = [
        condition
        for target in sorted({*metrics, *checked, *counted})
        for condition in target_conditions(
            target, metrics.get(target, ()), checks=target in checked, measured=True, counted=target in counted
        )
    ]
    found += [suite_condition(suite, mission_critical=False) for suite in sorted(set(both["tests"]["suite"]))]
    found += [scan_condition(tool) for tool in sorted(set(both["scans"]["tool"]))]
    if len(both["coverage"]):
        found.append(coverage_condition(ranged=sides.candidate.range_examined))
    return tuple(found)


def _pairs(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return what some columns hold, once: of millions of rows a handful."""
    return frame[columns].drop_duplicates()
