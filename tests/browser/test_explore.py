"""The page of plain data frames, as a browser and axe see it."""

from pathlib import Path

import pytest

from stabkit.pipeline.batch import make_reports
from stabkit.pipeline.reports import Job

pytestmark = pytest.mark.xdist_group("explore")  # what they share is dear: one worker makes it once

DATA = Path(__file__).parents[2] / "tests" / "data" / "demo_history"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    (made,) = make_reports([Job("explore", {"data": str(DATA)})], tmp_path_factory.mktemp("explore"))
    assert made.failure is None
    return made.html


@pytest.mark.browser
def test_data_frames_are_a_sound_page(page, faults):
    assert faults(page) == []


def test_every_section_shows_its_rows(page):
    text = page.read_text(encoding="utf-8")
    for cell in ("v1.5", "response_time", "p99", "F401"):
        assert f"<td>{cell}</td>" in text or f"<th>{cell}</th>" in text, cell
