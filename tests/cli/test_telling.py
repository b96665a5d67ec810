"""``gate --notify``: others are told what the gate says, and nothing that happens there changes it."""

from __future__ import annotations

import html
import json
import re

import pytest

from stabkit.cli import run
from tests.announce.services import World, running, variables
from tests.cli.conftest import sarif

HOSTILE = "@team #1 !2 GH-3 <img src=x onerror=alert(1)> ![i](http://evil.example/x) [a](javascript:b) | **b** /close"
CASE = '<testcase classname="a" name="{name}">{body}</testcase>'


@pytest.fixture
def world(folder, monkeypatch):
    world = World()
    event = folder / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 12}}))
    for name in ("GITHUB_RUN_ID", "CI_JOB_URL", "BUILD_URL", "STABKIT_PAGE_URL"):
        monkeypatch.delenv(name, raising=False)
    with running(world) as address:
        for kind in ("github", "gitlab", "grafana"):
            for name, value in variables(kind, address, str(event)).items():
                monkeypatch.setenv(name, value)
        world.address = address
        yield world


@pytest.fixture
def sides(folder):
    """A suite with a hostile name, sound before and broken after, and a scan with a new finding."""
    from xml.sax.saxutils import quoteattr

    name = quoteattr(HOSTILE)[1:-1]
    for side, body in (("before", ""), ("same", "<!-- another run -->"), ("after", '<failure message="no"/>')):
        (folder / side).mkdir()
        (folder / side / "scan.sarif").write_text(sarif("F401", *(["B006"] if side == "after" else [])))
        (folder / side / "junit.xml").write_text(f"<testsuite>{CASE.format(name=name, body=body)}</testsuite>")
    return "before", "after"


PLACES = ("--notify", "github", "--notify", "gitlab:lab", "--notify", "grafana")


def test_every_place_is_told_the_verdict_of_the_gate(stabkit, sides, world):
    hook = f"{world.address}/hook/canary"
    plain = stabkit("gate", *sides, "--format", "json")
    told = stabkit("gate", *sides, "--format", "json", *PLACES, "--notify", hook, "--page-url", "https://p.example/1")
    assert told[:2] == plain[:2]
    assert told[0] == 1
    assert "canary" not in told[2]
    assert len(world.own()) == 2
    assert all("REGRESSED" in body and "https://p.example/1" in body for body in world.own())
    (given,) = world.hooked
    document = json.loads(plain[1])
    assert [given["verdict"], given["exit_code"]] == ["regressed", 1]
    assert given["headline"] == document["sentence"]
    assert given["runs"] == document["runs"]
    assert [one["outcome"] for one in given["reasons"]] == [one["outcome"] for one in document["reasons"]]
    assert [one["tags"][1] for one in world.annotations] == ["regressed"]


def test_hostile_evidence_mentions_links_and_loads_nothing(stabkit, sides, world):
    stabkit("gate", *sides, *PLACES)
    assert len(world.own()) == 2
    for body in world.own():
        bare = html.unescape(re.sub(r"(`+).+?\1", "", body))  # within code all is harmless
        assert "team" in bare
        assert not re.search(r"@\w", bare)
        assert not re.search(r"[#!]\d|(?i:gh-\d)", bare)
        assert not re.search(r"(?<!\\)<(?!!-- stabkit:gate|https://p)", bare)
        assert not re.search(r"(?<!\\)\]\((?!<https://)", bare)
        assert not re.search(r"^\s*/", bare, re.MULTILINE)
    assert "<img" not in str(world.annotations)


def test_a_place_that_fails_changes_neither_result_nor_exit_code(stabkit, sides, world):
    plain = stabkit("gate", *sides)
    world.break_("POST", "/graphql", 500, times=9)
    world.break_("GET", "/user", 403, times=9)
    code, out, err = stabkit(
        "gate", *sides, "--notify", "github", "--notify", "gitlab", "--notify", "http://127.0.0.1:1/x"
    )
    assert (code, out) == plain[:2]
    assert err.count("warning: the verdict was not told to ") == 3
    code, _, err = stabkit("gate", "before", "same", "--notify", f"{world.address}/nothing/canary-path")
    assert code == stabkit("gate", "before", "same")[0]
    assert "HTTP 404" in err
    assert "canary-path" not in err


def test_an_error_is_told_so_that_no_old_verdict_stands(stabkit, sides, world):
    assert stabkit("gate", "before", "same", "--notify", "github")[0] == 0
    assert "STABLE" in world.own()[0]
    hook = f"{world.address}/hook"
    code, _, err = stabkit("gate", "before", "nowhere", "--notify", "github", "--notify", hook)
    assert code == 2
    (body,) = world.own()
    assert "ERROR" in body
    assert "STABLE" not in body
    assert "nowhere" in body
    assert [world.hooked[0][key] for key in ("verdict", "exit_code", "runs")] == ["error", 2, []]
    assert "error: " in err


def test_the_exit_code_told_is_the_one_that_the_command_ends_with(stabkit, sides, world):
    hook = f"{world.address}/hook"
    assert stabkit("gate", "empty", "after", "--notify", hook, "--fail-on", "regressed")[0] in (0, 1, 2)
    code = stabkit("gate", "cut.xml", "good.xml", "--notify", hook, "--fail-on", "regressed")[0]
    assert [world.hooked[-1][key] for key in ("verdict", "exit_code")] == ["inconclusive", code]
    assert code == 0


def test_words_that_name_no_place_are_refused_before_the_gate(stabkit, sides, world):
    code, out, err = stabkit("gate", *sides, "--notify", "gitub")
    assert (code, out) == (2, "")
    assert "Did you mean 'github'?" in err
    code, _, err = stabkit("gate", "--backtest", "--notify", "github")
    assert code == 2
    assert "--notify" in err
    assert stabkit("gate", *sides, "--notify", "")[0] == 2
    assert world.asked == []


def test_nothing_is_loaded_for_others_where_nobody_is_told(folder, sides):
    import subprocess
    import sys

    code = (
        "import sys; from stabkit.cli import run; run(['gate', 'before', 'after'])\n"
        "sys.exit(any(name.startswith(('httpx', 'stabkit.announce.')) for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert run(["gate", *sides]) == 1
