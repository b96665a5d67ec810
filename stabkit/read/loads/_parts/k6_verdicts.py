"""k6's own verdicts: its checks, its thresholds, and the iterations that it dropped."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from stabkit.read.json_shapes import entries, listed, mapped, text, whole
from stabkit.read.loads._parts.requests import Load, ToolCheck

__all__ = ["TARGET", "VERDICT_METRICS", "Verdicts", "group_checks", "metric_values", "stated_thresholds"]

TARGET: Final = "k6"
"""Whom a check of k6 speaks of: its script, not one endpoint."""

VERDICT_METRICS: Final = ("checks", "dropped_iterations", "http_reqs", "vus")

# Source: k6, "Thresholds", the syntax of a threshold expression.
_THRESHOLD: Final = re.compile(
    r"\s*(?P<of>count|rate|value|avg|min|max|med|p\((?P<share>\d+(?:\.\d+)?)\))"
    r"\s*(?P<sign><=|>=|===?|!=|<|>)\s*(?P<limit>-?\d+(?:\.\d+)?)\s*"
)
_SIGNS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "===": operator.eq,
    "!=": operator.ne,
}  # fmt: skip
_SUBMETRIC: Final = re.compile(r"(?P<metric>[^{]+)\{(?P<tags>.*)\}")


@dataclass
class Verdicts:
    """What the points and metrics of a raw file say of the test itself."""

    checks: dict[str, list[int]] = field(default_factory=dict)  # name -> how often it passed, and failed
    thresholds: dict[str, tuple[str, list[str]]] = field(default_factory=dict)  # metric -> its type, its expressions
    values: dict[str, list[tuple[float, Mapping[str, Any]]]] = field(default_factory=dict)
    dropped: float = 0.0
    users: float = 0.0
    asked: float = 0.0

    def define(self, metric: str, data: Mapping[str, Any]) -> None:
        """Take the definition of a metric: k6 writes each before its first point, with its thresholds."""
        wanted = [
            said if isinstance(said, str) else str(mapped(said).get("threshold"))
            for said in entries(data.get("thresholds"))
        ]
        if wanted:
            self.thresholds[metric] = (str(data.get("type")), wanted)
            self.values.setdefault(_base(metric), [])

    def take(self, metric: str, value: object, tags: Mapping[str, Any]) -> None:
        """Take one point."""
        number = _number(value)
        if number is None:
            return
        if metric == "checks":
            name = "::".join(part for part in (str(tags.get("group") or ""), str(tags.get("check") or "(?)")) if part)
            self.checks.setdefault(name.removeprefix("::"), [0, 0])[number == 0] += 1
        elif metric == "dropped_iterations":
            self.dropped += number
        elif metric == "http_reqs":
            self.asked += number
        elif metric == "vus":
            self.users = max(self.users, number)
        if metric in self.values:
            self.values[metric].append((number, tags))

    def told_by(self, load: Load) -> Load:
        """Return the load with these verdicts."""
        load.checks = [ToolCheck(TARGET, name, passed, failed) for name, (passed, failed) in self.checks.items()]
        load.checks += self._judged_thresholds()
        load.dropped, load.users, load.counted = (max(0, round(n)) for n in (self.dropped, self.users, self.asked))
        return load

    def _judged_thresholds(self) -> Iterator[ToolCheck]:
        """Yield each threshold, judged by the points of the file: a raw file holds the rule, not how it came out."""
        for metric, (kind, wanted) in self.thresholds.items():
            points = [value for value, tags in self.values[_base(metric)] if _tagged(metric, tags)]
            for expression in wanted:
                name, seen = f"threshold {metric}: {expression}", _aggregate(expression, kind, points)
                if seen is None:
                    why = "no point of it" if not points else "the expression is not understood"
                    yield ToolCheck(TARGET, name, 0, 0, expression, None, why)
                    continue
                value, kept = seen
                yield ToolCheck(TARGET, name, int(kept), int(not kept), expression, f"{value:.6g}")


def group_checks(summary: Mapping[str, Any]) -> list[ToolCheck]:
    """Return the checks of a summary, group by group; the two forms of a summary nest them as objects or as lists."""
    found: list[ToolCheck] = []
    waiting: list[tuple[str, Mapping[str, Any]]] = [("", mapped(summary.get("root_group")))]
    while waiting:
        path, group = waiting.pop(0)
        for check in _members(group.get("checks"), "checks"):
            name = text(check.get("name")) or "(?)"
            passed, failed = (whole(check.get(key)) or 0 for key in ("passes", "fails"))
            found.append(ToolCheck(TARGET, f"{path}::{name}" if path else name, passed, failed))
        for inner in _members(group.get("groups"), "groups"):
            name = text(inner.get("name")) or "(?)"
            waiting.append((f"{path}::{name}" if path else name, inner))
    return found


def _members(value: object, what: str) -> Iterable[Mapping[str, Any]]:
    if isinstance(value, dict):
        return [{"name": key, **mapped(entry)} for key, entry in value.items()]
    return listed(value or [], what)


def stated_thresholds(metrics: Mapping[str, Any]) -> Iterator[ToolCheck]:
    """Yield the thresholds of a summary as they came out.

    ``--summary-export`` writes true for one that was crossed (grafana/k6#1498), ``handleSummary`` an object that says
    whether it is ok.
    """
    for metric, said in metrics.items():
        for expression, came_out in mapped(mapped(said).get("thresholds")).items():
            ok = mapped(came_out).get("ok") if isinstance(came_out, dict) else came_out is False
            known = isinstance(ok, bool) and (isinstance(came_out, (bool, dict)))
            of = _THRESHOLD.fullmatch(expression)
            seen = _number(metric_values(said).get(of["of"])) if of else None
            observed = None if seen is None else f"{seen:.6g}"
            name = f"threshold {metric}: {expression}"
            yield ToolCheck(TARGET, name, int(known and ok is True), int(known and not ok), expression, observed)


def metric_values(metric: object) -> Mapping[str, Any]:
    """Return the values of a metric of a summary, which stand in it or one level below."""
    found = mapped(metric)
    return mapped(found.get("values")) or found


def _aggregate(expression: str, kind: str, points: list[float]) -> tuple[float, bool] | None:
    """Return what a threshold looks at, and whether it was kept; None if there is nothing, or it is not understood."""
    rule = _THRESHOLD.fullmatch(expression)
    if rule is None or (not points and kind != "counter"):
        return None
    values = np.array(points or [0.0])
    of = rule["of"]
    if of == "rate" and kind != "rate":
        return None  # of a counter it is a number a second, over a time that no point tells
    found = {"count": values.sum if kind == "counter" else lambda: values.size, "rate": (values != 0).mean,
             "value": lambda: values[-1], "avg": values.mean, "min": values.min, "max": values.max,
             "med": lambda: np.quantile(values, 0.5)}  # fmt: skip
    seen = float(np.quantile(values, min(1.0, float(rule["share"]) / 100)) if rule["share"] else found[of]())
    return seen, _SIGNS[rule["sign"]](seen, float(rule["limit"]))


def _base(metric: str) -> str:
    return metric.partition("{")[0]


def _tagged(metric: str, tags: Mapping[str, Any]) -> bool:
    """Say whether a point belongs to a submetric such as ``http_req_duration{status:200}``."""
    inner = _SUBMETRIC.fullmatch(metric)
    if inner is None:
        return True
    pairs = (pair.partition(":") for pair in inner["tags"].split(",") if pair.strip())
    return all(str(tags.get(key.strip(), "")) == value.strip().strip("\"'") for key, _, value in pairs)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if np.isfinite(number) else None
