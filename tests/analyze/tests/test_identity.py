"""Results of one id: told apart by browser, host or report, compared by their number where nothing tells."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

import pandas as pd
import pytest

from stabkit.analyze.gate.evaluation import evaluate_gate
from stabkit.analyze.sides import RunEvidence
from stabkit.analyze.tests.transitions import test_transitions
from stabkit.collect.retries import number_attempts
from stabkit.config import Config
from stabkit.read.readers import read_paths
from stabkit.schema import Evidence

Suite = tuple[str, dict[str, list[str]]]  # host, then the statuses of each test


def junit(*suites: Suite, claim: int | None = None) -> str:
    """Return a report with a suite a host; a test that occurs several times does so under one name."""
    parts = []
    for host, tests in suites:
        cases = "".join(
            f'<testcase classname="cart" name={quoteattr(name)} time="0.{place}1">'
            f"{'<failure/>' if status == 'fail' else ''}</testcase>"
            for name, statuses in tests.items()
            for place, status in enumerate(statuses)
        )
        count = sum(map(len, tests.values())) if claim is None else claim
        parts.append(f'<testsuite name="s" hostname={quoteattr(host)} tests="{count}">{cases}</testsuite>')
    return f"<testsuites>{''.join(parts)}</testsuites>"


def read(folder: Path, files: dict[str, str]) -> Evidence:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return read_paths([folder / name for name in files])


def compared(tmp_path: Path, before: dict[str, str], after: dict[str, str]) -> tuple[str, dict[str, list[str]]]:
    """Return the verdict, and the ids of each transition."""
    sides = [read(tmp_path / side, files) for side, files in (("a", before), ("b", after))]
    runs = [RunEvidence({"run_id": side, "complete": True}, tables) for side, tables in zip("ab", sides, strict=True)]
    frame = test_transitions(*(side["tests"] for side in sides))
    found = {name: rows["test_id"].tolist() for name, rows in frame.groupby("transition")}
    return evaluate_gate(Config(), *runs).verdict, found


PASS = {f"t{n}": ["pass"] for n in range(9)}


def test_a_browser_that_is_gone_is_a_gap_and_is_named(tmp_path: Path) -> None:
    verdict, found = compared(
        tmp_path,
        {"r.xml": junit(("chromium", PASS), ("webkit", PASS))},
        {"r.xml": junit(("chromium", PASS))},
    )
    assert verdict == "inconclusive"
    assert found["disappeared"] == [f"cart::t{n} [webkit]" for n in range(9)]


def test_a_break_behind_a_known_failure_of_another_browser_is_one(tmp_path: Path) -> None:
    broken = {**PASS, "t3": ["fail"]}
    before = {"r.xml": junit(("chromium", PASS), ("webkit", broken))}
    verdict, found = compared(tmp_path, before, {"r.xml": junit(("chromium", broken), ("webkit", broken))})
    assert (verdict, found["regressed"]) == ("inconclusive", ["cart::t3 [chromium]"])


@pytest.mark.parametrize("layout", ["{}/r.xml", "r-{}.xml", "junit/{}/out/r.xml"])
def test_a_job_that_is_gone_is_a_gap_wherever_its_report_lies(tmp_path: Path, layout: str) -> None:
    jobs = {layout.format(job): junit(("", {**PASS, f"only {job}": ["pass"]})) for job in ("py311", "py312")}
    verdict, found = compared(tmp_path, jobs, dict([next(iter(jobs.items()))]))
    assert verdict == "inconclusive"
    assert len(found["disappeared"]) == 10
    assert sum("py312" in name for name in found["disappeared"]) == 10


def test_other_formats_name_their_platforms_too(tmp_path: Path) -> None:
    xunit = "<assemblies>{}</assemblies>"
    assembly = (
        '<assembly name="a.dll" target-framework="{}" total="1"><collection>'
        '<test name="A.t" type="A" method="t" result="{}" time="0.1"/></collection></assembly>'
    )
    events = [
        '{{"type": "suite", "suite": {{"id": {0}, "path": "a_test.dart", "platform": "{1}"}}, "time": 0}}',
        '{{"type": "testStart", "test": {{"id": {0}, "name": "adds", "suiteID": {0}}}, "time": 1}}',
        '{{"type": "testDone", "testID": {0}, "result": "{2}", "hidden": false, "skipped": false, "time": 9}}',
    ]

    def dart(*platforms: tuple[str, str]) -> str:
        lines = ['{"protocolVersion": "0.1.1", "type": "start", "time": 0}']
        lines += [
            line.format(number, name, result)
            for number, (name, result) in enumerate(platforms, start=1)
            for line in events
        ]
        return "\n".join([*lines, '{"success": true, "type": "done", "time": 10}']) + "\n"

    for suffix, both, one, gone in (
        (
            "xml",
            xunit.format(assembly.format("net8.0", "Pass") + assembly.format("net9.0", "Pass")),
            xunit.format(assembly.format("net8.0", "Pass")),
            "A::t [net9.0]",
        ),
        ("json", dart(("vm", "success"), ("chrome", "success")), dart(("vm", "success")), "a_test.dart::adds [chrome]"),
    ):
        verdict, found = compared(tmp_path / suffix, {f"r.{suffix}": both}, {f"r.{suffix}": one})
        assert (verdict, found["disappeared"]) == ("inconclusive", [gone])


def _needs(tmp_path: Path, before: str, after: str) -> list[tuple[object, ...]]:
    sides = [read(tmp_path / side, {"r.xml": text}) for side, text in (("a", before), ("b", after))]
    runs = [RunEvidence({"run_id": side, "complete": True}, tables) for side, tables in zip("ab", sides, strict=True)]
    gate = evaluate_gate(Config(), *runs)
    return [(need.about, need.subjects, dict(need.numbers)) for result in gate.conditions for need in result.needs]


NUNIT = (
    "<test-run>{}</test-run>",
    '<test-suite type="Assembly" name="Shop.dll" fullname="/b/{0}/Shop.dll"><test-suite type="TestFixture" name="Cart">'
    '<test-case name="adds" fullname="Cart.adds" classname="Cart" result="Passed"/>'
    '<test-case name="drops" fullname="Cart.drops" classname="Cart" result="Passed"/></test-suite></test-suite>',
    ("net8.0/Shop.dll", "net9.0/Shop.dll"),
)
FIXTURES = (
    '<test-run><test-suite type="Assembly" name="Shop.dll">{}</test-suite></test-run>',
    '<test-suite type="TestFixture" name="Cart(&quot;{0}&quot;)">'
    '<test-case name="adds" fullname="Cart.adds" classname="Cart" result="Passed"/>'
    '<test-case name="drops" fullname="Cart.drops" classname="Cart" result="Passed"/></test-suite>',
    ('Shop.dll ("net8.0")', 'Shop.dll ("net9.0")'),
)
TESTNG = (
    '<testng-results><suite name="s">{}</suite></testng-results>',
    '<test name="{0}"><class name="Cart"><test-method status="PASS" name="adds"/>'
    '<test-method status="PASS" name="drops"/></class></test>',
    ("net8.0", "net9.0"),
)
TRX = (
    "<TestRun><Results>{}</Results></TestRun>",
    '<UnitTestResult testId="1" testName="adds" outcome="Passed" computerName="{0}"/>'
    '<UnitTestResult testId="2" testName="drops" outcome="Passed" computerName="{0}"/>',
    ("net8.0", "net9.0"),
)
BUILT = (
    '<TestRun><TestDefinitions><UnitTest id="net8.0" storage="/b/net8.0/shop.dll"><TestMethod className="Cart"/>'
    '</UnitTest><UnitTest id="net9.0" storage="/b/net9.0/shop.dll"><TestMethod className="Cart"/></UnitTest>'
    "</TestDefinitions><Results>{}</Results></TestRun>",
    '<UnitTestResult testId="{0}" testName="adds" outcome="Passed" computerName="fv-az1203-11"/>'
    '<UnitTestResult testId="{0}" testName="drops" outcome="Passed" computerName="fv-az1203-11"/>',
    ("net8.0/shop.dll", "net9.0/shop.dll"),
)
PROPERTIES = (
    "<testsuites>{}</testsuites>",
    '<testsuite name="s" hostname="fv-az1203-11"><properties><property name="browserName" value="{0}"/></properties>'
    '<testcase classname="Cart" name="adds"/><testcase classname="Cart" name="drops"/></testsuite>',
    ("net8.0", "net9.0"),
)


@pytest.mark.parametrize("notation", [NUNIT, FIXTURES, TESTNG, TRX, BUILT, PROPERTIES])
def test_a_job_that_is_gone_is_one_line_in_each_notation(tmp_path: Path, notation: tuple[str, str, list[str]]) -> None:
    whole, part, names = notation
    parts = [part.format(name) for name in ("net8.0", "net9.0")]
    found = _needs(tmp_path, whole.format("".join(parts)), whole.format(parts[0]))
    assert found[0] == ("gone_variants", (names[1],), {"results": 2})
    assert "disappeared" not in {about for about, _, _ in found}


@pytest.mark.parametrize("notation", [NUNIT, FIXTURES, TESTNG, TRX, BUILT, PROPERTIES])
def test_a_break_in_one_job_is_not_a_known_failure_of_another(
    tmp_path: Path, notation: tuple[str, str, list[str]]
) -> None:
    whole, part, _ = notation

    def report(failing: str) -> str:
        # What fails in one job is what failed in the other: by number alone nothing has changed.
        words = {"Passed": "Failed", '"PASS"': '"FAIL"', '<testcase classname="Cart" name="adds"/>':
                 '<testcase classname="Cart" name="adds"><failure/></testcase>'}  # fmt: skip
        parts = {name: part.format(name) for name in ("net8.0", "net9.0")}
        for old, new in words.items():
            parts[failing] = parts[failing].replace(old, new, 1)
        return whole.format("".join(parts.values()))

    found = _needs(tmp_path, report("net9.0"), report("net8.0"))
    assert [about for about, _, _ in found] == ["unconfirmed"]


@pytest.mark.parametrize("names", [("py311", "py312"), ("windows-2019", "windows-2022"), ("jdk1.8.0_292", "jdk-17"),
                                   ("ios-17-2", "ios-16-4"), ("ubuntu-2204-py312", "ubuntu-2404-py312")])  # fmt: skip
def test_versions_are_no_machines(tmp_path: Path, names: tuple[str, str]) -> None:
    before = {"r.xml": junit(*((name, PASS) for name in names))}
    verdict, found = compared(tmp_path, before, {"r.xml": junit((names[1], PASS))})
    assert (verdict, found["disappeared"]) == ("inconclusive", [f"cart::t{n} [{names[0]}]" for n in range(9)])


@pytest.mark.parametrize("name", ["runner-20411", "fv-az1203-11", "ip-10-0-0-7", "3f9c2a71bd04", "DESKTOP-4F7G2H1",
                                  "ubuntu-2204-runner-20411", "build-agent-7"])  # fmt: skip
def test_machines_are_no_jobs(tmp_path: Path, name: str) -> None:
    """One machine of the two is the baseline's too, by chance: the other is no job that is gone."""
    before = {"r.xml": junit(("runner-1", PASS), (name, PASS))}
    verdict, _ = compared(tmp_path, before, {"r.xml": junit(("runner-1", PASS), ("runner-90001", PASS))})
    assert verdict == "stable"


