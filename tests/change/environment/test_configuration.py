"""Which settings of the running system a range changes: every format, on repositories built here."""

from __future__ import annotations

from pathlib import Path

import pytest

from stabkit.change.environment.configuration import answer_configuration, is_configuration
from stabkit.change.facts import Answer
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
    return answer_configuration(Snapshots(git, base, head, read_changes(git, base, head)))


@pytest.mark.parametrize(
    ("path", "before", "after", "fact"),
    [
        ("config/app.yml", "web:\n  port: 80\n", "web:\n  # more\n  port: 81\n", ("web.port", 3, "80", "81", True)),
        ("config/app.yml", "a: '1'\n", "a: 1\n", ("a", 1, "1", "1", True)),
        ("config/app.yml", "a: &x {b: 1}\nc: *x\n", "a: &x {b: 2}\nc: {b: 1}\n", ("a.b", 1, "1", "2", True)),
        (
            "k8s/web.yaml",
            "kind: A\nmetadata: {name: n}\n---\nkind: B\nmetadata: {name: m}\nspec: 1\n",
            "kind: A\nmetadata: {name: n}\n---\nkind: B\nmetadata: {name: m}\nspec: 2\n",
            ("B/m: spec", 6, "1", "2", True),
        ),
        ("template.yaml", "R: !Ref A\n", "R: !Ref B\n", ("R", 1, "!Ref A", "!Ref B", True)),
        (
            "chart/templates/web.yaml",
            "{{- if .a }}\nspec:\n  n: 1\n{{- end }}\n",
            "{{- if .a }}\nspec:\n  n: 2\n{{- end }}\n",
            ("spec.n", 3, "1", "2", False),
        ),
        ("config/app.toml", "[web]\nport = 80\n", "[web]\nport = 81\n", ("web.port", 2, "80", "81", True)),
        ("config/app.json", '{"web": {"port": 80}}', '{\n\t"web": {"port": 81}}', ("web.port", 2, "80", "81", True)),
        (
            "appsettings.json",
            '{"Url": "http://a"} // c',
            '{"Url": "http://b",}',
            ("Url", 1, "http://a", "http://b", True),
        ),
        ("config/app.ini", "[web]\nport = 80\n", "[web]\nport: 81\n", ("web.port", 2, "80", "81", True)),
        ("app.properties", "a.b=1\n", "a.b=2\n", ("a.b", 1, "1", "2", True)),
        (".env.production", "A=1\n", "A=2\n", ("A", 1, "1", "2", True)),
        (
            "web.config",
            '<c><add key="a" value="1"/></c>',
            '<c>\n<add key="a" value="2"/></c>',
            ("c/add[a]@value", 2, "1", "2", True),
        ),
        (
            "src/main/resources/application.xml",
            "<c><port>80</port></c>",
            "<c><port>81</port></c>",
            ("c/port", 1, "80", "81", True),
        ),
        (
            "nginx/site.conf",
            "server {\n  listen 80;\n}\n",
            "server {\n  listen 81; # why\n}\n",
            ("server/listen", 2, "80", "81", False),
        ),
        ("shop/settings.py", "DEBUG = False\n", "# why\nDEBUG = True\n", ("DEBUG", 2, "False", "True", True)),
        (
            "shop/settings/base.py",
            "DB = {'default': {'HOST': 'a'}}\n",
            "DB = {'default': {'HOST': 'b'}}\n",
            ("DB.default.HOST", 1, "a", "b", True),
        ),
        (
            "shop/config.py",
            "class Production:\n    WORKERS = 1\n",
            "class Production:\n    WORKERS = 2\n",
            ("Production.WORKERS", 2, "1", "2", True),
        ),
    ],
)
def test_another_value(
    repository: Repository, path: str, before: str, after: str, fact: tuple[str, int, str, str, bool]
) -> None:
    found = answer(repository, {path: before}, {path: after})
    assert [(f.what, f.line, f.before, f.after, f.proven) for f in found.facts] == [fact]
    assert (found.facts[0].change, found.facts[0].path, found.outcome) == ("changed", path, "fail")


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("config/app.yml", "a: 1\nb: 'x'\n", "# why\nb: x\na: 1\n"),
        ("config/app.yml", "a: yes\n", "a: true\n"),
        ("config/app.yml", "base: &b {x: 1}\nweb:\n  <<: *b\n", "base: {x: 1}\nweb: {x: 1}\n"),
        ("config/app.json", '{"a": 1, "b": [1, 2]}', '{\n  "b": [1, 2],\n  "a": 1\n}\n'),
        ("config/app.toml", "a = 'x'\n[b]\nc = 1\n", 'a = "x" # why\n[b]\nc = 1\n'),
        ("config/app.ini", "[a]\nb=1\nc = 2\n", "[a]\n; why\nc: 2\nb: 1\n"),
        ("nginx/site.conf", "server {\n  listen 80;\n}\n", "server {\n# why\n    listen  80;\n}\n"),
        ("shop/settings.py", "A1 = 'x'\n", 'A1 = "x"  # why\n'),
        (".env", "A=x\n", 'A="x" # why\n'),
    ],
)
def test_written_otherwise_is_no_change(repository: Repository, path: str, before: str, after: str) -> None:
    found = answer(repository, {path: before}, {path: after})
    assert (found.outcome, found.facts, found.examined) == ("pass", (), 1)


