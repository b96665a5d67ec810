"""Shared by the tests of the report: the generated history, built once."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def history() -> ModuleType:
    """The builders of generated evidence, ``tests/report/history.py``."""
    path = Path(__file__).with_name("history.py")
    spec = importlib.util.spec_from_file_location("stabkit_generated_history", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def worse_store(history, tmp_path_factory):
    """Eight runs; the last has a slow tail, a broken test, two new findings, a missing field and failed requests."""
    broken = ("tests/test_chat.py::test_case_03",)
    folder = tmp_path_factory.mktemp("worse")
    new = ("service/module_7.py", "service/module_8.py")
    return history.build_store(folder, slow=1.9, failed=9, broken=broken, new=new, missing_field=True)


@pytest.fixture(scope="session")
def steady_store(history, tmp_path_factory):
    """Eight runs of one and the same system."""
    return history.build_store(tmp_path_factory.mktemp("steady"))
