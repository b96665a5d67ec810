"""Whose conditions hold where a store is named: its own, unless it is a store of the project one works in."""

from __future__ import annotations

import pytest

from stabkit.case import find_settings_file, open_project
from stabkit.store import open_store


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A project with a service below it, another project with a store, and a store of nobody's."""
    for name in ("shop", "shop/services/a", "other"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "stabkit.toml").write_text(f'[project]\nname = "{name}"\n')
    for name in ("shop/data", "other/data", "bare"):
        open_store(tmp_path / name, create=True)
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path


@pytest.mark.parametrize(
    ("where", "data", "expected"),
    [
        ("shop", "data", "shop"),
        ("shop", "../other/data", "other"),
        ("shop", "../bare", "shop"),
        ("shop/services/a", "../../data", "shop/services/a"),
        ("shop/services", "data", "shop"),  # a relative store is looked up from here upwards
        ("shop/services/a", "../../../other/data", "other"),
        ("", "other/data", "other"),
        ("", "bare", None),
        ("shop", "s3://bucket/runs", "shop"),
        ("shop", None, "shop"),
        ("shop", "../no store", "shop"),
    ],
)
def test_a_store_brings_its_own_conditions_unless_it_is_one_of_this_project(places, monkeypatch, where, data, expected):
    monkeypatch.chdir(places / where)
    found = find_settings_file(None, data, None)
    assert (found and found.parent.resolve()) == (None if expected is None else (places / expected).resolve())
    if data is None or "s3" in data or "no store" in data or expected is None:
        return
    _, settings, path = open_project(data, None)
    assert (settings.project.name, path) == (expected, found)
    assert open_project(data, places / "shop" / "stabkit.toml")[1].project.name == "shop", (
        "a file that is named holds in any case"
    )
