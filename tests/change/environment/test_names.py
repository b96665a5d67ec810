"""Which variables a range adds, drops or gives another default: reads and settings of whole trees built here."""

from __future__ import annotations

from pathlib import Path

import pytest

from stabkit.change.environment.names import answer_environment
from stabkit.change.facts import Answer, Fact
from stabkit.change.git import Git
from stabkit.change.ranges import read_changes
from stabkit.change.snapshots import Snapshots
from tests.change.repositories import Repository

Files = dict[str, str | bytes | None]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo")


def answer(repository: Repository, before: Files, after: Files) -> Answer:
    base, head = repository.write("before", before), repository.write("after", after)
    git = Git(repository.folder)
    return answer_environment(Snapshots(git, base, head, read_changes(git, base, head)))


def told(facts: tuple[Fact, ...]) -> list[tuple[str, str, str]]:
    return [(fact.change, fact.noun, fact.what) for fact in facts]


@pytest.mark.parametrize(
    ("path", "text", "read"),
    [
        ("a.py", "import os as o\no.environ['NEW']\n", {"NEW"}),
        (
            "a.py",
            "from os import environ, getenv as g\ng('NEW'), environ.get('OLD'), environ.pop('X1')\n",
            {"NEW", "OLD", "X1"},
        ),
        ("a.py", "import os\nE = os.environ\nE['NEW']\nE.get('OTHER')\n'ASKED' in E\n", {"NEW", "OTHER", "ASKED"}),
        ("a.py", "import os\nos.environb[b'NEW']\n", {"NEW"}),
        ("a.py", "import os\nNAME = 'NEW'\nos.getenv(NAME)\nos.getenv(f'{NAME}_X')\n", {"NEW", "NEW_X"}),
        ("a.py", "import os\nfor name in ('A1', 'B1'):\n    os.environ[name]\n", {"A1", "B1"}),
        ("a.py", "import os\ndef flag(name):\n    return os.environ.get(name)\nflag('NEW')\n", {"NEW"}),
        ("a.py", "import os\ndef run(environ=os.environ):\n    return environ['NEW']\n", {"NEW"}),
        (
            "a.py",
            "from pydantic_settings import BaseSettings, SettingsConfigDict\nfrom pydantic import Field, AliasChoices\n"
            "class S(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix='SHOP_')\n    port: int\n"
            "    key: str = Field(validation_alias=AliasChoices('K1', 'K2'))\n"
            "    old: str = Field(..., env='OLD_ENV')\n"
            "class T(S):\n    more: str\n",
            {"SHOP_PORT", "K1", "K2", "OLD_ENV", "SHOP_MORE"},
        ),
        (
            "a.py",
            "from pydantic import BaseSettings\nclass S(BaseSettings):\n    a: str\n"
            "    class Config:\n        env_prefix = 'P_'\n",
            {"P_A"},
        ),
        (
            "a.py",
            "from pydantic import BaseModel\nfrom pydantic_settings import BaseSettings\n"
            "class D(BaseModel):\n    host: str\n"
            "class S(BaseSettings, env_nested_delimiter='__'):\n    db: D\n",
            {"DB__HOST"},
        ),
        (
            "a.py",
            "from environs import Env\nenv = Env()\nenv.str('A1')\nwith env.prefixed('P_'):\n    env('B')\n",
            {"A1", "P_B"},
        ),
        ("a.py", "from decouple import config\nconfig('NEW', cast=bool)\n", {"NEW"}),
        ("a.py", "import environ\nenv = environ.Env()\nenv.db()\nenv('KEY')\n", {"DATABASE_URL", "KEY"}),
        ("a.py", "from .base import env\nenv.bool('NEW')\n", {"NEW"}),
        ("a.py", "from starlette.config import Config\nconfig = Config('.env')\nconfig('NEW')\n", {"NEW"}),
        ("a.py", "import click\n@click.option('--a', envvar=['N1', 'N2'])\ndef run(a): ...\n", {"N1", "N2"}),
        (
            "a.py",
            "from django.conf import settings as s\ns.SHOP_KEY\ngetattr(s, 'SHOP_TWO')\n"
            "s.DEBUG, s.CACHES['a'], s.configured\n",
            {"settings.SHOP_KEY", "settings.SHOP_TWO"},
        ),
        (
            "a.ts",
            "const {A1, B1: c} = process.env\nprocess.env['C1']; import.meta.env.VITE_X; Deno.env.get('D1')\n",
            {"A1", "B1", "C1", "VITE_X", "D1"},
        ),
        (
            "a.go",
            'x := os.Getenv("NEW")\nv, ok := os.LookupEnv("N2")\ntype C struct { P int `env:"N3"` }\n',
            {"NEW", "N2", "N3"},
        ),
        ("a.rb", "ENV['NEW']; ENV.fetch('N2')\n", {"NEW", "N2"}),
        ("a.rs", 'std::env::var("NEW"); option_env!("N2")\n', {"NEW", "N2"}),
        ("A.java", 'System.getenv("NEW"); @Value("${N_TWO}") String s;\n', {"NEW", "N_TWO"}),
        ("a.php", "getenv('NEW'); $_ENV['N2']; env('N3');\n", {"NEW", "N2", "N3"}),
        ("A.cs", 'Environment.GetEnvironmentVariable("NEW");\n', {"NEW"}),
        ("a.exs", 'System.fetch_env!("NEW")\n', {"NEW"}),
        ("docker/entrypoint.sh", 'exec app --port "${NEW:?missing}" $N2\n', {"NEW", "N2"}),
    ],
)
def test_a_new_read_that_nobody_sets(repository: Repository, path: str, text: str, read: set[str]) -> None:
    found = answer(repository, {path: "\n"}, {path: text})
    assert found.outcome == "fail"
    assert {(fact.change, fact.noun) for fact in found.facts} == {("added", "unset")}
    assert {fact.what for fact in found.facts} == read
    assert all(fact.path == path and fact.line for fact in found.facts)
    assert all(fact.proven == path.endswith(".py") or path.endswith(".py") for fact in found.facts)


