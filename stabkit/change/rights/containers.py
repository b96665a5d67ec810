"""What containers may do where the system runs: compose files and manifests of Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from stabkit.change.facts import Scope
from stabkit.change.rights.right import Right
from stabkit.change.yaml_documents import Section, Sequence, Text, line_of, read_yaml, walk

__all__ = ["GRANTS", "container_rights"]

GRANTS: Final = re.compile(
    rb"privileged|cap_add|capabilities|hostNetwork|hostPID|hostIPC|allowPrivilegeEscalation|docker\.sock|network_mode|"
    rb"runAsUser|runAsNonRoot|ClusterRole|kind: *Role|pid:|security_opt|hostPath"
)
"""What a file must hold to grant anything."""

_TRUE: Final = ("privileged", "hostNetwork", "hostPID", "hostIPC", "allowPrivilegeEscalation")
_HOST: Final = {"network_mode": "host", "pid": "host", "ipc": "host", "runAsUser": "0", "runAsNonRoot": "false"}


def container_rights(path: str, text: str) -> list[Right]:
    """Return the rights that go beyond a container's own."""
    development = re.search(r"(?i)(^|/|[._-])(dev|test|tests|local|override|ci)([./_-]|$)", path) is not None
    scope: Scope = "development" if development else "production"
    found: list[Right] = []
    for document in read_yaml(text):
        if isinstance(document, Section):
            kind, name = str(document.get("kind") or ""), _name(document)
            for way, key, part in walk(document):
                place = ".".join(filter(None, [kind and f"{kind} {name}", *way]))
                found += _of_part(place, way, key, part, scope)
                if kind in ("Role", "ClusterRole"):
                    found += _of_rule(place, part, scope)
    return found


def _name(document: Section) -> str:
    about = document.get("metadata")
    return str(about.get("name") or "") if isinstance(about, Section) else ""


def _of_part(place: str, way: tuple[str, ...], key: str | None, part: Any, scope: Scope) -> Iterator[Right]:
    if isinstance(part, Text):
        host = key is not None and _HOST.get(key) == part.lower()
        if host or (key in _TRUE and part.lower() == "true"):
            yield Right(place, 1, str(part), part.line, "container right", scope=scope)
        elif "/var/run/docker.sock" in part:
            yield Right(
                f"{place.rpartition('.')[0]} docker.sock", 1, str(part), part.line, "container right", scope=scope
            )
    elif isinstance(part, Sequence) and (key == "cap_add" or (key == "add" and "capabilities" in way)):
        for item in part:
            yield Right(f"{place}.{item}", 1, str(item), line_of(item), "container right", scope=scope)


def _of_rule(place: str, part: Any, scope: Scope) -> Iterator[Right]:
    if isinstance(part, Section) and "verbs" in part:
        for kind in ("verbs", "resources", "apiGroups"):
            items = part.get(kind)
            for item in items if isinstance(items, Sequence) else ():
                if item == "*" and kind != "apiGroups":
                    yield Right(f"{place}.{kind}.*", 1, "*", line_of(item), "role", scope=scope)