def test_hosts_that_are_machines_tell_nothing_apart(tmp_path: Path) -> None:
    """Two jobs run the same tests on machines that are called anew in each run: their number is compared."""
    before = {"r.xml": junit(("runner-20411", PASS), ("runner-20412", PASS))}
    verdict, found = compared(tmp_path, before, {"r.xml": junit(("runner-90001", PASS), ("runner-90002", PASS))})
    assert (verdict, set(found)) == ("stable", {"still_passing"})
    verdict, found = compared(tmp_path, before, {"r.xml": junit(("runner-90001", PASS))})
    assert (verdict, len(found["disappeared"])) == ("inconclusive", 9)
    # Where no id has several results, no host matters at all.
    shards = {"r.xml": junit(("3f9c2a71bd04", PASS), ("9ab21f03cc17", {"u": ["pass"]}))}
    after = {"r.xml": junit(("77e1c0a2b3d4", PASS), ("0c2d4e6f8a91", {"u": ["pass"]}))}
    assert compared(tmp_path, shards, after)[0] == "stable"


@pytest.mark.parametrize(
    ("before", "after", "verdict", "expected"),
    [
        (["pass"] * 6, ["pass"], "inconclusive", {"disappeared": [f"cart::row #{n}" for n in range(2, 7)]}),
        (["pass"], ["pass"] * 6, "stable", {}),
        (["fail"] + ["pass"] * 4, ["fail"] * 4 + ["pass"], "inconclusive",
         {"regressed": ["cart::row #2", "cart::row #3", "cart::row #4"], "still_failing": ["cart::row"]}),
        (["fail"], ["fail"] * 7, "inconclusive",
         {"added": [f"cart::row #{n}" for n in range(2, 8)], "still_failing": ["cart::row"]}),
        (["fail"] * 4, ["fail"] + ["pass"] * 3, "stable",
         {"fixed": [f"cart::row #{n}" for n in range(2, 5)], "still_failing": ["cart::row"]}),
    ],
)  # fmt: skip
def test_results_that_nothing_tells_apart_are_compared_by_their_number(
    tmp_path: Path, before: list[str], after: list[str], verdict: str, expected: dict[str, list[str]]
) -> None:
    sides = [{"r.xml": junit(("h", {**PASS, "row": statuses}))} for statuses in (before, after)]
    found = compared(tmp_path, *sides)
    moved = {name: ids for name, ids in found[1].items() if name in expected or name not in ("still_passing", "fixed")}
    assert (found[0], {name: sorted(ids) for name, ids in moved.items()}) == (verdict, expected)


