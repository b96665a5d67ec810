"""The candidate's files with the tests of the baseline, in a folder: what backward compatibility is tried on."""

from __future__ import annotations

from pathlib import Path

from stabkit.change.git import Git
from stabkit.change.paths import categorise
from stabkit.errors import EvidenceError

__all__ = ["write_mixed_tree"]


def write_mixed_tree(repository: Path, base: str, head: str, folder: Path) -> int:
    """Write the files of ``head``, but the tests of ``base``, into an empty folder.

    Nothing is checked out: no hook, filter or symbolic link of the repository takes part.

    Parameters
    ----------
    repository : Path
        A git repository.
    base, head : str
        Anything that names a commit.
    folder : Path
        Where to; it is there, and empty.

    Returns
    -------
    int
        How many test files of ``base`` were written.

    Raises
    ------
    UsageError
        A reference names no commit.
    EvidenceError
        A file is not in this clone or too large: half a tree proves nothing.
    """
    git = Git(repository)
    old, new = (git.tree(git.commit(name)) for name in (base, head))
    tests = {path: blob for path, blob in old.items() if categorise(path) == "test"}
    files = {path: blob for path, blob in new.items() if categorise(path) != "test"} | tests
    contents = git.contents(files.values())
    within = folder.resolve()
    for path, blob in files.items():
        if blob.object_id not in contents:
            raise EvidenceError("A file could not be read.", where=path, hint="It is too large, or not in this clone.")
        target = folder / path
        if not target.resolve().is_relative_to(within):
            raise EvidenceError("A file lies outside its repository.", where=path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(contents[blob.object_id])
    return len(tests)
