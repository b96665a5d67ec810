"""Hostile and broken scans and load files: refused, or read with a word about it, and never clean by accident."""

import gzip
import json
import os
from typing import Any

import pytest

from stabkit.read.readers import read_file
from tests.read.test_shapes import COMPLIANCE, SARIF

WHOLE: dict[str, Any] = {**SARIF, "runs": [{**SARIF["runs"][0], "invocations": []}]}
HAR = {"log": {"creator": {}, "entries": [{"time": 5, "request": {"url": "/a"}, "response": {"status": 200}}]}}
RUFF = [{"code": "F401", "filename": "a.py", "location": {"row": 1}, "message": "m"}]
CSV = "response-time,status-code,offset\n0.010,200,0\n0.020,200,1\n"
MYPY = "a.py:1: error: x  [attr]\nFound 1 error in 1 file (checked 1 source file)\n"
DOCUMENTS = {"sarif": WHOLE, "compliance": COMPLIANCE, "ruff": RUFF, "har": HAR}
TEXTS = {"hey": CSV, "mypy": MYPY}
CONFLICT = "<<<<<<< ours\n{0}=======\n{0}>>>>>>> theirs\n"


def rows(found):
    return sum(len(found[table]) for table in ("scans", "findings", "samples"))


def said(found, *words):
    source = found["sources"].iloc[0]
    assert len(found["sources"]) == 1
    assert source["status"] == "error", source["message"]
    assert all(word in source["message"] for word in words), source["message"]
    assert rows(found) == 0


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda text: text[:-1], "cut off"),
        (lambda text: text.replace("{", '{"twice": 1, "twice": 2, ', 1), "stands twice"),
        (lambda text: f', "deep": {"[" * 100_000}{"]" * 100_000}}}'.join(text.rsplit("}", 1)), "nested too deeply"),
        (lambda text: "%}".join(text.rsplit("}", 1)), "not valid JSON"),
        (lambda text: CONFLICT.format(text + "\n"), "unresolved merge conflict, line 1"),
    ],
    ids=["cut", "duplicate key", "deep", "stray character", "conflict"],
)
def test_a_damaged_document_is_an_error(tmp_path, name, damage, word):
    path = tmp_path / "report"
    path.write_text(damage(json.dumps(DOCUMENTS[name])))
    said(read_file(path), word)


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda data: b"\x00}".join(data.rsplit(b"}", 1)), "1 illegal control byte removed, the first at line 1"),
        (lambda data: data + bytes(20), "20 illegal control bytes removed"),
        (lambda data: data.replace(b"{", b'{"x": "\x1b[31m\x07", ', 1), "2 illegal control bytes removed"),
        (lambda data: data.replace(b"{", b'{"x": "\n\t", ', 1), "line ends or tabs stand in its strings"),
        (lambda data: data.replace(b"{", b'{"x": "caf\xe9", ', 1), "no UTF-8 replaced, the first at line 1, column"),
        (lambda data: data.replace(b"{", b'{"x": "\xed\xa0\x80", ', 1), "no UTF-8 replaced"),
    ],
    ids=["control byte", "zeros at the end", "escapes", "line end", "latin-1", "surrogate"],
)
def test_a_bad_character_never_costs_the_whole_document(tmp_path, name, damage, word):
    path = tmp_path / "report"
    data = json.dumps(DOCUMENTS[name]).encode()
    path.write_bytes(data)
    sound = read_file(path)
    path.write_bytes(damage(data) if data.startswith(b"{") else damage(data[1:]).join([b"[", b""]))
    found = read_file(path)
    assert rows(found) == rows(sound)
    source = found["sources"].iloc[0]
    assert source["status"] == ("repaired" if sound["sources"].iloc[0]["status"] == "ok" else "partial")
    assert word in source["message"]


@pytest.mark.parametrize("name", [*DOCUMENTS, *TEXTS])
def test_a_byte_order_mark_and_gzip_change_nothing(tmp_path, name):
    text = TEXTS[name] if name in TEXTS else json.dumps(DOCUMENTS[name])
    path = tmp_path / "report"
    path.write_text(text)
    plain = rows(read_file(path))
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert rows(read_file(path)) == plain > 0
    path.write_bytes(gzip.compress(text.encode()))
    assert rows(read_file(path)) == plain


@pytest.mark.parametrize("name", [*DOCUMENTS, *TEXTS])
def test_a_file_that_grows_a_thousandfold_is_refused(tmp_path, name):
    text = TEXTS[name] if name in TEXTS else json.dumps(DOCUMENTS[name])
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(text.encode() + b" " * (80 * 1024**2)))
    said(read_file(path), "too large")


@pytest.mark.parametrize("name", TEXTS)
def test_conflicts_in_lines_are_errors(tmp_path, name):
    path = tmp_path / "report"
    head, _, rest = TEXTS[name].partition("\n")
    path.write_text(f"{head}\n{CONFLICT.format(rest)}")
    said(read_file(path), "unresolved merge conflict, line 2")