@pytest.mark.parametrize(
    "path",
    [
        "locale/de.json",
        "src/i18n/en.yml",
        "messages_de.properties",
        "tsconfig.json",
        "tsconfig.app.json",
        ".eslintrc.json",
        ".prettierrc.yaml",
        "package.json",
        "package-lock.json",
        "jest.config.json",
        "tests/fixtures/a.yml",
        "tests/conftest.yml",
        ".github/workflows/ci.yml",
        ".gitlab-ci.yml",
        "docs/a.yml",
        "mkdocs.yml",
        "openapi.yaml",
        "api/swagger.json",
        "data/samples.json",
        "pyproject.toml",
        "setup.cfg",
        "tox.ini",
        ".pre-commit-config.yaml",
        "dashboards/a.json",
    ],
)
def test_what_the_running_system_does_not_read(path: str) -> None:
    assert not is_configuration(path)


@pytest.mark.parametrize(
    "path",
    [
        "config/app.yml",
        "application.yml",
        "src/main/resources/application-prod.properties",
        "k8s/web.yaml",
        "chart/values.yaml",
        "docker-compose.yml",
        "appsettings.Production.json",
        "nginx/nginx.conf",
        "shop/settings.py",
        "config/settings/production.py",
        ".env",
        "alembic.ini",
        "logback.xml",
        "deploy/task.json",
        "config/database.yml",
    ],
)
def test_what_the_running_system_reads(path: str) -> None:
    assert is_configuration(path)


def test_keys_come_and_go_with_masked_values(repository: Repository) -> None:
    found = answer(
        repository,
        {"config/app.yml": "old: 1\nhosts: [a, b]\n"},
        {"config/app.yml": "db:\n  password: tr0ub4dor\nhosts: [a, b, c]\n"},
    )
    assert [(f.change, f.what, f.before, f.after) for f in found.facts] == [
        ("added", "db.password", None, "***"),
        ("changed", "hosts", "[a, b]", "[a, b, c]"),
        ("removed", "old", "1", None),
    ]


def test_a_list_of_named_things_is_told_by_name(repository: Repository) -> None:
    found = answer(
        repository,
        {"k8s/a.yml": "c:\n- name: web\n  image: a:1\n"},
        {"k8s/a.yml": "c:\n- name: proxy\n  image: b:1\n- name: web\n  image: a:2\n"},
    )
    assert [f.what for f in found.facts] == ["c[proxy].image", "c[proxy].name", "c[web].image"]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("config/a.yml", b"a: [\n"),
        ("config/a.yml", b"\xff\xfe\0\0"),
        ("config/a.yml", b"[" * 100_000),
        ("config/a.yml", b"a: &a [*a]\n"),
        (
            "config/a.yml",
            b"a: &a [x,x]\n"
            + b"".join(b"%c: &%c [%s]\n" % (97 + n, 97 + n, b",".join([b"*%c" % (96 + n)] * 9)) for n in range(1, 12)),
        ),
        ("config/a.json", b'{"a":' * 100_000),
        ("config/a.toml", b"a = " + b"[" * 100_000),
        ("config/a.toml", b"a = \n"),
        ("config/a.ini", b"[a\nb"),
        ("config/web.xml", b'<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'),
        ("config/web.xml", b"<a>" * 100_000),
        ("config/web.xml", b"<a"),
        ("shop/settings.py", b"A = (\n"),
        ("shop/settings.py", b"A = " + b"-" * 100_000 + b"1"),
    ],
)
def test_hostile_files_are_named_and_the_others_told(repository: Repository, path: str, content: bytes) -> None:
    found = answer(repository, {"k8s/ok.yml": "a: 1\n"}, {"k8s/ok.yml": "a: 2\n", path: content})
    assert [f.path for f in found.facts if f.path == "k8s/ok.yml"] == ["k8s/ok.yml"]
    assert path in (found.why or "") or any(not f.proven for f in found.facts)


def test_no_configuration_is_no_yes(repository: Repository) -> None:
    found = answer(repository, {"a.py": "x = 1\n"}, {"a.py": "x = 2\n"})
    assert (found.outcome, found.examined, found.why) == ("not_checked", 0, "no configuration files found")
