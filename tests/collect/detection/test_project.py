"""Real trees as tools leave them, and hostile ones: what is written loads, says its origin, and invents nothing."""

import json
import os
import tomllib

import pytest

from stabkit.cli import run
from stabkit.collect import detect_project
from stabkit.config import load_config
from stabkit.errors import UsageError

JUNIT = '<testsuite name="{0}" tests="1"><testcase classname="{0}" name="x" time="0.1"/></testsuite>'
COMPOSE = """
services:
  web:
    build: .
    ports: ["8080:80"]
    healthcheck: {test: ["CMD", "curl", "-f", "http://localhost:80/up"]}
  db:
    image: postgres
    ports: ["127.0.0.1:5432:5432"]
"""
OPENAPI = """
openapi: 3.1.0
servers: [{url: /v1}]
paths:
  /items: {get: {responses: {"200": {}}}}
  /items/{id}: {get: {responses: {"200": {}}}}
  /health: {get: {responses: {"204": {}}}}
  /me: {get: {security: [{key: []}], responses: {"200": {}}}}
  /search: {get: {parameters: [{name: q, in: query, required: true}], responses: {"200": {}}}}
"""


def tree(root, files):
    for name, content in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return root


def loaded(root):
    """The configuration that is written for a tree, read as every command reads it."""
    detected = detect_project(root)
    (root / "stabkit.toml").write_text(detected.text)
    config = load_config(root / "stabkit.toml")
    (root / "stabkit.toml").unlink()
    return config, detected


def test_a_project_of_pytest(tmp_path):
    tree(
        tmp_path,
        {
            "pyproject.toml": '[project]\nname = "shop"\n[tool.pytest.ini_options]\n',
            ".github/workflows/ci.yml": "jobs:\n  a:\n    steps:\n      - run: pytest --junitxml=out/junit.xml\n",
            ".github/CODEOWNERS": "* @all\n/src/cart/ @cart # pays\n/gone/ @nobody\n",
            "src/cart/a.py": "",
            "tests/fixtures/old.xml": JUNIT.format("old"),
        },
    )
    (tmp_path / ".git").mkdir()
    config, detected = loaded(tmp_path)
    assert config.project.name == "shop"
    assert config.tests["pytest"].command == ("python", "-m", "pytest", "-q", "--junitxml={output}")
    assert list(config.tests) == ["pytest"]
    assert {name: area.paths for name, area in config.areas.items()} == {"src-cart": ("src/cart/",)}
    assert config.changes is not None
    assert detected.left_out == (
        "tests/fixtures/old.xml: kept as fixtures or examples",
        "out/junit.xml: .github/workflows/ci.yml, line 4: not here now",
    )
    assert '# files = ["out/junit.xml"]' in detected.text
    values = [line for line in detected.text.splitlines() if " = " in line and not line.startswith("#")]
    assert values
    assert all("  # " in line for line in values)


def test_a_project_of_node_with_playwright(tmp_path):
    report = {
        "config": {"version": "1.50.0"},
        "suites": [
            {
                "title": "a.spec.ts", "file": "a.spec.ts",
                "specs": [
                    {
                        "title": "opens", "id": "1", "file": "a.spec.ts",
                        "tests": [
                            {
                                "projectName": "chromium", "expectedStatus": "passed", "status": "expected",
                                "results": [{"retry": 0, "status": "passed", "duration": 12}],
                            }
                        ],
                    }
                ],
            }
        ],
        "stats": {"expected": 1, "unexpected": 0, "flaky": 0, "skipped": 0, "startTime": "2026-07-01T00:00:00Z"},
        "errors": [],
    }  # fmt: skip
    manifest = json.dumps({"name": "@acme/web", "devDependencies": {"@playwright/test": "1"}})
    tree(tmp_path, {"package.json": manifest, "package-lock.json": "{}", "node_modules/a/junit.xml": JUNIT.format("n")})
    empty = detect_project(tmp_path)
    assert not empty.declares
    assert "npx playwright test --reporter=json" in empty.left_out[0]
    tree(tmp_path, {"out/results.json": json.dumps(report)})
    config, detected = loaded(tmp_path)
    assert config.project.name == "@acme/web"
    assert config.tests["results"].files == ("out/results.json",)
    assert detected.left_out == ()


def test_a_project_of_go(tmp_path):
    events = "\n".join(
        json.dumps({"Time": "2026-07-01T00:00:00Z", "Action": action, "Package": "shop", "Test": "TestA", "Elapsed": 0})
        for action in ("run", "pass")
    )
    tree(
        tmp_path,
        {
            "go.mod": "module example.org/team/shop\n\ngo 1.23\n",
            "go-test.json": events + "\n",
            "cover.out": "mode: set\nexample.org/team/shop/a.go:1.1,2.2 1 1\n",
        },
    )
    config, _ = loaded(tmp_path)
    assert config.project.name == "shop"
    assert config.tests["go-test"].files == ("go-test.json",)
    assert [source.files for source in config.coverage.values()] == [("cover.out",)]


def test_a_project_of_maven(tmp_path):
    folder = "core/target/surefire-reports/"
    tree(
        tmp_path,
        {
            "pom.xml": "<project><parent><artifactId>all</artifactId></parent><artifactId>bank</artifactId></project>",
            **{f"{folder}TEST-org.bank.{name}.xml": JUNIT.format(name) for name in ("Account", "Access")},
            f"{folder}org.bank.Account.txt": "1 test",
        },
    )
    config, detected = loaded(tmp_path)
    assert config.project.name == "bank"
    assert config.tests["surefire-reports"].files == (f"{folder}TEST-*.xml",)
    assert "2 files here, recognised as junit" in detected.text


