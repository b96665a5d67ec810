"""A git range as evidence, on real repositories built here."""

from __future__ import annotations

import json
import os
import subprocess
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from stabkit.change.collected import collect_changes, repository_state
from stabkit.change.git import Git
from stabkit.change.ranges import range_changes
from stabkit.config import Area
from stabkit.errors import EvidenceError, UsageError
from stabkit.vocabulary import MISSING_COMMIT
from tests.change.repositories import Repository, between, check


def test_each_kind_of_change_with_its_lines(repository: Repository) -> None:
    long = "".join(f"line {number}\n" for number in range(40))
    base = repository.write(
        "one", {"keep.txt": "a\nb\n", "gone.py": "x = 1\n", "old.txt": long, "data.bin": b"\0\1", "link": "plain\n"}
    )
    (repository.folder / "link").unlink()
    (repository.folder / "link").symlink_to("keep.txt")
    repository.write(
        "two",
        {
            "keep.txt": "a\nc\nd\n",
            "gone.py": None,
            "old.txt": None,
            "src/new.txt": long + "more\n",
            "data.bin": b"\0\2",
            "fresh.md": "hello\n",
        },
    )
    evidence = collect_changes(repository.folder, base)
    rows = evidence["changes"].set_index("path")
    assert rows["status"].to_dict() == {
        "data.bin": "modified",
        "fresh.md": "added",
        "gone.py": "deleted",
        "keep.txt": "modified",
        "link": "type_changed",
        "src/new.txt": "renamed",
    }
    assert rows.loc["src/new.txt", "old_path"] == "old.txt"
    assert (rows.loc["keep.txt", "added"], rows.loc["keep.txt", "deleted"]) == (2, 1)
    assert pd.isna(rows.loc["data.bin", "added"])
    assert rows["range_commits"].eq(1).all()
    assert rows["base_commit"].eq(base).all()
    assert rows.loc["fresh.md", "category"] == "doc"
    assert evidence["sources"]["status"].tolist() == ["ok"]
    assert evidence["sources"]["rows"].tolist() == [6]


def test_names_that_would_break_a_parser(repository: Repository) -> None:
    odd = [
        "with space.py",
        "tab\there.py",
        "new\nline.py",
        'quo"te.py',
        "ünïcode.py",
        "-dash.py",
        ":colon.py",
        "<b>.py",
    ]
    names: dict[str, str | bytes | None] = dict.fromkeys(odd, "def f():\n    return 1\n")
    evidence = between(repository, names, dict.fromkeys(odd, "def f():\n    return 2\n"))
    rows = evidence["changes"].set_index("path")
    assert sorted(rows.index) == sorted(odd)
    assert rows["functions"].eq('["f"]').all()
    assert rows["added"].eq(1).all()


def test_functions_docstrings_and_importers(repository: Repository) -> None:
    before = {
        "src/shop/__init__.py": "",
        "src/shop/cart.py": (
            'class Cart:\n    """Old."""\n\n    def add(self, n):\n        return n\n\n'
            "    def drop(self):\n        def inner():\n            return 1\n        return inner\n"
        ),
        "src/shop/api.py": "from .cart import Cart\n",
        "src/shop/web.py": "import shop.api\n",
        "src/shop/alone.py": "def f():\n    return 1\n",
        "src/shop/broken.py": "def f(:\n",
    }
    cart = str(before["src/shop/cart.py"])
    after = {
        "src/shop/cart.py": cart.replace("return n", "return n + 1").replace("return 1", "return 2"),
        "src/shop/alone.py": 'def f():\n    """Say one."""\n    # why\n    return 1\n',
        "src/shop/broken.py": "def g(:\n",
    }
    rows = between(repository, before, after)["changes"].set_index("path")
    assert json.loads(rows.loc["src/shop/cart.py", "functions"]) == ["Cart.add", "Cart.drop.inner"]
    assert rows.loc["src/shop/cart.py", "importers"] == 2
    assert not rows.loc["src/shop/cart.py", "docs_only"]
    assert rows.loc["src/shop/alone.py", "docs_only"]
    assert rows.loc["src/shop/alone.py", "importers"] == 0
    assert pd.isna(rows.loc["src/shop/broken.py", "functions"])
    assert pd.isna(rows.loc["src/shop/broken.py", "docs_only"])


