"""The whole way, end to end: a candidate whose event lacks a field, which only the probe can notice."""

import html
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stabkit.demo.tour import walk
from stabkit.errors import UsageError
from stabkit.report.display.escape import markdown_text
from stabkit.store import open_store

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.xdist_group("walk")  # what they share is dear: one worker makes it once

PAGES = {"stability_report", "latency_deltas", "change_impact", "test_trends", "compliance_history", "index"}

# An example of the help, run here with fewer rounds; tests/cli/test_examples.py leaves it to this.
EXAMPLE = ["stabkit", "demo", "--scenario", "contract", "--output", "contract-reports"]


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    place = tmp_path_factory.mktemp("walk")
    words = [sys.executable, "-m", *EXAMPLE, "--rounds", "3"]
    return subprocess.run(words, cwd=place, capture_output=True, text=True, timeout=600, check=False), place / EXAMPLE[
        -1
    ]


def test_verdict_is_regressed_and_names_the_cause_first(walked):
    finished, output = walked
    assert finished.returncode == 1, finished.stderr
    assert "REGRESSED" in finished.stdout
    result = json.loads((output / "stability_report.json").read_text())
    assert result["verdict"] == "regressed"
    first = result["summary"]["reasons"][0]
    assert first["subject"] == "events contract"
    assert "run_id" in first["text"]
    # Its services have ended: collecting from them again would fail.
    assert result["summary"]["decide"].startswith("stabkit demo --rounds ")
    assert result["summary"]["decide"].endswith(" --scenario contract --output contract-reports")
    assert "stabkit collect" not in (output / "stability_report.md").read_text()


def test_every_page_has_its_three_forms(walked):
    _, output = walked
    for suffix in (".html", ".json", ".md"):
        assert {path.stem for path in output.glob(f"*{suffix}")} == PAGES


def test_forms_agree(walked):
    _, output = walked
    result = json.loads((output / "stability_report.json").read_text())
    page = (output / "stability_report.html").read_text()
    markdown = (output / "stability_report.md").read_text()
    assert "REGRESSED" in markdown
    assert re.search(r"<title>[^<]*[Rr]egressed", page)
    sentence = result["summary"]["sentence"]
    assert markdown_text(sentence) in markdown
    assert sentence in html.unescape(re.sub(r"</?span[^>]*>|<wbr>", "", page))


def test_pages_ask_for_nothing_and_run_nothing(walked):
    _, output = walked
    for page in output.glob("*.html"):
        text = page.read_text()
        assert "<script" not in text
        assert "default-src 'none'" in text
        assert not re.search(r'(src|href)="(https?:)?//', text)


@pytest.mark.browser
@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_page_is_sound_in_every_theme_and_width_and_on_paper(walked, faults, name):
    _, output = walked
    assert faults((output / f"{name}.html").resolve()) == []


def test_both_runs_are_stored_whole_and_without_secrets_or_paths_of_the_machine(walked):
    _, output = walked
    store = open_store(output / "demo" / "data")
    runs = store.runs()
    assert runs["label"].tolist() == ["v1.4", "v1.5"]
    assert runs["complete"].all()
    assert runs["commit"].notna().all()
    for label in ("v1.4", "v1.5"):
        evidence = store.evidence(label)
        assert {"samples", "checks", "tests", "scans", "findings", "sources"} <= set(evidence)
        assert not evidence.failed


def test_second_walk_replaces_the_first_but_nothing_else(tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "precious.txt").write_text("mine")
    with pytest.raises(UsageError, match="not written by the demo"):
        walk("stable", tmp_path)
    assert (tmp_path / "demo" / "precious.txt").read_text() == "mine"


def test_the_readme_shows_what_it_prints(walked):
    """Numbers and the rest of the sentence differ from one machine to another; words and their order do not."""

    def words(line):
        return re.sub(r"\(\w{7}\)|\d+", "#", line).strip()

    finished, _ = walked
    (shown,) = re.findall(r"^```text\n\$ (stabkit demo .+?)^```$", (ROOT / "README.md").read_text(), re.S | re.M)
    command, title, verdict, reason, _, pages = shown.splitlines()
    printed = finished.stdout.splitlines()
    assert command.split() == EXAMPLE
    assert words(title) == words(printed[0])
    assert verdict.partition(". ")[0] == printed[1].partition(". ")[0]
    assert words(reason) == words(printed[2])
    assert pages == printed[-1]
