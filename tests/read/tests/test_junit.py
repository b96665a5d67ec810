import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stabkit.read.readers import read_file, source_summary

HEAD = b'<testsuite name="s">'


def summary(folder: Path, content: bytes | str, name: str = "report.bin"):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return source_summary(read_file(path))[0]


def rows(folder: Path, content: str):
    path = folder / "rows.xml"
    path.write_text(content)
    return read_file(path)["tests"]


def test_cases_of_nested_suites_and_namespaces_are_counted(tmp_path):
    source = summary(
        tmp_path,
        """<j:testsuites xmlns:j="urn:x"><j:testsuite name="a"><j:testsuite name="b"><j:testcase name="1" time="0.25"/>
        <j:testcase name="2"><j:failure>x</j:failure></j:testcase></j:testsuite>
        <j:testcase name="3"><j:skipped/></j:testcase></j:testsuite></j:testsuites>""",
    )
    assert source["status"] == "ok"
    assert source["counts"] == {
        "tests": 3,
        "cases": 3,
        "passed": 1,
        "failed": 1,
        "errors": 0,
        "skipped": 1,
        "flaky": 0,
        "time_s": 0.25,
    }


def test_a_case_after_an_inner_suite_belongs_to_the_outer_one(tmp_path):
    tests = rows(
        tmp_path,
        '<testsuite name="a"><testsuite name="b"><testcase name="1"/></testsuite><testcase name="2"/></testsuite>',
    )
    assert list(tests["suite"]) == ["b", "a"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'<!DOCTYPE t [<!ENTITY a "b">]><testsuite><testcase name="&a;"/></testsuite>', "declares the entity"),
        (b'<!DOCTYPE t SYSTEM "x.dtd"><testsuite><testcase name="a">&u;</testcase></testsuite>', "undefined entity"),
        (b'<!DOCTYPE t [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite>&a;</testsuite>', "declares the entity"),
        (b'<!DOCTYPE t [<!ENTITY % a SYSTEM "x">%a;]><testsuite/>', "declares the entity"),
        (b'<testsuite><testcase name="a" name="b"/></testsuite>', "duplicate attribute"),
        (b'<testsuite><testcase name="a & b"/></testsuite>', "not well-formed"),
        (b"<testsuite/><testsuite/>", "junk after document"),
        (b'<?xml version="1.0" encoding="no-such"?><testsuite/>', "unknown encoding"),
        (b"<html><body>502</body></html>", "not a test report"),
        (b"<assets/>", "not a test report"),
        (b"", "not a test report"),
        (b"\n \n", "not a test report"),
        (
            b"<testsuite>\n<<<<<<< HEAD\n<a/>\n=======\n<b/>\n>>>>>>> x\n</testsuite>",
            "unresolved merge conflict, line 2",
        ),
        (b"<<<<<<< HEAD\n<testsuite/>\n=======\n<b/>\n>>>>>>> x\n", "unresolved merge conflict, line 1"),
    ],
)
def test_hostile_input_is_an_error_without_rows(tmp_path, content, message):
    source = summary(tmp_path, content)
    assert source["status"] == "error"
    assert message in source["message"]
    assert source["counts"] == {}
    assert content == b"" or source["line"] >= 1


def test_a_cut_off_report_is_an_error_and_keeps_what_was_read(tmp_path):
    source = summary(tmp_path, HEAD + b'<testcase name="a"/>\n<testcase name="b"')
    assert (source["status"], source["line"], source["counts"]["cases"]) == ("error", 2, 1)
    assert "cut off" in source["message"]


def test_a_case_that_is_cut_off_has_no_result(tmp_path):
    for rest in (b"", b"<system-out>", b"<failure>asse", b"<skipped/>", b"<failure/>"):
        counts = summary(tmp_path, HEAD + b'<testcase name="a"/><testcase name="b">' + rest)["counts"]
        assert (counts["passed"], counts["failed"] + counts["errors"], counts["skipped"]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (b"&#27;[31m", "1 illegal character reference removed"),
        (b"&#x1b;[31m&#0;", "2 illegal character references removed"),
        (b"\xff\xfe", "2 illegal bytes that are no UTF-8 removed"),
        (b"\xe4", "1 illegal byte that is no UTF-8 removed"),
        (b"\x1b&#8;", "1 illegal control byte and 1 illegal character reference removed"),
        (b"&#x110000;", "1 illegal character reference removed"),
    ],
)
@pytest.mark.parametrize("before", [0, 65_520, 65_530, 65_535])
def test_one_bad_character_does_not_cost_the_report(tmp_path, broken, message, before):
    """Wherever it stands: also across the blocks that a file is read in."""
    head = b'<testsuite name="s"><!--' + b"x" * before + b'--><testcase name="a"/><testcase name="b"><failure message="'
    found = summary(tmp_path, head + broken + b'&#233; \xc3\xa9"/></testcase></testsuite>')
    assert found["status"] == "repaired"
    assert message in found["message"]
    assert (found["counts"]["passed"], found["counts"]["failed"]) == (1, 1)


