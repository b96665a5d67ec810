"""Services that refuse, break, are slow or lie: one kind of error, in words, with no secret in it."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from stabkit.announce import Announcement, announce, parse_place
from stabkit.errors import StabkitError, UsageError
from tests.announce.services import TOKEN, Trouble, World, running

ALL = ("webhook", "github", "gitlab", "grafana")
# The first request of each, and one that writes.
FIRST = {"webhook": ("POST", "/hook"), "github": ("POST", "/graphql"), "gitlab": ("GET", "/user"),
         "grafana": ("GET", "/annotations")}  # fmt: skip
WRITES = {"webhook": ("POST", "/hook"), "github": ("POST", "/comments"), "gitlab": ("POST", "/notes"),
          "grafana": ("POST", "/annotations")}  # fmt: skip


def refused(tell: Any, kind: str, **more: Any) -> StabkitError:
    with pytest.raises(StabkitError) as caught:
        tell(kind, **more)
    said = f"{caught.value} {caught.value.hint}"
    assert TOKEN not in said
    assert "canary-path" not in said
    return caught.value


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_a_refusal_is_told_with_its_status(kind: str, status: int, tell: Any, world: World) -> None:
    secret = "canary-path" if kind == "webhook" else TOKEN
    world.troubles.append(Trouble(*WRITES[kind], status, body=json.dumps({"message": f"not you, {secret}"}).encode()))
    error = refused(tell, kind)
    assert f"HTTP {status}" in error.what
    assert "not you" in error.what
    if status in (401, 403) and kind != "webhook":
        assert error.hint


@pytest.mark.parametrize(("kind", "variable"), [("github", "GITHUB_TOKEN"), ("gitlab", "GITLAB_TOKEN"),
                                                ("grafana", "GRAFANA_TOKEN")])  # fmt: skip
def test_a_wrong_token_is_named(kind: str, variable: str, tell: Any) -> None:
    error = refused(tell, kind, **{variable: "canary-other"})
    assert "HTTP 401" in error.what
    assert variable in str(error.hint)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("form", ["seconds", "date", "none"])
def test_who_is_asked_to_wait_waits_and_tells(kind: str, form: str, tell: Any, world: World) -> None:
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)
    headers = {"seconds": {"retry_after": "0"}, "date": {"retry_after": past}, "none": {}}[form]
    world.break_(*WRITES[kind], 429, **headers)
    tell(kind)
    assert len(world.own()) + len(world.annotations) + len(world.hooked) == 1


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_wait_beyond_the_limit_is_not_waited_for(kind: str, status: int, tell: Any, world: World) -> None:
    world.break_(*FIRST[kind], status, times=9, retry_after="3600")
    error = refused(tell, kind)
    assert "3600 s" in str(error.hint) or status == 503
    assert len(world.asked) == 1


def test_the_hourly_limit_of_github_is_told(tell: Any, world: World) -> None:
    later = str(int((datetime.now(UTC) + timedelta(minutes=20)).timestamp()))
    world.break_("POST", "/graphql", 403, x_ratelimit_remaining="0", x_ratelimit_reset=later)
    assert "asks to wait" in str(refused(tell, "github").hint)


@pytest.mark.parametrize("kind", ["github", "gitlab", "grafana"])
def test_a_passing_error_is_asked_again_where_nothing_can_come_out_twice(kind: str, tell: Any, world: World) -> None:
    reading = {"github": ("GET", "/comments"), "gitlab": ("GET", "/notes"), "grafana": ("GET", "/annotations")}[kind]
    world.break_(*reading, 502)
    tell(kind)
    assert len(world.own()) + len(world.annotations) == 1


@pytest.mark.parametrize("kind", ALL)
def test_a_write_that_may_have_happened_is_not_repeated(kind: str, tell: Any, world: World) -> None:
    world.break_(*WRITES[kind], 500, times=9)
    refused(tell, kind)
    method, path = WRITES[kind]
    assert sum(asked == method and where.endswith((path, "canary-path")) for asked, where in world.asked) == 1


@pytest.mark.parametrize("kind", ALL)
def test_redirects_are_not_followed(kind: str, tell: Any, world: World, address: str) -> None:
    world.break_(*FIRST[kind], 307, location=f"{address}/elsewhere")
    error = refused(tell, kind)
    assert "redirects" in error.what
    assert not any("/elsewhere" in path for _, path in world.asked)


@pytest.mark.parametrize("kind", ALL)
def test_who_does_not_answer_is_given_up(kind: str, tell: Any, world: World) -> None:
    world.break_(*FIRST[kind], 0)
    assert "did not answer in time" in refused(tell, kind, limit_s=0.3).what
    world.released.set()


@pytest.mark.parametrize("kind", ["github", "gitlab", "grafana"])
@pytest.mark.parametrize("body", [b"<html>", b"[[1, 2]]", b'{"data": {"viewer": []}}', b"null", b"[" * 100_000, b'"x"'])
def test_answers_of_another_shape_are_an_error_and_no_bug(kind: str, body: bytes, tell: Any, world: World) -> None:
    world.troubles.append(Trouble(*FIRST[kind], 200, body=body, times=9))
    world.troubles.append(Trouble("GET", "/(comments|notes)", 200, body=body, times=9))
    with contextlib.suppress(StabkitError):  # Grafana's null is an empty list
        tell(kind)
    assert not any(method in ("PATCH", "PUT", "DELETE") for method, _ in world.asked)


def test_an_answer_without_end_is_given_up(tell: Any, world: World) -> None:
    world.troubles.append(Trouble("POST", "/hook", 200, body=b"x" * (9 * 2**20)))
    assert "too large" in refused(tell, "webhook").what


def test_a_certificate_that_is_not_trusted_is_an_error(world: World, told: Announcement, authority: Any) -> None:
    with running(world, authority.context()) as address:
        place = parse_place(f"{address}/hook")
        with pytest.raises(StabkitError) as caught:
            announce(place, told, {}, limit_s=10)
        assert "SSL_CERT_FILE" in str(caught.value.hint)
    assert world.hooked == []


def test_a_trusted_certificate_is_enough(
    world: World, told: Announcement, authority: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    with running(world, authority.context()) as address:
        announce(parse_place(f"{address}/hook"), told, {}, limit_s=10)
    assert [one["verdict"] for one in world.hooked] == ["regressed"]


def test_nobody_listens(told: Announcement, closed: int) -> None:
    with pytest.raises(StabkitError, match="refused"):
        announce(parse_place(f"http://127.0.0.1:{closed}/x"), told, {}, limit_s=5)


@pytest.fixture
def closed() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_webhook_gets_the_documented_json(tell: Any, world: World, told: Announcement) -> None:
    tell("webhook", replace(told, headline="see https://ann:canary-password@shop.example/x?token=canary-query"))
    (given,) = world.hooked
    assert given == {
        "schema": 1,
        "kind": "announcement",
        "verdict": "regressed",
        "exit_code": 1,
        "title": "Stability of v2 (b2) against v1 (a1)",
        "headline": "see https://shop.example/x?token=***",
        "reasons": [{"outcome": "regressed", "subject": "api p50", "text": "+40 % [+31, +50]"}],
        "more": 0,
        "runs": ["run-1", "run-2"],
        "baseline": "v1 (a1)",
        "candidate": "v2 (b2)",
        "project": "shop",
        "environment": "ci",
        "started_at": "2026-07-01T12:00:00+00:00",
        "finished_at": "2026-07-01T12:05:00+00:00",
        "page": "https://pages.example/7/report.html",
        "job": "https://ci.example/7",
    }
    assert "authorization" not in world.headers[-1]


def test_an_annotation_is_one_for_each_run_and_spans_its_collection(
    tell: Any, world: World, told: Announcement
) -> None:
    tell("grafana", replace(told, headline="<img src=x onerror=alert(1)>"))
    tell("grafana", replace(told, verdict="stable"))
    tell("grafana", replace(told, runs=("run-2", "run-3")))
    first, second = world.annotations
    assert first["timeEnd"] - first["time"] == 5 * 60 * 1000
    assert set(first["tags"]) == {"stabkit", "stable", "project:shop", "environment:ci", "run:run-2"}
    assert "run:run-3" in second["tags"]
    assert "<img" not in str(world.annotations)


def test_an_error_has_no_time_to_be_annotated(tell: Any, world: World, told: Announcement) -> None:
    tell("grafana", replace(told, verdict="error", started_at=None, runs=()))
    assert world.asked == []


@pytest.mark.parametrize(
    "word",
    ["", "gitbuh", "github:", "github:a b", "github:-->", "slack", "ftp://x", "https://", "https://a b", "http://x:y"],
)
def test_words_that_name_no_place_are_refused_before_anything_else(word: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_place(word)
    assert caught.value.hint


def test_an_address_is_never_shown() -> None:
    place = parse_place("https://ann:canary-password@hooks.example/T0/canary-path?token=canary-query")
    assert repr(place) == "Place('https://hooks.example')"
    with pytest.raises(UsageError) as caught:
        parse_place("hooks.example/T0/canary-path")
    assert "canary" not in str(caught.value)
