"""YAML, JSON and TOML as nodes that know their line: nothing is constructed, and no alias or depth is without bound."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Node", "flattened", "json_documents", "nodes_of", "plain_yaml", "toml_document", "yaml_documents"]

_MOST: Final = 50_000
_DEEPEST: Final = 60
_MOST_SHOWN: Final = 100
# What nests without a bracket: the parser is written in C and would run out of stack before it says so.
_INLINE_NESTING: Final = re.compile(rb"(?:[-?:][ \t]+){60}")
_STRINGS: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING: Final = re.compile(r",(\s*[}\]])")
_NAMES: Final = ("name", "id", "key", "Name", "Key")
_TRUE: Final = frozenset({"true", "yes", "on"})


@dataclass(frozen=True)
class Node:
    """A value of a document.

    Attributes
    ----------
    value : str, list or dict
        A scalar as text, or nodes.
    kind : str
        Of a scalar: ``str``, ``int``, ``float``, ``bool``, ``null``, or the tag that the document gives it.
    line : int or None
        Where its key stands; None where the parser does not say.
    """

    value: str | list[Node] | dict[str, Node]
    kind: str
    line: int | None = None

    @property
    def text(self) -> str:
        """The value in one line."""
        if isinstance(self.value, str):
            return f"{self.kind} {self.value}" if self.kind.startswith("!") else self.value
        if isinstance(self.value, list):
            parts = [node.text if isinstance(node.value, str) else "…" for node in self.value[:_MOST_SHOWN]]
            return f"[{', '.join([*parts, *(['…'] * (len(self.value) > _MOST_SHOWN))])}]"
        return "{}" if not self.value else "{…}"


def yaml_documents(content: bytes) -> list[Node] | None:
    """Return the documents of a YAML file; None for one that is none, or nests too deeply.

    Examples
    --------
    >>> [node.value["a"].text for node in yaml_documents(b"a: !Ref b") or []]
    ['!Ref b']
    """
    import yaml  # type: ignore[import-untyped, unused-ignore]

    if _too_deep(content):
        return None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = content.decode("utf-8-sig")
        composed = [node for node in yaml.compose_all(text, Loader=loader) if node is not None]
        made: dict[int, Node] = {}
        return [_from_yaml(node, None, made, frozenset()) for node in composed]
    except (yaml.YAMLError, ValueError, RecursionError, MemoryError):
        return None


def plain_yaml(content: bytes) -> Any:
    """Return what a YAML file with one document holds, as plain values; aliases are shared, not copied.

    Raises
    ------
    ValueError
        It is none, or nests too deeply for the parser, which is written in C and ends the process there.

    Examples
    --------
    >>> plain_yaml(b"a: [1, 2]")
    {'a': [1, 2]}
    """
    import yaml

    if _too_deep(content):
        raise ValueError("it nests too deeply")
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return yaml.load(content.decode("utf-8-sig"), Loader=loader)  # noqa: S506 - both build plain values only
    except (yaml.YAMLError, TypeError, AttributeError, OverflowError, RecursionError, MemoryError) as error:
        raise ValueError(f"it cannot be parsed: {type(error).__name__}") from error


def json_documents(content: bytes) -> list[Node] | None:
    r"""Return the one document of a JSON file, with or without comments and trailing commas; None if it is none.

    Examples
    --------
    >>> [node.value["a"].text for node in json_documents(b'{\n "a": "http://b", // why\n}') or []]
    ['http://b']
    """
    try:
        text = content.decode("utf-8-sig")
    except ValueError:
        return None
    # JSON is YAML but for tabs, comments and escaped slashes.
    text = _STRINGS.sub(_no_comment, text.replace("\t", " "))
    return yaml_documents(_TRAILING.sub(r"\1", text).encode())


def toml_document(content: bytes) -> Node | None:
    """Return a TOML file as a node, with lines as far as a search finds them; None if it is none."""
    try:
        text = content.decode("utf-8-sig")
        return nodes_of(tomllib.loads(text), text.splitlines())
    except (ValueError, RecursionError):
        return None


def nodes_of(value: Any, lines: list[str] | None = None) -> Node:
    """Return plain values as nodes; a key has the next line that begins with it."""
    places: dict[str, list[int]] = {}
    for number, line in enumerate(lines or (), start=1):
        bare = line.strip().strip("[]").strip()
        for part in re.split(r"[.\s]+", bare.partition("=")[0].strip()):
            places.setdefault(part.strip("\"'"), []).append(number)
    return _from_value(value, places, None, 0)


def _from_value(value: Any, places: dict[str, list[int]], line: int | None, depth: int) -> Node:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(value, Mapping):
        found = {}
        for key, inner in value.items():
            known = places.get(str(key), [])
            at = next((number for number in known if line is None or number >= line), line)
            if at in known and not isinstance(inner, Mapping | list):
                known.remove(at)
            found[str(key)] = _from_value(inner, places, at, depth + 1)
        return Node(found, "map", line)
    if isinstance(value, list):
        return Node([_from_value(inner, places, line, depth + 1) for inner in value], "list", line)
    if isinstance(value, bool):
        return Node(str(value).lower(), "bool", line)
    return Node(str(value), type(value).__name__, line)


def flattened(node: Node, most: int = _MOST) -> dict[str, Node] | None:
    """Return the leaves of a node by their key path; None for more than any reader would follow.

    A list of plain values is one leaf; of a list of things with names, the name stands for the place, so that one more
    at the front moves no other.

    Examples
    --------
    >>> [(key, leaf.text) for key, leaf in flattened(nodes_of({"a": {"b": 1}, "c": [{"name": "d", "e": 2}]})).items()]
    [('a.b', '1'), ('c[d].name', 'd'), ('c[d].e', '2')]
    """
    found: dict[str, Node] = {}
    for count, (path, leaf) in enumerate(_leaves(node, "", 0)):
        if count >= most:
            return None
        found[path] = leaf
    return found


def _leaves(node: Node, path: str, depth: int) -> Iterator[tuple[str, Node]]:
    value = node.value
    if depth > _DEEPEST or isinstance(value, str) or not value:
        yield path or "(all)", node
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else key, depth + 1)
    elif all(isinstance(inner.value, str) for inner in value):
        yield path or "(all)", node
    else:
        taken: set[str] = set()
        for number, inner in enumerate(value):
            name = _name(inner) or str(number)
            name = str(number) if name in taken else name
            taken.add(name)
            yield from _leaves(inner, f"{path}[{name}]", depth + 1)


def _name(node: Node) -> str | None:
    if not isinstance(node.value, dict):
        return None
    named = (node.value[key].value for key in _NAMES if key in node.value)
    return next((name for name in named if isinstance(name, str)), None)


def _too_deep(content: bytes) -> bool:
    if _INLINE_NESTING.search(content):
        return True
    depth = deepest = 0
    for bracket in re.finditer(rb"[\[\]{}]", content):
        depth = depth + 1 if bracket[0] in b"[{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest > 500 or any(len(indent) > 600 for indent in re.findall(rb"^[ ]+", content, re.MULTILINE))


def _from_yaml(node: Any, line: int | None, made: dict[int, Node], above: frozenset[int]) -> Node:
    import yaml

    if id(node) in above or len(above) > _DEEPEST:
        raise ValueError("an alias holds itself, or it nests too deeply")
    at = node.start_mark.line + 1 if line is None else line
    if isinstance(node, yaml.ScalarNode):
        return Node(_scalar(node), _kind(node.tag), at)
    if id(node) in made:
        return made[id(node)]
    inside = above | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        value: Any = [_from_yaml(inner, None, made, inside) for inner in node.value]
    else:
        value = {}
        merged: dict[str, Node] = {}
        for key, inner in node.value:
            got = _from_yaml(inner, key.start_mark.line + 1, made, inside)
            if key.tag == "tag:yaml.org,2002:merge":
                parts = got.value if isinstance(got.value, list) else [got]
                for part in reversed(parts):
                    merged |= part.value if isinstance(part.value, dict) else {}
            else:
                value[str(key.value) if isinstance(key, yaml.ScalarNode) else "(complex key)"] = got
        value = merged | value
    made[id(node)] = Node(value, _kind(node.tag), at)
    return made[id(node)]


def _scalar(node: Any) -> str:
    kind = _kind(node.tag)
    if kind == "bool":
        return "true" if node.value.lower() in _TRUE else "false"
    return "null" if kind == "null" else str(node.value)


def _kind(tag: str) -> str:
    return tag.removeprefix("tag:yaml.org,2002:")


def _no_comment(found: re.Match[str]) -> str:
    if found[0].startswith('"'):
        return found[0].replace("\\/", "/")
    return re.sub(r"[^\n]", " ", found[0])
