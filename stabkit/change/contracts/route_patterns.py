"""Routes that frameworks of other languages declare, found by pattern."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from stabkit.change.contracts.python_routes import Route, normal_path

__all__ = ["SUFFIXES", "pattern_routes"]

_SCRIPTS: Final = (".js", ".mjs", ".cjs", ".ts", ".mts", ".tsx", ".jsx")
SUFFIXES: Final = (*_SCRIPTS, ".go", "routes.rb", ".java", ".kt", ".php", ".cs", ".rs", "router.ex")
"""How the names of files end that may declare routes."""

_FRAMEWORK: Final = re.compile(
    rb"""(?:from|require\(|import)\s*["'](?:express|express-ws|koa[\w/-]*|@koa/router|fastify|hono|restify|polka|"""
    rb"""find-my-way|@nestjs/common|elysia|h3)["']"""
)
_SCRIPT: Final = re.compile(
    r"""\b(?!axios|client|http\b|api\b|request|fetch)[\w$]+\.(get|post|put|patch|delete|del|all|head|options|ws)"""
    r"""\(\s*["'`](/[^"'`\n]*)["'`]\s*,"""
)
_CHAINED: Final = re.compile(r"""\.route\(\s*["'`](/[^"'`\n]*)["'`]\s*\)((?:\s*\.\w+\((?:[^()]|\([^()]*\))*\))*)""")
_NEST: Final = re.compile(r"""@(Get|Post|Put|Patch|Delete|All|Head|Options)\(\s*(?:["'`]([^"'`\n]*)["'`])?\s*\)""")
_NEST_AT: Final = re.compile(r"""@Controller\(\s*(?:\{[^}]*path:\s*)?(?:["'`]([^"'`\n]*)["'`])?""")
_NEXT_HANDLER: Final = re.compile(
    r"export\s+(?:async\s+)?(?:function|const)\s+(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\b"
)
_NEXT_PAGE: Final = re.compile(r"(?:^|/)pages/(api/.*)\.[jt]sx?$")
_NEXT_ROUTE: Final = re.compile(r"(?:^|/)app/(.*?)/?route\.[jt]s$")
_GO_GROUPS: Final = ("Group", "Route", "Mount")
_GO: Final = re.compile(
    r"""\.(HandleFunc|Handle|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|Any|Get|Post|Put|Patch|Delete|Head|Options|Group|"""
    r"""Route|Mount|All)\(\s*"((?:[A-Z]+ )?[^"\s]*/[^"\s]*)"\s*(?:,|\))(?:[^\n]*\)\s*\.Methods\(([^)]*)\))?"""
)
_SPRING: Final = re.compile(r"""@(Get|Post|Put|Patch|Delete|Request)Mapping\b(?:\(([^)]*)\))?""")
_JAX: Final = re.compile(r"""@Path\(\s*"([^"]*)"\s*\)""")
_LARAVEL: Final = re.compile(
    r"""Route::(get|post|put|patch|delete|any|options|match|resource|apiResource|view|redirect)\("""
    r"""\s*(?:\[[^\]]*\]\s*,\s*)?["']([^"']*)["']"""
)
_SYMFONY: Final = re.compile(r"""#\[Route\(\s*(?:path:\s*)?["']([^"']+)["']([^\]]*)\]""")
_ASPNET: Final = re.compile(
    r"""\[Http(Get|Post|Put|Patch|Delete)\(\s*"([^"]*)"|\.Map(Get|Post|Put|Patch|Delete)\(\s*"([^"]*)\""""
)
_RUST: Final = re.compile(
    r"""\.route\(\s*"(/[^"]*)"\s*,\s*(?:web::)?(get|post|put|patch|delete|any)\b|"""
    r"""#\[(get|post|put|patch|delete|head)\(\s*"([^"]*)\""""
)
_RAILS: Final = re.compile(
    r"""^([ \t]*)(get|post|put|patch|delete|match|root|resources?|namespace|scope|mount)\b[ \t(]*(.*)$""", re.MULTILINE
)
_PHOENIX: Final = re.compile(
    r"""^([ \t]*)(get|post|put|patch|delete|options|head|live|resources|forward|scope)[ \t(]+"(/[^"]*)"(.*)$""",
    re.MULTILINE,
)
_KTOR: Final = re.compile(
    r"""^([ \t]*)(get|post|put|patch|delete|options|head|route)\(\s*"(/?[^"]*)"\s*\)\s*\{""", re.MULTILINE
)
_TEXT: Final = re.compile(r"""["']([^"']*)["']""")
_RAILS_NAME: Final = re.compile(r"""[:"']([\w/:.*-]+)""")


_Declared = tuple[list[str], str, int]
_VERBS: Final = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))


def pattern_routes(path: str, content: bytes) -> Iterator[Route]:
    """Yield the routes of a file that is no Python; heuristic, with the prefix of its class where it states one."""
    text = content.decode("utf-8", "replace")
    for methods, route, start in _found(path, content, text):
        whole = normal_path(route)
        yield Route(whole, frozenset(methods), path, text.count("\n", 0, start) + 1, route, proven=False)


def _found(path: str, content: bytes, text: str) -> Iterator[_Declared]:
    if path.endswith(_SCRIPTS):
        return _scripts(path, content, text)
    read = next(read for suffix, read in _READERS.items() if path.endswith(suffix))
    return read(text)


