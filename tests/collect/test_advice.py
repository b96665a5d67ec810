"""What helps against a fault goes by its code, which is given where it is made: words may change."""

from __future__ import annotations

import errno
import gzip
import socket
import ssl
from pathlib import Path
from typing import get_args

import pytest

from stabkit.collect.advice import advise
from stabkit.collect.suites import run_suite
from stabkit.config import TestSuite
from stabkit.probe.diagnosis import diagnose
from stabkit.read import read_paths
from stabkit.sources import Fault, FaultCode, fault_code, source_frame

NO_ADVICE = {"redirect", "repaired"}  # their messages say all that is known


def test_every_code_has_its_advice() -> None:
    assert {code for code in get_args(FaultCode) if advise(code) is None} == NO_ADVICE
    assert advise("of another version") is None


def certificate(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, "as OpenSSL says it"
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "unreachable"),
        (OSError(errno.EHOSTUNREACH, "x"), "unreachable"),
        (ConnectionResetError(errno.ECONNRESET, "x"), None),
        (socket.gaierror(-2, "x"), "unknown_host"),
        (TimeoutError(), "timeout"),
        (certificate(10), "expired_certificate"),
        (certificate(18), "unknown_authority"),
        (certificate(62), "certificate"),
    ],
)
def test_a_failed_connection_has_its_code(error: BaseException, code: str | None) -> None:
    assert diagnose(error, timeout_s=1, stage="connecting").code == code


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("gone.xml", None, "no_file"),
        ("page.xml", b"<!DOCTYPE html><html></html>", "html"),
        ("empty.xml", b"", "unknown_format"),
        ("notes.txt", b"good morning", "unknown_format"),
        ("cut.xml", b"<testsuites><testsuite", "cut_off"),
        ("cut.sarif", b'{"version": "2.1.0", "runs": [', "cut_off"),
        ("cut.xml.gz", gzip.compress(b"<testsuites/>" * 99, mtime=0)[:30], "cut_off"),
    ],
)
def test_a_file_that_cannot_be_read_has_its_code(tmp_path: Path, name: str, content: bytes | None, code: str) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    source = read_paths([str(file)])["sources"].iloc[0]
    assert (source["status"], source["fault"]) == ("error", code)


@pytest.mark.parametrize(("command", "code"), [("no-such-program", "not_startable"), ("true", "no_report")])
def test_a_command_without_a_report_has_its_code(tmp_path: Path, command: str, code: str) -> None:
    source = run_suite("s", TestSuite(command=(command,)), root=tmp_path)["sources"].iloc[0]
    assert (source["status"], source["fault"]) == ("error", code)


def test_the_first_of_several_messages_is_kept_by_itself() -> None:
    frame = source_frame(kind="tests", path="a", status="error", messages=[Fault("one; two", "timeout"), "three"])
    assert frame.loc[0, ["message", "cause", "fault"]].tolist() == ["one; two; three", "one; two", "timeout"]
    assert "cause" not in source_frame(kind="tests", path="a", status="error", messages=["alone"])
    assert fault_code(ValueError("anything")) is None
