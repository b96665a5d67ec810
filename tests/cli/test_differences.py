"""diff: what moved, and what it refuses to compare."""

import json
import subprocess

import pytest

from tests.cli.conftest import sarif


def test_diff_tells_what_moved(stabkit):
    code, out, _ = stabkit("diff", "good.xml", "broken.xml", "--format", "json")
    answer = json.loads(out)
    assert code == 0
    assert answer["schema"] == 1
    assert answer["transitions"]["regressed"] == ["a::x"]
    code, out, _ = stabkit("diff", "old.sarif", "new.sarif", "--format", "json")
    answer = json.loads(out)
    assert code == 0
    assert [finding["rule"] for finding in answer["states"]["new"]] == ["B006"]
    assert answer["comparable"] is True
    assert {"rule", "path", "line", "fingerprint", "matched_by"} == set(answer["states"]["new"][0])


def report_of(*tests, header=""):
    cases = "".join(
        f'<testcase classname="{name.rpartition("::")[0]}" name="{name.rpartition("::")[2]}">' + body + "</testcase>"
        for name, body in tests
    )
    return f'<testsuite name="unit" {header}>{cases}</testsuite>'


def diff_of(stabkit, *words):
    code, out, err = stabkit("diff", *words, "--format", "json")
    assert code == 0, err
    answer = json.loads(out)
    text = stabkit("diff", *words)[1]
    return {name: ids for name, ids in answer["transitions"].items() if ids}, answer, text


def test_diff_of_different_subsets_says_what_is_common(stabkit, folder):
    names = [f"m.t{number:04}" for number in range(1180)]
    (folder / "all.xml").write_text(report_of(*((f"{name}::x", "") for name in names)))
    (folder / "shard.xml").write_text(report_of(*((f"{name}::x", "") for name in names[:310])))
    moved, answer, text = diff_of(stabkit, "all.xml", "shard.xml")
    assert answer["coverage"] == {"before": 1180, "after": 310, "common": 310, "of": 1180, "comparable": False}
    assert len(moved["disappeared"]) == 870
    assert answer["unchanged"] == 310
    assert "Common: 310 of 1,180 tests; 870 only before." in text
    assert "Less than 90 % are common" in text


def test_diff_names_the_collection_error_that_hides_tests(stabkit, folder):
    tests = [(f"tests.test_a::t{number}", "") for number in range(16)]
    (folder / "before.xml").write_text(report_of(*tests, ("tests.test_b::t", "")))
    error = '<testcase classname="" name="tests.test_a"><error message="collection failure"/></testcase>'
    (folder / "after.xml").write_text(
        report_of(("tests.test_b::t", "")).replace("</testsuite>", error + "</testsuite>")
    )
    _, answer, text = diff_of(stabkit, "before.xml", "after.xml")
    assert [len(entry["tests"]) for entry in answer["hidden"]] == [16]
    assert "1 collection error hides 16 tests: (?)::tests.test_a." in text


def test_diff_follows_renames_and_retries_of_the_configuration(stabkit, folder):
    fail = "<failure/>"
    (folder / "before.xml").write_text(report_of(("a::old", ""), ("a::t", "")))
    (folder / "after.xml").write_text(report_of(("a::new", ""), ("a::t", fail), ("a::t", "")))
    assert diff_of(stabkit, "before.xml", "after.xml")[0] == {
        "regressed": ["a::t"],
        "disappeared": ["a::old"],
        "added": ["a::new"],
    }
    (folder / "stabkit.toml").write_text(
        '[tests.unit]\nfiles = ["*.xml"]\nretries = "same_id"\n[test_aliases]\n"a::old" = "a::new"\n'
    )
    assert diff_of(stabkit, "before.xml", "after.xml")[0] == {"flaky": ["a::t"]}
    assert diff_of(stabkit, "before.xml", "after.xml", "--suite", "unit")[0] == {"flaky": ["a::t"]}
    code, _, err = stabkit("diff", "before.xml", "after.xml", "--suite", "unti")
    assert code == 2
    assert "Did you mean 'unit'?" in err


