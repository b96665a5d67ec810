"""Shared by the tests of agreement: the scenes, each built once, and the doors that are asked about them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

HERE: Final = Path(__file__).parent

# Where two doors say different things today: which sides contradict each other, and the tests with their scenes that
# show it. A test is taken out as soon as the doors agree: it then passes, which its strict mark does not allow.
CONTRADICTIONS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "figures and rounds pool fresh and reused connections, gate keeps them apart": {
        "test_no_figure_claims_a_change_of_a_metric_whose_condition_is_stable": ("other_mix_of_connections",),
        "test_figures_rest_on_as_many_times_as_were_judged": ("other_mix_of_connections",),
        "test_the_shift_plot_differs_at_the_median_as_the_judge_says": ("other_mix_of_connections",),
        "test_the_tail_curve_has_the_percentiles_that_were_judged": ("other_mix_of_connections",),
        "test_the_rounds_of_latency_deltas_add_up_to_what_was_judged": ("other_mix_of_connections",),
    },
    "figures fall back from response_ms to service_ms row by row, gate takes one of them for both runs": {
        "test_no_figure_claims_a_change_of_a_metric_whose_condition_is_stable": ("no_response_times_in_the_candidate",),
        "test_the_shift_plot_differs_at_the_median_as_the_judge_says": ("no_response_times_in_the_candidate",),
        "test_the_tail_curve_has_the_percentiles_that_were_judged": ("no_response_times_in_the_candidate",),
    },
    "trend, histories and quantiles know response_ms alone, gate takes service_ms where that is all there is": {
        "test_trend_knows_the_runs_that_were_judged_with_their_medians": (
            "no_response_times_in_the_candidate",
            "imported_load_files",
        ),
        "test_the_stores_quantiles_know_the_runs_that_were_judged_with_their_medians": (
            "no_response_times_in_the_candidate",
            "imported_load_files",
        ),
        "test_trend_counts_the_failed_requests_that_were_judged": ("imported_load_files",),
        "test_the_history_in_the_report_is_that_of_trend": ("imported_load_files",),
    },
    "trend and quantiles leave failed warm-up requests out, gate and availability count them": {
        "test_trend_counts_the_failed_requests_that_were_judged": ("failed_and_warm_up_requests",),
        "test_the_stores_quantiles_count_the_failed_requests_that_were_judged": ("failed_and_warm_up_requests",),
    },
    "the timeline of events holds warm-up sessions, gate leaves them out": {
        "test_the_arrivals_of_an_event_are_those_that_were_judged": (),
    },
    "tables and lines of readings hold those of the warm-up, gate leaves them out": {
        "test_the_table_of_readings_holds_those_that_were_judged": ("memory", "cpu"),
        "test_the_lines_of_readings_hold_those_that_were_judged": ("memory", "cpu"),
    },
}


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"stabkit_agreement_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their own module up
    spec.loader.exec_module(module)
    return module


_EVIDENCE, _DOORS = _module("evidence"), _module("doors")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "each" in metafunc.fixturenames:
        metafunc.parametrize("each", sorted(_EVIDENCE.SCENES), indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reasons = {
        f"{name}[{scene}]" if scene else name: reason
        for reason, tests in CONTRADICTIONS.items()
        for name, scenes in tests.items()
        for scene in scenes or ("",)
    }
    for item in items:
        if item.path.parent == HERE and item.name in reasons:
            item.add_marker(pytest.mark.xfail(strict=True, raises=AssertionError, reason=reasons[item.name]))


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STABKIT_CONFIG", "STABKIT_DATA", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def evidence() -> ModuleType:
    """The builders of scenes, ``tests/agreement/evidence.py``."""
    return _EVIDENCE


@pytest.fixture(scope="session")
def doors() -> ModuleType:
    """What is asked, ``tests/agreement/doors.py``."""
    return _DOORS


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """``ask(scene)``: the doors to a scene, which is built when it is first asked for."""
    return cache(lambda name: _DOORS.Doors(_EVIDENCE.SCENES[name](tmp_path_factory.mktemp(name))))


@pytest.fixture
def each(request: pytest.FixtureRequest, ask: Callable[[str], Any]) -> Any:
    """The doors to every scene, one after the other."""
    return ask(request.param)