def test_history_and_percentiles_need_fifty_commits(repository: Repository) -> None:
    for number in range(24):
        repository.write(
            "fix the cart" if number % 2 else "work",
            {"hot.py": f"x = {number}\n"},
            f"A{number % 3} <a{number % 3}@x.example>",
        )
    base = repository.commit(cold__txt="1\n")
    repository.commit(**{"hot.py": "x = 'new'\n"})
    row = collect_changes(repository.folder, base)["changes"].iloc[0]
    assert (row["past_changes"], row["past_authors"], row["past_fixes"]) == (24, 3, 12)
    assert pd.isna(row["churn_percentile"]), "25 commits are no history to take a percentile of"
    for number in range(30):
        repository.write("work", {f"file{number}.py": "y = 1\n"})
    base = repository.git("rev-parse", "HEAD")
    repository.write("again", {"hot.py": "x = 'newer'\n", "file3.py": "y = 2\n"})
    rows = collect_changes(repository.folder, base)["changes"].set_index("path")
    assert rows.loc["hot.py", "churn_percentile"] > 90
    assert rows.loc["file3.py", "churn_percentile"] < 10


def test_owners_from_codeowners_then_areas(repository: Repository) -> None:
    areas = {
        "pay": Area(paths=("app/pay",), owner="team-pay", criticality="critical", value="90 % of revenue"),
        "deep": Area(paths=("app/pay/deep/**",), owner="team-deep"),
    }
    base = repository.write("one", {"CODEOWNERS": "# who\n*.md @writers\n/app/pay/x.py\n"})
    files = ["app/pay/x.py", "app/pay/deep/y.py", "app/payments.py", "app/a.md", "top.txt"]
    repository.write("two", dict.fromkeys(files, "1\n"))
    rows = collect_changes(repository.folder, base, areas=areas)["changes"].set_index("path")
    assert rows["owner"].fillna("not stated").to_dict() == {
        "app/a.md": "@writers",
        "app/pay/deep/y.py": "team-deep",
        "app/pay/x.py": "team-pay",
        "app/payments.py": "not stated",
        "top.txt": "not stated",
    }
    assert rows.loc["app/pay/x.py", "criticality"] == "critical"
    assert pd.isna(rows.loc["app/payments.py", "criticality"])
    assert rows["area"].to_dict()["app/payments.py"] == "app"


PIN_1, PIN_2 = "httpx==0.27\n", "httpx==0.28\n"
LOCK = '[[package]]\nname = "httpx"\nversion = "{}"\n'
ENV = 'import os\nA = os.getenv("A_URL", "{}")\n'
LAUGHS = "a: &a [1]\n" + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in pairwise("abcdefghijk"))
MODEL = "class User(Model):\n    name = CharField(max_length={})\n"


