"""The few formats that a message names where a file is of none."""

from __future__ import annotations

import pytest

from stabkit.read import known_formats, read_file
from stabkit.read.content import _USUAL, NEAREST, nearest_formats

KNOWN = [form for form, _ in known_formats()]


def test_what_is_usual_is_known():
    assert {form for forms in _USUAL.values() for form in forms} <= set(KNOWN)


@pytest.mark.parametrize(
    ("name", "head", "first"),
    [
        ("trivvy.json", b'{"a": 1}', "trivy"),  # misspelt
        ("report.json", b'{"tool": "robot", "a": 1}', "robot"),  # named within
        ("pytest-json-report.txt", b"x", "pytest-json-report"),
        ("a.xml", b"<other/>", "junit"),
        ("a.csv", b"time,label,elapsed\n1,2,3\n", "jmeter"),
        ("a.bin", b"\x00\xff", "tap"),
        ("", b"", "tap"),
    ],
)
def test_a_file_is_near_what_it_names_else_what_is_usual_in_its_syntax(name, head, first):
    found = nearest_formats(name, head, KNOWN)
    assert found[0] == first
    assert len(found) <= NEAREST


def test_the_message_names_a_few_of_the_kind_that_is_wanted(tmp_path):
    (tmp_path / "trivvy.json").write_text('{"a": 1}')
    message = str(read_file(tmp_path / "trivvy.json")["sources"]["message"].iloc[0])
    assert f"; nearest of {len(KNOWN)} known formats: trivy, sarif, " in message
    assert len(message) < 240
    message = str(read_file(tmp_path / "trivvy.json", kind="coverage")["sources"]["message"].iloc[0])
    assert "trivy" not in message
