"""Secrets planted wherever one can come from, and looked for in every file and stream that leaves stabkit.

Everything runs as a user runs it: real servers, a real repository, the commands themselves.
"""

import base64
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from contextlib import closing, suppress
from html import escape
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import nbformat
import pyarrow.parquet as pq
import pytest
from websockets.sync.server import serve

# Where a secret is planted -> the secret; each is found by its own "c4n" and number, whatever was made of the rest.
PLANTED = {
    name: f"c4n{number:02d}/Sw0rd+f1sh=é'\"{number}"
    for number, name in enumerate(
        (
            "header_env",
            "header_command",
            "query_env",
            "body_env",
            "form",
            "json_body",
            "socket_send",
            "socket_env",
            "suite",
        )
    )
}
# By shape: nobody tells stabkit that these are secrets.
SHAPED = {
    "bearer": "c4n20Bearer0123456789",
    "password": "c4n21-hunter2",
    "aws": "AKIAC4N22ABCDEFGHIJK",
    "github": "ghp_c4n23ABCDEFabcdef0123456789ABCDEFabcd",
    "web_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjNG4yNCJ9.c4n24signature0",
    "user_info": "c4n25pass",
    "query": "c4n26query",
    "key": "MIIEc4n27AAAAAAAAAAAAAAAAAAAAAAAA",
}
NOTEBOOK = {
    "top": "c4n30'quoted\"",
    "nested": "c4n31nested",
    "traceback": "c4n32trace",
    "argv": "c4n33argv",
    "variable": "c4n34variable",
}
CONFIGURED = {"body_text": "c4n40bodytext", "argv": "c4n41argv", "variable": "c4n42value", "pattern": "c4n43pattern"}
GIT = {"subject": "c4n50subject", "setting": "c4n51setting", "dependency": "c4n52dependency", "path": "c4n53path"}


def shaped_text() -> str:
    key = f"-----BEGIN PRIVATE KEY-----\n{SHAPED['key']}\n-----END PRIVATE KEY-----"
    return (
        f"Authorization: Bearer {SHAPED['bearer']} login(password='{SHAPED['password']}') {SHAPED['aws']} "
        f"{SHAPED['github']} {SHAPED['web_token']} "
        f"https://ann:{SHAPED['user_info']}@db.example/x?token={SHAPED['query']} {key}"
    )


def forms(secret: str) -> tuple[str, ...]:
    return (
        secret,
        quote(secret, safe="/"),
        quote(secret, safe="").lower(),
        json.dumps(secret),
        repr(secret),
        escape(secret),
        base64.b64encode(f"user:{secret}".encode()).decode(),
    )


