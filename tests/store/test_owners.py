"""A store that belongs to another user is taken where it was named, and only there."""

import os

import pytest

from stabkit.errors import StoreError
from stabkit.store import is_store, open_store

OTHER = 54_321  # no user of this machine has to exist for a folder to be theirs

pytestmark = pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root gives folders away")


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """The store of another user in a folder of everybody's, and one's own folder below it to stand in."""
    monkeypatch.delenv("SUDO_UID", raising=False)
    place = open_store(tmp_path / "data", create=True).root
    os.chown(place, OTHER, OTHER)
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path / "mine")
    return place


@pytest.mark.parametrize("named", [None, "data"])
@pytest.mark.parametrize("create", [False, True])
def test_one_that_was_found_above_is_not_taken_by_itself(theirs, named, create):
    assert is_store("data")
    with pytest.raises(StoreError, match="another user, number 54321") as caught:
        open_store(named, create=create)
    assert caught.value.where == str(theirs)
    assert f"--data {theirs}" in str(caught.value.hint)


def test_one_in_the_working_folder_that_nobody_named_is_not_taken_either(theirs, monkeypatch):
    monkeypatch.chdir(theirs.parent)
    with pytest.raises(StoreError, match="another user"):
        open_store()
    assert open_store("data").root == theirs


def test_one_that_was_named_is_trusted(theirs):
    (theirs.parent / "mine" / "stabkit.toml").write_text('[project]\ndata = "../data"\n')
    assert {open_store(name).root for name in (theirs, "../data", None)} == {theirs}


def test_a_link_of_another_user_is_no_more_trusted(theirs):
    os.chown(theirs, 0, 0)
    theirs.rename(theirs.parent / "real")
    theirs.symlink_to(theirs.parent / "real")
    assert open_store("data").root == theirs.parent / "real"
    os.chown(theirs, OTHER, OTHER, follow_symlinks=False)
    with pytest.raises(StoreError, match="another user"):
        open_store("data")
