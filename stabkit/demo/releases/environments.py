"""An environment for each release: the release itself, and what it needs as of the day it came out."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Final

from stabkit.demo.releases.released import PROJECT, released_at
from stabkit.errors import EvidenceError, UsageError

__all__ = ["find_uv", "install_release"]

PYTHON: Final = "3.11"
# As of their day some of these cannot be built for, or do not run on, one Python that runs all releases.
_OVERRIDES: Final = (
    "aiofiles==23.2.1",
    "httptools==0.6.1",
    "markupsafe==2.0.1",
    "pint>=0.9,!=0.19,!=0.19.1,!=0.19.2",
    "pluggy>=0.13",
    "pyyaml==6.0.1",
    "setuptools==65.5.1",
    "uvloop==0.19.0",
    "websockets==12.0",
)
_NEWER: Final = "2024-01-01T00:00:00Z"
_AFTER: Final = timedelta(days=2)


def find_uv() -> str:
    """Return the path of uv, which installs and scans.

    Raises
    ------
    UsageError
        It is not installed.
    """
    found = shutil.which("uv")
    if found is None:
        raise UsageError(
            "uv is needed to install each release as of its day, and was not found.",
            where="PATH",
            hint="Install it with: pip install uv",
        )
    return found


def install_release(label: str, folder: Path) -> Path:
    """Make an environment that holds a release, and return its folder of packages.

    Raises
    ------
    EvidenceError
        It cannot be installed; carries the first line of what uv wrote.
    """
    uv = find_uv()
    overrides = folder.parent / "overrides.txt"
    overrides.write_text("\n".join(_OVERRIDES) + "\n", encoding="utf-8")
    until = f"{released_at(label) + _AFTER:%Y-%m-%dT00:00:00Z}"
    exact = [line.partition("==")[0] for line in _OVERRIDES if "==" in line]
    # What is pinned to one version may be newer than the release.
    newer = [word for name in exact for word in ("--exclude-newer-package", f"{name}={_NEWER}")]
    _run([uv, "venv", "--quiet", "--python", PYTHON, str(folder)], label)
    install = [uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python")]
    install += ["--exclude-newer", until, *newer, "--override", str(overrides)]
    _run([*install, f"{PROJECT}=={label}", "setuptools"], label)
    packages: Path = next((folder / "lib").glob("python*/site-packages"))
    return packages


def _run(command: list[str], label: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)  # noqa: S603 - uv, an argument list
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it wrote nothing"]
        raise EvidenceError(
            f"{PROJECT} {label} cannot be installed: {lines[0]}",
            where="uv",
            hint="Is the package index in reach? It has to say when each file was uploaded.",
        )
