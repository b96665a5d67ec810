"""Sections are named, not numbered: one more in between leads no link elsewhere."""

from __future__ import annotations

from enum import StrEnum

from stabkit.kinds import KINDS
from stabkit.report.display import Section, outline
from stabkit.report.stability import StabilityReport


def test_each_section_is_a_method_of_the_report_in_the_same_order():
    methods = [name for name in vars(StabilityReport) if name in Section.__members__]
    assert methods == list(Section.__members__)


def test_each_kind_of_condition_is_shown_in_a_section():
    assert {kind.section for kind in KINDS.values()} <= set(Section.__members__)


def test_a_section_in_between_moves_numbers_and_no_link(monkeypatch):
    longer = StrEnum("Section", [("foreword", "Foreword"), *((one.name, one.value) for one in Section)])
    before = {one: outline.heading_id(one) for one in Section}
    monkeypatch.setattr(outline, "Section", longer)
    after = {one: outline.heading_id(one) for one in Section}
    for one in Section:
        (was, title), (now, same) = (ids[one].split("-", 1) for ids in (before, after))
        assert (int(now), same) == (int(was) + 1, title)
