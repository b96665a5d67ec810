"""What is taken out of a report in bulk and put back is what the parser alone would have read."""

import itertools
import re
from xml.parsers import expat

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit.read.content import ReportError
from stabkit.read.tests import junit
from stabkit.read.tests._parts import junit_cases
from stabkit.read.tests._parts.junit_cases import JUnitCases
from stabkit.read.tests._parts.plain_cases import NotPlain, PlainCases

REFUSALS = (ReportError, expat.ExpatError, LookupError, ValueError)


def content(cases):
    """Return all that the parsed cases say."""
    rows = cases.rows()
    columns = cases.columns
    return (
        {key: columns.text(key).to_pylist() for key in ("name", "class", "test_id")},
        pd.Series(rows.time_s).fillna(-1).tolist(),
        rows.case.tolist(),
        rows.suite.tolist(),
        (rows.attempts, rows.statuses, rows.messages),
        (cases.suites, cases.uncarried, cases.cut_texts, sorted(cases.unknown.items())),
        (columns.bad_times, columns.bad_time, columns.distinct),
    )


def both_ways(blocks):
    """Return what the straight way says of a report, and the way in bulk: content, or the refusal."""
    answers = []
    for plain in (None, PlainCases()):
        cases = JUnitCases(plain=plain)
        try:
            cases.parse(blocks)
        except NotPlain:
            answers.append("not plain")
        except REFUSALS as error:
            answers.append(str(error).partition(":")[0])
        else:
            answers.append(content(cases))
    return answers


# Odd, but sound; then what no parser may accept, and what only some encodings know.
NAMES = ["name", "classname", "time", "file", "status", "result", "line", "x.y-z", "xmlns:j", "j:name"]
VALUES = [
    "a", "b", "", "0.5", "1e3", "nan", "0,5", "1_0", " 0.5", "-1", "at 0x7f31c2", " padded ", "src/a.py", "src.a.T",
    "/r/a", "a>b", "a/>b", "a'b", "&lt;", "&#10;", "&quot;", "tab\there", "line\nbreak", "é", "\xa0nbsp", "\x7f", "run",
    "notrun", "failed", "strange", "testcase name=", "--", "]]", "=", "name=",
]  # fmt: skip
UNSOUND = ["&u;", "a&b", "a<b", "\x01", "<testcase name=", "\ufffe"]
CHILDREN = [
    '<failure message="m">text</failure>', "<skipped/>", "<error/>", "<system-out>x</system-out>", "<odd/>", "text",
    "<properties><property/></properties>", '<flakyFailure message="m" time="2"/>', "<rerunFailure/>",
    "<failure><![CDATA[<testcase name='x'/>]]></failure>",
]  # fmt: skip
SPACE = st.sampled_from([" ", " ", "\n", "\t ", "\r\n", ""])


@st.composite
def tag(draw, closing, sound):
    """Return the start of a case, mostly as reporters write it."""
    values = st.sampled_from(VALUES if sound else VALUES + UNSOUND)
    if draw(st.booleans()):
        return f'<testcase classname="{draw(values)}" name="{draw(values)}" time="0.25"{closing}'
    names = draw(st.lists(st.sampled_from(NAMES), max_size=4, unique=sound))
    attributes = "".join(f'{draw(SPACE) or " "}{name}="{draw(values)}"' for name in names)
    if draw(st.integers(0, 5)) == 0:
        attributes = attributes.replace("'", "").replace('"', "'")
    name = "testcase" if closing == ">" else draw(st.sampled_from(["testcase"] * 4 + ["j:testcase", "testcases"]))
    return f"<{name}{attributes}{draw(SPACE)}{closing.replace('testcase', name)}"


@st.composite
def element(draw, sound, depth=0):
    """Return something that may stand in a suite."""
    kind = draw(st.integers(0, 20))
    if kind < 11:
        closing = draw(st.sampled_from(["/>", "/>", "></testcase>", ">\n</testcase >"]))
        return draw(tag(closing, sound)) + draw(SPACE)
    if kind < 15:
        child = draw(st.sampled_from(CHILDREN))
        return f"{draw(tag('>', sound))}{child}</testcase>"
    inner = "".join(draw(st.lists(element(sound, depth + 1), max_size=3))) if depth < 3 else ""
    around = {
        15: ("<!--", "-->"),
        16: ("<![CDATA[", "]]>"),
        17: ("<testsuite name='inner'>", "</testsuite>"),
        18: ("<failure message='of the suite'>", "</failure>"),
        19: ("<testcase name='outer'>", "</testcase>"),
        20: ("<other>", "</other>"),
    }
    before, after = around[kind]
    return before + (inner.replace("--", "") if kind == 15 else inner) + after


PROLOGUES = st.sampled_from(
    ["", "", "", "\ufeff", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-8"?>',
     '<?xml version="1.0" encoding="iso-8859-1"?>', '<?xml version="1.0" encoding="cp1251"?>', "<!DOCTYPE testsuite>",
     '<!DOCTYPE t [<!ATTLIST testcase status CDATA "notrun">]>', '<!DOCTYPE t [<!ENTITY u "x">]>',
     '<!DOCTYPE t SYSTEM "t.dtd">']
)  # fmt: skip


