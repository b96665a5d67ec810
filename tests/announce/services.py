"""GitHub, GitLab, Grafana and a webhook on 127.0.0.1, as far as a verdict is told to them.

They check rights as the real ones do, page their lists, keep what they are given, and break as a test tells them to.
"""

from __future__ import annotations

import http.server
import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "canary-token-of-nobody"  # obviously no secret
BOT = "github-actions[bot]"
OWN_ID = 7


@dataclass
class Trouble:
    """The next answers to a method and path: status, headers, body; ``status`` 0 answers nothing for a while."""

    method: str
    path: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"message": "no"}'
    times: int = 1


class World:
    """All services behind one port, each below its own path, with what was asked of them."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.hooked: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.troubles: list[Trouble] = []
        self.released = threading.Event()
        self.login = BOT
        self._next = 1000

    def number(self) -> int:
        self._next += 1
        return self._next

    def add(self, body: str, author: str | None = "somebody", **more: Any) -> int:
        number = self.number()
        author_id = OWN_ID if author == self.login else 99
        user = None if author is None else {"login": author, "id": author_id}
        self.comments.append({"id": number, "body": body, "user": user, "author": user, "system": False, **more})
        return number

    def own(self) -> list[str]:
        return [one["body"] for one in self.comments if one["user"] and one["user"]["login"] == self.login]

    def break_(self, method: str, path: str, status: int, *, times: int = 1, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.troubles.append(Trouble(method, path, status, named, times=times))

    def trouble(self, method: str, path: str) -> Trouble | None:
        for one in self.troubles:
            if one.times and one.method == method and re.search(one.path, path):
                one.times -= 1
                return one
        return None


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    world: World

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, status: int, value: Any = None, headers: dict[str, str] | None = None) -> None:
        body = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        for name, said in (headers or {}).items():
            self.send_header(name, said)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        given = json.loads(self.rfile.read(length) or b"null")
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        world = self.world
        world.asked.append((self.command, self.path))
        world.headers.append({name.lower(): value for name, value in self.headers.items()})
        trouble = world.trouble(self.command, self.path)
        if trouble is not None and trouble.status == 0:
            world.released.wait(20)
            self.close_connection = True
            return
        if trouble is not None:
            self._answer(trouble.status, trouble.body, trouble.headers)
            return
        for room, serve in (
            ("/hook", self._hook),
            ("/gh/", self._github),
            ("/gl/", self._gitlab),
            ("/gf/", self._grafana),
        ):
            if parts.path.startswith(room):
                serve(parts.path, query, given)
                return
        self._answer(404, {"message": "Not Found"})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._handle
        raise AttributeError(name)

    def _hook(self, _path: str, _query: dict[str, str], given: Any) -> None:
        self.world.hooked.append(given)
        self._answer(204)

    def _github(self, path: str, query: dict[str, str], given: Any) -> None:
        world = self.world
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"message": "Bad credentials"})
        elif path == "/gh/graphql" and self.command == "POST":
            self._answer(200, {"data": {"viewer": {"login": world.login}}} if "viewer" in given["query"] else {})
        elif path == "/gh/repos/shop/api/issues/12/comments" and self.command == "GET":
            shown, more = self._page(query)
            address = f"http://{self.headers['Host']}{path}?page={int(query['page']) + 1}"
            self._answer(200, shown, {"Link": f'<{address}>; rel="next", <{address}>; rel="last"'} if more else {})
        elif path == "/gh/repos/shop/api/issues/12/comments" and self.command == "POST":
            self._posted(given)
        elif found := re.fullmatch(r"/gh/repos/shop/api/issues/comments/(\d+)", path):
            self._one(int(found[1]), given)
        else:
            self._answer(404, {"message": "Not Found"})

    def _gitlab(self, path: str, query: dict[str, str], given: Any) -> None:
        notes = "/gl/projects/42/merge_requests/5/notes"
        if self.headers.get("PRIVATE-TOKEN") != TOKEN:
            self._answer(401, {"message": "401 Unauthorized"})
        elif path == "/gl/user":
            self._answer(200, {"id": OWN_ID, "username": "bot"})
        elif path == notes and self.command == "GET":
            shown, more = self._page(query)
            self._answer(200, shown, {"X-Next-Page": str(int(query["page"]) + 1) if more else ""})
        elif path == notes and self.command == "POST":
            self._posted(given)
        elif found := re.fullmatch(rf"{notes}/(\d+)", path):
            self._one(int(found[1]), given)
        else:
            self._answer(404, {"message": "404 Not found"})

    def _grafana(self, path: str, _query: dict[str, str], given: Any) -> None:
        world = self.world
        asked = set(parse_qs(urlsplit(self.path).query).get("tags", []))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"message": "Invalid API key"})
        elif path == "/gf/api/annotations" and self.command == "GET":
            self._answer(200, [one for one in world.annotations if asked <= set(one["tags"])])
        elif path == "/gf/api/annotations" and self.command == "POST":
            world.annotations.append({"id": world.number(), **given})
            self._answer(200, {"message": "Annotation added", "id": world.annotations[-1]["id"]})
        elif (found := re.fullmatch(r"/gf/api/annotations/(\d+)", path)) and self.command == "PATCH":
            (one,) = [one for one in world.annotations if one["id"] == int(found[1])]
            one.update(given)
            self._answer(200, {"message": "Annotation patched"})
        else:
            self._answer(404, {"message": "Not found"})

    def _page(self, query: dict[str, str]) -> tuple[list[dict[str, Any]], bool]:
        size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
        found = self.world.comments[(page - 1) * size :]
        return found[:size], len(found) > size

    def _posted(self, given: Any) -> None:
        if len(given["body"]) > 65_536:
            self._answer(422, {"message": "Validation Failed"})
            return
        self.world.add(given["body"], self.world.login)
        self._answer(201, self.world.comments[-1])

    def _one(self, number: int, given: Any) -> None:
        world = self.world
        found = [one for one in world.comments if one["id"] == number]
        if not found:
            self._answer(404, {"message": "Not Found"})
        elif not found[0]["user"] or found[0]["user"]["login"] != world.login:
            self._answer(403, {"message": "Must have admin rights to Repository."})
        elif self.command == "DELETE":
            world.comments.remove(found[0])
            self._answer(204)
        else:
            found[0]["body"] = given["body"]
            self._answer(200, found[0])


@contextmanager
def running(world: World, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve a world on 127.0.0.1 and yield its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"world": world}))
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        world.released.set()
        server.shutdown()
        server.server_close()


def variables(kind: str, address: str, event: str = "") -> dict[str, str]:
    """Return what a service of CI sets, for the world at an address."""
    return {
        "github": {
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_REPOSITORY": "shop/api",
            "GITHUB_EVENT_PATH": event,
            "GITHUB_API_URL": f"{address}/gh",
        },
        "gitlab": {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": f"{address}/gl",
            "CI_PROJECT_ID": "42",
            "CI_MERGE_REQUEST_IID": "5",
            "GITLAB_TOKEN": TOKEN,
        },
        "grafana": {"GRAFANA_URL": f"{address}/gf/", "GRAFANA_TOKEN": TOKEN},
        "webhook": {},
    }[kind]