def test_diff_merges_shards_and_leaves_out_what_an_aggregate_repeats(stabkit, folder):
    one, two = report_of(("a::x", ""), ("a::y", "")), report_of(("b::x", "<failure/>"))
    for side, shards in (("before", (one, two.replace("<failure/>", ""))), ("after", (one, two))):
        (folder / side).mkdir()
        for number, shard in enumerate(shards):
            (folder / side / f"{number}.xml").write_text(shard)
        (folder / side / "all.xml").write_text(f"<testsuites>{''.join(shards)}</testsuites>")
    for words in (("before", "after"), ("before/*.xml", "after/*.xml")):
        moved, answer, _ = diff_of(stabkit, *words)
        assert moved == {"regressed": ["b::x"]}
        assert answer["coverage"]["common"] == 3


def test_diff_shows_what_is_now_expected_to_fail(stabkit, folder):
    (folder / "before.xml").write_text(report_of(("a::x", ""), ("a::y", "")))
    (folder / "after.xml").write_text(report_of(("a::x", '<skipped type="pytest.xfail"/>'), ("a::y", "")))
    moved, answer, text = diff_of(stabkit, "before.xml", "after.xml")
    assert moved == {}
    assert answer["now_expected_to_fail"] == ["a::x"]
    assert "Passed before and now expected to fail: a::x." in text


def test_diff_of_two_runs_is_that_of_their_files(stabkit, folder):
    for name in ("good", "broken"):
        assert stabkit("import", "tests", f"{name}.xml", "--label", name, "--data", "runs")[0] == 0
    assert diff_of(stabkit, "good", "broken", "--data", "runs")[0] == {"regressed": ["a::x"]}
    code, _, err = stabkit("diff", "good", "brokn", "--data", "runs")
    assert code == 2
    assert "Did you mean 'broken'?" in err
    assert "There is no file or folder 'brokn' either." in err


def test_diff_writes_what_is_new_as_sarif_that_reads_back(stabkit, folder):
    code, out, _ = stabkit("diff", "old.sarif", "new.sarif", "--sarif", "added.sarif", "--format", "json")
    new = json.loads(out)["states"]["new"]
    log = json.loads((folder / "added.sarif").read_text())
    results = [result for run in log["runs"] for result in run["results"]]
    assert code == 0
    assert [result["ruleId"] for result in results] == [finding["rule"] for finding in new]
    assert {result["baselineState"] for result in results} == {"new"}
    code, out, _ = stabkit("read", "added.sarif", "--format", "json")
    assert code == 0
    assert json.loads(out)["sources"][0]["counts"]["findings"] == len(new) > 0
    stabkit("diff", "new.sarif", "new.sarif", "--sarif", "added.sarif")
    run = json.loads((folder / "added.sarif").read_text())["runs"][0]
    assert (run["results"], run["invocations"]) == ([], [{"executionSuccessful": True}])


def at_line(number, revision=None):
    log = json.loads(sarif("F401"))
    log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = number
    if revision:
        log["runs"][0]["versionControlProvenance"] = [{"repositoryUri": "https://a", "revisionId": revision}]
    return json.dumps(log)


@pytest.fixture
def two_commits(folder):
    """Two commits: six lines above the third were added between them."""

    def commit(text):
        (folder / "a.py").write_text(text)
        name = ("-c", "user.name=a", "-c", "user.email=a@example.invalid", "-c", "commit.gpgsign=false")
        for words in (("init", "-q"), ("add", "a.py"), (*name, "commit", "-q", "-m", "x")):
            subprocess.run(["git", *words], cwd=folder, check=True)
        return subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True
        ).stdout

    return commit("1\n2\nimport os\n").strip(), commit("0\n" * 6 + "1\n2\nimport os\n").strip()


def test_diff_follows_lines_by_git(stabkit, folder, two_commits):
    base, head = two_commits
    for name, line, revision in (("old", 3, base), ("new", 9, head)):
        (folder / f"{name}.sarif").write_text(at_line(line))
        (folder / f"{name}_known.sarif").write_text(at_line(line, revision))

    def matched_by(*words):
        code, out, _ = stabkit("diff", *words, "--format", "json")
        assert code == 0
        return [finding["matched_by"] for finding in json.loads(out)["states"]["persisting"]]

    assert matched_by("old.sarif", "new.sarif") == ["message"]
    assert matched_by("old.sarif", "new.sarif", "--base", base) == ["git_line"]
    assert matched_by("old.sarif", "new.sarif", "--base", base, "--head", head) == ["git_line"]
    assert matched_by("old_known.sarif", "new_known.sarif") == ["git_line"]
    (folder / "away_known.sarif").write_text(at_line(9, "0" * 40))
    assert matched_by("old_known.sarif", "away_known.sarif") == ["message"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--base", "nosuch"), "nosuch"),
        (("--head", "HEAD"), "--head needs the commit of BEFORE"),
        (("--base", "HEAD", "--repository", "nowhere"), "There is no such folder"),
    ],
)
def test_diff_refuses_commits_that_are_none(stabkit, two_commits, words, message):
    code, out, err = stabkit("diff", "old.sarif", "new.sarif", *words)
    assert (code, out) == (2, "")
    assert message in err