def _go(text: str) -> Iterator[_Declared]:
    for match in _GO.finditer(text):
        stated, _, route = match[2].rpartition(" ")
        if "://" in route:
            continue
        listed = [one or other.upper() for one, other in re.findall(r'"([A-Z]+)"|Method(\w+)', match[3] or "")]
        named = match[1].upper() if match[1].upper() in _VERBS else "ANY"
        methods = ["PREFIX"] if match[1] in _GO_GROUPS else listed or [stated or named]
        yield methods, route[route.index("/") :], match.start()


def _php(text: str) -> Iterator[_Declared]:
    for match in _LARAVEL.finditer(text):
        yield [match[1].upper() if match[1].upper() in _VERBS else "ANY"], match[2], match.start()
    for match in _SYMFONY.finditer(text):
        yield re.findall(r"'([A-Z]+)'", match[2]) or ["ANY"], match[1], match.start()


def _aspnet(text: str) -> Iterator[_Declared]:
    for match in _ASPNET.finditer(text):
        yield [(match[1] or match[3]).upper()], match[2] or match[4] or "", match.start()


def _rust(text: str) -> Iterator[_Declared]:
    for match in _RUST.finditer(text):
        yield [(match[2] or match[3]).upper()], match[1] or match[4], match.start()


def _scripts(path: str, content: bytes, text: str) -> Iterator[_Declared]:
    if page := _NEXT_PAGE.search(path):
        yield ["ANY"], re.sub(r"/?index$", "", page[1]), 0
        return
    if (route := _NEXT_ROUTE.search(path)) and (handlers := _NEXT_HANDLER.findall(text)):
        yield handlers, re.sub(r"\([^)]*\)/?", "", route[1]), 0
        return
    if not _FRAMEWORK.search(content):
        return
    for match in _SCRIPT.finditer(text):
        verb = {"ALL": "ANY", "DEL": "DELETE", "WS": "WEBSOCKET"}.get(match[1].upper(), match[1].upper())
        yield [verb], match[2], match.start()
    for match in _CHAINED.finditer(text):
        verbs = re.findall(r"\.(get|post|put|patch|delete|all)\(", match[2])
        yield ["ANY" if one == "all" else one.upper() for one in verbs] or ["ANY"], match[1], match.start()
    controller = _NEST_AT.search(text)
    if controller is not None:
        for match in _NEST.finditer(text):
            verb = "ANY" if match[1] == "All" else match[1].upper()
            yield [verb], f"{controller[1] or ''}/{match[2] or ''}", match.start()


def _spring(text: str) -> Iterator[_Declared]:
    body = re.search(r"^\s*(?:public\s+|open\s+|abstract\s+|data\s+)*(?:class|interface)\s+\w+", text, re.MULTILINE)
    start = body.start() if body else 0
    prefix = ""
    for match in _SPRING.finditer(text):
        stated = re.sub(r"\b(?:produces|consumes|headers|params|name)\s*=\s*(?:\{[^}]*\}|[^,]*)", "", match[2] or "")
        paths = _TEXT.findall(stated) or [""]
        if match.start() < start:
            prefix = paths[0]
            continue
        named = re.findall(r"RequestMethod\.(\w+)", match[2] or "") or ["ANY"]
        for one in paths:
            yield [match[1].upper()] if match[1] != "Request" else named, f"{prefix}/{one}", match.start()
    for match in _JAX.finditer(text):
        yield ["ANY"], match[1], match.start()


def _phoenix(text: str) -> Iterator[_Declared]:
    return _nested(_PHOENIX, text, "scope")


def _kotlin(text: str) -> Iterator[_Declared]:
    yield from _spring(text)
    if "io.ktor" in text:
        yield from _nested(_KTOR, text, "route")


def _nested(pattern: re.Pattern[str], text: str, block: str) -> Iterator[_Declared]:
    """Yield routes under the blocks that stand further left above them."""
    above: list[tuple[int, str]] = []
    for match in pattern.finditer(text):
        depth = len(match[1].expandtabs())
        above = [one for one in above if one[0] < depth]
        if match[2] == block:
            above.append((depth, match[3]))
            continue
        verb = match[2].upper() if match[2].upper() in _VERBS else "ANY"
        yield [verb], "/".join([*(one for _, one in above), match[3]]), match.start()


def _rails(text: str) -> Iterator[_Declared]:
    """Yield what a routes file says, under the namespaces and scopes that stand further left above it."""
    above: list[tuple[int, str]] = []
    for match in _RAILS.finditer(text):
        depth = len(match[1].expandtabs())
        above = [one for one in above if one[0] < depth]
        prefix = "/".join(one for _, one in above)
        name = _RAILS_NAME.search(match[3])
        if match[2] in ("namespace", "scope"):
            above.append((depth, name[1] if name else ""))
            continue
        route = "" if match[2] == "root" else name[1] if name else None
        if route is None:
            continue
        verb = match[2].upper() if match[2] in ("get", "post", "put", "patch", "delete") else "ANY"
        yield ["GET" if match[2] == "root" else verb], f"{prefix}/{route}", match.start()
        if match[2] in ("resources", "resource") and match[3].rstrip().endswith("do"):
            above.append((depth, route))


_READERS: Final[Mapping[str, Callable[[str], Iterator[_Declared]]]] = {
    ".go": _go,
    "routes.rb": _rails,
    ".java": _spring,
    ".kt": _kotlin,
    "router.ex": _phoenix,
    ".php": _php,
    ".cs": _aspnet,
    ".rs": _rust,
}
