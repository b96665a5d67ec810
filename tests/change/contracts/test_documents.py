"""Contracts written as documents: what callers could send or got, and can or do no more."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import yaml

from stabkit.change.collected import collect_changes
from tests.change.repositories import Repository, check

Files = dict[str, str | bytes | None]
Document = dict[str, Any]

API: Document = {
    "openapi": "3.0.3",
    "info": {"title": "Shop", "version": "1"},
    "paths": {
        "/carts/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "parameters": [{"name": "size", "in": "query", "schema": {"type": "integer", "maximum": 100}}],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Cart"}}}},
                    "202": {"description": "later"},
                    "404": {"description": "nothing"},
                },
            },
            "delete": {"responses": {"204": {"description": "gone"}}},
        },
        "/carts": {
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewCart"}}}},
                "responses": {"201": {"description": "made"}},
            }
        },
    },
    "components": {
        "schemas": {
            "Cart": {
                "type": "object",
                "required": ["id", "total"],
                "properties": {
                    "id": {"type": "string"},
                    "total": {"type": "integer", "format": "int32"},
                    "state": {"type": "string", "enum": ["open", "paid"]},
                    "parent": {"$ref": "#/components/schemas/Cart"},
                    "lines": {
                        "type": "array",
                        "items": {"type": "object", "properties": {"price": {"type": "number"}}},
                    },
                },
            },
            "NewCart": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "nullable": True},
                    "kind": {"type": "string", "enum": ["a", "b"]},
                    "note": {"type": ["string", "integer"]},
                },
            },
        }
    },
}


def answer(repository: Repository, before: Files, after: Files) -> pd.Series:
    base = repository.write("before", before)
    repository.write("after", after)
    return check(collect_changes(repository.folder, base), "no contract break")


def told(row: pd.Series) -> list[tuple[str, str, bool]]:
    return [(fact["what"], fact["change"], fact["proven"]) for fact in json.loads(row["facts"])["facts"]]


def changed(change: Callable[[Document], object]) -> Document:
    document = copy.deepcopy(API)
    change(document)
    return document


def cart(document: Document) -> Document:
    return document["components"]["schemas"]["Cart"]


def new_cart(document: Document) -> Document:
    return document["components"]["schemas"]["NewCart"]


def operation(document: Document) -> Document:
    return document["paths"]["/carts/{id}"]["get"]


GET, POST = "GET /carts/{id}", "POST /carts"


@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump], ids=["json", "yaml"])
@pytest.mark.parametrize(
    ("change", "what", "kind", "proven"),
    [
        (lambda d: d["paths"].pop("/carts"), "POST /carts", "removed", True),
        (lambda d: d["paths"]["/carts/{id}"].pop("delete"), "DELETE /carts/{id}", "removed", True),
        (lambda d: cart(d)["properties"].pop("state"), f"{GET} 200.state", "field_removed", True),
        (
            lambda d: cart(d)["properties"]["lines"]["items"]["properties"].pop("price"),
            f"{GET} 200.lines.[].price",
            "field_removed",
            True,
        ),
        (lambda d: cart(d).update(required=["id"]), f"{GET} 200.total", "became_optional", True),
        (lambda d: cart(d)["properties"]["total"].update(type="string"), f"{GET} 200.total", "type_changed", True),
        (
            lambda d: cart(d)["properties"]["total"].update(nullable=True),
            f"{GET} 200.total",
            "nullability_changed",
            True,
        ),
        (lambda d: cart(d)["properties"]["total"].update(format="int64"), f"{GET} 200.total", "format_changed", False),
        (
            lambda d: cart(d)["properties"]["state"].update(enum=["open", "paid", "x"]),
            f"{GET} 200.state",
            "enum_widened",
            False,
        ),
        (lambda d: new_cart(d).update(required=["name", "kind"]), f"{POST} kind", "became_required", True),
        (
            lambda d: (
                new_cart(d)["properties"].update(z={"type": "string"}),
                new_cart(d).update(required=["name", "z"]),
            ),
            f"{POST} z",
            "required_added",
            True,
        ),
        (lambda d: new_cart(d)["properties"]["kind"].update(enum=["a"]), f"{POST} kind", "enum_narrowed", True),
        (lambda d: new_cart(d)["properties"]["note"].update(type="string"), f"{POST} note", "type_changed", True),
        (lambda d: new_cart(d)["properties"]["name"].pop("nullable"), f"{POST} name", "nullability_changed", True),
        (lambda d: new_cart(d)["properties"]["name"].update(maxLength=9), f"{POST} name", "limit_tightened", True),
        (lambda d: new_cart(d)["properties"].pop("note"), f"{POST} note", "field_removed", False),
        (
            lambda d: d["paths"]["/carts"]["post"]["requestBody"].update(required=True),
            f"{POST} requestBody",
            "became_required",
            True,
        ),
        (lambda d: operation(d)["parameters"][0].update(required=True), f"{GET} size", "became_required", True),
        (
            lambda d: operation(d)["parameters"].append({"name": "q", "in": "query", "required": True}),
            f"{GET} q",
            "required_added",
            True,
        ),
        (lambda d: operation(d)["parameters"].pop(), f"{GET} size", "removed", False),
        (lambda d: operation(d)["parameters"][0]["schema"].update(type="string"), None, None, None),
        (lambda d: operation(d)["parameters"][0]["schema"].update(type="boolean"), f"{GET} size", "type_changed", True),
        (lambda d: operation(d)["parameters"][0]["schema"].update(maximum=50), f"{GET} size", "limit_tightened", True),
        (lambda d: operation(d)["responses"].pop("202"), f"{GET} 202", "removed", True),
        (lambda d: operation(d).update(security=[{"key": []}]), f"{GET} security", "security_added", True),
        (
            lambda d: operation(d)["responses"]["200"].update(content={"text/csv": {}}),
            f"{GET} 200.application/json",
            "removed",
            True,
        ),
    ],
)
def test_what_breaks_callers_of_an_api(
    repository: Repository,
    change: Callable[[Document], object],
    what: str | None,
    kind: str,
    proven: bool,
    write: Callable[[Document], str],
) -> None:
    row = answer(repository, {"api/shop.yaml": write(API)}, {"api/shop.yaml": write(changed(change))})
    found = [one for one in told(row) if one[1] != "limit_tightened"] if kind == "type_changed" else told(row)
    if what is not None:
        assert (row["outcome"], found) == ("fail", [(what, kind, proven)]), row["detail"]
        facts = json.loads(row["facts"])["facts"]
        assert all(isinstance(fact["line"], int) and fact["path"] == "api/shop.yaml" for fact in facts)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["paths"].update({"/new": {"get": {"responses": {"200": {}}}}}),
        lambda d: d["paths"].update({"/carts/{key}": d["paths"].pop("/carts/{id}")}),
        lambda d: cart(d)["properties"].update(extra={"type": "string"}),
        lambda d: new_cart(d)["properties"].update(extra={"type": "string"}),
        lambda d: new_cart(d)["properties"]["kind"].update(enum=["a", "b", "c"]),
        lambda d: new_cart(d).update(required=[]),
        lambda d: cart(d)["properties"]["state"].update(enum=["open"]),
        lambda d: cart(d).update(required=["id", "total", "state"]),
        lambda d: operation(d)["responses"].pop("404"),
        lambda d: operation(d)["parameters"].append({"name": "q", "in": "query"}),
        lambda d: d["info"].update(version="2"),
        lambda d: (
            d["components"]["schemas"].update(Basket=d["components"]["schemas"]["Cart"]),
            operation(d)["responses"]["200"]["content"]["application/json"]["schema"].update(
                {"$ref": "#/components/schemas/Basket"}
            ),
        ),
    ],
)
def test_what_breaks_no_caller_of_an_api(repository: Repository, change: Callable[[Document], object]) -> None:
    row = answer(repository, {"a.json": json.dumps(API)}, {"a.json": json.dumps(changed(change))})
    assert (row["outcome"], told(row)) == ("pass", []), row["detail"]


SWAGGER: Document = {
    "swagger": "2.0",
    "basePath": "/v1",
    "paths": {
        "/pets": {
            "get": {
                "parameters": [{"name": "tag", "in": "query", "type": "string"}],
                "responses": {200: {"schema": {"type": "array", "items": {"$ref": "#/definitions/Pet"}}}},
            },
            "post": {
                "parameters": [{"name": "pet", "in": "body", "schema": {"$ref": "#/definitions/Pet"}}],
                "responses": {},
            },
        }
    },
    "definitions": {"Pet": {"properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}},
}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda d: d.update(basePath="/v2"), [("basePath", "changed", True)]),
        (
            lambda d: d["definitions"]["Pet"]["properties"].pop("age"),
            [("GET /pets 200.[].age", "field_removed", True), ("POST /pets age", "field_removed", False)],
        ),
        (
            lambda d: d["paths"]["/pets"]["get"]["parameters"][0].update(required=True),
            [("GET /pets tag", "became_required", True)],
        ),
        (
            lambda d: d["paths"]["/pets"]["get"]["parameters"][0].update(enum=["a"]),
            [("GET /pets tag", "enum_narrowed", True)],
        ),
    ],
)
def test_swagger(
    repository: Repository, change: Callable[[Document], object], found: list[tuple[str, str, bool]]
) -> None:
    document = copy.deepcopy(SWAGGER)
    change(document)
    row = answer(repository, {"s.yml": yaml.safe_dump(SWAGGER)}, {"s.yml": yaml.safe_dump(document)})
    assert (row["outcome"], told(row)) == ("fail", found)


def test_a_reference_into_another_file(repository: Repository) -> None:
    schema = {"Cart": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}}
    document = copy.deepcopy(API)
    content = operation(document)["responses"]["200"]["content"]
    content["application/json"]["schema"] = {"$ref": "./models.yaml#/Cart"}
    before: Files = {"api/a.yaml": yaml.safe_dump(document), "api/models.yaml": yaml.safe_dump(schema)}
    schema["Cart"]["properties"].pop("b")  # type: ignore[attr-defined]
    row = answer(repository, before, {"api/models.yaml": yaml.safe_dump(schema)})
    assert told(row) == [(f"{GET} 200.b", "field_removed", True)]


def test_a_fact_stands_where_its_schema_is_defined(repository: Repository) -> None:
    before = yaml.safe_dump(API, sort_keys=False)
    after = before.replace("price:", "cost:")
    row = answer(repository, {"a.yaml": before}, {"a.yaml": after.replace("format: int32", "format: int64")})
    lines = before.splitlines()
    facts = json.loads(row["facts"])["facts"]
    assert [lines[fact["line"] - 1].strip() for fact in facts] == ["price:", "total:"]
    text = PROTO.replace("message Cart {", "message Get {\n  Cart total = 1;\n}\nmessage Cart {")
    row = answer(repository, {"a.proto": text}, {"a.proto": text.replace("  int32 total = 2;\n", "")})
    assert json.loads(row["facts"])["facts"][0]["line"] == text.splitlines().index("  int32 total = 2;") + 1


def test_a_document_that_is_gone_or_moved(repository: Repository) -> None:
    text = json.dumps(API, indent=1)
    assert told(answer(repository, {"a.json": text}, {"a.json": None})) == [("a.json", "removed", True)]
    assert answer(repository, {"a.json": text}, {"a.json": None, "api/b.json": text})["outcome"] == "pass"


@pytest.mark.parametrize("place", ["tests/api.json", "examples/api.json", "node_modules/a/api.json", "vendor/api.json"])
def test_what_belongs_to_others(repository: Repository, place: str) -> None:
    row = answer(repository, {place: json.dumps(API)}, {place: json.dumps(changed(lambda d: d.update(paths={})))})
    assert (row["outcome"], "no OpenAPI, GraphQL, protobuf" in row["detail"]) == ("not_checked", True)
    assert json.loads(row["facts"])["open"] is None


SDL = (
    "type Query {\n  cart(id: ID!): Cart\n  old: Int\n}\ntype Cart {\n  id: ID!\n"
    "  total: Int!\n}\nenum State {\n  OPEN\n  PAID\n}\ninput New {\n  a: Int\n}\n"
)


@pytest.mark.parametrize(
    ("before", "after", "what", "line"),
    [
        ("  old: Int\n", "", "Query.old", 3),
        ("  total: Int!", "  total: Int", "Cart.total", 7),
        ("  PAID\n", "", "State", None),
        ("  a: Int\n", "  a: Int\n  b: Int!\n", "New", None),
        ("cart(id: ID!)", "cart(id: ID!, at: Int!)", "Query.cart", 2),
    ],
)
def test_graphql(repository: Repository, before: str, after: str, what: str, line: int | None) -> None:
    row = answer(repository, {"api/schema.graphql": SDL}, {"api/schema.graphql": SDL.replace(before, after)})
    fact = json.loads(row["facts"])["facts"][0]
    assert row["outcome"] == "fail"
    assert fact["what"].startswith(what)
    assert line is None or fact["line"] == line


def test_a_graphql_schema_in_many_files(repository: Repository) -> None:
    before: Files = {
        "api/q.graphql": "type Query {\n  a: A\n}\n",
        "api/types/a.graphql": "type A {\n  x: Int\n  y: Int\n}\n",
    }
    moved: Files = {
        "api/q.graphql": "type Query {\n  a: A\n}\ntype A {\n  x: Int\n  y: Int\n}\n",
        "api/types/a.graphql": None,
    }
    assert answer(repository, before, moved)["outcome"] == "pass"
    row = answer(repository, before, {"api/types/a.graphql": "type A {\n  x: Int\n}\n"})
    assert [what for what, _, _ in told(row)] == ["A.y"]
    client: Files = {"web/q.graphql": "query Cart {\n  a { x }\n}\n"}
    assert answer(repository, {**before, **client}, {"web/q.graphql": None})["outcome"] == "pass"


PROTO = """syntax = "proto3";
package shop.v1;
message Cart {
  reserved 9;
  string id = 1;
  int32 total = 2;
  repeated string tags = 3;
  oneof by { string mail = 4; }
  map<string, int32> counts = 5;
}
enum State {
  OPEN = 0;
  PAID = 1;
}
service Shop {
  rpc Get(Cart) returns (Cart);
  rpc Watch(Cart) returns (stream Cart);
}
"""


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("  int32 total = 2;\n", "", [("Cart.total", "removed", True)]),
        ("  int32 total = 2;\n", '  reserved 2;\n  reserved "total";\n', []),
        ("int32 total = 2", "int32 total = 7", [("Cart.total", "number_changed", True)]),
        ("int32 total = 2", "string total = 2", [("Cart.total", "type_changed", True)]),
        ("int32 total = 2", "int64 total = 2", [("Cart.total", "type_changed", False)]),
        ("int32 total = 2", "int32 sum = 2", [("Cart.total", "renamed", False)]),
        ("repeated string tags", "string tags", [("Cart.tags", "label_changed", True)]),
        ("map<string, int32>", "map<string, string>", [("Cart.counts", "type_changed", True)]),
        ("string mail = 4;", "string mail = 4; string phone = 6;", []),
        ("  PAID = 1;\n", "", [("State.PAID", "removed", True)]),
        ("  PAID = 1;\n", "  DONE = 1;\n", [("State.PAID", "renamed", False)]),
        ("  rpc Get(Cart) returns (Cart);\n", "", [("Shop.Get", "removed", True)]),
        ("returns (stream Cart)", "returns (Cart)", [("Shop.Watch", "changed", True)]),
        ("package shop.v1", "package shop.v2", [("package", "renamed", True)]),
        ("string id = 1;", "string id = 1;\n  string more = 8;", []),
        ("string id = 1;", "// who\n  string id = 1;", []),
    ],
)
def test_protocol_buffers(repository: Repository, before: str, after: str, found: list[tuple[str, str, bool]]) -> None:
    row = answer(repository, {"proto/a.proto": PROTO}, {"proto/a.proto": PROTO.replace(before, after)})
    assert (row["outcome"], told(row)) == ("fail" if found else "pass", found), row["detail"]
    assert all(fact["line"] for fact in json.loads(row["facts"])["facts"])


def test_a_message_that_moved_to_another_file_is_there(repository: Repository) -> None:
    start, enum, rest = PROTO.partition("enum State {\n  OPEN = 0;\n  PAID = 1;\n}\n")
    moved = 'syntax = "proto3";\npackage shop.v1;\n' + enum
    row = answer(repository, {"a.proto": PROTO}, {"a.proto": start + rest, "b.proto": moved})
    assert row["outcome"] == "pass"
    gone = answer(repository, {"a.proto": PROTO}, {"b.proto": None, "a.proto": None})
    assert sorted({what for what, _, _ in told(gone)}) == ["Cart", "Shop", "State"]


AVRO: Document = {
    "type": "record",
    "name": "Cart",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "total", "type": "int"},
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OPEN", "PAID"]}},
    ],
}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda d: d["fields"].pop(1), [("Cart.total", "removed", True)]),
        (lambda d: d["fields"].pop(2), []),
        (lambda d: d["fields"].append({"name": "x", "type": "int"}), [("Cart.x", "required_added", True)]),
        (lambda d: d["fields"].append({"name": "x", "type": "int", "default": 0}), []),
        (lambda d: d["fields"][1].update(type="string"), [("Cart.total", "type_changed", True)]),
        (lambda d: d["fields"][1].update(type="long"), []),
        (lambda d: d["fields"][1].update(name="sum", aliases=["total"]), []),
        (lambda d: d["fields"][2].update(type=["null"]), [("Cart.note", "type_changed", True)]),
        (lambda d: d["fields"][3]["type"].update(symbols=["OPEN"]), [("Cart.state", "enum_narrowed", True)]),
        (lambda d: d.update(name="Basket"), [("Cart", "renamed", True)]),
    ],
)
def test_avro(repository: Repository, change: Callable[[Document], object], found: list[tuple[str, str, bool]]) -> None:
    document = copy.deepcopy(AVRO)
    change(document)
    row = answer(repository, {"cart.avsc": json.dumps(AVRO)}, {"cart.avsc": json.dumps(document)})
    assert (row["outcome"], told(row)) == ("fail" if found else "pass", found), row["detail"]


EVENT: Document = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"type": "string"}, "kind": {"enum": ["a", "b"]}, "n": {"type": ["integer", "null"]}},
}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda d: d["properties"].pop("n"), [("n", "field_removed", True)]),
        (lambda d: d.update(required=["id", "n"]), [("n", "became_required", True)]),
        (lambda d: d["properties"]["kind"].update(enum=["a"]), [("kind", "enum_narrowed", True)]),
        (lambda d: d["properties"]["n"].update(type="integer"), [("n", "nullability_changed", True)]),
        (lambda d: d.update(additionalProperties=False), [("schema", "closed", True)]),
        (lambda d: d["properties"].update(more={"type": "string"}), []),
        (lambda d: d["properties"]["kind"].update(enum=["a", "b", "c"]), []),
    ],
)
def test_json_schema(
    repository: Repository, change: Callable[[Document], object], found: list[tuple[str, str, bool]]
) -> None:
    document = copy.deepcopy(EVENT)
    change(document)
    row = answer(repository, {"schemas/e.json": json.dumps(EVENT)}, {"schemas/e.json": json.dumps(document)})
    assert (row["outcome"], told(row)) == ("fail" if found else "pass", found), row["detail"]


LAUGHS = "openapi: 3.0.0\npaths: &p0 {}\n" + "".join(
    f"x{n}: &p{n + 1} [{', '.join([f'*p{n}'] * 9)}]\n" for n in range(12)
)
LOOP = {**API, "components": {"schemas": {"Cart": {"$ref": "#/components/schemas/Cart"}}}}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", LAUGHS),
        ("a.json", '{"openapi": "3.0.0", "paths": '),
        ("a.json", '{"openapi": "3.0.0", "paths": ' + "[" * 50_000),
        ("a.json", json.dumps(LOOP)),
        ("a.json", '{"openapi": "3.0.0", "paths": {"/a": 3, "/b": {"get": []}, "/c": {"get": {"responses": 7}}}}'),
        ("a.yaml", b"openapi: 3.0.0\npaths: \xff\xfe\n"),
        ("a.graphql", "type Query {" * 3_000),
        ("a.graphql", "type A { a: [" + "[" * 5_000),
        ("a.proto", "message A {" * 3_000),
        ("a.proto", b"\xff\x00\xfe"),
        ("a.proto", "/*" * 30_000),
        ("a.avsc", "[" * 50_000),
        ("a.avsc", '{"type": "record", "fields": 3}'),
    ],
)
def test_hostile_documents_end_no_check(repository: Repository, name: str, text: str | bytes) -> None:
    sound = {"yaml": json.dumps(API), "json": json.dumps(API), "graphql": SDL, "proto": PROTO, "avsc": json.dumps(AVRO)}
    row = answer(repository, {name: sound[name.rpartition(".")[2]]}, {name: text})
    assert "could not be examined" not in row["detail"]
    row = answer(repository, {name: text}, {name: sound[name.rpartition(".")[2]]})
    assert "could not be examined" not in row["detail"]


@pytest.mark.parametrize("broken", ["int32 = ;", "oops", "\x1b[2J forged"])
def test_of_protocol_buffers_that_are_no_protocol_buffers_nothing_is_compared_or_printed(
    repository: Repository, capfd: pytest.CaptureFixture[str], broken: str
) -> None:
    """Their parser would go on with what it takes for the rest, and tell the terminal what the file says."""
    row = answer(repository, {"a.proto": PROTO}, {"a.proto": PROTO.replace("  int32 total = 2;\n", f"  {broken}\n")})
    assert row["outcome"] == "not_checked", row
    assert capfd.readouterr().err == ""
