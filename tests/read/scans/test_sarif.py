import json

import pytest

from stabkit.read.readers import read_file, source_summary


def log(*results, tool=None, **run):
    driver = {"name": "lint", "version": "1.2", **(tool or {})}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": list(results), **run}]}


def result(rule="R1", uri="src/a.py", line=3, **more):
    place = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}}
    return {"ruleId": rule, "message": {"text": "too long: 31"}, "locations": [place], **more}


@pytest.fixture
def read(tmp_path):
    def read(document):
        path = tmp_path / "scan.json"
        path.write_text(json.dumps(document))
        return read_file(path)

    return read


def test_a_finding_is_read_with_rule_level_path_and_fingerprint(read):
    evidence = read(log(result(level="error", fingerprints={"v1": "abc"}, partialFingerprints={"line": "x"})))
    finding = evidence["findings"].iloc[0]
    assert (finding["rule"], finding["severity"], finding["path"], finding["line"]) == ("R1", "error", "src/a.py", 3)
    assert finding["fingerprint"] == "v1=abc"
    assert json.loads(finding["partial_fingerprints"]) == {"line": "x"}
    assert evidence["scans"]["version"].iloc[0] == "1.2"


def test_rule_and_level_come_from_index_and_default(read):
    tool = {"rules": [{"id": "R0"}, {"id": "R9", "defaultConfiguration": {"level": "note"}}]}
    by_index = {**result(), "ruleIndex": 1}
    del by_index["ruleId"]
    nested = {**result(), "rule": {"id": "R7"}}
    del nested["ruleId"]
    findings = read(log(by_index, nested, tool=tool))["findings"]
    assert list(findings["rule"]) == ["R9", "R7"]
    assert list(findings["severity"]) == ["note", "warning"]


def test_arguments_are_filled_in_once_and_the_text_stays_bounded(read):
    def message(text, *arguments):
        found = read(log(result(message={"text": text, "arguments": arguments})))
        return found["findings"]["message"].iloc[0]

    assert message("{0} and {1} of {2}", "{1}", 2) == "{1} and 2 of {2}"
    assert len(message("{0}", *[f"{{{n}}}{{{n}}}" for n in range(1, 200)])) == 6
    assert len(message("{0}" * 10_000, "x" * 10_000)) == 64 * 1024


def test_what_is_no_problem_is_dropped_and_suppressions_are_judged(read):
    findings = read(
        log(
            result(kind="pass"),
            result(kind="informational"),
            result(baselineState="absent"),
            result(suppressions=[{"kind": "inSource"}]),
            result(suppressions=[{"kind": "external", "status": "rejected"}]),
            result(suppressions=[{"kind": "external", "status": "underReview"}, {"status": "accepted"}]),
        )
    )["findings"]
    assert list(findings["suppressed"]) == [True, False, True]


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ({"uri": "src/my%20file.py"}, "src/my file.py"),
        ({"uri": "a.py", "uriBaseId": "SUB"}, "lib/a.py"),
        ({"index": 0}, "b.py"),
        ({"uri": "file:///build/shop/c.py"}, "c.py"),
        ({"uri": "src\\d.py"}, "src/d.py"),
        ({}, None),
    ],
)
def test_paths_are_resolved(read, location, path):
    found = result()
    found["locations"][0]["physicalLocation"]["artifactLocation"] = location
    evidence = read(
        log(
            found,
            artifacts=[{"location": {"uri": "b.py"}}],
            originalUriBaseIds={"ROOT": {"uri": "file:///build/shop/"}, "SUB": {"uri": "lib/", "uriBaseId": "ROOT"}},
        )
    )
    found_path = evidence["findings"]["path"].iloc[0]
    assert found_path == path if path else found_path != found_path


def test_null_results_are_no_scan_and_an_empty_list_is_clean(read):
    document = log()
    clean = read(document)
    assert clean["sources"]["status"].iloc[0] == "ok"
    assert bool(clean["scans"]["complete"].iloc[0])
    document["runs"][0]["results"] = None
    nothing = read(document)
    assert nothing["sources"]["status"].iloc[0] == "partial"
    assert nothing["scans"].empty


@pytest.mark.parametrize(
    "invocation",
    [
        {"executionSuccessful": False},
        {"executionSuccessful": True, "toolExecutionNotifications": [{"level": "error", "message": {"text": "x"}}]},
    ],
)
def test_a_failed_execution_is_incomplete(read, invocation):
    evidence = read(log(invocations=[invocation]))
    assert not evidence["scans"]["complete"].iloc[0]
    assert evidence["sources"]["status"].iloc[0] == "partial"


def test_computed_fingerprints_ignore_lines_and_numbers_but_not_occurrence(read):
    second = result(line=90)
    second["message"] = {"text": "too long: 99"}
    findings = read(log(result(), second, result("R2")))["findings"]
    assert findings["fingerprint"].nunique() == 3
    assert findings["fingerprint"].iloc[0][:-1] == findings["fingerprint"].iloc[1][:-1]


def test_a_list_of_only_the_rules_that_fired_says_nothing_of_the_active_ones(read):
    fired = read(log(result("R1"), tool={"rules": [{"id": "R1"}]}))["scans"]
    active = read(log(result("R1"), tool={"rules": [{"id": "R1"}, {"id": "R2"}]}))["scans"]
    assert fired["rules_sha256"].isna().iloc[0]
    assert json.loads(active["rules"].iloc[0]) == ["R1:warning", "R2:warning"]


def test_each_run_is_a_scan(read):
    document = log(result())
    document["runs"] *= 2
    evidence = read(document)
    assert evidence["scans"]["scan_id"].nunique() == 2
    assert source_summary(evidence)[0]["counts"]["findings"] == 2