def test_a_browser_that_always_fails_is_not_flaky_by_retries_of_one_id(tmp_path: Path) -> None:
    content = junit(("chromium", PASS), ("webkit", {"t0": ["fail"]}))
    tests = number_attempts(read(tmp_path, {"r.xml": content}))["tests"]
    assert set(tests["attempt"]) == {1}
    verdict = test_transitions(tests, tests).set_index("test_id")["transition"]
    assert verdict["cart::t0 [webkit]"] == "still_failing"


def test_rows_of_data_that_share_a_name_were_not_tried_again(tmp_path: Path) -> None:
    """A header that counts methods, not rows, is no sign that the others were failed attempts."""
    evidence = read(tmp_path, {"r.xml": junit(("", {"rounds": ["pass"] * 4}), claim=1)})
    assert evidence["tests"]["status"].tolist() == ["pass"] * 4
    assert evidence["tests"]["attempt"].tolist() == [1] * 4


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("load[/tmp/pytest-of-ci/pytest-11/f{}.csv]", "load[/tmp/pytest-of-ci/pytest-12/f{}.csv]"),
        ("load[/private/var/folders/ab/c_d/T/tmp8x_k2q1/f{}]", "load[/private/var/folders/zz/q/T/tmpabcdefgh/f{}]"),
        (r"load[C:\Users\a\AppData\Local\Temp\tmp1a2b3c\f{}]", r"load[C:\Users\b\AppData\Local\Temp\tmp9z8y7x\f{}]"),
        ("id[{}f25040b1c-4d2e-4f7a-9b3c-1234567890ab]", "id[{}a11aa0b1c-99ee-4f7a-9b3c-fedcba098765]"),
        ("ask[http://localhost:39121/{}]", "ask[http://localhost:51402/{}]"),
        ("ask[http://127.0.0.1:39121/{}]", "ask[http://127.0.0.1:51402/{}]"),
        ("<Client object at 0x7f31c{}>", "<Client object at 0x5590a{}>"),
    ],
)
def test_what_every_run_draws_anew_is_no_part_of_a_name(tmp_path: Path, first: str, second: str) -> None:
    sides = [{"r.xml": junit(("", {name.format(n): ["pass"] for n in range(6)}))} for name in (first, second)]
    verdict, found = compared(tmp_path, *sides)
    assert (verdict, set(found)) == ("stable", {"still_passing"})
    assert sum(map(len, found.values())) == 6
    assert compared(tmp_path, sides[0], {"r.xml": junit(("", {second.format(0): ["pass"]}))})[0] == "inconclusive"