def test_a_report_with_a_bad_character_that_is_cut_off_besides_keeps_what_stood_before(tmp_path):
    content = (
        b'<testsuite name="s"><testcase name="&#27;a"/><testcase name="b"><failure message="x"/></testcase><testca'
    )
    found = summary(tmp_path, content)
    assert found["status"] == "error"
    assert found["message"].startswith("cut off")
    assert "1 illegal character reference removed" in found["message"]
    assert (found["counts"]["passed"], found["counts"]["failed"]) == (1, 1)


def test_control_bytes_are_removed_once_and_reported(tmp_path):
    source = summary(tmp_path, HEAD + b'\n<testcase name="a"><failure>\x1b[31mred\x00</failure></testcase></testsuite>')
    assert (source["status"], source["line"], source["column"]) == ("repaired", 2, 29)
    assert source["message"].startswith("2 illegal control bytes")
    assert source["counts"]["failed"] == 1


def test_words_that_are_not_understood_are_told(tmp_path):
    source = summary(
        tmp_path, '<testsuite><testcase name="a" status="odd"/><testcase name="b"><y/></testcase></testsuite>'
    )
    assert source["counts"]["errors"] == 2
    assert 'what is not understood, and have none: <y>, status="odd"' in source["message"]


def test_a_header_without_cases_is_partial_and_an_empty_suite_says_so(tmp_path):
    assert summary(tmp_path, '<testsuite name="s" tests="0" errors="1"/>')["status"] == "partial"
    assert summary(tmp_path, '<testsuite name="s" tests="5"/>')["status"] == "partial"
    assert summary(tmp_path, '<testsuite name="s" tests="0"/>')["message"] == "it holds no test"


def test_the_header_is_a_claim_and_the_cases_count(tmp_path):
    source = summary(
        tmp_path, '<testsuite name="s" tests="7" failures="0"><testcase name="a"><error/></testcase></testsuite>'
    )
    assert source["claimed"] == {"tests": 7, "failures": 0}
    assert source["counts"]["errors"] == 1
    assert "tests 7 (counted 1)" in source["message"]


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ('<testcase name="a"><failure/><error/><failure/></testcase>', "error"),
        ('<testcase name="a" status="notrun"><failure/></testcase>', "skip"),
        ('<testcase name="a" status="disabled"/>', "skip"),
        ('<testcase name="a" status="failed"/>', "fail"),
        ('<testcase name="a" status="run" result="suppressed"/>', "skip"),
        ('<testcase name="a"><skipped type="pytest.xfail"/></testcase>', "xfail"),
        ('<testcase name="a"><skipped/></testcase>', "skip"),
        ('<testcase name="a"><skipped/><failure/></testcase>', "fail"),
        ('<testcase name="a"><ignored/></testcase>', "skip"),
        ('<testcase name="a"><ignored/><failure/></testcase>', "fail"),
        ('<testcase name="a"><system-out>error</system-out></testcase>', "pass"),
        ('<testcase name="a" status="run" result="completed"/>', "pass"),
        ('<testcase name="a" status="run" result="interrupted"/>', "no_result"),
        ('<testcase name="a" status="Perhaps"/>', "no_result"),
        ('<testcase name="a" status="Perhaps"><failure/></testcase>', "fail"),
        ('<testcase name="a" status="Perhaps"><skipped/></testcase>', "skip"),
        ('<testcase name="a"><crashed/></testcase>', "no_result"),
        ('<testcase name="a"><Failure/></testcase>', "no_result"),
        ('<testcase name="a"><properties><property name="x"><y/></property></properties></testcase>', "pass"),
        ('<testcase name="a"><steps><step><failure/></step></steps></testcase>', "fail"),
    ],
)
def test_status_of_a_case(tmp_path, case, status):
    tests = rows(tmp_path, f"<testsuite>{case}</testsuite>")
    assert list(tests["status"]) == [status]


@pytest.mark.parametrize("time", ["0,25", "-1", "NaN", "inf", "", "soon", "1_0"])
def test_a_time_that_is_no_duration_becomes_null(tmp_path, time):
    source = summary(tmp_path, f'<testsuite><testcase name="a" time="{time}"/><testcase name="b"/></testsuite>')
    assert source["counts"]["time_s"] is None
    assert "no duration" in source["message"]