def test_a_compose_file_with_a_description_of_the_interface(tmp_path):
    tree(tmp_path, {"compose.yaml": COMPOSE, "openapi.yaml": OPENAPI})
    config, detected = loaded(tmp_path)
    assert {name: (target.url, target.expect_status) for name, target in config.http.items()} == {
        "health": ("http://127.0.0.1:8080/v1/health", 204),
        "items": ("http://127.0.0.1:8080/v1/items", 200),
    }
    assert detected.left_out == ("compose.yaml: db listens on port 5432, no file says a path",)


def test_a_health_check_says_a_path_and_a_server_a_port(tmp_path):
    tree(tmp_path, {"compose.yaml": COMPOSE})
    config, _ = loaded(tmp_path)
    assert [target.url for target in config.http.values()] == ["http://127.0.0.1:8080/up"]
    other = tree(tmp_path / "b", {"swagger.json": '{"swagger": "2.0", "host": "localhost:9000", "basePath": "/api", '
                 '"paths": {"/a": {"get": {"responses": {"200": {}}}}}}'})  # fmt: skip
    config, _ = loaded(other)
    assert [target.url for target in config.http.values()] == ["http://127.0.0.1:9000/api/a"]


@pytest.mark.parametrize(
    "server",
    ["https://user:canary-not-a-secret@localhost:9000/", "https://shop.example/v1", "http://localhost:99999/", "{x}"],
)
def test_a_port_of_this_machine_is_never_invented(tmp_path, server):
    document = {"openapi": "3.1.0", "servers": [{"url": server}], "paths": {"/a": {"get": {"responses": {"200": {}}}}}}
    tree(tmp_path, {"openapi.json": json.dumps(document)})
    detected = detect_project(tmp_path)
    assert not detected.declares
    assert "canary" not in detected.text + " ".join(detected.left_out)
    assert "no file says on which port" in detected.left_out[0]


def test_scans_and_loads_are_told_apart(tmp_path):
    scan = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "ruff"}}, "results": []}]}
    tree(
        tmp_path,
        {
            "ruff.sarif": json.dumps(scan),
            "broken.sarif": json.dumps(scan)[:-9],
            "load.jtl": "timeStamp,elapsed,label,responseCode,success\n1700000000000,12,GET /,200,true\n",
        },
    )
    config, detected = loaded(tmp_path)
    assert config.scans["ruff"].files == ("ruff.sarif",)
    assert detected.loads == ("load.jtl",)
    assert detected.left_out[0].startswith("broken.sarif: ")


HOSTILE = [
    '"]\n[http.evil]\nurl="http://evil.example/"\n#',
    "\x1b[31m\u202e::error::x",
    "a'''\"\"\"b\\",
    "*?[x]",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_ends_no_string_and_begins_no_table(tmp_path, name):
    safe = name.replace("/", "_")
    tree(
        tmp_path,
        {
            "package.json": json.dumps({"name": name}),
            f"{safe}/{safe}.xml": JUNIT.format("a"),
            "compose.yml": json.dumps({"services": {name: {"build": ".", "ports": ["80:80"]}}}),
            ".github/CODEOWNERS": f"/{name}/ @x\n",
            ".github/workflows/ci.yml": f"run: pytest --junitxml={name}.xml\n",
        },
    )
    config, detected = loaded(tmp_path)
    assert config.http == {}
    assert [suite.files for suite in config.tests.values()] == [(f"{safe}/{safe}.xml",)]
    said = " ".join((*detected.found, *detected.left_out)) + detected.text
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_deep_broken_linked_and_endless_things_are_passed_by(tmp_path):
    tree(
        tmp_path,
        {
            "compose.yaml": "a: &a [*a]\nservices: " + "[" * 500,
            "openapi.yaml": "openapi: 3\npaths: " + "{a: " * 400,
            "openapi.json": "[" * 100_000,
            "pyproject.toml": "name = [[[[",
            "package.json": "{" * 5_000,
            "pom.xml": "<!DOCTYPE a [<!ENTITY b '" + "x" * 1000 + "'>]><artifactId>&b;</artifactId>",
            "a/" * 14 + "deep.xml": JUNIT.format("deep"),
            "report.xml": JUNIT.format("here"),
        },
    )
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "device.xml").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.json")
    with (tmp_path / os.fsdecode(b"\xff.xml")).open("w") as file:
        file.write(JUNIT.format("bytes"))
    config, detected = loaded(tmp_path)
    assert [suite.files for suite in config.tests.values()] == [("report.xml",)]
    assert config.project.name == tmp_path.name
    assert "files whose names are no text" in detected.left_out
    assert "folders more than 12 deep" in detected.left_out


def test_of_a_folder_that_is_none_and_of_one_that_holds_nothing(tmp_path, monkeypatch, capsys):
    with pytest.raises(UsageError, match="no such folder"):
        detect_project(tmp_path / "none")
    monkeypatch.chdir(tmp_path)
    assert run(["init", "--detect"]) == 2
    assert "Nothing was found that could be collected" in capsys.readouterr().err
    assert not (tmp_path / "stabkit.toml").exists()


def test_nothing_is_overwritten_and_the_schema_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tree(tmp_path, {"junit.xml": JUNIT.format("a")}))
    assert run(["init", "--detect", "--schema"]) == 0
    text = (tmp_path / "stabkit.toml").read_text()
    assert text.startswith("#:schema")
    assert tomllib.loads(text)["tests"]["junit"]["files"] == ["junit.xml"]
    assert (tmp_path / "stabkit.schema.json").exists()
    assert run(["init", "--detect"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "stabkit.toml").read_text() == text
