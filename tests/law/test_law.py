"""The law over every reader, a bounded number of examples each; ``python -m tests.law`` runs as many as it is told."""

import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stabkit.case import load_case
from stabkit.readers import readers
from tests.law.acceptance import ACCEPTANCE
from tests.law.judging import Judge
from tests.law.law import broken, example
from tests.law.notations import results, worse
from tests.law.recorded import REPORTS, readable, recorded_example
from tests.law.registry import FORMATS, conditions_of, named
from tests.law.rows import row_examples
from tests.law.stored import FAULTS, LOSSES, StoreJudge
from tests.law.suites import SUITES

EXAMPLES = 8
POOLED = ("hey", "ghz")  # they name no endpoint of their own


def test_every_reader_has_a_notation():
    # Locust's lists of failures and exceptions say nothing of how many requests went well: they are never stable.
    assert {reader.FORMAT for reader in readers()} - {"locust-faults"} == {notation.form for notation in FORMATS}


@pytest.mark.parametrize("notation", FORMATS, ids=named)
def test_no_loss_and_no_failure_makes_a_verdict_greener(notation, tmp_path_factory):
    judge = Judge(tmp_path_factory.mktemp("law"), conditions_of(notation), trusting=True)

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=False))
    def holds(draw):
        assert broken(example(notation, draw), judge) is None

    holds()


@pytest.mark.parametrize("notation", FORMATS, ids=named)
def test_a_notation_is_read_and_tells_a_failure(notation, tmp_path):
    judge = Judge(tmp_path, conditions_of(notation))
    draw = random.Random(2)
    known = results(draw, notation)
    before, same, failing = (notation.write(found) for found in (known, known, worse(draw, notation, known)))
    found = judge.verdict({"report": f"{before}\n"}, {"report": same})
    # Of a summary the failures may be shown stable, the times never are.
    assert found == "stable" or (not notation.proves and found == "inconclusive")
    # Summaries are written as their tools wrote them once: nothing fails in them.
    assert notation.proves or failing == same or judge.verdict({"report": before}, {"report": failing}) != "stable"
    assert not notation.proves or judge.verdict({"report": f"{before}\n"}, {"report": failing}) != "stable"
    assert set(notation.carried(same)) <= {result.name for result in known} | {"tool_one", "tool_two"} | {
        f"{result.name}.py" for result in known
    }


@pytest.mark.parametrize("notation", FORMATS[::6], ids=named)
def test_what_is_judged_here_is_what_the_gate_says(notation, tmp_path):
    """The shortcuts of the judge, a failed source above all, are those that the command may take."""
    config = conditions_of(notation)
    judge = Judge(tmp_path, config, trusting=True)
    for seed in range(4):
        one = example(notation, random.Random(seed))
        found = judge.verdict(one.before, one.changed)
        case = load_case(str(tmp_path / "baseline"), str(tmp_path / "candidate"), config=config)
        assert (found == "stable") == (case.gate.verdict == "stable")


@pytest.mark.parametrize("notation", [n for n in FORMATS if n.proves and n.form not in POOLED], ids=named)
def test_a_file_that_is_gone_is_a_gap(notation, tmp_path):
    judge = Judge(tmp_path, conditions_of(notation))
    known = results(random.Random(3), notation)
    more = [result.__class__(f"other_{result.group}", result.name.replace("case", "more"), "pass") for result in known]
    before = {"one": f"{notation.write(known)}\n", "two": f"{notation.write(more)}\n"}
    after = {"one": notation.write(known), "two": notation.write(more)}
    assert judge.verdict(before, after) == "stable"
    for name, content in after.items():
        assert judge.verdict(before, {name: content}) != "stable", name


@pytest.mark.parametrize("notation", [n for n in FORMATS if n.form in POOLED], ids=named)
def test_half_of_the_requests_are_not_as_many(notation, tmp_path):
    judge = Judge(tmp_path, conditions_of(notation))
    known = results(random.Random(3), notation)
    more = [*known, *(result.__class__("more", f"more_{number}") for number, result in enumerate(known))]
    before, after = {"one": notation.write(more)}, {"one": notation.write(known)}
    assert judge.verdict(before, after) != "stable"


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_real_reports_keep_the_law(report, tmp_path):
    judge = Judge(tmp_path, trusting=True)
    draw = random.Random(report.name)
    for _ in range(4):
        one = recorded_example(report, draw)
        assert broken(one, judge) is None, one.changed


@pytest.mark.parametrize("what", range(4))
@pytest.mark.parametrize("notation", [*SUITES, *ACCEPTANCE], ids=named)
def test_rows_of_one_id_keep_the_law(notation, what, tmp_path):
    judge = Judge(tmp_path, trusting=True)
    one = row_examples(notation, random.Random(1))[what]
    assert broken(one, judge) is None, one.what