def test_numbers_that_no_table_holds_are_null_and_said(tmp_path):
    path = tmp_path / "report"
    path.write_text(json.dumps(HAR).replace('"time": 5', '"time": NaN'))
    found = read_file(path)
    assert not found["samples"]["ok"].any()
    assert "became null: NaN" in found["sources"]["message"].iloc[0]
    path.write_text(json.dumps(RUFF).replace('"row": 1', f'"row": {"9" * 40}'))
    found = read_file(path)
    assert found["findings"]["line"].isna().all()
    assert "an integer of 40 digits" in found["sources"]["message"].iloc[0]


@pytest.mark.parametrize("kind", ["scan", "load"])
def test_what_is_no_file_is_refused_at_once(tmp_path, kind):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    for name, word in (("pipe", "not a regular file"), ("loop", "cannot be opened"), ("gone", "no such file")):
        said(read_file(tmp_path / name, kind=kind), word)


def test_a_path_that_climbs_is_a_name_and_opens_nothing(tmp_path):
    path = tmp_path / "report"
    climbing = json.loads(json.dumps(RUFF).replace("a.py", "../../../../etc/passwd\\u001b[2J"))
    path.write_text(json.dumps(climbing))
    found = read_file(path, root=tmp_path)
    assert found["findings"]["path"].iloc[0].startswith("../../")
    assert found["sources"]["status"].iloc[0] == "ok"


TABLES = {
    "jmeter": "timeStamp,elapsed,label,responseCode,success,Connect\n"
    + "".join(f"17000000000{i:02},20,home,200,true,1\n" for i in range(20)),
    "hey": "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset\n"
    + "0.01,0,0,0,0.001,0,200,0.5\n" * 20,
    "k6": "metric_name,timestamp,metric_value,method,name,status,expected_response\n"
    + "http_req_duration,1700000000,12,GET,http://x/,200,true\n" * 20,
}


@pytest.mark.parametrize("name", TABLES)
def test_a_row_that_is_cut_is_no_request_and_said(tmp_path, name):
    path = tmp_path / "report.csv"
    path.write_text(TABLES[name])
    assert (read_file(path)["sources"]["status"].item(), rows(read_file(path))) == ("ok", 20)
    path.write_text(TABLES[name].rstrip()[:-12])
    found = read_file(path)
    assert (found["sources"]["status"].item(), rows(found)) == ("partial", 19)
    assert "1 row has too few cells" in found["sources"]["message"].item()


def _har(moment, time):
    return {**HAR["log"]["entries"][0], "startedDateTime": moment, "time": time}


GOOD_AT = "2026-01-01T00:00:00Z"
ODD_TIMES = [1e308, float("nan"), float("inf"), -3, "x", None]
ODD_MOMENTS = ["zz", "0000-01-01T00:00:00Z", "300000-01-01T00:00:00Z", None]


@pytest.mark.parametrize("form", ["har", "k6", "jmeter", "vegeta"])
def test_a_request_without_a_readable_time_failed_and_says_so(tmp_path, form):
    path = tmp_path / "report"
    rows = [(GOOD_AT, 5.0), *((GOOD_AT, time) for time in ODD_TIMES), *((moment, 5.0) for moment in ODD_MOMENTS)]
    if form == "har":
        path.write_text(json.dumps({"log": {**HAR["log"], "entries": [_har(*row) for row in rows]}}))
    elif form == "k6":
        metric = {"type": "Metric", "metric": "http_req_duration", "data": {"type": "trend"}}
        points = [
            {
                "type": "Point",
                "metric": "http_req_duration",
                "data": {"time": at, "value": ms, "tags": {"status": "200"}},
            }
            for at, ms in rows
        ]
        path.write_text("\n".join(map(json.dumps, [metric, *points])))
    elif form == "jmeter":
        head = "timeStamp,elapsed,label,responseCode,success"
        path.write_text("\n".join([head, *(f"{'x' if at != GOOD_AT else 7},{ms},a,200,true" for at, ms in rows)]))
    else:
        event = {"attack": "", "seq": 0, "code": 200, "error": "", "method": "GET", "url": "http://h/a"}
        lines = [
            event | {"timestamp": at, "latency": ms * 1e6 if isinstance(ms, (int, float)) else ms} for at, ms in rows
        ]
        path.write_text("\n".join(map(json.dumps, lines)))

    found = read_file(path)

    samples = found["samples"]
    assert len(samples) == len(rows)
    assert samples["ok"].sum() == 1 + len(ODD_MOMENTS)
    assert samples.loc[samples["ok"], "service_ms"].eq(5.0).all()
    assert samples.loc[~samples["ok"], "error"].notna().all()
    assert samples.loc[~samples["ok"], "service_ms"].isna().all()
