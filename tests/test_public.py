"""The public surface: what ``import stabkit`` offers, and what it costs."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import stabkit

HEAVY = ("pandas", "numpy", "matplotlib", "duckdb", "pyarrow", "httpx", "scipy", "pydantic", "nbconvert", "papermill")


def test_all_names_exist_and_are_documented():
    for name in stabkit.__all__:
        value = getattr(stabkit, name)
        if name != "__version__":
            assert inspect.getdoc(value), f"stabkit.{name} has no docstring"


def test_the_public_names_are_these():
    assert sorted(stabkit.__all__) == [
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
    assert set(stabkit.__all__) <= set(dir(stabkit))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="stabilty_report"):
        _ = stabkit.stabilty_report


def test_the_version_is_the_installed_one():
    assert stabkit.__version__.split(".")[0].isdigit()


def test_importing_stabkit_loads_nothing_heavy():
    code = f"import sys, stabkit; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "name", ["stability_report", "latency_deltas", "test_trends", "compliance_history", "backtest"]
)
def test_entry_points_say_their_parameters(name):
    function = getattr(stabkit, name)
    text = inspect.getdoc(function) or ""
    for parameter in inspect.signature(function).parameters:
        assert parameter in text, f"{name} does not document {parameter}"
