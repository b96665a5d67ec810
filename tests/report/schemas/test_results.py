"""Every result holds its published schema: of every state a report can be in, and of what each command prints."""

from __future__ import annotations

import contextlib
import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from stabkit.announce import Announcement
from stabkit.cli import run
from stabkit.report import error_announcement, explanation_document, gate_announcement
from stabkit.report.attestation import Finding, Verification
from stabkit.report.schemas import RESULTS, result_schema
from stabkit.report.sections import verdict
from tests.report.states import STATES, rendered

ROOT = Path(__file__).parents[3]
STATE_NAMES = sorted(STATES)


def faults(name: str, document: Any) -> list[str]:
    """Return what keeps a document from its schema."""
    found = Draft202012Validator(result_schema(name)).iter_errors(json.loads(json.dumps(document, allow_nan=False)))
    return [f"{'/'.join(map(str, one.absolute_path))}: {one.message[:300]}" for one in found]


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a schema."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for inner in schema.values():
            yield from objects(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from objects(inner)


@pytest.mark.parametrize("name", RESULTS)
def test_a_schema_is_sound_and_every_field_is_described(name: str) -> None:
    schema = result_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["title"] == f"stabkit {name}"
    for one in objects(schema):
        for key, field in one.get("properties", {}).items():
            assert field.get("description"), (name, key)
        if "properties" in one:
            assert one["additionalProperties"] is False
            assert set(one["required"]) <= set(one["properties"])


@pytest.mark.parametrize("name", STATE_NAMES)
def test_every_state_of_a_report_holds_its_schema(name: str, history: ModuleType, tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        case = STATES[name](history, tmp_path).case
    assert faults("gate", verdict(case).piece()) == []
    assert faults("announcement", gate_announcement(case, exit_code=case.gate.exit_code).document()) == []
    for condition in case.gate.conditions:
        assert faults("explain", explanation_document(case.gate, condition)) == []


@pytest.mark.parametrize("name", STATE_NAMES)
def test_the_result_beside_every_page_holds_its_schema(name: str, history: ModuleType, tmp_path: Path) -> None:
    assert faults("page", rendered(name, history, tmp_path).result) == []


def test_a_key_too_many_or_too_few_is_seen(history: ModuleType, tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        document = json.loads(json.dumps(verdict(STATES[STATE_NAMES[0]](history, tmp_path).case).piece()))
    assert faults("gate", document) == []
    assert faults("gate", {**document, "colour": "red"})
    assert faults("gate", {key: told for key, told in document.items() if key != "word"})
    condition = {**document["gate"]["conditions"][0], "colour": "red"}
    assert faults("gate", {**document, "gate": {**document["gate"], "conditions": [condition]}})
    assert faults("page", {"schema": 1})


def test_an_error_is_announced_by_the_schema() -> None:
    assert faults("announcement", error_announcement(ValueError("x")).document()) == []
    assert faults("announcement", Announcement("stable", 0, "a", "b", "c").document()) == []


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command in an empty folder and return its JSON and its lines on stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[Any, list[str]]:
        capsys.readouterr()
        assert run(list(words)) in (0, 1, 2, 3)
        out, err = capsys.readouterr()
        return json.loads(out), err.splitlines()

    return call


SAMPLE = ("--data", str(ROOT / "tests" / "data" / "demo_history"), "--format", "json")
BEFORE, AFTER = (str(ROOT / "data" / "reference" / side) for side in ("before", "after"))
COMMANDS = {
    "gate of runs": ("gate", "gate", "v1.4", "v1.5", *SAMPLE),
    "gate of folders": ("gate", "gate", BEFORE, AFTER, "--format", "json"),
    "backtest": ("backtest", "gate", "--backtest", "--last", "1", *SAMPLE),
    "explain": ("explain", "explain", "v1.4", "v1.5", "chat response time", *SAMPLE),
    "compare": ("compare", "compare", "v1.4", "v1.5", *SAMPLE),
    "trend": ("trend", "trend", "backend", *SAMPLE),
    "trend of all": ("trend", "trend", "--all", *SAMPLE),
    "runs": ("runs", "runs", *SAMPLE),
    "read": ("read", "read", BEFORE, AFTER, "nowhere.xml", "--format", "json"),
    "diff of runs": ("diff", "diff", "v1.4", "v1.5", *SAMPLE),
    "diff of folders": ("diff", "diff", BEFORE, AFTER, "--format", "json"),
    "store check": ("store-check", "store", "check", *SAMPLE),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_prints_holds_its_schema(name: str, printed: Any) -> None:
    result, *words = COMMANDS[name]
    assert faults(result, printed(*words)[0]) == []


def test_what_is_stored_holds_its_schema(printed: Any, tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_text('<testsuite tests="1"><testcase classname="a" name="x"/></testsuite>')
    words = ("--data", "runs", "--format", "json")
    stored = printed("import", "tests", "junit.xml", "--label", "v1", *words)[0]
    assert stored["runs"][0]["label"] == "v1"
    assert faults("import", stored) == []
    (tmp_path / "stabkit.toml").write_text('[tests.unit]\nfiles = ["junit.xml"]\n')
    collected = printed("collect", "--label", "v2", *words)[0]
    assert collected["runs"][0]["label"] == "v2"
    assert faults("collect", collected) == []
    assert faults("collect", {**collected, "colour": "red"})


@pytest.mark.parametrize("about", ["page", "signature", "evidence", "configuration", "verdict"])
@pytest.mark.parametrize("outcome", ["same", "altered", "gone", "not_asked"])
def test_what_was_verified_holds_its_schema(about: str, outcome: str) -> None:
    found = Verification((Finding(about, outcome, "It is so."),), "stable", None)
    assert faults("verify", found.document()) == []
    assert faults("verify", {**found.document(), "outcome": "perhaps"})


def test_the_noise_of_a_system_holds_its_schema(printed: Any, tmp_path: Path) -> None:
    service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=service.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        target = f'[http.api]\nurl = "http://127.0.0.1:{service.server_port}/"\nrequests = 5\nrate = 200\n'
        (tmp_path / "stabkit.toml").write_text(target)
        found = printed("aa", "--repeats", "2", "--rounds", "2", "--data", "runs", "--format", "json")[0]
    finally:
        service.shutdown()
        service.server_close()
    assert found["rows"]
    assert faults("aa", found) == []


def test_the_impact_of_a_range_holds_its_schema(printed: Any, tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for number, text in enumerate(("def f(a): ...\n", "def f(): ...\ndef g(): ...\n")):
        (tmp_path / "shop.py").write_text(text)
        for words in ([["init", "-q"]] if not number else []) + [["add", "."], ["commit", "-qm", f"{number}"]]:
            subprocess.run([*git, *words], cwd=tmp_path, check=True, capture_output=True)
    assert faults("impact", printed("impact", "HEAD~1..HEAD", "--format", "json")[0]) == []


@pytest.mark.slow
def test_reports_batches_their_steps_and_the_index_hold_their_schemas(printed: Any, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    assert faults("report", printed("report", "v1.4", "v1.5", *SAMPLE, "--output", out)[0]) == []
    (tmp_path / "jobs.csv").write_text(
        f"notebook,baseline,candidate,data,name\n"
        f"stability_report,v1.4,v1.5,{SAMPLE[1]},one\ntest_trends,,,{SAMPLE[1]},two\nstability_report,v1.4,v9,{SAMPLE[1]},bad\n"
    )
    made, lines = printed("batch", "jobs.csv", "--output", out, "--format", "json", "--progress", "json")
    assert faults("batch", made) == []
    events = [json.loads(line) for line in lines if line.startswith("{")]
    assert events
    assert [fault for event in events for fault in faults("batch-event", event)] == []
    files = [file for file in Path(out).glob("*.json") if file.name != "index.json"]
    assert len(files) >= 3
    assert [fault for file in files for fault in faults("page", json.loads(file.read_text()))] == []
    assert faults("index", json.loads(Path(out, "index.json").read_text())) == []


def test_the_command_prints_them(printed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    assert capsys.readouterr().out.split() == list(RESULTS)
    assert printed("schema", "gate")[0] == json.loads(json.dumps(result_schema("gate")))
    assert run(["schema", "gte"]) == 2
    assert "Did you mean 'gate'?" in capsys.readouterr().err


def test_every_kind_of_piece_has_its_schema() -> None:
    """A new piece is not known before its schema is."""
    from stabkit.report.display.piece import Piece
    from stabkit.report.schemas.pages import PIECES

    def below(kind: type) -> Iterator[type]:
        for one in kind.__subclasses__():
            yield one
            yield from below(one)

    assert {one.kind for one in below(Piece) if one.__module__.startswith("stabkit.")} == set(PIECES)
