"""docs/licences.md lists what is installed, with the licences that the packages state; none is of an unknown family."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
FAMILIES = re.compile(
    r"0BSD|Apache|BSD|CC0|HPND|ISC|MIT|MPL|Mozilla Public|PSF|Python Software Foundation|Unlicense|Zlib"
)
WORDS = re.compile(r" (?:AND|OR|or|and|WITH) ")


@pytest.fixture(scope="module")
def own() -> ModuleType:
    found = importlib.util.spec_from_file_location("licences", ROOT / "docs" / "licences.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_page_lists_what_is_installed(own: ModuleType) -> None:
    rows = re.findall(r"^\| (\S+) \| (.+) \|$", own.PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    listed = {name: licence for name, licence in rows if name not in ("package", "---")}
    assert listed.items() >= own.licences().items()
    assert len(listed) > 100


def test_every_licence_is_of_a_known_family(own: ModuleType) -> None:
    strange = {
        name: licence
        for name, licence in own.licences().items()
        if not all(FAMILIES.search(part) for part in WORDS.split(licence)) or "GPL" in licence
    }
    assert strange == {}


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "stabkit" / "py.typed").is_file()
