"""What a range takes away, as values: public modules, signatures, steps of migrations; on repositories built here."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from stabkit.analyze import RunEvidence
from stabkit.analyze.change import assess_changes, grave_facts
from stabkit.analyze.gate import evaluate_gate
from stabkit.analyze.outcome import ConditionResult
from stabkit.change.collected import collect_changes
from stabkit.config import Config, load_config
from stabkit.errors import ConfigError
from stabkit.report.words import reason_text
from stabkit.schema import Evidence
from tests.change.repositories import Repository, between, check

Files = dict[str, str | bytes | None]
PUBLISHED: Files = {"pyproject.toml": "[project]\nname = 'shop'\n"}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo")


def judged(evidence: Evidence, *facts: str) -> ConditionResult:
    condition: dict[str, Any] = {"name": "c", "kind": "change"} | ({"facts": list(facts)} if facts else {})
    run = {"run_id": "b", "complete": True, "label": "b"}
    gate = evaluate_gate(Config.model_validate({"condition": [condition]}), None, RunEvidence(run, evidence))
    return next(result for result in gate.conditions if result.name == "c")


def test_a_step_that_stood_there_before_is_none_of_the_change(repository: Repository) -> None:
    old = "DROP TABLE a;\n"
    evidence = between(repository, {"m/migrations/1.sql": old}, {"m/migrations/1.sql": f"-- words\n{old}"})
    assert grave_facts(evidence["checks"]) == ()


@pytest.mark.parametrize(
    ("before", "after", "gone"),
    [
        ({"shop/a.py": "x = 1\n"}, {"shop/a.py": None}, [("shop/a.py", "deleted")]),
        ({"shop/a.py": "x = 1\n"}, {"shop/a.py": None, "shop/b.py": "x = 1\n"}, [("shop/a.py", "renamed")]),
        (
            {"shop/a.py": "x = 1\n"},
            {"shop/a.py": None, "src/shop/a.py": "x = 1\n", "shop/__init__.py": None, "src/shop/__init__.py": ""},
            [],
        ),
        ({"shop/a.py": "x = 1\n"}, {"shop/a.py": None, "shop/a/__init__.py": "x = 1\n"}, []),
        ({"shop/_a.py": "x = 1\n", "tests/test_b.py": "y = 2\n"}, {"shop/_a.py": None, "tests/test_b.py": None}, []),
        ({"web/cart.ts": "export const a = 1\n"}, {"web/cart.ts": None}, []),
    ],
)
def test_modules_that_are_gone(
    repository: Repository, before: Files, after: Files, gone: list[tuple[str, str]]
) -> None:
    package: Files = {**PUBLISHED, "shop/__init__.py": ""}
    evidence = between(repository, {**package, **before}, after)
    found = [one for one in grave_facts(evidence["checks"]) if one["fact"] == "deleted_module"]
    assert [(one["path"], one["change"]) for one in found] == gone
    assert judged(evidence, "deleted_module").outcome == ("regressed" if gone else "stable")


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        ("def f(a, b=0): ...\n", "def f(a): ...\n", "regressed"),
        ("def f(a): ...\n", "def f(a, b=0): ...\n", "stable"),
        ("VERSION = '1.0'\n", "VERSION = '1.1'\n", "stable"),
        ("def f(a=None): ...\n", "UNSET = object()\ndef f(a=UNSET): ...\n", "inconclusive"),
        ("def old(): ...\n", "def __getattr__(name): ...\n", "inconclusive"),
        ("def f(a, b=0): ...\n", "def f(a:\n", "inconclusive"),
    ],
)
def test_what_is_a_break_of_the_api(repository: Repository, before: str, after: str, outcome: str) -> None:
    files: Files = {**PUBLISHED, "shop/__init__.py": "", "shop/api.py": before}
    evidence = between(repository, files, {"shop/api.py": after})
    assert judged(evidence, "api_break").outcome == outcome, check(evidence, "no API break")["detail"]


def test_a_break_raises_the_level_of_its_file(repository: Repository) -> None:
    before: Files = {**PUBLISHED, "shop/__init__.py": "def f(a): ...\n"}
    after: Files = {"shop/__init__.py": "def f(): ...\n"}
    evidence = between(repository, before, after)
    assert assess_changes(evidence["changes"], checks=evidence["checks"])["level"].tolist() == ["HIGH"]


def test_tests_inside_a_package_are_no_api(repository: Repository) -> None:
    tests: Files = {"shop/tests/__init__.py": "", "shop/tests/test_a.py": "def a(x): ...\n"}
    before: Files = {**PUBLISHED, "shop/__init__.py": "", **tests}
    assert judged(between(repository, before, {"shop/tests/test_a.py": "def a(): ...\n"})).outcome == "stable"


def test_each_fact_that_is_named_is_judged_and_no_other(repository: Repository) -> None:
    before: Files = {"shop/__init__.py": "", "app.toml": "a = 1\n"}
    evidence = between(repository, before, {"app.toml": "a = 2\n"})
    assert judged(evidence).outcome == "stable"
    result = judged(evidence, "configuration_change")
    assert result.outcome == "regressed"
    assert reason_text(result) == "a: 1 → 2 in app.toml"


def test_nothing_is_stable_that_was_not_looked_at(repository: Repository, tmp_path: Path) -> None:
    """No range, an empty one, one without values, an unknown base, a shallow clone: each is named."""
    base = repository.write("one", {"shop/__init__.py": "", "shop/a.py": "x = 1\n"})
    head = repository.write("two", {"shop/a.py": "x = 2\n"})
    whole = collect_changes(repository.folder, base)
    assert judged(whole).outcome == "stable"
    assert judged(whole).facts["examined"] == 1

    result = judged(Evidence())
    assert (result.outcome, "no git range" in reason_text(result)) == ("inconclusive", True)
    empty = judged(collect_changes(repository.folder, head))
    assert (empty.outcome, "Nothing changed" in reason_text(empty)) == ("inconclusive", True)

    bare = whole["checks"].assign(facts=None)
    assert judged(Evidence.of(checks=bare)).outcome == "inconclusive"
    for text in ("{", "[]", '{"facts": 3, "examined": "many"}', '{"examined": -1, "facts": [1, {"line": "x"}]}'):
        assert judged(Evidence.of(checks=whole["checks"].assign(facts=text))).outcome == "inconclusive"

    failed = whole["checks"].assign(outcome="fail")  # and no values that say by what
    assert judged(Evidence.of(checks=failed)).outcome == "inconclusive"

    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth=2", repository.folder.resolve().as_uri(), str(clone)], check=True)
    repository.write("three", {"shop/a.py": "x = 3\n"})
    subprocess.run(["git", "pull", "-q", "--depth=2"], cwd=clone, check=True)
    shallow = judged(collect_changes(clone, "HEAD~1"))
    assert (shallow.outcome, "shallow" in reason_text(shallow)) == ("inconclusive", True)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('kind = "change"\nfacts = ["api_brek"]', "There is no fact 'api_brek'."),
        ('kind = "change"\nfacts = []', "No fact is named"),
        ('kind = "tests"\nfacts = ["api_break"]', "the kind 'change'"),
    ],
)
def test_facts_that_cannot_be_judged_are_refused(tmp_path: Path, lines: str, says: str) -> None:
    file = tmp_path / "stabkit.toml"
    file.write_text(f'[[condition]]\nname = "a"\n{lines}\n', encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_config(file)
    assert says in error.value.what


def test_a_pattern_alone_proves_nothing(repository: Repository) -> None:
    evidence = between(repository, {"a.txt": "1\n"}, {"db/migrations/1.rb": "drop_table :a\n"})
    result = judged(evidence, "irreversible_migration")
    assert result.outcome == "inconclusive"
    assert "1.rb" in reason_text(result)
    assert grave_facts(evidence["checks"]) == ()


def test_secrets_are_masked_in_values(repository: Repository) -> None:
    before: Files = {"m.py": "class M(Model):\n    a = CharField(db_default='https://ann:hunter22@db.example/x')\n"}
    evidence = between(repository, before, {"m.py": "class M:\n    pass\n"})
    assert (
        "CharField" in check(evidence, "no schema change")["facts"]
        or "M" in check(evidence, "no schema change")["facts"]
    )
    assert "hunter22" not in check(evidence, "no schema change")["facts"]
