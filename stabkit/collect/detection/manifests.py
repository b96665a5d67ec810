"""What manifests say: the name of the project, the suites that its tools run, who owns which folders."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from stabkit.change import parse_codeowners
from stabkit.collect.detection.finding import Found, Table, unique_name
from stabkit.collect.detection.tree import Tree

__all__ = ["find_areas", "find_changes", "find_name", "find_suites"]

_POM: Final = re.compile(r"<parent>.*?</parent>|<(?:dependencies|build|profiles|dependencyManagement)>.*", re.DOTALL)
_ARTIFACT: Final = re.compile(r"<artifactId>\s*([\w.-]{1,100})\s*</artifactId>")
_MODULE: Final = re.compile(r"^module\s+\"?(\S{1,300}?)\"?\s*$", re.MULTILINE)
_MOST_AREAS: Final = 20
_OWNERS: Final = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
_PYTEST: Final = re.compile(r"^\[(tool:)?pytest\]", re.MULTILINE)


def find_name(tree: Tree) -> Table:
    """Return the table of the project: its name as the first manifest says it, else that of the folder."""
    for file, name in _names(tree):
        if isinstance(name, str) and name.strip() and name.isprintable() and len(name) <= 200:
            return Table("project", None, {"name": (name.strip(), file)})
    folder = tree.root.resolve().name.encode("utf-8", "replace").decode() or "system"
    return Table("project", None, {"name": (folder, "the name of this folder")})


def _names(tree: Tree) -> Iterator[tuple[str, Any]]:
    python = _toml(tree, "pyproject.toml")
    yield "pyproject.toml", _inside(python, "project", "name") or _inside(python, "tool", "poetry", "name")
    yield "package.json", _json(tree, "package.json").get("name")
    yield "Cargo.toml", _inside(_toml(tree, "Cargo.toml"), "package", "name")
    module = _MODULE.search(_at_root(tree, "go.mod") or "")
    yield "go.mod", module and module[1].rstrip("/").rpartition("/")[2]
    artifact = _ARTIFACT.search(_POM.sub("", _at_root(tree, "pom.xml") or ""))
    yield "pom.xml", artifact and artifact[1]


def find_suites(tree: Tree, *, reported: bool) -> Found:
    """Return the suites that manifests configure, where no report of tests exists; nothing of them is run.

    Parameters
    ----------
    reported : bool
        A report of tests was found: the suites are those that wrote it.
    """
    if reported:
        return Found()
    left_out = []
    tables = tuple(_pytest(tree))
    node = _json(tree, "package.json")
    needs = {**_mapping(node.get("devDependencies")), **_mapping(node.get("dependencies"))}
    for package, tool, report in (
        (
            "@playwright/test",
            "Playwright",
            "PLAYWRIGHT_JSON_OUTPUT_NAME=playwright.json npx playwright test --reporter=json",
        ),
        ("jest", "Jest", "npx jest --json --outputFile=jest.json"),
        ("vitest", "Vitest", "npx vitest run --reporter=junit --outputFile=vitest.xml"),
    ):
        if package in needs:
            left_out.append(f"package.json: {tool} wrote no report here; it writes one by: {report}")
    if "go.mod" in tree.files:
        left_out.append(
            "go.mod: there is no report of tests here; one is written by: go test -json ./... > go-test.json"
        )
    if "Cargo.toml" in tree.files:
        left_out.append("Cargo.toml: there is no report of tests here; cargo nextest writes one as JUnit XML")
    for file, folder in (("pom.xml", "target/surefire-reports"), ("build.gradle", "build/test-results")):
        if file in tree.files or f"{file}.kts" in tree.files:
            left_out.append(f"{file}: there is no report of tests in {folder}; run the tests once")
    return Found(tables, tuple(left_out))


def _pytest(tree: Tree) -> Iterator[Table]:
    """Yield the suite of pytest, where a file of the root configures it."""
    configured = {
        "pyproject.toml": _inside(_toml(tree, "pyproject.toml"), "tool", "pytest") is not None,
        "pytest.ini": "pytest.ini" in tree.files,
        "tox.ini": _PYTEST.search(_at_root(tree, "tox.ini") or "") is not None,
        "setup.cfg": _PYTEST.search(_at_root(tree, "setup.cfg") or "") is not None,
    }
    file = next((name for name, there in configured.items() if there), None)
    if file is not None:
        command = ["python", "-m", "pytest", "-q", "--junitxml={output}"]
        why = f"{file} configures pytest"
        again = [*command, "{test}"]
        yield Table(
            "tests", "pytest", {"command": (command, why), "rerun_command": (again, "one test again, to confirm")}
        )


def find_areas(tree: Tree) -> Found:
    """Return an area for each whole folder that CODEOWNERS names and that exists, at most twenty.

    Owners are not repeated: a collection reads them from CODEOWNERS itself.
    """
    file = next((name for name in _OWNERS if name in tree.files), None)
    if file is None:
        return Found()
    tables: list[Table] = []
    patterns = [pattern for pattern, _ in parse_codeowners(tree.text(file) or "")][:2_000]
    folders = [
        f"{pattern.strip('/')}/" for pattern in dict.fromkeys(patterns) if pattern.strip("/") and pattern.endswith("/")
    ]
    there = [path for path in folders if any(name.startswith(path) for name in tree.files)]
    for path in there[:_MOST_AREAS]:
        name = unique_name(path, (str(table.name) for table in tables))
        comments = ('criticality = "critical"   # or high, normal, low: how grave it is if it breaks',)
        tables.append(Table("areas", name, {"paths": ([path], f"{file}, which says the owner too")}, comments))
    more = len(there) - _MOST_AREAS
    return Found(tuple(tables), (f"{file}: {more} more folders",) if more > 0 else ())


def find_changes(tree: Tree) -> Found:
    """Return the table of the git range, where the folder is the root of a repository."""
    if not (tree.root / ".git").exists():
        return Found()
    return Found((Table("changes", None, {"repository": (".", ".git: the range since the baseline's commit")}),))


def _at_root(tree: Tree, file: str) -> str | None:
    return tree.text(file) if file in tree.files else None


def _toml(tree: Tree, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(_at_root(tree, file) or "")
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _json(tree: Tree, file: str) -> dict[str, Any]:
    try:
        found = json.loads(_at_root(tree, file) or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _inside(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
