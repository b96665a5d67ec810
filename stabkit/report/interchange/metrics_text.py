"""A verdict as OpenMetrics text, for a push gateway or a file that a collector reads.

Source: the OpenMetrics specification 1.0: state sets, gauges, label escapes, ``# EOF``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import pandas as pd

from stabkit.text import plain
from stabkit.vocabulary import EXIT_CODES, OUTCOMES

if TYPE_CHECKING:
    from stabkit.analyze import ConditionResult
    from stabkit.case import Case

__all__ = ["gate_metrics"]

_VERDICTS: Final = ("stable", "regressed", "inconclusive")
_ESTIMATES: Final = (
    ("stabkit_change", "change", "Change of the candidate against the baseline: by its scale a ratio or a difference."),
    ("stabkit_change_low", "low", "Lower bound of the change."),
    ("stabkit_change_high", "high", "Upper bound of the change."),
    ("stabkit_margin", "margin", "How much worse is allowed."),
)


def gate_metrics(case: Case) -> str:
    r"""Return the verdict, the outcome of each condition and its estimates as OpenMetrics text.

    Returns
    -------
    str
        ``stabkit_verdict`` and ``stabkit_condition`` are state sets; of each estimate there are ``stabkit_change``,
        ``stabkit_change_low``, ``stabkit_change_high`` and ``stabkit_margin``, with its scale and unit as labels; a
        bound that is not known has no sample. ``stabkit_candidate_started_seconds`` tells when the candidate's run
        began: old samples of a pusher that died are seen by it.

    Notes
    -----
    All samples have the labels ``project`` and ``environment``. The runs are labels of ``stabkit_runs_info`` alone, and
    names of tests and findings of none: a series a build would be a burden to whoever keeps them.
    """
    gate, run = case.gate, case.candidate.run
    place = {"project": case.config.project.name, "environment": run["environment"]}
    runs = {"candidate": _label(run), "baseline": "" if case.baseline is None else _label(case.baseline.run)}
    lines = [*_head("stabkit_runs", "info", "The runs that are compared.")]
    lines.append(_sample("stabkit_runs_info", place | runs, 1))
    lines += _head("stabkit_verdict", "stateset", "The verdict.")
    lines += _states("stabkit_verdict", place, _VERDICTS, gate.verdict)
    lines += _head("stabkit_exit_code", "gauge", "As of stabkit gate: 0 stable, 1 regressed, 3 inconclusive.")
    lines.append(_sample("stabkit_exit_code", place, EXIT_CODES[gate.verdict]))
    lines += _head("stabkit_candidate_started_seconds", "gauge", "When the candidate's run began.", unit="seconds")
    lines.append(_sample("stabkit_candidate_started_seconds", place, run["started_at"].timestamp()))
    named = [(condition, place | _names(condition)) for condition in gate.conditions]
    lines += _head("stabkit_condition", "stateset", "How each condition came out.")
    for condition, labels in named:
        lines += _states("stabkit_condition", labels, OUTCOMES, condition.outcome)
    for name, part, told in _ESTIMATES:
        lines += _head(name, "gauge", told)
        for condition, labels in named:
            for estimate in condition.estimates:
                value = getattr(estimate, part)
                if value is not None and math.isfinite(value):
                    about = {"estimate": estimate.name, "scale": estimate.scale, "unit": estimate.unit}
                    lines.append(_sample(name, labels | about, float(value)))
    return "\n".join([*lines, "# EOF"])


def _names(condition: ConditionResult) -> dict[str, str]:
    names = {"condition": condition.name, "kind": condition.kind, "target": condition.target or ""}
    return names | {"gating": "true" if condition.gating else "false"}


def _label(run: pd.Series) -> str:
    return str(run["label"] if pd.notna(run["label"]) else run["run_id"])


def _head(name: str, kind: str, told: str, unit: str = "") -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    if unit:
        yield f"# UNIT {name} {unit}"
    yield f"# HELP {name} {told}"


def _states(name: str, labels: Mapping[str, object], states: Iterable[str], now: str) -> Iterator[str]:
    for state in states:
        yield _sample(name, {**labels, name: state}, int(state == now))


def _sample(name: str, labels: Mapping[str, object], value: float) -> str:
    told = ",".join(f'{key}="{_escaped(said)}"' for key, said in labels.items() if said not in ("", None))
    return f"{name}{{{told}}} {value!r}"


def _escaped(value: object) -> str:
    return plain(value).replace("\\", "\\\\").replace('"', '\\"')
