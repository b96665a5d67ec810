"""The baseline's own tests on the candidate: real repositories, real pytest runs."""

import sys

import pytest

from stabkit.analyze import RunEvidence
from stabkit.analyze.change import ChangeRisk, broken_promises, lines, readiness
from stabkit.analyze.gate import evaluate_gate
from stabkit.change import collect_changes
from stabkit.collect.base_tests import run_base_tests
from stabkit.config import Config, TestSuite
from stabkit.report.words import change_advice
from stabkit.schema import Evidence
from tests.change.repositories import Repository

SUITE = TestSuite(command=(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml={output}"))
CODE = "def total(items, tax=0):\n    return sum(items) + tax\n"
TEST = "from shop import total\n\n\ndef test_total():\n    assert total([1, 2], tax=1) == 4\n"


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repo")


def tried(repository: Repository, base: str, *, suite: TestSuite = SUITE, known: tuple[str, ...] = ()):
    where = repository.folder
    found = run_base_tests("unit", suite, repository=where, base=base, head="HEAD", root=where, known_failures=known)
    assert isinstance(found, Evidence)
    return found["checks"].iloc[0]


def test_a_promise_that_the_head_forgot_with_its_test_is_seen(repository):
    """The head changed the test together with the code: its own tests pass, those of the base do not."""
    base = repository.write("one", {"shop.py": CODE, "tests/test_shop.py": TEST})
    changed = {"shop.py": CODE.replace("tax", "levy"), "tests/test_shop.py": TEST.replace("tax", "levy")}
    repository.write("two", changed)
    row = tried(repository, base)
    assert (row["outcome"], row["observed"]) == ("fail", "1 of 1 broke")
    assert "test_total" in row["detail"]


def test_a_promise_that_is_kept(repository):
    base = repository.write("one", {"shop.py": CODE, "tests/test_shop.py": TEST})
    repository.write("two", {"shop.py": CODE + "\n\ndef more():\n    pass\n", "tests/test_shop.py": None})
    row = tried(repository, base)
    assert (row["outcome"], row["observed"]) == ("pass", "1 of 1 passed")


def test_what_failed_before_breaks_no_promise(repository):
    base = repository.write("one", {"shop.py": CODE, "tests/test_shop.py": TEST.replace("4", "5")})
    repository.write("two", {"shop.py": CODE + "x = 1\n"})
    broken = tried(repository, base)
    assert broken["outcome"] == "fail"
    row = tried(repository, base, known=(broken["detail"],))
    assert (row["outcome"], row["detail"]) == ("not_checked", "none of them passed or failed")


def test_a_configuration_below_the_top_runs_where_it_lies(repository):
    base = repository.write("one", {"svc/shop.py": CODE, "svc/tests/test_shop.py": TEST})
    repository.write("two", {"svc/shop.py": CODE + "x = 1\n"})
    found = run_base_tests(
        "unit", SUITE, repository=repository.folder, base=base, head="HEAD", root=repository.folder / "svc"
    )
    assert found["checks"]["outcome"].tolist() == ["pass"]


@pytest.mark.parametrize(
    ("files", "suite", "why"),
    [
        ({"shop.py": CODE}, SUITE, "no test file"),
        ({"shop.py": CODE, "tests/test_shop.py": TEST}, TestSuite(files=("a.xml",)), "no command"),
        ({"shop.py": CODE, "tests/test_shop.py": TEST}, TestSuite(command=("false",)), ""),
    ],
)
def test_what_cannot_run_is_not_checked(repository, files, suite, why):
    base = repository.write("one", files)
    repository.write("two", {"shop.py": CODE + "x = 1\n"})
    row = tried(repository, base, suite=suite)
    assert row["outcome"] == "not_checked"
    assert why in row["detail"]


def test_backward_compatible_is_derived_from_it(repository):
    base = repository.write("one", {"shop.py": CODE, "tests/test_shop.py": TEST})
    repository.write("two", {"shop.py": CODE.replace("tax", "levy")})
    where = repository.folder
    checks = run_base_tests("unit", SUITE, repository=where, base=base, head="HEAD", root=where)["checks"]
    line = readiness(checks, None).set_index("line").loc["backward compatible"]
    assert (line["answer"], line["because"]) == ("no", "1 of 1 broke")
    # Passing tests alone prove it no more than unbroken signatures alone do.
    passing = checks.assign(outcome="pass", observed="1 of 1 passed")
    line = readiness(passing, None).set_index("line").loc["backward compatible"]
    assert line["answer"] == "not_checked"


def test_it_explains_and_is_no_verdict_of_a_load_tool(repository):
    """Only configured conditions gate; the readiness and the steps say that a promise broke."""
    published = '[project]\nname = "shop"\nversion = "1"\n\n[tool.setuptools]\npy-modules = ["shop"]\n'
    base = repository.write("one", {"pyproject.toml": published, "shop.py": CODE, "tests/test_shop.py": TEST})
    repository.write("two", {"shop.py": CODE.replace("tax", "levy"), "tests/test_shop.py": None})
    where = repository.folder
    told = run_base_tests("unit", SUITE, repository=where, base=base, head="HEAD", root=where)
    both = collect_changes(where, base).merge(told)
    run = {"run_id": "b", "complete": True, "label": "b"}
    gate = evaluate_gate(Config(), None, RunEvidence(run, both))
    assert all(need.reason != "not_checked" for condition in gate.conditions for need in condition.needs)
    assert broken_promises(both["checks"]) == ("1 of 1 broke", "tests.test_shop::test_total")
    line = readiness(both["checks"], None).set_index("line").loc["backward compatible"]
    assert line["because"] == "answered no: api; the baseline's own tests: 1 of 1 broke"
    steps = change_advice(lines(both["checks"]), ChangeRisk("HIGH"), promises=broken_promises(both["checks"]))
    assert steps[0].what.startswith("say which promises of the baseline are meant to end")