def test_declared_attempts_are_rows_but_not_cases(tmp_path):
    content = """<testsuite name="s"><testcase classname="c" name="flaky" time="1"><flakyFailure message="m" time="2">
    <stackTrace>trace</stackTrace><system-out>noise</system-out></flakyFailure></testcase>
    <testcase classname="c" name="dead" time="1"><failure message="1"/><rerunFailure message="2"/></testcase>
    </testsuite>"""
    tests = rows(tmp_path, content)
    assert list(zip(tests["name"], tests["attempt"], tests["status"], strict=True)) == [
        ("flaky", 1, "fail"),
        ("flaky", 2, "pass"),
        ("dead", 1, "fail"),
        ("dead", 2, "fail"),
    ]
    assert tests["message"].iloc[0] == "m\ntrace"
    counts = summary(tmp_path, content)["counts"]
    assert (counts["cases"], counts["passed"], counts["failed"], counts["flaky"], counts["time_s"]) == (2, 1, 1, 1, 2.0)


def test_attempts_masked_as_passing_cases_are_flaky(tmp_path):
    source = summary(
        tmp_path, '<testsuite name="pytest" tests="1"><testcase name="a"/><testcase name="a"/></testsuite>'
    )
    assert "flakiness masked by the reporter" in source["message"]
    assert (source["counts"]["tests"], source["counts"]["cases"], source["counts"]["flaky"]) == (1, 2, 1)


def test_an_id_twice_without_notation_is_not_flaky_and_keeps_attempt_one(tmp_path):
    content = '<testsuite tests="2"><testcase name="a"><failure/></testcase><testcase name="a"/></testsuite>'
    assert list(rows(tmp_path, content)["attempt"]) == [1, 1]
    source = summary(tmp_path, content)
    assert source["counts"]["flaky"] == 0
    assert "the worst counts" in source["message"]


def test_a_failure_that_no_case_carries_becomes_a_case(tmp_path):
    tests = rows(tmp_path, '<testsuite name="db"><error message="set-up">no</error><testcase name="a"/></testsuite>')
    assert list(zip(tests["name"], tests["status"], strict=True)) == [("db", "error"), ("a", "pass")]


def test_a_huge_failure_text_is_cut_and_said_so(tmp_path):
    content = HEAD + b'<testcase name="a"><failure>' + b"x" * 2_000_000 + b"</failure></testcase></testsuite>"
    path = tmp_path / "big.xml"
    path.write_bytes(content)
    evidence = read_file(path)
    assert evidence["tests"]["message"].str.len().iloc[0] == 64 * 1024
    assert "64 KiB" in evidence["sources"]["message"].iloc[0]


def test_20000_nested_suites_are_read(tmp_path):
    content = "<testsuite>" * 20_000 + '<testcase name="a"/>' + "</testsuite>" * 20_000
    assert summary(tmp_path, content)["counts"]["cases"] == 1


def test_gzip_is_read_and_a_bomb_is_refused(tmp_path):
    assert summary(tmp_path, gzip.compress(HEAD + b'<testcase name="a"/></testsuite>'))["counts"]["cases"] == 1
    bomb = summary(tmp_path, gzip.compress(HEAD + b" " * 80_000_000))
    assert (bomb["status"], "too large" in bomb["message"]) == ("error", True)
    cut = summary(tmp_path, gzip.compress(HEAD * 50)[:-9])
    assert (cut["status"], "damaged or cut off" in cut["message"]) == ("error", True)


def test_utf16_is_read(tmp_path):
    text = '<?xml version="1.0" encoding="UTF-16"?><testsuite><testcase name="ä"/></testsuite>'
    assert summary(tmp_path, text.encode("utf-16"))["counts"]["passed"] == 1


def test_ids_do_not_depend_on_host_suite_time_or_addresses(tmp_path):
    one = '<testsuite name="a" hostname="x"><testcase classname="c" name="t[&lt;X at 0x7f1&gt;]" time="1"/></testsuite>'
    two = '<testsuite name="b" hostname="y"><testcase classname="c" name="t[&lt;X at 0x9e2&gt;]" time="2"/></testsuite>'
    assert rows(tmp_path, one)["test_id"].iloc[0] == rows(tmp_path, two)["test_id"].iloc[0] == "c::t[<X at 0x*>]"


REPORT = b"""<?xml version="1.0"?><testsuites><testsuite name="s" tests="3" timestamp="2025-01-01T00:00:00Z">
<testcase classname="c" name="a" time="0.1"/>
<testcase classname="c" name="b"><failure message="m">t</failure></testcase>
<testcase classname="c" name="f"><flakyError message="q"/></testcase></testsuite></testsuites>"""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_mutated_reports_get_a_status_and_never_more_than_a_row_a_case(tmp_path, data):
    content = bytearray(REPORT)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=6))
    source = summary(tmp_path, bytes(content))
    assert source["status"] in ("ok", "repaired", "partial", "error")
    counts = source["counts"]
    if counts:
        assert counts["passed"] + counts["failed"] + counts["errors"] + counts["skipped"] == counts["cases"] <= 4
