"""What ``stabkit demo`` says at its end."""

import pytest

from stabkit.cli import run
from stabkit.demo import tour


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        (["rounds"], "a quiet machine and more rounds decide more"),
        (["reruns", "rounds"], "collecting once more decides more"),
    ],
)
def test_what_comes_next_names_only_what_decides(needs, said, tmp_path, monkeypatch, capsys):
    found = [{"unit": unit, "decidable_margin": None} for unit in needs]
    summary = {
        "gate": {"conditions": [{"outcome": "inconclusive", "needs": found}, {"outcome": "stable", "needs": []}]}
    }
    walked = tour.Walk(
        3, tmp_path / "index.html", "open", "stabkit demo --rounds 20", tour.lacks_rounds(summary), "4 min"
    )
    monkeypatch.setattr("stabkit.demo.walk", lambda *_, **__: walked)
    assert run(["demo", "--output", str(tmp_path / "out")]) == 3
    assert f"Next: {said} (4 min): stabkit demo --rounds 20" in capsys.readouterr().err


def test_a_margin_that_no_rounds_decide_asks_for_none():
    need = {"unit": "rounds", "decidable_margin": 0.2}
    assert not tour.lacks_rounds({"gate": {"conditions": [{"outcome": "inconclusive", "needs": [need]}]}})
