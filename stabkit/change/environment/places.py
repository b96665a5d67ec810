"""What a path says of the variables and settings in a file: whom they touch, and whether anybody looks at them."""

from __future__ import annotations

import re
from typing import Final

from stabkit.change.facts import Scope
from stabkit.change.paths import categorise

__all__ = ["foreign", "scope_of"]

_FOREIGN: Final = re.compile(
    r"(^|/)(node_modules|vendor|third_party|bower_components|site-packages|\.venv|dist|\.yarn|__snapshots__|locales?|i18n|translations)/"
    r"|\.min\.(js|css)$|\.map$|(^|/)(package-lock\.json|yarn\.lock|pnpm-lock\.yaml|poetry\.lock|uv\.lock|Cargo\.lock|go\.sum)$"
)
_CI: Final = re.compile(
    r"^\.(github|gitlab|circleci|buildkite|woodpecker|drone|azure-pipelines|buildkite-ci)/|(^|/)\.?(gitlab-ci|travis|drone|woodpecker|appveyor|"
    r"azure-pipelines|bitbucket-pipelines|circle|cirrus|readthedocs|codecov)[^/]*\.ya?ml$|(^|/)Jenkinsfile|(^|/)ci/"
)
_DEVELOPMENT: Final = re.compile(
    r"(^|/)(tests?|testing|test[-_]?(data|utils|support|helpers)|spec|__tests__|__mocks__|e2e|cypress|fixtures?|docs?|docs_src|examples?|samples?|demos?|benchmarks?|hack|"
    r"\.devcontainer|\.vscode|\.idea|storybook|\.storybook)/"
    r"|(^|/)(tests\.(py|rs)|[^/]*_spec\.rb)$|\.Tests?/|(^|/)(test_[^/]*|[^/]*_test|conftest|noxfile|tasks|fabfile)\.\w+$|\.(test|spec|stories)\.\w+$"
    r"|(^|/)\.env\.?(test|testing|dev|development|local)\b[^/]*$|[.-](dev|development|local|test|testing|override)\.(ya?ml|env|conf|ini|toml|json|properties)$"
    r"|(^|/)Dockerfile[._-](dev|test|local)[^/]*$|(^|/)(dev|test)\.Dockerfile$"
    r"|(^|/)(jest|vitest|playwright|cypress|karma|babel|eslint|prettier|tailwind|postcss)\.(config|setup)[^/]*$"
)
_TOOL_SCRIPT: Final = re.compile(
    r"(^|/)(scripts?|tools?|bin|dev)/[^/]*\.(sh|bash)$|^[^/]*(test|lint|dev|install|build)[^/]*\.(sh|bash)$"
)
_RUNS: Final = re.compile(r"(^|/)[^/]*(entry|start|run|boot|init|serve|deploy|migrat|worker|launch)[^/]*$")


def foreign(path: str) -> bool:
    """Say whether a file is somebody else's, made by a tool, or words in a language: nobody's settings.

    Examples
    --------
    >>> foreign("node_modules/a/index.js"), foreign("app/settings.py")
    (True, False)
    """
    return _FOREIGN.search(path) is not None


def scope_of(path: str) -> Scope:
    """Return what a file's variables and settings touch.

    Examples
    --------
    >>> [scope_of(path) for path in ("app/a.py", "tests/test_a.py", ".github/workflows/a.yml", ".env.example")]
    ['production', 'development', 'ci', 'production']
    """
    if _CI.search(path):
        return "ci"
    if _DEVELOPMENT.search(path) or categorise(path) in ("test", "doc"):
        return "development"
    if _TOOL_SCRIPT.search(path) and not _RUNS.search(path):
        return "development"
    return "production"