@st.composite
def report(draw):
    """Return a report in blocks, the first of which mostly ends behind the root; one in four is unsound."""
    sound = draw(st.integers(0, 3)) > 0
    inner = "".join(draw(st.lists(element(sound), min_size=1, max_size=8)))
    head = draw(PROLOGUES) + '<testsuites><testsuite name="s" tests="2">'
    encoding = draw(st.sampled_from(["utf-8"] * 7 + ["utf-16"]))
    data = f"{head}{inner}</testsuite></testsuites>".encode(encoding)
    cuts = draw(st.lists(st.integers(0, len(data)), max_size=3))
    cuts = sorted({0, *(cuts if draw(st.booleans()) else []), len(head.encode(encoding)), len(data)})
    return [data[first:last] for first, last in itertools.pairwise(cuts)]


@settings(max_examples=400, deadline=None)
@given(report(), st.sampled_from([1, 3, 10_000]))
def test_in_bulk_or_one_by_one_a_report_says_the_same(blocks, batch):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(junit_cases, "_BATCH", batch)
        patch.setattr(junit_cases, "_PLAIN_BATCH", batch)
        straight, in_bulk = both_ways(blocks)
    # A report may always be read again the straight way; but what is believed must be the same.
    if in_bulk != "not plain" and not isinstance(straight, str):
        assert in_bulk == straight
    if isinstance(straight, str):
        assert isinstance(in_bulk, str)


PLAIN = """<testcase classname="c" name="one" time="0.1"/>
<testcase classname="c" name="two"></testcase><testcase time="2" name="three">
</testcase><testcase name="four" status="notrun"/>"""


def suite(inner):
    return [b'<testsuite name="s">', inner.encode(), b"</testsuite>"]


@pytest.mark.parametrize(
    "inner",
    [
        PLAIN,
        PLAIN + '<testcase name="five"><failure message="m">t</failure></testcase>' + PLAIN,
        PLAIN + "<testcase name='five'/><testcase name=\"a&lt;b\"/>" + PLAIN,
        '<testsuite name="in">' + PLAIN + "</testsuite>" + PLAIN,
        PLAIN + '<testcase name="six" status="notrun"><failure/></testcase><error>of the suite</error>' + PLAIN,
        '<testcase name="é"/>' + PLAIN,
        "<!-- a word -->" + PLAIN,
    ],
)
def test_plain_cases_are_taken_out_and_found_again(inner):
    straight, in_bulk = both_ways(suite(inner))
    assert in_bulk == straight
    plain = PlainCases()
    left = plain.take_out(inner.encode())
    assert plain.left >= 4
    assert b'"one"' not in left
    assert plain.mark.encode() in left


@pytest.mark.parametrize(
    "inner",
    [
        f"<!--{PLAIN}-->",
        f"<![CDATA[{PLAIN}]]>",
        f"<failure>{PLAIN}</failure>",
        f"<testcase name='outer'>{PLAIN}</testcase>",
        f"<testcase name='outer'><system-out><![CDATA[{PLAIN}]]></system-out></testcase>",
        '<testcase name="a" name="b"/>',
    ],
)
def test_what_only_looks_like_a_case_is_read_one_by_one(inner):
    _, in_bulk = both_ways(suite(inner))
    assert in_bulk == "not plain"


def test_a_long_report_is_read_as_a_short_one(tmp_path, monkeypatch):
    path = tmp_path / "long.xml"
    cases = [
        f'<testcase classname="c" name="n{number}" time="0.{number % 10}"/>'
        if number % 7
        else f'<testcase classname="c" name="n{number}"><failure>t{number}</failure></testcase>'
        for number in range(3_000)
    ]
    path.write_text('<testsuite name="s">' + "\n".join(cases) + "</testsuite>")
    monkeypatch.setattr(junit, "BLOCK", 10_000)
    tests = junit.read(path)["tests"]
    assert tests["name"].tolist() == [f"n{number}" for number in range(3_000)]
    assert tests["test_id"].tolist() == [f"c::n{number}" for number in range(3_000)]
    failed = tests["status"] == "fail"
    assert failed.tolist() == [number % 7 == 0 for number in range(3_000)]
    assert tests["message"][failed].tolist() == [f"t{number}" for number in range(0, 3_000, 7)]
    assert tests["time_s"][~failed].tolist() == [number % 10 / 10 for number in range(3_000) if number % 7]


def test_a_document_type_or_an_encoding_of_its_own_is_read_one_by_one():
    inner = PLAIN.encode()
    for head in (b"<!DOCTYPE t>", b'<?xml version="1.0" encoding="cp1251"?>'):
        blocks = [head + b"<testsuite>", inner, b"</testsuite>"]
        plain = PlainCases()
        cases = JUnitCases(plain=plain)
        cases.parse(blocks)
        assert cases.columns.rows == 4
        assert not plain.left


def test_a_mark_written_into_a_report_means_nothing():
    mark = re.sub("[0-9a-f]{16}$", "0" * 16, PlainCases().mark)
    straight, in_bulk = both_ways(suite(f'<?{mark} 9?><testcase {mark}=""/>' + PLAIN))
    assert in_bulk == straight
