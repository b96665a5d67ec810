import json

import pytest

from stabkit.read.readers import read_file, source_summary


@pytest.fixture
def write(tmp_path):
    def write(name="facts.json", **document):
        path = tmp_path / name
        path.write_text(json.dumps({"stabkit": 1, **document}))
        return path

    return write


def test_rows_of_every_table_are_read(write):
    path = write(
        samples=[{"target": "api", "metric": "response_time", "response_ms": 5}] * 2,
        checks=[{"target": "api", "check": "status", "outcome": "pass"}],
        tests=[{"suite": "s", "name": "t", "status": "pass"}],
        changes=[{"path": "a.py", "status": "modified"}],
    )
    evidence = read_file(path)
    assert list(evidence["samples"]["sequence"]) == [0, 1]
    assert evidence["tests"]["test_id"].iloc[0] == "(?)::t"
    assert source_summary(evidence)[0]["counts"] == {"samples": 2, "checks": 1, "tests": 1, "changes": 1}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"sampels": []}, "did you mean 'samples'"),
        ({"checks": [{"target": "a", "chekc": "x", "outcome": "pass"}]}, "checks, row 0: unknown column 'chekc'"),
        ({"checks": [{"target": "a", "check": "x", "outcome": "maybe"}]}, "table checks, row 0"),
        ({"checks": [{"target": "a", "outcome": "pass"}]}, "Required columns are missing: check"),
        ({"samples": [{"target": "a", "metric": "m", "response_ms": -1}]}, "response_ms"),
        ({"samples": [{"target": "a", "metric": "m", "response_ms": "fast"}]}, "response_ms"),
        ({"tests": {}}, None),
        ({"checks": {"a": 1}}, "no list of rows"),
        ({"stabkit": 9}, "this version reads 1"),
        ({"run": {"started_at": "2025-09-14T12:24:00"}}, "no time with a zone"),
        ({"claims": [{"kind": "tests"}]}, "claims, row 0"),
    ],
)
def test_faults_name_table_row_and_column(write, document, words):
    source = source_summary(read_file(write(**document)))[0]
    if words is None:
        assert source["message"] == "it holds no row"
    else:
        assert source["status"] == "error"
        assert words in source["message"]


def test_a_claim_is_a_partial_source(write):
    path = write(claims=[{"kind": "tests", "path": "a letter", "claimed": {"tests": 17, "passed": 15}}])
    evidence = read_file(path)
    assert evidence.failed
    claim = source_summary(evidence)[1]
    assert (claim["status"], claim["claimed"], claim["counts"]) == ("partial", {"tests": 17, "passed": 15}, {})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"stabkit": 1, "checks": [', "cut off"),
        ('{"stabkit": 1, "stabkit": 1}', "stands twice"),
        ('{"stabkit": 1, "note": ' + "[" * 100_000, "nested too deeply"),
        ('{"stabkit": 1, "samples": [}', "not valid JSON"),
    ],
)
def test_broken_json_is_an_error(tmp_path, text, words):
    path = tmp_path / "x"
    path.write_text(text)
    source = source_summary(read_file(path))[0]
    assert source["status"] == "error"
    assert words in source["message"]


def test_nan_becomes_null_and_a_byte_order_mark_is_accepted(tmp_path):
    path = tmp_path / "x"
    row = '{"target": "a", "metric": "m", "response_ms": NaN}'
    path.write_bytes(b"\xef\xbb\xbf" + f'{{"stabkit": 1, "samples": [{row}]}}'.encode())
    evidence = read_file(path)
    assert evidence["samples"]["response_ms"].isna().all()
    assert "became null" in evidence["sources"]["message"].iloc[0]
