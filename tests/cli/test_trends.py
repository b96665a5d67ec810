"""trend: one metric along the stored runs."""

import json
from pathlib import Path

DATA = Path(__file__).parents[2] / "data" / "sample"


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
