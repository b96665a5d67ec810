"""Advice is followed once, as it is printed, in a real folder with a real service: it decides, and swaps no names."""

import http.server
import json
import shlex
import threading
import time

import pytest

from stabkit.store import open_store

SIDES = """
[project]
name = "shop"

[collect]
rounds = 3

[http.api]
url = "{url}/new"
{baseline}
requests = 20
rate = 100
connection = "reused"
"""


def configured(folder, service, *, beside, more=""):
    baseline = f'baseline_url = "{service}/old"' if beside else ""
    (folder / "stabkit.toml").write_text(SIDES.format(url=service, baseline=baseline) + more)


class _Steady(http.server.BaseHTTPRequestHandler):
    """Takes 5 ms for an answer: what a busy machine adds to it is small beside that."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        time.sleep(0.005)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


@pytest.fixture
def service():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Steady)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def judged(stabkit, *words):
    code, out, _ = stabkit("gate", *words, "--format", "json")
    return code, json.loads(out)


def advised(result):
    """Every command that a verdict names."""
    return {c for c in [result["decide"], *(reason["command"] for reason in result["reasons"])] if c}


def follow(stabkit, command):
    words = shlex.split(command)
    assert words[0] == "stabkit"
    return stabkit(*words[1:])


def asked(label):
    """Where the newest run of that name got its answers from."""
    return set(open_store().read("sources", runs=[label])["path"].str.rpartition("/")[2])


ERRORS = """
[[condition]]
name = "api errors"
kind = "error_rate"
target = "api"
margin = 0.05
"""


def test_side_by_side_is_advised_where_it_can_be_and_decides(stabkit, folder, service):
    configured(folder, service, beside=True, more=ERRORS)  # how often none fails, no busy machine changes
    assert stabkit("collect", "--label", "v1", "--baseline-label", "v0", "--rounds", "2")[0] == 0
    code, before = judged(stabkit, "v0", "v1")
    assert code == 3
    assert "were too few; about" in before["reasons"][0]["text"]
    assert before["decide"].startswith("stabkit collect --label v1 --baseline-label v0 --rounds ")
    code, _, err = follow(stabkit, before["decide"])
    assert code == 0
    assert "Next: stabkit gate v0 v1" in err
    assert (asked("v0"), asked("v1")) == ({"old"}, {"new"})
    assert judged(stabkit, "v0", "v1")[1]["word"] == "stable"


def test_runs_at_different_times_never_collect_the_old_label_again(stabkit, folder, service):
    configured(folder, service, beside=False)
    for label in ("v0", "v1"):
        assert stabkit("collect", "--label", label)[0] == 0
    _, result = judged(stabkit, "v0", "v1")
    # On a busy machine the prober may be late, and the new version is then asked once more; the old label never is.
    assert not any("--label v0" in command for command in advised(result))
    _, out, _ = stabkit("gate", "v0", "v1")
    assert "--label v0" not in out
    assert "measured at different times" in out.splitlines()[0]
    assert stabkit("report", "v0", "v1")[0] in (1, 3)
    page = (folder / "reports" / "stability_report.html").read_text()
    assert "measured at different times" in page.partition("<h1")[0]
    assert "--label v0" not in page


def test_what_separate_runs_advise_where_both_can_be_up_keeps_the_names(stabkit, folder, service):
    configured(folder, service, beside=True)
    for label in ("v0", "v1"):
        assert stabkit("collect", "--label", label)[0] == 0
    _, result = judged(stabkit, "v0", "v1")
    commands = advised(result)
    assert commands
    for command in commands:
        assert "--baseline-label v0" in command
    assert follow(stabkit, sorted(commands)[0])[0] == 0
    assert (asked("v0"), asked("v1")) == ({"old"}, {"new"})


@pytest.mark.parametrize("candidate", ["broken.xml", "empty", "good.xml"])
def test_imports_and_files_advise_no_collection(stabkit, folder, candidate):
    assert "collect" not in stabkit("gate", "good.xml", candidate)[1]
    (folder / "stabkit.toml").write_text('[project]\nname = "shop"\n')
    stabkit("import", "tests", "good.xml", "--label", "v0")
    stabkit("import", "tests", "broken.xml", "--label", "v1")
    code, result = judged(stabkit, "v0", "v1")
    assert code in (1, 3)
    assert not [command for command in advised(result) if "collect" in command]


def test_next_keeps_the_sides_where_the_old_version_is_measured_once_more(stabkit, folder, service):
    configured(folder, service, beside=False)
    for label in ("v0", "v1", "v0"):
        _, _, err = stabkit("collect", "--label", label)
    assert "Next: stabkit gate v0 v1" in err


def test_next_takes_no_version_for_its_own_baseline_outside_git(stabkit, folder, service):
    configured(folder, service, beside=False)
    for _ in range(2):
        code, _, err = stabkit("collect", "--label", "v0")
        assert code == 0
    assert "Next: collect another run after the change" in err
    assert stabkit("gate")[0] == 3


def test_what_next_says_is_done_and_judges(stabkit, folder, service):
    configured(folder, service, beside=True)
    _, _, err = stabkit("collect", "--label", "v1", "--baseline-label", "v0")
    line = next(line for line in err.splitlines() if line.startswith("Next: "))
    code, out, _ = follow(stabkit, line.removeprefix("Next: "))
    assert code in (0, 1, 3)
    assert out.startswith("Stability of v1 against v0")


def test_a_service_that_does_not_answer_is_the_first_reason(stabkit, folder, service):
    configured(folder, service, beside=False)
    stabkit("collect", "--label", "v0")
    configured(folder, "http://127.0.0.1:9", beside=False)
    stabkit("collect", "--label", "v1")
    _, result = judged(stabkit, "v0", "v1")
    times = next(reason for reason in result["reasons"] if "response time" in reason["subject"])
    assert "connection refused" in times["text"]
    assert "would decide" not in times["text"]


@pytest.fixture
def bare(folder, monkeypatch):
    """An empty folder: the project's own holds reports already."""
    place = folder / "bare"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def test_what_a_detected_configuration_advises_decides(stabkit, bare, service):
    """The address of the old version, which no file can say, is filled in where the file leaves room for it."""
    port = service.rpartition(":")[2]
    compose = {"services": {"api": {"build": ".", "ports": [f"{port}:80"]}}}
    paths = {"/new": {"get": {"responses": {"200": {"description": "good"}}}}}
    (bare / "compose.yaml").write_text(json.dumps(compose))
    (bare / "openapi.json").write_text(json.dumps({"openapi": "3.1.0", "paths": paths}))
    code, out, err = stabkit("init", "--detect")
    assert code == 0
    assert f"[http.new] url = {service}/new" in out
    assert "stabkit collect --label after --baseline-label before" in err
    file = bare / "stabkit.toml"
    text = file.read_text().replace('# baseline_url = "http://127.0.0.1:PORT/PATH"', f'baseline_url = "{service}/old"')
    file.write_text(text + ERRORS.replace('"api"', '"new"'))
    assert follow(stabkit, "stabkit collect --label after --baseline-label before")[0] == 0
    assert (asked("before"), asked("after")) == ({"old"}, {"new"})
    assert judged(stabkit, "before", "after")[1]["word"] == "stable"


def test_what_is_advised_of_detected_reports_decides(stabkit, bare):
    (bare / "junit.xml").write_text('<testsuite tests="1"><testcase classname="a" name="x" time="0.1"/></testsuite>')
    code, _, err = stabkit("init", "--detect")
    assert code == 0
    assert "before the change, with reports made afresh: stabkit collect --label before" in err
    assert follow(stabkit, "stabkit collect --label before")[0] == 0
    (bare / "junit.xml").write_text('<testsuite tests="1"><testcase classname="a" name="x" time="0.2"/></testsuite>')
    assert follow(stabkit, "stabkit collect --label after")[0] == 0
    assert judged(stabkit, "before", "after")[1]["word"] == "stable"


def test_a_detected_load_file_is_imported_as_advised(stabkit, bare):
    (bare / "load 1.jtl").write_text("timeStamp,elapsed,label,responseCode,success\n1700000000000,12,GET /,200,true\n")
    code, _, err = stabkit("init", "--detect")
    assert code == 0
    assert follow(stabkit, err.rpartition("Next: ")[2])[0] == 0
