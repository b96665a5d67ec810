"""The one comment on a pull or merge request: found again among others, renewed, never somebody else's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stabkit.announce import Announcement
from stabkit.announce.comment import comment_body, marker
from stabkit.errors import StabkitError
from tests.announce.services import TOKEN, World

SERVICES = ("github", "gitlab")


@pytest.mark.parametrize("kind", SERVICES)
def test_a_second_run_renews_the_comment_of_the_first(kind: str, tell: Any, world: World, told: Announcement) -> None:
    tell(kind)
    (first,) = world.own()
    assert first.startswith(marker(""))
    assert "REGRESSED" in first
    assert "[Report](<https://pages.example/7/report.html>)" in first
    tell(kind, replace(told, verdict="stable", markdown="**✓ STABLE** all"))
    (second,) = world.own()
    assert "STABLE" in second
    assert "REGRESSED" not in second


@pytest.mark.parametrize("kind", SERVICES)
def test_it_is_found_on_a_later_page(kind: str, tell: Any, world: World) -> None:
    for number in range(230):
        world.add(f"remark {number}", None if number == 3 else "somebody")
    tell(kind)
    for number in range(150):
        world.add(f"later remark {number}")
    tell(kind)
    assert len(world.own()) == 1
    assert len(world.comments) == 381
    assert any("page=3" in path for _, path in world.asked)


@pytest.mark.parametrize("kind", SERVICES)
def test_somebody_elses_comment_with_the_marker_is_left_alone(kind: str, tell: Any, world: World) -> None:
    forged = world.add(f"{marker('')}\n**✓ STABLE** trust me")
    quoted = world.add(f"> {marker('')}\nas the bot said", world.login)
    tell(kind)
    tell(kind)
    bodies = {one["id"]: one["body"] for one in world.comments}
    assert bodies[forged].endswith("trust me")
    assert bodies[quoted].endswith("as the bot said")
    assert len(bodies) == 3


@pytest.mark.parametrize("kind", SERVICES)
def test_gates_of_other_names_have_comments_of_their_own(kind: str, tell: Any, world: World) -> None:
    for name in ("api", "web", "", "api"):
        tell(kind, name=name)
    assert [body.partition("\n")[0] for body in world.own()] == [marker("api"), marker("web"), marker("")]


@pytest.mark.parametrize("kind", SERVICES)
def test_of_two_comments_one_stays(kind: str, tell: Any, world: World) -> None:
    """Two jobs at once may each have written the first."""
    for _ in range(2):
        world.add(f"{marker('')}\nold", world.login)
    tell(kind)
    (left,) = world.own()
    assert "REGRESSED" in left


@pytest.mark.parametrize("kind", SERVICES)
def test_a_comment_that_went_meanwhile_is_written_anew(kind: str, tell: Any, world: World) -> None:
    world.add(f"{marker('')}\nold", world.login)
    world.break_({"github": "PATCH", "gitlab": "PUT"}[kind], "/(comments|notes)/", 404)
    tell(kind)
    assert "REGRESSED" in world.own()[-1]


@pytest.mark.parametrize("kind", SERVICES)
def test_a_body_that_is_too_long_is_cut_between_lines(kind: str, tell: Any, world: World, told: Announcement) -> None:
    lines = [f"- ✗ regressed: **`test {number}`** {'x' * 300}" for number in range(400)]
    tell(kind, replace(told, markdown="\n".join(["**✗ REGRESSED**", "`" + "y" * 80_000 + " @team`", *lines])))
    (body,) = world.own()
    assert len(body) < 65_536
    assert "@team" not in body
    assert "lines are left out" in body
    assert body.rstrip().endswith("[Job](<https://ci.example/7>)")
    shown = [line for line in body.splitlines() if line.startswith("- ")]
    assert shown == lines[: len(shown)]


def test_an_address_that_could_end_its_link_is_left_out(told: Announcement) -> None:
    body = comment_body(replace(told, page="https://x.example/a> [b](javascript:c)", job="javascript:alert(1)"), "")
    assert "javascript" not in body


EVENTS = {
    "pull_request": ({"pull_request": {"number": 12}}, True),
    "issue_comment": ({"issue": {"number": 12, "pull_request": {"url": "x"}}}, True),
    "issue": ({"issue": {"number": 12}}, False),
    "workflow_run": ({"workflow_run": {"pull_requests": [{"number": 12}]}}, True),
    "workflow_run of a fork": ({"workflow_run": {"pull_requests": []}}, False),
    "push": ({"ref": "refs/heads/main"}, False),
    "schedule": ([], False),
}


@pytest.mark.parametrize("name", EVENTS)
def test_only_events_of_a_pull_request_are_commented(name: str, tell: Any, world: World, tmp_path: Path) -> None:
    event, comments = EVENTS[name]
    path = tmp_path / "other.json"
    path.write_text(json.dumps(event))
    done = tell("github", GITHUB_EVENT_PATH=path)
    assert bool(world.own()) == comments
    assert ("nothing to comment on" in done) != comments


def test_a_pipeline_without_merge_request_is_not_commented(tell: Any, world: World) -> None:
    assert "nothing to comment on" in tell("gitlab", CI_MERGE_REQUEST_IID=None)
    assert world.asked == []


LACKS = [
    ("github", "GITHUB_TOKEN"),
    ("github", "GITHUB_REPOSITORY"),
    ("github", "GITHUB_EVENT_PATH"),
    ("gitlab", "CI_API_V4_URL"),
    ("gitlab", "CI_PROJECT_ID"),
    ("gitlab", "GITLAB_TOKEN"),
    ("grafana", "GRAFANA_URL"),
    ("grafana", "GRAFANA_TOKEN"),
]


@pytest.mark.parametrize(("kind", "variable"), LACKS)
def test_what_the_environment_lacks_is_named(kind: str, variable: str, tell: Any, world: World) -> None:
    with pytest.raises(StabkitError, match=f"{variable} is not set") as caught:
        tell(kind, **{variable: None})
    assert caught.value.hint
    assert world.asked == []


@pytest.mark.parametrize("repository", ["shop", "../user/keys", "a/b/../../c", "shop/api?x="])
def test_a_repository_that_is_none_is_refused(repository: str, tell: Any, world: World) -> None:
    with pytest.raises(StabkitError, match="owner/name"):
        tell("github", GITHUB_REPOSITORY=repository)
    assert world.asked == []


def test_a_token_is_sent_in_a_header_alone(tell: Any, world: World) -> None:
    tell("github")
    tell("gitlab")
    assert all(TOKEN not in path for _, path in world.asked)
    assert not any(TOKEN in body for body in world.own())