def test_constants_of_a_name_stay(tmp_path: Path) -> None:
    names = ["at[0x10]", "port[localhost:8080]", "day[2026-11-30]", "path[/tmp/a.txt]"]
    tests = read(tmp_path, {"r.xml": junit(("", {name: ["pass"] for name in names}))})["tests"]
    assert tests["test_id"].tolist() == [f"cart::{name}" for name in names]


def test_a_pattern_makes_one_name_of_many() -> None:
    def rows(*names: str) -> pd.DataFrame:
        return pd.DataFrame(
            {"suite": "s", "class": None, "name": names, "test_id": names, "attempt": 1, "status": "pass",
             "time_s": 0.1, "message": None, "fresh_process": None}
        )  # fmt: skip

    aliases = {"/build-[0-9]+/": "build-*"}
    found = test_transitions(rows("a build-17", "b build-17"), rows("a build-18"), aliases=aliases)
    assert found.set_index("test_id")["transition"].to_dict() == {
        "b build-*": "disappeared",
        "a build-*": "still_passing",
    }


@pytest.mark.parametrize("pattern", ["/(/", "/a/ = \\9"])
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    old, _, new = pattern.partition(" = ")
    with pytest.raises(ValueError, match="no regular expression"):
        Config.model_validate({"test_aliases": {old: new}})


