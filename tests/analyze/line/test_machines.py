"""Times of two machines are not compared, whatever the machines say of themselves."""

from __future__ import annotations

import json

import pytest

from stabkit.analyze import RunEvidence, Sides
from stabkit.analyze.line.machines import different_machine, same_machine
from stabkit.config import Config
from stabkit.schema import Evidence

HERE = {"cpu": "A 1.0", "cores": 4, "cpu_limit": 2.0, "steal_share": 0.001}


def sides(before, after, **row):
    runs = [{"machine": None if one is None else json.dumps(one), **row} for one in (before, after)]
    return Sides(Config(), *(RunEvidence(run, Evidence()) for run in runs))


@pytest.mark.parametrize("change", [{"cpu": "B"}, {"cores": 8}, {"cpu_limit": 1.0}, {"cpu_limit": None}])
def test_each_part_tells_machines_apart(change):
    other = {**HERE, **change}
    found = different_machine(sides(HERE, other))
    assert (found.reason, found.about) == ("not_comparable", "machines")
    assert different_machine(sides(other, other)) is None


def test_a_host_that_is_busy_with_others_is_another_machine():
    assert different_machine(sides(HERE, {**HERE, "steal_share": 0.002})) is None
    assert different_machine(sides(HERE, {**HERE, "steal_share": 0.2})).about == "machines"


def test_what_says_nothing_is_alike_among_itself_alone():
    assert different_machine(sides(None, None)) is None
    found = different_machine(sides(None, HERE))
    assert (found.about, found.side) == ("machine_unknown", "baseline")


def test_interleaved_rounds_had_one_machine():
    assert different_machine(sides(HERE, {**HERE, "cores": 1}, collection_id="pair")) is None


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '{"cpu": {}}', '{"steal_share": "x"}', "{0}"])
def test_what_is_no_machine_is_text(text):
    assert same_machine(text, text)
    assert not same_machine(text, json.dumps(HERE))
