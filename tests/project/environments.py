"""Environments that hold what a distribution declares, and nothing else of what is installed here.

Packages are links to those of the environment that runs the tests: nothing is downloaded, and what is not declared is
not there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
_OF_THE_CHECKOUT = ("PYTHONPATH", "VIRTUAL_ENV", "STABKIT_CONFIG", "STABKIT_DATA")
_BUILD = "import sys; from hatchling import build; print(getattr(build, 'build_' + sys.argv[1])(sys.argv[2]))"


def build(kind: str, source: Path, output: Path) -> Path:
    """Build an sdist or a wheel as a front end would, with the builder that is installed here: no network is asked."""
    output.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", _BUILD, kind, str(output)]
    told = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False, timeout=120)
    assert told.returncode == 0, told.stderr
    return output / told.stdout.split()[-1]


@dataclass
class Installed:
    """An environment with stabkit of a wheel, and the packages that the wheel asks for."""

    folder: Path
    more: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        (found,) = (self.folder / "lib").glob("python*/site-packages")
        return found

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _OF_THE_CHECKOUT}
        return {**kept, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "BROWSER": "true", **self.more}

    def run(self, command: str | list[str], folder: Path, *, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a line as it would be typed, or words, in a folder."""
        words = ["bash", "-c", command] if isinstance(command, str) else command
        return subprocess.run(
            words, cwd=folder, env=self.environment, capture_output=True, text=True, check=False, timeout=timeout
        )

    def pip(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the pip of the tests on this environment, which has none."""
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", self.python, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder, timeout=120)


def make_environment(folder: Path, wheel: Path, extras: Sequence[str] = (), *, beside: Sequence[str] = ()) -> Installed:
    """Install a wheel into a new environment, with links to what it and these extras of it ask for, and ``beside``."""
    venv.create(folder, with_pip=False)
    environment = Installed(folder)
    told = environment.pip("install", "--no-deps", "--no-index", wheel)
    assert told.returncode == 0, told.stderr
    (metadata,) = environment.packages.glob("*.dist-info")
    asked = Distribution.at(metadata).requires or []
    for package in required([*asked, *beside], extras):
        _link(package, environment)
    return environment


def required(asked: Iterable[str], extras: Sequence[str] = ()) -> list[Distribution]:
    """Return the distributions that requirements lead to, as they are installed here."""
    todo = [Requirement(text) for text in asked]
    todo = [one for one in todo if one.marker is None or any(one.marker.evaluate({"extra": e}) for e in ("", *extras))]
    found: dict[str, Distribution] = {}
    seen = set()
    while todo:
        one = todo.pop()
        name = canonicalize_name(one.name)
        found.setdefault(name, distribution(one.name))
        for extra in {"", *one.extras} - {e for n, e in seen if n == name}:
            seen.add((name, extra))
            inner = [Requirement(text) for text in found[name].requires or []]
            todo += [i for i in inner if i.marker is None or i.marker.evaluate({"extra": extra})]
    return list(found.values())


def _link(package: Distribution, environment: Installed) -> None:
    here = Path(str(package.locate_file("")))
    for name in {path.parts[0] for path in package.files or [] if path.suffix != ".pth"} - {"..", "__pycache__"}:
        link = environment.packages / name
        if not link.is_symlink():
            link.symlink_to(here / name)
    for point in package.entry_points.select(group="console_scripts"):
        script = environment.folder / "bin" / point.name
        start = f"import sys\nfrom {point.module} import {point.attr}\nsys.exit({point.attr}())\n"
        script.write_text(f"#!{environment.python}\n{start}")
        script.chmod(0o755)
    for path in package.files or []:  # programs, and what Jupyter looks for in share
        if path.parts[0] == ".." and "bin" not in path.parts:
            inside = Path(*(part for part in path.parts if part != ".."))
            target = environment.folder / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                target.symlink_to(Path(str(path.locate())).resolve())
        elif path.parts[0] == ".." and not (environment.folder / "bin" / path.name).exists():
            (environment.folder / "bin" / path.name).symlink_to(Path(str(path.locate())).resolve())
