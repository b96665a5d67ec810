"""README and handbook, line by line as they are written, by a user who has stabkit of the wheel and no checkout."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("installed docs")]

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
PAGES = ["README.md", *(f"docs/handbook/{path.name}" for path in sorted((ROOT / "docs" / "handbook").glob("*.md")))]
PROGRAMS = ("stabkit", "papermill", "jupyter", "pip", "make", "cd", ".")
NO_ERROR = (0, 1, 3)  # 1 and 3 are verdicts
# Line -> why it is not run here.
LEFT_OUT = {
    "make report": "of a checkout",
    "make test": "of a checkout",
    "pip install '.[demo]'": "what makes the environment of these tests, in its way",
    "pip install --no-compile ./tools/stabkit/gate": "as above",
    "stabkit demo": "tests/demo walks it, which takes a minute",
    "stabkit demo --scenario slow --output slow-reports": "as above",
    "stabkit demo --scenario contract --output contract-reports": "as above",
    "stabkit demo --scenario broken --output broken-reports": "as above",
    "jupyter lab notebooks": "a server without an end; tests/browser opens every notebook in one",
    "stabkit --install-completion": "changes the home of whoever runs the tests",
    "stabkit aa": "measures for a minute; tests/cli does",
    "stabkit collect --label v1.5 --baseline-label v1.4 --until-decided": "as above",
    "stabkit collect --label v1.5 --baseline-label v1.4 --deployed-at 2026-03-01T12:00Z": "needs a Prometheus",
    'pip install "stabkit[cluster]"': "an environment of its own; tests/pipeline/test_cluster.py runs such commands",
    "stabkit batch jobs.csv --output nightly --cluster local:4": "as above",
    "stabkit batch jobs.csv --output nightly --cluster tcp://scheduler.example:8786": "as above",
    "stabkit batch jobs.csv --output nightly --cluster scheduler.json": "as above",
    "stabkit runs --data s3://evidence/shop": "needs an S3 server; tests/store has one",
    "stabkit report v1.4 v1.5 --output signed --sign key.pem": "needs a key; tests/report/attestation makes some",
    "stabkit verify signed/stability_report.html --key key.pub": "as above",
}
# What changes nothing is run on the first page that has it.
READS = (
    "--engine",
    "nbconvert",
    "gate",
    "report",
    "compare",
    "explain",
    "read",
    "diff",
    "runs",
    "trend",
    "batch",
    "notebooks/stability_report.ipynb",
)
CONFIG = """
[project]
name = "shop"

[collect]
rounds = 2
{targets}
[tests.unit]
files = ["junit.xml"]

[scans.lint]
files = ["before.sarif"]

[changes]
"""
TARGET = """
[http.{name}]
url = "{url}"
baseline_url = "{url}"
requests = 20
rate = 200
"""
CASES = '<testcase classname="t" name="a" time="0.1"/><testcase classname="t" name="b" time="0.2"/>'
JUNIT = f'<testsuite name="unit" tests="2" timestamp="2026-03-0{{day}}T12:00:00">{CASES}</testsuite>'
SARIF = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {"driver": {"name": "lint", "version": "1"}},
            "results": [
                {
                    "ruleId": "R1",
                    "level": "warning",
                    "message": {"text": "mind"},
                    "locations": [
                        {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 1}}}
                    ],
                }
            ],
        }
    ],
}
K6 = {
    "metrics": {
        "http_req_duration": {"avg": 10, "min": 5, "med": 9, "max": 40, "p(90)": 20, "p(95)": 25},
        "http_reqs": {"count": 1000, "rate": 100},
        "http_req_failed": {"passes": 0, "fails": 1000, "value": 0},
    }
}


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def config():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    yield CONFIG.format(targets="".join(TARGET.format(name=name, url=url) for name in ("backend", "api", "checkout")))
    server.shutdown()
    server.server_close()


def git(folder, *words):
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def put(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))


def own_project(folder):
    """Make what the pages take for granted: a repository, and the files that other tools wrote."""
    folder.mkdir()
    junit = {f"artifacts/build-{day}/junit.xml": JUNIT.format(day=day) for day in (1, 2, 3)}
    junit |= {f"artifacts/ci{day}-9f8e7d{day}/junit.xml": JUNIT.format(day=day) for day in (4, 5)}
    places = ("before.xml", "after.xml", "artifacts/before/junit.xml", "artifacts/after/junit.xml",
              "shards/before/1.xml", "shards/after/1.xml", "junit.xml", "reports/junit.xml")  # fmt: skip
    junit |= {place: JUNIT.format(day=number) for number, place in enumerate(places, start=1)}
    places = ("before.sarif", "after.sarif", "ruff.sarif", "reports/a.sarif")
    sarif = {place: {**SARIF, "properties": {"number": number}} for number, place in enumerate(places)}
    places = ("before/k6.json", "after/k6.json", "nightly/k6-1.json", "nightly/k6-2.json")
    k6 = {place: {**K6, "number": number} for number, place in enumerate(places)}
    put(folder, {**junit, **sarif, **k6, "a.py": "x = 1\n", ".gitignore": "data/\nreports/\n"})
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    return folder


@pytest.fixture(scope="module")
def working(installed, config, tmp_path_factory):
    """A project in full use: both versions collected, a commit since, the sample and the notebooks beside it."""
    folder = own_project(tmp_path_factory.mktemp("working") / "project")
    put(folder, {"stabkit.toml": config})
    for line in ("stabkit sample", "stabkit notebooks", "stabkit collect --label v1.5 --baseline-label v1.4"):
        told = installed.run(line, folder)
        assert told.returncode == 0, told.stderr
    store = Path("data", "runs")
    shutil.copytree(folder / store, folder / "services" / "shop" / store)  # a project like this one, with its runs
    shutil.copy(folder / "stabkit.toml", folder / "services" / "shop")
    put(
        folder,
        {
            "a.py": "x = 2\n",
            "jobs.jsonl": '{"notebook": "explore", "parameters": {"data": "data/sample"}}\n',
            "jobs.csv": "notebook,data\nexplore,data/sample\n",
            "mine.ipynb": (folder / "notebooks" / "explore.ipynb").read_text(),
        },
    )
    git(folder, "commit", "-qam", "two")
    return folder


def blocks(page):
    """Return a page's commands, and its programs, in their order."""
    for _, kind, body in FENCE.findall((ROOT / page).read_text()):
        if kind == "python":
            yield kind, body
        elif kind in ("console", "text") and body.startswith("$ "):
            yield "", "\n".join(line[2:] for line in body.splitlines() if line.startswith("$ "))
        elif kind == "" and body.split(maxsplit=1)[0] in PROGRAMS:
            yield kind, "\n".join(line.strip() for line in body.splitlines())


