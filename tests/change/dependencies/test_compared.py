"""Whether the versions that both ends resolve are told apart, in each ecosystem; on repositories built here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stabkit.change.dependencies import answer_dependencies
from stabkit.change.facts import Answer
from stabkit.change.git import Git
from stabkit.change.ranges import read_changes
from stabkit.change.snapshots import Snapshots
from tests.change.repositories import Repository

Files = dict[str, str | bytes | None]
Row = tuple[str, int | None, str, str | None, str | None, str]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo")


def answer(repository: Repository, before: Files, after: Files) -> Answer:
    base = repository.write("before", before)
    head = repository.write("after", after)
    git = Git(repository.folder)
    return answer_dependencies(Snapshots(git, base, head, read_changes(git, base, head)))


def rows(found: Answer) -> list[Row]:
    return [(fact.path, fact.line, fact.what, fact.before, fact.after, fact.scope) for fact in found.facts]


def swapped(text: str, *pair: str) -> tuple[str, str]:
    assert pair[0] in text
    return text, text.replace(*pair, 1)


PROJECT = """[build-system]
requires = ["hatchling>=1.27"]

[project]
name = "shop"
requires-python = ">=3.11"
dependencies = [
    "requests[socks]>=2.0",
    "flask~=2.1",
]

[project.optional-dependencies]
pg = ["psycopg>=3.0"]
docs = ["sphinx>=7"]

[dependency-groups]
lint = ["ruff>=0.5"]

[tool.poetry.dependencies]
celery = "^5.1"

[tool.poetry.group.dev.dependencies]
black = "24.1"

[tool.pdm.dev-dependencies]
t = ["tox==4.1"]

[tool.uv]
dev-dependencies = ["nox==2024.1"]

[tool.hatch.envs.default]
dependencies = ["coverage==7.1"]
"""
UV = """version = 1

[[package]]
name = "shop"
version = "0.1"
source = { editable = "." }
dependencies = [{ name = "a" }]

[package.dev-dependencies]
dev = [{ name = "c" }]

[[package]]
name = "a"
version = "1.2"
source = { registry = "https://packages.example/" }
dependencies = [{ name = "b" }]
sdist = { url = "https://x.example/a.tar.gz", hash = "sha256:aaaa" }

[[package]]
name = "b"
version = "2.0"
source = { registry = "https://packages.example/" }

[[package]]
name = "c"
version = "3.0"
source = { registry = "https://packages.example/" }
"""
NPM = {
    "lockfileVersion": 3,
    "packages": {
        "": {"dependencies": {"left": "^1.0.0"}, "devDependencies": {"jest": "^29.0.0"}},
        "node_modules/left": {
            "version": "1.0.0",
            "resolved": "https://packages.example/l.tgz",
            "integrity": "sha512-a",
        },
        "node_modules/deep": {"version": "4.0.0", "integrity": "sha512-b"},
        "node_modules/jest": {"version": "29.0.0", "dev": True},
    },
}
NPM_3 = json.dumps(NPM, indent=2)
NPM_1 = json.dumps(
    {"dependencies": {"left": {"version": "1.0.0", "dependencies": {"deep": {"version": "4.0.0"}}}}}, indent=1
)
PACKAGE = '{\n "dependencies": {\n  "left": "^1.0.0"\n },\n "devDependencies": {\n  "jest": "^29.0.0"\n }\n}\n'
JAVASCRIPT_HOSTS = (".".join(("yarnpkg", "com")), ".".join(("npmjs", "org")))
YARN_1 = """# yarn lockfile v1


"@scope/a@^1.0.0", "@scope/a@^1.1.0":
  version "1.1.0"
  resolved "https://packages.example/a.tgz#abc"
  integrity sha512-aaa
  dependencies:
    left "^1.0.0"

left@^1.0.0:
  version "1.0.0"
"""
YARN_2 = """__metadata:
  version: 6

"left@npm:^1.0.0":
  version: 1.0.0
  resolution: "left@npm:1.0.0"
  checksum: 10c0/abc
  languageName: node
  linkType: hard
"""
PNPM = """lockfileVersion: '9.0'

importers:
  .:
    dependencies:
      left:
        specifier: ^1.0.0
        version: 1.0.0
    devDependencies:
      jest:
        specifier: ^29.0.0
        version: 29.0.0

packages:

  deep@4.0.0:
    resolution: {integrity: sha512-d}

  jest@29.0.0:
    resolution: {integrity: sha512-j}

  left@1.0.0:
    resolution: {integrity: sha512-l}

snapshots:

  left@1.0.0:
    dependencies:
      deep: 4.0.0
"""
GO = """module shop

go 1.21

require (
\tgithub.com/a/b v1.2.3
\tgithub.com/c/d v0.1.0 // indirect
)