@pytest.mark.parametrize(
    ("name", "before", "after", "outcome", "says"),
    [
        ("no dependency change", {"requirements.txt": PIN_1}, {"requirements.txt": PIN_2}, "fail", "txt:1: httpx"),
        (
            "no dependency change",
            {"uv.lock": LOCK.format(1)},
            {"uv.lock": LOCK.format(2)},
            "fail",
            "uv.lock:2: httpx",
        ),
        (
            "no dependency change",
            {"uv.lock": LOCK.format(1)},
            {"uv.lock": "# note\n" + LOCK.format(1)},
            "pass",
            "1 dependency files examined",
        ),
        (
            "no dependency change",
            {"uv.lock": LOCK.format(1)},
            {"uv.lock": "[[["},
            "not_checked",
            "could not be read: uv.lock",
        ),
        ("no dependency change", {"requirements.txt": PIN_1}, {"a.py": "1\n"}, "pass", "1 dependency files examined"),
        (
            "no dependency change",
            {"requirements.txt": "httpx>=1\n"},
            {"a.py": "1\n"},
            "not_checked",
            "resolved versions unknown",
        ),
        ("no dependency change", {"a.py": "1\n"}, {"a.py": "2\n"}, "not_checked", "no dependency file"),
        (
            "no dependency change",
            {"Dockerfile": "FROM a:1\n"},
            {"Dockerfile": "FROM a:2\n"},
            "fail",
            "Dockerfile:1: a",
        ),
        (
            "no environment variable change",
            {"a.py": ENV.format(1)},
            {"a.py": "\n" + ENV.format(1)},
            "pass",
            "1 source and deployment files",
        ),
        ("no environment variable change", {"a.py": ENV.format(1)}, {"a.py": ENV.format(2)}, "fail", "a.py:2: A_URL"),
        ("no environment variable change", {"a.py": ENV.format(1)}, {"b.py": ENV.format(1), "a.py": None}, "pass", ""),
        (
            "no environment variable change",
            {"a.py": "1\n"},
            {"a.py": "import os\nos.environ[x]\n"},
            "not_checked",
            "a.py:2",
        ),
        ("no environment variable change", {"a.py": "1\n"}, {"a.py": "def (\n"}, "not_checked", "a.py"),
        ("no environment variable change", {"a.js": "1\n"}, {"a.js": "process.env.NEW\n"}, "fail", "a.js:1: + NEW"),
        ("no environment variable change", {"a.js": "1\n"}, {"a.js": "`${user}`\n"}, "pass", ""),
        ("no environment variable change", {"a.sh": "1\n"}, {"a.sh": "echo ${NEW}\n"}, "fail", "a.sh:1: + NEW"),
        ("no environment variable change", {"a.go": "1\n"}, {"a.go": 'os.LookupEnv("NEW")\n'}, "fail", "+ NEW"),
        (
            "no environment variable change",
            {"a.py": "1\n"},
            {"a.py": "import os\n'NEW' in os.environ\n"},
            "fail",
            "a.py:2: + NEW",
        ),
        ("no environment variable change", {".env.example": "A=1\n"}, {".env.example": "A=1\nB=2\n"}, "fail", "+ B"),
        (
            "no schema change",
            {"m.py": MODEL.format(1)},
            {"m.py": MODEL.format(1) + "# c\n"},
            "pass",
            "1 schema files",
        ),
        ("no schema change", {"m.py": MODEL.format(1)}, {"m.py": MODEL.format(2)}, "fail", "m.py:2: User.name"),
        ("no schema change", {"a": "1"}, {"app/migrations/0002_a.py": "x = 1\n"}, "fail", "0002_a.py"),
        ("no schema change", {"a.py": MODEL.format(1)}, {"a.py": "def (\n"}, "not_checked", "a.py"),
        ("no schema change", {"a.py": "1\n"}, {"a.py": "2\n"}, "not_checked", "no model, migration or schema file"),
        ("no configuration change", {"a.toml": "x = 1\n"}, {"a.toml": "x = 2\n"}, "fail", "a.toml:1: x"),
        ("no configuration change", {"a.toml": "x = 1\n"}, {"a.toml": "# c\nx=1\n"}, "pass", "1 configuration files"),
        ("no configuration change", {"config/a.json": "{}"}, {"config/a.json": "{"}, "not_checked", "a.json"),
        ("no configuration change", {"a.yaml": "a: {b: 1}\n"}, {"a.yaml": "a: {b: 2}\n"}, "fail", "a.b"),
        ("no configuration change", {"a.py": "1\n"}, {"a.py": "2\n"}, "not_checked", "no configuration file"),
        *[
            ("no configuration change", {name: text.format(1)}, {name: text.format(2)}, "fail", f": {key}")
            for name, text, key in (
                ("a.properties", "# c\nserver.port={}\n", "server.port"),
                ("b.properties", "db.url: x \\\n  y{}\n", "db.url"),
                ("a.ini", "[DEFAULT]\nport = {}\n", "DEFAULT.port"),
                (".env", 'db_key="a\n{}\n"\n', "db_key"),
            )
        ],
        ("no configuration change", {"a.yaml": "a: 1\n"}, {"a.yaml": LAUGHS}, "not_checked", "a.yaml"),
        ("rollback possible", {"a": "1"}, {"m/migrations/1.sql": "ALTER TABLE t DROP COLUMN c;\n"}, "fail", "1.sql:1"),
        ("rollback possible", {"a": "1"}, {"m/migrations/1.py": "op = RunPython(f)\n"}, "fail", "without reverse"),
        ("rollback possible", {"a": "1"}, {"m/migrations/1.py": "op = RunPython(f, g)\n"}, "pass", "1 migrations"),
        (
            "rollback possible",
            {"m.py": MODEL.format(1)},
            {"m.py": MODEL.format(2)},
            "not_checked",
            "without a migration",
        ),
        ("rollback possible", {"a.py": "1\n"}, {"a.py": "def (\n"}, "not_checked", "no migration found"),
        ("rollback possible", {"a.py": "1\n"}, {"a.py": "2\n"}, "not_checked", "no migration found in the whole tree"),
        ("no API break", {"a.txt": "1\n"}, {"a.txt": "2\n"}, "not_checked", "no package is published here"),
    ],
)
def test_checklist(
    repository: Repository,
    name: str,
    before: dict[str, str | bytes | None],
    after: dict[str, str | bytes | None],
    outcome: str,
    says: str,
) -> None:
    found = check(between(repository, before, after), name)
    assert (found["outcome"], says in found["detail"]) == (outcome, True), found["detail"]