class Echo(http.server.BaseHTTPRequestHandler):
    """A server that repeats all it was told, in every form, in its status line, headers and body."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        told = [value for name, value in self.headers.items() if name.startswith("X-")]
        told += [value for _, value in parse_qsl(urlsplit(self.path).query)]
        told += [value for _, value in parse_qsl(body)] + [body]
        with suppress(ValueError):
            told += list(json.loads(body).values())
        said = " ".join(form for value in told for form in forms(str(value))) + " " + shaped_text()
        answer = json.dumps({"state": "bad", "message": said}).encode()
        self.send_response(503, "refused " + quote(told[0] if told else "")[:100])
        self.send_header("X-Reason", quote(said)[:2000])
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815 - http.server's own name

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def talk(connection) -> None:
    for _ in range(2):
        message = json.loads(connection.recv())
        said = " ".join(form for value in message.values() for form in forms(str(value)))
        connection.send(json.dumps({"type": f"event {said}", "message": shaped_text(), "echo": message}))
    connection.close(4001, "bad token")


@pytest.fixture(scope="module")
def servers():
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    socket = serve(talk, "127.0.0.1", 0)
    with closing(web.socket), closing(socket.socket):
        for server in (web, socket):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        yield web.server_address[1], socket.socket.getsockname()[1]
        web.shutdown()
        socket.shutdown()


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@shop.example", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


def plant_repository(folder: Path) -> None:
    git(folder, "init", "-q", "-b", "main")
    files = {
        "requirements.txt": "shop @ git+https://ann:old@git.example/shop.git@v1\n",
        "settings.py": "DB_PASSWORD = 'old-one'\nPORT = 80\n",
        "compose.yaml": "services:\n  a:\n    environment:\n      DB_PASSWORD: old-pw-1\n",
    }
    for number in range(2):
        for name, text in files.items():
            changed = text.replace("v1", "v2").replace(":old@", f":{GIT['dependency']}@")
            changed = changed.replace("old-one", GIT["setting"]).replace("old-pw-1", GIT["setting"] + "x")
            (folder / name).write_text(changed if number else text)
        if number:
            (folder / f"token={GIT['path']}.py").write_text("x = 1\n")
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", f"Use password={GIT['subject']}{number} for the shop")


def junit(text: str, name: str = "test_login") -> str:
    said = escape(text)
    return (
        f'<testsuite name="shop {escape(text[:60])}" tests="2">'
        f'<testcase classname="shop.{said}" name="{name}[{said}]" time="0.1"><failure message="{said}">{said}</failure>'
        '</testcase><testcase classname="shop" name="test_ok" time="0.1"/></testsuite>'
    )


def plant_files(folder: Path) -> list[Path]:
    text = shaped_text()
    line = text.replace("\n", "\\n")
    sarif = {
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "scan", "rules": [{"id": "R1", "shortDescription": {"text": text}}]}},
                "results": [
                    {
                        "ruleId": "R1",
                        "message": {"text": text},
                        "locations": [
                            {
                                "physicalLocation": {
                                    "artifactLocation": {"uri": "a.py"},
                                    "region": {"startLine": 1, "snippet": {"text": text}},
                                }
                            }
                        ],
                    }
                ],
            }
        ],
    }
    records = {
        "stabkit": 1,
        "run": {"label": f"records password={SHAPED['password']}", "environment": f"token={SHAPED['password']}"},
        "checks": [
            {
                "target": f"api?token={SHAPED['query']}",
                "check": "status",
                "expected": text,
                "observed": text,
                "outcome": "fail",
                "detail": text,
            }
        ],
        "claims": [{"kind": "tests", "path": text, "claimed": {"note": text}}],
    }
    har = {
        "log": {
            "version": "1.2",
            "creator": {"name": "x", "version": "1"},
            "entries": [
                {
                    "startedDateTime": "2025-09-14T12:24:00Z",
                    "time": 12.5,
                    "request": {
                        "method": "GET",
                        "url": f"https://ann:{SHAPED['user_info']}@shop.example/x?token={SHAPED['query']}",
                    },
                    "response": {"status": 500, "statusText": text},
                }
            ],
        }
    }
    made = {
        "junit.xml": junit(text),
        "tap.txt": f"TAP version 13\n1..2\nnot ok 1 - {line}\n  ---\n  message: '{line}'\n  ...\nok 2 - fine\n",
        "scan.sarif": json.dumps(sarif),
        "records.json": json.dumps(records),
        "load.har": json.dumps(har),
        "broken.xml": f"<testsuite><testcase name='{escape(line, quote=True)}'",
    }
    for name, content in made.items():
        (folder / name).write_text(content, encoding="utf-8")
    return [folder / name for name in made]


def configuration(folder: Path, web: int, socket: int) -> str:
    suite = folder / "suite.py"
    suite.write_text(
        "import os, sys\nfrom html import escape\nsecret = os.environ['SHOP_SECRET']\n"
        "said = escape(' '.join([secret, repr(secret), os.environ['SUITE_TOKEN']]))\nprint(said, file=sys.stderr)\n"
        "if len(sys.argv) < 2: sys.exit(3)\n"
        'case = f\'<testcase classname="c" name="n"><failure message="{said}">{said}</failure></testcase>\'\n'
        "open(sys.argv[1], 'w').write(f'<testsuite name=\"s\" tests=\"1\">{case}</testsuite>')\n"
    )
    secret = folder / "secret.txt"
    secret.write_text(PLANTED["header_command"])
    reader = json.dumps([sys.executable, "-c", f"print(open({str(secret)!r}).read())", "--token", CONFIGURED["argv"]])
    return f"""
[project]
name = "shop"
data = "data"

[collect]
rounds = 1

