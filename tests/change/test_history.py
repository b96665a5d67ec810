"""Where a change ranks in its own repository's history."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stabkit.change import collected
from stabkit.change.collected import collect_changes
from stabkit.change.history import ENOUGH_STEPS, SIDE_BY_SIDE, History, Rank, rank_of
from stabkit.change.steps import Step
from tests.change.histories import Commit, git, lines, steps_of, written

SIZES = st.lists(st.integers(0, 500), min_size=ENOUGH_STEPS, max_size=90)


def percentile(added: int, history: History, *, path: str = "app/core.py") -> float:
    found = rank_of([((path, added, 0),)], ["a"], history).percentile
    assert found is not None
    return found


@given(SIZES, st.integers(0, 600), st.integers(0, 600))
def test_more_lines_never_rank_lower(sizes: list[int], one: int, other: int) -> None:
    history = History(steps_of(sizes))
    low, high = sorted((one, other))
    assert 0 <= percentile(low, history) <= percentile(high, history) <= 100


@given(SIZES, st.randoms(use_true_random=False))
def test_the_order_of_history_is_irrelevant_to_a_single_step(sizes: list[int], random: Any) -> None:
    shuffled = list(sizes)
    random.shuffle(shuffled)
    assert percentile(40, History(steps_of(sizes))) == percentile(40, History(steps_of(shuffled)))


@given(SIZES, st.sampled_from(["README.md", "tests/test_core.py", "uv.lock", "conf.toml"]), st.integers(0, 9_000))
def test_what_is_no_code_moves_no_rank(sizes: list[int], path: str, added: int) -> None:
    steps = steps_of(sizes)
    beside = [Step(f"b{step.commit}", "b", False, ((path, added, 0),)) for step in steps]
    mixed = [step for pair in zip(steps, beside, strict=True) for step in pair]
    assert percentile(40, History(steps)) == percentile(40, History(mixed))
    assert percentile(added, History(steps), path=path) == 0.0


def test_equal_changes_stand_in_the_middle() -> None:
    assert percentile(10, History(steps_of([10] * 60))) == 50.0
    assert percentile(11, History(steps_of([10] * 60))) == 100.0
    assert percentile(9, History(steps_of([10] * 60))) == 0.0


def test_of_as_many_lines_more_files_then_more_folders_rank_higher() -> None:
    history = History([Step(f"{n}", "a", False, (("app/a.py", 5, 0), ("app/b.py", 5, 0))) for n in range(60)])
    one = rank_of([(("app/a.py", 10, 0),)], ["a"], history)
    two = rank_of([(("app/a.py", 10, 0), ("app/b.py", 0, 0))], ["a"], history)
    wide = rank_of([(("app/a.py", 10, 0), ("web/b.py", 0, 0))], ["a"], history)
    assert [rank.percentile for rank in (one, two, wide)] == [0.0, 50.0, 100.0]
    assert (wide.lines_added, wide.files, wide.folders) == (10, 2, 2)


@pytest.mark.parametrize("author", ["old", "new"])
def test_the_author_is_told_and_moves_no_rank(author: str) -> None:
    history = History(steps_of([10] * 60, author="old"))
    rank = rank_of([(("app/core.py", 10, 0),)], [author], history)
    assert (rank.percentile, rank.experience) == (50.0, 60 if author == "old" else 0)
    assert rank_of([], [], history).experience is None


@pytest.mark.parametrize(
    ("steps", "ranked"),
    [
        (steps_of([1] * (ENOUGH_STEPS - 1)), False),
        (steps_of([1] * ENOUGH_STEPS), True),
        (steps_of([1] * 200, path="README.md"), False),
        ([*steps_of([1] * 29), *steps_of([1] * 100, path="README.md")], False),
        ([], False),
    ],
)
def test_too_little_history_ranks_nothing(steps: list[Step], ranked: bool) -> None:
    rank = rank_of([(("app/core.py", 3, 0),)], ["a"], History(steps))
    assert (rank.percentile is not None) is ranked
    assert (rank.lines_added, rank.files) == (3, 1), "what it would be ranked by is told all the same"


def test_a_stretch_is_ranked_among_stretches_of_its_length() -> None:
    history = History(steps_of([1, 9] * 50))
    parts = [(("app/core.py", 6, 0),), (("app/core.py", 5, 0),)]
    rank = rank_of(parts, ["a"], history, steps=2)
    assert (rank.percentile, rank.compared, rank.steps, rank.lines_added, rank.files) == (100.0, 99, 2, 11, 1)
    assert rank_of(parts, ["a"], history).percentile == 100.0
    assert rank_of([(("app/core.py", 10, 0),)], ["a"], history, steps=2).percentile == 50.0


def test_long_stretches_need_a_longer_history() -> None:
    history = History(steps_of([1] * 100))
    parts = [(("app/core.py", 1, 0),)]
    assert rank_of(parts, ["a"], history, steps=100 // SIDE_BY_SIDE).percentile is not None
    assert rank_of(parts, ["a"], history, steps=100 // SIDE_BY_SIDE + 1).percentile is None


@given(SIZES, st.integers(1, 12), st.integers(0, 600))
def test_a_rank_is_what_counting_says(sizes: list[int], length: int, added: int) -> None:
    rank = rank_of([(("app/core.py", added, 0),)], ["a"], History(steps_of(sizes)), steps=length)
    sums = [sum(sizes[start : start + length]) for start in range(len(sizes) - length + 1)]
    expected = 100 * sum((one < added) + 0.5 * (one == added) for one in sums) / len(sums)
    if rank.percentile is not None:
        assert rank.percentile == pytest.approx(expected)


def test_the_early_years_of_a_repository_count_only_for_long_stretches() -> None:
    history = History([*steps_of([1] * 500), *steps_of([900] * 1000)])
    change = [(("app/core.py", 5, 0),)]
    assert rank_of(change, ["a"], history).percentile == 100.0
    rank = rank_of(change, ["a"], history, steps=200)
    assert (rank.percentile, rank.compared) == (0.0, 801)


def test_partners_change_together_and_sweeps_say_nothing() -> None:
    pair = (("a.py", 1, 0), ("b.py", 1, 0))
    sweep = (*tuple((f"m{number}.py", 1, 0) for number in range(40)), ("a.py", 1, 0))
    steps = [Step(f"{n}", "a", False, pair) for n in range(4)] + [Step(f"s{n}", "a", False, sweep) for n in range(9)]
    history = History(steps)
    assert history.partners("a.py") == [("b.py", 1.0)]
    assert history.partners("m1.py") == history.partners("unknown.py") == []


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def work(count: int, **options: Any) -> list[Commit]:
    """Return commits that each add a module of ten lines."""
    return [Commit({f"app/m{number}.py": lines(10)}, **options) for number in range(count)]


def rank_between(folder: Path, base: str, head: str) -> Rank:
    evidence = collect_changes(folder, base, head)
    return Rank(**json.loads(evidence["changes"]["rank"].iloc[0]))


def test_a_release_is_ranked_by_its_steps_and_a_branch_as_the_one_that_it_will_be(tmp_path: Path) -> None:
    topic = [
        Commit({"app/topic.py": lines(8 + number)}, branch="topic", start="main" if number == 0 else None)
        for number in range(4)
    ]
    landed = [Commit({f"app/n{number}.py": lines(12)}) for number in range(4)]
    folder = written(tmp_path / "repo", [*work(60), *topic, *landed])
    release = rank_between(folder, "main~4", "main")
    assert (release.steps, release.lines_added, release.files, release.percentile) == (4, 48, 4, 100.0)
    branch = rank_between(folder, "main~4", "topic")
    assert (branch.steps, branch.lines_added, branch.files, branch.percentile) == (1, 11, 1, 100.0)
    git(folder, "tag", "v1", "topic")
    assert rank_between(folder, "main~4", "v1").steps == 4


def test_what_lines_a_release_wrote_twice_count_twice_as_in_its_past(tmp_path: Path) -> None:
    again = [Commit({"app/m1.py": lines(10).replace("=", sign)}) for sign in ("==", "!=", ">=")]
    folder = written(tmp_path / "repo", [*work(60), *again])
    assert rank_between(folder, "main~3", "main").lines_added == 30


def test_a_rollback_adds_what_its_steps_deleted(tmp_path: Path) -> None:
    gone = [Commit({f"app/m{number}.py": None}) for number in range(2)]
    folder = written(tmp_path / "repo", [*work(60), *gone])
    assert rank_between(folder, "main~2", "main").lines_added == 0
    assert rank_between(folder, "main", "main~2").lines_added == 20


def test_a_merged_branch_is_one_step(tmp_path: Path) -> None:
    topic = [
        Commit({"app/topic.py": lines(5)}, branch="topic", start="main"),
        Commit({"app/other.py": lines(5)}, branch="topic"),
    ]
    merge = Commit({"app/topic.py": lines(5), "app/other.py": lines(5)}, merge="topic")
    rank = rank_between(written(tmp_path / "repo", [*work(60), *topic, merge]), "main^", "main")
    assert (rank.steps, rank.lines_added, rank.files, rank.percentile) == (1, 10, 2, 100.0)


def test_a_moved_file_adds_nothing(tmp_path: Path) -> None:
    commits = [*work(60), Commit({"app/m1.py": None, "lib/m1.py": lines(10)})]
    assert rank_between(written(tmp_path / "repo", commits), "main^", "main").lines_added == 0


def test_a_shallow_clone_is_ranked_nowhere(tmp_path: Path) -> None:
    folder = written(tmp_path / "repo", work(80))
    git(tmp_path, "clone", "-q", "--bare", "--depth", "70", f"file://{folder}", str(tmp_path / "shallow"))
    evidence = collect_changes(tmp_path / "shallow", "main^", "main")
    assert evidence["changes"]["rank"].isna().all()
    assert "shallow" in evidence["sources"]["message"].iloc[0]


def test_the_first_commits_of_a_repository_are_ranked_nowhere(tmp_path: Path) -> None:
    rank = rank_between(written(tmp_path / "repo", work(3)), "main^", "main")
    assert (rank.percentile, rank.lines_added) == (None, 10)


@pytest.mark.parametrize("cache", ["file", "none", "no home"])
def test_no_place_for_a_cache_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: str) -> None:
    folder = written(tmp_path / "repo", work(60))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" if cache == "file" else tmp_path / "none"))
    if cache == "no home":
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.delenv("HOME", raising=False)
        monkeypatch.setattr("os.path.expanduser", lambda path: path)
    monkeypatch.chdir(tmp_path)
    assert rank_between(folder, "main^", "main").percentile == 50.0
    assert not (tmp_path / "~").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root gives files away")
def test_a_cache_of_another_user_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_UID", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = tmp_path / "stabkit" / "history.sqlite3"
    assert collected._cache() == place
    place.parent.mkdir()
    place.touch()
    for theirs in (place, place.parent):
        os.chown(theirs, 54_321, 54_321)
        assert collected._cache() is None
        os.chown(theirs, 0, 0)
    assert collected._cache() == place
