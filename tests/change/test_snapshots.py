"""Both ends of a range, read and parsed again where they do not all fit into memory."""

from __future__ import annotations

import pandas as pd
import pytest

from stabkit.change import git, snapshots
from stabkit.change.api import breaks
from stabkit.change.collected import collect_changes
from stabkit.change.git import Git
from stabkit.change.ranges import read_changes
from stabkit.change.snapshots import Snapshots
from stabkit.vocabulary import CHANGE_FACTS
from tests.change.repositories import Repository, check

FILES: dict[str, str | bytes | None] = {
    "pyproject.toml": '[project]\nname = "app"\nversion = "1"\n',
    "app/__init__.py": "from app.core import total\n",
    "app/core.py": 'import os\n\nHOME = os.environ["APP_HOME"]\n\n\ndef total(lines, tax=0):\n    return sum(lines)\n',
    "app/models.py": "from app import core\n\n\ndef page(lines):\n    return core.total(lines)\n",
    "tests/test_core.py": "from app.core import total\n",
    "tests/test_models.py": "from app.models import page\n",
    "config.yaml": "limit: 5\n",
}


def test_what_does_not_fit_into_memory_changes_no_answer(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = repository.write("one", FILES)
    repository.write(
        "two",
        {
            "app/core.py": 'import os\n\nHOME = os.environ["APP_ROOT"]\n\n\ndef total(lines):\n    return sum(lines)\n',
            "app/models.py": '"""Pages."""\nfrom app import core\n\n\ndef page(lines):\n    return core.total(lines)\n',
            "tests/test_core.py": None,
            "tests/test_models.py": "from app.models import page\n\nassert page\n",
            "config.yaml": "limit: 6\n",
        },
    )
    whole = collect_changes(repository.folder, base)
    monkeypatch.setattr(git, "_AT_ONCE", 1)
    monkeypatch.setattr(snapshots, "_IN_MEMORY", 1)
    monkeypatch.setattr(snapshots, "_PARSED", 1)
    bounded = collect_changes(repository.folder, base)
    for name in ("changes", "checks", "sources"):
        pd.testing.assert_frame_equal(whole[name], bounded[name])
    rows = whole["changes"].set_index("path")
    assert rows.loc["app/core.py", "importers"] == 3  # the package, its models, and the tests of these
    assert rows.loc["app/core.py", "tests_reaching"] == '{"tests/test_models.py": 2}'
    assert rows.loc["app/models.py", "tests_alongside"] == '["tests/test_models.py"]'
    assert rows["docs_only"].to_dict()["app/models.py"] is True


def test_syntax_trees_are_kept_up_to_a_limit(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "_PARSED", 30)
    base = repository.write("one", {"README": "x\n"})
    head = repository.write("two", {f"m{number}.py": f"value = {number}\n" for number in range(5)})
    own = Git(repository.folder)
    both = Snapshots(own, base, head, read_changes(own, base, head))
    blobs = [both.head_tree[f"m{number}.py"] for number in range(5)]
    trees = [both.parsed(blob) for blob in blobs]
    assert [both.parsed(blob) is tree for blob, tree in zip(blobs[3:], trees[3:], strict=True)] == [True, True]
    assert both.parsed(blobs[0]) is not trees[0]
    assert both.content(blobs[0]) == b"value = 0\n"


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ('"""One."""\n\ndef f():\n    """Two."""\n    return 1\n', "def f():  # three\n    return (1)\n", True),
        ('def f():\n    """Two."""\n', "def f():\n    pass\n", True),
        ("x = 1\n", "x = 1.0\n", False),
        ("x = 0.0\n", "x = -0.0\n", False),
        ("x = 'a'\n", "x = b'a'\n", False),
        ("x = [1, 2]\n", "x = [1]\n", False),
        ("def f(a, /): ...\n", "def f(a): ...\n", False),
        ("if a:\n    'text'\n", "if a:\n    'other'\n", False),
    ],
)
def test_same_code(repository: Repository, before: str, after: str, same: bool) -> None:
    base = repository.write("one", {"app.py": before})
    repository.write("two", {"app.py": after})
    assert collect_changes(repository.folder, base)["changes"]["docs_only"].tolist() == [same]


def test_more_changed_modules_than_are_compared_are_said(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = repository.write("one", FILES)
    after = 'import os\n\nHOME = os.environ["APP_HOME"]\n\n\ndef total(lines, tax=0):\n    return 0\n'
    repository.write("two", {"app/core.py": after, "app/models.py": "from app import core\n\n\ndef page(): ...\n"})
    monkeypatch.setattr(breaks, "_MOST_CHANGED", 1)
    line = check(collect_changes(repository.folder, base), CHANGE_FACTS["api_break"])
    assert line["outcome"] == "not_checked"
    assert "of app, 1 of 2 changed modules not compared" in line["detail"]
