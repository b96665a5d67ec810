"""The steps of a history: read by git, kept in a file that may be anything."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stabkit.change import steps as module
from stabkit.change.git import Git
from stabkit.change.steps import Step, read_steps
from stabkit.errors import EvidenceError
from tests.change.histories import Commit, git, lines, written


def read(folder: Path, limit: int = 100, cache: Path | None = None) -> list[Step]:
    repository = Git(folder)
    return read_steps(repository, repository.commit("main"), limit=limit, cache=cache)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(
        tmp_path / "repo",
        [
            Commit({"a.py": lines(30)}),
            Commit({"a.py": lines(32), "data.bin": "\0\1"}, "Fix the tail", "b@example.org"),
            Commit({"a.py": None, "moved/b.py": lines(33)}),
            Commit({'odd "name"\t.py': lines(2)}),
            Commit({}, "Nothing at all"),
        ],
    )


def test_each_step_has_its_files_author_and_subject(folder: Path) -> None:
    empty, odd, moved, fix, first = read(folder)
    assert first.files == (("a.py", 30, 0),)
    assert (fix.fix, first.fix) == (True, False)
    assert fix.author != first.author == moved.author
    assert fix.files == (("a.py", 2, 0), ("data.bin", 0, 0))
    assert moved.files == (("moved/b.py", 1, 0),), "a move adds what it adds, under the new name"
    assert odd.files == (('odd "name"\t.py', 2, 0),)
    assert empty.files == ()
    assert "example.org" not in repr(first), "no address is kept"


def test_newest_first_and_no_more_than_asked_for(folder: Path) -> None:
    listed = git(folder, "rev-list", "main").split()
    assert [step.commit for step in read(folder)] == listed
    assert [step.commit for step in read(folder, limit=2)] == listed[:2]
    assert read(folder, limit=0) == []


def test_a_merge_is_one_step_with_all_that_it_brings(tmp_path: Path) -> None:
    folder = written(
        tmp_path / "repo",
        [
            Commit({"a.py": lines(1)}),
            Commit({"b.py": lines(5)}, branch="side", start="main"),
            Commit({"b.py": lines(9)}, branch="side"),
            Commit({"a.py": lines(2)}),
            Commit({"b.py": lines(9)}, merge="side"),
        ],
    )
    assert [step.files for step in read(folder)] == [(("b.py", 9, 0),), (("a.py", 1, 0),), (("a.py", 1, 0),)]


def test_a_shallow_clone_has_the_steps_that_it_has(folder: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--bare", "--depth", "3", f"file://{folder}", str(shallow))
    assert len(read(shallow)) == 3


def test_steps_whose_contents_are_absent_are_left_out(folder: Path) -> None:
    whole = read(folder)
    blob = git(folder, "rev-parse", "main:moved/b.py")
    packs = list((folder / "objects" / "pack").glob("*.pack"))
    contents = [pack.read_bytes() for pack in packs]
    for file in (folder / "objects" / "pack").iterdir():
        file.unlink()
    for content in contents:
        git(folder, "unpack-objects", "-q", given=content)
    (folder / "objects" / blob[:2] / blob[2:]).unlink()
    assert read(folder) == [step for step in whole if all(path != "moved/b.py" for path, _, _ in step.files)]


def test_nothing_that_can_be_read_is_an_error_and_no_empty_history(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(git: Git, commits: object) -> list[Step]:
        raise EvidenceError("git log failed", where="here", hint="none")

    monkeypatch.setattr(module, "_read", fails)
    with pytest.raises(EvidenceError, match="No step"):
        read(folder)


def test_the_cache_answers_without_git(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "deep" / "folder" / "history.sqlite3"
    first = read(folder, cache=cache)
    monkeypatch.setattr(module, "_read", lambda git, commits: pytest.fail("read again"))
    assert read(folder, cache=cache) == first


def test_what_is_lacking_is_read_and_kept(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "history.sqlite3"
    assert read(folder, limit=2, cache=cache) == read(folder)[:2]
    assert read(folder, cache=cache) == read(folder)


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\1" * 4000, b"\0" * 100])
def test_a_broken_cache_is_written_anew(folder: Path, tmp_path: Path, content: bytes) -> None:
    cache = tmp_path / "history.sqlite3"
    cache.write_bytes(content)
    assert read(folder, cache=cache) == read(folder)
    assert read(folder, cache=cache) == read(folder)


@pytest.mark.parametrize("row", ["", "[]", "7", '["a", 1, 3]', '["a", 1, [["a.py", "x", 2]]]', "[" * 100_000, "\\"])
def test_a_row_that_is_none_is_read_again(folder: Path, tmp_path: Path, row: str) -> None:
    cache = tmp_path / "history.sqlite3"
    whole = read(folder, cache=cache)
    with sqlite3.connect(cache) as connection:
        connection.execute("UPDATE steps_2 SET step = ?", [row])
    connection.close()
    assert read(folder, cache=cache) == whole


def test_many_calls_at_once(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "history.sqlite3"
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: read(folder, cache=cache), range(16)))
    assert all(steps == found[0] for steps in found)
    assert read(folder, cache=cache) == read(folder)


def test_a_place_that_cannot_be_written_is_passed_over(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert read(folder, cache=tmp_path / "file" / "history.sqlite3") == read(folder)
    (tmp_path / "taken").mkdir()
    assert read(folder, cache=tmp_path / "taken") == read(folder)


def test_a_locked_cache_is_passed_over(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "history.sqlite3"
    read(folder, cache=cache)
    connect = sqlite3.connect
    monkeypatch.setattr(module.sqlite3, "connect", lambda path, timeout: connect(path, timeout=0.01))
    holder = connect(cache)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        assert read(folder, cache=cache) == read(folder)
    finally:
        holder.close()
    assert cache.read_bytes().startswith(b"SQLite"), "another call's file is never thrown away"