def test_diff_of_load_files_is_no_empty_answer(stabkit, folder):
    (folder / "load.csv").write_text("response-time,status-code,offset\n0.1,200,0\n")
    code, out, err = stabkit("diff", "load.csv", "load.csv")
    assert (code, out) == (2, "")
    assert "Neither file holds tests or a scan" in err


def test_diff_says_why_a_finding_was_not_scanned_for(stabkit, folder):
    failed = json.loads(sarif())
    failed["runs"][0]["invocations"] = [{"executionSuccessful": False}]
    (folder / "failed.sarif").write_text(json.dumps(failed))
    _, out, _ = stabkit("diff", "old.sarif", "failed.sarif", "--format", "json", "--sarif", "added.sarif")
    answer = json.loads(out)
    assert (answer["comparable"], answer["states"]["fixed"]) == (False, [])
    assert answer["states"]["not_scanned"][0]["reason"] == "scan incomplete"
    run = json.loads((folder / "added.sarif").read_text())["runs"][0]
    assert run["invocations"] == [{"executionSuccessful": False}]
    _, out, _ = stabkit("diff", "old.sarif", "failed.sarif")
    assert "scan incomplete" in out
    assert "not comparable: the candidate scan of ruff is incomplete" in " ".join(out.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("good.xml", "broken.xml", "--sarif", "x.sarif"), "--sarif needs two scans"),
        (("old.sarif", "new.sarif", "--sarif", "no/such/x.sarif"), "cannot be written"),
    ],
)
def test_diff_without_scans_or_place_writes_no_sarif(stabkit, words, message):
    code, out, err = stabkit("diff", *words)
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize("other", ["cut.xml", "binary/junit.xml", "nothing.xml", "empty", "old.sarif"])
def test_diff_refuses_a_side_that_is_not_whole_or_of_another_kind(stabkit, other):
    for words in (("good.xml", other), (other, "good.xml")):
        code, out, err = stabkit("diff", *words)
        assert (code, out) == (2, "")
        assert err.startswith("error: ")
        assert other in err


ACCEPTED = """
[[accepted]]
finding = "{what}"
reason = "vendor code"
owner = "ann"
until = {until}

[[accepted]]
finding = "X1 nowhere.py"
reason = "gone"
owner = "bob"
until = 2099-01-01
"""


def test_diff_names_what_is_accepted_and_its_sarif_suppresses_it(stabkit, folder):
    found = json.loads(stabkit("diff", "old.sarif", "new.sarif", "--format", "json")[1])
    assert "accepted" not in found
    new = found["states"]["new"][0]
    for what in (f"{new['rule']} {new['path']}:{new['line']}", new["fingerprint"]):
        (folder / "accepted.toml").write_text(ACCEPTED.format(what=what, until="2099-01-01"))
        words = ("diff", "old.sarif", "new.sarif", "--config", "accepted.toml")
        _, out, _ = stabkit(*words, "--sarif", "new.out", "--format", "json")
        answer = json.loads(out)
        assert [one["state"] for one in answer["accepted"]] == ["accepted", "unmatched"]
        assert answer["states"]["new"] == found["states"]["new"]
        results = json.loads((folder / "new.out").read_text())["runs"][0]["results"]
        assert [one["suppressions"][0]["status"] for one in results] == ["accepted"]
        assert results[0]["suppressions"][0]["justification"] == "vendor code"
        assert "matches nothing" in stabkit(*words)[1]


def test_what_has_expired_is_named_and_not_suppressed(stabkit, folder):
    (folder / "accepted.toml").write_text(ACCEPTED.format(what="*", until="2020-01-01"))
    words = ("diff", "old.sarif", "new.sarif", "--config", "accepted.toml")
    _, out, _ = stabkit(*words, "--sarif", "new.out", "--format", "json")
    assert json.loads(out)["accepted"][0]["state"] == "expired"
    assert all("suppressions" not in one for one in json.loads((folder / "new.out").read_text())["runs"][0]["results"])
