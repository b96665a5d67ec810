"""gate, compare and explain: verdicts, exit codes, and what wrong input says."""

import contextlib
import json
import os
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

SAMPLE = Path(__file__).resolve().parents[2] / "tests" / "data" / "demo_history"


def sides(folder, before, after):
    for name, file in (("before", before), ("after", after)):
        (folder / name).mkdir()
        shutil.copy(folder / file, folder / name / f"report{Path(file).suffix}")


def test_gate_judges_two_folders_without_any_configuration(stabkit, folder):
    sides(folder, "good.xml", "broken.xml")
    (folder / "before/scan.sarif").write_text((folder / "old.sarif").read_text())
    (folder / "after/scan.sarif").write_text((folder / "new.sarif").read_text())
    code, out, err = stabkit("gate", "before", "after", "--format", "json")
    answer = json.loads(out)
    assert (answer["schema"], answer["word"]) == (1, "regressed")  # a new finding needs no rerun to be proven
    assert code == answer["exit_code"] == 1
    assert {reason["subject"] for reason in answer["reasons"]} == {"unit tests", "ruff findings"}
    assert err == ""


def test_gate_says_the_same_in_every_format(stabkit, folder):
    sides(folder, "good.xml", "broken.xml")
    results = {form: stabkit("gate", "before", "after", "--format", form) for form in ("text", "json", "markdown")}
    assert {result[0] for result in results.values()} == {3}
    for form in ("text", "markdown"):
        assert "INCONCLUSIVE" in results[form][1]
        assert "unit tests" in results[form][1]
    assert "\x1b" not in results["text"][1]


def test_equal_scans_are_stable_and_copied_test_runs_are_refused(stabkit, folder):
    sides(folder, "old.sarif", "old.sarif")
    code, out, _ = stabkit("gate", "before", "after")
    assert code == 0
    assert "STABLE" in out
    shutil.rmtree(folder / "before")
    shutil.rmtree(folder / "after")
    sides(folder, "good.xml", "good.xml")
    code, out, err = stabkit("gate", "before", "after")
    assert (code, out) == (2, "")
    assert "hold the same files" in err
    assert "same run" in stabkit("gate", "before", "before")[2]


@pytest.mark.parametrize("command", ["gate", "compare", "report"])
def test_a_misspelt_folder_is_no_run_and_is_named(stabkit, folder, command):
    sides(folder, "good.xml", "broken.xml")
    code, out, err = stabkit(command, "before", "aftre")
    assert (code, out) == (2, "")
    assert "'aftre'" in err
    if command != "report":  # there, the notebook says it on its page
        assert stabkit(command, "empty", "after")[0] == 2


def test_gate_on_a_store_of_one_run_names_the_runs_there_are(stabkit):
    stabkit("import", "tests", "good.xml", "--label", "v1", "--data", "runs")
    code, out, err = stabkit("gate", "latest~1", "latest", "--data", "runs")
    assert (code, out) == (2, "")
    assert "No run 'latest~1'" in err
    assert "Known: v1" in err


def test_gate_on_no_store_says_how_to_get_one(stabkit):
    code, _, err = stabkit("gate", "a", "b", "--data", "nowhere")
    assert code == 2
    assert "There is no store" in err
    assert "stabkit collect" in err


def test_explain_says_how_a_condition_came_out(stabkit, folder):
    sides(folder, "good.xml", "broken.xml")
    code, out, err = stabkit("explain", "before", "after", "unit tests")
    assert (code, err) == (0, "")
    assert out.startswith("Unit tests: undecided; ")
    code, out, _ = stabkit("explain", "before", "after", "unit tests", "--format", "json")
    assert json.loads(out)["condition"]["name"] == "unit tests"
    code, out, err = stabkit("explain", "before", "after", "unit test")
    assert (code, out) == (2, "")
    assert "Did you mean 'unit tests'?" in err


def test_fail_on_regressed_lets_the_inconclusive_pass_and_says_so(stabkit, folder):
    sides(folder, "good.xml", "broken.xml")
    assert stabkit("gate", "before", "after")[0] == 3
    code, out, err = stabkit("gate", "before", "after", "--fail-on", "regressed")
    assert code == 0
    assert "INCONCLUSIVE" in out
    assert "lets it pass" in err
    for name, file in (("before", "old.sarif"), ("after", "new.sarif")):
        (folder / name / "scan.sarif").write_text((folder / file).read_text())
    assert stabkit("gate", "before", "after", "--fail-on", "regressed")[0] == 1


