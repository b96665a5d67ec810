"""Which files name dependencies, of which ecosystem, and who reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

from stabkit.change.dependencies import (
    bundles,
    compiled,
    images,
    infrastructure,
    javascript,
    pipelines,
    python_locks,
    python_manifests,
)
from stabkit.change.dependencies.entries import Entry

__all__ = ["File", "file_of", "may_name_images", "read_file"]

Role = Literal["manifest", "lock", "mixed"]

# The project of all pipelines: an action is one, however many workflows use it. What an image installs is its own,
# whatever the folder beside it declares.
_PIPELINES: Final = "(pipelines)"
_IMAGES: Final = " (images)"


@dataclass(frozen=True)
class File:
    """A file that names dependencies.

    Attributes
    ----------
    project : str
        The folder whose dependencies it names.
    ecosystem : str
        Where they come from; empty for a file that names several kinds.
    role : str
        Whether it declares, resolves, or does neither: ``mixed``.
    """

    path: str
    project: str
    ecosystem: str
    role: Role
    read: Callable[[str, str], Sequence[Any]]


_CI: Final = (
    r"\.github/workflows/[^/]+\.ya?ml|(?:.*/)?action\.ya?ml|\.gitlab-ci\.ya?ml|\.gitlab/.*\.ya?ml|\.circleci/.*\.ya?ml|"
    r"(?:.*/)?azure-pipelines[^/]*\.ya?ml|\.azure-pipelines/.*\.ya?ml|bitbucket-pipelines\.yml|\.drone\.ya?ml|"
    r"\.woodpecker(?:\.ya?ml|/.*\.ya?ml)|cloudbuild\.ya?ml|\.buildkite/.*\.ya?ml|\.travis\.yml|appveyor\.yml|\.cirrus\.yml|"
    r"\.tekton/.*\.ya?ml"
)
# The rest of a path behind its folder -> ecosystem, role, reader. The first that fits.
_KINDS: Final[tuple[tuple[str, str, Role, Callable[[str, str], Sequence[Any]]], ...]] = (
    (_CI, "", "mixed", pipelines.read_pipeline),
    (r"(?:.*/)?[^/]*Jenkinsfile[^/]*", "", "mixed", pipelines.read_jenkinsfile),
    (r"(?:.*/)?\.pre-commit-config\.ya?ml", "", "mixed", pipelines.read_hooks),
    (r"(?:.*/)?pyproject\.toml", "python", "manifest", python_manifests.read_pyproject),
    (r"(?:.*/)?setup\.py", "python", "manifest", python_manifests.read_setup_py),
    (r"(?:.*/)?setup\.cfg", "python", "manifest", python_manifests.read_setup_cfg),
    (r"(?:.*/)?Pipfile", "python", "manifest", python_manifests.read_pipfile),
    (
        r"(?:.*/)?(?:[^/]*(?:requirements?|constraints?)[^/]*\.(?:txt|in|pip)|requirements/[^/]+\.(?:txt|in|pip))",
        "python",
        "manifest",
        python_manifests.read_requirements,
    ),
    (r"(?:.*/)?(?:environment|conda)(?:[-_.][^/]*)?\.ya?ml", "conda", "manifest", python_manifests.read_environment),
    (
        r"(?:.*/)?(?:uv\.lock|poetry\.lock|pdm\.lock|pylock(?:\.[^/]+)?\.toml)",
        "python",
        "lock",
        python_locks.read_toml_lock,
    ),
    (r"(?:.*/)?Pipfile\.lock", "python", "lock", python_locks.read_pipfile_lock),
    (r"(?:.*/)?package\.json", "javascript", "manifest", javascript.read_package_json),
    (r"(?:.*/)?(?:package-lock|npm-shrinkwrap)\.json", "javascript", "lock", javascript.read_package_lock),
    (r"(?:.*/)?yarn\.lock", "javascript", "lock", javascript.read_yarn_lock),
    (r"(?:.*/)?pnpm-lock\.yaml", "javascript", "lock", javascript.read_pnpm_lock),
    (r"(?:.*/)?bun\.lock", "javascript", "lock", javascript.read_bun_lock),
    (r"(?:.*/)?go\.mod", "go", "manifest", compiled.read_go_mod),
    (r"(?:.*/)?go\.sum", "go", "lock", compiled.read_go_sum),
    (r"(?:.*/)?Cargo\.toml", "rust", "manifest", compiled.read_cargo),
    (r"(?:.*/)?Cargo\.lock", "rust", "lock", compiled.read_cargo_lock),
    (r"(?:.*/)?pom\.xml", "java", "manifest", compiled.read_pom),
    (r"(?:.*/)?[^/]*\.gradle(?:\.kts)?", "java", "manifest", compiled.read_gradle),
    (r"(?:.*/)?[^/]*\.versions\.toml", "java", "manifest", compiled.read_version_catalog),
    (
        r"(?:.*/)?(?:gradle|gradle/wrapper/gradle-wrapper|\.mvn/wrapper/maven-wrapper)\.properties",
        "java",
        "manifest",
        compiled.read_gradle_properties,
    ),
    (r"(?:.*/)?(?:gradle|buildscript-gradle)\.lockfile", "java", "lock", compiled.read_gradle_lock),
    (
        r"(?:.*/)?(?:[^/]*\.(?:cs|fs|vb)proj|Directory\.(?:Packages|Build)\.(?:props|targets)|packages\.config)",
        "dotnet",
        "manifest",
        compiled.read_dotnet,
    ),
    (r"(?:.*/)?packages\.lock\.json", "dotnet", "lock", compiled.read_dotnet_lock),
    (r"(?:.*/)?(?:Gemfile|gems\.rb)", "ruby", "manifest", bundles.read_gemfile),
    (r"(?:.*/)?[^/]*\.gemspec", "ruby", "manifest", bundles.read_gemspec),
    (r"(?:.*/)?(?:Gemfile\.lock|gems\.locked)", "ruby", "lock", bundles.read_gemfile_lock),
    (r"(?:.*/)?composer\.json", "php", "manifest", bundles.read_composer),
    (r"(?:.*/)?composer\.lock", "php", "lock", bundles.read_composer_lock),
    (r"(?:.*/)?pubspec\.yaml", "dart", "manifest", bundles.read_pubspec),
    (r"(?:.*/)?pubspec\.lock", "dart", "lock", bundles.read_pubspec_lock),
    (r"(?:.*/)?mix\.exs", "elixir", "manifest", bundles.read_mix),
    (r"(?:.*/)?mix\.lock", "elixir", "lock", bundles.read_mix_lock),
    (r"(?:.*/)?Package\.resolved", "swift", "lock", bundles.read_swift_lock),
    (r"(?:.*/)?Chart\.yaml", "helm", "manifest", infrastructure.read_chart),
    (r"(?:.*/)?Chart\.lock", "helm", "lock", infrastructure.read_chart),
    (r"(?:.*/)?\.terraform\.lock\.hcl", "terraform", "lock", infrastructure.read_terraform_lock),
    (r"(?:.*/)?[^/]*\.tf", "terraform", "manifest", infrastructure.read_terraform),
    (r"(?:.*/)?flake\.lock", "nix", "lock", infrastructure.read_flake_lock),
    (
        r"(?:.*/)?(?:\.python-version|\.nvmrc|\.node-version|\.ruby-version|\.tool-versions|runtime\.txt|rust-toolchain(?:\.toml)?|global\.json)",
        "runtime",
        "manifest",
        infrastructure.read_runtime,
    ),
    (
        r"(?:.*/)?(?:(?:[^/]*[.-])?(?:Docker|Container)file(?:[.-][^/]*)?|[^/]+\.(?:[Dd]ocker|[Cc]ontainer)file)",
        "",
        "mixed",
        images.read_dockerfile,
    ),
    (
        r"(?:.*/)?(?:(?:docker-)?compose[^/]*\.ya?ml|values[^/]*\.ya?ml|kustomization\.ya?ml)|"
        r"(?:.*/)?(?:k8s|kubernetes|kube|manifests|deploy|deployment|helm|charts)/.*\.ya?ml",
        "",
        "mixed",
        images.read_images,
    ),
)
_PIPELINE_READERS: Final = (pipelines.read_pipeline, pipelines.read_jenkinsfile)
_COMPILED: Final = tuple((re.compile(kind[0], re.DOTALL), kind) for kind in _KINDS)
# One look at the end of a name passes over nearly all files of a tree.
_LIKELY: Final = re.compile(
    r"(?:\.(?:ya?ml|toml|lock|locked|json|in|pip|cfg|mod|sum|xml|gradle|kts|lockfile|(?:cs|fs|vb)proj|props|targets|config|"
    r"gemspec|hcl|tf|properties|resolved|nvmrc)|[rR]equire[^/]*\.txt|requirements/[^/]*\.txt|constraint[^/]*\.txt|runtime\.txt|setup\.py|mix\.exs|"
    r"Pipfile|Gemfile|rust-toolchain|gems\.rb|-versions?)$|[dD]ockerfile|[cC]ontainerfile|Jenkinsfile"
)
# Data of tests, and the code of others: what stands there is installed by nobody.
_NOT_OURS: Final = re.compile(
    r"(?i)(^|/)(fixtures?|__fixtures__|testdata|test[-_]data|golden|snapshots?|node_modules|vendor|vendored|third[-_]party|"
    r"site-packages|cassettes|expected)/"
)


@lru_cache(maxsize=100_000)
def file_of(path: str) -> File | None:
    """Return what a path says of its dependencies; None for a file that names none.

    Examples
    --------
    >>> file = file_of("a/uv.lock")
    >>> file.project, file.ecosystem, file.role
    ('a', 'python', 'lock')
    """
    if not _LIKELY.search(path) or _NOT_OURS.search(path):
        return None
    for pattern, (_, ecosystem, role, reader) in _COMPILED:
        if pattern.fullmatch(path):
            folder = path.rpartition("/")[0]
            if folder == "requirements" or folder.endswith("/requirements"):
                folder = folder.removesuffix("requirements").rstrip("/")
            if ecosystem == "java":
                folder = folder.removesuffix("gradle").rstrip("/")
            if role == "mixed":
                folder = _PIPELINES if reader in _PIPELINE_READERS else f"{folder}{_IMAGES}"
            return File(path, folder, ecosystem, role, reader)
    return None


def may_name_images(path: str, content: bytes) -> File | None:
    """Return a file that nothing but its content gives away as a manifest of containers; None for any other."""
    if not path.endswith((".yml", ".yaml")) or _NOT_OURS.search(path):
        return None
    if not re.search(rb"(?m)^[ \t]*(-[ \t]+)?image:", content) or not re.search(rb"(?m)^(kind|services):", content):
        return None
    return File(path, f"{path.rpartition('/')[0]}{_IMAGES}", "", "mixed", images.read_images)


def read_file(file: File, content: bytes) -> list[tuple[str, Entry]]:
    """Return the entries of a file, each with its ecosystem.

    Raises
    ------
    Exception
        Of any kind: a parser may refuse foreign text in its own way.
    """
    found = file.read(file.path, content.decode("utf-8-sig"))
    return [one if isinstance(one, tuple) else (file.ecosystem, one) for one in found]
