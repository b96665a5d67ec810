"""A git repository built on the spot from the service's two versions."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from stabkit.demo.scenarios import RELEASE, Scenario, apply_edits, write_service
from stabkit.errors import EvidenceError

__all__ = ["BASELINE_LABEL", "CANDIDATE_LABEL", "Versions", "build_versions", "commit_version", "start_repository"]

BASELINE_LABEL: Final = "v1.4"
CANDIDATE_LABEL: Final = "v1.5"


@dataclass(frozen=True)
class Versions:
    """The two versions as source folders; the candidate's is the repository itself."""

    baseline: Path
    candidate: Path
    baseline_commit: str
    candidate_commit: str


def build_versions(folder: Path, scenario: Scenario) -> Versions:
    """Write both versions, the second as commits on top of the first, tagged v1.4 and v1.5.

    Raises
    ------
    EvidenceError
        git is not installed, or refuses.
    """
    baseline, candidate = folder / "baseline", folder / "candidate"
    write_service(baseline)
    write_service(candidate)
    start_repository(candidate)
    first = commit_version(candidate, "Release 1.4.0", tag=BASELINE_LABEL)
    for message, edits in RELEASE.items():
        apply_edits(candidate, edits)
        commit_version(candidate, message)
    if scenario.edits:
        apply_edits(candidate, scenario.edits)
        commit_version(candidate, scenario.commit)
    _git(candidate, "tag", CANDIDATE_LABEL)
    return Versions(baseline, candidate, first, _git(candidate, "rev-parse", "HEAD"))


def start_repository(folder: Path) -> None:
    """Make the folder, which may hold files already, a git repository without commits."""
    folder.mkdir(parents=True, exist_ok=True)
    _git(folder, "init", "--quiet", "--initial-branch", "main")


def commit_version(folder: Path, message: str, *, tag: str | None = None, at: datetime | None = None) -> str:
    """Commit the folder as it stands, also if nothing changed, and return the commit's full id; ``at``: its time."""
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--allow-empty", "--message", message, at=at)
    if tag:
        _git(folder, "tag", tag)
    return _git(folder, "rev-parse", "HEAD")


def _git(folder: Path, *arguments: str, at: datetime | None = None) -> str:
    if shutil.which("git") is None:
        raise EvidenceError("git is not installed.", hint="Install it: the demo builds a repository of two versions.")
    identity = ("-c", "user.name=demo", "-c", "user.email=demo@example.invalid", "-c", "commit.gpgsign=false")
    # Hooks, templates and settings of the user must not reach a repository of ours.
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TEMPLATE_DIR": ""}
    environment = {name: value for name, value in environment.items() if name not in ("GIT_DIR", "GIT_WORK_TREE")}
    if at is not None:
        environment |= dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), at.isoformat())
    finished = subprocess.run(  # noqa: S603 - an argument list of our own
        ["git", *identity, *arguments],  # noqa: S607
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if finished.returncode:
        raise EvidenceError(f"git {arguments[0]} failed: {finished.stderr.strip()}", where=folder.name)
    return finished.stdout.strip()