def test_a_backtest_says_the_same_in_every_format(stabkit):
    results = {
        form: stabkit("gate", "--backtest", "--data", str(SAMPLE), "--last", "1", "--format", form)
        for form in ("text", "json", "markdown")
    }
    assert {result[0] for result in results.values()} == {0}
    document = json.loads(results["json"][1])
    assert (document["schema"], document["kind"], len(document["pairs"])) == (1, "backtest", 1)
    assert {one["reason"] for one in document["not_backtested"]} == {"items"}
    for form in ("text", "markdown"):
        assert "1 unchanged pair: 1 run halved" in results[form][1]
        assert all(one["name"] in results[form][1] for one in document["conditions"])
    assert "stabkit report --notebook backtest" in results["text"][2]


def test_a_backtest_of_a_store_without_unchanged_pairs_says_what_would_make_some(stabkit):
    stabkit("import", "tests", "good.xml", "--label", "v1", "--data", "runs")
    code, out, _ = stabkit("gate", "--backtest", "--data", "runs")
    assert code == 0
    assert "No evidence of unchanged pairs" in out
    assert "stabkit init" in out
    assert "stabkit aa" not in out, "nothing says yet what it could ask"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("v1", "v2", "--backtest"), "whole store"),
        (("--backtest", "--fail-on", "regressed"), "--fail-on does not apply"),
        (("--last", "3"), "--last belongs to --backtest"),
        (("--backtest", "--last", "0"), "--last"),
        (("--backtest", "--data", "nowhere"), "There is no store"),
        (("--backtest",), "no stabkit.toml"),
    ],
)
def test_a_backtest_that_is_asked_for_wrongly_is_an_error(stabkit, words, said):
    code, out, err = stabkit("gate", *words)
    assert (code, out) == (2, "")
    assert said in err


def test_gate_in_the_forms_of_other_tools_has_the_same_exit_code(stabkit, folder):
    sides(folder, "good.xml", "broken.xml")
    results = {form: stabkit("gate", "before", "after", "--format", form) for form in ("junit", "sarif", "openmetrics")}
    assert {result[0] for result in results.values()} == {3}
    root = ElementTree.fromstring(results["junit"][1])
    assert int(root.get("errors")) > 0
    assert json.loads(results["sarif"][1])["runs"][0]["properties"]["verdict"] == "inconclusive"
    assert 'stabkit_verdict="inconclusive"} 1\n' in results["openmetrics"][1]
    assert results["openmetrics"][1].endswith("# EOF\n")
    code, out, _ = stabkit("gate", "before", "after", "--format", "junit", "--fail-on", "regressed")
    assert (code, ElementTree.fromstring(out).get("errors")) == (0, "0")


@pytest.mark.parametrize(
    "command",
    [
        ("gate", "latest~1", "latest", "--format", "json"),
        ("explain", "one of mine", "latest~1", "latest"),
        ("explain", "one of theirs", "latest~1", "latest"),
        ("compare", "latest~1", "latest"),
        ("diff", "latest~1", "latest"),
        ("gate", "--backtest", "--format", "json"),
        ("trend", "api"),
        ("import", "scan", "new.sarif", "--label", "v2"),
    ],
)
def test_a_store_of_another_project_is_judged_by_its_own_conditions(stabkit, folder, command):
    for name in ("mine", "theirs"):
        (folder / name).mkdir()
        asked = f'[project]\nname = "{name}"\n[[condition]]\nname = "one of {name}"\nkind = "tests"\ntarget = "unit"\n'
        (folder / name / "stabkit.toml").write_text(asked)
    theirs = folder / "theirs"
    for label, file in (("v0", "good.xml"), ("v1", "broken.xml")):
        words = ("--config", theirs / "stabkit.toml", "--data", theirs / "data", "--suite", "unit", "--label", label)
        assert stabkit("import", "tests", file, *words)[0] == 0
    (folder / "mine" / "new.sarif").write_text((folder / "new.sarif").read_text())
    with contextlib.chdir(folder / "mine"):
        code, out, err = stabkit(*command, "--data", theirs / "data")
        named = stabkit(*command, "--data", theirs / "data", "--config", "stabkit.toml")
    assert str(theirs / "stabkit.toml") in err
    assert f"mine{os.sep}stabkit.toml" not in err
    assert str(theirs / "stabkit.toml") not in named[2]
    if command[0] == "gate" and "--backtest" not in command:
        assert [condition["name"] for condition in json.loads(out)["gate"]["conditions"]] == ["one of theirs"]
    if command[1] == "one of mine":
        assert code == 2