@pytest.mark.parametrize(
    ("path", "text", "sets"),
    [
        (".env.example", "NEW=1\n", "NEW"),
        ("docker-compose.yml", "services:\n  web:\n    environment:\n      NEW: 1\n", "NEW"),
        ("compose.yaml", "services:\n  web:\n    environment:\n      - NEW=1\n", "NEW"),
        ("k8s/web.yaml", "spec:\n  containers:\n  - env:\n    - name: NEW\n      value: '1'\n", "NEW"),
        ("k8s/map.yaml", "kind: ConfigMap\ndata:\n  NEW: '1'\n", "NEW"),
        ("chart/values.yaml", "env:\n  NEW: 1\n", "NEW"),
        (
            "chart/templates/web.yaml",
            "{{- if .Values.a }}\n  env:\n    - name: NEW\n      value: {{ .Values.b }}\n{{- end }}\n",
            "NEW",
        ),
        ("Dockerfile", "FROM a\nENV OLD=1 \\\n    NEW=1\n", "NEW"),
        ("web.service", '[Service]\nEnvironment="NEW=1"\n', "NEW"),
        ("app.json", '{"env": {"NEW": {"value": "1"}}}', "NEW"),
        ("fly.toml", '[env]\nNEW = "1"\n', "NEW"),
        ("render.yaml", "services:\n- envVars:\n  - key: NEW\n    value: 1\n", "NEW"),
        ("serverless.yml", "provider:\n  environment:\n    NEW: 1\n", "NEW"),
        ("main.tf", 'environment {\n  variables = {\n    NEW = "1"\n  }\n}\n', "NEW"),
        ("task.json", '{"containerDefinitions": [{"environment": [{"name": "NEW", "value": "1"}]}]}', "NEW"),
    ],
)
def test_what_deployment_files_set(repository: Repository, path: str, text: str, sets: str) -> None:
    read = "import os\nos.environ['NEW']\n"
    found = answer(repository, {"a.py": "\n"}, {"a.py": read, path: text})
    facts = {(fact.noun, fact.what): fact for fact in found.facts}
    assert ("unset", "NEW") not in facts
    assert facts["read", "NEW"].path == "a.py"
    assert facts["set", sets].path == path
    assert facts["set", sets].line
    gone = answer(repository, {}, {path: None})
    assert ("removed", "unset", "NEW") in told(gone.facts)


