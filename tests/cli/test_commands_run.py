"""Which commands run the commands that a configuration gives: those that collect, and no other."""

import json

import pytest

from stabkit.cli.application import app

COLLECTING = {"collect", "aa"}
# Each of the rest, with words that let it go as far as it can. The demo alone works in a folder of its own.
WORDS = {
    "init": ["more.toml"],
    "sample": ["copied"],
    "notebooks": ["thin"],
    "import": ["good.xml", "--label", "v3", "--suite", "unit"],
    "runs": [],
    "compare": ["v1", "v2"],
    "gate": ["v1", "v2"],
    "explain": ["v1", "v2", "unit"],
    "trend": [],
    "report": ["v1", "v2", "--output", "pages"],
    "verify": ["pages/stability_report.html"],
    "batch": ["jobs.jsonl", "--output", "many", "--at-once", "1", "--progress", "json"],
    "index": ["pages"],
    "schema": ["gate"],
    "read": ["good.xml"],
    "diff": ["good.xml", "broken.xml"],
    "impact": [],
    "store check": [],
    "store compact": [],
    "store prune": ["--keep-days", "1"],
    "store export": ["exported"],
}
# Those that take a configuration by themselves; a batch writes lines of JSON here.
TELLING = {
    "import",
    "runs",
    "diff",
    "impact",
    "compare",
    "gate",
    "explain",
    "trend",
    "report",
    "verify",
    *(name for name in WORDS if " " in name),
}


def named(group):
    commands = {one.name or one.callback.__name__ for one in group.registered_commands}
    for inner in group.registered_groups:
        commands |= {f"{inner.name} {name}" for name in named(inner.typer_instance)}
    return commands


@pytest.fixture
def trapped(stabkit, folder, tmp_path, service):
    """A project whose every command would leave a trace; returns what they left."""
    traces = tmp_path / "traces"
    traces.mkdir()

    def touch(name):
        return json.dumps(["touch", str(traces / name)])

    (folder / "stabkit.toml").write_text(
        f"""
[project]
data = "data"
[collect]
rounds = 1
[http.api]
url = "{service}/"
requests = 1
headers_command = {{ Authorization = {touch("http")} }}
[websocket.chat]
url = "{service.replace("http", "ws", 1)}/"
sessions = 1
headers_command = {{ Authorization = {touch("websocket")} }}
[prometheus.load]
url = "{service}/"
query = "up"
headers_command = {{ Authorization = {touch("prometheus")} }}
[tests.unit]
command = {touch("suite")}
rerun_command = {touch("rerun")}
[scans.lint]
command = {touch("scan")}
[changes]
repository = "."
base_tests = "unit"
"""
    )
    for label, evidence in (("v1", "good.xml"), ("v2", "broken.xml")):
        stabkit("import", evidence, "--label", label, "--suite", "unit")
    (folder / "jobs.jsonl").write_text('{"parameters": {"baseline": "v1", "candidate": "v2"}}\n')

    def left():
        return sorted(path.name for path in traces.iterdir())

    assert left() == []
    return left


def test_no_command_is_forgotten():
    assert named(app) == COLLECTING | WORDS.keys() | {"demo"}


def test_commands_that_do_not_collect_run_nothing_that_a_configuration_names(stabkit, trapped):
    for command, words in WORDS.items():
        code, out, err = stabkit(*command.split(), *words)
        assert code in (0, 1, 2, 3)
        assert trapped() == [], (command, out, err)
        assert command in ("diff", "impact") or "No such" not in err, (command, err)
        assert "Missing" not in err, (command, err)
        # Which file was taken is said once, and never in a result, nor where a program reads lines of JSON.
        assert err.count("configuration: ") == (command in TELLING), (command, err)
        assert "configuration: " not in out
        assert command != "verify" or code == 0, (out, err)


def test_a_batch_whose_progress_is_read_by_people_says_once_which_configuration_it_takes(stabkit, trapped):
    words = [word for word in WORDS["batch"] if word not in ("--progress", "json")]
    _, out, err = stabkit("batch", *words)
    assert err.count("configuration: ") == 1, err
    assert "configuration: " not in out
    assert trapped() == []


@pytest.mark.parametrize("words", [["collect", "--label", "v4"], ["aa", "--repeats", "1"]])
def test_commands_that_collect_do_and_are_told_apart_by_that(stabkit, trapped, words):
    stabkit(*words)

    assert "http" in trapped()
    assert words[0] == "aa" or {"suite", "scan"} <= set(trapped())