def without_comment(line):
    return re.sub(r"\s+# .*", "", line).strip()


def walk(installed, page, folder, config, done):
    for kind, body in blocks(page):
        if page == "README.md" and "$COMMIT" in body:  # the next one
            put(folder, {"a.py": "x = 2\n"})
            git(folder, "commit", "-qam", "two")
            installed.more["COMMIT"] = git(folder, "rev-parse", "HEAD")
        if kind == "python":
            if "data/sample" in body or page == "README.md":  # those of extending.md are put in by test_docs
                told = installed.run(["python", "-W", "error", "-c", f"{PRELUDE}{body}"], folder)
                assert told.returncode == 0, (body, told.stderr)
            continue
        for line in body.splitlines():
            bare = without_comment(line)
            if bare in LEFT_OUT or not bare or (bare in done and bare.split()[1] in READS):
                continue
            if bare.startswith("cd "):
                folder = folder / bare[3:]
                continue
            if bare == "stabkit init --schema" and page != "README.md":
                (folder / "stabkit.schema.json").unlink(missing_ok=True)
            if bare == "stabkit init --detect":  # instead of the one before
                (folder / "stabkit.toml").unlink(missing_ok=True)
            told = installed.run(line, folder)
            assert told.returncode in NO_ERROR, (line, told.returncode, told.stdout[-500:], told.stderr)
            assert "Traceback" not in told.stderr, (line, told.stderr)
            done.append(bare)
            if bare in ("stabkit init", "stabkit init --detect"):
                (folder / "stabkit.toml").write_text(config)  # edited, as the page says


PRELUDE = "before_ms = after_ms = [10.0, 11.0, 12.0] * 40\n"


@pytest.fixture(scope="module")
def run_before():
    return []


def test_the_readme_runs_as_it_is_written(installed, config, working, tmp_path, run_before):
    project = own_project(tmp_path / "your-project")
    shutil.copytree(working / "services", project / "services")
    installed.more = {"SUMMARY": "summary.md"}
    done: list[str] = []
    walk(installed, "README.md", tmp_path, config, done)
    run_before += done
    assert {"stabkit sample", "stabkit notebooks", "stabkit init", "jupyter nbconvert --to stabkit out.ipynb"} <= set(
        done
    )
    assert len(done) > 15
    assert (project / "out.html").is_file()


@pytest.mark.parametrize("page", PAGES[1:])
def test_the_handbook_runs_as_it_is_written(installed, config, working, tmp_path, page, run_before):
    project = tmp_path / "project"
    shutil.copytree(working, project)
    if page.endswith(("getting-started.md", "cheat-sheet.md")):  # they begin where nothing is
        for name in ("data", "notebooks"):
            shutil.rmtree(project / name)
        (project / "stabkit.toml").unlink()
    if page.endswith("notebooks.md"):
        shutil.rmtree(project / "notebooks")
        shutil.rmtree(project / "data" / "sample")
    installed.more = {"COMMIT": git(project, "rev-parse", "HEAD"), "SUMMARY": "summary.md"}
    if page.endswith("/ci.md"):
        assert installed.run('stabkit collect --label "$COMMIT"', project).returncode == 0
    walk(installed, page, project, config, run_before)


def test_nothing_is_left_out_that_is_not_written():
    written = {
        without_comment(line) for page in PAGES for kind, body in blocks(page) if not kind for line in body.splitlines()
    }
    assert set(LEFT_OUT) <= written