@pytest.mark.parametrize(
    ("path", "before", "after", "defaults"),
    [
        ("a.py", "import os\nos.getenv('A1', 'x')\n", "import os\nos.getenv('A1', 'y')\n", ("x", "y")),
        ("a.py", "import os\nos.getenv('A1') or 'x'\n", "import os\nos.getenv('A1') or 'y'\n", ("x", "y")),
        ("a.ts", "process.env.A1 || 'x'\n", "process.env.A1 ?? 'y'\n", ("x", "y")),
        ("a.go", 'getEnv("A1", "x")\n', 'getEnv("A1", "y")\n', ("x", "y")),
        ("a.rb", "ENV.fetch('A1', 'x')\n", "ENV.fetch('A1') { 'y' }\n", ("x", "y")),
        ("src/main/resources/application.yml", "a: ${A1:x}\n", "a: ${A1:y}\n", ("x", "y")),
        ("run.sh", "echo ${A1:-x}\n", "echo ${A1:-y}\n", ("x", "y")),
    ],
)
def test_another_default(repository: Repository, path: str, before: str, after: str, defaults: tuple[str, str]) -> None:
    found = answer(repository, {path: before}, {path: after})
    assert told(found.facts) == [("changed", "default", "A1")]
    assert (found.facts[0].before, found.facts[0].after) == defaults


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "a.py",
            "def app(environ, start):\n    return environ['wsgi.input'], environ['HTTP_HOST'], environ.get('X1')\n",
        ),
        ("run.sh", "echo \"$1\" ${1} ${2:-x}\nA1=1\necho $A1 $HOME\nawk '{print $NF}'\n# $OLD\n"),
        ("a.ts", "const a = `${x} ${NAME}`; // process.env.OLD\nimport.meta.env.DEV\n"),
        ("Makefile", "A1 := 1\nall:\n\techo $(A1)\n"),
        ("README.md", "Set `os.environ['NEW']`\n"),
        ("a.py", "from django.conf import settings\nsettings.DEBUG, settings.EMAIL_HOST, settings._wrapped\n"),
        ("a.py", "settings = object()\nsettings.SHOP_KEY\n"),
        ("shop/settings.py", "SHOP_KEY = 'a'\nDEBUG = True\n"),
        ("a.py", "# os.environ['NEW']\nx = \"os.getenv('OLD')\"\n"),
        ("node_modules/x/a.js", "process.env.NEW\n"),
        ("tsconfig.json", '{"compilerOptions": {"target": "ES6"}}'),
    ],
)
def test_what_only_looks_like_a_variable(repository: Repository, path: str, text: str) -> None:
    found = answer(repository, {"b.py": "x = 1\n"}, {path: text})
    assert (found.outcome, found.facts) == ("pass", ())
    assert found.examined >= 1


def test_a_read_that_moves_is_no_change(repository: Repository) -> None:
    read = "import os\nos.getenv('A1', 'x')\n"
    assert answer(repository, {"a.py": read, "b.py": "\n"}, {"a.py": "\n", "b.py": "#\n" + read}).outcome == "pass"


def test_a_setting_of_django_is_asked_for_and_given_somewhere(repository: Repository) -> None:
    asked = "from django.conf import settings\n\ndef f():\n    return settings.SHOP_KEY\n"
    settings = "try:\n    SHOP_KEY: str = 'a'\nfinally:\n    pass\n"
    for path in ("shop/settings.py", "shop/settings/base.py", "shop/settings_local.py"):
        found = answer(repository, {"a.py": "\n", path: settings}, {"a.py": asked})
        assert told(found.facts) == [("added", "read", "settings.SHOP_KEY")]
    found = answer(
        repository,
        {"a.py": "\n"},
        {"a.py": asked.replace("settings.S", "getattr(settings, 'S").replace("KEY", "KEY', 3)")},
    )
    assert [(fact.noun, fact.after) for fact in found.facts] == [("read", "3")]
    found = answer(repository, {"a.py": asked}, {"a.py": "\n"})
    assert told(found.facts) == [("removed", "read", "settings.SHOP_KEY")]


def test_a_prefix_of_options_is_a_name_made_at_run_time(repository: Repository) -> None:
    text = "import click\n@click.command(context_settings={'auto_envvar_prefix': 'SHOP'})\ndef run(): ...\n"
    found = answer(repository, {"a.py": "\n"}, {"a.py": text})
    assert found.outcome != "pass"
    assert "SHOP_*" in (found.why or "")


def test_a_value_that_moves_is_none_and_another_is_one(repository: Repository) -> None:
    found = answer(repository, {".env": "A1=x\nB1=y\n"}, {".env": "B1=z\n", "deploy.env": "A1=x\n"})
    assert told(found.facts) == [("changed", "set", "B1")]
    assert (found.facts[0].before, found.facts[0].after, found.facts[0].line) == ("y", "z", 1)


def test_tests_and_workflows_have_a_scope_of_their_own(repository: Repository) -> None:
    after: Files = {
        "tests/test_a.py": "import os\nos.environ['ONLY_TESTS']\n",
        ".github/workflows/ci.yml": "env:\n  A1: 1\njobs:\n  j:\n    env: {B1: 2}\n"
        "    steps:\n    - env:\n        C1: ${{ secrets.S1 }}\n",
    }
    found = answer(repository, {"a.py": "\n"}, after)
    assert {(fact.what, fact.scope) for fact in found.facts} == {
        ("ONLY_TESTS", "development"),
        *((name, "ci") for name in ("A1", "B1", "C1", "secrets.S1")),
    }
    assert "unset" not in {fact.noun for fact in found.facts}


