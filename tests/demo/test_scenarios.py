import json
import subprocess
import sys

import pytest

from stabkit.demo.history import BUILDS
from stabkit.demo.repository import build_versions
from stabkit.demo.scenarios import RELEASE, SCENARIOS, Edit, apply_edits, find_scenario, write_service
from stabkit.errors import UsageError

RUFF = (sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "A,B,F,S,UP,W")


def run_suite(folder):
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def rules(folder):
    scan = subprocess.run(
        [*RUFF, "--output-format", "json", "chat_service"], cwd=folder, capture_output=True, text=True, check=False
    )
    return sorted(finding["code"] for finding in json.loads(scan.stdout))


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    folder = tmp_path_factory.mktemp("service") / "baseline"
    write_service(folder)
    return folder


def test_baseline_passes_its_own_suite(baseline):
    finished = run_suite(baseline)
    assert finished.returncode == 0, finished.stdout
    assert "33 passed" in finished.stdout


@pytest.mark.parametrize("name", SCENARIOS)
def test_only_the_broken_candidate_breaks_a_test(tmp_path, name):
    versions = build_versions(tmp_path, SCENARIOS[name])
    finished = run_suite(versions.candidate)
    assert (finished.returncode == 1) == (name == "broken"), finished.stdout
    if name == "broken":
        assert "test_events_go_to_their_user_alone" in finished.stdout


@pytest.mark.parametrize("name", SCENARIOS)
def test_candidate_fixes_findings_and_brings_none(tmp_path, baseline, name):
    versions = build_versions(tmp_path, SCENARIOS[name])
    before, after = rules(baseline), rules(versions.candidate)
    assert "F401" in before
    assert "F401" not in after
    assert set(after) <= set(before)


def test_versions_are_two_tagged_commits(tmp_path):
    versions = build_versions(tmp_path, SCENARIOS["slow"])
    assert versions.baseline_commit != versions.candidate_commit
    subjects = subprocess.run(
        ["git", "log", "--format=%s", "v1.4..v1.5"], cwd=versions.candidate, capture_output=True, text=True, check=True
    )
    assert subjects.stdout.splitlines() == [SCENARIOS["slow"].commit, *reversed(RELEASE)]


@pytest.mark.parametrize("label", BUILDS)
def test_every_build_of_the_history_fits_the_source(tmp_path, label):
    write_service(tmp_path / "service")
    apply_edits(tmp_path / "service", BUILDS[label])


def test_edit_that_no_longer_fits_is_refused(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\nx = 1\n")
    with pytest.raises(ValueError, match="fits 2 places"):
        apply_edits(tmp_path, [Edit("a.py", "x = 2", old="x = 1")])


def test_unknown_scenario_names_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'slow'"):
        find_scenario("slwo")