@pytest.fixture(scope="module")
def stored():
    return StoreJudge(together=True)


@pytest.mark.parametrize("loss", LOSSES)
def test_whatever_a_stored_run_lost_it_is_not_stable(loss, stored):
    assert stored.verdict(LOSSES[loss]) != "stable"


@pytest.mark.parametrize("fault", sorted({*FAULTS} - {"nothing"}))
def test_no_loss_makes_a_stored_run_stable(fault, stored):
    draw = random.Random(fault)
    assert stored.verdict(FAULTS[fault]) != "stable"
    assert stored.verdict(FAULTS[fault], LOSSES[draw.choice([*LOSSES])]) != "stable"


def test_what_is_judged_of_rows_is_what_a_store_gives(stored, tmp_path):
    through = StoreJudge(together=True, folder=tmp_path / "runs")
    for edits in ([], [LOSSES["a round of a target"]], [LOSSES["the source of a report"]], [FAULTS["a target slows"]]):
        assert through.verdict(*edits) == stored.verdict(*edits)


@pytest.mark.parametrize("loss", ["a round of a target", "the first round", "a target", "a series", "a job"])
def test_separate_runs_are_not_stable_either_after_a_loss(loss):
    apart = StoreJudge(together=False)
    assert apart.verdict(FAULTS["requests of a round fail"], LOSSES[loss]) != "stable"


KNOWN = {
    "a run of SARIF is gone": ("sarif", r', \{"tool": \{"driver": \{"name": "tool_two".*?"results": \[\]\}', ""),
    "bandit silenced a line": ("bandit", r'"_totals": \{"loc": 1, "nosec": 0', '"_totals": {"loc": 1, "nosec": 1'),
    "k6's checks fail": ("k6", r"\Z", '{"metric": "checks", "type": "Point", "data": {"time": "2026-01-01T00:00:01Z", '
                         '"value": 0, "tags": {"check": "is 200"}}}\n' * 60),
    "JMeter's parents fail": ("jmeter", r"<httpSample ([^>]*)/>", '<sample ts="1" t="9" lb="parent" rc="500" s="false">'
                              r"<httpSample \1/></sample>"),
}  # fmt: skip


@pytest.mark.parametrize("what", [*KNOWN])
def test_what_broke_the_law_once_keeps_it(what, tmp_path):
    form, pattern, change = KNOWN[what]
    shape = {"k6": "lines", "jmeter": "xml"}.get(form, "json")
    notation = next(n for n in FORMATS if (n.form, n.shape) == (form, shape))
    judge = Judge(tmp_path, conditions_of(notation))
    after = notation.write(results(random.Random(5), notation))
    changed = re.sub(pattern, change, after)
    assert changed != after
    before = {"report": f"{after}\n"}
    if judge.verdict(before, {"report": after}) != "stable":
        pytest.fail("the case itself is not stable")
    assert judge.verdict(before, {"report": changed}) != "stable"


def test_reports_of_a_folder_are_tried_by_their_format(tmp_path):
    (tmp_path / "sound.xml").write_text('<testsuite><testcase name="a"/><testcase name="b"/></testsuite>')
    (tmp_path / "cut.xml").write_text('<testsuite><testcase name="a"/>')
    (tmp_path / "notes.txt").write_text("nothing that a reader knows")
    assert [(form, path.name) for form, path in readable(tmp_path)] == [("junit", "sound.xml")]


@pytest.mark.parametrize(
    "report",
    [
        '<testsuite><testsuite><testcase name="a"/></testsuite><testcase name="b"/></testsuite>',
        '<test-run><test-suite><test-case name="a" result="Passed"/></test-suite></test-run>',
        '<TestRun xmlns="urn:x"><Results><UnitTestResult testName="a" outcome="Passed"/></Results></TestRun>',
        '{"Action":"pass","Package":"p","Test":"TestA"}\n{"Action":"pass","Package":"p"}\n',
        '{"numTotalTests": 1, "testResults": [{"assertionResults": [{"title": "a", "status": "passed"}]}]}',
        "1..2\nok 1 a\nok 2 b\n",
    ],
)
def test_a_recorded_report_is_made_worse_in_each_way(report, tmp_path):
    path = tmp_path / "report"
    path.write_text(report)
    judge = Judge(tmp_path / "judged", trusting=True)
    ways = set()
    for seed in range(24):
        one = recorded_example(path, random.Random(seed))
        assert broken(one, judge) is None, one.changed
        ways.add((one.what, one.carries))
    assert ("a case fails", True) in ways
    assert {"cut off", "without a part", "without a suite"} <= {what for what, _ in ways}
