"""What lies between two commits is said alike by verdict, section and notebook, also where the newer one is left."""

from __future__ import annotations

from typing import Any

import pytest

SCENES = pytest.mark.parametrize("scene", ["rollback", "moved_lines"])


def changed(asked: Any) -> str:
    """Return what the facts below the verdict say of the change."""
    return next(fact["text"] for fact in asked.gate["facts"] if fact["label"] == "Changed")


def lead(asked: Any, doors: Any, section: str, of: str) -> str:
    return doors.sentences(asked.piece(section, of))[0]


def test_the_candidate_is_the_older_commit(ask):
    asked = ask("rollback")
    older, newer = (asked.store.run(label)["commit"] for label in ("v2", "v1"))
    assert older != newer
    assert asked.gate["subject"]["title"] == f"Stability of v2 ({older[:7]}) against v1 ({newer[:7]})"


@SCENES
def test_report_and_change_impact_say_the_same_of_the_change(ask, doors, scene):
    asked = ask(scene)
    places = (("change_impact", "report"), ("headline", "impact"))
    assert len({lead(asked, doors, *place) for place in places}) == 1


@SCENES
def test_the_facts_of_the_verdict_say_of_the_change_what_its_section_says(ask, doors, scene):
    asked = ask(scene)
    said = lead(asked, doors, "change_impact", "report")
    assert said.startswith(changed(asked)) or ("examined" in said) == (changed(asked) != "not recorded")


def test_no_door_says_that_a_rollback_changes_no_file(ask, doors, evidence):
    asked = ask("rollback")
    commits = [asked.store.run(label)["commit"] for label in asked.sides]
    assert evidence.git(asked.scene.folder, "diff", "--name-only", *commits) == "app.py"
    for section, of in (("change_impact", "report"), ("headline", "impact")):
        assert "changes no file" not in lead(asked, doors, section, of)