replace github.com/a/b => ../b
"""
CARGO = """[package]
name = "shop"

[dependencies]
serde = { version = "1.0", features = ["derive", "rc"] }
tokio = "1.30"

[dev-dependencies]
insta = "1.1"

[build-dependencies]
cc = "1.0.1"

[target.'cfg(unix)'.dependencies]
nix = "0.27"
"""
CARGO_LOCK = """[[package]]
name = "shop"
version = "0.1.0"
dependencies = ["serde"]

[[package]]
name = "serde"
version = "1.0.1"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "aaaa"
"""
POM = """<project>
  <properties>
    <jackson.version>2.15.0</jackson.version>
  </properties>
  <!-- <dependency><artifactId>gone</artifactId><version>1</version></dependency> -->
  <dependencies>
    <dependency>
      <groupId>com.fasterxml</groupId>
      <artifactId>jackson</artifactId>
      <version>${jackson.version}</version>
    </dependency>
    <dependency>
      <groupId>junit</groupId>
      <artifactId>junit</artifactId>
      <version>4.12</version>
      <scope>test</scope>
    </dependency>
  </dependencies>
</project>
"""
GRADLE = """plugins {
    id("org.springframework.boot") version "3.1.0"
}
val coroutines = "1.7.0"
dependencies {
    implementation("com.squareup:okhttp:4.11.0")
    implementation "org.x:core:$coroutines"
    testImplementation 'junit:junit:4.12'
    api(group: 'g', name: 'n', version: '1.0')
    // implementation("dead:code:1.0")
}
"""
CATALOG = """[versions]
okhttp = "4.11.0"

[libraries]
http = { module = "com.squareup:okhttp", version.ref = "okhttp" }
plain = "g:n:1.0"

[plugins]
boot = { id = "org.boot", version = "3.1.0" }
"""
GEMFILE = """source "https://rubygems.org"
ruby "3.2.0"
gem "rails", "~> 7.0", ">= 7.0.4"
group :development, :test do
  gem "rspec", "3.12.0" # why
end
"""
GEM_LOCK = """GEM
  remote: https://rubygems.org/
  specs:
    rails (7.0.4)
      rack (>= 2)
    rack (2.2.0)

DEPENDENCIES
  rails (~> 7.0)
"""
COMPOSER = '{\n "require": {\n  "php": ">=8.1",\n  "a/b": "^1.0"\n },\n "require-dev": {\n  "c/d": "^2.0"\n }\n}\n'
COMPOSER_LOCK = json.dumps(
    {"packages": [{"name": "a/b", "version": "v1.0.0", "source": {"reference": "aaa"}}], "packages-dev": []}, indent=1
)
CSPROJ = (
    '<Project>\n <ItemGroup>\n  <PackageReference Include="Serilog" Version="3.0.0" />\n </ItemGroup>\n</Project>\n'
)
NUGET = json.dumps(
    {"dependencies": {"net8.0": {"Serilog": {"type": "Direct", "resolved": "3.0.0", "contentHash": "a"}}}}, indent=1
)
DOCKER = """ARG PY=3.11
FROM python:${PY}-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \\
    curl=7.88 \\
    git
RUN pip install --no-cache-dir 'gunicorn==20.0' -r requirements.txt
RUN npm install -g pnpm@8.0.0
FROM build AS test
FROM gcr.io/distroless/base@sha256:aaaa
COPY --from=ghcr.io/astral/uv:0.4 /uv /uv
COPY --from=build /x /x
"""
COMPOSE = "services:\n  db:\n    image: postgres:15\n  cache:\n    image: redis:7\n"
K8S = "apiVersion: apps/v1\nkind: Deployment\nspec:\n  containers:\n    - name: web\n      image: shop/web:1.4\n"
WORKFLOW = """on: push
jobs:
  a:
    runs-on: ubuntu-22.04
    container: node:18
    services:
      db:
        image: postgres:15
    steps:
      - uses: actions/checkout@v3
      - uses: ./.github/actions/own
      - run: |
          echo hi
          pip install tox==4.0
