"""Repositories built by a test, and what a change in one of them comes out as."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pandas as pd

from stabkit.change.collected import collect_changes
from stabkit.schema import Evidence


class Repository:
    """A repository whose files are written and committed by the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, environment: dict[str, str] | None = None) -> str:
        names = {
            f"GIT_{role}_{what}": f"a@{role.lower()}.example"
            for role in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, **names, **(environment or {})},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, message: str = "work", **files: str | bytes | None) -> str:
        return self.write(message, {name.replace("__", "/"): content for name, content in files.items()})

    def write(self, message: str, files: dict[str, str | bytes | None], author: str | None = None) -> str:
        for name, content in files.items():
            path = self.folder / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message, *(["--author", author] if author else []))
        return self.git("rev-parse", "HEAD")


def check(evidence: Evidence, name: str) -> pd.Series:
    found = evidence["checks"].set_index("check").loc[name]
    assert found["target"] == "changes"
    return found


def between(
    repository: Repository, before: dict[str, str | bytes | None], after: dict[str, str | bytes | None]
) -> Evidence:
    base = repository.write("before", before)
    repository.write("after", after)
    return collect_changes(repository.folder, base)