@pytest.mark.parametrize("runs", [[3], {}, [{"results": [3]}], [{"results": "none"}], [{"results": {}}]])
def test_malformed_logs_are_errors(read, runs):
    assert read({"version": "2.1.0", "runs": runs})["sources"]["status"].iloc[0] == "error"


@pytest.mark.parametrize(
    ("rule", "tool"), [("invalid-syntax", "ruff"), (None, "ruff"), ("E0001", "Pylint"), ("E999", "flake8")]
)
def test_a_file_that_could_not_be_parsed_leaves_the_scan_incomplete(read, rule, tool):
    evidence = read(log(result("F401"), result(rule, uri="bad.py"), tool={"name": tool}))
    assert not evidence["scans"]["complete"].iloc[0]
    assert evidence["sources"]["status"].iloc[0] == "partial"
    assert "unread: bad.py" in evidence["sources"]["message"].iloc[0]
    assert len(evidence["findings"]) == 2


def test_a_rule_less_finding_of_another_tool_is_a_finding(read):
    evidence = read(log(result(None)))
    assert list(evidence["findings"]["rule"]) == ["(?)"]
    assert evidence["scans"]["complete"].iloc[0]


@pytest.mark.parametrize(
    "place",
    [
        lambda document: document["runs"][0].update(externalPropertyFileReferences={"results": [{"itemCount": 9}]}),
        lambda document: document.update(inlineExternalProperties=[{"results": [result()]}]),
        lambda document: document["runs"].append({"tool": {"driver": {"name": "lint"}}, "results": None}),
    ],
    ids=["in another file", "beside the runs", "in a run of the same tool without results"],
)
def test_results_that_are_not_here_are_never_clean(read, place):
    document = log()
    place(document)
    evidence = read(document)
    assert evidence["sources"]["status"].iloc[0] == "partial"
    assert not evidence["scans"]["complete"].any()


def test_another_version_of_sarif_is_refused(read):
    source = read({**log(result()), "version": "1.0.0"})["sources"].iloc[0]
    assert source["status"] == "error"
    assert "only 2.1.0 is read" in source["message"]


def test_a_rule_that_the_configuration_switched_off_is_not_active(read):
    off = {"descriptor": {"id": "R2"}, "configuration": {"enabled": False}}
    tool = {"rules": [{"id": "R1"}, {"id": "R2"}, {"id": "R3"}]}
    scans = read(log(tool=tool, invocations=[{"ruleConfigurationOverrides": [off]}]))["scans"]
    assert json.loads(scans["rules"].iloc[0]) == ["R1:warning", "R3:warning"]


def test_a_placeholder_is_no_fingerprint(read):
    findings = read(log(result(fingerprints={"matchBasedId/v1": "requires login"})))["findings"]
    assert findings["fingerprints"].isna().all()
    assert findings["fingerprint"].str.startswith("stabkit/").all()


def test_a_broken_suppression_hides_nothing(read):
    findings = read(log(result(suppressions=[3]), result(suppressions=[{"status": "perhaps"}])))["findings"]
    assert list(findings["suppressed"]) == [False, False]


def place(uri, line):
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}}


def test_every_place_of_a_result_is_a_finding(read):
    places = [place("b.py", 9), place("a.py", 4), place("b.py", 2), place("a.py", 4), {"message": {"text": "where"}}]
    findings = read(log(result(locations=places, fingerprints={"v1": "abc"})))["findings"]
    assert list(zip(findings["path"], findings["line"], strict=True)) == [("a.py", 4), ("b.py", 2), ("b.py", 9)]
    assert findings["fingerprint"].is_unique
    assert findings["fingerprints"].notna().tolist() == [True, False, False]
    assert len(read(log(result(locations=[])))["findings"]) == 1


def test_every_place_that_is_in_no_file_is_a_finding(read):
    """Checkers of clusters name resources, not files."""
    places = [{"logicalLocations": [{"fullyQualifiedName": name}]} for name in ("pod/a", "pod/b", "pod/a")]
    findings = read(log(result(locations=places)))["findings"]
    assert len(findings) == 2
    assert findings["fingerprint"].is_unique


@pytest.mark.parametrize(
    ("invocation", "message"),
    [
        ({"toolExecutionNotifications": [{"message": {"text": "Timeout"}}]}, "1 warning of its own, such as: Timeout"),
        ({"toolConfigurationNotifications": [{"level": "warning", "message": {"text": "no rules"}}]}, "no rules"),
        (
            {"toolExecutionNotifications": [{"level": "error", "locations": [place("a.py", 1)]}]},
            "1 error of its own, such as: a.py: no text",
        ),
        (
            {"toolExecutionNotifications": [{"level": 7, "message": {"text": "odd"}}]},
            "1 warning of its own, such as: odd",
        ),
        ({"toolExecutionNotifications": [{"level": "fatal", "message": {"text": "odd"}}]}, "such as: odd"),
        ({"processStartFailureMessage": "not found"}, "lint did not start: not found"),
    ],
)
def test_what_a_scan_says_it_did_not_look_at_leaves_it_incomplete(read, invocation, message):
    evidence = read(log(invocations=[{"executionSuccessful": True, **invocation}]))
    assert not evidence["scans"]["complete"].item()
    assert evidence["sources"]["status"].item() == "partial"
    assert message in evidence["sources"]["message"].item()


@pytest.mark.parametrize("level", ["note", "none"])
def test_notifications_that_say_how_it_went_leave_the_scan_whole(read, level):
    note = {"level": level, "locations": [place("a.py", 1)], "message": {"text": "extracted"}}
    evidence = read(log(invocations=[{"executionSuccessful": True, "toolExecutionNotifications": [note]}]))
    assert evidence["scans"]["complete"].item()
