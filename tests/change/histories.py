"""Histories of many commits, written at once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stabkit.change.steps import Step


@dataclass
class Commit:
    """A commit to write: its files, None for one that is deleted, and where it stands in the history."""

    files: Mapping[str, str | None] = field(default_factory=dict)
    subject: str = "Work"
    author: str = "a@example.org"
    branch: str = "main"
    start: str | None = None
    merge: str | None = None


def git(folder: Path, *arguments: str, given: bytes = b"") -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    done = subprocess.run(command, input=given, env=environment, check=True, capture_output=True)
    return done.stdout.decode().strip()


def written(folder: Path, commits: Iterable[Commit]) -> Path:
    """Write a bare repository with these commits, in their order; a branch starts at its ``start``, else goes on."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "--bare", "-b", "main")
    parts: list[bytes] = []
    for number, one in enumerate(commits):
        subject = one.subject.encode()
        person = f"a <{one.author}> {1_700_000_000 + 60 * number} +0000"
        parts.append(f"commit refs/heads/{one.branch}\nauthor {person}\ncommitter {person}\n".encode())
        parts.append(b"data %d\n%s\n" % (len(subject), subject))
        parts += [f"from refs/heads/{one.start}\n".encode()] if one.start else []
        parts += [f"merge refs/heads/{one.merge}\n".encode()] if one.merge else []
        for path, text in one.files.items():
            body = (text or "").encode()
            head = f"M 100644 inline {path}\ndata {len(body)}\n".encode() + body + b"\n"
            parts.append(f"D {path}\n".encode() if text is None else head)
    git(folder, "fast-import", "--quiet", given=b"".join(parts))
    return folder


def lines(count: int) -> str:
    return "".join(f"x{number} = {number}\n" for number in range(count))


def steps_of(sizes: Sequence[int], *, path: str = "app/core.py", author: str = "a") -> list[Step]:
    """Return steps that add so many lines each to one file, the newest first."""
    return [Step(f"{number:040x}", author, False, ((path, size, 0),)) for number, size in enumerate(sizes)]
