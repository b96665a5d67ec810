"""The settings in a file of any usual format: key path -> value, with the line of the key where it can be told."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from stabkit.change.documents import Node, flattened, json_documents, toml_document, yaml_documents
from stabkit.change.environment.compose import composed
from stabkit.change.environment.deployment import ENV_FILE, assigned
from stabkit.change.environment.python import literal
from stabkit.change.python_code import dotted, parse

__all__ = ["Setting", "settings_of", "settings_of_both"]

_LONGEST: Final = 300
_MOST: Final = 50_000
_DEEPEST: Final = 60
_KEYED: Final = re.compile(r"^(\s*)(?:-\s+)?([\w.\"'/-]+)\s*:(?:\s+(.*))?$")
_XML_BOMB: Final = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_XML_NAMES: Final = ("name", "key", "id")
_ASKS: Final = re.compile(
    r"(?i)env|config|secret|get|path|join|timedelta|^(int|str|bool|float|list|tuple|set|dict|frozenset)$"
)
_UPPER: Final = re.compile(r"[A-Z][A-Z0-9_]+")


@dataclass(frozen=True)
class Setting:
    """One setting of a file: its value, the line of its key, and whether a parser or only a pattern told it."""

    value: str
    line: int | None
    proven: bool = True
    kind: str = ""


def settings_of(path: str, content: bytes) -> dict[str, Setting] | None:
    r"""Return the settings of a file by key path; None for one that cannot be parsed.

    Examples
    --------
    >>> settings_of("a.yml", b"web:\n  port: 80  # why\n")
    {'web.port': Setting(value='80', line=2, proven=True, kind='int')}
    """
    reader = _reader(path)
    try:
        return reader(content)
    except (ValueError, RecursionError, MemoryError, configparser.Error):
        return None


def settings_of_both(
    old: tuple[str, bytes | None], new: tuple[str, bytes | None]
) -> tuple[dict[str, Setting] | None, dict[str, Setting] | None]:
    """Return the settings of a file at both ends, told in the same way: none where it is not there.

    A template that only one end can be parsed as YAML is compared by its lines.
    """
    found = [{} if content is None else settings_of(path, content) for path, content in (old, new)]
    guessed = [any(not setting.proven for setting in side.values()) if side else False for side in found]
    if guessed[0] != guessed[1] and all(path.endswith((".yml", ".yaml")) for path, _ in (old, new)):
        found = [{} if content is None else dict(_indented(_text(content))) for _, content in (old, new)]
    return found[0], found[1]


def _reader(path: str) -> Callable[[bytes], dict[str, Setting] | None]:
    name = path.rpartition("/")[2].lower()
    if ENV_FILE.search(path):
        return _assigned
    by_ending: dict[str, Callable[[bytes], dict[str, Setting] | None]] = {
        "toml": _toml,
        "json": _json,
        "json5": _json,
        "jsonc": _json,
        "yml": _yaml,
        "yaml": _yaml,
        "ini": _ini,
        "cfg": _ini,
        "properties": _assigned,
        "xml": _xml,
        "config": _xml,
        "py": _django if "settings" in path else _python,
    }
    return by_ending.get(name.rpartition(".")[2], _lines)


def _flat(documents: list[Node] | None) -> dict[str, Setting] | None:
    if documents is None:
        return None
    found: dict[str, Setting] = {}
    for number, document in enumerate(documents):
        leaves = flattened(document)
        if leaves is None or len(found) + len(leaves) > _MOST:
            return None
        start = "" if len(documents) == 1 else f"{_titled(document) or f'document {number + 1}'}: "
        if any(f"{start}{key}" in found for key in leaves):
            start = f"document {number + 1}: "
        found |= {f"{start}{key}": Setting(leaf.text, leaf.line, kind=leaf.kind) for key, leaf in leaves.items()}
    return found


def _titled(document: Node) -> str | None:
    """Return how a manifest of several documents tells one from another: its kind and its name."""
    if not isinstance(document.value, dict):
        return None
    kind, meta = document.value.get("kind"), document.value.get("metadata")
    name = meta.value.get("name") if meta is not None and isinstance(meta.value, dict) else None
    return f"{kind.text}/{name.text}" if kind is not None and name is not None else None


def _yaml(content: bytes) -> dict[str, Setting] | None:
    documents = yaml_documents(content)
    if documents is None and (b"{{" in content or b"{%" in content):
        return dict(_indented(_text(content)))
    return _flat(None if documents is None else [composed(document) for document in documents])


def _json(content: bytes) -> dict[str, Setting] | None:
    return _flat(json_documents(content))


def _toml(content: bytes) -> dict[str, Setting] | None:
    document = toml_document(content)
    return None if document is None else _flat([document])


def _ini(content: bytes) -> dict[str, Setting] | None:
    text = _text(content)
    parser = configparser.RawConfigParser(allow_no_value=True, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except configparser.MissingSectionHeaderError:
        return _lines(content)
    lines = _ini_lines(text)
    found = {}
    for section, options in [("DEFAULT", parser.defaults()), *((name, parser[name]) for name in parser.sections())]:
        for key, value in options.items():
            if section != "DEFAULT" and key in parser.defaults() and (section, key) not in lines:
                continue
            found[f"{section}.{key}"] = Setting((value or "").strip(), lines.get((section, key)))
    return found


def _ini_lines(text: str) -> dict[tuple[str, str], int]:
    section, found = "DEFAULT", {}
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if bare.startswith("[") and "]" in bare:
            section = bare[1 : bare.index("]")]
        elif bare and not line[0].isspace() and bare[0] not in "#;":
            found[section, re.split(r"\s*[=:]", bare, maxsplit=1)[0]] = number
    return found


def _assigned(content: bytes) -> dict[str, Setting] | None:
    return {name: Setting(value, line) for name, value, line in assigned(_text(content))}


def _xml(content: bytes) -> dict[str, Setting] | None:
    """Read elements and attributes; a file that defines entities is not parsed, for they may stand for anything."""
    from xml.etree import ElementTree  # what defines entities is refused before

    if _XML_BOMB.search(content):
        bare = re.sub(rb"<!DOCTYPE[^\[\]<>]*>", b"", content)
        if _XML_BOMB.search(bare):
            return None
        content = bare
    if content.count(b"<") > _MOST:
        return None
    try:
        root = ElementTree.fromstring(content)  # noqa: S314
    except ElementTree.ParseError:
        return None
    text = _text(content)
    found: dict[str, Setting] = {}
    waiting = [(root, _tag(root), 0)]
    while waiting:
        element, path, depth = waiting.pop()
        if depth > _DEEPEST:
            return None
        attributes = {_plain(key): value for key, value in element.attrib.items()}
        for key, value in attributes.items():
            if key not in _XML_NAMES:
                found[f"{path}@{key}"] = Setting(value, _xml_line(text, element, attributes))
        if (element.text or "").strip() and not len(element):
            found[path] = Setting((element.text or "").strip(), _xml_line(text, element, attributes))
        count: dict[str, int] = {}
        for child in element:
            tag = _tag(child)
            count[tag] = count.get(tag, 0) + 1
            name = tag if count[tag] == 1 else f"{tag}[{count[tag]}]"
            waiting.append((child, f"{path}/{name}", depth + 1))
    return found


def _tag(element: object) -> str:
    tag = _plain(str(getattr(element, "tag", "")))
    attributes = getattr(element, "attrib", {})
    name = next((attributes[key] for key in _XML_NAMES if key in attributes), None)
    return f"{tag}[{name}]" if name else tag


def _plain(name: str) -> str:
    return name.rpartition("}")[2]


def _xml_line(text: str, element: object, attributes: dict[str, str]) -> int | None:
    tag = _plain(str(getattr(element, "tag", "")))
    named = next((attributes[key] for key in _XML_NAMES if key in attributes), None)
    if named is not None:
        at = text.find(f'"{named}"')
    else:
        match = re.search(rf"<(?:\w+:)?{re.escape(tag)}\b", text)
        at = match.start() if match is not None else -1
    return text.count("\n", 0, at) + 1 if at >= 0 else None


def _django(content: bytes) -> dict[str, Setting] | None:
    """Read the names in capitals that a module of settings gives values, in its body or in a class of it."""
    tree = parse(content)
    if tree is None:
        return None
    return {key: Setting(literal(value) or "None", line) for key, value, line in _assignments(tree.body, "")}


def _python(content: bytes) -> dict[str, Setting] | None:
    """Read as much, but for what a library makes of its own classes: a default of its interface is no setting."""
    tree = parse(content)
    if tree is None:
        return None
    return {
        key: Setting(literal(value) or "None", line)
        for key, value, line in _assignments(tree.body, "")
        if not isinstance(value, ast.Call) or _ASKS.search(dotted(value.func))
    }


def _assignments(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.expr, int]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _assignments(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, ast.If | ast.Try):
            yield from _assignments([*node.body, *getattr(node, "orelse", [])], prefix)
        value = getattr(node, "value", None)
        targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name) and _UPPER.fullmatch(target.id) and value is not None:
                name = f"{prefix}{target.id}"
                yield from _values(f"{name} +=" if isinstance(node, ast.AugAssign) else name, value)


def _values(path: str, value: ast.expr, depth: int = 0) -> Iterator[tuple[str, ast.expr, int]]:
    if isinstance(value, ast.Dict) and value.keys and depth < 6:
        for key, inner in zip(value.keys, value.values, strict=True):
            name = literal(key) if key is not None else "**"
            yield from _values(f"{path}.{name}", inner, depth + 1)
    else:
        yield path, value, value.lineno


def _lines(content: bytes) -> dict[str, Setting] | None:
    """Read a file of no known format, as nginx and apache have it: a word, and what it is set to, in its block."""
    if b"\0" in content[:8_000]:
        return None
    found: dict[str, Setting] = {}
    blocks: list[str] = []
    for number, line in enumerate(_text(content).splitlines(), start=1):
        bare = re.sub(r"(^|\s)#.*$", "", line).strip()
        if not bare:
            continue
        if bare.startswith(("}", "</")):
            blocks = blocks[:-1]
            continue
        if bare.endswith("{") or (bare.startswith("<") and bare.endswith(">")):
            blocks = [*blocks, " ".join(bare.strip("<>{ ").split())][:_DEEPEST]
            continue
        word, _, value = bare.rstrip(";").partition("=" if re.match(r"[\w.-]+\s*=", bare) else " ")
        key = "/".join([*blocks, word.strip()])
        known = found.get(key)
        told = " ".join(value.split())
        found[key] = Setting(
            told if known is None else f"{known.value}; {told}", number if known is None else known.line, proven=False
        )
    return found


def _indented(text: str) -> Iterator[tuple[str, Setting]]:
    """Yield the keys of a template of YAML, as its lines are indented; by pattern alone."""
    above: list[tuple[int, str]] = []
    count: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        bare = re.sub(r"\s+#.*$", "", line)
        if bare.strip().startswith(("#", "{{", "{%")) or not bare.strip():
            continue
        match = _KEYED.match(bare)
        indent = len(bare) - len(bare.lstrip())
        above = [(depth, key) for depth, key in above if depth < indent]
        if match is None:
            path = ".".join([*(key for _, key in above), "-"])
            value = bare.strip()
        else:
            path = ".".join([*(key for _, key in above), match[2].strip("\"'")])
            above.append((indent, match[2].strip("\"'")))
            value = (match[3] or "").strip()
            if not value:
                continue
        count[path] = count.get(path, 0) + 1
        yield path if count[path] == 1 else f"{path}[{count[path]}]", Setting(value.strip("\"'"), number, proven=False)


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig", "replace").replace("\r\n", "\n")
