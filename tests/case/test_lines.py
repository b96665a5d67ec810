"""Runs of a store at different times, judged by the history of their line."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from stabkit.case import load_case
from stabkit.cli import run
from stabkit.config import Config
from stabkit.runs import new_run
from stabkit.schema import Evidence
from stabkit.store import Store, open_store

START = datetime(2026, 1, 1, tzinfo=UTC)
SD = 0.03  # between runs
STEP = 21
MACHINE = json.dumps({"cpu": "A", "cores": 2})


def config(margin: float | None = 0.15, tail: float | None = 0.30, **more: object) -> Config:
    rule = {"name": "api times", "kind": "latency", "target": "api", "metric": "response_time"}
    margins = {"margin": margin, "tail_margin": tail} if margin else {}
    return Config.model_validate({"condition": [{**rule, **margins}], **more})


def samples(rng: np.random.Generator, level: float = 0.0, *, each: int = 100, sd: float = SD) -> Evidence:
    n = 10 * each
    times = 20 * np.exp(level + sd * rng.standard_normal() + 0.25 * rng.standard_normal(n))
    fixed = {"target": "api", "metric": "response_time", "connection": "reused", "warmup": False, "ok": True}
    rows = {"round": np.repeat(np.arange(10), each), "sequence": np.arange(n), "response_ms": times, "late_ms": 0.01}
    return Evidence.of(samples=pd.DataFrame({**rows, **fixed}))


def add(store: Store, build: int, rng: np.random.Generator, level: float = 0.0, *, second: bool = False, **how) -> str:
    row = {key: how.pop(key) for key in tuple(how) if key not in ("each", "sd")}
    moment = START + timedelta(days=build, minutes=second)
    return store.append(
        new_run(**{"label": f"build-{build}", "environment": "ci", "started_at": moment, **row}),
        samples(rng, level, **how),
    )


@pytest.fixture
def folder(tmp_path) -> str:
    return str(tmp_path / "runs")


@pytest.fixture
def store(folder):
    return open_store(folder, create=True)


def outcome(folder: str, settings: Config | None = None) -> tuple[str, tuple[str, ...]]:
    case = load_case(None, "latest", data=folder, config=settings or config())
    return case.gate.verdict, tuple(need.about or need.reason for c in case.gate.conditions for need in c.needs)


def test_thirty_builds_with_one_step_are_never_wrong(store, folder):
    """Every build is judged as the newest, and measured once more if it looks slower."""
    rng = np.random.default_rng(20261201)
    verdicts: dict[int, str] = {}
    for build in range(1, 31):
        level = math.log(1.25) if build >= STEP else 0.0
        add(store, build, rng, level)
        verdict, open_ = outcome(folder)
        if "not_repeated" in open_ or "accepted_level" in open_:
            add(store, build, rng, level, second=True)
            verdict, _ = outcome(folder)
        verdicts[build] = verdict
    assert {verdicts[build] for build in range(1, STEP)} == {"stable", "inconclusive"}
    assert sum(verdict == "stable" for verdict in verdicts.values()) >= 10
    assert verdicts[STEP] == "regressed"
    assert "stable" not in {verdicts[build] for build in range(STEP, 31)}


def test_a_step_that_nobody_repeats_is_neither_red_nor_green(store, folder):
    rng = np.random.default_rng(7)
    for build in range(1, 19):
        add(store, build, rng, math.log(1.25) if build > 10 else 0.0)
        if build > 10:
            assert outcome(folder)[0] == "inconclusive", build


def test_an_accepted_level_is_the_one_to_keep(store, folder):
    rng = np.random.default_rng(8)
    for build in range(1, 18):
        add(store, build, rng, math.log(1.25) if build > 10 else 0.0, sd=0.01)
    assert outcome(folder)[0] == "inconclusive"
    assert outcome(folder, config(line={"accepted": ["build-11"]}))[0] == "stable"


def test_without_a_margin_of_ones_own_separate_runs_are_held_to_ten_and_twenty(store, folder):
    rng = np.random.default_rng(9)
    for build in range(1, 16):
        add(store, build, rng, sd=0.01)
    case = load_case(None, "latest", data=folder, config=config(None))
    (condition,) = case.gate.conditions
    assert case.gate.verdict == "stable"
    assert [estimate.margin for estimate in condition.estimates] == [0.10, 0.20]


def test_a_line_of_two_runs_leaves_what_separate_runs_left(store, folder):
    rng = np.random.default_rng(10)
    for build in range(1, 4):
        add(store, build, rng)
    assert outcome(folder) == ("inconclusive", ("run_noise_unknown",))


@pytest.mark.parametrize(
    "other",
    [
        {"machine": json.dumps({"cpu": "B", "cores": 2})},
        {"environment": "elsewhere"},
        {"collection_id": "pair"},
        {"complete": False},
        {"each": 30},
    ],
    ids=["machine", "environment", "together", "incomplete", "fewer requests"],
)
def test_runs_that_were_measured_otherwise_are_no_history(store, folder, other):
    rng = np.random.default_rng(11)
    for build in range(1, 9):
        add(store, build, rng, **({"machine": MACHINE} | (other if build < 7 else {})))
    add(store, 9, rng, machine=MACHINE)
    case = load_case("build-8", "build-9", data=folder, config=config())
    assert case.gate.verdict == "inconclusive"
    lines = case.gate.conditions[0].facts.get("line") or {}
    assert all(facts["runs"] < 9 for line in lines.values() for facts in line.values())
    assert case.gate.conditions[0].needs[0].reason in ("run_noise_unknown", "short_line", "smallest_margin")


@pytest.mark.parametrize(
    ("other", "reason", "words"),
    [
        ({"machine": json.dumps({"cpu": "B", "cores": 2})}, "machine", "from another machine"),
        ({"collection_id": "pair"}, "together", "measured side by side with another version"),
        ({"each": 30}, "requests", "of another number of requests"),
    ],
)
@pytest.mark.parametrize("few", [3, 6], ids=["long", "short"])
def test_runs_that_are_left_out_of_a_line_are_named(store, folder, tmp_path, capsys, other, reason, words, few):
    rng = np.random.default_rng(17)
    for build in range(1, 9):
        add(store, build, rng, **({"machine": MACHINE} | (other if build <= few else {})))
    add(store, 9, rng, machine=MACHINE)
    case = load_case("build-8", "build-9", data=folder, config=config())
    (condition,) = case.gate.conditions
    (told,) = condition.facts["left_out_of_line"].values()
    assert told == {reason: tuple(f"build-{build}" for build in range(1, few + 1))}
    assert ("line" in condition.facts) == (few == 3)
    file = tmp_path / "stabkit.toml"
    file.write_text(
        '[[condition]]\nname = "api times"\nkind = "latency"\ntarget = "api"\nmetric = "response_time"\n'
        'margin = 0.15\ntail_margin = 0.3\n[http.api]\nurl = "http://127.0.0.1:9/"\n'
    )
    for command in (["gate"], ["gate", "--format", "markdown"], ["explain", "build-8", "build-9", "api times"]):
        sides = ["build-8", "build-9"] if command[0] == "gate" else []
        capsys.readouterr()
        run([*command, *sides, "--config", str(file), "--data", folder])
        said = " ".join(capsys.readouterr().out.replace("\u202f", " ").split())
        assert f"left out of this line: {few} runs {words} (build-1" in said.lower()


def test_a_run_at_another_rate_is_left_out_by_name(store, folder):
    rng = np.random.default_rng(18)
    for build in range(1, 10):
        evidence = samples(rng)
        due = pd.Timestamp(START) + pd.to_timedelta(np.tile(np.arange(100), 10) * (5 if build == 4 else 10), unit="ms")
        table = evidence["samples"].assign(due_at=due)
        row = {"label": f"build-{build}", "environment": "ci", "started_at": START + timedelta(days=build)}
        store.append(new_run(**row), Evidence.of(samples=table))
    case = load_case("build-8", "build-9", data=folder, config=config())
    (told,) = case.gate.conditions[0].facts["left_out_of_line"].values()
    assert told == {"rate": ("build-4",)}


@pytest.mark.parametrize("before", [json.dumps({"cpu": "B", "cores": 2}), None], ids=["another", "unknown"])
def test_another_machine_is_a_gap_and_never_red_or_green(store, folder, before):
    rng = np.random.default_rng(12)
    for build in range(1, 12):
        add(store, build, rng, machine=before)
    add(store, 12, rng, math.log(1.5), machine=MACHINE)
    add(store, 12, rng, math.log(1.5), machine=MACHINE, second=True)
    verdict, open_ = outcome(folder)
    assert verdict == "inconclusive"
    assert open_[0] == ("machines" if before else "machine_unknown")


def test_stores_that_name_no_machine_stay_comparable(store, folder):
    rng = np.random.default_rng(13)
    for build in range(1, 12):
        add(store, build, rng)
    assert outcome(folder)[0] == "stable"


def test_the_line_ends_at_the_baseline(store, folder):
    """What came after the baseline may hold the change already."""
    rng = np.random.default_rng(14)
    for build in range(1, 21):
        add(store, build, rng, math.log(1.3) if build > 12 else 0.0)
    case = load_case("build-12", "latest", data=folder, config=config())
    (facts,) = (line["p50"] for line in case.gate.conditions[0].facts["line"].values())
    assert (facts["runs"], facts["last"]) == (12, "build-12")
    assert case.gate.verdict == "inconclusive"


def test_runs_side_by_side_need_no_history(store, folder):
    rng = np.random.default_rng(15)
    for build in range(1, 8):
        add(store, build, rng)
    for build in (8, 9):
        add(store, build, rng, collection_id="pair", sd=0.0)
    case = load_case(None, "latest", data=folder, config=config(0.05, 0.20))
    assert case.sides.line == ()
    assert "line" not in case.gate.conditions[0].facts


def test_every_door_says_what_was_judged_against(store, folder, tmp_path, capsys):
    rng = np.random.default_rng(16)
    for build in range(1, 10):
        add(store, build, rng)
    add(store, 10, rng, math.log(1.4))
    file = tmp_path / "stabkit.toml"
    file.write_text(
        '[[condition]]\nname = "api times"\nkind = "latency"\ntarget = "api"\nmetric = "response_time"\n'
        'margin = 0.15\ntail_margin = 0.3\n[http.api]\nurl = "http://127.0.0.1:9/"\n'
    )
    places = ["--config", str(file), "--data", folder]

    def say(*words: str) -> str:
        capsys.readouterr()
        code = run([*words, *places])
        assert code in (0, 3)
        return capsys.readouterr().out.replace("\u202f", " ")

    against, again = "(learnt from history)", "run the candidate once more: red only if it repeats"
    for text in (say("gate"), say("gate", "--format", "markdown"), say("explain", "build-9", "build-10", "api times")):
        assert against in text
        assert again in text
        assert "stabkit collect --label build-10" in text
    document = json.loads(say("explain", "build-9", "build-10", "api times", "--format", "json"))
    (line,) = document["condition"]["facts"]["line"].values()
    assert line["p50"]["slower"]
    assert line["p50"]["last"] == "build-9"
    assert {need["reason"] for need in document["condition"]["needs"]} == {"not_repeated"}
    gate = json.loads(say("gate", "--format", "json"))
    assert against in json.dumps(gate, ensure_ascii=False)


def test_the_page_says_it_too(store, folder):
    from stabkit.report.sections import verdict
    from stabkit.report.sections.times import response_times

    rng = np.random.default_rng(17)
    for build in range(1, 11):
        add(store, build, rng)
    case = load_case(None, "latest", data=folder, config=config(), history=("samples",))
    for piece in (verdict(case), response_times(case)):
        assert "of this line" in piece.text()
        assert "learnt from history" in piece.text()


def test_slow_requests_are_red_only_with_a_second_run_too(store, folder):
    rule = {"name": "slow", "kind": "slow_requests", "target": "api", "metric": "response_time"}
    settings = Config.model_validate({"condition": [rule]})
    rng = np.random.default_rng(18)
    for build in range(1, 12):
        add(store, build, rng, sd=0.01)
    assert outcome(folder, settings)[0] == "stable"
    add(store, 12, rng, math.log(1.4), sd=0.01)
    assert outcome(folder, settings) == ("inconclusive", ("more_slow",))
    (condition,) = load_case(None, "latest", data=folder, config=settings).gate.conditions
    assert [estimate.outcome for estimate in condition.estimates] == ["inconclusive"]
    add(store, 12, rng, math.log(1.4), second=True, sd=0.01)
    assert outcome(folder, settings)[0] == "regressed"


def test_a_version_that_is_run_until_it_looks_fast_is_not_stable(store, folder):
    rng = np.random.default_rng(31)
    for build in range(1, 13):
        add(store, build, rng, sd=0.005)
    found = []
    for number, level in enumerate((0.15, 0.15, 0.0)):
        moment = START + timedelta(days=20, hours=number)
        add(store, 20, rng, level, sd=0.005, commit="abcdef2", started_at=moment)
        found.append(outcome(folder))
    assert [verdict for verdict, _ in found] == ["inconclusive", "regressed", "inconclusive"]
    assert "runs_disagree" in found[2][1]


def test_a_name_that_was_used_before_the_baseline_repeats_nothing(store, folder):
    rng = np.random.default_rng(32)
    add(store, 0, rng, 0.3, sd=0.005, label="nightly")
    for build in range(1, 13):
        add(store, build, rng, sd=0.005)
    add(store, 20, rng, 0.3, sd=0.005, label="nightly")
    assert outcome(folder)[0] == "inconclusive"


def test_fewer_requests_do_not_make_a_run_surer(store, folder):
    """Runs of the line differ by a quarter: of a candidate that is too small for it no such difference is red."""
    rng = np.random.default_rng(33)
    for build in range(1, 13):
        add(store, build, rng, sd=0.25)
    for seed in range(5):
        add(store, 20 + seed, np.random.default_rng(seed), 0.3, sd=0.0, each=12)
        assert outcome(folder)[0] != "regressed"


def test_another_machine_compares_nothing_and_says_nothing_of_a_line(store, folder):
    rng = np.random.default_rng(34)
    for build in range(1, 13):
        add(store, build, rng, sd=0.005, machine=MACHINE if build < 12 else json.dumps({"cpu": "B"}))
    add(store, 20, rng, sd=0.005, machine=MACHINE)
    case = load_case(None, "latest", data=folder, config=config())
    (condition,) = case.gate.conditions
    assert (condition.outcome, condition.facts.get("line")) == ("inconclusive", None)
    assert "machines" in {need.about for need in condition.needs}


def test_a_machine_that_nobody_can_read_is_a_machine_of_its_own(store, folder):
    rng = np.random.default_rng(35)
    for build in range(1, 3):
        add(store, build, rng, machine="[" * 100_000 if build > 1 else MACHINE)
    assert "machines" in outcome(folder)[1]


def test_an_accepted_level_that_no_run_bears_is_named(store, folder):
    rng = np.random.default_rng(36)
    for build in range(1, 4):
        add(store, build, rng)
    settings = config(line={"accepted": ["build-2", "bulid-3"]})
    assert load_case(None, "latest", data=folder, config=settings).unknown_levels == ("bulid-3",)
