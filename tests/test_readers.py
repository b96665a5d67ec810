"""What the author of a reader needs is public, documented, and enough for the readers that there are."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from stabkit import readers

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", readers.__all__)
def test_each_name_is_documented(name):
    assert inspect.getdoc(getattr(readers, name))


def test_each_reader_offers_its_four_parts_and_recognises_by_content_alone():
    for reader in readers.readers():
        assert list(inspect.signature(reader.recognise).parameters) == ["head"], reader.FORMAT
        assert list(inspect.signature(reader.read).parameters) == ["path", "suite", "root"], reader.FORMAT
        assert reader.recognise(b"") is False


def test_the_reader_of_the_handbook_needs_nothing_else():
    page = (ROOT / "docs" / "handbook" / "extending.md").read_text(encoding="utf-8")
    example = next(code for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "def recognise" in code)
    assert set(re.findall(r"from (stabkit[\w.]*) import", example)) == {"stabkit.readers"}
