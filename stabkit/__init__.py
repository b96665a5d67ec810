"""stabkit: did the system stay stable across this change? Evidence in, an honest verdict out.

The public names are loaded on first use, so that ``import stabkit`` is light.

Examples
--------
>>> import stabkit
>>> "stability_report" in stabkit.__all__
True
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from stabkit import plot as plot
    from stabkit.case.opening import open_runs as open  # noqa: A004 (stabkit.open is meant to read like the builtin)
    from stabkit.config import load_config as load_config
    from stabkit.report import backtest as backtest
    from stabkit.report import change_impact as change_impact
    from stabkit.report import compliance_history as compliance_history
    from stabkit.report import latency_deltas as latency_deltas
    from stabkit.report import stability_report as stability_report
    from stabkit.report import stored_runs as stored_runs
    from stabkit.report import test_trends as test_trends
    from stabkit.report.display import Figure as Figure
    from stabkit.report.display import Table as Table
    from stabkit.report.display import Verdict as Verdict
    from stabkit.report.frames import compare_latency as compare_latency
    from stabkit.report.frames import compare_rates as compare_rates
    from stabkit.report.frames import compare_resource as compare_resource
    from stabkit.report.frames import detect_changes as detect_changes
    from stabkit.report.frames import detect_drift as detect_drift
    from stabkit.report.frames import flakiness as flakiness
    from stabkit.report.frames import match_findings as match_findings

    __version__: str

# Public name -> the module that defines it, and its name there.
_PUBLIC: Final = MappingProxyType(
    {
        "Figure": ("stabkit.report.display", "Figure"),
        "Table": ("stabkit.report.display", "Table"),
        "Verdict": ("stabkit.report.display.answer", "Verdict"),
        "backtest": ("stabkit.report.gate_backtest", "backtest"),
        "change_impact": ("stabkit.report.impact", "change_impact"),
        "compare_latency": ("stabkit.report.frames", "compare_latency"),
        "compare_rates": ("stabkit.report.frames", "compare_rates"),
        "compare_resource": ("stabkit.report.frames", "compare_resource"),
        "compliance_history": ("stabkit.report.compliance", "compliance_history"),
        "detect_changes": ("stabkit.report.frames", "detect_changes"),
        "detect_drift": ("stabkit.report.frames", "detect_drift"),
        "flakiness": ("stabkit.report.frames", "flakiness"),
        "latency_deltas": ("stabkit.report.deltas", "latency_deltas"),
        "load_config": ("stabkit.config", "load_config"),
        "match_findings": ("stabkit.report.frames", "match_findings"),
        "open": ("stabkit.case.opening", "open_runs"),
        "stability_report": ("stabkit.report.stability", "stability_report"),
        "stored_runs": ("stabkit.report.store_contents", "stored_runs"),
        "test_trends": ("stabkit.report.test_history", "test_trends"),
    }
)

__all__ = [
    "Figure",
    "Table",
    "Verdict",
    "__version__",
    "backtest",
    "change_impact",
    "compare_latency",
    "compare_rates",
    "compare_resource",
    "compliance_history",
    "detect_changes",
    "detect_drift",
    "flakiness",
    "latency_deltas",
    "load_config",
    "match_findings",
    "open",
    "plot",
    "stability_report",
    "stored_runs",
    "test_trends",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from stabkit.installation import package_version

        return package_version()
    if name == "plot":
        return import_module("stabkit.plot")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'stabkit' has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})  # for completion: nothing else
