"""What a change takes away is said alike by the condition, the first screen, the page, the JSON and the checklist."""

from __future__ import annotations

import pytest

SAID = (
    "the public function shop.api.total lost its parameter tax",
    "module shop/legacy.py deleted",
    "migration 0004_tax drops the column orders.tax",
)
SCENES = pytest.mark.parametrize("scene", ["breaking_change", "unjudged_break"])


@SCENES
@pytest.mark.parametrize("form", ["text", "markdown"])
def test_the_first_screen_names_what_is_gone_with_or_without_a_condition(ask, scene, form):
    said = ask(scene).gate_in(form).replace("\\", "")
    line = next(line for line in said.splitlines() if "Changed" in line)
    assert all(text in line for text in SAID)
    assert "3 breaking changes" in line


@SCENES
def test_the_json_holds_the_values_behind_the_words(ask, scene):
    breaking = ask(scene).gate["breaking"]
    assert [one["fact"] for one in breaking] == ["irreversible_migration", "api_break", "deleted_module"]
    assert {one["confidence"] for one in breaking} == {"proven"}
    api = breaking[1]
    assert (api["path"], api["line"], api["what"], api["before"]) == ("shop/api.py", 1, "shop.api.total(tax)", "tax=0")


def test_a_condition_reads_the_same_values(ask):
    asked = ask("breaking_change")
    condition = asked.conditions["nothing is taken away"]
    assert (asked.gate["word"], condition["outcome"], condition["exact"]) == ("regressed", "regressed", True)
    items = [{key: value for key, value in item.items() if key != "state"} for item in condition["items"]]
    assert items == asked.gate["breaking"]
    assert asked.explained("nothing is taken away")["condition"] == condition
    shown = asked.explained("nothing is taken away", "text").replace("\n", " ")
    assert all(word in shown for word in ("API break", "shop/api.py:1", "in 3 changed files"))


def test_without_a_condition_it_is_stable_and_no_leave_to_deploy(ask, doors):
    asked = ask("unjudged_break")
    assert asked.gate["word"] == "stable"
    rows = doors.tables(asked.piece("recommendations", "report"))[0]["rows"]
    assert "ship" not in {str(row["what"][0] if isinstance(row["what"], list) else row["what"]).lower() for row in rows}
    assert str(rows[0]["what"]).lower().count("ship only after")
    assert all(any(text in str(row) for row in rows[1:]) for text in SAID)


@SCENES
def test_section_and_notebook_show_the_facts(ask, doors, scene):
    asked = ask(scene)
    for section, of in (("change_impact", "report"), ("items", "impact")):
        shown = str(asked.piece(section, of))
        assert all(text[1:] in shown for text in SAID)
    lead = [doors.sentences(asked.piece(*place)) for place in (("change_impact", "report"), ("headline", "impact"))]
    assert all(any(SAID[1] in sentence for sentence in sentences) for sentences in lead)
