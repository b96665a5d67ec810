"""stabkit as its users have it: in environments made from its wheels, which are made from the sdist."""

from __future__ import annotations

import re
import shutil
import tarfile
from pathlib import Path

import pytest

from tests.project.environments import ROOT, Installed, build, make_environment


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
    """What ``pip install stabkit`` makes."""
    folder = tmp_path_factory.mktemp("installed")
    return make_environment(folder / "venv", build("wheel", sdist, folder))


@pytest.fixture(scope="session")
def tested(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """What ``pip install stabkit pytest`` makes."""
    folder = tmp_path_factory.mktemp("tested")
    return make_environment(folder / "venv", build("wheel", sdist, folder), beside=("pytest",))


@pytest.fixture(scope="session")
def gate(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """What ``pip install ./gate`` makes, of what the container file copies and no more."""
    folder = tmp_path_factory.mktemp("gate")
    first_image = (sdist / "gate" / "Containerfile").read_text().split("\nFROM ")[1]
    for source, target in re.findall(r"^COPY (\S+) (\S+)$", first_image, re.MULTILINE):
        copy = shutil.copytree if (sdist / source).is_dir() else shutil.copy
        (folder / "source").mkdir(exist_ok=True)
        copy(sdist / source, folder / "source" / target)
    return make_environment(folder / "venv", build("wheel", folder / "source" / "gate", folder))
