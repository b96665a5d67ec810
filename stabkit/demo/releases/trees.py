"""A repository whose commits are the releases, each with what it installs and its day."""

from __future__ import annotations

import shutil
from email.parser import HeaderParser
from pathlib import Path

from stabkit.demo.releases.released import PROJECT, released_at
from stabkit.demo.repository import commit_version

__all__ = ["commit_release"]


def commit_release(folder: Path, label: str, packages: Path) -> str:
    """Commit the package of a release and what it requires, tagged with the release; return the commit.

    Parameters
    ----------
    folder : Path
        The repository, with the releases before.
    label : str
        A key of ``RELEASES``.
    packages : Path
        Where the release is installed.
    """
    tree = folder / PROJECT
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(packages / PROJECT, tree, ignore=shutil.ignore_patterns("__pycache__"))
    metadata = next(packages.glob(f"{PROJECT}-*.dist-info")) / "METADATA"
    required = HeaderParser().parsestr(metadata.read_text(encoding="utf-8")).get_all("Requires-Dist") or []
    # Old releases write "click (>=7.1)", new ones "click>=7.1": the change of a form is no change of a dependency.
    needed = sorted(line.replace(" (", "").replace(")", "") for line in required if "extra ==" not in line)
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in needed), encoding="utf-8")
    return commit_version(folder, f"Release {label}", tag=label, at=released_at(label))
