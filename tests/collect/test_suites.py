import json
import os
import sys
import time
from pathlib import Path

import pytest

from stabkit.collect.suites import run_scan, run_suite, test_argument
from stabkit.config import ScanSource, TestSuite

PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml={output}")


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code, "{output}")


@pytest.fixture
def project(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_x.py").write_text(
        "import pathlib, pytest\n"
        "class TestC:\n"
        "    def test_bad(self): assert 0\n"
        "    @pytest.mark.parametrize('v', ['a b'])\n"
        "    def test_flaky(self, v):\n"
        "        flag = pathlib.Path('flag'); seen = flag.exists(); flag.touch(); assert seen\n"
        "def test_ok(): pass\n"
    )
    return tmp_path


def test_failing_tests_are_rerun_alone_until_they_pass_or_failed_often_enough(project):
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    suite = TestSuite(command=PYTEST, confirm_reruns=2, rerun_command=(*PYTEST, "{test}"), environment=alone)
    tests = run_suite("unit", suite, root=project)["tests"]
    by_name = {name: list(group["status"]) for name, group in tests.groupby("name")}
    assert by_name == {"test_bad": ["fail"] * 3, "test_flaky[a b]": ["fail", "pass"], "test_ok": ["pass"]}
    assert tests["fresh_process"].all()
    assert set(tests["suite"]) == {"unit"}
    assert list(tests.loc[tests["name"] == "test_bad", "attempt"]) == [1, 2, 3]


@pytest.mark.parametrize(("every", "attempts"), [(False, 1), (True, 2)])
def test_what_failed_before_is_rerun_only_if_asked_for(project, every, attempts):
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    rerun = {"confirm_reruns": 1, "rerun_command": (*PYTEST, "{test}"), "rerun_known_failures": every}
    suite = TestSuite(command=PYTEST, environment=alone, **rerun)
    known = run_suite("unit", suite, root=project)["tests"].query("name == 'test_bad'")["test_id"]
    (project / "marker").unlink(missing_ok=True)
    tests = run_suite("unit", suite, root=project, known_failures=known)["tests"]
    assert list(tests.loc[tests["name"] == "test_bad", "status"]) == ["fail"] * attempts


def test_what_failed_before_is_rerun_after_the_others_and_a_flake_among_it_is_seen(project):
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    rerun = {"confirm_reruns": 1, "rerun_command": (*PYTEST, "{test}"), "rerun_known_failures": True}
    suite = TestSuite(command=PYTEST, environment=alone, **rerun)
    known = ["tests.test_x.TestC::test_flaky[a b]"]
    found = run_suite("unit", suite, root=project, known_failures=known)
    assert known[0] in set(found["tests"]["test_id"])
    rerun = found["tests"].query("attempt == 2")
    assert rerun[["name", "status"]].values.tolist() == [["test_bad", "fail"], ["test_flaky[a b]", "pass"]]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; sys.exit('lost https://u:pw@host')", "exit code 1 and wrote no report; its last words: lost"),
        ("pass", "exit code 0 and wrote no report"),
        ("import sys; open(sys.argv[1], 'w').write('<html/>')", "not a test report"),
    ],
)
def test_a_command_without_a_usable_report_is_an_error(tmp_path, code, words):
    source = run_suite("s", TestSuite(command=python(code)), root=tmp_path)["sources"].iloc[0]
    assert (source["status"], source["path"]) == ("error", "s")
    assert words in source["message"]
    assert "pw" not in source["message"]


def test_a_failing_command_with_a_report_of_passes_is_partial(tmp_path):
    report = "<testsuite><testcase name='a' time='x'/></testsuite>"
    code = f"import sys; open(sys.argv[1], 'w').write({report!r}); sys.exit(3)"
    source = run_suite("s", TestSuite(command=python(code)), root=tmp_path)["sources"].iloc[0]
    assert source["status"] == "partial"
    assert "exit code 3" in source["message"]
    assert "no duration became null" in source["message"]


