"""The environment variables that deployment files set: compose, manifests, charts, images, workflows, .env files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from stabkit.change.documents import Node, json_documents, toml_document, yaml_documents
from stabkit.change.environment.shell_reads import interpolations, shell_reads
from stabkit.change.environment.uses import Use, Uses
from stabkit.change.paths import categorise

__all__ = ["ENV_FILE", "assigned", "deployment_uses", "is_deployment"]

ENV_FILE: Final = re.compile(
    r"(^|/)\.env(\.[^/]*|[-_][^/]*)?$|\.env$|(^|/)[^/]*env[.-](example|sample|template|dist)$|(^|/)\.envrc$"
)
_DOCKERFILE: Final = re.compile(r"(^|/)([^/]*Dockerfile[^/]*|Containerfile[^/]*)$", re.IGNORECASE)
_PATTERNED: Final = re.compile(
    r"\.(service|conf|tf|tfvars|hcl|template|tmpl|tpl|properties|ini)$|(^|/)(Procfile|Vagrantfile|app\.yaml)$"
)
_ASSIGNS: Final = re.compile(r"(?:export\s+)?([\w.\[\]/-]+)\s*[=:]\s*(.*)$")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CAPITALS: Final = re.compile(r"[A-Z_][A-Z0-9_]*")
_KEYS: Final = re.compile(
    r"(?i)(env|envs|env_?vars?|extraEnv(Vars?)?|env_?variables|environment|environment_?variables|containerEnv|remoteEnv|set_?env|secretEnv|secrets|envs?Map|env_?secrets?|pytest_env)"
)
_LITERALS: Final = ("configMapGenerator", "secretGenerator")
_SOURCES: Final = ("envFrom", "env_file")
_PAIR: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:=(.*))?", re.DOTALL)
_DOCKER_LINE: Final = re.compile(r"^\s*(ENV|ARG)\s+((?:\\\n|[^\n])*)", re.MULTILINE | re.IGNORECASE)
_DOCKER_PAIR: Final = re.compile(r"""([A-Za-z_]\w*)=("(?:[^"\\]|\\.)*"|'[^']*'|(?:\\\s|\S)*)""")
_CHART_NAME: Final = re.compile(
    r"^[ \t]*-[ \t]*name:[ \t]*[\"']?([A-Z][A-Z0-9_]*)[\"']?[ \t]*\n(?:[ \t]*value:[ \t]*([^\n]*))?", re.MULTILINE
)
_CHART_KEY: Final = re.compile(r"^[ \t]+([A-Z][A-Z0-9_]{2,}):[ \t]*([^\n]*)$", re.MULTILINE)
# Up to the next expression at most: a file of beginnings without an end takes n² steps otherwise.
_SECRETS: Final = re.compile(r"\$\{\{(?:(?!\$\{\{)[^}])*?\b(secrets|vars)\.([A-Za-z_]\w*)")
_UNIT: Final = re.compile(r"^\s*Environment\s*=\s*(.*)$", re.MULTILINE)
_UNIT_PAIR: Final = re.compile(r""""([A-Za-z_]\w*)=([^"]*)"|'([A-Za-z_]\w*)=([^']*)'|(?<!\S)([A-Za-z_]\w*)=(\S*)""")
_OTHERS: Final = re.compile(
    r"^\s*(?:SetEnv|fastcgi_param)\s+([A-Z][A-Z0-9_]*)\s+([^\n;]*)|^\s*env\[([A-Z][A-Z0-9_]*)\]\s*=\s*([^\n]*)|^\s*env\s*=\s*([A-Z][A-Z0-9_]*)=([^\n]*)",
    re.MULTILINE,
)
_SUPERVISED: Final = re.compile(r"^\s*environment\s*=\s*(.*(?:\n[ \t]+.*)*)$", re.MULTILINE)
_SUPERVISED_PAIR: Final = re.compile(r"""([A-Z][A-Z0-9_]*)=("[^"]*"|'[^']*'|[^,\s]*)""")
_TERRAFORM_MAP: Final = re.compile(
    r"\b(?:variables|environment|environment_variables|env_?vars?|envs?)\s*=\s*\{([^{}]*)\}"
)
_TERRAFORM_PAIR: Final = re.compile(r"^\s*\"?([A-Z][A-Z0-9_]*)\"?\s*[=:]\s*([^\n,]*)", re.MULTILINE)
_TERRAFORM_NAME: Final = re.compile(r"\"?name\"?\s*[=:]\s*\"([A-Z][A-Z0-9_]*)\"\s*,?\s*\"?value\"?\s*[=:]\s*([^\n,}]*)")


def is_deployment(path: str) -> bool:
    """Say whether a file may set variables, or ask for them outside of any program.

    Examples
    --------
    >>> is_deployment("docker-compose.yml"), is_deployment("app/.env.example"), is_deployment("README.md")
    (True, True, False)
    """
    if path.endswith((".yml", ".yaml", ".json", ".toml")):
        return categorise(path) != "api"
    return bool(ENV_FILE.search(path) or _DOCKERFILE.search(path) or _PATTERNED.search(path))


