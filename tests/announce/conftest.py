"""A world of services to which verdicts are told, and a verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stabkit.announce import Announcement, announce, parse_place
from tests.announce.services import World, running, variables
from tests.servers import authority  # noqa: F401


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def address(world: World) -> Iterator[str]:
    with running(world) as found:
        yield found


@pytest.fixture
def told() -> Announcement:
    return Announcement(
        verdict="regressed",
        exit_code=1,
        title="Stability of v2 (b2) against v1 (a1)",
        headline="1 of 2 conditions regressed.",
        markdown="### Stability of v2\n\n**✗ REGRESSED** 1 of 2 conditions regressed.",
        reasons=({"outcome": "regressed", "subject": "api p50", "text": "+40 % [+31, +50]"},),
        runs=("run-1", "run-2"),
        baseline="v1 (a1)",
        candidate="v2 (b2)",
        project="shop",
        environment="ci",
        page="https://pages.example/7/report.html",
        job="https://ci.example/7",
        started_at=datetime(2026, 7, 1, 12, tzinfo=UTC),
        finished_at=datetime(2026, 7, 1, 12, 5, tzinfo=UTC),
    )


@pytest.fixture
def tell(address: str, told: Announcement, tmp_path: Path) -> Any:
    """Tell a verdict to a kind of place of the world; other variables by name, None takes one away."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"number": 12, "pull_request": {"number": 12}}))

    def call(kind: str, announcement: Announcement = told, name: str = "", limit_s: float = 10, **other: Any) -> str:
        given = {**variables(kind, address, str(event)), **other}
        known = {key: str(value) for key, value in given.items() if value is not None}
        word = f"{address}/hook/canary-path" if kind == "webhook" else f"{kind}:{name}" if name else kind
        return announce(parse_place(word), announcement, known, limit_s=limit_s)

    return call