def test_what_tests_read_already_is_news_of_production(repository: Repository) -> None:
    read = "import os\nos.environ['A1']\n"
    found = answer(repository, {"tests/test_a.py": read}, {"a.py": read})
    assert [(fact.what, fact.noun, fact.scope) for fact in found.facts] == [("A1", "unset", "production")]


def test_names_made_at_run_time_count_where_they_change(repository: Repository) -> None:
    made = "import os\ndef f(x):\n    return os.environ[x.name]\n"
    assert answer(repository, {"a.py": made, "b.py": "\n"}, {"b.py": "y = 1\n"}).outcome == "pass"
    found = answer(repository, {}, {"c.py": "import os\nos.environ[other()]\n"})
    assert (found.outcome, found.why) == ("not_checked", "names made at run time: c.py:2 other()")
    found = answer(repository, {}, {"d.py": "import click\nrun(auto_envvar_prefix='SHOP')\n"})
    assert found.why == "names made at run time: d.py:2 SHOP_*"


def test_a_default_that_is_gone_leaves_the_variable_unset(repository: Repository) -> None:
    found = answer(repository, {"a.py": "import os\nos.getenv('A1', 'x')\n"}, {"a.py": "import os\nos.environ['A1']\n"})
    assert told(found.facts) == [("changed", "unset", "A1")]
    assert (found.facts[0].before, found.facts[0].after) == ("x", "(required)")


def test_no_value_of_a_secret_is_told(repository: Repository) -> None:
    token = "ghp_" + "a1B2" * 9
    found = answer(
        repository, {".env": "A1=1\n"}, {".env": f"A1=1\nDB_PASSWORD=tr0ub4dor\nPLAIN={token}\nTOKEN_LIMIT=30\n"}
    )
    assert {fact.what: fact.after for fact in found.facts} == {
        "DB_PASSWORD": "***",
        "PLAIN": "***",
        "TOKEN_LIMIT": "30",
    }
    assert "tr0ub4dor" not in str(found.row())
    assert token not in str(found.row())


@pytest.mark.parametrize(
    ("path", "content", "why"),
    [
        ("a.py", b"import os\nos.environ['A1'\n", "a.py"),
        ("a.py", b"os.environ\xff\xfe\0", "a.py"),
        ("a.py", b"import os\nos.environ" + b"[" * 5_000, "a.py"),
        ("k8s/a.yaml", b"env: " + b"[" * 100_000, "k8s/a.yaml"),
        ("k8s/a.yaml", b"env:\n" + b"- " * 50_000, "k8s/a.yaml"),
        ("k8s/a.yaml", b"env: &a [*a]\n", "k8s/a.yaml"),
        (
            "k8s/a.yaml",
            b"a: &a [env,env]\n"
            + b"".join(b"%c: &%c [%s]\n" % (97 + n, 97 + n, b",".join([b"*%c" % (96 + n)] * 9)) for n in range(1, 12)),
            None,
        ),
        ("app.json", b'{"env":' * 100_000, "app.json"),
        ("a.ts", b"process.env." + b"a" * 1_000_000, None),
        ("a.go", b'os.Getenv("' * 100_000, None),
        ("run.sh", b"${" * 200_000, None),
        (".github/workflows/a.yml", b"run: " + b"${{" * 30_000, None),
        ("Dockerfile", b"ENV \\\n" * 100_000, None),
        (".env", b"=" * 1_000_000, None),
    ],
)
def test_hostile_files_leave_an_answer(repository: Repository, path: str, content: bytes, why: str | None) -> None:
    found = answer(repository, {"b.py": "x = 1\n"}, {path: content})
    if why is not None:
        assert found.outcome == "not_checked"
        assert why in (found.why or "")
    else:
        assert found.outcome in ("pass", "fail", "not_checked")


def test_nothing_looked_at_is_no_yes(repository: Repository) -> None:
    found = answer(repository, {"a.txt": "1\n"}, {"a.txt": "2\n"})
    assert (found.outcome, found.examined) == ("not_checked", 0)


@pytest.mark.parametrize(
    ("path", "name", "found"),
    [
        ("scripts/a_test.go", "PATH", []),
        ("tests/test_a.py", "HOME", []),
        (".github/scripts/a.py", "GITHUB_RUN_ID", []),
        ("tests/test_a.py", "OWN", [("added", "read", "OWN")]),
        ("shop/a.py", "HOME", [("added", "read", "HOME")]),
    ],
)
def test_what_every_process_has_is_no_news_of_a_script_or_a_test(
    repository: Repository, path: str, name: str, found: list[tuple[str, str, str]]
) -> None:
    go = f'package a\nimport "os"\nvar x = os.Getenv("{name}")\n'
    text = go if path.endswith(".go") else f"import os\nos.getenv('{name}')\n"
    row = answer(repository, {"b.py": "import os\n"}, {path: text})
    assert told(row.facts) == found