def test_every_file_that_fails_a_line_is_recorded_however_many(repository: Repository) -> None:
    files = {f"settings/{number}.json": '{"a": 1}' for number in range(30)}
    found = between(repository, files, dict.fromkeys(files, '{"a": 2}'))
    row = check(found, "no configuration change")
    assert {fact["path"] for fact in json.loads(row["facts"])["facts"]} == set(files)
    assert "and 10 more" in row["detail"]


@pytest.mark.parametrize(
    ("before", "after", "outcome", "says"),
    [
        pytest.param(
            {"shop/__init__.py": "def pay(amount, currency='EUR'):\n    return amount\n"},
            {
                "shop/__init__.py": None,
                "src/shop/__init__.py": "def pay(amount, currency, *, tip):\n    return amount\n",
            },
            "fail",
            "shop.pay",
            id="parameters-of-a-moved-package",
        ),
        pytest.param(
            {"shop/__init__.py": "", "shop/pay.py": "def pay(): ...\ndef _note(): ...\n"},
            {"shop/pay.py": "def pay(amount=1): ...\n"},
            "pass",
            "signatures only, no behaviour; packages shop",
            id="an-optional-parameter-and-a-private-function",
        ),
        pytest.param({"shop/__init__.py": ""}, {"shop/__init__.py": None}, "fail", "shop/__init__.py: shop", id="gone"),
        pytest.param({"a.py": "1\n"}, {"shop/__init__.py": "def pay(): ...\n"}, "pass", "packages shop", id="new"),
        pytest.param(
            {"shop/__init__.py": "def pay(): ...\n"},
            {"shop/__init__.py": "def pay(:\n"},
            "not_checked",
            "could not be parsed: shop/__init__.py",
            id="what-is-no-python",
        ),
        pytest.param(
            {"shop/__init__.py": "def pay(: # no Python, before or after\n"},
            {"README.md": "words\n"},
            "pass",
            "packages shop",
            id="another-file-changed",
        ),
        pytest.param(
            {"shop/__init__.py": "def pay(): ...\n", "shop/run.py": ""},
            {"shop/run.py": "import os\nos._exit(9)\n"},
            "pass",
            "packages shop",
            id="nothing-is-executed",
        ),
    ],
)
def test_api_breaks(
    repository: Repository,
    before: dict[str, str | bytes | None],
    after: dict[str, str | bytes | None],
    outcome: str,
    says: str,
) -> None:
    published: dict[str, str | bytes | None] = {"pyproject.toml": "[project]\nname = 'shop'\n"}
    found = check(between(repository, published | before, after), "no API break")
    assert (found["outcome"], says in found["detail"]) == (outcome, True), found["detail"]


def test_a_default_or_a_url_never_carries_a_secret_into_the_evidence(repository: Repository) -> None:
    secret = "hunter2secret"
    evidence = between(
        repository,
        {"a.py": "1\n", ".env": "A=1\n", "c.toml": "a = 1\n", "requirements.txt": "x==1\n"},
        {
            "a.py": f'import os\nos.getenv("KEY", "{secret}")\n',
            ".env": f"A=1\nB={secret}\n",
            "c.toml": f"a = 1\nb = '{secret}'\n",
            "requirements.txt": f"x @ https://me:{secret}@host.example/x.whl\n",
        },
    )
    assert evidence["checks"]["outcome"].tolist().count("fail") >= 3
    assert secret not in "".join(frame.to_csv() for frame in evidence.tables.values())


def test_an_empty_range_checks_nothing(repository: Repository) -> None:
    repository.commit(a="1")
    evidence = collect_changes(repository.folder, "HEAD")
    assert evidence["changes"].empty
    assert evidence["sources"].iloc[0]["status"] == "ok"
    assert "Nothing changed" in evidence["sources"].iloc[0]["message"]
    outcomes = evidence["checks"].set_index("check")["outcome"]
    assert outcomes.pop(MISSING_COMMIT) == "pass"
    assert set(outcomes) == {"not_checked"}


