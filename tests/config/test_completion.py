"""The JSON Schema of stabkit.toml: every key is described, what loads is valid, what is misspelt is marked."""

import json
import re
import tomllib
from datetime import date
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, FormatChecker

import stabkit.config
from stabkit.config import Config, config_schema, load_config, write_schema
from stabkit.config.model import Model
from stabkit.errors import ConfigError

ROOT = Path(__file__).parents[2]
EXAMPLE = Path(stabkit.config.__file__).parent / "example.toml"
FENCE = re.compile(r"^ *```toml\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SCHEMA = config_schema()


def faults(text):
    plain = json.loads(json.dumps(tomllib.loads(text), default=lambda value: value.isoformat()))
    return [fault.message for fault in Draft7Validator(SCHEMA, format_checker=FormatChecker()).iter_errors(plain)]


def models(model=Config, seen=None):
    seen = {} if seen is None else seen
    seen[model] = None
    for info in model.model_fields.values():
        for inner in within(info.annotation):
            if inner not in seen:
                models(inner, seen)
    return list(seen)


def within(annotation):
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from within(argument)


def test_no_field_of_any_table_is_without_a_description():
    found = models()
    assert len(found) > 15
    assert {model.__name__ for model in found if not model.__doc__} == set()
    bare = [f"{m.__name__}.{name}" for m in found for name, info in m.model_fields.items() if not info.description]
    assert bare == []


def test_the_schema_knows_every_key_by_its_description():
    Draft7Validator.check_schema(SCHEMA)
    tables = {"Config": SCHEMA, **SCHEMA["definitions"]}
    assert set(tables) == {model.__name__ for model in models()}
    for model in models():
        keys = {info.alias or name for name, info in model.model_fields.items()} - {"root"}
        assert set(tables[model.__name__]["properties"]) == keys
        assert all(key["description"] for key in tables[model.__name__]["properties"].values())
        assert tables[model.__name__]["additionalProperties"] is False


def test_nothing_in_it_is_null_and_no_reference_hides_a_description():
    def walk(node):
        if isinstance(node, dict):
            yield node
        for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from walk(inner)

    nodes = list(walk(SCHEMA))
    assert [node for node in nodes if node.get("type") == "null" or None in node.values()] == []
    assert [node for node in nodes if "$ref" in node and len(node) > 1] == []


def test_the_example_and_its_commented_keys_are_valid():
    text = EXAMPLE.read_text()
    assert faults(text) == []
    uncommented = re.findall(r"^# ([a-z_0-9]+) = ", text, re.MULTILINE)
    known = {key for table in SCHEMA["definitions"].values() for key in table["properties"]}
    assert len(uncommented) > 20
    assert set(uncommented) <= known


@pytest.mark.parametrize("text", [text for page in PAGES for text in FENCE.findall(page.read_text())])
def test_what_the_documentation_shows_is_valid(text):
    assert faults(text) == []


@pytest.mark.parametrize("path", sorted((ROOT / "data").rglob("stabkit.toml")), ids=lambda path: path.parent.name)
def test_the_recorded_configurations_are_valid(path):
    assert faults(path.read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        "[projekt]\nname = 'x'",
        "[project]\nnme = 'x'",
        "[http.api]\nrate = 5",
        "[http.api]\nurl = 'http://x/'\nrequests = 0",
        "[http.api]\nurl = 'http://x/'\nmethod = 'FETCH'",
        "[[condition]]\nname = 'a'\nkind = 'latncy'",
        "[[condition]]\nname = 'a'\nkind = 'change'\nfacts = ['api_brake']",
        "[[accepted]]\ntest = 'a'\nreason = 'b'\nowner = 'c'\nuntil = 'soon'",
        "[prometheus.p]\nurl = 'http://x/'\nquery = 'up'\nwindow = 'an hour'",
        "[tests.unit]\ncommand = 'pytest -q'",
    ],
)
def test_what_does_not_load_is_marked(tmp_path, text):
    (tmp_path / "stabkit.toml").write_text(text)
    with pytest.raises(ConfigError):
        load_config(tmp_path / "stabkit.toml")
    assert faults(text)


@pytest.mark.parametrize(
    "text",
    [
        "[prometheus.p]\nurl = 'http://x/'\nquery = 'up'\nwindow = '1h30m'\nsettle = 60",
        f"[[accepted]]\ntest = 'a'\nreason = 'b'\nowner = 'c'\nuntil = {date(2026, 12, 31)}",
        "[http.api]\nurl = 'http://x/'\nexpect_status = [200, 204]\njson_body = [1]\nexpect_headers = { a = true }",
        "[websocket.api]\nurl = 'ws://x/'\nsend = [{ json = { a = 1 } }, { text = 'b' }]",
    ],
)
def test_each_way_of_writing_that_loads_is_valid(tmp_path, text):
    (tmp_path / "stabkit.toml").write_text(text)
    assert load_config(tmp_path / "stabkit.toml")
    assert faults(text) == []


def test_it_is_renewed_and_nothing_else_is_overwritten(tmp_path):
    path = write_schema(tmp_path / "stabkit.schema.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "properties": {}}))
    assert json.loads(write_schema(path).read_text()) == SCHEMA
    for mine in ("mine", "[]", '{"title": "mine"}'):
        path.write_text(mine)
        with pytest.raises(ConfigError, match="Another file is there"):
            write_schema(path)
        assert path.read_text() == mine
    with pytest.raises(ConfigError, match="cannot be written"):
        write_schema(tmp_path / "none" / "stabkit.schema.json")
