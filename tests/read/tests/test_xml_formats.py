"""NUnit 2 and 3, xUnit.net, TRX and TestNG: other words for the same things, and what no case carries."""

# ruff: noqa: E501 - reports read best as their tools write them

from pathlib import Path
from typing import Any

import pytest

from stabkit.read.readers import read_file
from stabkit.schema import Evidence


def read(folder: Path, content: str | bytes) -> Evidence:
    path = folder / "report.xml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_file(path)


def source(found: Evidence) -> dict[str, Any]:
    return found["sources"].to_dict("records")[0]


def rows(found: Evidence) -> list[tuple[str, str]]:
    return list(zip(found["tests"]["test_id"], found["tests"]["status"], strict=True))


NUNIT3 = """<test-run total="7" passed="1" failed="2" result="Failed"><test-suite type="Assembly" name="Shop.dll" result="Failed">
<test-suite type="TestFixture" name="Cart" fullname="Shop.Cart" result="Failed">
<test-case name="Adds(1)" classname="Shop.Cart" result="Passed" duration="0.25"/>
<test-case name="Warns" classname="Shop.Cart" result="Warning"/>
<test-case name="Fails" classname="Shop.Cart" result="Failed"><failure><message>no</message><stack-trace>at x</stack-trace>
</failure></test-case>
<test-case name="Throws" classname="Shop.Cart" result="Failed" label="Error"/>
<test-case name="Waits" classname="Shop.Cart" result="Skipped" label="Ignored"><reason><message>later</message></reason></test-case>
<test-case name="Unsure" classname="Shop.Cart" result="Inconclusive"/>
<test-case name="Odd" fullname="Shop.Cart.Odd"/></test-suite>
<test-suite type="TestFixture" name="Db" fullname="Shop.Db" result="Failed" site="SetUp"><failure><message>no database</message>
</failure></test-suite></test-suite></test-run>"""


def test_nunit3_results_labels_and_failed_set_up(tmp_path):
    found = read(tmp_path, NUNIT3)
    assert rows(found) == [
        ("Shop.Cart::Adds(1)", "pass"),
        ("Shop.Cart::Warns", "pass"),
        ("Shop.Cart::Fails", "fail"),
        ("Shop.Cart::Throws", "error"),
        ("Shop.Cart::Waits", "skip"),
        ("Shop.Cart::Unsure", "skip"),
        ("Shop.Cart::Odd", "no_result"),
        ("(?)::Shop.Db", "error"),
    ]
    assert list(found["tests"]["message"].dropna()) == ["no\nat x", "later", "no database"]
    assert "1 failure that no case carries" in source(found)["message"]
    assert source(found)["status"] == "ok"


def test_nunit2_results_and_older_words(tmp_path):
    found = read(
        tmp_path,
        """<test-results failures="1" errors="1"><test-suite name="Shop" result="Failure"><results>
        <test-case name="Shop.Cart.Adds(1.5)" executed="True" result="Success" time="0.25"/>
        <test-case name="Shop.Cart.Fails" result="Failure"><failure><message>no</message></failure></test-case>
        <test-case name="Shop.Cart.Throws" result="Error"/><test-case name="Shop.Cart.Waits" result="Ignored"/>
        <test-case name="Old" executed="True" success="True"/><test-case name="Idle" executed="False"/>
        <test-case name="Odd"/></results></test-suite>
        <test-suite name="Db" result="Error"><failure><message>no database</message></failure></test-suite></test-results>""",
    )
    assert rows(found) == [
        ("Shop.Cart::Adds(1.5)", "pass"),
        *[("Shop.Cart::Fails", "fail"), ("Shop.Cart::Throws", "error"), ("Shop.Cart::Waits", "skip")],
        *[("(?)::Old", "pass"), ("(?)::Idle", "skip"), ("(?)::Odd", "no_result"), ("(?)::Db", "error")],
    ]
    assert source(found)["status"] == "ok"


def test_xunit_errors_outside_of_tests(tmp_path):
    found = read(
        tmp_path,
        r"""<assemblies><assembly name="C:\build\Shop.dll" total="4" passed="1" failed="1">
        <errors><error type="fixture-cleanup" name="Shop.Db"><failure><message>no database</message></failure></error></errors>
        <collection><test name="Shop.Cart.Adds" type="Shop.Cart" method="Adds" result="Pass" time="0.25"/>
        <test name="Shop.Cart.Fails" type="Shop.Cart" result="Fail"><failure><message>no</message></failure></test>
        <test name="waits" type="Shop.Cart" result="Skip"><reason>later</reason></test>
        <test name="idle" type="Shop.Cart" result="NotRun"/></collection></assembly></assemblies>""",
    )
    assert rows(found) == [
        *[("Shop.Cart::Adds", "pass"), ("Shop.Cart::Fails", "fail"), ("Shop.Cart::waits", "skip")],
        *[("Shop.Cart::idle", "skip"), ("(?)::Shop.Db", "error")],
    ]
    assert set(found["tests"]["suite"]) == {"Shop.dll"}
    assert "disagrees" not in (source(found)["message"] or "")