def test_a_new_test_that_fails_again_and_again_is_red(tmp_path: Path) -> None:
    before = read(tmp_path / "a", {"r.xml": junit(("", PASS))})
    after = read(tmp_path / "b", {"r.xml": junit(("", {**PASS, "new": ["fail"]}))})
    first = after["tests"][after["tests"]["name"] == "new"]
    again = [first.assign(attempt=number, fresh_process=True) for number in range(2, 7)]
    rerun = Evidence({**after.tables, "tests": pd.concat([after["tests"], *again], ignore_index=True)})
    sides = [RunEvidence({"run_id": side, "complete": True}, tables) for side, tables in (("a", before), ("b", rerun))]
    gate = evaluate_gate(Config(), *sides)
    assert gate.verdict == "regressed"
    assert [item["state"] for item in gate.conditions[0].items] == ["new_failing"]
    once = evaluate_gate(Config(), sides[0], RunEvidence({"run_id": "b", "complete": True}, after))
    assert (once.verdict, once.conditions[0].needs[0].unit) == ("inconclusive", "reruns")


def test_many_deleted_tests_are_named_and_not_stable_and_what_follows_is(tmp_path: Path) -> None:
    whole = {f"t{n}": ["pass"] for n in range(40)}
    rest = {name: statuses for name, statuses in whole.items() if int(name[1:]) < 28}
    before, after = (
        read(tmp_path / side, {"r.xml": junit(("", tests))}) for side, tests in (("a", whole), ("b", rest))
    )
    deleted = pd.DataFrame([{"path": "cart.py", "status": "deleted"}])
    sides = [
        RunEvidence({"run_id": "a", "complete": True}, before),
        RunEvidence({"run_id": "b", "complete": True}, Evidence.of(**{**after.tables, "changes": deleted})),
    ]
    gate = evaluate_gate(Config(), *sides)
    assert gate.verdict == "inconclusive"
    assert gate.conditions[0].needs[0].about == "disappeared"
    assert len(gate.conditions[0].needs[0].subjects) == 12
    later = RunEvidence({"run_id": "c", "complete": True}, after)
    assert evaluate_gate(Config(), sides[1], later, history=before).verdict == "stable"