def deployment_uses(path: str, content: bytes) -> Uses | None:
    """Return what a deployment file sets and asks for; None for a document that cannot be parsed."""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    if ENV_FILE.search(path):
        return Uses(sets=[Use(n, line, v) for n, v, line in assigned(text) if _NAME.fullmatch(n)])
    if _DOCKERFILE.search(path):
        return Uses(sets=list(_docker(text)))
    if path.endswith((".yml", ".yaml", ".json", ".toml")):
        return _document(path, content, text)
    if path.endswith(("Procfile",)):
        return Uses(reads=shell_reads(text))
    return _patterned(path, text)


def assigned(text: str) -> list[tuple[str, str, int]]:
    r"""Return name, value and line of each setting of a .env or .properties file; other lines continue a value.

    Examples
    --------
    >>> assigned('export A="b c" # why\nD=\n')
    [('A', 'b c', 1), ('D', '', 2)]
    """
    found: list[tuple[str, str, int]] = []
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if not line or line.startswith(("#", "!")):
            continue
        name, value, first = found[-1] if found else ("(no key)", "", number)
        quoted = value[:1] in ("'", '"') and value.count(value[0]) == 1
        continued = value.endswith("\\")
        if not quoted and not continued and (match := _ASSIGNS.match(line)) is not None:
            found.append((match[1], match[2], number))
        else:
            found[-1:] = [(name, f"{value.removesuffix(chr(92))}\n{line}", first)]
    return [(name, _unquoted(value), line) for name, value, line in found]


def _unquoted(value: str) -> str:
    value = value.strip()
    if value[:1] in ("'", '"') and (end := value.rfind(value[0])) > 0 and value[end + 1 :].lstrip()[:1] in ("", "#"):
        return value[1:end]
    return re.sub(r"\s+#.*$", "", value)


def _document(path: str, content: bytes, text: str) -> Uses | None:
    if path.endswith(".toml"):
        node = toml_document(content)
        documents = None if node is None else [node]
    else:
        documents = json_documents(content) if path.endswith(".json") else yaml_documents(content)
    ci = categorise(path) == "ci" or path.startswith(".github/")
    uses = Uses()
    if not ci and not path.endswith(".json"):
        uses.reads += interpolations(re.sub(r"(^|\s)#[^\n]*", r"\1", text))
    if ci:
        for match in _SECRETS.finditer(text):
            if match[2] != "GITHUB_TOKEN":
                line = text.count("\n", 0, match.start()) + 1
                uses.reads.append(Use(f"{match[1]}.{match[2]}", line, proven=False))
    if documents is None:
        if "{{" not in text:
            return None
        uses.sets += _chart(text)
        return uses
    for document in documents:
        uses.sets += _settings(document, 0, set(), ci=ci)
    return uses


def _settings(node: Node, depth: int, seen: set[int], *, ci: bool) -> Iterator[Use]:
    # What an alias repeats is set once: aliases of aliases would take forever.
    if depth > 30 or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node.value, list):
        for inner in node.value:
            yield from _settings(inner, depth + 1, seen, ci=ci)
        return
    if not isinstance(node.value, dict):
        return
    kind = node.value.get("kind")
    if kind is not None and kind.value in ("ConfigMap", "Secret"):
        for part in ("data", "stringData"):
            yield from _mapped(node.value.get(part), secret=kind.value == "Secret" or None)
        return
    yield from _sources(node.value)
    for key, inner in node.value.items():
        if _KEYS.fullmatch(key) or (ci and key == "variables") or (key == "Variables" and depth):
            found = list(_given(inner))
            yield from found
            if found and key.lower() != "secrets":
                continue
        if key in _LITERALS and isinstance(inner.value, list):
            for item in inner.value:
                literals = item.value.get("literals") if isinstance(item.value, dict) else None
                yield from _given(literals) if literals is not None else ()
        yield from _settings(inner, depth + 1, seen, ci=ci)


def _sources(section: Mapping[str, Node]) -> Iterator[Use]:
    """Yield what is handed over whole, whose names stand elsewhere: ``envFrom`` of Kubernetes, ``env_file``."""
    for key in _SOURCES:
        if key in section:
            yield from _source_of(key, section[key])


def _source_of(key: str, node: Node) -> Iterator[Use]:
    for item in node.value if isinstance(node.value, list) else [node]:
        if isinstance(item.value, str):
            yield Use(f"{key} {item.value}", item.line or node.line or 1)
        elif isinstance(item.value, dict):
            prefix = item.value.get("prefix")
            for kind, inner in item.value.items():
                name = inner.value.get("name") if isinstance(inner.value, dict) else inner if kind == "path" else None
                if name is not None and isinstance(name.value, str):
                    start = "" if prefix is None else f" as {prefix.text}*"
                    yield Use(f"{key} {name.value}{start}", inner.line or item.line or 1)