def trx(results: str, outcome: str = "Completed", counters: str = "") -> str:
    return f"""<TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010" name="run"><Results>{results}</Results>
    <TestDefinitions><UnitTest id="1" name="Adds"><TestMethod className="Shop.Cart, Shop, Version=1" name="Adds"/></UnitTest>
    </TestDefinitions><ResultSummary outcome="{outcome}">{counters}<RunInfos><RunInfo><Text>host crashed</Text></RunInfo>
    </RunInfos></ResultSummary></TestRun>"""


def result(outcome: str | None, name: str = "Shop.Cart.Adds", more: str = "") -> str:
    said = f'outcome="{outcome}"' if outcome else ""
    return f'<UnitTestResult testId="1" testName="{name}" duration="00:01:00.5" {said}>{more}</UnitTestResult>'


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        *[("Passed", "pass"), ("Failed", "fail"), ("NotExecuted", "skip"), ("Inconclusive", "skip")],
        *[("Timeout", "error"), ("Aborted", "error"), ("Disturbed", "error"), (None, "error")],
    ],
)
def test_trx_outcomes_join_their_definitions(tmp_path, outcome, status):
    found = read(tmp_path, trx(result(outcome)))
    assert rows(found) == [("Shop.Cart::Adds", status)]
    assert found["tests"]["time_s"].iloc[0] == 60.5


def test_trx_inner_results_are_the_cases(tmp_path):
    inner = "<InnerResults>" + result("Passed", "Adds (1)") + result("Failed", "Adds (2)") + "</InnerResults>"
    found = read(tmp_path, trx(result("Failed", more=inner), "Failed"))
    assert rows(found) == [("Shop.Cart::Adds (1)", "pass"), ("Shop.Cart::Adds (2)", "fail")]


def test_trx_data_driven_test_that_failed_alone_is_a_case(tmp_path):
    for inner, expected in (("", ["fail"]), (result("Passed", "Adds (1)"), ["pass", "fail"])):
        found = read(tmp_path, trx(result("Failed", more=f"<InnerResults>{inner}</InnerResults>")))
        assert [status for _, status in rows(found)] == expected


def test_trx_run_that_failed_without_a_failing_test_is_an_error(tmp_path):
    found = read(tmp_path, trx(result("Passed"), "Failed", '<Counters total="1"/>'))
    assert rows(found)[-1] == ("(?)::run", "error")
    assert found["tests"]["message"].iloc[-1] == "host crashed"
    assert source(read(tmp_path, trx(result("Failed"), "Aborted")))["status"] == "partial"


def test_testng_configuration_and_retries(tmp_path):
    found = read(
        tmp_path,
        """<testng-results><suite name="all"><test name="t"><class name="shop.Cart">
        <test-method name="setUp" status="PASS" is-config="true"/><test-method name="tearDown" status="FAIL" is-config="true">
        <exception class="E"><message>locked</message></exception></test-method>
        <test-method name="adds" status="SKIP" retried="true" duration-ms="10"/>
        <test-method name="adds" status="PASS" duration-ms="250"/>
        <test-method name="sums" status="FAIL"><params><param index="0"><value>1</value></param></params></test-method>
        <test-method name="lost" status="SKIP" retried="true"/></class></test></suite></testng-results>""",
    )
    assert rows(found) == [
        ("shop.Cart::tearDown", "error"),
        *[("shop.Cart::adds", "fail"), ("shop.Cart::adds", "pass"), ("shop.Cart::sums[1]", "fail")],
        *[("shop.Cart::lost", "fail"), ("shop.Cart::lost", "no_result")],
    ]
    assert found["tests"]["time_s"].iloc[2] == 0.25
    assert source(found)["status"] == "partial"


ROOTS = ("test-run", "test-results", "assemblies", "TestRun", "testng-results")


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('<!DOCTYPE r [<!ENTITY a "b">]><{0}>&a;</{0}>', "declares the entity"),
        ('<!DOCTYPE r SYSTEM "x.dtd"><{0}>&u;</{0}>', "undefined entity"),
        ("<{0}/><{0}/>", "junk after document element"),
        ('<{0}><x a="1" a="2"/></{0}>', "duplicate attribute"),
        ("<<<<<<< a\n<{0}/>\n=======\n<{0}/>\n>>>>>>> b\n", "merge conflict"),
        ("<{0}><x>a & b</x></{0}>", "malformed"),
    ],
)
def test_hostile_xml_is_refused_in_every_format(tmp_path, root, content, words):
    found = read(tmp_path, content.format(root))
    assert source(found)["status"] == "error"
    assert words in source(found)["message"]


