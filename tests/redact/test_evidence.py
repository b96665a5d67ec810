"""Tables that leave a room: masked alike on both sides, and untouched where there is nothing to mask."""

import pandas as pd
import pytest

from stabkit.redact import redact_evidence, remember
from stabkit.schema import conform

TOKEN = "ghp_c4naryC4NARYc4naryC4NARYc4naryC4NARY"


def table_of(statuses: dict[str, str]) -> pd.DataFrame:
    rows = [
        {"source": "a.xml", "suite": "s", "class": "c", "name": name, "test_id": f"c::{name}", "attempt": 1,
         "status": status, "message": f"refused: {name}"}
        for name, status in statuses.items()
    ]  # fmt: skip
    return conform("tests", pd.DataFrame(rows).assign(run_id="r"))


def test_two_parameters_stay_two_tests_and_meet_themselves():
    names = [f"test_login[{TOKEN}]", f"test_login[{TOKEN}x]", "test_token[expired]"]
    before = redact_evidence({"tests": table_of(dict.fromkeys(names, "pass"))})["tests"]
    after = redact_evidence({"tests": table_of({**dict.fromkeys(names, "pass"), names[1]: "fail"})})["tests"]
    assert TOKEN not in before.to_json() + after.to_json()
    assert before["test_id"].nunique() == 3
    assert list(before["test_id"]) == list(after["test_id"])
    assert after["test_id"].iloc[2] == "c::test_token[expired]"


def test_what_holds_no_secret_is_the_same_object():
    table = table_of({"test_a": "pass"})
    assert redact_evidence({"tests": table})["tests"] is table
    assert redact_evidence({"tests": table.iloc[:0]})["tests"].empty


def test_a_value_that_was_remembered_is_masked_in_every_table():
    remember("tr0ub4dor&3")
    frame = pd.DataFrame({"target": ["api", None], "error": ["echo tr0ub4dor%263", None], "service_ms": [1.0, 2.0]})
    found = redact_evidence({"samples": frame})["samples"]
    assert found["error"].iloc[0] == "echo ***"
    assert found["error"].iloc[1] is None or pd.isna(found["error"].iloc[1])
    assert found["service_ms"].tolist() == [1.0, 2.0]


def test_hashes_and_names_of_ours_are_never_masked():
    digest = "SK" + "0123456789abcdef" * 2
    frame = pd.DataFrame({"fingerprint": [digest], "commit": [digest], "message": [digest]})
    found = redact_evidence({"findings": frame})["findings"]
    assert found["fingerprint"].item() == found["commit"].item() == digest
    assert found["message"].item() == "***"


@pytest.mark.parametrize("column", ["claimed", "facts"])
def test_json_stays_json(column):
    frame = pd.DataFrame({column: ['{"note": "password=hunter2, n=1", "n": 1}', '{"n": 1}', None]})
    found = redact_evidence({"sources": frame})["sources"]
    assert found[column].tolist()[:2] == ['{"note": "password=***, n=1", "n": 1}', '{"n": 1}']
