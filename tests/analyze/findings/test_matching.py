import itertools
import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit.analyze.findings.matching import FINDING_STATES, FindingComparison, match_findings
from stabkit.report.words.gaps import difference_text
from stabkit.schema import conform, empty


def said(compared: FindingComparison) -> tuple[str, ...]:
    return tuple(map(difference_text, compared.why))


COUNTER = itertools.count()


def scan(**other: Any) -> pd.DataFrame:
    base = {"scan_id": "lint", "tool": "lint", "version": "1", "scope": "all", "complete": True}
    known = {"scope_sha256": "s", "rules_sha256": "r"}
    return conform("scans", pd.DataFrame([{**base, **known, **other}]))


def found(*rows: dict[str, Any]) -> pd.DataFrame:
    if not rows:
        return empty("findings")
    base = {"scan_id": "lint", "tool": "lint", "severity": "error", "scope": "all", "suppressed": False}
    numbered = [{"fingerprint": f"own-{next(COUNTER)}", **base, **row} for row in rows]
    return conform("findings", pd.DataFrame(numbered))


def finding(rule: str = "R1", path: str = "a.py", line: int = 3, message: str = "bad", **other: Any) -> dict[str, Any]:
    return {"rule": rule, "path": path, "line": line, "message": message, **other}


def matched(before: pd.DataFrame, after: pd.DataFrame, **options: Any) -> FindingComparison:
    return match_findings(before, after, options.pop("scan_b", scan()), options.pop("scan_c", scan()), **options)


def only(comparison: FindingComparison) -> tuple[str, Any]:
    assert len(comparison.states) == 1
    row = comparison.states.iloc[0]
    return row["state"], row["matched_by"]


def keys(**values: str) -> str:
    return json.dumps(values)


@pytest.mark.parametrize(
    ("before", "after", "state", "step"),
    [
        (finding(fingerprint="f"), finding(fingerprint="f", line=90, path="b.py"), "moved", "fingerprint"),
        (finding(), finding(), "persisting", "exact"),
        (finding(path=".\\src\\a.py"), finding(path="src/a.py"), "persisting", "exact"),
        (finding(context_sha256="c"), finding(line=40, message="other", context_sha256="c"), "updated", "context"),
        (
            finding(partial_fingerprints=keys(a="1", b="2")),
            finding(line=9, message="other", partial_fingerprints=keys(a="1", b="3")),
            "updated",
            "partial_fingerprint",
        ),
        (finding(message="26 lines"), finding(line=9, message="40 lines"), "persisting", "message"),
        (finding(context_sha256="c"), finding(path="b.py", context_sha256="c"), "moved", "moved"),
        (finding(), finding(severity="critical"), "updated", "exact"),
        (finding(suppressed=True), finding(), "updated", "exact"),
    ],
)
def test_every_step_of_matching(before: dict[str, Any], after: dict[str, Any], state: str, step: str) -> None:
    assert only(matched(found(before), found(after))) == (state, step)


def computed(number: int) -> str:
    return f"stabkit/v1:abc:{number}"


@pytest.mark.parametrize(
    ("before", "after", "state", "step"),
    [
        (finding(), finding(), "persisting", "exact"),
        (finding(message="26 lines"), finding(line=9, message="40 lines"), "persisting", "message"),
        (finding(context_sha256="c"), finding(line=9, context_sha256="c"), "persisting", "context"),
        (finding(path=None, line=None), finding(path=None, line=None), "persisting", "exact"),
        (
            finding(path=None, line=None, message="7 of"),
            finding(path=None, line=None, message="8 of"),
            "persisting",
            "message",
        ),
    ],
)
def test_a_computed_fingerprint_is_no_sign_of_the_tool(before: Any, after: Any, state: str, step: str) -> None:
    sides = (found({**side, "fingerprint": computed(1)}) for side in (before, after))
    assert only(matched(*sides)) == (state, step)


def test_a_finding_without_a_line_is_the_last_to_be_paired_by_nearness() -> None:
    states = matched(found(finding(line=None), finding(line=3)), found(finding(line=31), finding(line=4))).states
    lines = states[["baseline_line", "line"]].astype("Float64").fillna(0).values.tolist()
    assert sorted(lines) == [[0, 31], [3, 4]]


def test_git_decides_before_equal_words_do() -> None:
    sides = [found(finding(line=3, fingerprint=computed(1))), found(finding(line=8, fingerprint=computed(1)))]
    assert only(matched(*sides, hunks={"a.py": [(1, 0, 2, 5)]})) == ("persisting", "git_line")


def test_paths_of_two_checkouts_are_not_comparable() -> None:
    one, two = (found(finding(path=f"/build/{n}/shop/pkg/a.py")) for n in ("anna", "otto"))
    compared = matched(one, two)
    assert not compared.comparable
    assert said(compared) == (
        "the paths of lint start in different folders, such as /build/anna/shop/pkg/a.py and /build/otto/shop/pkg/a.py",
    )
    assert matched(one, one).comparable
    assert not matched(one, found(finding(path="pkg/a.py"))).comparable
    assert matched(one, found(finding(path="/build/anna/shop/pkg/b.py"))).comparable


