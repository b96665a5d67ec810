"""Whether the settings that the running system reads are the same: a line of the checklist.

What tools, tests, translators and package managers read is nobody's configuration here; manifests, charts and servers'
files are, for they make the system that runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from stabkit.change.environment.deployment import ENV_FILE
from stabkit.change.environment.formats import Setting, settings_of_both
from stabkit.change.environment.masked import shown
from stabkit.change.environment.places import foreign, scope_of
from stabkit.change.facts import Answer, Fact, answered
from stabkit.change.paths import categorise
from stabkit.change.ranges import Change
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_configuration", "is_configuration"]

_FORMATS: Final = re.compile(r"\.(toml|ya?ml|json5?|jsonc|ini|cfg|conf|properties|env|config)$")
_SERVERS: Final = re.compile(
    r"(^|/)(nginx|apache|httpd|haproxy|supervisor|uwsgi|redis|postgres\w*|mysql|traefik|envoy|caddy)[^/]*/[^/]+\.(conf|cfg|ini|template)$|(^|/)(Caddyfile|\.htaccess|haproxy\.cfg|nginx\.conf[^/]*)$"
)
_PYTHON: Final = re.compile(
    r"(^|/)(settings|config|configuration|conf|\w+_settings|\w+_config|settings_\w+|config_\w+|gunicorn[^/]*)\.py$"
    r"|(^|/)(settings|config|configs)/(__init__|base|common|default|defaults|dev\w*|prod\w*|local|staging|stage|live|django|celery|logging|database|\w*env\w*)\.py$"
)
_XML: Final = re.compile(
    r"(^|/)((application|app|spring|beans|persistence|logback|log4j2?|hibernate|web|context|server|standalone|config|settings|sitemap-config|ehcache)[^/]*\.xml|[Ww]eb\.config|[Aa]pp\.config)$|(^|/)(config|conf|resources|META-INF|WEB-INF|spring)/[^/]+\.xml$"
)
# Settings of tools that build, check, format or publish, and lists of what is installed.
_TOOLS: Final = re.compile(
    r"(^|/)(tsconfig|jsconfig|babel|\.babelrc|\.?eslint|\.?prettier|\.?stylelint|jest|vitest|\.swcrc|\.mocharc|\.nycrc|karma|lerna|nx|turbo|rush|angular|biome|deno|renovate|dependabot|\.?release|\.?releaserc|\.?commitlint|\.?lintstagedrc|\.?huskyrc|\.czrc|\.?bower|composer|"
    r"typedoc|knip|components|project|workspace|pnpm-workspace|\.?markdownlint|\.?yamllint|\.?hadolint|\.?golangci|\.?goreleaser|\.?rubocop|\.?pylintrc|mypy|\.?flake8|\.?coveragerc|pytest|tox|ruff|\.ruff|setup|\.?bandit|\.?isort|\.?codespellrc|\.?pre-commit|\.pre-commit-hooks|\.?cspell|\.?typos|clippy|rustfmt|\.rustfmt|deny|cargo|buf|buf\.gen|sqlc|crowdin|transifex|codecov|\.?codeclimate|sonar-project|mkdocs|\.?readthedocs|"
    r"antora|book|_config|netlify-docs|\.?editorconfig|\.?snyk|\.?trivy|\.?gitleaks|\.?semgrep|lefthook|\.?gitpod|\.?devcontainer|devbox|\.?mise|\.tool-versions|taskfile|justfile|pubspec|analysis_options|l10n|build|gradle|gradle-wrapper|stabkit|hatch|pdm|pixi|meta|environment|conda|package|galaxy|Chart|CITATION|FUNDING|mergify|\.mergify|labeler|stale|\.?kodiak|openapi|swagger|manifest|site\.webmanifest|browserslist|tslint|graphql\.config|codegen|\.graphqlrc|components\.json|skaffold|tilt|hugo|cog|cliff|taplo|\.?taplo|pyrightconfig|pyproject|poetry|zuul|\.?sourcery|\.?all-contributorsrc|\.?npmrc|\.?yarnrc|babel\.config|\.lgtm|\.?pyup|\.?tx/config)"
    r"(\.[\w.-]+)?$",
)
_ELSEWHERE: Final = re.compile(
    r"(^|/)(\.github|\.gitlab|\.circleci|\.buildkite|\.vscode|\.idea|\.devcontainer|\.husky|\.changeset|\.storybook|\.tx|\.yarn|\.cargo|lang|langs|languages?|messages|nls|_locales|public|static|assets|schemas?|fixtures?|testdata|test-data|data|datasets?|seeds?|samples?|examples?|snapshots|cassettes|mocks?|__mocks__|benchmarks?|docs?|docs_src|templates/[^/]*docs|ISSUE_TEMPLATE|content|posts|icons|i18n|l10n|proto|migrations?)/"
    r"|\.(schema|stories|test|spec|snap|geo|lottie|postman_collection)\.json$|(^|/)(ar|bg|cs|da|de|el|en|es|et|fa|fi|fr|he|hi|hu|id|it|ja|ko|lt|lv|ms|nb|nl|no|pl|pt|ro|ru|sk|sl|sv|th|tr|uk|vi|zh)([-_][A-Za-z]{2,4})?\.(json|ya?ml|properties|toml)$|[._-][a-z]{2}(_[A-Z]{2})?\.properties$|\.arb$|messages[^/]*\.properties$|\.ipynb$|\.tfstate$"
)
# What is shown, offered or promised to others: drawings of metrics, descriptions of interfaces, a tool's hidden file.
_SHOWN_TO_OTHERS: Final = re.compile(
    r"(^|/)dashboards?/|dashboard[^/]*\.json$|(^|/)[^/]*(swagger|openapi|asyncapi)[^/]*$|(^|/)\.(?!env|htaccess)[^/]*$",
    re.IGNORECASE,
)
# What others start from, by copying it: no system that runs reads it.
_STARTS: Final = re.compile(
    r"(^|/)(project_template|app_template|project_templates|scaffolds?|skeletons?|boilerplates?|[^/]*\{\{[^/]*\}\}[^/]*)/|"
    r"(^|/)(example|sample)s?([._-][^/]*)?$|[._-](example|sample)(\.[^/.]+)?$"
)
_DEPLOYED: Final = re.compile(
    r"(^|/)(k8s|kubernetes|helm|charts?|deploy\w*|manifests|kustomize|argocd|flux|ansible|terraform|infra\w*|compose|ops|config|conf|etc|settings)/"
)
_KNOWN_JSON: Final = re.compile(
    r"(^|/)(appsettings|settings|config|configuration|conf|app|default|production|prod|staging|vercel|firebase|now|ecosystem\.config|task[-_]?definition\w*|local|custom-environment-variables|serverless|feature\w*|flags?|logging|log4j\w*|nginx|proxy|zappa_settings|host|function|local\.settings|aws-exports|runtime\w*|env)[\w.-]*\.(json5?|jsonc)$",
    re.IGNORECASE,
)
_SHOWN: Final = 10


def is_configuration(path: str) -> bool:
    """Say whether the running system reads a file as its settings, as far as a path can tell.

    Examples
    --------
    >>> [is_configuration(path) for path in ("config/app.yml", "tsconfig.json", "locale/de.json", "k8s/web.yaml")]
    [True, False, False, True]
    >>> [is_configuration(p) for p in ("project_template/a/settings.py", "conf/app.example.yml", "conf/sampler.yml")]
    [False, False, True]
    """
    category = categorise(path)
    if category in ("test", "doc", "ci", "dependency", "migration", "api", "tooling") or foreign(path):
        return False
    if (
        scope_of(path) == "ci"
        or _STARTS.search(path)
        or _SHOWN_TO_OTHERS.search(path)
        or (_ELSEWHERE.search(path) and not _DEPLOYED.search(path))
    ):
        return False
    name = path.rpartition("/")[2]
    if _SERVERS.search(path) or _XML.search(path) or ENV_FILE.search(path) or _PYTHON.search(path):
        return True
    if not _FORMATS.search(name) or (_TOOLS.search(path) and not _DEPLOYED.search(path)):
        return False
    # JSON is more often data than settings: only what is called so, or lies among them.
    if name.endswith((".json", ".json5", ".jsonc")):
        return bool(_KNOWN_JSON.search(path) or _DEPLOYED.search(path))
    return True


def answer_configuration(snapshots: Snapshots) -> Answer:
    """Return the answer of the line."""
    found: list[Fact] = []
    unread: list[str] = []
    for change in snapshots.changes:
        if not (is_configuration(change.path) or is_configuration(change.base_path)):
            continue
        old, new = snapshots.before(change), snapshots.after(change)
        if snapshots.unread(change):
            unread.append(change.path)
            continue
        if old == new:
            continue
        before, after = settings_of_both((change.base_path, old), (change.path, new))
        if before is None or after is None:
            unread.append(change.path)
            continue
        found += _compared(change, before, after)
    known = sum(map(is_configuration, {**snapshots.base_tree, **snapshots.head_tree}))
    more = f" and {len(unread) - _SHOWN} more" if len(unread) > _SHOWN else ""
    why = f"could not be parsed: {', '.join(unread[:_SHOWN])}{more}" if unread else None
    return answered(found, known, "configuration files", why=why)


def _compared(change: Change, before: dict[str, Setting], after: dict[str, Setting]) -> Iterator[Fact]:
    scope = scope_of(change.path)
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old is not None and new is not None and (old.value, old.kind) == (new.value, new.kind):
            continue
        here = new or old
        assert here is not None
        yield Fact(
            change.path if new is not None else change.base_path,
            here.line,
            key,
            "added" if old is None else "removed" if new is None else "changed",
            "key",
            None if old is None else shown(key, old.value),
            None if new is None else shown(key, new.value),
            all(side is None or side.proven for side in (old, new)),
            scope,
        )
