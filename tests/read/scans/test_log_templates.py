"""Logs: what makes a line an error, what two lines have in common, what belongs to a line."""

import json

import pytest

from stabkit.analyze.findings import match_findings
from stabkit.read.readers import read_file
from stabkit.schema import Evidence


def read(folder, content, name="app.log", encoding="utf-8") -> Evidence:
    path = folder / name
    path.write_bytes(content.encode(encoding))
    return read_file(path)


def rules(found: Evidence) -> list[tuple[str, str, int]]:
    frame = found["findings"]
    return list(zip(frame["severity"], frame["rule"], frame["line"], strict=True))


INFO = "2026-01-02 03:04:05,123 INFO shop started in 12 ms\n"


@pytest.mark.parametrize(
    ("line", "level", "template"),
    [
        ("2026-01-02 03:04:05,123 ERROR shop.cart: order 17 failed", "error", "shop.cart: order <n> failed"),
        ("2026-01-02T03:04:05Z FATAL no disk", "critical", "no disk"),
        ("[2026-01-02 03:04:05] CRITICAL: no disk", "critical", "no disk"),
        ("2026/01/02 03:04:05 [error] 31#0: connect() failed", "error", "<n>#<n>: connect() failed"),
        ("Jan  2 03:04:05 host app[9]: ERROR cannot open 'a.txt'", "error", "cannot open <text>"),
        ("ERROR:root:no user ann@shop.example at 10.0.0.7:5432", "error", "no user <address> at <address>"),
        ('time=2026-01-02T03:04:05Z level=error msg="pay 9 failed" id=3', "error", "pay <n> failed"),
        ('{"time": "2026-01-02", "level": "ERROR", "logger": "pay", "message": "no 3"}', "error", "pay: no <n>"),
        ('{"level": 60, "time": 1, "msg": "boom"}', "critical", "boom"),
        ("03:04:05.123 [main] SEVERE key 9f86d081884c7d659a2feaa0 is gone", "error", "key <id> is gone"),
        ("\x1b[31m2026-01-02 03:04:05 ERROR\x1b[39m boom", "error", "boom"),
    ],
)
def test_lines_of_many_kinds(tmp_path, line, level, template):
    found = read(tmp_path, f"{INFO}{line}\n")
    assert rules(found) == [(level, template, 2)]
    assert (found["sources"]["format"].item(), found["sources"]["status"].item()) == ("log", "ok")
    assert found["sources"]["message"].item() == "1 error line of 2 lines"


def test_lines_that_say_the_same_are_one_finding(tmp_path):
    lines = "".join(f"2026-01-02 03:04:0{n} ERROR order {n} of 'user{n}' took {n}.5 s\n" for n in range(5))
    found = read(tmp_path, INFO + lines)
    assert rules(found) == [("error", "order <n> of <text> took <n> s", 2)]
    assert found["sources"]["message"].item() == "5 error lines of 6 lines"


def test_an_exception_belongs_to_the_line_above_it_and_stands_alone_where_there_is_none(tmp_path):
    trace = 'Traceback (most recent call last):\n  File "a.py", line 3, in f\nshop.PayError: 3\n'
    found = read(tmp_path, f"{INFO}2026-01-02 03:04:05 ERROR pay\n{trace}{INFO}{trace}")
    assert [rule for _, rule, _ in rules(found)] == ["pay [shop.PayError]", "uncaught [shop.PayError]"]


def test_warnings_and_words_within_lines_are_no_errors(tmp_path):
    lines = f"{INFO}2026-01-02 03:04:05 WARN 3 ERRORs were seen\n2026-01-02 03:04:05 INFO ERROR rate 0\nERROR alone\n"
    found = read(tmp_path, lines)
    assert found["findings"].empty
    assert found["scans"]["complete"].item()


def test_a_new_template_is_a_new_finding_and_the_others_persist_in_other_lines(tmp_path):
    known = "2026-01-02 03:04:05 ERROR order 1 failed\n"
    before = read(tmp_path, INFO + known, "before")
    after = read(
        tmp_path, 3 * INFO + known.replace("1 failed", "77 failed") + known.replace("order", "refund"), "after"
    )
    found = match_findings(before["findings"], after["findings"], before["scans"], after["scans"]).states
    assert dict(zip(found["rule"], found["state"], strict=True)) == {
        "order <n> failed": "persisting", "refund <n> failed": "new",
    }  # fmt: skip


def test_secrets_are_masked_and_a_log_of_data_is_incomplete(tmp_path):
    for canary in ("AKIA" + "IOSFODNN7EXAMPLE", "postgres://ann:not-a-real-one@db"):
        found = read(tmp_path, f"{INFO}2026-01-02 03:04:05 ERROR no access for {canary}\n")
        assert len(found["findings"]) == 1
        assert canary not in json.dumps(found["findings"].astype(str).to_dict("list"))
    words = [chr(97 + n % 26) + chr(97 + n // 26 % 26) + chr(97 + n // 676) for n in range(5_050)]
    many = read(tmp_path, INFO + "".join(f"2026-01-02 03:04:05 ERROR {word}\n" for word in words))
    assert (len(many["findings"]), many["sources"]["status"].item()) == (5_000, "partial")


def test_a_last_line_without_its_end_leaves_the_scan_incomplete(tmp_path):
    found = read(tmp_path, f"{INFO}2026-01-02 03:04:05 ERROR bo")
    assert (found["sources"]["status"].item(), len(found["findings"])) == ("partial", 1)
    assert "its last line does not end" in found["sources"]["message"].item()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_windows_are_no_hindrance(tmp_path, encoding):
    assert len(read(tmp_path, f"{INFO}2026-01-02 03:04:05 ERROR boom\n", encoding=encoding)["findings"]) == 1


@pytest.mark.parametrize(
    "text", ["some words\nand more\n", "a.py:3: error: x  [rule]\n", '{"level": 3}\n', "1..1\nok 1 ERROR\n"]
)
def test_other_texts_are_no_logs(tmp_path, text):
    assert read(tmp_path, text)["sources"]["format"].astype(object).iloc[0] != "log"


def test_long_lines_cost_no_time(tmp_path):
    long = "2026-01-02 03:04:05 ERROR " + "'a" * 200_000 + "\n"
    assert len(read(tmp_path, INFO + long)["findings"]) == 1