def test_a_checkout_that_has_a_number_is_the_same_folder() -> None:
    compared = matched(*(found(finding(path=f"/build/{n}/shop/pkg/a.py")) for n in (1, 2)))
    assert (compared.comparable, only(compared)) == (True, ("persisting", "exact"))
    assert difference_text(compared.assumed[0]) == "/build/1 and /build/2 are taken to be the same folder"


def test_shared_keys_all_different_are_never_a_pair() -> None:
    comparison = matched(found(finding(fingerprints=keys(k="1"))), found(finding(fingerprints=keys(k="2"))))
    assert sorted(comparison.states["state"]) == ["fixed", "new"]


def test_git_lines_map_through_hunks_and_renames() -> None:
    changes = pd.DataFrame([{"path": "b.py", "old_path": "a.py", "status": "renamed"}])
    options = {"hunks": {"b.py": [(1, 0, 2, 5)]}, "changes": conform("changes", changes)}
    comparison = matched(found(finding(line=3)), found(finding(path="b.py", line=8, message="else")), **options)
    assert only(comparison) == ("updated", "git_line")


def test_a_line_that_was_rewritten_maps_nowhere() -> None:
    hunks = {"a.py": [(3, 1, 3, 1)]}
    before, after = found(finding(message="one")), found(finding(message="two"))
    assert sorted(matched(before, after, hunks=hunks).states["state"]) == ["fixed", "new"]


def test_equal_totals_are_not_unchanged() -> None:
    same = [finding(path=f"s{i}.py", line=i) for i in range(1, 14)]
    gone = [finding("R2", "x.py", message="old"), finding("R3", "y.py", message="old")]
    come = [finding("R4", "p.py", message="new", severity="critical"), finding("R5", "q.py", message="new")]
    comparison = matched(found(*same, *gone), found(*same, *come))
    assert comparison.comparable
    assert comparison.states["state"].value_counts().to_dict() == {"persisting": 13, "new": 2, "fixed": 2}


def test_fixing_the_first_of_twins_reports_the_first() -> None:
    twins = [finding(line=line, fingerprint=f"stabkit/v1:k:{i}") for i, line in enumerate((3, 50, 90), start=1)]
    left = [finding(line=line, fingerprint=f"stabkit/v1:k:{i}") for i, line in enumerate((50, 90), start=1)]
    states = matched(found(*twins), found(*left)).states
    assert states.loc[states["state"] == "fixed", "line"].tolist() == [3]


def test_a_constant_fingerprint_identifies_nothing() -> None:
    before = found(finding("R1", "a.py", fingerprint="0"), finding("R2", "b.py", message="x", fingerprint="0"))
    after = found(
        finding("R2", "b.py", message="x", fingerprint="0"), finding("R9", "c.py", message="y", fingerprint="0")
    )
    states = matched(before, after).states.set_index("rule")["state"].to_dict()
    assert states == {"R1": "fixed", "R2": "persisting", "R9": "new"}


def test_a_fingerprint_never_pairs_findings_of_two_rules() -> None:
    sides = (found(finding(rule=rule, path=f"{rule}.py", fingerprints=keys(k="same"))) for rule in ("R1", "R2"))
    assert sorted(matched(*sides).states["state"]) == ["fixed", "new"]


def test_several_possible_moves_are_new_and_fixed_and_say_so() -> None:
    before = found(finding(path="a.py", context_sha256="c"), finding(path="b.py", context_sha256="c"))
    states = matched(before, found(finding(path="z.py", context_sha256="c"))).states
    assert states["state"].tolist() == ["new", "fixed", "fixed"]
    assert "a move, or not" in states["reason"].iloc[0]


@pytest.mark.parametrize(
    ("side", "reason"),
    [
        ({"complete": False}, "scan incomplete"),
        ({"rules": json.dumps(["R2:error"])}, "rule off"),
        ({"paths": json.dumps(["b.py"])}, "file not scanned"),
    ],
)
def test_absence_without_a_look_is_not_fixed(side: dict[str, Any], reason: str) -> None:
    states = matched(found(finding()), found(), scan_c=scan(**side)).states
    assert states[["state", "reason"]].values.tolist() == [["not_scanned", reason]]


def test_a_rule_listed_with_its_severity_is_on() -> None:
    comparison = matched(found(finding()), found(), scan_c=scan(rules=json.dumps(["R1:error"])))
    assert only(comparison)[0] == "fixed"


def test_a_deleted_file_is_its_own_reason() -> None:
    changes = conform("changes", pd.DataFrame([{"path": "a.py", "status": "deleted"}]))
    states = matched(found(finding()), found(), changes=changes).states
    assert states[["state", "reason"]].values.tolist() == [["not_scanned", "file deleted"]]


