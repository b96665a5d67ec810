# ruff: noqa: E501 - a plant is a line
"""One change of each kind that the checklist tells, all in one range, and beside it those that only look alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from stabkit.analyze.change.recorded_facts import Line, lines
from stabkit.change.collected import collect_changes
from stabkit.vocabulary import CHANGE_LINES
from tests.change.histories import Commit, written
from tests.change.schema.answers import alembic, changelog, django, knex, laravel, rails

Plant = tuple[str, str, str | None, str | None, str]

_MODELS = "from django.db import models\nclass A(models.Model):\n    a = models.IntegerField()\n"
_SQLA = (
    "from sqlalchemy import Table, Column, Integer, MetaData\nt = Table('goods', MetaData(), Column('x', Integer){})\n"
)
_WORKFLOW = "on: push\n{}jobs:\n  a:\n    runs-on: ubuntu\n    steps:\n      - run: make\n"
_POD = "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n    - name: a\n      image: shop:1\n{}"
_COMPOSE = "services:\n  web:\n    image: shop:1\n{}"
_OPENAPI = "openapi: 3.0.0\ninfo: {{title: a, version: '1'}}\npaths:\n  /a:\n    get:\n      responses: {{'200': {{description: {}}}}}\n{}"
_ARGPARSE = "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--kept')\n"
_COBRA = 'package cmd\n\nimport "github.com/spf13/cobra"\n\nvar kept = &cobra.Command{Use: "kept"}\n'
_CLAP = "use clap::Parser;\n#[derive(Parser)]\nstruct A {\n  #[arg(long)]\n  kept: bool,\n"
_LOCK = '[[package]]\nname = "{}"\nversion = "{}"\nsource = {{ registry = "https://{}.example" }}\n'
_TOKEN = "".join(["gh", "p_", "a1B2c3D4e5F6g7H8i9J0", "k1L2m3N4o5P6q7R8"])
_CLOUD = "".join(["AKI", "A", "Z7Q3XW5RT2YK9PLM"])
_KEY = "".join(
    ["-----BEGIN RSA PRIV", "ATE KEY-----\n", "MIIEpAIBAAKCAQEA7bq3Zx9k\n" * 5, "-----END RSA PRIV", "ATE KEY-----\n"]
)
_TYPED = "from typing import NotRequired, TypedDict\nclass T(TypedDict):\n    a: int\n"

BASE: dict[str, str | None] = {
    "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n[build-system]\nrequires = ["setuptools"]\n',
    "shop/__init__.py": "",
    "go/go.mod": "module example.org/lib\n",
}
PLANTED: list[Plant] = [
    ("api", "shop/gone.py", "def f(): ...\ndef g(): ...\n", "def g(): ...\n", "shop.gone.f"),
    ("api", "shop/fewer.py", "def f(a, b): ...\n", "def f(a): ...\n", "f(b)"),
    ("api", "shop/renamed.py", "def f(a): ...\n", "def f(b): ...\n", "f("),
    ("api", "shop/required.py", "def f(a): ...\n", "def f(a, *, key): ...\n", "f(key)"),
    ("api", "shop/default.py", "def f(a=1): ...\n", "def f(a=2): ...\n", "f(a)"),
    ("api", "shop/returns.py", "def f() -> int: ...\n", "def f() -> str: ...\n", "f"),
    ("api", "shop/taken.py", "def f(a: int): ...\n", "def f(a: str): ...\n", "f(a)"),
    ("api", "shop/typed.py", "class A:\n    x: int = 1\n", "class A:\n    x: str = ''\n", "A.x"),
    ("api", "shop/constant.py", "LIMIT = 1\n", "LIMIT = 2\n", "LIMIT"),
    ("api", "shop/raises.py", "def f(a):\n    return a\n", "def f(a):\n    raise ValueError(a)\n", "f"),
    ("api", "shop/awaited.py", "def f(): ...\n", "async def f(): ...\n", "f"),
    (
        "api",
        "shop/read.py",
        "class A:\n    @property\n    def x(self): ...\n",
        "class A:\n    def x(self): ...\n",
        "A.x",
    ),
    (
        "api",
        "shop/listed.py",
        "__all__ = ['f', 'g']\ndef f(): ...\ndef g(): ...\n",
        "__all__ = ['g']\ndef f(): ...\ndef g(): ...\n",
        "f",
    ),
    (
        "api",
        "shop/frozen.py",
        "from dataclasses import dataclass\n@dataclass\nclass D:\n    a: int\n",
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass D:\n    a: int\n",
        "D",
    ),
    (
        "api",
        "shop/tuple.py",
        "from collections import namedtuple\nD = namedtuple('D', 'a b')\n",
        "from collections import namedtuple\nD = namedtuple('D', ['b', 'a'])\n",
        "D",
    ),
    (
        "api",
        "shop/keys.py",
        "from typing import TypedDict\nT = TypedDict('T', {'a': int, 'b': int})\n",
        "from typing import TypedDict\nT = TypedDict('T', {'a': int})\n",
        "T",
    ),
    (
        "api",
        "shop/asked.py",
        "from typing import Protocol\nclass P(Protocol):\n    def a(self): ...\n",
        "from typing import Protocol\nclass P(Protocol):\n    def a(self): ...\n    def b(self): ...\n",
        "P.b",
    ),
    (
        "api",
        "shop/forms.py",
        "from typing import overload\n@overload\ndef f(a: int) -> int: ...\n@overload\ndef f(a: str) -> str: ...\ndef f(a): ...\n",
        "from typing import overload\n@overload\ndef f(a: int) -> int: ...\n@overload\ndef f(a: bytes) -> bytes: ...\ndef f(a): ...\n",
        "f",
    ),
    ("api", "shop/module.py", "def f(): ...\n", None, "shop.module"),
    ("api", "go/a.go", "package lib\nfunc Kept() {}\nfunc Gone() {}\n", "package lib\nfunc Kept() {}\n", "Gone"),
    ("dependencies", "a/requirements.txt", "requests==2.30.0\n", "requests==2.31.0\n", "requests"),
    ("dependencies", "b/base.txt", "flask==2.0.0\n", "flask==3.0.0\n", "flask"),
    ("dependencies", "c/uv.lock", _LOCK.format("attrs", "1", "a"), _LOCK.format("attrs", "1", "b"), "attrs"),
    (
        "dependencies",
        "d/package.json",
        '{"devDependencies": {"jest": "1.0.0"}}',
        '{"devDependencies": {"jest": "2.0.0"}}',
        "jest",
    ),
    ("dependencies", "e/go.mod", "module e\nrequire x.org/y v1.0.0\n", "module e\nrequire x.org/y v1.1.0\n", "x.org/y"),
    ("dependencies", "f/Dockerfile", "ARG V=3.11\nFROM python:$V\n", "ARG V=3.12\nFROM python:$V\n", "python"),
    (
        "dependencies",
        "g/mix.exs",
        'defp deps do\n  [{:ecto, "~> 1.0"}]\nend\n',
        'defp deps do\n  [{:ecto, "~> 2.0"}]\nend\n',
        "ecto",
    ),
    (
        "dependencies",
        "h/main.tf",
        'module "net" {\n  source  = "x/net"\n  version = "1.0.0"\n}\n',
        'module "net" {\n  source  = "x/net"\n  version = "2.0.0"\n}\n',
        "x/net",
    ),
    ("environment", "app/alias.py", "x = 1\n", "import os\nE = os.environ\nx = E['ALIASED']\n", "ALIASED"),
    ("environment", "app/named.py", "x = 1\n", "from os import getenv as g\nx = g('NAMED')\n", "NAMED"),
    (
        "environment",
        "app/prefixed.py",
        "x = 1\n",
        "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    model_config = {'env_prefix': 'SHOP_'}\n    port: int = 1\n",
        "SHOP_PORT",
    ),
    ("environment", "web/a.ts", "let a\n", "import { env } from 'node:process'\nconst a = env.IMPORTED\n", "IMPORTED"),
    ("environment", "web/b.js", "let a\n", "const e = process.env;\nconst a = e.RENAMED, { TAKEN } = e\n", "RENAMED"),
    ("environment", "web/c.js", "let a\n", "const a = process?.env?.ASKED\n", "ASKED"),
    ("environment", "run/compose.yml", _COMPOSE.format(""), _COMPOSE.format("    environment: [LISTED=1]\n"), "LISTED"),
    (
        "environment",
        "k8s/pod.yaml",
        _POD.format(""),
        _POD.format("      envFrom:\n        - configMapRef: {name: settings}\n"),
        "envFrom settings",
    ),
    ("environment", "image/Dockerfile", "FROM shop:1\n", "FROM shop:1\nENV BUILT 1\n", "BUILT"),
    ("schema", "app/models.py", _MODELS, _MODELS + "    b = models.IntegerField(null=True)\n", "b"),
    ("schema", "app/tables.py", _SQLA.format(""), _SQLA.format(", Column('y', Integer)"), "y"),
    (
        "schema",
        "go/m.go",
        'package lib\n\nimport "gorm.io/gorm"\n\ntype G struct {\n\tgorm.Model\n}\n',
        'package lib\n\nimport "gorm.io/gorm"\n\ntype G struct {\n\tgorm.Model\n\tColour string\n}\n',
        "Colour",
    ),
    (
        "old_code_new_schema",
        "dj/migrations/0002_x.py",
        None,
        django("migrations.AddField('order', 'paid', models.BooleanField())"),
        "paid",
    ),
    (
        "old_code_new_schema",
        "db/migrate/20240101000000_x.rb",
        None,
        rails("  def change\n    rename_column :items, :old, :new\n  end\n"),
        "old",
    ),
    ("old_code_new_schema", "sql/migrations/2.sql", None, "ALTER TABLE bills ADD COLUMN tax INT NOT NULL;\n", "tax"),
    (
        "rollback",
        "alembic/versions/x.py",
        None,
        alembic("    with op.batch_alter_table('carts') as batch:\n        batch.drop_column('note')\n"),
        "carts.note",
    ),
    ("rollback", "db/changelog/x.xml", None, changelog('<dropTable tableName="stock"/>'), "stock"),
    (
        "rollback",
        "knex/migrations/2.js",
        None,
        knex("await knex.schema.alterTable('users', t => { t.dropColumn('age'); });"),
        "users.age",
    ),
    (
        "rollback",
        "database/migrations/2024_x.php",
        None,
        laravel("Schema::table('posts', function (Blueprint $t) { $t->dropColumn('body'); });"),
        "posts.body",
    ),
    ("configuration", "config/app.yaml", "pool: {size: 1}\n", "pool: {size: 2}\n", "pool.size"),
    ("configuration", "site/settings.py", "PAGE_SIZE = 10\n", "PAGE_SIZE = 20\n", "PAGE_SIZE"),
    ("configuration", "nginx/nginx.conf", "server { listen 80; }\n", "server { listen 81; }\n", "server"),
    (
        "flags",
        "app/flags_asked.py",
        "x = 1\n",
        "import ldclient\nx = ldclient.get().variation('new-cart', user, False)\n",
        "new-cart",
    ),
    (
        "flags",
        "web/flags.ts",
        "let a\n",
        "import { useFlag } from '@unleash/proxy-client-react'\nconst a = useFlag('new-page')\n",
        "new-page",
    ),
    (
        "ci",
        ".github/workflows/a.yml",
        _WORKFLOW.format(""),
        _WORKFLOW.format("permissions: write-all\n"),
        "permissions",
    ),
    (
        "ci",
        ".github/workflows/b.yml",
        _WORKFLOW.format(""),
        _WORKFLOW.format("").replace("push", "[push, pull_request_target]"),
        "pull_request_target",
    ),
    ("ci", "run/docker-compose.yml", _COMPOSE.format(""), _COMPOSE.format("    privileged: true\n"), "privileged"),
    ("secrets", "app/token.py", "x = 1\n", f"TOKEN = '{_TOKEN}'\n", ""),
    ("secrets", "web/cloud.js", "let a\n", f"const id = '{_CLOUD}'\n", ""),
    ("secrets", "keys/server.pem", None, _KEY, ""),
    (
        "contracts",
        "openapi.yaml",
        _OPENAPI.format("a", "  /gone:\n    get:\n      responses: {'200': {description: a}}\n"),
        _OPENAPI.format("a", ""),
        "/gone",
    ),
    (
        "contracts",
        "shop.proto",
        'syntax = "proto3";\nmessage A { int32 a = 1; int32 b = 2; }\n',
        'syntax = "proto3";\nmessage A { int32 a = 1; }\n',
        "b",
    ),
    ("contracts", "schema.graphql", "type Query { a: Int b: Int }\n", "type Query { a: Int }\n", "b"),
    (
        "contracts",
        "app/views.py",
        "from flask import Flask\napp = Flask('a')\n@app.route('/left')\ndef a(): ...\n",
        "from flask import Flask\napp = Flask('a')\n",
        "/left",
    ),
    (
        "contracts",
        "lib/shop_web/router.ex",
        'defmodule R do\n  scope "/api" do\n    get "/fewer", A, :b\n    get "/a", A, :b\n  end\nend\n',
        'defmodule R do\n  scope "/api" do\n    get "/a", A, :b\n  end\nend\n',
        "/api/fewer",
    ),
    (
        "contracts",
        "src/Routes.kt",
        'import io.ktor.server.routing.*\nfun m() {\n  route("/v1") {\n    get("/kept") { }\n    post("/less") { }\n  }\n}\n',
        'import io.ktor.server.routing.*\nfun m() {\n  route("/v1") {\n    get("/kept") { }\n  }\n}\n',
        "/v1/less",
    ),
    ("entry_points", "cli.py", _ARGPARSE + "parser.add_argument('--gone')\n", _ARGPARSE, "--gone"),
    (
        "entry_points",
        "bin/package.json",
        '{"name": "tool", "bin": {"a": "a.js", "b": "b.js"}}',
        '{"name": "tool", "bin": {"a": "a.js"}}',
        "b",
    ),
    ("entry_points", "cmd/root.go", _COBRA + 'var gone = &cobra.Command{Use: "left"}\n', _COBRA, "left"),
    ("entry_points", "src/main.rs", _CLAP + "  #[arg(long)]\n  dry_run: bool,\n}\n", _CLAP + "}\n", "dry-run"),
]
TWINS: list[Plant] = [
    ("api", "shop/place.py", "def f(a, b, /): ...\n", "def f(a, c, /): ...\n", ""),
    ("api", "shop/eased.py", "def f(a: int): ...\n", "def f(a: 'int | str', *, b=1): ...\n", ""),
    (
        "api",
        "shop/written.py",
        "from typing import Optional\ndef f(a=1000) -> Optional[int]: ...\n",
        "def f(a=1_000) -> int | None: ...\n",
        "",
    ),
    ("api", "shop/maybe.py", _TYPED, _TYPED + "    b: NotRequired[int]\n", ""),
    ("api", "shop/other.py", "def f(a): ...\n", "def g(a): ...\nf = g\n", ""),
    (
        "api",
        "shop/more.py",
        "from enum import Enum\nE = Enum('E', 'A B')\n",
        "from enum import Enum\nE = Enum('E', 'A B C')\n",
        "",
    ),
    ("api", "shop/_private.py", "def f(a): ...\n", "def g(): ...\n", ""),
    ("api", "shop/tests/test_a.py", "def helper(a): ...\n", "def helper(): ...\n", ""),
    ("api", "shop/told.py", '"""a"""\ndef f(): ...\n', '"""b"""\ndef f():\n    """Say more."""\n', ""),
    ("dependencies", "a/requirements.txt", "Requests==2.30.0\nb==1\n", "b == 1  # why\nrequests == 2.30.0\n", ""),
    ("dependencies", "f/Dockerfile", "FROM shop:1\nENV A 1\n", "FROM shop:1 AS build\nENV A=1\n# FROM shop:2\n", ""),
    (
        "environment",
        "app/asked.py",
        "x = 1\n",
        "def app(environ, start_response):\n    return environ['PATH_INFO']\n",
        "",
    ),
    ("environment", "app/said.py", "x = 1\n", "# os.environ['SAID']\nx = \"os.getenv('SAID')\"\n", ""),
    ("environment", "run.sh", "echo\n", "OWN=1\necho ${1} $OWN $#\n", ""),
    (
        "environment",
        "web/a.ts",
        "let a\n",
        "const env = other();\nconst a = env.NOTHING, b = import.meta.env.MODE\n",
        "",
    ),
    (
        "configuration",
        "compose.yml",
        _COMPOSE.format("    environment: [A=1, B]\n    labels: [x=y]\n"),
        _COMPOSE.format("    environment: {B: , A: 1}\n    labels: {x: y}\n"),
        "",
    ),
    ("configuration", "config/app.yaml", "a: {x: 1}\nb: {x: 1}\n", "# why\nb: &b {x: 1}\na: *b\n", ""),
    ("configuration", "locales/en.json", '{"a": "x"}', '{"a": "y"}', ""),
    (
        "configuration",
        "tsconfig.json",
        '{"compilerOptions": {"strict": true}}',
        '{"compilerOptions": {"strict": false}}',
        "",
    ),
    (
        "schema",
        "app/forms.py",
        "from django import forms\nclass A(forms.Form):\n    a = forms.CharField()\n",
        "from django import forms\nclass A(forms.Form):\n    b = forms.CharField()\n",
        "",
    ),
    (
        "schema",
        "app/shapes.py",
        "from pydantic import BaseModel\nclass A(BaseModel):\n    a: int\n",
        "from pydantic import BaseModel\nclass A(BaseModel):\n    b: int\n",
        "",
    ),
    ("schema", "app/models.py", _MODELS, _MODELS.replace("()", "(help_text='why')"), ""),
    ("old_code_new_schema", "sql/migrations/2.sql", None, "-- DROP TABLE a;\nCREATE INDEX i ON a (b);\n", ""),
    ("flags", "app/features.py", "x = 1\n", "features = ['a']\nx = frame.features['a']\n", ""),
    (
        "ci",
        ".github/workflows/a.yml",
        _WORKFLOW.format("permissions: write-all\n"),
        _WORKFLOW.format("permissions: {contents: read}\n"),
        "",
    ),
    ("secrets", "app/token.py", f"TOKEN = '{_TOKEN}'\n", "TOKEN = 'changeme'\n", ""),
    (
        "contracts",
        "openapi.yaml",
        _OPENAPI.format("a", ""),
        _OPENAPI.format("said otherwise", "  /more:\n    get:\n      responses: {'200': {description: a}}\n"),
        "",
    ),
    ("contracts", "app/client.py", "import requests\nrequests.get('/gone')\n", "import requests\n", ""),
    (
        "entry_points",
        "cli.py",
        _ARGPARSE,
        _ARGPARSE.replace("'--kept'", "'-k', '--kept', help='x'") + "parser.add_argument('--more')\n",
        "",
    ),
]
# What other plants need around them.
AROUND: dict[str, str | None] = {"b/requirements.txt": "-r base.txt\n"}


def _answered(folder: Path, plants: Sequence[Plant]) -> Mapping[str, Line]:
    before = {path: text for _, path, text, _, _ in plants if text is not None}
    after = {path: text for _, path, _, text, _ in plants}
    written(folder, [Commit({**BASE, **AROUND, **before}), Commit(after)])
    evidence = collect_changes(folder, "main~1", "main")
    return {line.line: line for line in lines(evidence["checks"])}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Line]:
    return _answered(tmp_path_factory.mktemp("planted") / "planted.git", PLANTED)


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Line]:
    return _answered(tmp_path_factory.mktemp("twins") / "twins.git", TWINS)


def test_each_line_has_its_plants() -> None:
    assert {plant[0] for plant in PLANTED} == set(CHANGE_LINES)


@pytest.mark.parametrize("plant", PLANTED, ids=[f"{plant[0]}: {plant[1]}" for plant in PLANTED])
def test_what_a_change_does_is_told(told: Mapping[str, Line], plant: Plant) -> None:
    line, path, _, _, what = plant
    items = [item for item in told[line].items if item["path"] == path]
    assert told[line].answer == "no"
    assert any(what in item["what"] for item in items), [item["what"] for item in told[line].items]


@pytest.mark.parametrize("plant", TWINS, ids=[f"{plant[0]}: {plant[1]}" for plant in TWINS])
def test_what_only_looks_like_it_is_not(silent: Mapping[str, Line], plant: Plant) -> None:
    line, path, _, _, _ = plant
    assert [item for item in silent[line].items if item["path"] == path] == []


def test_a_range_of_twins_answers_no_line_with_no(silent: Mapping[str, Line]) -> None:
    """Nothing is found in one line that belongs to another, and what was looked at is a yes."""
    assert {line.line: line.items for line in silent.values() if line.answer == "no" and line.line != "schema"} == {}
    assert all(line.examined for line in silent.values() if line.answer == "yes")
