"""stabkit as its users have it: in an environment made from the wheel, which is made from the sdist."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = ("papermill", "jupyter", "jupyter-nbconvert", "jupyter-lab")
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
    """An environment with stabkit of the wheel, and the packages of the one that runs the tests."""

    folder: Path
    more: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

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


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the source distribution unpacks to."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build("sdist", ROOT, folder)) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = (path for path in folder.iterdir() if path.is_dir())
    return unpacked


@pytest.fixture(scope="session")
def installed(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed") / "venv"
    wheel = build("wheel", sdist, folder.parent)
    venv.create(folder, with_pip=False)
    environment = Installed(folder)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", environment.python]
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", wheel], check=True, capture_output=True, cwd=folder, timeout=120
    )
    # What stabkit needs comes from here; stabkit itself does not, as a path in a .pth file brings no other .pth files.
    (packages,) = (folder / "lib").glob("python*/site-packages")
    others = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "of_the_tests.pth").write_text("".join(f"{path}\n" for path in others))
    scripts = {point.name: point for point in entry_points(group="console_scripts") if point.name in COMMANDS}
    for name, point in scripts.items():
        script = folder / "bin" / name
        script.write_text(
            f"#!{environment.python}\nimport sys\nfrom {point.module} import {point.attr}\nsys.exit({point.attr}())\n"
        )
        script.chmod(0o755)
    shared = next((path for path in (Path(sys.prefix, "share"), *shares(others)) if (path / "jupyter").is_dir()), None)
    if shared is not None and not (folder / "share").exists():
        (folder / "share").symlink_to(shared)
    return environment


def shares(packages: list[str]) -> list[Path]:
    """Return where the environments of these folders of packages keep their data."""
    return [Path(path).parents[2] / "share" for path in packages]