@pytest.mark.parametrize("reference", ["nothing", "--output=x", "-h", "", "a..b", "\0", "HEAD^{tree}", "$(touch x)"])
def test_a_reference_is_data(repository: Repository, reference: str) -> None:
    repository.commit(a="1")
    with pytest.raises(UsageError, match="No commit") as caught:
        collect_changes(repository.folder, reference)
    assert caught.value.hint
    assert sorted(path.name for path in repository.folder.iterdir()) == [".git", "a"]


def test_a_shallow_clone_is_said(repository: Repository, tmp_path: Path) -> None:
    base = repository.commit(a="1")
    repository.git("checkout", "-q", "-b", "side", base)
    repository.commit(b="1")
    repository.git("checkout", "-q", "main")
    repository.commit(c="1")
    shallow = Repository(tmp_path / "shallow")
    url = repository.folder.as_uri()
    shallow.git("fetch", "-q", "--depth=1", url, "main:one", "side:two", environment={"GIT_ALLOW_PROTOCOL": "file"})
    evidence = collect_changes(shallow.folder, "one", "two")
    source = evidence["sources"].iloc[0]
    assert (source["status"], "shallow" in source["message"]) == ("partial", True)
    # Both trees are there, and are compared; what came before them is not.
    assert set(evidence["changes"]["path"]) == {"c", "b"} or set(evidence["changes"]["status"]) == {"renamed"}
    assert evidence["changes"]["past_changes"].isna().all()
    assert evidence["changes"]["rank"].isna().all()


