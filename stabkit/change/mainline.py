"""The line of commits that a repository's releases are cut from."""

from __future__ import annotations

from typing import Final

from stabkit.change.git import Git
from stabkit.errors import UsageError

__all__ = ["has_landed"]

_NAMES: Final = ("main", "master", "trunk", "develop", "development")


def has_landed(git: Git, commit: str) -> bool:
    """Say whether a commit is a step of the main line, or released from another one.

    Parameters
    ----------
    git : Git
        The repository.
    commit : str
        A full id.

    Returns
    -------
    bool
        True if it bears a tag, or is a first-parent commit of a branch by one of the names that main lines bear, here
        or at the remote ``origin``. Without such a branch, the one that is checked out counts.
    """
    if git.read("for-each-ref", "--count=1", f"--points-at={commit}", "--format=%(refname)", "refs/tags/"):
        return True
    named = [f"refs/remotes/origin/{name}" for name in ("HEAD", *_NAMES)] + [f"refs/heads/{name}" for name in _NAMES]
    # A pattern of for-each-ref is a whole name or a leading folder: a branch "main/x" answers too.
    told = git.read("for-each-ref", "--format=%(refname) %(objectname)", *named).decode("utf-8", "replace")
    tips = {tip for name, _, tip in (line.rpartition(" ") for line in told.splitlines()) if name in named}
    return any(_is_step_of(git, commit, tip) for tip in tips or _checked_out(git))


def _checked_out(git: Git) -> set[str]:
    try:
        return {git.commit("HEAD")}
    except UsageError:  # a branch that has no commit yet, as in a mirror whose main branch is gone
        return set()


def _is_step_of(git: Git, commit: str, tip: str) -> bool:
    if commit == tip:
        return True
    # The walk down the line ends above the first commit that the other one has too.
    walked = git.read("rev-list", "--first-parent", "--parents", tip, f"^{commit}", "--").decode("ascii").splitlines()
    return any(line.split()[1:2] == [commit] for line in walked)