[http.api]
url = "http://127.0.0.1:{web}/x?token=c4n60urltoken&page=1"
method = "POST"
requests = 2
rate = 50
timeout_s = 5
json_body = {{ user = "ann", password = {json.dumps(PLANTED["json_body"])}, nested = {{ token = "c4n61nested" }} }}
headers_env = {{ "X-Secret" = "HEADER_SECRET" }}
headers_command = {{ "X-Command" = {reader} }}
query_env = {{ q = "QUERY_SECRET" }}
expect_json = {{ state = "good", message = "none" }}
expect_match = "password={CONFIGURED["pattern"]}"
expect_headers = {{ "X-Reason" = "password={CONFIGURED["pattern"]}" }}

[http.form]
url = "http://127.0.0.1:{web}/form"
method = "POST"
requests = 2
form = {{ user = "ann", password = {json.dumps(PLANTED["form"])} }}
expect_json = {{ message = "none" }}

[http.text]
url = "http://127.0.0.1:{web}/text"
method = "POST"
requests = 2
body_text = "password={CONFIGURED["body_text"]}"

[http.body]
url = "http://127.0.0.1:{web}/body"
method = "POST"
requests = 2
body_env = "BODY_SECRET"
expect_json = {{ message = "none" }}

[http.gone]
url = "http://127.0.0.1:1/gone?api_key=c4n62gone"
requests = 2

[websocket.events]
url = "ws://127.0.0.1:{socket}/?access_token=c4n63socket"
sessions = 2
rate = 20
listen_ms = 300
send = [
    {{ json = {{ op = "login", password = {json.dumps(PLANTED["socket_send"])} }} }},
    {{ json_env = {{ token = "SOCKET_SECRET" }} }},
]
event = {{ types = ["welcome"], unknown_type = "fail", required = ["id"] }}

[tests.own]
command = [{json.dumps(sys.executable)}, {json.dumps(str(suite))}, "{{output}}", "--password={CONFIGURED["argv"]}"]
environment = {{ SUITE_TOKEN = "{CONFIGURED["variable"]}-abc" }}

[tests.dumb]
command = [{json.dumps(sys.executable)}, {json.dumps(str(suite))}]
environment = {{ SUITE_TOKEN = "{CONFIGURED["variable"]}-abc" }}

[tests.read]
files = ["evidence/junit.xml", "evidence/tap.txt", "evidence/broken.xml"]

[scans.read]
files = ["evidence/scan.sarif"]

