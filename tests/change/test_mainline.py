"""What has landed on the main line, and what is still a branch."""

from __future__ import annotations

from pathlib import Path

import pytest

from stabkit.change.git import Git
from stabkit.change.mainline import has_landed
from tests.change.histories import Commit, git, lines, written


def history(branch: str) -> list[Commit]:
    return [
        Commit({"a.py": lines(1)}, branch=branch),
        Commit({"b.py": lines(1)}, branch="topic", start=branch),
        Commit({"b.py": lines(2)}, branch="topic"),
        Commit({"a.py": lines(2)}, branch=branch),
        Commit({"b.py": lines(2)}, branch=branch, merge="topic"),
        Commit({"c.py": lines(2)}, branch="open", start=branch),
    ]


@pytest.mark.parametrize("branch", ["main", "master", "trunk", "develop"])
def test_the_line_itself_has_landed_and_no_branch_beside_it(tmp_path: Path, branch: str) -> None:
    folder = written(tmp_path / "repo", history(branch))
    repository = Git(folder)
    for landed in (branch, f"{branch}^", f"{branch}~2"):
        assert has_landed(repository, repository.commit(landed)), landed
    for beside in ("topic", "topic^", "open"):
        assert not has_landed(repository, repository.commit(beside)), beside


def test_what_was_released_from_another_line_has_landed(tmp_path: Path) -> None:
    folder = written(tmp_path / "repo", history("main"))
    git(folder, "tag", "-a", "-m", "out", "v1", "topic")
    repository = Git(folder)
    assert has_landed(repository, repository.commit("v1"))
    assert not has_landed(repository, repository.commit("topic^"))


def test_the_branch_that_is_checked_out_where_no_name_tells(tmp_path: Path) -> None:
    folder = written(tmp_path / "repo", history("stable"))
    git(folder, "symbolic-ref", "HEAD", "refs/heads/stable")
    repository = Git(folder)
    assert has_landed(repository, repository.commit("stable^"))
    assert not has_landed(repository, repository.commit("open"))


def test_where_no_line_is_known_nothing_has_landed(tmp_path: Path) -> None:
    folder = written(tmp_path / "repo", history("stable"))
    git(folder, "symbolic-ref", "HEAD", "refs/heads/gone")
    repository = Git(folder)
    assert not has_landed(repository, repository.commit("stable"))


def test_the_line_of_the_remote_in_the_checkout_of_a_runner(tmp_path: Path) -> None:
    folder = written(tmp_path / "repo", history("main"))
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "-b", "open", f"file://{folder}", str(clone))
    repository = Git(clone)
    assert has_landed(repository, repository.commit("origin/main^"))
    assert not has_landed(repository, repository.commit("HEAD"))


def test_a_branch_below_the_name_of_the_line_is_none(tmp_path: Path) -> None:
    commits = [Commit({"a.py": lines(1)}), Commit({"b.py": lines(1)}, branch="master/topic", start="main")]
    repository = Git(written(tmp_path / "repo", commits))
    assert not has_landed(repository, repository.commit("master/topic"))
