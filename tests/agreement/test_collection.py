"""What a collection takes for a failure of the baseline, and so does not run again, fails there for the report too."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import stabkit
from stabkit.cli import run

CONFIG = """
[project]
name = "shop"
environment = "staging"
data = "runs"

[tests.unit]
command = ["cp", "report.json", "{output}"]
rerun_command = ["cp", "report.json", "{output}"]
confirm_reruns = 3
directory = "new"
baseline_directory = "old"

[[condition]]
name = "unit tests"
kind = "tests"
target = "unit"
"""
# In the baseline and in the candidate, as pytest calls it.
RESULTS = {
    "test_passed": ("passed", "failed"),
    "test_failed": ("failed", "failed"),
    "test_xfailed": ("xfailed", "failed"),
    "test_xpassed": ("xpassed", "failed"),
    "test_skipped": ("skipped", "failed"),
}
FAILED = ("fail", "error", "no_result")


def write_report(folder: Path, outcomes: dict[str, str]) -> None:
    tests = [
        {"nodeid": f"tests/test_cart.py::{name}", "outcome": outcome, "call": {"outcome": outcome, "duration": 0.1}}
        for name, outcome in outcomes.items()
    ]
    counts = Counter(outcomes.values())
    folder.mkdir()
    report = {"created": 1795563137.8, "duration": 1.0, "exitcode": int("failed" in counts), "root": "/shop"}
    report |= {"summary": {**counts, "total": len(tests), "collected": len(tests)}, "tests": tests}
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")


@pytest.fixture(scope="module")
def collected(tmp_path_factory: Any) -> Path:
    """A project whose two versions were collected: ``together`` in one collection, ``apart`` in two."""
    folder = tmp_path_factory.mktemp("collected")
    (folder / "stabkit.toml").write_text(CONFIG, encoding="utf-8")
    for number, side in enumerate(("old", "new")):
        write_report(folder / side, {name: outcomes[number] for name, outcomes in RESULTS.items()})
    return folder


def collect(folder: Path, config: str, data: str, *words: str) -> None:
    (folder / f"{data}.toml").write_text(config, encoding="utf-8")
    places = ["--config", str(folder / f"{data}.toml"), "--data", str(folder / data)]
    assert run(["--quiet", "collect", *words, *places]) == 0


@pytest.mark.parametrize("how", ["together", "apart"])
def test_a_collection_runs_again_what_does_not_fail_in_the_baseline_for_the_report(collected, capsys, how):
    if how == "together":
        collect(collected, CONFIG, how, "--label", "v2", "--baseline-label", "v1")
    else:
        alone = CONFIG.replace('baseline_directory = "old"\n', "")
        collect(collected, alone.replace('"new"', '"old"'), how, "--label", "v1")
        collect(collected, alone, how, "--label", "v2")
    report = stabkit.stability_report(
        baseline="v1", candidate="v2", data=collected / how, config=collected / f"{how}.toml"
    )
    gate = report.verdict()._repr_mimebundle_()["application/vnd.stabkit+json"]["gate"]
    (condition,) = (c for c in gate["conditions"] if c["name"] == "unit tests")
    items = {item["what"].rpartition("::")[2]: item for item in condition["items"]}
    assert items.keys() == RESULTS.keys()
    known = {name for name, item in items.items() if item["baseline_status"] in FAILED}
    assert known == {"test_failed"}
    assert {name for name, item in items.items() if item["attempts"] == 1} == known
    assert {name for name, item in items.items() if item["state"] == "still_failing"} == known
