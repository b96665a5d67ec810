"""A store is found from below, made where it is asked for, and kept out of git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from stabkit.errors import StoreError
from stabkit.schema import Evidence
from stabkit.store import new_run, open_store


def test_lookup_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = open_store(tmp_path / "data", create=True)
    below = tmp_path / "notebooks" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert open_store("data").root == made.root
    assert open_store("data", create=True).root == made.root
    with pytest.raises(StoreError, match="or in a folder above"):
        open_store("dta")
    assert open_store("other", create=True).root == below / "other"


def test_a_store_of_a_newer_stabkit_is_left_alone(tmp_path: Path) -> None:
    sign = tmp_path / "data" / "stabkit-store.json"
    open_store(tmp_path / "data", create=True)
    sign.write_text('{"schema": 99}')
    with pytest.raises(StoreError, match="newer stabkit") as caught:
        open_store(tmp_path / "data", create=True)
    assert caught.value.where == str(sign)
    sign.write_text("damaged")  # which says nothing: the markers tell
    assert open_store(tmp_path / "data").runs().empty


def test_a_new_store_keeps_itself_out_of_git(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    open_store(tmp_path / "runs", create=True).append(new_run(label="v1"), Evidence())
    told = subprocess.run(["git", "status", "--porcelain"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stdout == ""


def test_what_git_ignores_is_for_the_user_to_say(tmp_path):
    place = tmp_path / "runs"
    place.mkdir()
    (place / ".gitignore").write_text("")
    open_store(place, create=True)
    assert (place / ".gitignore").read_text() == ""
    (place / ".gitignore").unlink()
    open_store(place, create=True)
    assert not (place / ".gitignore").exists()
