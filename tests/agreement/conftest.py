"""Shared by the tests of agreement: the scenes, each built once, and the doors that are asked about them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

HERE: Final = Path(__file__).parent


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
        # What a scene says is kept: one worker asks all about it.
        scenes = [
            pytest.param(name, marks=pytest.mark.xdist_group(f"scene {name}")) for name in sorted(_EVIDENCE.SCENES)
        ]
        metafunc.parametrize("each", scenes, indirect=True)


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
