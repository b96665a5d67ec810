"""JSON of the right keys and the wrong shapes: each value of a sound report in turn becomes one of another type."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from stabkit.read.readers import read_file, read_paths
from stabkit.read.scans import sarif
from stabkit.read.summary import source_summary
from tests.read.coverage.test_coverage import SEEDS as COVERAGE
from tests.read.loads.test_percentiles import SEEDS as LOADS
from tests.read.scans.test_linters import SEEDS as SCANS

UNHASHABLE: list[Any] = [[]]
VALUES: list[Any] = [None, 1e300, {"a": [1]}, True, "x", 2**62, [3], "", -1]
SARIF = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {"driver": {"name": "lint", "version": "1", "rules": [{"id": "R1", "defaultConfiguration": {}}]}},
            "artifacts": [{"location": {"uri": "a.py"}, "roles": ["analysisTarget"]}],
            "originalUriBaseIds": {"ROOT": {"uri": "file:///b/"}},
            "versionControlProvenance": [{"revisionId": "abc"}],
            "invocations": [
                {
                    "executionSuccessful": True,
                    "startTimeUtc": "2026-01-01T00:00:00Z",
                    "toolExecutionNotifications": [{"level": "error", "message": {"text": "m"}}],
                    "ruleConfigurationOverrides": [{"descriptor": {"id": "R1"}, "configuration": {"enabled": False}}],
                }
            ],
            "results": [
                {
                    "ruleId": "R1",
                    "ruleIndex": 0,
                    "rule": {"id": "R1", "index": 0, "toolComponent": {"index": 0}},
                    "level": "error",
                    "kind": "fail",
                    "message": {"text": "m {0}", "id": "x", "arguments": ["a"]},
                    "fingerprints": {"v1": "f"},
                    "partialFingerprints": {"p": "g"},
                    "suppressions": [{"status": "accepted"}],
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {"uri": "a.py", "uriBaseId": "ROOT", "index": 0},
                                "region": {"startLine": 3, "snippet": {"text": "x"}},
                                "contextRegion": {"snippet": {"text": "x"}},
                            }
                        }
                    ],
                }
            ],
        }
    ],
}
COMPLIANCE = {
    "total_violations": 1,
    "compliance_score": 98.7,
    "timestamp": "2026-01-01T00:00:00",
    "violations_by_type": {"size": 1},
    "summary": {"total_files_checked": 3, "files_with_violations": 1},
    "category_scores": {"other": {"violations": 1, "files_with_violations": 1, "total_files": 0, "score": 100.0}},
    "violations": [
        {"file_path": "a.py", "violation_type": "size", "severity": "high", "line_number": 3, "description": "d"}
    ],
}
BENCHMARK = {
    "machine_info": {},
    "benchmarks": [{"fullname": "t", "stats": {"data": [0.1], "median": 0.1, "rounds": 1}}],
}


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


SOUND = [SARIF, COMPLIANCE, BENCHMARK, *(json.loads(seed) for seed in (*SCANS, *COVERAGE, *LOADS) if is_json(seed))]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from places(entry, (*path, key))


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = replaced(document[path[0]], path[1:], value)
    return copy


@pytest.mark.parametrize("document", SOUND, ids=[str(number) for number in range(len(SOUND))])
def test_a_value_of_another_type_is_an_answer_all_the_same(tmp_path, document):
    path = tmp_path / "report.json"
    for number, place in enumerate(places(document)):
        # Each place gets one; make fuzz tries the others.
        value = UNHASHABLE if number % 3 else VALUES[number // 3 % len(VALUES)]
        path.write_text(json.dumps(replaced(document, place, value)))
        found = read_file(path)
        source = found["sources"].iloc[0]
        assert len(found["sources"]) == 1, (place, value)
        assert isinstance(source["message"], str) or source["status"] == "ok", (place, value)
        assert "did not expect" not in str(source["message"]), (place, value)
        source_summary(found)


def test_content_that_a_reader_did_not_expect_costs_that_file_alone(tmp_path, monkeypatch):
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(SARIF))

    def read(path, **options):
        if path.name == "a.json":
            raise TypeError("unhashable")
        return sound(path, **options)

    sound = sarif.read
    monkeypatch.setattr(sarif, "read", read)
    found = read_paths([tmp_path])
    assert found["sources"]["status"].tolist() == ["error", "partial"]
    assert "did not expect such content: TypeError" in found["sources"]["message"].iloc[0]
    assert len(found["findings"]) == 1