[changes]
base = "HEAD~1"
"""


def notebook(path: Path) -> None:
    cells = [
        nbformat.v4.new_markdown_cell("# A notebook\n\n## Outputs"),
        nbformat.v4.new_code_cell("api_token = ''\nsettings = {}\nwhere = ''", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(
            "import json, sys, os\nprint(api_token, repr(api_token), json.dumps(settings), where)\n"
            "print(settings, file=sys.stderr)\n"
            f"print('mysql --password {NOTEBOOK['argv']}', os.environ.get('SHOP_SECRET'))\nsettings"
        ),
        nbformat.v4.new_code_cell(
            "from IPython.display import HTML, JSON, Markdown, display\n"
            "display(HTML(f'<b>{api_token}</b>'), Markdown(api_token), JSON(settings))"
        ),
        nbformat.v4.new_code_cell(
            "def login(password):\n    raise ValueError(f'refused: password={password} for {api_token}')\n"
            f"login(password='{NOTEBOOK['traceback']}')"
        ),
    ]
    nbformat.write(
        nbformat.v4.new_notebook(
            cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}}
        ),
        path,
    )


def everything(folder: Path) -> dict[str, str]:
    """Return the text of every file below a folder; of Parquet, of all values."""
    found = {}
    for file in sorted(folder.rglob("*")):
        if not file.is_file():
            continue
        if file.suffix == ".parquet":
            table = pq.read_table(file, partitioning=None)
            found[str(file)] = json.dumps(table.to_pydict(), default=str, ensure_ascii=False)
            continue
        found[str(file)] = file.read_bytes().decode("utf-8", "replace")
    return {name: name.removeprefix(str(folder)) + "\n" + text for name, text in found.items()}


_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")


def leaks(text: str) -> set[str]:
    found = set(re.findall(r"(?i).{0,20}c4n\d\d.{0,30}", text))
    for word in set(_BASE64.findall(text)):
        if len(word) > 4000:  # a picture
            continue
        for start in range(4):
            raw = word[start:].replace("-", "+").replace("_", "/").rstrip("=")
            raw = raw[: len(raw) // 4 * 4]
            told = re.findall(r"c4n\d\d", base64.b64decode(raw).decode("latin-1"))
            found |= {f"{one} in base64 {word[:60]}" for one in told}
    return found


@pytest.fixture(scope="module")
def told(tmp_path_factory, servers) -> dict[str, str]:
    """What everything said and wrote: stream or file -> its text."""
    folder = tmp_path_factory.mktemp("canaries")
    project, output = folder / "project", folder / "output"
    (project / "evidence").mkdir(parents=True)
    output.mkdir()
    plant_repository(project)
    files = plant_files(project / "evidence")
    (project / "stabkit.toml").write_text(configuration(folder, *servers), encoding="utf-8")
    notebook(project / "own.ipynb")
    environment = {
        **os.environ,
        "HEADER_SECRET": PLANTED["header_env"].replace("é", "e"),
        "QUERY_SECRET": PLANTED["query_env"],
        "BODY_SECRET": json.dumps({"user": "ann", "pin": PLANTED["body_env"]}),
        "SOCKET_SECRET": PLANTED["socket_env"],
        "SHOP_SECRET": PLANTED["suite"],
        "HOME": str(folder / "home"),
    }
    said: dict[str, str] = {}

    def run(*words: object) -> int:
        command = [sys.executable, "-m", "stabkit", *map(str, words)]
        done = subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=600
        )
        assert "This is a bug" not in done.stderr, done.stderr
        key = " ".join(map(str, words))
        said[f"stdout of {key}"], said[f"stderr of {key}"] = done.stdout, done.stderr
        return done.returncode

    assert run("collect", "--label", "v1") in (0, 2)
    assert run("--debug", "collect", "--label", "v2", "--format", "json") in (0, 2)
    for form in ("text", "json", "markdown"):
        run("read", *files, "--format", form)
        run("diff", files[0], files[0], "--format", form)
        run("gate", "v1", "v2", "--format", form)
        run("explain", "v1", "v2", "--format", form)
        run("impact", "HEAD~1..HEAD", "--format", form)
        run("runs", "--format", form)
    run("import", *files, "--label", f"token={SHAPED['password']}")
    run("report", "v1", "v2", "--output", output)
    parameters = json.dumps({"password": [NOTEBOOK["nested"]], "n": 1})
    run("report", "--notebook", "own.ipynb", "--output", output,
        "-p", f"api_token={NOTEBOOK['top']}", "-p", f"settings={parameters}",
        "-p", f"where=https://ann:{NOTEBOOK['variable']}@db.example/")  # fmt: skip
    jobs = project / "jobs.json"
    jobs.write_text(json.dumps([{"notebook": "own.ipynb", "name": "one", "parameters": {
        "api_token": NOTEBOOK["top"], "settings": {"password": [NOTEBOOK["nested"]]},
        "where": f"password={NOTEBOOK['variable']}"}}]))  # fmt: skip
    run("batch", jobs, "--output", output)
    run("index", output)
    run("trend", "--format", "json")
    run("trend", "--all", "--output", output)
    run("store", "check")
    run("store", "export", output / "export", "--csv")
    said |= everything(output)
    said |= everything(project / "data")
    return said


def test_no_canary_gets_out(told):
    found = {name: said for name, text in told.items() if (said := leaks(text))}
    assert not found, "\n".join(f"{name}: {sorted(said)[:5]}" for name, said in found.items())


def test_the_canaries_were_there(told):
    """The runs went where secrets come from: what stands in their places is a mask."""
    assert len([name for name in told if not name.startswith("std")]) > 20
    masked = {name for name, text in told.items() if "***" in text}
    assert any(name.endswith(".html") for name in masked)
    assert any(name.endswith(".parquet") for name in masked)
    for start in (
        "stdout of read",
        "stdout of gate",
        "stderr of --debug collect",
        "stdout of impact",
        "stdout of diff",
    ):
        assert any(name.startswith(start) for name in masked), start
