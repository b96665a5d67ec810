"""Gatling's simulation.log: the columns of several versions, failures, errors of the simulation, cut lines."""

import pytest

from stabkit.read.readers import read_file
from stabkit.schema import Evidence

RUN = "RUN\tshop.Sale\tsale\t1767225600000\t \t3.9.5\n"
START, END = 1767225600000, 1767225600120


def read(folder, content, encoding="utf-8") -> Evidence:
    path = folder / "simulation.log"
    path.write_bytes(content.encode(encoding))
    return read_file(path)


@pytest.mark.parametrize(
    "line",
    [
        f"REQUEST\t\thome\t{START}\t{END}\tOK\t\n",
        f"REQUEST\tbuy,pay\thome\t{START}\t{END}\tOK\t \n",
        f"REQUEST\t7\tbuy\thome\t{START}\t{END}\tOK\t \n",
        f"REQUEST\tScenario\t7\t\thome\t{START}\t{END}\tOK\n",
    ],
)
def test_a_request_is_read_whatever_stands_before_its_name(tmp_path, line):
    found = read(tmp_path, f"{RUN}USER\tBuyer\tSTART\t{START}\n{line}GROUP\tbuy\t{START}\t{END}\t120\tOK\n")
    assert found["samples"][["target", "service_ms", "ok"]].to_numpy().tolist() == [["home", 120.0, True]]
    assert found["sources"]["status"].item() == "ok"
    assert found["checks"]["outcome"].item() == "pass"


def test_failures_have_no_time_and_errors_are_a_failed_check(tmp_path):
    lines = f"REQUEST\t\thome\t{START}\t{END}\tKO\tstatus 503\nREQUEST\t\t \t{START}\t{END}\tKO\t\n"
    found = read(tmp_path, f"{RUN}{lines}ERROR\tno feeder\t{START}\n")
    assert list(found["samples"]["error"]) == ["status 503", "KO"]
    assert found["samples"]["service_ms"].isna().all()
    assert found["checks"][["outcome", "observed"]].to_numpy().tolist() == [["fail", "no feeder"]]


def test_a_broken_line_and_a_log_without_requests_are_partial(tmp_path):
    cut = read(tmp_path, f"{RUN}REQUEST\t\thome\t{START}\t{END}\tOK\t\nREQUEST\t\thome\t17672\n")
    assert (cut["sources"]["status"].item(), len(cut["samples"])) == ("partial", 1)
    assert "1 line is no record" in cut["sources"]["message"].item()
    assert read(tmp_path, RUN)["sources"]["status"].item() == "partial"


def test_a_time_that_runs_backwards_is_none(tmp_path):
    found = read(tmp_path, f"{RUN}REQUEST\t\thome\t{END}\t{START}\tOK\t\n")
    assert found["samples"]["service_ms"].isna().all()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_windows_are_no_hindrance(tmp_path, encoding):
    assert len(read(tmp_path, f"{RUN}REQUEST\t\thome\t{START}\t{END}\tOK\t\n", encoding)["samples"]) == 1


def test_the_binary_log_of_later_versions_is_an_error(tmp_path):
    assert read(tmp_path, "\0\0\0\x063.12.0" + "\0" * 90)["sources"]["status"].item() == "error"
