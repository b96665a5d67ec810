"""The conditions that two sides are judged by: as declared, or as they follow from what is there."""

from __future__ import annotations

import pandas as pd

from stabkit.analyze.latency import stated_requests
from stabkit.analyze.sides import Sides
from stabkit.config import Condition, scan_condition, suite_condition, target_conditions

__all__ = ["conditions_of"]


def conditions_of(sides: Sides) -> tuple[Condition, ...]:
    """Return the conditions that two sides are judged by: those of the configuration, else those that follow.

    Where nothing is declared they are those that follow from the same targets, suites and scans where they are
    declared (:mod:`stabkit.config.defaults`), and one for each further time and reading; a scan is called by its tool.
    """
    if sides.config.conditions:
        return sides.config.conditions
    named = {name: pd.concat(sides.table(name)) for name in ("samples", "checks", "tests", "scans")}
    metrics = named["samples"].groupby("target")["metric"].unique().to_dict()
    checked = set(named["checks"]["target"]) - {"changes"}
    counted = set(stated_requests(sides))
    found = [
        condition
        for target in sorted({*metrics, *checked, *counted})
        for condition in target_conditions(
            target, metrics.get(target, ()), checks=target in checked, measured=True, counted=target in counted
        )
    ]
    found += [suite_condition(suite, mission_critical=False) for suite in sorted(set(named["tests"]["suite"]))]
    found += [scan_condition(tool) for tool in sorted(set(named["scans"]["tool"]))]
    return tuple(found)
