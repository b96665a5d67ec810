"""Compose files written one way: what may be a list of ``NAME=value`` or a mapping is a mapping."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from stabkit.change.documents import Node

__all__ = ["composed"]

_EITHER: Final = ("environment", "labels", "annotations", "sysctls", "args")


def composed(document: Node) -> Node:
    """Return a document whose services name their variables, labels and arguments as mappings; any other as it is.

    Examples
    --------
    >>> from stabkit.change.documents import flattened, yaml_documents
    >>> (document,) = yaml_documents(b"services: {web: {environment: [A=1, B]}}")
    >>> {key: leaf.text for key, leaf in flattened(composed(document)).items()}
    {'services.web.environment.A': '1', 'services.web.environment.B': ''}
    """
    services = document.value.get("services") if isinstance(document.value, dict) else None
    if services is None or not isinstance(services.value, dict) or not isinstance(document.value, dict):
        return document
    told = {name: _service(service) for name, service in services.value.items()}
    return replace(document, value={**document.value, "services": replace(services, value=told)})


def _service(service: Node) -> Node:
    if not isinstance(service.value, dict):
        return service
    parts = {key: _mapping(node) if key in _EITHER else node for key, node in service.value.items()}
    for key in ("build", "deploy"):
        inner = parts.get(key)
        if inner is not None and isinstance(inner.value, dict):
            held = {name: _mapping(node) if name in _EITHER else node for name, node in inner.value.items()}
            parts[key] = replace(inner, value=held)
    return replace(service, value=parts)


def _mapping(node: Node) -> Node:
    """Return it as a mapping of texts: ``NAME`` alone is handed over from outside, and so is a name without a value."""
    if isinstance(node.value, list):
        pairs = [(item.value.partition("="), item.line) for item in node.value if isinstance(item.value, str)]
        if len(pairs) != len(node.value):
            return node
        found = {name: Node(value, "str" if sign else "null", line or node.line) for (name, sign, value), line in pairs}
    elif isinstance(node.value, dict):
        found = {
            name: replace(inner, value="" if inner.kind == "null" else inner.value, kind=_kind(inner))
            for name, inner in node.value.items()
        }
    else:
        return node
    return replace(node, value=dict(found))


def _kind(node: Node) -> str:
    return "str" if node.kind in ("int", "float", "bool") else node.kind
