"""trend: one metric along the stored runs."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.cli.conftest import sarif

DATA = Path(__file__).parents[2] / "tests" / "data" / "demo_history"


def test_trend_says_the_same_in_every_format(stabkit):
    shown = {form: stabkit("trend", "chat", "--data", DATA, "--format", form) for form in ("text", "json", "markdown")}
    assert {code for code, _, _ in shown.values()} == {0}
    statement, table = json.loads(shown["json"][1])["pieces"]
    for form in ("text", "markdown"):
        assert statement["sentences"][0].split(":")[0] in shown[form][1]
    assert len(table["rows"]) == 34


def test_a_misspelt_target_and_a_reading_that_a_target_has_not_are_errors(stabkit):
    code, out, err = stabkit("trend", "chta", "--data", DATA)
    assert (code, out) == (2, "")
    assert "Did you mean 'chat'?" in err
    code, out, err = stabkit("trend", "chat", "--metric", "memory", "--data", DATA)
    assert (code, out) == (2, "")
    assert "No stored run has memory of 'chat'" in err
    assert stabkit("trend", "backend", "--metric", "memory", "--data", DATA)[0] == 0


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
    assert "2 histories: none is shown to have moved" in out  # the pass rate, and how many tests there are


STEP = 19
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
PLANTED = (
    ("GET cart", "response_time", "rose by"),
    ("unit", "pass_rate", "fell by 10"),
    ("unit", "suite_size", "rose by 20, from 60 to 80"),
    ("ruff", "findings", "rose by 8, from 4 to 12"),
    ("coverage", "coverage", "fell by 20"),
    ("Cart", "run_time", "rose by"),
    ("worker", "memory", "rose by"),
)


def build(number):
    """What one past build left: files of each kind, with a step of each from the nineteenth build on."""
    at, late, wave = START + timedelta(hours=7 * number), number >= STEP, number * 7 % 5
    points = [
        {"time": (at + timedelta(seconds=k)).isoformat(), "value": (30 if late else 20) + (k + wave) % 3,
         "tags": {"name": "cart", "status": "200", "method": "GET", "expected_response": "true"}}
        for k in range(40)
    ]  # fmt: skip
    bad = '<failure message="no"/>'
    cases = [
        f'<testcase classname="shop" name="t{i}" time="0.01">{bad if late and i < 8 else ""}</testcase>'
        for i in range(80 if late else 60)
    ]
    hit = (70 if late else 90) + wave % 2
    lines = "".join(f'<line number="{i}" hits="{int(i <= hit)}"/>' for i in range(1, 101))
    readings = [
        {"target": "worker", "metric": "memory", "round": k, "sequence": 0, "value": (300 if late else 200) + wave,
         "unit": "MB", "ok": True}
        for k in range(3)
    ]  # fmt: skip
    return {
        "k6.json": "\n".join(
            json.dumps({"type": "Point", "metric": "http_req_duration", "data": point}) for point in points
        ),
        "junit.xml": f'<testsuite name="unit" timestamp="{at.isoformat()}">{"".join(cases)}</testsuite>',
        "ruff.sarif": sarif(*(["F401"] * (12 if late else 4))),
        "coverage.xml": '<coverage version="7" line-rate="0.5"><packages><package name="a"><classes>'
        f'<class name="a" filename="a.py" line-rate="0.5"><lines>{lines}</lines></class></classes></package></packages>'
        "</coverage>",
        "bench.txt": "goos: linux\npkg: shop\n"
        + f"BenchmarkCart-8 \t 900\t {(1400 if late else 1000) * 1000 + wave * 999 + number} ns/op\n" * 5
        + "PASS\nok  \tshop\t1.2s\n",
        "readings.json": json.dumps({"stabkit": 1, "samples": readings}),
    }


def test_a_step_of_each_kind_in_thirty_past_builds_is_found(stabkit, folder):
    for number in range(1, 31):
        place = folder / "builds" / f"b{number:02d}"
        place.mkdir(parents=True)
        for name, text in build(number).items():
            (place / name).write_text(text)
    code, out, err = stabkit("import", "builds/*/", "--data", "runs")
    assert (code, len(out.splitlines())) == (0, 30), err
    code, out, err = stabkit("trend", "--all", "--data", "runs", "--output", "pages", "--format", "json")
    assert code == 0
    moved = {(row["subject"], row["metric"]): row for row in json.loads(out)["pieces"][1]["rows"]}
    for subject, metric in (
        ("GET cart", "response_time"), ("unit", "tests"), ("unit", "suite_size"), ("ruff", "findings"),
        ("coverage", "coverage"), ("Cart", "run_time"), ("worker", "memory"),
    ):  # fmt: skip
        assert moved[subject, metric]["since"] == f"b{STEP}", (subject, metric)
    assert (folder / "pages" / "trend.html").read_text().count("<figure") == len(json.loads(out)["pieces"][1]["rows"])
    for subject, metric, what in PLANTED:
        code, out, _ = stabkit("trend", subject, "--metric", metric, "--data", "runs")
        assert code == 0
        assert what in out.replace("\n", " ")
        assert f"b{STEP}" in out
        code, out, _ = stabkit("trend", subject, "--metric", metric, "--data", "runs", "--format", "json")
        assert len(json.loads(out)["pieces"][-1]["rows"]) == 30


def test_a_history_that_is_no_time_is_asked_by_name(stabkit):
    code, out, err = stabkit("trend", "rufff", "--metric", "findings", "--data", DATA)
    assert (code, out) == (2, "")
    assert "Did you mean 'ruff'?" in err
    code, out, _ = stabkit("trend", "ruff", "--metric", "findings", "--data", DATA, "--format", "markdown")
    assert code == 0
    assert "open findings" in out
