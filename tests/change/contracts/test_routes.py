"""Routes that are gone from a tree, and those that only moved."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from stabkit.change.collected import collect_changes
from tests.change.repositories import Repository, check

Files = dict[str, str | bytes | None]


def answer(repository: Repository, before: Files, after: Files) -> pd.Series:
    base = repository.write("before", before)
    repository.write("after", after)
    return check(collect_changes(repository.folder, base), "no contract break")


def told(row: pd.Series) -> list[tuple[str, int, bool]]:
    return [(fact["what"], fact["line"], fact["proven"]) for fact in json.loads(row["facts"])["facts"]]


FLASK = "from flask import Flask\napp = Flask(__name__)\n\n"
FASTAPI = "from fastapi import APIRouter, FastAPI\nrouter = APIRouter(prefix='/v1')\napp = FastAPI()\n\n"
DJANGO = "from django.urls import path, re_path, include\nurlpatterns = [\n    path('', home),\n"


@pytest.mark.parametrize(
    ("before", "after", "what", "line"),
    [
        (FLASK + "@app.route('/a', methods=['GET', 'POST'])\ndef a(): ...\n", FLASK, "GET, POST /a", 4),
        (
            FLASK + "@app.route('/a', methods=['GET', 'POST'])\ndef a(): ...\n",
            FLASK + "@app.get('/a')\ndef a(): ...\n",
            "POST /a",
            4,
        ),
        (
            FLASK + "@app.route('/a/<int:id>')\ndef a(): ...\n",
            FLASK + "@app.route('/b/<int:id>')\ndef a(): ...\n",
            "GET /a/{}",
            4,
        ),
        (FLASK + "app.add_url_rule('/a', view_func=a)\n", FLASK, "GET /a", 4),
        (FASTAPI + "@router.get('/a')\nasync def a(): ...\n", FASTAPI, "GET /v1/a", 5),
        (FASTAPI + "@app.websocket('/ws')\nasync def a(s): ...\n", FASTAPI, "WEBSOCKET /ws", 5),
        (
            FASTAPI + "@app.get('/a')\nasync def a(): ...\n",
            FASTAPI + "@app.post('/a')\nasync def a(): ...\n",
            "GET /a",
            5,
        ),
        (FASTAPI + "app.add_api_route('/a', a, methods=['PUT'])\n", FASTAPI, "PUT /a", 5),
        (
            (
                "from starlette.routing import Mount, Route\nroutes = [Mount('/m', routes=[\n"
                "    Route('/a', a),\n    Route('/b', b),\n])]\n"
            ),
            "from starlette.routing import Mount, Route\nroutes = [Mount('/m', routes=[\n    Route('/a', a),\n])]\n",
            "GET /m/b",
            4,
        ),
        (DJANGO + "    path('a/<int:id>/', a),\n]\n", DJANGO + "]\n", "ANY /a/{}", 4),
        (DJANGO + "    re_path(r'^a/(?P<id>\\d+)/$', a),\n]\n", DJANGO + "]\n", "ANY /a/{}", 4),
        (DJANGO + "    path('x/', include([path('a/', a)])),\n]\n", DJANGO + "]\n", "ANY /x/a", 4),
        (
            (
                "from rest_framework import routers\nr = routers.DefaultRouter()\n"
                "r.register('users', U)\nr.register(r'pets', P)\n"
            ),
            "from rest_framework import routers\nr = routers.DefaultRouter()\nr.register('users', U)\n",
            "ANY /pets",
            4,
        ),
        (
            (
                "from aiohttp import web\napp = web.Application()\n"
                "app.router.add_get('/a', a)\napp.add_routes([web.post('/b', b)])\n"
            ),
            "from aiohttp import web\napp = web.Application()\napp.router.add_get('/a', a)\n",
            "POST /b",
            4,
        ),
        (
            "from aiohttp import web\nroutes = web.RouteTableDef()\n@routes.get('/a')\nasync def a(r): ...\n",
            "from aiohttp import web\nroutes = web.RouteTableDef()\n",
            "GET /a",
            3,
        ),
        (
            (
                "import tornado\napp = tornado.web.Application([\n"
                "    (r'/a', AHandler),\n    (r'/b/([0-9]+)', BHandler),\n])\n"
            ),
            "import tornado\napp = tornado.web.Application([\n    (r'/a', AHandler),\n])\n",
            "ANY /b/{}",
            4,
        ),
        (
            "from sanic import Sanic\napp = Sanic('a')\n@app.delete('/a')\nasync def a(r): ...\n",
            "from sanic import Sanic\napp = Sanic('a')\n",
            "DELETE /a",
            3,
        ),
        (
            "import falcon\napp = falcon.App()\napp.add_route('/a', A())\n",
            "import falcon\napp = falcon.App()\n",
            "GET /a",
            3,
        ),
    ],
)
def test_a_route_of_python_that_is_gone(repository: Repository, before: str, after: str, what: str, line: int) -> None:
    row = answer(repository, {"app/web.py": before}, {"app/web.py": after})
    assert (row["outcome"], told(row)) == ("fail", [(what, line, True)]), row["detail"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (FLASK + "@app.route('/a/<id>')\ndef a(id): ...\n", FLASK + "@app.route('/a/<int:key>/')\ndef a(key): ...\n"),
        (FLASK + "@app.route('/a')\ndef a(): ...\n", FLASK + "@app.route('/a')\n@app.route('/b')\ndef a(): ...\n"),
        (FLASK + "@app.get('/a')\ndef a(): ...\n", FLASK + "@app.route('/a', methods=['GET', 'POST'])\ndef a(): ...\n"),
        (FLASK + "@app.get('/a')\ndef a(): ...\n", FLASK + "PLACE = '/a'\n@app.get(PLACE)\ndef a(): ...\n"),
        (DJANGO + "    path('a/<int:id>/', a),\n]\n", DJANGO + "    re_path(r'^a/(?P<pk>[0-9]+)/$', b),\n]\n"),
        (
            FLASK + "@cache.route('/a')\ndef a(): ...\n",
            FLASK + "@cache.route('/a')\ndef a(): ...\nx = session.get('/b')\n",
        ),
    ],
)
def test_a_route_of_python_that_is_there(repository: Repository, before: str, after: str) -> None:
    row = answer(repository, {"app/web.py": before}, {"app/web.py": after})
    assert (row["outcome"], told(row)) == ("pass", []), row["detail"]


def test_a_route_that_moved_to_another_file_is_there(repository: Repository) -> None:
    text = FLASK + "@app.route('/a')\ndef a(): ...\n"
    assert (
        answer(repository, {"app/a.py": text}, {"app/a.py": None, "app/b.py": "# moved\n" + text})["outcome"] == "pass"
    )


def test_prefixes_of_routers_in_other_files(repository: Repository) -> None:
    """A mount that changes takes all routes of its router elsewhere."""
    before: Files = {
        "app/__init__.py": "",
        "app/users.py": "from fastapi import APIRouter\nrouter = APIRouter()\n@router.get('/{id}')\ndef a(id): ...\n",
        "app/main.py": (
            "from fastapi import FastAPI\nfrom . import users\napp = FastAPI()\n"
            "app.include_router(users.router, prefix='/users')\n"
        ),
    }
    row = answer(repository, before, {"app/main.py": str(before["app/main.py"]).replace("'/users'", "'/people'")})
    assert told(row) == [("GET /users/{}", 3, True)]
    blueprint: Files = {
        "shop/pay.py": (
            "from flask import Blueprint\nbp = Blueprint('pay', __name__)\n@bp.route('/now')\ndef a(): ...\n"
        ),
        "shop/app.py": (
            "from flask import Flask\nfrom shop.pay import bp\n"
            "app = Flask('a')\napp.register_blueprint(bp, url_prefix='/pay')\n"
        ),
    }
    row = answer(repository, blueprint, {"shop/pay.py": str(blueprint["shop/pay.py"]).replace("/now", "/later")})
    assert [what for what, _, _ in told(row)] == ["GET /pay/now"]
    django: Files = {
        "site/urls.py": DJANGO + "    path('shop/', include('store.urls')),\n]\n",
        "store/urls.py": "from django.urls import path\nurlpatterns = [\n    path('cart/', cart),\n]\n",
    }
    row = answer(repository, django, {"store/urls.py": "from django.urls import path\nurlpatterns = []\n"})
    assert told(row) == [("ANY /shop/cart", 3, True)]


@pytest.mark.parametrize(
    ("path", "before", "after", "what", "line"),
    [
        (
            "srv/a.js",
            "const express = require('express')\napp.get('/a', f)\nrouter.post('/b/:id', g)\n",
            "const express = require('express')\napp.get('/a', f)\n",
            "POST /b/{}",
            3,
        ),
        (
            "srv/a.ts",
            "import Fastify from 'fastify'\nserver.delete('/a', f)\n",
            "import Fastify from 'fastify'\n",
            "DELETE /a",
            2,
        ),
        (
            "srv/a.ts",
            "import Router from '@koa/router'\nrouter.put('/a', f)\n",
            "import Router from '@koa/router'\n",
            "PUT /a",
            2,
        ),
        (
            "srv/a.ts",
            "import { Get } from '@nestjs/common'\n@Controller('cats')\nclass A {\n  @Get(':id')\n  f() {}\n}\n",
            "import { Get } from '@nestjs/common'\n@Controller('cats')\nclass A {\n}\n",
            "GET /cats/{}",
            4,
        ),
        (
            "a.go",
            'package main\nfunc a() {\n\thttp.HandleFunc("/a", f)\n\tmux.HandleFunc("POST /b/{id}", g)\n}\n',
            'package main\nfunc a() {\n\thttp.HandleFunc("/a", f)\n}\n',
            "POST /b/{}",
            4,
        ),
        ("a.go", 'package main\nfunc a() {\n\tr.GET("/a/:id", f)\n}\n', "package main\n", "GET /a/{}", 3),
        ("a.go", 'package main\nfunc a() {\n\tr.Post("/a/{id}", f)\n}\n', "package main\n", "POST /a/{}", 3),
        (
            "config/routes.rb",
            (
                "Rails.application.routes.draw do\n  namespace :api do\n"
                "    resources :users\n    get 'stats', to: 'a#b'\n  end\nend\n"
            ),
            "Rails.application.routes.draw do\n  namespace :api do\n    resources :users\n  end\nend\n",
            "GET /api/stats",
            4,
        ),
        (
            "A.java",
            '@RequestMapping("/api")\npublic class A {\n  @GetMapping("/a/{id}")\n  public void a() {}\n}\n',
            '@RequestMapping("/api")\npublic class A {\n}\n',
            "GET /api/a/{}",
            3,
        ),
        ("routes/web.php", "<?php\nRoute::get('/a/{id}', [A::class, 'b']);\n", "<?php\n", "GET /a/{}", 2),
        (
            "A.cs",
            '[HttpGet("a/{id}")]\nclass A {}\napp.MapPost("/b", f);\n',
            'class A {}\napp.MapPost("/b", f);\n',
            "GET /a/{}",
            1,
        ),
        (
            "src/a.rs",
            'let app = Router::new().route("/a/:id", get(f));\n',
            "let app = Router::new();\n",
            "GET /a/{}",
            1,
        ),
        ("pages/api/cart.ts", "export default function handler() {}\n", None, "ANY /api/cart", 1),
        ("app/api/cart/[id]/route.ts", "export async function GET() {}\n", None, "GET /api/cart/{}", 1),
    ],
)
def test_a_route_of_another_language_that_is_gone(
    repository: Repository, path: str, before: str, after: str | None, what: str, line: int
) -> None:
    row = answer(repository, {path: before, "keep.txt": "1"}, {path: after, "keep.txt": "2"})
    assert (row["outcome"], told(row)) == ("fail", [(what, line, False)]), row["detail"]


def test_what_a_client_asks_for_is_no_route(repository: Repository) -> None:
    before: Files = {
        "web/api.ts": "import axios from 'axios'\nexport const f = () => axios.get('/a', {})\napi.get('/b', {})\n"
    }
    assert answer(repository, before, {"web/api.ts": "export {}\n"})["outcome"] == "not_checked"


def test_routes_of_tests_and_examples_are_none(repository: Repository) -> None:
    text = FLASK + "@app.route('/a')\ndef a(): ...\n"
    for place in ("tests/app.py", "examples/app.py", "docs/app.py", "app/test_web.py"):
        assert answer(repository, {place: text}, {place: FLASK})["outcome"] == "not_checked"


@pytest.mark.parametrize(
    "text",
    [
        "@app.route('/a'\n",
        b"\xff\xfe@app.route('/a')",
        "x = " + "(" * 500 + ")" * 500 + "\n",
        "@app.route(" * 300,
        "urlpatterns = [" + "path('a/', include([" * 90 + "])), " * 90 + "]\n",
        (
            "a.include_router(b.router, prefix='/x')\n"
            "b.include_router(a.router, prefix='/y')\n@router.get('/z')\ndef f(): ...\n"
        ),
    ],
)
def test_hostile_code_ends_no_check(repository: Repository, text: str | bytes) -> None:
    row = answer(repository, {"app/web.py": FLASK + "@app.route('/a')\ndef a(): ...\n"}, {"app/web.py": text})
    assert "could not be examined" not in row["detail"]
    assert row["outcome"] in ("fail", "not_checked")
    assert row["outcome"] == "fail" or "app/web.py" in row["detail"] or "no HTTP route" in row["detail"]


def test_an_unreadable_file_is_named_and_its_routes_are_not_gone(repository: Repository) -> None:
    before: Files = {"app/web.py": FLASK + "@app.route('/a')\ndef a(): ...\n"}
    row = answer(repository, before, {"app/web.py": str(before["app/web.py"]) + "@app.route('/b')\ndef b(:\n"})
    assert (row["outcome"], "could not be read: app/web.py" in row["detail"]) == ("not_checked", True)


MADE = {
    "shop/__init__.py": "from flask import Flask\nfrom .api import api\nfrom .web import web\napp = Flask(__name__)\n"
    "app.register_blueprint(api, url_prefix='/api')\napp.register_blueprint(web, url_prefix='/')\n",
    "shop/api/__init__.py": "from flask import Blueprint\napi = Blueprint('a')\nrule: object = api.add_url_rule\n",
    "shop/web/__init__.py": "from flask import Blueprint\nweb = Blueprint('web', __name__)\nroute = web.route\n",
    "shop/api/runs.py": "from ..api import rule\nrule('/runs/', view_func=a, methods=['GET', 'POST'])\n",
    "shop/web/runs.py": "from shop.web import route\n@route('/runs/', methods=['GET', 'POST'])\ndef a(): ...\n",
}


@pytest.mark.parametrize(("path", "what"), [("shop/api/runs.py", "POST /api/runs"), ("shop/web/runs.py", "POST /runs")])
def test_a_name_for_a_method_of_a_router_stands_for_it(repository: Repository, path: str, what: str) -> None:
    row = answer(repository, {**MADE}, {path: MADE[path].replace(", 'POST'", "")})
    assert told(row) == [(what, 2, True)]


def test_a_name_for_a_method_of_a_router_may_be_used_where_it_is_made(repository: Repository) -> None:
    start = FLASK + "rule = app.add_url_rule\n"
    row = answer(repository, {"shop/app.py": start + "rule('/a', view_func=a)\n"}, {"shop/app.py": start})
    assert told(row) == [("GET /a", 5, True)]
    moved = answer(
        repository,
        {"shop/app.py": start + "rule('/b', view_func=a)\n"},
        {"shop/app.py": FLASK + "@app.get('/b')\ndef b(): ...\n"},
    )
    assert told(moved) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("shop/cases.py", "from unittest import mock\n@mock.patch('shop.app.send')\ndef case(send): ...\n"),
        ("shop/cases.py", "import unittest.mock as m\n@m.patch('shop.app.send')\ndef case(send): ...\n"),
        ("shop/cases.py", "from unittest.mock import patch\n@patch('shop.app.send')\ndef case(send): ...\n"),
        ("shop/cases.py", "import respx\n@respx.get('/a')\ndef case(): ...\n"),
        ("shop/cases.py", "@server.get('https://shop.example/a')\ndef case(): ...\n"),
        ("shop/tests.py", "@app.get('/only-in-a-test')\ndef a(): ...\n"),
    ],
)
def test_what_stands_in_for_a_server_is_no_route(repository: Repository, path: str, text: str) -> None:
    start = FLASK + "@app.get('/a')\ndef a(): ...\n"
    row = answer(repository, {"shop/app.py": start, path: "import flask\n" + text}, {path: None, "shop/app.py": start})
    assert (row["outcome"], told(row)) == ("pass", [])


def test_a_route_whose_verb_is_patch_is_one(repository: Repository) -> None:
    row = answer(repository, {"shop/app.py": FLASK + "@app.patch('/a')\ndef a(): ...\n"}, {"shop/app.py": FLASK})
    assert told(row) == [("PATCH /a", 4, True)]
