"""What a path says of a file: its category, its owner, its configured area."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import pandas as pd

from stabkit.config import Area, path_matches, path_pattern

__all__ = ["TOP", "area_of", "categorise", "described", "is_code", "owner_of", "parse_codeowners"]

TOP: Final = "top level"
"""The area of a file that lies in no folder."""

# The first rule that fires names the category. Order matters: a lock file under tests/ is a dependency file of the
# tests, so tests come first; a migration is code, so it comes before code.
_RULES: Final[tuple[tuple[str, str], ...]] = (
    (
        "test",
        r"(^|/)(tests?|spec|__tests__|__snapshots__|testing)/|(^|/)(test_[^/]*|[^/]*_test|conftest)\.\w+$|(^|/)(tests\.(py|rs)|[^/]*_spec\.rb)$|\.Tests?/|\.(test|spec)\.\w+$",
    ),
    (
        "ci",
        r"^\.github/(workflows|actions)/|^\.(circleci|gitlab|buildkite|woodpecker|azure-pipelines|tekton)/|"
        r"(^|/)(\.gitlab-ci\.ya?ml|[^/]*Jenkinsfile[^/]*|azure-pipelines[^/]*\.ya?ml|bitbucket-pipelines\.yml|"
        r"\.drone\.ya?ml|\.woodpecker\.ya?ml|cloudbuild\.ya?ml|\.travis\.yml|appveyor\.yml|\.cirrus\.yml)$",
    ),
    (
        "dependency",
        r"(^|/)([^/]*(requirements?|constraints?)[^/]*\.(txt|in)|pyproject\.toml|setup\.(py|cfg)|Pipfile(\.lock)?|"
        r"(poetry|uv|pdm|yarn|bun|mix|pubspec|composer|Gemfile|Cargo|Chart|flake)\.lock|pylock(\.[^/]+)?\.toml|"
        r"(package(-lock)?|npm-shrinkwrap|composer|packages\.lock)\.json|pnpm-lock\.yaml|go\.(mod|sum|work)|Cargo\.toml|"
        r"(environment|conda)([-_.][^/]*)?\.ya?ml|pubspec\.yaml|pom\.xml|[^/]*\.gradle(\.kts)?|[^/]*\.versions\.toml|"
        r"[^/]*gradle\.lockfile|gradle\.properties|Gemfile|gems\.(rb|locked)|[^/]*\.(gemspec|csproj|fsproj|vbproj)|packages\.config|"
        r"Directory\.(Packages|Build)\.(props|targets)|Package\.resolved|\.terraform\.lock\.hcl|"
        r"[^/]*([dD]ocker|[cC]ontainer)file[^/]*)$|(^|/)requirements/",
    ),
    ("migration", r"(^|/)(migrations?|alembic/versions)/|\.(sql|ddl)$"),
    ("doc", r"(^|/)docs?/|\.(md|rst|adoc)$|(^|/)(LICENSE|NOTICE|CHANGELOG|AUTHORS|CONTRIBUTING|README)[^/]*$"),
    ("api", r"\.(proto|avsc|graphqls?|thrift)$|(^|/)(openapi|swagger)[^/]*\.(ya?ml|json)$"),
    ("tooling", r"(^|/)(\.gitignore|\.gitattributes|\.editorconfig|\.pre-commit-config\.yaml|Makefile|CODEOWNERS)$"),
    ("config", r"\.(toml|ya?ml|json|ini|cfg|conf|properties|env)$|(^|/)\.env[^/]*$"),
)
_COMPILED: Final = tuple((category, re.compile(rule)) for category, rule in _RULES)


@lru_cache(maxsize=1 << 17)
def categorise(path: str) -> str:
    """Return what kind of file a path names; ``internal`` if no rule fires.

    Examples
    --------
    >>> [categorise(p) for p in ("tests/test_a.py", "uv.lock", "app/migrations/0002_x.py", "README.md", "app/core.py")]
    ['test', 'dependency', 'migration', 'doc', 'internal']
    >>> [categorise(p) for p in ("shop/tests.py", "app/a_spec.rb", "S.Tests/A.cs", "app/latests.py", "pod_spec.yaml")]
    ['test', 'test', 'test', 'internal', 'config']
    """
    return next((category for category, rule in _COMPILED if rule.search(path)), "internal")


# What a machine runs, by the end of its name: markup, data and pictures are counted as lines of nothing.
_CODE: Final = frozenset(
    [
        "py",
        "pyx",
        "pyi",
        "js",
        "mjs",
        "cjs",
        "jsx",
        "ts",
        "mts",
        "cts",
        "tsx",
        "vue",
        "svelte",
        "go",
        "rs",
        "rb",
        "erb",
        "java",
        "kt",
        "kts",
        "scala",
        "groovy",
        "clj",
        "cs",
        "fs",
        "vb",
        "php",
        "c",
        "h",
        "cc",
        "cpp",
        "cxx",
        "hpp",
        "hh",
        "m",
        "mm",
        "swift",
        "dart",
        "ex",
        "exs",
        "erl",
        "hs",
        "ml",
        "lua",
        "pl",
        "pm",
        "r",
        "jl",
        "sh",
        "bash",
        "ps1",
        "sql",
        "proto",
        "graphql",
        "html",
        "jinja",
        "j2",
        "css",
        "scss",
    ]
)


def is_code(path: str) -> bool:
    """Say whether a file is code of the system itself: no test, document, lock file or setting.

    Examples
    --------
    >>> [is_code(path) for path in ("app/core.py", "tests/test_core.py", "uv.lock", "web/app.tsx", "README.md")]
    [True, False, False, True, False]
    """
    return path.rpartition(".")[2].lower() in _CODE and categorise(path) in ("internal", "migration", "api")


def parse_codeowners(text: str) -> tuple[tuple[str, str], ...]:
    """Return the patterns of a CODEOWNERS file with their owners, in order; no owner is an empty text."""
    found = []
    for line in text.splitlines():
        pattern, *owners = line.partition(" #")[0].split()[:20] or [""]
        if pattern and not pattern.startswith(("#", "[", "^[")):
            found.append((pattern, " ".join(owners)))
    return tuple(found)


def owner_of(path: str, codeowners: tuple[tuple[str, str], ...]) -> str | None:
    r"""Return the owners that the last fitting pattern names.

    Examples
    --------
    >>> rules = parse_codeowners("*.py @code\n/docs/ @writers\n")
    >>> owner_of("app/a.py", rules), owner_of("docs/b.md", rules), owner_of("c.txt", rules)
    ('@code', '@writers', None)
    """
    owners = [owner for pattern, owner in codeowners if path_pattern(pattern).match(path)]
    return (owners[-1] or None) if owners else None


def area_of(path: str, areas: Mapping[str, Area]) -> tuple[str, Area | None]:
    """Return the configured area of a path, by its longest fitting pattern; else the name of its top folder."""
    fitting = [
        (len(pattern), name, area)
        for name, area in areas.items()
        for pattern in area.paths
        if path_matches(pattern, path)
    ]
    if fitting:
        _, name, area = max(fitting, key=lambda found: found[0])
        return name, area
    top, slash, _ = path.partition("/")
    return (top if slash else TOP), None


def described(changes: pd.DataFrame, areas: Mapping[str, Area]) -> pd.DataFrame:
    """Return changes with what their paths and the configured areas say, where the evidence does not say it itself.

    Changes from a record name their paths alone; those that git told are described already.
    """
    found = [(categorise(path), *area_of(path, areas)) for path in changes["path"]]
    said = {
        "category": [category for category, _, _ in found],
        "area": [name for _, name, _ in found],
        **{key: [getattr(area, key, None) for _, _, area in found] for key in ("owner", "criticality", "value")},
    }
    filled = {
        key: changes[key].fillna(pd.Series(values, index=changes.index, dtype="str")) for key, values in said.items()
    }
    return changes.assign(**filled)
