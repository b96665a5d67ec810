"""Endpoints whose port a compose file or a description of the interface names, and whose path the description names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from stabkit.change import plain_yaml
from stabkit.collect.detection.finding import Found, Table, unique_name
from stabkit.collect.detection.tree import Tree
from stabkit.text import joined

__all__ = ["find_endpoints"]

_COMPOSE: Final = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_DESCRIPTIONS: Final = (
    "*openapi*.json",
    "*openapi*.yaml",
    "*openapi*.yml",
    "*swagger*.json",
    "*swagger*.y*ml",
    "api.y*ml",
)
_HERE: Final = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "::1"})  # noqa: S104 - looked for, not bound
_PORT: Final = re.compile(r"(?:(?P<host>[\d.]+|\[[0-9a-f:]+\]):)?(?P<published>\d{1,5}):(?P<inside>\d{1,5})(?:/tcp)?")
_ADDRESS: Final = re.compile(
    r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::(?P<port>\d{1,5}))?(?P<path>/[\w./~-]*)?"
)
_PATH: Final = re.compile(r"/[\w./~-]*")
_HEALTH: Final = re.compile(r"/(health|healthz|ready|readyz|live|livez|ping|status)/?$")
_MOST: Final = 3  # endpoints of one description; the others are for the user to choose
_TLS: Final = (443, 8443)


@dataclass(frozen=True)
class _Service:
    """A service of a compose file that publishes one port: its own code, if it is built here."""

    file: str
    name: str
    published: int
    inside: int
    built: bool
    health: str | None


@dataclass(frozen=True)
class _Described:
    """What a description of an interface says."""

    file: str
    port: int | None
    base: str
    paths: tuple[tuple[str, int], ...]


def find_endpoints(tree: Tree) -> Found:
    """Return a table for each endpoint whose port and path are both said; what lacks one of them is left out."""
    left_out: list[str] = []
    services = [service for file in tree.named(*_COMPOSE)[:20] for service in _services(tree, file, left_out)]
    described = [found for file in tree.named(*_DESCRIPTIONS)[:20] if (found := _description(tree, file, left_out))]
    tables: list[Table] = []
    served: set[int] = set()
    for one in described:
        port, why = _port_of(one, services)
        if port is None:
            left_out.append(f"{one.file}: it says paths, and no file says on which port of this machine they answer")
            continue
        served.add(port)
        tables += _endpoints(one, port, why, {str(table.name) for table in tables}, left_out)
    for service in services:
        if service.published in served:
            continue
        if service.health is None:
            left_out.append(f"{service.file}: {service.name} listens on port {service.published}, no file says a path")
            continue
        name = unique_name(service.name, (str(table.name) for table in tables))
        url = f"http://127.0.0.1:{service.published}{service.health}"
        tables.append(Table("http", name, {"url": (url, f"{service.file}: port and health check of {service.name}")}))
    return Found(tuple(tables), tuple(left_out))


def _document(tree: Tree, file: str) -> Any:
    try:
        return plain_yaml((tree.text(file) or "").encode("utf-8", "replace"))
    except ValueError:
        return None


def _services(tree: Tree, file: str, left_out: list[str]) -> Iterator[_Service]:
    document = _document(tree, file)
    services = document.get("services") if isinstance(document, dict) else None
    if not isinstance(services, dict):
        left_out.append(f"{file}: it cannot be read as a compose file")
        return
    for name, service in list(services.items())[:100]:
        if not isinstance(service, dict) or not isinstance(service.get("ports"), list):
            continue
        ports = [port for told in service["ports"] if (port := _published(told)) is not None]
        if len(ports) != 1:
            left_out.append(f"{file}: {str(name)[:60]} publishes {'no fixed port' if not ports else 'several ports'}")
            continue
        published, inside = ports[0]
        if inside in _TLS or published in _TLS:
            left_out.append(f"{file}: {str(name)[:60]} answers over TLS, for which no host name is said")
            continue
        yield _Service(file, str(name), published, inside, "build" in service, _health(service, inside))


def _published(told: Any) -> tuple[int, int] | None:
    """Return the port of this machine and the one in the container, of the short and of the long form.

    Examples
    --------
    >>> _published("127.0.0.1:8080:80"), _published({"target": 80, "published": "8080"}), _published("${PORT}:80")
    ((8080, 80), (8080, 80), None)
    """
    if isinstance(told, Mapping):
        pair = str(told.get("published")), str(told.get("target"))
        plain = told.get("protocol", "tcp") == "tcp" and all(part.isascii() and part.isdigit() for part in pair)
        found = (int(pair[0][:6]), int(pair[1][:6])) if plain else None
    else:
        match = _PORT.fullmatch(str(told))
        found = None if match is None else (int(match["published"]), int(match["inside"]))
    return found if found and all(0 < port <= 65_535 for port in found) else None


def _health(service: Mapping[str, Any], inside: int) -> str | None:
    """Return the path that the health check of a service asks at the port of its container."""
    check = service.get("healthcheck")
    test = check.get("test") if isinstance(check, Mapping) else None
    words = " ".join(map(str, test[:40])) if isinstance(test, list) else str(test or "")
    for found in _ADDRESS.finditer(words[:2_000]):
        if int(found["port"] or 80) == inside and found["path"]:
            return found["path"]
    return None


def _description(tree: Tree, file: str, left_out: list[str]) -> _Described | None:
    document = _document(tree, file)
    if not isinstance(document, dict) or not ("openapi" in document or "swagger" in document):
        return None
    paths = tuple(_plain_paths(document))
    if not paths:
        left_out.append(f"{file}: no GET of it goes without parameters and without a sign-in")
        return None
    address, base = _server(document)
    return _Described(file, address, base, paths)


def _server(document: Mapping[str, Any]) -> tuple[int | None, str]:
    """Return the port of this machine that a description names, if it does, and what stands before each path."""
    servers = document.get("servers")
    told = (
        [str(one.get("url", "")) for one in servers[:20] if isinstance(one, dict)] if isinstance(servers, list) else []
    )
    if "swagger" in document:
        host = document.get("host")
        told = [f"{'http://' + str(host) if host else ''}{document.get('basePath') or ''}"]
    base = None
    for url in told:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            continue
        path = parts.path.rstrip("/")
        if path and not _PATH.fullmatch(path):
            continue
        if parts.hostname in _HERE and parts.scheme == "http":
            return port or 80, path
        # Elsewhere it may lie under another path, but where no host is said it is said of every host.
        base = path if base is None and not parts.netloc else base
    return None, base or ""


def _plain_paths(document: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield the paths that a GET asks without any parameter or sign-in, with the status of a good answer."""
    paths = document.get("paths")
    for path, item in list(paths.items())[:2_000] if isinstance(paths, dict) else ():
        get = item.get("get") if isinstance(item, dict) else None
        if not isinstance(path, str) or not isinstance(get, dict) or not _PATH.fullmatch(path) or len(path) > 200:
            continue
        parameters = [*_listed(item.get("parameters")), *_listed(get.get("parameters"))]
        needed = any(not isinstance(one, dict) or "$ref" in one or one.get("required") for one in parameters)
        security = get.get("security", document.get("security"))
        if needed or (isinstance(security, list) and security and {} not in security):
            continue
        responses = get.get("responses")
        good = [int(str(code)) for code in (responses if isinstance(responses, dict) else ()) if _is_good(code)]
        if len(good) == 1 or 200 in good:
            yield path, 200 if 200 in good else good[0]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_good(code: object) -> bool:
    return re.fullmatch(r"2\d\d", str(code), re.ASCII) is not None


def _port_of(one: _Described, services: list[_Service]) -> tuple[int | None, str]:
    """Return the port at which a description's paths answer, and who says so."""
    if one.port is not None:
        return one.port, f"{one.file}: server"
    own = [service for service in services if service.built] or services
    if len(own) == 1:
        return own[0].published, f"{own[0].file}: the port of {own[0].name}"
    return None, ""


def _endpoints(one: _Described, port: int, why: str, taken: set[str], left_out: list[str]) -> Iterator[Table]:
    ordered = sorted(one.paths, key=lambda path: _HEALTH.search(path[0]) is None)
    for path, status in ordered[:_MOST]:
        name = unique_name(path if path.strip("/") else "home", taken)
        taken.add(name)
        values: dict[str, tuple[Any, str]] = {
            "url": (f"http://127.0.0.1:{port}{one.base}{path}", f"{why}; path of {one.file}")
        }
        if status != 200:
            values["expect_status"] = (status, f"{one.file}: its answers")
        yield Table("http", name, values)
    if len(ordered) > _MOST:
        others = joined([path for path, _ in ordered[_MOST:]], most=4)
        left_out.append(f"{one.file}: {others}: add those whose times matter")
