"""What breaks who calls a published package, and what only looks like it."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from stabkit.change.collected import collect_changes
from tests.change.repositories import Repository, check

Files = dict[str, str | bytes | None]
PROJECT: Files = {"pyproject.toml": "[project]\nname = 'shop'\nversion = '1'\n"}
HEAD = "from __future__ import annotations\n"


def answer(repository: Repository, before: Files, after: Files, packages: tuple[str, ...] = ()) -> pd.Series:
    base = repository.write("before", before)
    repository.write("after", after)
    return check(collect_changes(repository.folder, base, packages=packages), "no API break")


def module(repository: Repository, before: str, after: str) -> pd.Series:
    files: Files = {**PROJECT, "src/shop/__init__.py": "", "src/shop/api.py": before}
    return answer(repository, files, {"src/shop/api.py": after})


def told(row: pd.Series) -> list[tuple[str, str, bool]]:
    return [(fact["what"], fact["change"], fact["proven"]) for fact in json.loads(row["facts"])["facts"]]


EIGHT = {
    "default": ("def f(a=1): ...\n", "def f(a=2): ...\n", "f(a)", "parameter_changed_default", True),
    "keyword": ("def f(a): ...\n", "def f(a, *, b): ...\n", "f(b)", "parameter_added_required", True),
    "attribute": ("class C:\n    a = 1\n    b = 2\n", "class C:\n    b = 2\n", "C.a", "object_removed", True),
    "return type": ("def f() -> int: ...\n", "def f() -> str: ...\n", "f", "return_changed_type", True),
    "parameter type": ("def f(a: int): ...\n", "def f(a: str): ...\n", "f(a)", "parameter_changed_type", True),
    "attribute type": (
        "class C:\n    a: int = 1\n",
        "class C:\n    a: str = ''\n",
        "C.a",
        "attribute_changed_type",
        True,
    ),
    "constant": ("LIMIT = 1\n", "LIMIT = 2\n", "LIMIT", "attribute_changed_value", False),
    "exception": (
        "def f(a):\n    return a\n",
        "def f(a):\n    if not a:\n        raise ValueError(a)\n    return a\n",
        "f",
        "exception_added",
        False,
    ),
}


@pytest.mark.parametrize(("before", "after", "what", "change", "proven"), EIGHT.values(), ids=EIGHT)
def test_the_eight_planted_breaks(
    repository: Repository, before: str, after: str, what: str, change: str, proven: bool
) -> None:
    row = module(repository, before, after)
    assert (row["outcome"], told(row)) == ("fail", [(f"shop.api.{what}", change, proven)])


@pytest.mark.parametrize(
    ("before", "after", "what", "change"),
    [
        ("def f(a, b): ...\n", "def f(b): ...\n", "f(a)", "parameter_removed"),
        ("def f(a, b): ...\n", "def f(b, a): ...\n", "f(a)", "parameter_moved"),
        ("def f(a=1): ...\n", "def f(a): ...\n", "f(a)", "parameter_changed_required"),
        ("def f(a): ...\n", "def f(*, a): ...\n", "f(a)", "parameter_changed_kind"),
        ("def f(): ...\n", "async def f(): ...\n", "f", "awaited_changed"),
        (
            "from contextlib import contextmanager\n@contextmanager\ndef f():\n    yield 1\n",
            "def f():\n    yield 1\n",
            "f",
            "binding_changed",
        ),
        (
            "def f():\n    yield 1\n",
            "import contextlib\n@contextlib.contextmanager\ndef f():\n    yield 1\n",
            "f",
            "binding_changed",
        ),
        ("async def f(): ...\n", "def f(): ...\n", "f", "awaited_changed"),
        ("def f(a: int | str): ...\n", "def f(a: int): ...\n", "f(a)", "parameter_changed_type"),
        ("def f() -> int: ...\n", "def f() -> int | None: ...\n", "f", "return_changed_type"),
        ("def f() -> list[int]: ...\n", "def f() -> list[str]: ...\n", "f", "return_changed_type"),
        ("def f(a: 'Iterable[int]'): ...\n", "def f(a: 'list[int]'): ...\n", "f(a)", "parameter_changed_type"),
        ("class A: ...\n", "def A(): ...\n", "A", "object_changed_kind"),
        (
            "class C:\n    @staticmethod\n    def f(): ...\n",
            "class C:\n    def f(self): ...\n",
            "C.f",
            "binding_changed",
        ),
        (
            "class C:\n    @property\n    def f(self): ...\n",
            "class C:\n    def f(self): ...\n",
            "C.f",
            "object_changed_kind",
        ),
        (
            "class C:\n    @property\n    def p(self): ...\n    @p.setter\n    def p(self, v): ...\n",
            "class C:\n    @property\n    def p(self): ...\n",
            "C.p",
            "setter_removed",
        ),
        ("class E(ValueError): ...\n", "class E(KeyError): ...\n", "E", "class_removed_base"),
        ("class K(Enum):\n    A = 'a'\n", "class K(Enum):\n    A = 'b'\n", "K.A", "enum_changed_value"),
        ("class K(Enum):\n    A = 'a'\n    B = 'b'\n", "class K(Enum):\n    A = 'a'\n", "K.B", "object_removed"),
        (
            "class T(NamedTuple):\n    a: int\n    b: int\n",
            "class T(NamedTuple):\n    b: int\n    a: int\n",
            "T",
            "fields_changed",
        ),
        ("__all__ = ['a', 'b']\na = b = 1\n", "__all__ = ['a']\na = b = 1\n", "b", "export_removed"),
        (
            "def __getattr__(n): ...\n__all__ = ['x']\n",
            "def __getattr__(n): ...\n__all__ = []\n",
            "x",
            "export_removed",
        ),
    ],
)
def test_what_breaks_a_caller(repository: Repository, before: str, after: str, what: str, change: str) -> None:
    start = "from enum import Enum\nfrom typing import NamedTuple, Iterable\n"
    row = module(repository, start + before, start + after)
    assert (row["outcome"], told(row)) == ("fail", [(f"shop.api.{what}", change, True)])


@pytest.mark.parametrize("kind", ["@dataclass", "@dataclass(frozen=True)"])
def test_a_required_field_of_a_dataclass(repository: Repository, kind: str) -> None:
    before = f"from dataclasses import dataclass\n{kind}\nclass D:\n    a: int\n"
    row = module(repository, before, before + "    b: int\n")
    assert row["outcome"] == "fail"
    assert ("shop.api.D.__init__(b)", "parameter_added_required", True) in told(row)
    assert module(repository, before, before + "    b: int = 0\n")["outcome"] == "pass"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(a): ...\n", "def f(a, b=0): ...\n"),
        ("def f(a=1000): ...\n", "def f(a=1_000): ...\n"),
        ("def f(a='x'): ...\n", 'def f(a="x"): ...\n'),
        ("def f(a=(1,2)): ...\n", "def f(a=(1, 2)): ...\n"),
        ("def f(a: int): ...\n", "def f(a: int | str): ...\n"),
        ("def f(a: int): ...\n", "def f(a: float): ...\n"),
        ("def f(a: list[int]): ...\n", "def f(a: Sequence[int]): ...\n"),
        ("def f() -> int | None: ...\n", "def f() -> int: ...\n"),
        ("def f() -> Optional[int]: ...\n", "def f() -> 'int | None': ...\n"),
        ("def f() -> List[int]: ...\n", "def f() -> list[int]: ...\n"),
        ("def f() -> int: ...\n", "def f() -> bool: ...\n"),
        ("def f() -> Money: ...\n", "def f() -> Amount: ...\n"),
        ("def f() -> None: ...\n", "def f() -> int: ...\n"),
        ("def f() -> int: ...\n", "def f(): ...\n"),
        ("def f(): ...\n", "def f() -> int: ...\n"),
        ("def _f(a): ...\n", "def _f(): ...\n"),
        ("def f(a, _own=None): ...\n", "def f(a): ...\n"),
        ("class C:\n    a = [1]\n", "class C:\n    @cached_property\n    def a(self): ...\n"),
        ("__all__ = ['f']\ndef f(): ...\ndef g(): ...\n", "__all__ = ['f']\ndef f(): ...\n"),
        ("VERSION = '1'\n__version__ = '1'\n", "VERSION = '2'\n__version__ = '2'\n"),
        ("import os\n", "import sys\n"),
        ("if TYPE_CHECKING:\n    from x import Y\n", ""),
        (
            "class A:\n    def f(self): ...\nclass B(A):\n    def f(self): ...\n",
            "class A:\n    def f(self): ...\nclass B(A): ...\n",
        ),
        ("class A:\n    def f(self): ...\n", "class A:\n    def f(this): ...\n"),
        ("def f(a):\n    raise ValueError\n", "def f(a):\n    raise ValueError('x')\n"),
        ("def f(a): ...\n", "def f(a):\n    raise NotImplementedError\n"),
        ("class C:\n    def f(self): ...\n", "class C:\n    @staticmethod\n    def f(): ...\n"),
        ("WORDS = {'a'}\n", "WORDS = {'a', 'b'}\n"),
        ("def f(a): ...\n", "from ._own import f\n"),
    ],
)
def test_what_only_looks_like_a_break(repository: Repository, before: str, after: str) -> None:
    start = "from typing import TYPE_CHECKING\n"
    repository.write("own", {"src/shop/_own.py": "def f(a): ...\n"})
    row = module(repository, start + before, start + after)
    assert (row["outcome"], told(row)) == ("pass", []), row["detail"]


@pytest.mark.parametrize(
    ("before", "after", "outcome", "says"),
    [
        ("def f(a=None): ...\n", "UNSET = object()\ndef f(a=UNSET): ...\n", "not_checked", "may break nothing"),
        ("def old(): ...\n", "def __getattr__(name): ...\n", "not_checked", "may break nothing"),
        ("def old(): ...\n", "from elsewhere import *\n", "not_checked", "may break nothing"),
        ("class A(Other):\n    def f(self): ...\n", "class A(Other): ...\n", "not_checked", "may break nothing"),
        ("def f(a): ...\n", "def f(a:\n", "not_checked", "could not be parsed: src/shop/api.py"),
        ("def f(a:\n", "def f(a): ...\n", "not_checked", "could not be parsed: src/shop/api.py"),
        ("def f(a): ...\n", b"\xff\xfe\x00", "not_checked", "could not be parsed"),
        ("def f(a): ...\n", "x = " + "(" * 500 + ")" * 500 + "\n", "not_checked", "could not be parsed"),
        ("def f(a): ...\n", "def f(a): ...\nx = " + "+".join("1" * 9000) + "\n", None, ""),
    ],
)
def test_what_may_break_nothing_is_no_answer(
    repository: Repository, before: str, after: str, outcome: str | None, says: str
) -> None:
    row = module(repository, before, after)
    assert outcome is None or (row["outcome"], says in row["detail"]) == (outcome, True), row["detail"]


def test_an_unparsable_module_is_named_and_the_others_are_judged(repository: Repository) -> None:
    before: Files = {**PROJECT, "shop/__init__.py": "", "shop/a.py": "def f(x): ...\n", "shop/b.py": "def g(x): ...\n"}
    row = answer(repository, before, {"shop/a.py": "def f(:\n", "shop/b.py": "def g(): ...\n"})
    assert (row["outcome"], told(row)) == ("fail", [("shop.b.g(x)", "parameter_removed", True)])
    assert "could not be parsed: shop/a.py" in row["detail"]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("from other import Thing\n__all__ = ['Thing']\n", "__all__ = []\n", [("shop.Thing", "object_removed", True)]),
        ("from other import Thing as Thing\n", "", [("shop.Thing", "object_removed", True)]),
        ("from other import Thing\n", "", [("shop.Thing", "object_removed", False)]),
        ("from .cart import Cart\n", "", [("shop.Cart", "object_removed", True)]),
        ("from .cart import *\n", "", [("shop.Cart", "object_removed", True), ("shop.pay", "object_removed", True)]),
        ("from typing import Any\nfrom os import path\n", "", []),
        ("from other import Thing\nx = Thing()\n", "x = 1\n", []),
        ("from .cart import Cart\n", "from .basket import Cart\n", []),
        ("from . import cart\n", "", []),
    ],
)
def test_reexports(repository: Repository, before: str, after: str, found: list[tuple[str, str, bool]]) -> None:
    files: Files = {**PROJECT, "shop/__init__.py": before, "shop/cart.py": "class Cart: ...\ndef pay(): ...\n"}
    row = answer(repository, files, {"shop/__init__.py": after, "shop/basket.py": "class Cart: ...\n"})
    assert (row["outcome"], told(row)) == ("fail" if found else "pass", found), row["detail"]


def test_a_removed_reexport_of_another_package_does_not_end_the_check(repository: Repository) -> None:
    before = "from other import A, B\nfrom .cart import pay\n__all__ = ['A', 'B', 'pay']\n"
    files: Files = {**PROJECT, "shop/__init__.py": before, "shop/cart.py": "def pay(a): ...\n"}
    after = before.replace("A, B", "B").replace("'A', ", "")
    row = answer(repository, files, {"shop/__init__.py": after, "shop/cart.py": "def pay(): ...\n"})
    assert told(row) == [("shop.A", "object_removed", True), ("shop.pay(a)", "parameter_removed", True)]


def test_what_a_private_module_holds_is_public_by_the_name_that_passes_it_on(repository: Repository) -> None:
    files: Files = {
        **PROJECT,
        "shop/__init__.py": "from ._own import pay\n",
        "shop/_own.py": "def pay(a): ...\ndef x(a): ...\n",
    }
    row = answer(repository, files, {"shop/_own.py": "\ndef pay(\n    b,\n): ...\ndef x(): ...\n"})
    facts = json.loads(row["facts"])["facts"]
    assert [(one["what"], one["path"], one["line"]) for one in facts] == [
        ("shop.pay(a)", "shop/_own.py", 2),
        ("shop.pay(b)", "shop/_own.py", 3),
    ]


def test_signatures_are_told_with_the_lines_of_their_parameters(repository: Repository) -> None:
    before = (
        "import functools\n\n\nclass Cart:\n    def add(\n        self,\n"
        "        item: str,\n        count: int = 1,\n    ): ...\n"
    )
    fact = json.loads(module(repository, before, before.replace("count: int = 1", "count: int = 5"))["facts"])["facts"][
        0
    ]
    assert (fact["path"], fact["line"], fact["noun"]) == ("src/shop/api.py", 8, "method")
    assert (fact["before"], fact["after"]) == ("count: int = 1", "count: int = 5")


@pytest.mark.parametrize(
    "place", ["shop/tests/helper.py", "shop/test_a.py", "shop/conftest.py", "shop/migrations/a.py"]
)
def test_tests_and_migrations_inside_a_package_are_no_api(repository: Repository, place: str) -> None:
    folder = place.rpartition("/")[0]
    before: Files = {**PROJECT, "shop/__init__.py": "", f"{folder}/__init__.py": "", place: "def a(x): ...\n"}
    assert answer(repository, before, {place: "def a(): ...\n"})["outcome"] == "pass"


def test_a_field_of_a_dataclass_is_told_with_its_line(repository: Repository) -> None:
    before = "from dataclasses import dataclass\n@dataclass\nclass D:\n    a: int\n"
    facts = json.loads(module(repository, before, before + "    b: int\n")["facts"])["facts"]
    assert [(fact["what"], fact["line"]) for fact in facts] == [("shop.api.D.__init__(b)", 5)]


def test_a_module_that_answers_for_any_name_says_in_its_stub_for_which(repository: Repository) -> None:
    lazy = "import lazy_loader\n__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)\n"
    stub = "from .cart import Cart as Cart\nfrom .cart import pay as pay\n"
    start: Files = {"shop/__init__.py": lazy, "shop/__init__.pyi": stub, "shop/cart.py": "class Cart: ...\n"}
    row = answer(repository, PROJECT | start, {"shop/__init__.pyi": "from .cart import Cart as Cart\n"})
    assert told(row) == [("shop.pay", "object_removed", True)]


@pytest.mark.parametrize(
    ("start", "base"),
    [
        ("from pydantic import BaseModel\n", "BaseModel"),
        ("from typing import NamedTuple\n", "NamedTuple"),
        ("from functools import cached_property\nfrom pydantic import BaseModel\n", "BaseModel"),
    ],
)
def test_a_property_is_no_field_of_a_record(repository: Repository, start: str, base: str) -> None:
    mark = "cached_property" if "cached" in start else "property"
    before = f"{start}class A({base}):\n    a: int\n"
    assert told(module(repository, before, f"{before}    @{mark}\n    def b(self) -> int:\n        return 1\n")) == []


def test_a_field_without_a_default_is_asked_of_whoever_makes_a_record(repository: Repository) -> None:
    before = "from pydantic import BaseModel\nclass A(BaseModel):\n    a: int\n"
    assert told(module(repository, before, f"{before}    b: int\n")) == [
        ("shop.api.A.b", "field_added_required", False)
    ]


@pytest.mark.parametrize(
    ("logger", "facts"),
    [
        ("import logging\nlog = logging.getLogger(__name__)\n", []),
        ("import structlog\nlogger = structlog.get_logger()\n", []),
        ("log = make()\n", [("shop.api.log", "object_removed", True)]),
        (
            "import logging\n__all__ = ['log']\nlog = logging.getLogger(__name__)\n",
            [("shop.api.log", "object_removed", True)],
        ),
    ],
)
def test_the_logger_of_a_module_is_its_own_unless_it_is_listed(
    repository: Repository, logger: str, facts: list[tuple[str, str, bool]]
) -> None:
    kept = "__all__ = []\n" if "__all__" in logger else ""
    assert told(module(repository, logger, kept + "def f(): ...\n")) == facts


KNOWS = {
    "a comparison": "def __getattr__(name):\n    if name == 'OLD':\n        return 1\n    raise AttributeError(name)\n",
    "a name of the module": "gone = 'OLD'\ndef __getattr__(n):\n    if n == gone:\n        return 1\n",
    "a collection": "def __getattr__(name):\n    if name in ('OLD', 'KEPT'):\n        return 1\n",
    "a mapping asked": "_old = {'OLD': 1}\ndef __getattr__(name):\n    found = _old.get(name)\n    return found\n",
    "a mapping of its own": "def __getattr__(name):\n    old = {'OLD': 1, 'KEPT': 2}\n    return old[name]\n",
    "a match": "def __getattr__(name):\n    match name:\n        case 'OLD' | 'KEPT':\n            return 1\n",
}


@pytest.mark.parametrize("before", KNOWS.values(), ids=KNOWS)
def test_a_name_that_getattr_made_and_makes_no_more(repository: Repository, before: str) -> None:
    row = module(repository, before, "KEPT = 2\n")
    gone = [one for one in told(row) if one[0].endswith(("OLD", "KEPT"))]
    assert (row["outcome"], gone) == ("fail", [("shop.api.OLD", "object_removed", False)])


@pytest.mark.parametrize("before", KNOWS.values(), ids=KNOWS)
@pytest.mark.parametrize("after", ["OLD = KEPT = 1\n", "from shop.other import OLD, KEPT\n", None])
def test_a_name_that_getattr_made_and_that_is_there(repository: Repository, before: str, after: str | None) -> None:
    kept = "gone = 1\n" + after if after is not None else before + "KEPT = 2\nOLD_2 = 3\n"
    assert told(module(repository, before, kept)) == []


@pytest.mark.parametrize(
    ("before", "after", "parts"),
    [
        ("def f(a=1, b=2, c=3): ...\n", "def f(b=2, a=1): ...\n", {"f(a)", "f(c)"}),
        ("def f(a=1, b=2, c=3): ...\n", "def f(b=2, c=3): ...\n", {"f(a)"}),
        ("def f(a=1, *, b=2, c=3): ...\n", "def f(a=1, *, c=3): ...\n", {"f(b)"}),
    ],
)
def test_two_that_changed_places_are_told_beside_one_that_is_gone(
    repository: Repository, before: str, after: str, parts: set[str]
) -> None:
    assert {what for what, _, _ in told(module(repository, before, after))} == {f"shop.api.{one}" for one in parts}


def test_what_two_names_share_is_told_once(repository: Repository) -> None:
    start: Files = {"shop/__init__.py": "from .cart import *\n", "shop/cart.py": "def a(): ...\ndef pay(): ...\n"}
    row = answer(repository, PROJECT | start, {"shop/cart.py": "def a(): ...\n"})
    assert told(row) == [("shop.pay", "object_removed", True)]


def test_utilities_for_tests_of_others_are_an_api(repository: Repository) -> None:
    before: Files = {**PROJECT, "shop/__init__.py": "", "shop/testing.py": "def a(x): ...\n"}
    assert answer(repository, before, {"shop/testing.py": "def a(): ...\n"})["outcome"] == "fail"


SETUP = "from setuptools import setup, find_packages\nsetup(name='shop', packages=find_packages())\n"


@pytest.mark.parametrize(
    ("files", "outcome"),
    [
        ({}, "fail"),
        ({"Dockerfile": "FROM a\n"}, "not_checked"),
        ({"manage.py": "", "requirements.txt": "django\n"}, "not_checked"),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}, "not_checked"),
        ({"pyproject.toml": "[project]\nname = 'shop'\n[tool.uv]\npackage = false\n"}, "not_checked"),
        ({"pyproject.toml": "[tool.poetry]\nname = 'shop'\npackage-mode = false\n"}, "not_checked"),
        ({"pyproject.toml": "[tool.poetry]\nname = 'shop'\n"}, "fail"),
        ({"pyproject.toml": "[build-system]\nrequires = ['flit']\n"}, "fail"),
        ({"setup.py": SETUP}, "fail"),
        ({"setup.cfg": "[metadata]\nname = shop\n"}, "fail"),
        ({"setup.py": "from setuptools import setup\nsetup(packages=['other'])\n"}, "not_checked"),
    ],
)
@pytest.mark.parametrize("root", ["", "src/"])
def test_an_application_is_no_library(repository: Repository, files: Files, outcome: str, root: str) -> None:
    before: Files = {**files, f"{root}shop/__init__.py": "def f(a): ...\n"}
    row = answer(repository, before, {f"{root}shop/__init__.py": "def f(): ...\n"})
    assert row["outcome"] == outcome, row["detail"]
    assert outcome == "fail" or "no package is published here; name packages in [changes] packages" in row["detail"]


def test_packages_from_the_configuration(repository: Repository) -> None:
    before: Files = {"backend/shop/__init__.py": "def f(a): ...\n"}
    after: Files = {"backend/shop/__init__.py": "def f(): ...\n"}
    assert told(answer(repository, before, after, ("shop",))) == [("shop.f(a)", "parameter_removed", True)]
    lost = answer(repository, before, after, ("nothing",))
    assert (lost["outcome"], "nothing is nowhere" in lost["detail"]) == ("not_checked", True)


def test_packages_of_a_monorepo_and_of_a_namespace(repository: Repository) -> None:
    before: Files = {
        "packages/a/pyproject.toml": "[project]\nname = 'a'\n",
        "packages/a/src/acme/a/__init__.py": "def f(x): ...\n",
        "packages/b/setup.py": SETUP,
        "packages/b/b/__init__.py": "def g(x): ...\n",
    }
    after: Files = {
        "packages/a/src/acme/a/__init__.py": "def f(): ...\n",
        "packages/b/b/__init__.py": "def g(): ...\n",
    }
    assert [what for what, _, _ in told(answer(repository, before, after))] == ["acme.a.f(x)", "b.g(x)"]


def test_a_move_into_src_is_no_break(repository: Repository) -> None:
    text = "def f(a): ...\n"
    before: Files = {**PROJECT, "shop/__init__.py": text, "shop/b.py": text}
    after: Files = {"shop/__init__.py": None, "shop/b.py": None, "src/shop/__init__.py": text, "src/shop/b.py": text}
    assert answer(repository, before, after)["outcome"] == "pass"


def test_a_package_that_is_gone(repository: Repository) -> None:
    row = answer(repository, {**PROJECT, "shop/__init__.py": ""}, {"shop/__init__.py": None})
    assert (row["outcome"], told(row)) == ("fail", [("shop", "object_removed", True)])


def test_nothing_is_executed(repository: Repository) -> None:
    row = module(repository, "", "import os\nos._exit(9)\n")
    assert row["outcome"] == "pass"


GO: Files = {
    "go.mod": "module example.com/shop\n",
    "cart.go": "package shop\n\nfunc Pay(amount int) error {\n\treturn nil\n}\n",
}


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({}, {"cart.go": "package shop\n"}, [("Pay", "object_removed", False)]),
        ({}, {"cart.go": "package shop\n\nfunc Pay(sum int) error {\n\treturn nil\n}\n"}, []),
        (
            {},
            {"cart.go": "package shop\n\nfunc Pay(amount string) error {\n\treturn nil\n}\n"},
            [("Pay", "signature_changed", False)],
        ),
        ({}, {"cart.go": None, "pay.go": "package shop\n\nfunc Pay(amount int) error {\n\treturn nil\n}\n"}, []),
        ({"internal/a.go": "package a\nfunc A() {\n}\n"}, {"internal/a.go": "package a\n"}, []),
        ({"cmd/x/main.go": "package main\nfunc A() {\n}\n"}, {"cmd/x/main.go": "package main\n"}, []),
        (
            {"b/b.go": "package b\ntype B struct {\n}\nfunc (b *B) Go() {\n}\n"},
            {"b/b.go": "package b\ntype B struct {\n}\n"},
            [("b.B.Go", "object_removed", False)],
        ),
        (
            {"b/b.go": "package b\nconst (\n\tA = 1\n\tb = 2\n)\n"},
            {"b/b.go": "package b\nconst (\n\tc = 2\n)\n"},
            [("b.A", "object_removed", False)],
        ),
    ],
)
def test_exported_names_of_go(
    repository: Repository, before: Files, after: Files, found: list[tuple[str, str, bool]]
) -> None:
    row = answer(repository, {**GO, **before}, after)
    assert (row["outcome"], told(row)) == ("fail" if found else "pass", found), row["detail"]


def test_a_service_in_go_is_no_library(repository: Repository) -> None:
    before: Files = {
        "go.mod": "module x\n",
        "cmd/x/main.go": "package main\n",
        "store/a.go": "package store\nfunc A() {\n}\n",
    }
    assert answer(repository, before, {"store/a.go": "package store\n"})["outcome"] == "not_checked"


def test_names_that_an_entry_point_exports(repository: Repository) -> None:
    before: Files = {
        "package.json": '{"name": "shop", "version": "1.0.0", "main": "dist/index.js"}',
        "src/index.ts": "export * from './cart'\nexport { pay, tip as extra } from './pay'\n",
        "src/cart.ts": "export class Cart {}\nexport const limit = 1\n",
    }
    after: Files = {
        "src/index.ts": "export * from './cart'\nexport { pay } from './pay'\n",
        "src/cart.ts": "export class Cart {}\n",
    }
    found = told(answer(repository, before, after))
    assert sorted(found) == [("shop: extra", "object_removed", False), ("shop: limit", "object_removed", False)]


_COMMON = {"package.json": '{"name": "shop", "version": "1.0.0", "main": "index.js"}'}


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        ("exports.a = 1\nmodule.exports.b = 2\n", "exports.a = 1\n", "fail"),
        ("module.exports = { a, b: other };\n", "module.exports = { a };\n", "fail"),
        ("module.exports = {\n  a,\n  b,\n};\n", "module.exports = { b, a, c };\n", "pass"),
        ("module.exports = make();\n", "module.exports = make(1);\n", "not_checked"),
        ("module.exports = { a };\n", "module.exports = { a, ...rest };\n", "not_checked"),
    ],
)
def test_names_of_a_module_of_commonjs(repository: Repository, before: str, after: str, outcome: str) -> None:
    base = repository.write("one", {**_COMMON, "index.js": before})
    repository.write("two", {"index.js": after})
    found = check(collect_changes(repository.folder, base), "no API break")
    assert found["outcome"] == outcome, found["detail"]
    assert ("cannot be told" in found["detail"]) == (outcome == "not_checked")
