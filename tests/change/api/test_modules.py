"""Public modules that a change takes away, and those that only seem to be gone."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from stabkit.change.collected import collect_changes
from tests.change.repositories import Repository, check

Files = dict[str, str | bytes | None]
PROJECT: Files = {"pyproject.toml": "[project]\nname = 'shop'\n", "shop/__init__.py": ""}


def answer(repository: Repository, before: Files, after: Files) -> pd.Series:
    base = repository.write("before", before)
    repository.write("after", after)
    return check(collect_changes(repository.folder, base), "no public module deleted")


def told(row: pd.Series) -> list[tuple[str, str]]:
    return [(fact["what"], fact["change"]) for fact in json.loads(row["facts"])["facts"]]


@pytest.mark.parametrize(
    ("before", "after", "gone"),
    [
        ({"shop/a.py": "x = 1\n"}, {"shop/a.py": None}, [("shop.a", "deleted")]),
        ({"shop/a.py": "x = 1\n"}, {"shop/a.py": None, "shop/b.py": "x = 1\n"}, [("shop.a", "renamed")]),
        ({"shop/a.py": "x = 1\n"}, {"shop/a.py": "from .b import *\n", "shop/b.py": "x = 1\n"}, []),
        ({"shop/a.py": "x = 1\n"}, {"shop/a.py": None, "shop/a/__init__.py": "x = 1\n"}, []),
        ({"shop/a/__init__.py": "x = 1\n"}, {"shop/a/__init__.py": None, "shop/a.py": "x = 1\n"}, []),
        (
            {"shop/a.py": "x = 1\n"},
            {"shop/__init__.py": None, "shop/a.py": None, "src/shop/__init__.py": "", "src/shop/a.py": "x = 1\n"},
            [],
        ),
        ({"shop/_a.py": "x = 1\n"}, {"shop/_a.py": None}, []),
        ({"shop/test_b.py": "x = 1\n", "tests/c.py": "x = 1\n"}, {"shop/test_b.py": None, "tests/c.py": None}, []),
        ({"shop/migrations/__init__.py": "", "shop/migrations/a.py": "1\n"}, {"shop/migrations/a.py": None}, []),
        ({"scripts/a.py": "x = 1\n"}, {"scripts/a.py": None}, []),
        ({"shop/a.py": "x = 1\n"}, {"shop/a.py": None, "shop/a.pyi": "x: int\n"}, []),
    ],
)
def test_modules_of_a_published_package(
    repository: Repository, before: Files, after: Files, gone: list[tuple[str, str]]
) -> None:
    row = answer(repository, {**PROJECT, **before}, after)
    assert (row["outcome"], told(row)) == ("fail" if gone else "pass", gone), row["detail"]


LIBRARY = {"name": "shop", "version": "1.0.0", "exports": {".": "./src/index.ts", "./cart": "./src/cart.ts"}}
FILES: Files = {"src/index.ts": "export const a = 1\n", "src/cart.ts": "export const b = 1\n"}


@pytest.mark.parametrize(
    ("before", "after", "files", "gone"),
    [
        (LIBRARY, LIBRARY | {"exports": {".": "./src/index.ts"}}, {"src/cart.ts": None}, [("shop/cart", "deleted")]),
        (LIBRARY, LIBRARY, {"src/cart.ts": None}, [("shop/cart", "deleted")]),
        (LIBRARY, LIBRARY | {"exports": {".": "./src/index.ts", "./*": "./src/*.ts"}}, {}, []),
        (LIBRARY, LIBRARY | {"exports": {".": "./src/a.ts", "./cart": "./src/cart.ts"}}, {"src/a.ts": "x\n"}, []),
        ({"name": "shop", "private": True}, {"name": "shop", "private": True}, {"src/cart.ts": None}, None),
        ({"name": "web", "private": True, "main": "src/index.ts"}, {"name": "web"}, {}, [("web", "deleted")]),
    ],
)
def test_entry_points_of_a_package_in_javascript(
    repository: Repository, before: object, after: object, files: Files, gone: list[tuple[str, str]] | None
) -> None:
    start: Files = {"package.json": json.dumps(before), **FILES}
    row = answer(repository, start, {"package.json": json.dumps(after) + "\n", **files})
    wanted = "not_checked" if gone is None else "fail" if gone else "pass"
    assert (row["outcome"], told(row)) == (wanted, gone or []), row["detail"]


def test_modules_of_an_application_are_imported_by_nobody_else(repository: Repository) -> None:
    row = answer(
        repository, {"Dockerfile": "FROM a\n", "shop/__init__.py": "", "shop/a.py": "1\n"}, {"shop/a.py": None}
    )
    assert (row["outcome"], "no package is published here" in row["detail"]) == ("not_checked", True)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"exports": 3}', "[" * 100_000, '{"exports": ' + '{"a": ' * 3000 + "1" + "}" * 3001]
)
def test_a_hostile_manifest_is_no_answer(repository: Repository, text: str) -> None:
    assert answer(repository, {"package.json": text, "a.js": "1\n"}, {"a.js": "2\n"})["outcome"] == "not_checked"
