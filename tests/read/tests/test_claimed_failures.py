"""A header that counts failures which no case carries: the report is partial in every format, never whole."""

import json

import pytest

from stabkit.read.readers import read_file

# Format -> (name of the file, a document of two passing cases whose header counts so many failures).
CLAIMS = {
    "junit": ("r.xml", '<testsuite name="s" tests="2" failures="{n}" errors="0"><testcase classname="a" name="x"/>'
              '<testcase classname="a" name="y"/></testsuite>'),
    "junit, errors": ("r.xml", '<testsuite name="s" tests="2" errors="{n}"><testcase classname="a" name="x"/>'
                      '<testcase classname="a" name="y" time="1"/></testsuite>'),
    "xunit": ("r.xml", '<assemblies><assembly name="a.dll" total="2" passed="2" failed="{n}"><collection>'
              '<test name="A.x" type="A" method="x" result="Pass"/><test name="A.y" type="A" method="y" result="Pass"/>'
              "</collection></assembly></assemblies>"),
    "testng": ("r.xml", '<testng-results skipped="0" failed="{n}" total="2" passed="2"><suite name="s"><test name="t">'
               '<class name="A"><test-method status="PASS" name="x" duration-ms="1"/>'
               '<test-method status="PASS" name="y" duration-ms="1"/></class></test></suite></testng-results>'),
    "trx": ("r.trx", '<TestRun name="r" xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Results>'
            '<UnitTestResult testId="1" testName="x" outcome="Passed"/>'
            '<UnitTestResult testId="2" testName="y" outcome="Passed"/></Results>'
            '<ResultSummary outcome="Completed"><Counters total="2" passed="2" failed="{n}" error="0"/></ResultSummary>'
            "</TestRun>"),
    "nunit3": ("r.xml", '<test-run total="2" passed="2" failed="{n}"><test-suite type="TestFixture" name="F">'
               '<test-case name="x" result="Passed"/><test-case name="y" result="Passed"/>'
               "</test-suite></test-run>"),
    "ctrf": ("r.json", '{{"reportFormat": "CTRF", "results": {{"tool": {{"name": "t"}}, "summary": {{"tests": 2, '
             '"passed": 2, "failed": {n}}}, "tests": [{{"name": "x", "status": "passed", "duration": 1}}, '
             '{{"name": "y", "status": "passed", "duration": 1}}]}}}}'),
    "mocha": ("r.json", '{{"stats": {{"suites": 1, "tests": 2, "passes": 2, "failures": {n}}}, "tests": ['
              '{{"title": "x", "fullTitle": "A x", "err": {{}}}}, {{"title": "y", "fullTitle": "A y", "err": {{}}}}], '
              '"passes": [{{"title": "x", "fullTitle": "A x"}}, {{"title": "y", "fullTitle": "A y"}}], "failures": [], '
              '"pending": []}}'),
    "jest": ("r.json", '{{"numTotalTests": 2, "numPassedTests": 2, "numFailedTests": {n}, "success": true, '
             '"testResults": [{{"name": "a.js", "status": "passed", "assertionResults": ['
             '{{"title": "x", "fullName": "x", "status": "passed"}}, {{"title": "y", "fullName": "y", '
             '"status": "passed"}}]}}]}}'),
    "rspec": ("r.json", '{{"version": "3.13", "examples": [{{"description": "x", "full_description": "A x", '
              '"status": "passed", "file_path": "a.rb"}}, {{"description": "y", "full_description": "A y", '
              '"status": "passed", "file_path": "a.rb"}}], "summary": {{"example_count": 2, "failure_count": {n}, '
              '"pending_count": 0}}, "summary_line": ""}}'),
    "pytest-json-report": ("r.json", '{{"created": 1, "exitcode": 0, "root": "/r", "environment": {{}}, '
                    '"summary": {{"passed": 2, "failed": {n}, "total": 2, "collected": 2}}, "tests": ['
                    '{{"nodeid": "a.py::x", "outcome": "passed", "call": {{"outcome": "passed"}}}}, '
                    '{{"nodeid": "a.py::y", "outcome": "passed", "call": {{"outcome": "passed"}}}}]}}'),
}  # fmt: skip


def source_of(tmp_path, form, n):
    name, text = CLAIMS[form]
    path = tmp_path / name
    path.write_text(text.format(n=n))
    return read_file(path)["sources"].iloc[0]


@pytest.mark.parametrize("form", CLAIMS)
def test_failures_that_no_case_carries_leave_the_report_partial(tmp_path, form):
    whole, short = source_of(tmp_path, form, 0), source_of(tmp_path, form, 3)
    assert (whole["format"], whole["status"]) == (form.partition(",")[0], "ok"), whole["message"]
    assert short["status"] == "partial"
    assert short["message"].startswith("its header counts 3 failures, its cases carry 0")


def test_described_failures_count_wherever_they_stand(tmp_path):
    """Catch2 counts expected failures, pytest the failure and the error of one case: nothing is missing there."""
    path = tmp_path / "r.xml"
    path.write_text(
        '<testsuite name="s" tests="1" failures="1" errors="1"><testcase name="x"><failure message="a"/>'
        '<error message="b"/></testcase></testsuite>'
    )
    assert read_file(path)["sources"]["status"].item() == "ok"
    assert json.loads(read_file(path)["sources"]["claimed"].item())["failures"] == 1