@pytest.mark.parametrize("root", ROOTS)
def test_what_stands_before_a_cut_is_kept_and_marked(tmp_path, root):
    found = read(tmp_path, f"<{root}><a>text</a><b")
    assert source(found)["status"] == "error"
    assert "cut off" in source(found)["message"]


def test_control_bytes_are_removed_once_and_told(tmp_path):
    found = read(tmp_path, NUNIT3.replace("no database", "no \x08database"))
    assert source(found)["status"] == "repaired"
    assert "1 illegal control byte removed, the first at line 11" in source(found)["message"]
    assert len(found["tests"]) == 8


def test_deep_nesting_takes_linear_time(tmp_path):
    deep = (
        '<test-suite result="Failure">' * 20_000 + '<test-case name="a" result="Success"/>' + "</test-suite>" * 20_000
    )
    found = read(tmp_path, f"<test-results>{deep}</test-results>")
    assert rows(found) == [("(?)::a", "pass"), ("(?)::(?)", "error")]


def noted(results: str, *notes: str) -> str:
    infos = "".join(f'<RunInfo outcome="Error"><Text>{note}</Text></RunInfo>' for note in notes)
    return trx(results, "Failed").replace("<RunInfos>", f"<RunInfos>{infos}")


@pytest.mark.parametrize(
    ("results", "note", "status"),
    [
        (result("Failed"), "[xUnit.net 00:00:01.25]     Shop.Cart.Adds [FAIL]", "ok"),
        (result("Failed"), "[xUnit.net 00:00:01.25]     Shop.Cart.Pays [FAIL]", "partial"),
        (result("Passed"), "[xUnit.net 00:00:01.25]     Shop.Cart.Adds [FAIL]", "partial"),
        (result("Failed"), "Exit code indicates failure: '2'. More is told elsewhere.", "ok"),
        (result("Passed"), "Exit code indicates failure: '2'. More is told elsewhere.", "partial"),
        (result("Failed"), "Exit code indicates failure: '8'. More is told elsewhere.", "partial"),
        (result("Failed"), "The host of the tests went away.", "partial"),
    ],
)
def test_trx_notes_that_repeat_which_test_failed_are_no_error_of_the_run(tmp_path, results, note, status):
    assert source(read(tmp_path, noted(results, note)))["status"] == status


@pytest.mark.parametrize(
    "report",
    [
        "<TestRun><FailedTests><FailedTest id='1'><Name>adds</Name></FailedTest></FailedTests></TestRun>",  # CppUnit
        "<test-results><case name='adds' ok='no'/></test-results>",
        "<test-run><case name='adds' ok='no'/></test-run>",
        "<assemblies><dll><case name='adds' ok='no'/></dll></assemblies>",
        "<testng-results><case name='adds' ok='no'/></testng-results>",
        "<testsuites><suite><case name='adds' ok='no'/></suite></testsuites>",
        "<testsuite><test name='adds' ok='no'/></testsuite>",
    ],
)
def test_what_only_begins_like_a_report_is_no_empty_one(tmp_path, report):
    found = source(read(tmp_path, report))
    assert found["status"] == "partial"
    assert "which reports of this format do not" in found["message"]


@pytest.mark.parametrize(
    "report",
    [
        "<test-results><test-suite><results><test-case name='Shop.Cart.Adds' executed='True'>{}</test-case></results>"
        "</test-suite></test-results>",
        "<test-run><test-suite><test-case name='Adds' classname='Shop.Cart'>{}</test-case></test-suite></test-run>",
        "<assembly name='Shop'><collection><test name='Adds' type='Shop.Cart'>{}</test></collection></assembly>",
    ],
)
def test_a_case_that_states_no_result_and_describes_a_failure_failed(tmp_path, report):
    assert rows(read(tmp_path, report.format("<failure><message>no</message></failure>"))) == [
        ("Shop.Cart::Adds", "fail")
    ]
    assert rows(read(tmp_path, report.format(""))) == [("Shop.Cart::Adds", "no_result")]


def test_testng_method_without_a_status_that_threw_failed(tmp_path):
    report = "<testng-results><suite><test><class name='Cart'><test-method name='adds'>{}</test-method></class></test></suite></testng-results>"
    assert rows(read(tmp_path, report.format("<exception class='E'/>"))) == [("Cart::adds", "fail")]
    assert rows(read(tmp_path, report.format(""))) == [("Cart::adds", "no_result")]
