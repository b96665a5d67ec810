"""Write the handbook's page of every key of stabkit.toml, from the descriptions in the code.

    python docs/configuration.py

The page says table by table which keys there are, what they take and what holds without them. What the pages beside
it show by example, this one lists whole. A test compares it with the code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stabkit.config import config_schema

PAGE = Path(__file__).with_name("handbook") / "configuration.md"
HEAD = """\
# stabkit.toml

<!-- written by docs/configuration.py from the descriptions in the code; do not edit -->
Every table and every key. `stabkit init` writes a file to begin with, and
`stabkit init --schema` lets [your editor complete and explain it](command-line.md#in-an-editor).
What is left out has its default. A misspelt key is an error that names the nearest one.

`NAME` is a word of your own: it names the target, suite or scan on every page.
Double brackets begin one entry of a list.

| table | holds |
|---|---|
"""
# The pages that show a table at work.
SHOWN: dict[str, tuple[tuple[str, str], ...]] = {
    "project": (("Where configuration and store are", "command-line.md#where-configuration-and-store-are"),),
    "collect": (("The command that a page names", "ci.md#the-command-that-a-page-names"),),
    "http": (("Probing", "probing.md"),),
    "websocket": (("WebSocket contracts", "probing.md#websocket-contracts"),),
    "resources": (("Resources", "probing.md#resources"),),
    "prometheus": (("A deploy judged by Prometheus alone", "evidence.md#a-deploy-judged-by-prometheus-alone"),),
    "tests": (("Flaky tests", "flaky-tests.md"),),
    "scans": (("Tests, findings, checks", "verdict.md#tests-findings-checks"),),
    "coverage": (("Coverage of the change", "verdict.md#coverage-of-the-change"),),
    "load": (("What is read", "evidence.md#what-is-read"),),
    "line": (("One metric", "verdict.md#one-metric"),),
    "changes": (("What a change does and risks", "change.md"),),
    "areas": (("How risky it is", "change.md#how-risky-it-is"),),
    "journeys": (("How risky it is", "change.md#how-risky-it-is"),),
    "condition": (("How the verdict works", "verdict.md"),),
    "accepted": (("Accepted, until a day", "verdict.md#accepted-until-a-day"),),
}

_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "object": "a table of your own keys",
    "date": "a day",
    "path": "a path",
}


def page() -> str:
    """Return the page as Markdown."""
    schema = config_schema()
    tables = [section for key, node in schema["properties"].items() for section in _sections(schema, key, node)]
    loose = {key: node for key, node in schema["properties"].items() if _table(schema, node) is None}
    contents = "".join(f"| [`{title}`](#{_anchor(title)}) | {_words(text)} |\n" for title, text, _, _ in tables)
    blocks = [
        f"## {title}\n\n{_sentence(text)}{_seen(root)}\n\n{_keys(schema, table)}" for title, text, table, root in tables
    ]
    alone = f"## Keys without a table\n\n{_keys(schema, {'properties': loose})}"
    limit = schema["definitions"]["Objective"]
    objective = f"## objective\n\n{_sentence(limit['description'].rstrip('.'))}\n\n{_keys(schema, limit)}"
    return f"{HEAD}{contents}\n" + "\n".join([*blocks, objective, alone])


def _sections(schema: Mapping[str, Any], key: str, node: Mapping[str, Any]) -> Iterator[tuple[str, str, Any, str]]:
    """Yield title, description, table and top key of a table and of all tables within it."""
    root = key.partition(".")[0].strip("[]")
    found = _table(schema, node)
    if found is None:
        return
    table, kind = found
    path = f"{key}.NAME" if kind == "map" else key
    title = f"[[{path}]]" if kind == "list" else f"[{path}]"
    yield title, node.get("description", "").removesuffix(f": {title}"), table, root
    for inner, below in table["properties"].items():
        if inner != "objective":  # one small table, said where it stands
            yield from _sections(schema, f"{path}.{inner}", below)


def _table(schema: Mapping[str, Any], node: Mapping[str, Any]) -> tuple[Any, str] | None:
    """Return the table that a key holds, and whether it is one, a list of them, or one for each name."""
    for kind, place in (("one", node), ("list", node.get("items", {})), ("map", node.get("additionalProperties", {}))):
        if isinstance(place, Mapping):
            references = [place.get("$ref"), *(one.get("$ref") for one in place.get("allOf", ()))]
            for reference in filter(None, references):
                return schema["definitions"][reference.rpartition("/")[2]], kind
    return None


def _keys(schema: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    needed = table.get("required", ())
    rows = ["| key | takes | default | what it says |", "|---|---|---|---|"]
    for key, node in table["properties"].items():
        default = "**needed**" if key in needed else _default(node)
        rows.append(f"| `{key}` | {_takes(schema, node)} | {default} | {_words(node.get('description', ''))} |")
    return "\n".join(rows) + "\n"


def _takes(schema: Mapping[str, Any], node: Mapping[str, Any]) -> str:
    """Return what a key takes, in a few words."""
    if "enum" in node:
        return ", ".join(f"`{_cell(json.dumps(value))}`" for value in node["enum"])
    found = _table(schema, node)
    if found:
        table, kind = found
        small = set(table["properties"]) == {"quantile", "below_ms"}
        return (
            "`{ quantile, below_ms }`, [an objective](#objective)"
            if small
            else {"one": "a table", "list": "tables, a list", "map": "a table for each name"}[kind]
        )
    if "anyOf" in node:
        return " or ".join(dict.fromkeys(_takes(schema, one) for one in node["anyOf"]))
    if node.get("type") == "array":
        return f"a list: {_takes(schema, node.get('items', {}))}"
    return _KINDS.get(node.get("format") or node.get("type") or "", "any value") + _bounds(node)


def _bounds(node: Mapping[str, Any]) -> str:
    low, above = node.get("minimum"), node.get("exclusiveMinimum")
    high, below = node.get("maximum"), node.get("exclusiveMaximum")
    first = f"from {_plain(low)}" if low is not None else f"above {_plain(above)}" if above is not None else ""
    last = f"to {_plain(high)}" if high is not None else f"below {_plain(below)}" if below is not None else ""
    words = " ".join(part for part in (first, last) if part)
    return f", {words}" if words else ""


def _plain(value: float) -> str:
    return f"{value:,g}" if abs(value) < 1e6 else f"{value:,.0f}"


def _default(node: Mapping[str, Any]) -> str:
    value = node.get("default")
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"`{_plain(value)}`".replace(",", "_")
    if value in (None, [], {}, "") or isinstance(value, Mapping):
        return "none"
    return f"`{_cell(json.dumps(value))}`"


def _words(text: str) -> str:
    return _cell(" ".join(text.split()))


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return f"{text[:1].upper()}{text[1:]}."


def _seen(root: str) -> str:
    links = ", ".join(f"[{name}]({target})" for name, target in SHOWN.get(root, ()))
    return f" See {links}." if links else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _anchor(title: str) -> str:
    return "".join(letter for letter in title.lower() if letter.isalnum() or letter in "-_ ").replace(" ", "-")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