@pytest.mark.parametrize(
    ("side", "words"),
    [
        ({"version": "2"}, "lint 1 against 2"),
        ({"rules_sha256": "x"}, "the rules of lint differ"),
        ({"rules_sha256": None}, "the rules of lint are known on one side only"),
        ({"scope_sha256": "x"}, "the scanned files of lint differ"),
        ({"complete": False}, "the candidate scan of lint is incomplete"),
    ],
)
def test_incomparable_scans_say_why(side: dict[str, Any], words: str) -> None:
    comparison = matched(found(finding()), found(finding()), scan_c=scan(**side))
    assert not comparison.comparable
    assert any(words in reason for reason in said(comparison))
    assert only(comparison)[0] == "persisting"


def test_another_tool_is_not_comparable() -> None:
    comparison = matched(found(), found(), scan_c=scan(tool="other"))
    assert not comparison.comparable
    assert said(comparison) == ("no candidate scan of lint", "no baseline scan of other")


def test_no_scan_at_all_is_no_clean_scan() -> None:
    comparison = matched(found(), found(), scan_b=empty("scans"), scan_c=empty("scans"))
    assert (comparison.comparable, said(comparison)) == (False, ("no scan on either side",))
    assert comparison.states.empty


def test_unknown_scope_is_assumed_and_said() -> None:
    unknown = scan(scope_sha256=None, rules_sha256=None)
    comparison = matched(found(), found(), scan_b=unknown, scan_c=unknown)
    assert comparison.comparable
    assert (comparison.why, len(comparison.assumed)) == ((), 2)


def test_totals_without_findings_are_not_comparable() -> None:
    totals = scan(claimed_findings=15)
    comparison = matched(found(), found(), scan_b=totals, scan_c=totals)
    assert not comparison.comparable
    assert said(comparison)[0] == "the baseline scan of lint claims 15 findings and lists 0"
    assert matched(found(finding()), found(), scan_c=totals).states["reason"].tolist() == ["findings not listed"]
    assert matched(found(finding()), found(finding()), scan_c=totals).comparable


def test_files_added_by_the_range_explain_another_scope() -> None:
    sides = {
        "scan_b": scan(scope_sha256="1", paths=json.dumps(["a.py", "gone.py"])),
        "scan_c": scan(scope_sha256="2", paths=json.dumps(["a.py", "new.py"])),
    }
    statuses = [("new.py", "added"), ("gone.py", "deleted")]
    changes = conform("changes", pd.DataFrame(statuses, columns=["path", "status"]))
    assert not matched(found(), found(), **sides).comparable
    assert matched(found(), found(), **sides, changes=changes).comparable


def test_what_came_back_is_reopened() -> None:
    history = found(finding(fingerprint="f"))
    assert only(matched(found(), found(finding(fingerprint="f")), history=history))[0] == "reopened"


def test_ten_thousand_equal_findings_are_matched_in_time() -> None:
    many = [finding(line=i, message="same") for i in range(1, 3001)]
    states = matched(found(*many), found(*many[:-1])).states
    assert states["state"].value_counts().to_dict() == {"persisting": 2999, "fixed": 1}


FINDINGS = st.lists(
    st.builds(
        finding,
        st.sampled_from(["R1", "<script>", "=A1"]),
        st.sampled_from(["a.py", "b\\c.py", "../x", "ü\n"]),
        st.integers(0, 5),
        st.sampled_from(["bad 1", "bad 2", "", "'; --"]),
        fingerprint=st.sampled_from(["0", "1", "stabkit/v1:k:1", "stabkit/v1:k:2"]),
        context_sha256=st.sampled_from([None, "c", "d"]),
        partial_fingerprints=st.sampled_from([None, "[]", "{", '{"a": "1"}', '{"a": "2", "b": null}']),
        fingerprints=st.sampled_from([None, '{"k": "1"}', '{"k": "2"}']),
        suppressed=st.booleans(),
    ),
    max_size=8,
).map(lambda rows: found(*rows))


@given(FINDINGS, FINDINGS, st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_every_finding_is_counted_once_in_any_order(before: pd.DataFrame, after: pd.DataFrame, seed: int) -> None:
    comparison = matched(before, after)
    states = comparison.states["state"].value_counts().to_dict()
    paired = sum(states.get(name, 0) for name in ("persisting", "updated", "moved"))
    assert set(states) <= set(FINDING_STATES)
    assert paired + states.get("fixed", 0) == len(before)
    assert paired + states.get("new", 0) == len(after)
    again = matched(before.sample(frac=1, random_state=seed), after.sample(frac=1, random_state=seed))
    columns = ["state", "rule", "path", "line", "matched_by"]
    first, second = (c.states[columns].fillna("-").astype(str) for c in (comparison, again))
    pd.testing.assert_frame_equal(first, second)


@given(FINDINGS)
@settings(max_examples=30, deadline=None)
def test_a_scan_against_itself_has_nothing_new(side: pd.DataFrame) -> None:
    assert set(matched(side, side).states["state"]) <= {"persisting"}