def _given(node: Node) -> Iterator[Use]:
    if isinstance(node.value, dict):
        yield from _mapped(node)
    elif isinstance(node.value, list):
        for item in node.value:
            yield from _listed(item)


def _listed(item: Node) -> Iterator[Use]:
    if isinstance(item.value, str):
        match = _PAIR.fullmatch(item.value)
        if match is not None and (match[2] is not None or _CAPITALS.fullmatch(match[1])):
            yield Use(match[1], item.line or 1, match[2])
    elif isinstance(item.value, dict):
        small = {key.lower(): inner for key, inner in item.value.items()}
        name = small.get("name") or small.get("key") or small.get("variable")
        if name is None or not isinstance(name.value, str) or not _NAME.fullmatch(name.value):
            return
        value = small.get("value")
        source = next((k for k in ("valuefrom", "fromsecret", "fromdatabase", "fromservice") if k in small), None)
        shown = value.text if value is not None else None if source is None else _source(small[source])
        yield Use(name.value, name.line or 1, shown)


def _source(node: Node, depth: int = 0) -> str:
    if not isinstance(node.value, dict) or depth > 3:
        return node.text
    parts = [(key, _source(inner, depth + 1).removeprefix("from ")) for key, inner in list(node.value.items())[:4]]
    return "from " + ", ".join(f"{key} {value}" for key, value in parts)


def _mapped(node: Node | None, *, secret: bool | None = None) -> Iterator[Use]:
    if node is None or not isinstance(node.value, dict):
        return
    for name, inner in node.value.items():
        if not _CAPITALS.fullmatch(name) and not name.endswith("_proxy"):
            continue
        value: str | None = inner.text
        if isinstance(inner.value, dict):
            given = inner.value.get("value") or inner.value.get("default")
            value = given.text if given is not None else _source(inner) if inner.value else None
        elif inner.kind == "null":
            value = None
        yield Use(name, inner.line or 1, "***" if secret else value)


def _chart(text: str) -> Iterator[Use]:
    for pattern in (_CHART_NAME, _CHART_KEY):
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start(1)) + 1
            yield Use(match[1], line, _unquoted(match[2]) if match[2] else None, proven=False)


def _docker(text: str) -> Iterator[Use]:
    # A comment may stand between continued lines; blanked, the lines keep their numbers.
    text = re.sub(r"^[ \t]*#[^\n]*", r"\\", text, flags=re.MULTILINE)
    for match in _DOCKER_LINE.finditer(text):
        start = text.count("\n", 0, match.start(1)) + 1
        body = match[2]
        pairs = list(_DOCKER_PAIR.finditer(body))
        if pairs and pairs[0].start() == 0:
            for pair in pairs:
                yield Use(pair[1], start + body.count("\n", 0, pair.start()), _unquoted(pair[2]))
            continue
        name, _, value = body.strip().partition(" ")
        if _NAME.fullmatch(name):
            yield Use(name, start, _unquoted(value) if value else None)


def _patterned(path: str, text: str) -> Uses:
    uses = Uses()
    if path.endswith((".service", ".conf", ".ini")):
        uses.sets += _configured(text)
    elif path.endswith((".tf", ".hcl")):
        uses.sets += _terraform(text)
    if path.endswith((".properties", ".conf", ".ini", ".template", ".tmpl", ".tpl")):
        uses.reads += interpolations(re.sub(r"^\s*[#;][^\n]*", "", text, flags=re.MULTILINE))
    return uses


def _configured(text: str) -> Iterator[Use]:
    """Yield what a unit of systemd, a server's file or a supervisor sets."""
    for unit in _UNIT.finditer(text):
        for pair in _UNIT_PAIR.finditer(unit[1]):
            name, value = [group for group in pair.groups() if group is not None]
            yield _pattern_use(name, value, text, unit.start(1))
    for other in _OTHERS.finditer(text):
        name, value = [group for group in other.groups() if group is not None]
        yield _pattern_use(name, _unquoted(value), text, other.start(0) + 1)
    for block in _SUPERVISED.finditer(text):
        for pair in _SUPERVISED_PAIR.finditer(block[1]):
            yield _pattern_use(pair[1], _unquoted(pair[2]), text, block.start(1) + pair.start())


def _terraform(text: str) -> Iterator[Use]:
    for block in _TERRAFORM_MAP.finditer(text):
        for pair in _TERRAFORM_PAIR.finditer(block[1]):
            yield _pattern_use(pair[1], _unquoted(pair[2]), text, block.start(1) + pair.start(1))
    for pair in _TERRAFORM_NAME.finditer(text):
        yield _pattern_use(pair[1], _unquoted(pair[2]), text, pair.start(1))


def _pattern_use(name: str, value: str, text: str, at: int) -> Use:
    return Use(name, text.count("\n", 0, at) + 1, value, proven=False)
