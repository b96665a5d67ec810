"""trend: one metric along the stored runs."""

import json
from pathlib import Path

DATA = Path(__file__).parents[2] / "tests" / "data" / "demo_history"


def test_trend_says_the_same_in_every_format(stabkit):
    shown = {form: stabkit("trend", "chat", "--data", DATA, "--format", form) for form in ("text", "json", "markdown")}
    assert {code for code, _, _ in shown.values()} == {0}
    statement, table = json.loads(shown["json"][1])["pieces"]
    for form in ("text", "markdown"):
        assert statement["sentences"][0].split(":")[0] in shown[form][1]
    assert len(table["rows"]) == 34


def test_a_misspelt_target_and_a_metric_that_is_no_time_are_errors(stabkit):
    code, out, err = stabkit("trend", "chta", "--data", DATA)
    assert (code, out) == (2, "")
    assert "Did you mean 'chat'?" in err
    code, out, err = stabkit("trend", "backend", "--metric", "memory", "--data", DATA)
    assert (code, out) == (2, "")
    assert "memory" in err


def test_a_store_without_any_time_of_the_target_is_an_error(stabkit):
    assert stabkit("import", "tests", "good.xml", "--label", "v1", "--data", "runs")[0] == 0
    code, out, err = stabkit("trend", "api", "--data", "runs")
    assert (code, out) == (2, "")
    assert err.startswith("error: No stored run has a time of 'api'")


def test_all_histories_of_a_store_in_every_format(stabkit):
    shown = {form: stabkit("trend", "--all", "--data", DATA, "--format", form) for form in ("text", "json", "markdown")}
    assert {code for code, _, _ in shown.values()} == {0}
    statement, table = json.loads(shown["json"][1])["pieces"]
    assert table["rows"][0]["subject"] == "ruff"
    assert all(row["p_value_adjusted"] <= 0.05 for row in table["rows"])
    for form in ("text", "markdown"):
        assert statement["sentences"][0] in shown[form][1]
        assert "ruff open findings" in shown[form][1]


def test_all_histories_as_a_page(stabkit, folder):
    code, _, err = stabkit("trend", "--all", "--data", DATA, "--output", "pages")
    assert code == 0
    assert "written: pages/trend.html" in err
    page = (folder / "pages" / "trend.html").read_text()
    assert "<h1>What moved</h1>" in page
    assert "ruff open findings" in page
    result = json.loads((folder / "pages" / "trend.json").read_text())
    assert (result["verdict"], result["exit_code"]) == (None, 0)
    assert "ruff open findings" in (folder / "pages" / "trend.md").read_text()


def test_one_target_or_all_of_them(stabkit):
    for words in ([], ["chat", "--all"], ["chat", "--cluster", "local:2"], ["chat", "--output", "x"]):
        code, out, err = stabkit("trend", *words, "--data", DATA)
        assert (code, out) == (2, "")
        assert "one TARGET, or of --all" in err


def test_a_store_of_tests_alone_has_their_pass_rate(stabkit):
    assert stabkit("import", "tests", "good.xml", "--label", "v1", "--data", "runs")[0] == 0
    code, out, _ = stabkit("trend", "--all", "--data", "runs")
    assert code == 0
    assert "1 history: none is shown to have moved" in out
