"""The feature flags that files of settings define: those of the known services, and parts of others called so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from stabkit.change.documents import Node, flattened, json_documents, toml_document, yaml_documents
from stabkit.change.environment.uses import Use

__all__ = ["BUNDLES", "file_flags", "is_flag_file"]

BUNDLES: Final = re.compile(
    r"(?i)(feature_?flags?|features|flags|toggles|feature_?toggles|feature_?switches|FLAGS|FEATURE_FLAGS|experiments)"
)
"""What a part of a file, or a setting, is called that holds nothing but flags."""

_FILE: Final = re.compile(
    r"(?i)(^|/)([\w.-]*(feature[-_]?(flag|toggle)s?|flagd|goff|flipt)[\w.-]*|flags|features|toggles|unleash|experiments)\.(ya?ml|json|toml)$|\.goff\.(ya?ml|json|toml)$|\.flagd\.json$|(^|/)flags?/[^/]+\.(ya?ml|json)$|(^|/)features?/[^/]*flags?[^/]*\.(ya?ml|json)$"
)
_MOST_RULES: Final = 200


def is_flag_file(path: str) -> bool:
    """Say whether a file is called as the files are that define flags.

    Examples
    --------
    >>> is_flag_file("config/feature_flags.yml"), is_flag_file("config/app.yml")
    (True, False)
    """
    return _FILE.search(path) is not None


def file_flags(path: str, content: bytes) -> list[Use] | None:
    """Return the flags that a file of settings defines; None for one that cannot be parsed."""
    if path.endswith(".toml"):
        document = toml_document(content)
        documents = None if document is None else [document]
    else:
        documents = json_documents(content) if path.endswith(".json") else yaml_documents(content)
    if documents is None:
        return None
    return [use for document in documents for use in _documented(document, 0, set(), whole=is_flag_file(path))]


def _documented(node: Node, depth: int, seen: set[int], *, whole: bool) -> Iterator[Use]:
    if depth > 8 or isinstance(node.value, str) or id(node) in seen:
        return
    seen.add(id(node))
    pairs = list(node.value.items()) if isinstance(node.value, dict) else []
    bundles = [inner for key, inner in pairs if BUNDLES.fullmatch(key) and not isinstance(inner.value, str)]
    if whole and depth == 0 and not bundles:
        bundles = [node]
    for bundle in bundles:
        yield from _bundle(bundle)
    if not bundles:
        for inner in node.value if isinstance(node.value, list) else [inner for _, inner in pairs]:
            yield from _documented(inner, depth + 1, seen, whole=False)


def _bundle(node: Node) -> Iterator[Use]:
    if isinstance(node.value, dict):
        for name, inner in node.value.items():
            if not name.startswith("$"):
                yield Use(name, inner.line or 1, _state(inner))
    elif isinstance(node.value, list):
        for inner in node.value:
            if isinstance(inner.value, str):
                yield Use(inner.value, inner.line or 1, "on")
                continue
            if isinstance(inner.value, dict):
                key = next((inner.value[k] for k in ("key", "name", "id", "flag") if k in inner.value), None)
                if key is not None and isinstance(key.value, str):
                    yield Use(key.value, key.line or 1, _state(inner))


def _state(node: Node) -> str | None:
    """Return what a flag is set to, all of it: a rule that changes is a flag that changes."""
    if isinstance(node.value, str):
        return node.text
    leaves = flattened(node, _MOST_RULES) or {}
    told = [
        f"{path}={leaf.text}"
        for path, leaf in leaves.items()
        if not path.endswith(("description", "name", "key", "owner"))
    ]
    return ", ".join(told) or None
