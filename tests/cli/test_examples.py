"""Every example of the help pages, run as it stands on data that real commands made."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from stabkit.cli import project, run
from stabkit.cli.application import app
from tests.cli.test_verify import make_keys

ROOT = Path(__file__).parents[2]
# Only these judge: 1 and 3 are answers there.
JUDGE = ("gate", "report", "batch", "demo", "impact")
SLOW = ("demo", "report", "verify", "batch", "aa")
WALKED = "stabkit demo --scenario contract --output contract-reports"  # tests/demo walks it, and reads its pages


def examples():
    groups = (group.typer_instance for group in app.registered_groups)
    for command in [*app.registered_commands, *(c for group in groups for c in group.registered_commands)]:
        for line in re.findall(r"^ +(stabkit .+)$", command.help, re.MULTILINE):
            marks = [pytest.mark.slow] if command.name in SLOW else []
            if line == WALKED:
                continue
            yield pytest.param(shlex.split(line)[1:], id=line, marks=marks)


@pytest.fixture(scope="session")
def two_runs(tmp_path_factory, service):
    """A store with the runs v1.4 and v1.5, collected once, and its configuration."""
    place = tmp_path_factory.mktemp("two runs")
    config = place / "stabkit.toml"
    config.write_text(
        '[project]\ndata = "runs"\n[collect]\nrounds = 1\n'
        f'[http.api]\nurl = "{service}/"\nbaseline_url = "{service}/"\n'
        "requests = 1\nrate = 500\n"
    )
    words = ["collect", "--label", "v1.5", "--baseline-label", "v1.4", "--rounds", "5", "--config", str(config)]
    assert run([*words, "--data", str(place / "runs")]) == 0
    return place


@pytest.fixture
def prepared(folder, two_runs):
    """A folder in which the examples make sense: reports, a configuration, and the runs v1.4 and v1.5."""
    (folder / "data").symlink_to(ROOT / "data")
    for name, source in (("junit", "good.xml"), ("before", "good.xml"), ("after", "broken.xml")):
        (folder / f"{name}.xml").write_text((folder / source).read_text())
    (folder / "ruff.sarif").write_text((folder / "old.sarif").read_text())
    (folder / "reports").mkdir()
    (folder / "reports" / "junit.xml").write_text((folder / "good.xml").read_text())
    for number in (1, 2):
        build = folder / "artifacts" / f"build-{number}"
        build.mkdir(parents=True)
        (build / "junit.xml").write_text((folder / "good.xml").read_text())
    (folder / "jobs.csv").write_text("notebook,run\nexplore,v1.5\n")
    shutil.copytree(two_runs, folder, dirs_exist_ok=True)
    make_keys(folder, "key")
    return folder


class _Steady(BaseHTTPRequestHandler):
    """A Prometheus that has known one reading for ever."""

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def do_GET(self) -> None:
        self.answer(urlsplit(self.path).query)

    def answer(self, asked: str) -> None:
        given = {name: values[0] for name, values in parse_qs(asked).items()}
        begin, end, step = (float(given[name].removesuffix("s")) for name in ("start", "end", "step"))
        values = [[begin + n * step, "0.1"] for n in range(int((end - begin) / step) + 1)]
        found = {"resultType": "matrix", "result": [{"metric": {"job": "api"}, "values": values}]}
        content = json.dumps({"status": "success", "data": found}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def steady():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Steady) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_what_is_walked_elsewhere_is_an_example():
    assert WALKED in project.demo.__doc__


def in_process(*words):
    return subprocess.run(
        [sys.executable, "-m", "stabkit", *words], capture_output=True, text=True, timeout=240, check=False
    )


@pytest.mark.parametrize("words", list(examples()))
def test_example_of_the_help_runs(prepared, stabkit, steady, words):
    if "--deployed-at" in words:
        with (prepared / "stabkit.toml").open("a") as config:
            config.write(
                f'[prometheus.api]\nurl = "{steady}"\nquery = "errors"\nmetric = "error_rate"\nwindow = "30m"\n'
            )
    if "pass_rate" in words:
        for label in ("v1.4", "v1.5"):
            assert stabkit("import", "tests", "junit.xml", "--run", label, "--suite", "unit")[0] == 0
    if words[0] == "init":
        (prepared / "stabkit.toml").unlink()
    if words == ["sample"]:
        (prepared / "data").unlink()  # a link to that of the checkout
    if "--base" in words or words[0] == "impact":  # git has to know both versions
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        for command in (
            ["init", "-q"],
            ["add", "good.xml"],
            [*who, "commit", "-qm", "one"],
            ["tag", "v1.4"],
            [*who, "commit", "-qm", "two", "--allow-empty"],
            ["tag", "v1.5"],
        ):
            subprocess.run(["git", *command], cwd=prepared, check=True)
    if words[0] == "verify":  # a page of the store that is named, else of the project's, really made and signed
        store = words[words.index("--data") :][:2] if "--data" in words else []
        made = in_process("report", "v1.4", "v1.5", *store, "--sign", "key.pem")
        assert made.returncode in (0, 1, 3), made.stderr
        assert (prepared / words[1]).is_file()
    if words[0] == "demo":  # two rounds show that it runs; what it measures is tested elsewhere
        words = [*words, "--rounds", "2"]
    if words[0] == "aa":
        words = [*words, "--repeats", "2", "--rounds", "2"]
    if words[0] in SLOW:  # in a process of its own: kernels leave event loops behind
        done = in_process(*words)
        code, out, err = done.returncode, done.stdout, done.stderr
    else:
        code, out, err = stabkit(*words)
    assert code in ((0, 1, 3) if words[0] in JUDGE else (0,)), err
    assert out.strip()