def test_a_partial_clone_leaves_what_it_lacks_unknown(repository: Repository, tmp_path: Path) -> None:
    base = repository.write("one", {"a.py": "import os\nx = 1\n", "b.py": "y = 1\n", "old.txt": "1\n" * 50})
    repository.write("two", {"a.py": "import os\nx = os.environ['A']\n", "old.txt": None, "new.txt": "1\n" * 50})
    repository.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "partial"
    environment = {**os.environ, "GIT_ALLOW_PROTOCOL": "file", "GIT_CONFIG_GLOBAL": os.devnull}
    command = ["git", "clone", "-q", "--filter=blob:none", "--no-checkout", repository.folder.as_uri(), str(clone)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    evidence = collect_changes(clone, base)
    rows = evidence["changes"].set_index("path")
    assert rows["status"].to_dict() == {"a.py": "modified", "new.txt": "renamed"}
    assert rows["added"].isna().to_dict() == {"a.py": True, "new.txt": False}
    assert "a.py" in evidence["sources"].iloc[0]["message"]
    assert check(evidence, "no environment variable change")["outcome"] == "not_checked"
    # One that is there after all is told.
    blob = repository.git("rev-parse", "HEAD:a.py")
    subprocess.run(["git", "cat-file", "-p", blob], cwd=clone, env=environment, check=True, capture_output=True)
    old = repository.git("rev-parse", f"{base}:a.py")
    subprocess.run(["git", "cat-file", "-p", old], cwd=clone, env=environment, check=True, capture_output=True)
    evidence = collect_changes(clone, base)
    assert evidence["changes"].set_index("path")["added"].to_dict() == {"a.py": 1, "new.txt": 0}
    assert check(evidence, "no environment variable change")["outcome"] == "fail"


def test_objects_that_are_lost_leave_one_file_unknown(repository: Repository) -> None:
    base = repository.write("one", {"a.py": "x = 1\n", "b.py": "y = 1\n"})
    repository.write("two", {"a.py": "x = 2\n", "b.py": "y = 2\n"})
    blob = repository.git("rev-parse", "HEAD:a.py")
    (repository.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    evidence = collect_changes(repository.folder, base)
    assert evidence["changes"].set_index("path")["added"].isna().to_dict() == {"a.py": True, "b.py": False}
    source = evidence["sources"].iloc[0]
    assert (source["status"], "a.py" in source["message"]) == ("partial", True)


def test_no_repository(tmp_path: Path) -> None:
    evidence = collect_changes(tmp_path, "HEAD")
    assert evidence["sources"].iloc[0]["status"] == "error"
    with pytest.raises(UsageError, match="no such folder"):
        collect_changes(tmp_path / "nowhere", "HEAD")
    assert repository_state(tmp_path) == (None, None)
    assert repository_state(tmp_path / "nowhere") == (None, None)


def test_state_of_a_repository(repository: Repository) -> None:
    assert repository_state(repository.folder) == (None, None), "no commit yet"
    commit = repository.commit(a="1")
    assert repository_state(repository.folder) == (commit, "main")
    repository.git("checkout", "-q", "--detach")
    assert repository_state(repository.folder) == (commit, None)


def test_nothing_that_a_repository_configures_is_run(repository: Repository, tmp_path: Path) -> None:
    trap, sprung = tmp_path / "trap.sh", tmp_path / "sprung"
    trap.write_text(f"#!/bin/sh\ntouch '{sprung}'\ncat\n")
    trap.chmod(0o755)
    base = repository.write("one", {"a.txt": "1\n", ".gitattributes": "* diff=evil filter=evil\n"})
    repository.write("two", {"a.txt": "2\n"})
    settings = (
        "core.fsmonitor",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "core.pager",
        "gpg.program",
    )
    for key in (*settings, "filter.evil.clean", "filter.evil.smudge"):
        repository.git("config", key, str(trap))
    repository.git("config", "log.showSignature", "true")
    evidence = collect_changes(repository.folder, base)
    assert evidence["changes"]["path"].tolist() == ["a.txt"]
    assert not sprung.exists()


def test_variables_of_a_running_hook_do_not_lead_elsewhere(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = repository.commit(a="1")
    other = Repository(tmp_path / "other")
    other.commit(b="1")
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    assert repository_state(repository.folder)[0] == commit


def test_a_deadline_and_a_limit_end_a_command(repository: Repository) -> None:
    repository.commit(**{"a.txt": "x" * 100_000})
    blob = repository.git("rev-parse", "HEAD:a.txt")
    with pytest.raises(EvidenceError, match="printed too much"):
        Git(repository.folder, limit=1_000).read("cat-file", "blob", blob)
    with pytest.raises(EvidenceError, match="longer than"):
        Git(repository.folder, deadline_s=0.2).read("-c", "alias.wait=!sleep 20", "wait")


def test_hunks_for_the_finding_matcher(repository: Repository) -> None:
    lines = [f"line {number}\n" for number in range(1, 31)]
    base = repository.write("one", {"old.py": "".join(lines), "same.py": "1\n"})
    moved = ["new\n", *lines[:9], *lines[10:]]
    repository.write("two", {"old.py": None, "new.py": "".join(moved), "fresh.py": "1\n"})
    columns = ["path", "old_path", "status", "hunks", "base_commit", "head_commit"]
    rows = range_changes(repository.folder, base, "HEAD")[columns]
    stored = {row.path: json.loads(row.hunks) for row in rows.itertuples()}
    assert stored == {"new.py": [[0, 0, 1, 1], [10, 1, 10, 0]], "fresh.py": [[0, 0, 1, 1]]}
    assert rows.loc[rows["path"] == "new.py", ["old_path", "status"]].values.tolist() == [["old.py", "renamed"]]
    assert collect_changes(repository.folder, base)["changes"][columns].equals(rows)
    assert range_changes(repository.folder, base, base).empty


def test_a_file_without_text_has_no_hunks(repository: Repository) -> None:
    base = repository.commit(**{"a.txt": "x\n"})
    (repository.folder / "b.bin").write_bytes(bytes(range(256)))
    repository.git("add", "b.bin")
    repository.git("commit", "-q", "-m", "two")
    rows = collect_changes(repository.folder, base)["changes"]
    assert rows[["path", "hunks"]].isna().values.tolist() == [[False, True]]


def test_a_rollback_is_what_it_takes_away(repository: Repository) -> None:
    older = repository.commit(**{"a.py": "x = 1\n"})
    repository.commit(**{"a.py": "x = 1\ny = 2\n", "b.py": "z = 3\n"})
    newer = repository.commit(**{"a.py": "x = 1\ny = 2\nw = 4\n"})
    evidence = collect_changes(repository.folder, newer, older)
    rows = evidence["changes"].set_index("path")
    assert rows["status"].to_dict() == {"a.py": "modified", "b.py": "deleted"}
    assert (rows.loc["a.py", "added"], rows.loc["a.py", "deleted"]) == (0, 2)
    assert json.loads(rows.loc["a.py", "hunks"]) == [[2, 2, 1, 0]]
    assert (set(rows["base_commit"]), set(rows["head_commit"])) == ({newer}, {older})
    assert rows["range_commits"].tolist() == [2, 2]
    assert rows["commits"].to_dict() == {"a.py": 2, "b.py": 1}
    assert rows["past_changes"].to_dict() == {"a.py": 1, "b.py": 0}


@pytest.mark.parametrize(
    ("reference", "what"),
    [
        ("HEAD~1", "has no such commit before it"),
        ("HEAD^^", "has no such commit before it"),
        ("main~3", "has no such commit before it"),
        ("HEAD^2", "has no such commit before it"),
        ("nowhere~1", "No commit 'nowhere~1'."),
        ("nowhere", "No commit 'nowhere'."),
    ],
)
def test_why_a_reference_names_no_commit(repository: Repository, reference: str, what: str) -> None:
    repository.write("one", {"a.py": "1\n"})
    with pytest.raises(UsageError) as error:
        Git(repository.folder).commit(reference)
    assert what in error.value.what


@pytest.mark.parametrize("reference", ["HEAD", "HEAD~1", "@"])
def test_a_repository_without_a_commit_says_so(repository: Repository, reference: str) -> None:
    with pytest.raises(UsageError) as error:
        Git(repository.folder).commit(reference)
    assert error.value.what == "The repository has no commit yet."


def test_a_shallow_clone_says_that_it_is_one(repository: Repository, tmp_path: Path) -> None:
    for number in range(2):
        repository.write("work", {"a.py": f"{number}\n"})
    clone = tmp_path / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth", "1", repository.folder.as_uri(), str(clone)], check=True)
    with pytest.raises(UsageError) as error:
        Git(clone).commit("HEAD~1")
    assert "the clone is shallow" in error.value.what


def test_a_clone_without_folders_says_what_to_fetch(repository: Repository, tmp_path: Path) -> None:
    repository.git("config", "uploadpack.allowFilter", "true")
    base = repository.write("one", {"app/a.py": "1\n"})
    repository.write("two", {"app/a.py": "2\n"})
    clone = tmp_path / "treeless"
    command = ["git", "clone", "-q", "--filter=tree:0", "--no-checkout", repository.folder.as_uri(), str(clone)]
    subprocess.run(command, check=True)
    source = collect_changes(clone, base)["sources"].iloc[0]
    assert source["status"] == "error"
    assert "lacks the folders" in source["message"]
    assert "--filter=blob:none" in source["message"]


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [("1" * 40, "2" * 40, "changed"), (None, "2" * 40, "added"), ("1" * 40, None, "removed")],
)
def test_another_commit_of_a_submodule_is_another_dependency(
    repository: Repository, before: str | None, after: str | None, change: str
) -> None:
    ends = []
    for number, commit in enumerate((before, after)):
        entry = ["--add", "--cacheinfo", f"160000,{commit},vendor/lib"] if commit else ["--force-remove", "vendor/lib"]
        repository.git("update-index", *entry)
        repository.git("commit", "-q", "--allow-empty", "-m", str(number))
        ends.append(repository.git("rev-parse", "HEAD"))
    found = check(collect_changes(repository.folder, *ends), "no dependency change")
    facts = json.loads(found["facts"])["facts"]
    assert found["outcome"] == "fail"
    assert [(one["path"], one["noun"], one["change"]) for one in facts] == [("vendor/lib", "submodule", change)]
    assert [one and one[:12] for one in (before, after)] == [facts[0]["before"], facts[0]["after"]]


def test_a_symbolic_link_is_no_dependency(repository: Repository) -> None:
    base = repository.write("one", {"a.txt": "1\n", "requirements.txt": "x==1\n"})
    (repository.folder / "link").symlink_to("a.txt")
    repository.write("two", {})
    assert check(collect_changes(repository.folder, base), "no dependency change")["outcome"] == "pass"


def test_a_module_by_another_name_is_not_the_same_code(repository: Repository) -> None:
    evidence = between(repository, {"a.py": "x = 1\n" * 9, "b.py": "x = 1\n"}, {"a.py": None, "c.py": "x = 1\n" * 9})
    assert evidence["changes"].set_index("path")["status"].to_dict() == {"c.py": "renamed"}
    assert evidence["changes"]["docs_only"].isna().all()


def test_names_of_files_in_a_message_hold_no_control_characters(repository: Repository) -> None:
    large = "x" * (3 * 1024 * 1024)
    message = between(repository, {"a.txt": "1\n"}, {"we\nird\x1b[31m.txt": large})["sources"]["message"].iloc[0]
    assert message.isprintable()
    assert "ird" in message
