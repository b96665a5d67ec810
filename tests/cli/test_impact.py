"""impact: what a range does and risks, without a store or a configuration."""

import json
import shlex
import subprocess

import pytest

from stabkit.vocabulary import CHANGE_LINES
from tests.change.repositories import Repository


@pytest.fixture
def repository(folder):
    return Repository(folder / "repo")


def shop(**more):
    return {"pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n', "shop/__init__.py": "", **more}


def asked(stabkit, *words):
    code, out, err = stabkit("impact", *words, "--format", "json")
    return code, json.loads(out) if out else None, err


def test_the_document_says_all(stabkit, repository):
    base = repository.write("one", shop(**{"shop/api.py": "def total(a, tax):\n    return a\n"}))
    head = repository.write(
        "two", {"shop/api.py": "def total(a):\n    return a\n", "tests/test_api.py": "import shop.api\n"}
    )
    code, told, _ = asked(stabkit, f"{base}..{head}", "--repository", str(repository.folder))
    assert code == 0
    assert (told["schema"], told["base"], told["head"]) == (1, base, head)
    assert [line["line"] for line in told["checklist"]] == list(CHANGE_LINES)
    api = told["checklist"][0]
    assert api["answer"] == "no"
    item = api["items"][0]
    assert (item["path"], item["line"], item["what"]) == ("shop/api.py", 1, "shop.api.total(tax)")
    assert (item["before"], item["confidence"], item["scope"]) == ("tax", "proven", "production")
    assert set(told["risk"]) == {"level", "percentile", "inputs", "reasons"}
    assert told["risk"]["level"] == "HIGH"
    files = {one["path"]: one for one in told["files"]}
    assert files["shop/api.py"]["level"] == "HIGH"
    assert files["shop/api.py"]["functions"] == ["total"]
    assert files["shop/api.py"]["tests_changed_alongside"] == ["tests/test_api.py"]
    assert files["tests/test_api.py"]["level"] == "NONE"
    assert told["missing_in_candidate"] == []
    assert any("import it" in step["do"] for step in told["recommendations"])
    for line in told["checklist"]:
        assert line["answer"] in ("yes", "no", "not_checked")
        assert line["answer"] != "yes" or line["examined"] > 0
        assert line["answer"] != "not_checked" or line["why"]


def test_the_document_is_json_where_some_files_have_an_old_name(stabkit, repository):
    base = repository.write("one", shop(**{"shop/a.py": "def total(a, tax):\n    return a\n"}))
    repository.write("two", {"shop/a.py": None, "shop/b.py": "def total(a, tax):\n    return a\n", "shop/c.py": ""})
    code, told, err = asked(stabkit, f"{base}..HEAD", "--repository", str(repository.folder))
    assert (code, err) == (0, "")
    assert {one["path"]: one["old_path"] for one in told["files"]} == {"shop/b.py": "shop/a.py", "shop/c.py": None}


def test_a_rollback_lists_what_it_takes_back(stabkit, repository):
    old = repository.write("one", shop())
    repository.write("add a", {"shop/a.py": "x = 1\n"})
    new = repository.write("add b", {"shop/b.py": "x = 1\n"})
    _, told, _ = asked(stabkit, f"{new}..{old}", "--repository", str(repository.folder))
    assert [one["subject"] for one in told["missing_in_candidate"]] == ["add b", "add a"]
    assert {(one["path"], one["status"]) for one in told["files"]} == {
        ("shop/a.py", "deleted"),
        ("shop/b.py", "deleted"),
    }
    assert told["recommendations"][0]["do"].startswith("make sure that 2 commits")


def test_diverged_ends_are_compared_as_they_are_and_three_dots_from_the_common_one(stabkit, repository):
    repository.write("one", shop())
    repository.git("branch", "feature")
    repository.write("on main", {"shop/main.py": "on_main = 1\n"})
    repository.git("checkout", "-q", "feature")
    repository.write("on feature", {"shop/feature.py": "x = 1\n"})
    where = ("--repository", str(repository.folder))
    _, told, _ = asked(stabkit, "main..feature", *where)
    assert {one["path"]: one["status"] for one in told["files"]} == {
        "shop/main.py": "deleted",
        "shop/feature.py": "added",
    }
    assert [one["subject"] for one in told["missing_in_candidate"]] == ["on main"]
    _, told, _ = asked(stabkit, "main...feature", *where)
    assert [one["path"] for one in told["files"]] == ["shop/feature.py"]
    assert told["missing_in_candidate"] == []


def test_without_a_range_it_is_the_last_commit_and_without_a_head_it_is_head(stabkit, repository, monkeypatch):
    base = repository.write("one", shop())
    repository.write("two", {"README.md": "# a\n"})
    monkeypatch.chdir(repository.folder)
    for words in ((), ("HEAD~1",), (base,), (f"{base}..",)):
        code, told, _ = asked(stabkit, *words)
        assert (code, [one["path"] for one in told["files"]]) == (0, ["README.md"])
        assert told["risk"]["level"] == "NONE"


@pytest.mark.parametrize(
    ("files", "limit", "code"),
    [
        ({"README.md": "b\n"}, "no", 0),
        ({"shop/api.py": None}, "no", 1),
        ({"README.md": "b\n"}, "risk:low", 0),
        ({"shop/api.py": None}, "risk:HIGH", 1),
        ({"shop/api.py": "x = 2\n"}, "risk:MEDIUM", 3),  # one commit is no history: unknown is not low
    ],
)
def test_fail_on(stabkit, repository, files, limit, code):
    repository.write("one", shop(**{"shop/api.py": "x = 1\n", "README.md": "a\n"}))
    repository.write("two", files)
    got, _, _ = asked(stabkit, "--repository", str(repository.folder), "--fail-on", limit)
    assert got == code


def test_text_and_markdown_say_the_same(stabkit, repository):
    repository.write("one", shop(**{"shop/api.py": "def total(a, tax):\n    return a\n"}))
    repository.write("two", {"shop/api.py": "def total(a):\n    return a\n"})
    where = ("--repository", str(repository.folder))
    _, text, _ = stabkit("impact", *where)
    _, markdown, _ = stabkit("impact", *where, "--format", "markdown")
    for shown in (text, markdown):
        assert "The risk of this change is HIGH" in shown
        assert "lost its parameter tax" in shown


@pytest.mark.parametrize("words", [("--output=x",), ("nowhere..HEAD",), ("HEAD..--upload-pack=x",)])
def test_a_reference_that_names_no_commit_is_refused(stabkit, repository, words):
    repository.write("one", shop())
    code, out, err = stabkit("impact", "--repository", str(repository.folder), "--", *words)
    assert (code, out) == (2, "")
    assert "No commit" in err


def test_no_repository_and_no_such_limit_are_said(stabkit, folder):
    code, _, err = stabkit("impact", "--repository", str(folder))
    assert code == 2
    assert "no git repository" in err
    code, _, err = stabkit("impact", "--fail-on", "risk:SOME")
    assert code == 2
    assert "risk:MEDIUM" in err


@pytest.mark.parametrize(("until", "code"), [("2099-12-31", 0), ("2020-01-01", 1)])
def test_what_somebody_accepts_fails_nothing_until_its_day(stabkit, repository, until, code):
    accepted = f'[[accepted]]\nrisk = "shop.api"\nreason = "nobody used it"\nowner = "ann"\nuntil = {until}\n'
    repository.write("one", shop(**{"shop/api.py": "x = 1\n", "stabkit.toml": accepted}))
    repository.write("two", {"shop/api.py": None})
    got, told, _ = asked(stabkit, "--repository", str(repository.folder), "--fail-on", "no")
    assert got == code
    api = told["checklist"][0]
    assert api["answer"] == "no"  # accepted is not mended
    assert {one["accepted"] is not None for one in api["items"]} == {code == 0}
    assert any("import it" in step["do"] for step in told["recommendations"]) == (code == 1)


def test_commands_that_are_advised_ask_where_the_commits_are(stabkit, repository, folder, monkeypatch):
    old = repository.write("one", shop())
    new = repository.write("two", {"shop/a.py": "x = 1\n"})
    for place, words in ((folder, ("--repository", str(repository.folder))), (repository.folder, ())):
        monkeypatch.chdir(place)
        _, told, _ = asked(stabkit, f"{new}..{old}", *words)
        done = subprocess.run(
            shlex.split(told["recommendations"][0]["command"]), capture_output=True, text=True, check=True
        )
        assert "shop/a.py" in done.stdout


def test_a_lock_file_is_advised_and_decides(stabkit, repository):
    where = ("--repository", str(repository.folder))
    project = '[project]\nname = "shop"\nversion = "1"\ndependencies = ["a>=1"]\n'
    lock = 'version = 1\n[[package]]\nname = "a"\nversion = "1.2"\nsource = { registry = "https://packages.example" }\n'
    repository.write("one", {"pyproject.toml": project, "shop/__init__.py": ""})
    repository.write("two", {"shop/b.py": "x = 1\n"})
    _, told, _ = asked(stabkit, *where)
    assert "commit a lock file" in [step["do"] for step in told["recommendations"]]
    repository.write("three", {"uv.lock": lock})
    repository.write("four", {"shop/c.py": "x = 1\n"})
    _, told, _ = asked(stabkit, *where)
    assert told["checklist"][1]["answer"] == "yes"
    assert told["recommendations"] == []