"""
PIPFILE = '[packages]\nflask = "==2.0"\n\n[dev-packages]\npytest = "*"\n'
PIPFILE_LOCK = json.dumps({"default": {"flask": {"version": "==2.0", "hashes": ["sha256:a"]}}, "develop": {}}, indent=1)
SETUP = """from setuptools import setup
REQUIRES = ["flask>=2.0"]
setup(
    install_requires=REQUIRES + ["attrs>=21"],
    extras_require={"dev": ["pytest>=7"], "pg": ["psycopg>=3"]},
    python_requires=">=3.8",
)
"""
SETUP_CFG = "[options]\ninstall_requires =\n    flask>=2.0\n\n[options.extras_require]\ntest =\n    pytest>=7\n"
CONDA = "name: x\ndependencies:\n  - python=3.11\n  - numpy>=1.20\n  - pip:\n    - flask==2.0\n"
POETRY = '[[package]]\nname = "a"\nversion = "1.0"\ngroups = ["main"]\nfiles = [{file = "a.whl", hash = "sha256:1"}]\n'
PRODUCTION, DEVELOPMENT, CI = "production", "development", "ci"


@pytest.mark.parametrize(
    ("path", "text", "pair", "row"),
    [
        ("pyproject.toml", PROJECT, ("socks]>=2.0", "socks]>=2.1"), (8, "requests", ">=2.0", ">=2.1", PRODUCTION)),
        ("pyproject.toml", PROJECT, ("[socks]", ""), (8, "requests", "extras socks", "extras none", PRODUCTION)),
        ("pyproject.toml", PROJECT, ("flask~=2.1", "flask~=3.0"), (9, "flask", "~=2.1", "~=3.0", PRODUCTION)),
        ("pyproject.toml", PROJECT, (">=3.11", ">=3.12"), (6, "python", ">=3.11", ">=3.12", PRODUCTION)),
        ("pyproject.toml", PROJECT, ("psycopg>=3.0", "psycopg>=3.1"), (13, "psycopg", ">=3.0", ">=3.1", PRODUCTION)),
        ("pyproject.toml", PROJECT, ("sphinx>=7", "sphinx>=8"), (14, "sphinx", ">=7", ">=8", DEVELOPMENT)),
        ("pyproject.toml", PROJECT, ("ruff>=0.5", "ruff>=0.6"), (17, "ruff", ">=0.5", ">=0.6", DEVELOPMENT)),
        ("pyproject.toml", PROJECT, ("ling>=1.27", "ling>=1.28"), (2, "hatchling", ">=1.27", ">=1.28", DEVELOPMENT)),
        ("pyproject.toml", PROJECT, ('"^5.1"', '"^5.2"'), (20, "celery", "^5.1", "^5.2", PRODUCTION)),
        ("pyproject.toml", PROJECT, ('"24.1"', '"25.1"'), (23, "black", "^24.1", "^25.1", DEVELOPMENT)),
        ("pyproject.toml", PROJECT, ("tox==4.1", "tox==4.2"), (26, "tox", "4.1", "4.2", DEVELOPMENT)),
        ("pyproject.toml", PROJECT, ("nox==2024.1", "nox==2025.1"), (29, "nox", "2024.1", "2025.1", DEVELOPMENT)),
        ("pyproject.toml", PROJECT, ("age==7.1", "age==7.2"), (32, "coverage", "7.1", "7.2", DEVELOPMENT)),
        ("requirements.txt", "a==1.0\nb==2.0\n", ("b==2.0", "b==2.1"), (2, "b", "2.0", "2.1", PRODUCTION)),
        ("requirements-dev.txt", "a==1.0\n", ("1.0", "2.0"), (1, "a", "1.0", "2.0", DEVELOPMENT)),
        ("requirements/test.in", "a>=1.0\n", ("1.0", "2.0"), (1, "a", ">=1.0", ">=2.0", DEVELOPMENT)),
        (
            "requirements.txt",
            "a==1.0 \\\n    --hash=sha256:aa\n",
            ("sha256:aa", "sha256:bb"),
            (1, "a", "hash sha256:aa", "hash sha256:bb", PRODUCTION),
        ),
        (
            "requirements.txt",
            "-r base.txt\n-e git+https://x.example/a.git@1#egg=a\n",
            ("@1#", "@2#"),
            (
                2,
                "a",
                "source git+https://x.example/a.git@1#egg=a",
                "source git+https://x.example/a.git@2#egg=a",
                PRODUCTION,
            ),
        ),
        ("Pipfile", PIPFILE, ("==2.0", "==2.1"), (2, "flask", "2.0", "2.1", PRODUCTION)),
        ("Pipfile.lock", PIPFILE_LOCK, ("==2.0", "==2.1"), (3, "flask", "2.0", "2.1", PRODUCTION)),
        ("setup.py", SETUP, ("flask>=2.0", "flask>=2.1"), (2, "flask", ">=2.0", ">=2.1", PRODUCTION)),
        ("setup.py", SETUP, ("pytest>=7", "pytest>=8"), (5, "pytest", ">=7", ">=8", DEVELOPMENT)),
        ("setup.cfg", SETUP_CFG, ("flask>=2.0", "flask>=2.1"), (3, "flask", ">=2.0", ">=2.1", PRODUCTION)),
        ("environment.yml", CONDA, ("numpy>=1.20", "numpy>=1.21"), (4, "numpy", ">=1.20", ">=1.21", PRODUCTION)),
        ("environment.yml", CONDA, ("flask==2.0", "flask==2.1"), (6, "flask", "2.0", "2.1", PRODUCTION)),
        ("poetry.lock", POETRY, ('"1.0"', '"1.1"'), (2, "a", "1.0", "1.1", PRODUCTION)),
        (
            "pylock.toml",
            POETRY.replace("[[package]]", "[[packages]]"),
            ('"1.0"', '"1.1"'),
            (2, "a", "1.0", "1.1", PRODUCTION),
        ),
        ("pdm.lock", POETRY, ("sha256:1", "sha256:2"), (2, "a", "hash sha256:1", "hash sha256:2", PRODUCTION)),
        ("uv.lock", UV, ('"2.0"', '"2.1"'), (20, "b", "2.0", "2.1", PRODUCTION)),
        ("uv.lock", UV, ('"3.0"', '"4.0"'), (25, "c", "3.0", "4.0", DEVELOPMENT)),
        ("package.json", PACKAGE, ("^1.0.0", "^2.0.0"), (3, "left", "^1.0.0", "^2.0.0", PRODUCTION)),
        ("package.json", PACKAGE, ("^29.0.0", "^30.0.0"), (6, "jest", "^29.0.0", "^30.0.0", DEVELOPMENT)),
        ("package-lock.json", NPM_3, ('"4.0.0"', '"4.0.1"'), (17, "deep", "4.0.0", "4.0.1", PRODUCTION)),
        ("package-lock.json", NPM_3, ('"29.0.0"', '"29.1.0"'), (21, "jest", "29.0.0", "29.1.0", DEVELOPMENT)),
        (
            "npm-shrinkwrap.json",
            NPM_3,
            ("sha512-b", "sha512-c"),
            (17, "deep", "hash sha512-b", "hash sha512-c", PRODUCTION),
        ),
        ("package-lock.json", NPM_1, ('"4.0.0"', '"4.1.0"'), (6, "deep", "4.0.0", "4.1.0", PRODUCTION)),
        ("yarn.lock", YARN_1, ('"1.1.0"\n', '"1.2.0"\n'), (4, "@scope/a", "1.1.0", "1.2.0", PRODUCTION)),
        (
            "yarn.lock",
            YARN_1,
            ("sha512-aaa", "sha512-bbb"),
            (4, "@scope/a", "hash sha512-aaa", "hash sha512-bbb", PRODUCTION),
        ),
        ("yarn.lock", YARN_2, ("version: 1.0.0", "version: 1.0.1"), (4, "left", "1.0.0", "1.0.1", PRODUCTION)),
        ("pnpm-lock.yaml", PNPM, ("deep@4.0.0:", "deep@4.1.0:"), (16, "deep", "4.0.0", "4.1.0", PRODUCTION)),
        ("pnpm-lock.yaml", PNPM, ("jest@29.0.0:", "jest@29.1.0:"), (19, "jest", "29.0.0", "29.1.0", DEVELOPMENT)),
        (
            "bun.lock",
            '{\n "packages": {\n  "a": ["a@1.0.0", "", {}, "sha512-x"],\n }\n}\n',
            ("1.0.0", "1.1.0"),
            (3, "a", "1.0.0", "1.1.0", PRODUCTION),
        ),
        ("go.mod", GO, ("v1.2.3", "v1.3.0"), (6, "github.com/a/b", "v1.2.3", "v1.3.0", PRODUCTION)),
        ("go.mod", GO, ("v0.1.0", "v0.2.0"), (7, "github.com/c/d", "v0.1.0", "v0.2.0", PRODUCTION)),
        ("go.mod", GO, ("1.21", "1.22"), (3, "go", "1.21", "1.22", PRODUCTION)),
        (
            "go.sum",
            "a v1.0.0 h1:x=\na v1.0.0/go.mod h1:y=\n",
            ("h1:x=", "h1:z="),
            (1, "a", "hash h1:x=", "hash h1:z=", PRODUCTION),
        ),
        ("Cargo.toml", CARGO, ("1.30", "1.31"), (6, "tokio", "1.30", "1.31", PRODUCTION)),
        ("Cargo.toml", CARGO, ('"1.1"', '"1.2"'), (9, "insta", "1.1", "1.2", DEVELOPMENT)),
        ("Cargo.toml", CARGO, ('"1.0.1"', '"1.0.2"'), (12, "cc", "1.0.1", "1.0.2", DEVELOPMENT)),
        ("Cargo.toml", CARGO, ("0.27", "0.28"), (15, "nix", "0.27", "0.28", PRODUCTION)),
        ("Cargo.toml", CARGO, (', "rc"', ""), (5, "serde", "features derive,rc", "features derive", PRODUCTION)),
        ("Cargo.lock", CARGO_LOCK, ('"1.0.1"', '"1.0.2"'), (7, "serde", "1.0.1", "1.0.2", PRODUCTION)),
        ("pom.xml", POM, ("2.15.0", "2.16.0"), (10, "com.fasterxml:jackson", "2.15.0", "2.16.0", PRODUCTION)),
        ("pom.xml", POM, ("4.12", "4.13"), (15, "junit:junit", "4.12", "4.13", DEVELOPMENT)),
        ("build.gradle.kts", GRADLE, ("4.11.0", "4.12.0"), (6, "com.squareup:okhttp", "4.11.0", "4.12.0", PRODUCTION)),
        ("build.gradle", GRADLE, ("1.7.0", "1.8.0"), (7, "org.x:core", "1.7.0", "1.8.0", PRODUCTION)),
        ("build.gradle", GRADLE, ("4.12'", "4.13'"), (8, "junit:junit", "4.12", "4.13", DEVELOPMENT)),
        ("build.gradle", GRADLE, ("'1.0'", "'1.1'"), (9, "g:n", "1.0", "1.1", PRODUCTION)),
        ("build.gradle", GRADLE, ("3.1.0", "3.2.0"), (2, "org.springframework.boot", "3.1.0", "3.2.0", DEVELOPMENT)),
        (
            "gradle/libs.versions.toml",
            CATALOG,
            ("4.11.0", "4.12.0"),
            (2, "com.squareup:okhttp", "4.11.0", "4.12.0", PRODUCTION),
        ),
        ("gradle/libs.versions.toml", CATALOG, ("n:1.0", "n:1.1"), (6, "g:n", "1.0", "1.1", PRODUCTION)),
        ("gradle.lockfile", "a:b:1.0=runtimeClasspath\n", ("1.0", "1.1"), (1, "a:b", "1.0", "1.1", PRODUCTION)),
        ("Gemfile", GEMFILE, ("~> 7.0", "~> 7.1"), (3, "rails", ">=7.0.4,~>7.0", ">=7.0.4,~>7.1", PRODUCTION)),
        ("Gemfile", GEMFILE, ("3.12.0", "3.13.0"), (5, "rspec", "3.12.0", "3.13.0", DEVELOPMENT)),
        ("Gemfile.lock", GEM_LOCK, ("2.2.0", "2.2.1"), (6, "rack", "2.2.0", "2.2.1", PRODUCTION)),
        ("composer.json", COMPOSER, ("^1.0", "^1.1"), (4, "a/b", "^1.0", "^1.1", PRODUCTION)),
        ("composer.lock", COMPOSER_LOCK, ("v1.0.0", "v1.1.0"), (4, "a/b", "1.0.0", "1.1.0", PRODUCTION)),
        ("Shop.csproj", CSPROJ, ("3.0.0", "3.1.0"), (3, "serilog", "3.0.0", "3.1.0", PRODUCTION)),
        (
            "Directory.Packages.props",
            CSPROJ.replace("Reference", "Version"),
            ("3.0.0", "3.1.0"),
            (3, "serilog", "3.0.0", "3.1.0", PRODUCTION),
        ),
        ("packages.lock.json", NUGET, ("3.0.0", "3.1.0"), (4, "serilog", "3.0.0", "3.1.0", PRODUCTION)),
        ("Dockerfile", DOCKER, ("PY=3.11", "PY=3.12"), (1, "python", "3.11-slim", "3.12-slim", PRODUCTION)),
        ("Dockerfile", DOCKER, ("curl=7.88", "curl=8.0"), (4, "curl", "7.88", "8.0", PRODUCTION)),
        ("Dockerfile", DOCKER, ("corn==20.0", "corn==21.0"), (6, "gunicorn", "20.0", "21.0", PRODUCTION)),
        ("Dockerfile", DOCKER, ("pnpm@8.0.0", "pnpm@9.0.0"), (7, "pnpm", "8.0.0", "9.0.0", PRODUCTION)),
        ("Dockerfile", DOCKER, ("uv:0.4", "uv:0.5"), (10, "ghcr.io/astral/uv", "0.4", "0.5", PRODUCTION)),
        (
            "web/Dockerfile.prod",
            DOCKER,
            ("sha256:aaaa", "sha256:bbbb"),
            (9, "gcr.io/distroless/base", "digest sha256:aaaa", "digest sha256:bbbb", PRODUCTION),
        ),
        ("docker-compose.yml", COMPOSE, ("postgres:15", "postgres:16"), (3, "postgres", "15", "16", PRODUCTION)),
        ("compose.dev.yaml", COMPOSE, ("redis:7", "redis:8"), (5, "redis", "7", "8", DEVELOPMENT)),
        ("infra/web.yaml", K8S, (":1.4", ":1.5"), (6, "shop/web", "1.4", "1.5", PRODUCTION)),
        (
            "chart/values.yaml",
            "image:\n  repository: shop/web\n  tag: '1.4'\n",
            ("1.4", "1.5"),
            (3, "shop/web", "1.4", "1.5", PRODUCTION),
        ),
        (".github/workflows/a.yml", WORKFLOW, ("checkout@v3", "checkout@v4"), (10, "actions/checkout", "v3", "v4", CI)),
        (".github/workflows/a.yml", WORKFLOW, ("node:18", "node:20"), (5, "node", "18", "20", CI)),
        (".github/workflows/a.yml", WORKFLOW, ("postgres:15", "postgres:16"), (8, "postgres", "15", "16", CI)),
        (".github/workflows/a.yml", WORKFLOW, ("tox==4.0", "tox==4.1"), (14, "tox", "4.0", "4.1", CI)),
        (
            ".gitlab-ci.yml",
            "image: python:3.11\nt:\n  script:\n    - pip install tox==4.0\n",
            ("3.11", "3.12"),
            (1, "python", "3.11", "3.12", CI),
        ),
        (".gitlab-ci.yml", "t:\n  script:\n    - pip install tox==4.0\n", ("4.0", "4.1"), (3, "tox", "4.0", "4.1", CI)),
        (
            ".circleci/config.yml",
            "orbs:\n  node: circleci/node@5.0\n",
            ("5.0", "5.1"),
            (2, "circleci/node", "5.0", "5.1", CI),
        ),
        ("Jenkinsfile", "docker.image('maven:3.8').inside {}\n", ("3.8", "3.9"), (1, "maven", "3.8", "3.9", CI)),
        ("azure-pipelines.yml", "steps:\n  - task: UsePython@0\n", ("@0", "@1"), (2, "UsePython", "0", "1", CI)),
        (
            ".pre-commit-config.yaml",
            "repos:\n  - repo: https://github.com/a/b\n    rev: v1.0\n",
            ("v1.0", "v1.1"),
            (3, "github.com/a/b", "v1.0", "v1.1", DEVELOPMENT),
        ),
        (
            "Chart.yaml",
            "name: x\ndependencies:\n  - name: redis\n    version: 17.0.0\n",
            ("17.0.0", "18.0.0"),
            (4, "redis", "17.0.0", "18.0.0", PRODUCTION),
        ),
        (
            ".terraform.lock.hcl",
            'provider "r/aws" {\n  version = "5.0"\n}\n',
            ("5.0", "5.1"),
            (1, "r/aws", "5.0", "5.1", PRODUCTION),
        ),
        (
            ".github/workflows/a.yml",
            "jobs:\n  a:\n    steps:\n      - uses: a/b@v1\n        with:\n          node-version: 18\n",
            ("18", "20"),
            (6, "node", "18", "20", CI),
        ),
        (
            "gradle.properties",
            "org.gradle.jvmargs=-x\nokhttpVersion=4.1\n",
            ("4.1", "4.2"),
            (2, "okhttpVersion", "4.1", "4.2", PRODUCTION),
        ),
        (
            "gradle/wrapper/gradle-wrapper.properties",
            "distributionUrl=https\\://s.example/gradle-8.1-bin.zip\n",
            ("8.1", "8.2"),
            (1, "gradle", "8.1", "8.2", DEVELOPMENT),
        ),
        (
            "rust-toolchain.toml",
            '[toolchain]\nchannel = "1.70"\n',
            ("1.70", "1.71"),
            (2, "rust", "1.70", "1.71", PRODUCTION),
        ),
        (
            "Dockerfile",
            "FROM a:1\nENV NODE_VERSION=18.1\nRUN curl -L x.example/$NODE_VERSION\n",
            ("18.1", "18.2"),
            (2, "NODE_VERSION", "18.1", "18.2", PRODUCTION),
        ),
        (".nvmrc", "v18\n", ("18", "20"), (1, "node", "18", "20", PRODUCTION)),
        (
            "pubspec.yaml",
            "name: x\ndependencies:\n  http: ^1.0.0\n",
            ("^1.0.0", "^1.1.0"),
            (3, "http", "^1.0.0", "^1.1.0", PRODUCTION),
        ),
        (
            "mix.lock",
            '%{\n  "a": {:hex, :a, "1.0.0", "' + "ab" * 32 + '"},\n}\n',
            ("1.0.0", "1.1.0"),
            (2, "a", "1.0.0", "1.1.0", PRODUCTION),
        ),
    ],
)
def test_another_version_is_one_row_where_it_stands(
    repository: Repository, path: str, text: str, pair: tuple[str, str], row: tuple[int, str, str, str, str]
) -> None:
    before, after = swapped(text, *pair)
    found = answer(repository, {path: before}, {path: after})
    assert found.outcome == "fail"
    assert rows(found) == [(path, *row)]


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("pyproject.toml", PROJECT, PROJECT.replace('"requests[socks]>=2.0"', "'Requests[socks] >= 2.0' # why")),
        (
            "pyproject.toml",
            PROJECT,
            PROJECT.replace('    "flask~=2.1",\n', "").replace("= [\n", '= [ "flask ~=2.1",\n', 1),
        ),
        ("requirements.txt", "a[x,y]>=1,<2\nB_c==1\n", "# words\nb-c == 1  # c\nA[y, x] <2, >=1\n"),
        ("setup.py", SETUP, SETUP.replace('REQUIRES + ["attrs>=21"]', '["attrs >= 21", "Flask>=2.0"]')),
        ("uv.lock", UV, "# note\n" + UV),
        ("package.json", PACKAGE, json.dumps(json.loads(PACKAGE))),
        ("package-lock.json", NPM_3, json.dumps(NPM)),
        # Both tools ask one registry, each by a name of its own.
        ("yarn.lock", *(YARN_1.replace("packages.example", f"registry.{host}") for host in JAVASCRIPT_HOSTS)),
        ("go.mod", GO, GO.replace("(\n\tgithub.com/a/b v1.2.3\n", "github.com/a/b v1.2.3\nrequire (\n")),
        ("Cargo.toml", CARGO, CARGO.replace('"derive", "rc"', '"rc", "derive"').replace('"1.30"', '"^1.30"')),
        ("pom.xml", POM, POM.replace("${jackson.version}", "2.15.0")),
        ("Gemfile", GEMFILE, GEMFILE.replace('"~> 7.0", ">= 7.0.4"', "'>= 7.0.4', '~>7.0'")),
        ("Dockerfile", DOCKER, DOCKER.replace("FROM python", "FROM docker.io/library/python")),
        ("Dockerfile", DOCKER, DOCKER.replace("AS build", "AS base").replace("FROM build", "FROM base")),
        ("docker-compose.yml", COMPOSE, "services: {cache: {image: 'redis:7'}, db: {image: postgres:15}}\n"),
        (".github/workflows/a.yml", WORKFLOW, WORKFLOW.replace("echo hi", "echo pip wants more\n          uname")),
        ("poetry.lock", POETRY, POETRY.replace("files = [", 'files = [{file = "b.whl", hash = "sha256:0"}, ')),
    ],
)
def test_written_otherwise_is_no_change(repository: Repository, path: str, before: str, after: str) -> None:
    assert before != after
    assert rows(answer(repository, {path: before}, {path: after})) == []


def test_a_lock_tells_resolved_versions_and_its_manifest_what_is_direct(repository: Repository) -> None:
    after = UV.replace('"1.2"', '"1.3"').replace('"2.0"', '"3.0"').replace('"3.0"\nsource', '"3.0"\nsource')
    manifest = '[project]\ndependencies = ["a>={}"]\n'
    found = answer(
        repository,
        {"pyproject.toml": manifest.format(1), "uv.lock": UV},
        {"pyproject.toml": manifest.format("1.3"), "uv.lock": after},
    )
    assert [(fact.path, fact.what, fact.noun, fact.before, fact.after) for fact in found.facts] == [
        ("uv.lock", "a", "minor", "1.2", "1.3"),
        ("uv.lock", "b", "transitive major", "2.0", "3.0"),
    ]
    assert found.why is None


@pytest.mark.parametrize(
    ("manifest", "lock", "pair"),
    [
        (("pyproject.toml", PROJECT), ("uv.lock", UV), ("socks]>=2.0", "socks]>=2.1")),
        (("package.json", PACKAGE), ("package-lock.json", NPM_3), ("^1.0.0", "^1.1.0")),
        (("web/package.json", PACKAGE), ("yarn.lock", YARN_1), ("^1.0.0", "^1.1.0")),
        (("Cargo.toml", CARGO), ("Cargo.lock", CARGO_LOCK), ("1.30", "1.31")),
        (("Gemfile", GEMFILE), ("Gemfile.lock", GEM_LOCK), ("~> 7.0", "~> 7.1")),
        (("requirements.in", "a>=1\n"), ("requirements.txt", "a==1.5\n"), (">=1", ">=1.2")),
    ],
)
def test_a_manifest_without_its_lock_is_said(
    repository: Repository, manifest: tuple[str, str], lock: tuple[str, str], pair: tuple[str, str]
) -> None:
    before, after = swapped(manifest[1], *pair)
    found = answer(repository, {manifest[0]: before, lock[0]: lock[1]}, {manifest[0]: after})
    assert len(found.facts) == 1
    assert found.why == f"{manifest[0]} changed, its lock {lock[0]} did not"
    same = answer(repository, {manifest[0]: before}, {manifest[0]: before + "\n"})
    assert (same.facts, same.outcome) == ((), "pass" if "toml" in manifest[0] else same.outcome)


@pytest.mark.parametrize(
    ("files", "outcome", "says"),
    [
        ({"requirements.txt": "httpx>=1\n"}, "not_checked", "resolved versions unknown (requirements.txt)"),
        ({"pyproject.toml": PROJECT}, "not_checked", "declared ranges equal"),
        ({"pyproject.toml": PROJECT, "uv.lock": UV}, "pass", None),
        ({"requirements.txt": "httpx==1.0\n"}, "pass", None),
        ({"pyproject.toml": '[project]\ndependencies = ["a>=1"]\n', "requirements.txt": "a==1.2\n"}, "pass", None),
        ({"go.mod": GO}, "pass", None),
        ({"package.json": PACKAGE}, "not_checked", "package.json"),
        ({"a.txt": "1\n"}, "not_checked", "no dependency files found"),
        ({"tests/fixtures/package.json": PACKAGE}, "not_checked", "no dependency files found"),
    ],
)
def test_equal_ranges_are_no_proof(repository: Repository, files: Files, outcome: str, says: str | None) -> None:
    found = answer(repository, files, {"b.py": "1\n"})
    assert found.outcome == outcome
    assert says is None or says in str(found.why)


def test_added_removed_and_moved(repository: Repository) -> None:
    found = answer(repository, {"requirements.txt": "a==1\nb==2\n"}, {"requirements.txt": "b==2\nc==3\n"})
    assert [(fact.what, fact.change, fact.before, fact.after, fact.line) for fact in found.facts] == [
        ("a", "removed", "1", None, 1),
        ("c", "added", None, "3", 2),
    ]
    moved = answer(repository, {}, {"requirements.txt": None, "backend/requirements.txt": "b==2\nc==4\n"})
    assert rows(moved) == [("backend/requirements.txt", 2, "c", "3", "4", PRODUCTION)]
    again = answer(repository, {}, {"backend/requirements.txt": None, "backend/requirements/base.txt": "b==2\nc==4\n"})
    assert again.outcome == "pass"


def test_a_new_lock_says_nothing_of_before(repository: Repository) -> None:
    found = answer(repository, {"pyproject.toml": PROJECT}, {"uv.lock": UV})
    assert (found.outcome, found.facts) == ("not_checked", ())
    assert found.why == "uv.lock is new: resolved versions before unknown"


def test_an_action_is_one_however_many_workflows_use_it(repository: Repository) -> None:
    old = {f".github/workflows/{name}.yml": WORKFLOW for name in "abc"}
    found = answer(repository, old, {name: text.replace("@v3", "@v4") for name, text in old.items()})
    assert [(fact.what, fact.before, fact.after) for fact in found.facts] == [("actions/checkout", "v3", "v4")]


DEEP = "[" * 60_000
LAUGHS = "a: &a [1]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
NAMES = (
    "uv.lock",
    "package-lock.json",
    "package.json",
    "pyproject.toml",
    "pnpm-lock.yaml",
    "Cargo.lock",
    "Pipfile.lock",
)
OTHERS = (
    "setup.py",
    "setup.cfg",
    "yarn.lock",
    "go.sum",
    "go.mod",
    "pom.xml",
    "build.gradle",
    "Gemfile",
    "Gemfile.lock",
)
MORE = (
    "Dockerfile",
    "docker-compose.yml",
    ".github/workflows/a.yml",
    "environment.yml",
    "requirements.txt",
    "a.csproj",
)


@pytest.mark.parametrize(
    "content",
    [
        DEEP,
        "- " * 50_000,
        LAUGHS,
        b"\xff\xfe\x00",
        b"\0" * 5000,
        "\n" * 100_000,
        '{"packages": 3}',
        "package = 3\n",
        "<" * 50_000,
        "a" * 200_000,
    ],
)
def test_no_content_breaks_the_line(repository: Repository, content: str | bytes) -> None:
    names = (*NAMES, *OTHERS, *MORE)
    files: Files = dict.fromkeys(names, "{}\n") | {"backend/requirements.txt": "a==1\n"}
    found = answer(repository, files, dict.fromkeys(names, content) | {"backend/requirements.txt": "a==2\n"})
    assert ("backend/requirements.txt", 1, "a", "1", "2", PRODUCTION) in rows(found)
    assert found.examined == len(files)


def test_what_cannot_be_read_is_named_and_the_rest_told(repository: Repository) -> None:
    found = answer(
        repository, {"uv.lock": UV, "requirements.txt": "a==1\n"}, {"uv.lock": "[[[", "requirements.txt": "a==2\n"}
    )
    assert [(fact.path, fact.what) for fact in found.facts] == [("requirements.txt", "a")]
    assert "could not be read: uv.lock" in str(found.why)
