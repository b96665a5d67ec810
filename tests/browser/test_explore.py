"""The page of plain data frames, as a browser and axe see it."""

import re
from pathlib import Path

import pytest

import stabkit
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


def test_its_head_names_project_environment_and_period_as_those_of_the_others_do(page):
    head = page.read_text(encoding="utf-8").partition("<main")[0]
    project, environment = (stabkit.test_trends(data=DATA).headline().subject.project, "demo")
    crumb = head.partition('<p class="crumb">')[2].partition("</p>")[0]
    assert project
    assert re.search(rf"{project}.*{environment}", crumb, re.DOTALL)
    assert re.search(r"\d{4}, \d\d:\d\d to .*UTC · \d+\sruns, build-01 to v1.5", crumb)
    assert "34 runs in 1 environment; all have samples, " in head