def test_secrets_of_the_environment_are_not_kept(tmp_path):
    code = "import os, sys; sys.exit(os.environ['API_TOKEN'])"
    suite = TestSuite(command=python(code), environment={"API_TOKEN": "abcd1234"})
    assert "abcd1234" not in run_suite("s", suite, root=tmp_path)["sources"]["message"].iloc[0]


def test_the_timeout_kills_the_whole_process_group(tmp_path):
    code = (
        "import pathlib, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
        "pathlib.Path('pid').write_text(str(child.pid)); time.sleep(300)"
    )
    source = run_suite("s", TestSuite(command=python(code), timeout_s=2), root=tmp_path)["sources"].iloc[0]
    assert "killed at its timeout of 2 s" in source["message"]
    stat = Path("/proc") / (tmp_path / "pid").read_text() / "stat"
    for _ in range(500):
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.01)
    else:
        pytest.fail("the child outlived its group")


def test_a_command_that_cannot_start_is_an_error(tmp_path):
    source = run_suite("s", TestSuite(command=("./absent",)), root=tmp_path)["sources"].iloc[0]
    assert "could not start" in source["message"]


def test_files_are_read_under_the_configured_name(tmp_path):
    (tmp_path / "r.xml").write_text('<testsuite name="own"><testcase name="a"/></testsuite>')
    assert set(run_suite("s", TestSuite(files=("*.xml",)), root=tmp_path)["tests"]["suite"]) == {"s"}
    missing = run_suite("s", TestSuite(files=("none*.xml",)), root=tmp_path)
    assert list(missing["sources"]["status"]) == ["error"]


def test_a_real_scan_has_its_name_and_relative_paths(tmp_path):
    (tmp_path / "a.py").write_text("import os\n")
    ruff = str(Path(sys.executable).parent / "ruff")
    command = (ruff, "check", "--isolated", "--no-cache", "--output-format=sarif", "-o", "{output}", ".")
    evidence = run_scan("lint", ScanSource(command=command), root=tmp_path)
    assert list(evidence["findings"]["path"]) == ["a.py"]
    assert list(evidence["findings"]["rule"]) == ["F401"]
    assert list(evidence["scans"]["scan_id"]) == ["lint"]
    strict = run_scan("lint", ScanSource(command=command, ok_exit_codes=(0,)), root=tmp_path)
    assert not strict["scans"]["complete"].iloc[0]
    assert list(strict["sources"]["status"]) == ["partial"]


def test_the_test_argument_is_a_node_id_where_a_file_says_so(project):
    assert test_argument("x", "tests.test_x.TestC", "test_bad", project) == "tests/test_x.py::TestC::test_bad"
    assert test_argument("com.shop.Cart::adds", "com.shop.Cart", "adds", project) == "com.shop.Cart::adds"
    assert os.sep == "/"


SAME_ID = """<testsuite name="s" tests="4">
<testcase classname="a" name="recovers"><failure message="first try"/></testcase>
<testcase classname="a" name="recovers"/>
<testcase classname="a" name="fails"><failure message="1"/></testcase>
<testcase classname="a" name="fails"><failure message="2"/></testcase>
</testsuite>"""


@pytest.mark.parametrize(("retries", "attempts"), [("declared", [1, 1, 1, 1]), ("same_id", [1, 2, 1, 2])])
def test_cases_of_one_id_are_attempts_only_where_the_configuration_says_so(tmp_path, retries, attempts):
    (tmp_path / "junit.xml").write_text(SAME_ID)
    tests = run_suite("unit", TestSuite(files=("junit.xml",), retries=retries), root=tmp_path)["tests"]
    assert tests["attempt"].tolist() == attempts
    assert tests["status"].tolist() == ["fail", "pass", "fail", "fail"]


def test_files_of_several_scans_share_no_name(tmp_path):
    run = {"tool": {"driver": {"name": "lint"}}, "results": []}
    for name, runs in (("a.sarif", 2), ("b.sarif", 1)):
        (tmp_path / name).write_text(json.dumps({"version": "2.1.0", "runs": [run] * runs}))
    found = run_scan("mine", ScanSource(files=("*.sarif",)), root=tmp_path)
    assert found["scans"]["scan_id"].tolist() == ["mine", "mine#2", "mine#3"]
