"""What Python projects declare: pyproject.toml, setup.py, setup.cfg, requirements, Pipfile, environment.yml."""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from stabkit.change.dependencies.entries import Entry, Lines, group_scope, kept, python_name, requirement, tidy_range
from stabkit.change.facts import Scope
from stabkit.change.python_code import dotted, parse
from stabkit.change.yaml_documents import Section, Sequence, Text, read_yaml

__all__ = ["read_environment", "read_pipfile", "read_pyproject", "read_requirements", "read_setup_cfg", "read_setup_py"]

_OPTION: Final = re.compile(r"\s+--?[a-z][\w-]*(=|\s+)\S+")
_SOURCES: Final = ("git", "url", "path", "file", "rev", "tag", "branch", "subdirectory", "ref", "index")
_EGG: Final = re.compile(r"[#&]egg=([\w.-]+)")
_WHEEL: Final = re.compile(r"/([A-Za-z0-9][\w.]*?)-(\d[^-/]*)[^/]*\.(?:whl|tar\.gz|zip)")


def read_pyproject(_path: str, text: str) -> list[Entry]:
    """Return what a pyproject.toml declares, by any of its tools."""
    data, lines = tomllib.loads(text), Lines(text)
    project, tool = data.get("project", {}), data.get("tool", {})
    found = list(_listed(project.get("dependencies", []), lines, "production", "dependencies"))
    for group, items in project.get("optional-dependencies", {}).items():
        found += _listed(items, lines, group_scope(group), group, extra=True)
    pdm, uv = tool.get("pdm", {}).get("dev-dependencies", {}), tool.get("uv", {})
    for group, items in {**data.get("dependency-groups", {}), **pdm}.items():
        found += _listed(items, lines, _dependency_group_scope(group), group)
    found += _listed(uv.get("dev-dependencies", []), lines, "development", "dev-dependencies")
    for kind in ("constraint-dependencies", "override-dependencies"):
        found += _listed(uv.get(kind, []), lines, "production", kind)
    found += _listed(
        data.get("build-system", {}).get("requires", []), lines, "development", "[build-system]", extra=True
    )
    for environment in tool.get("hatch", {}).get("envs", {}).values():
        for kind in ("dependencies", "extra-dependencies"):
            found += _listed(environment.get(kind, []), lines, "development", "[tool.hatch.envs", extra=True)
    if "requires-python" in project:
        line = lines.find("requires-python")
        found.append(Entry("python", tidy_range(project["requires-python"]), line, details=(("runtime", "python"),)))
    sources = {python_name(name): _source(value) for name, value in uv.get("sources", {}).items()}
    found = [_with_source(entry, sources[entry.name], lines) if sources.get(entry.name) else entry for entry in found]
    return found + list(_poetry(tool.get("poetry", {}), lines))


def _with_source(entry: Entry, source: str, lines: Lines) -> Entry:
    from dataclasses import replace

    line = lines.find(entry.name, after="[tool.uv.sources") or entry.line
    return replace(entry, line=line, details=(*entry.details, ("source", source)))


def _dependency_group_scope(group: str) -> Scope:
    # Groups are never published: only one that is named after the running system is for it.
    return "production" if group in ("main", "prod", "production", "server", "runtime") else "development"


def _listed(items: Any, lines: Lines, scope: Scope, after: str, *, extra: bool = False) -> Iterator[Entry]:
    start = lines.find(after.strip("[")) if after else None
    for item in items:
        if isinstance(item, str):
            line = lines.find(item, after=(start - 1) if start else None) or lines.find(item)
            entry = requirement(item, line, scope, group=after if extra else "")
            if entry is not None:
                yield entry


def _poetry(data: Mapping[str, Any], lines: Lines) -> Iterator[Entry]:
    tables: list[tuple[str, Scope, Mapping[str, Any]]] = [
        ("[tool.poetry.dependencies]", "production", data.get("dependencies", {})),
        ("[tool.poetry.dev-dependencies]", "development", data.get("dev-dependencies", {})),
    ]
    for group, table in data.get("group", {}).items():
        header = f"[tool.poetry.group.{group}.dependencies]"
        tables.append((header, _dependency_group_scope(group), table.get("dependencies", {})))
    for header, scope, table in tables:
        yield from _table(table, lines, scope, header)


def _table(table: Mapping[str, Any], lines: Lines, scope: Scope, header: str) -> Iterator[Entry]:
    """Yield the entries of a table ``name = range`` as poetry and Pipfile know it."""
    for name, value in table.items():
        line = lines.find(name, after=header)
        for one in value if isinstance(value, list) else [value]:
            facts = one if isinstance(one, Mapping) else {"version": one}
            said = tidy_range(str(facts.get("version", "")))
            said = f"^{said}" if header.startswith("[tool.poetry") and re.fullmatch(r"\d[\d.]*", said) else said
            exact = re.fullmatch(r"={2,3}([^*,]+)", said)
            details = {
                "extras": ",".join(sorted(map(python_name, facts.get("extras", [])))),
                "marker": facts.get("markers") or facts.get("python"),
                "source": _source(facts),
                "runtime": "python" if name == "python" else None,
            }
            yield Entry(
                python_name(name), exact[1] if exact else said, line, scope, exact=bool(exact), details=kept(details)
            )


def _source(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_source, value))
    return " ".join(f"{key} {value[key]}" for key in _SOURCES if value.get(key))


def read_pipfile(_path: str, text: str) -> list[Entry]:
    """Return what a Pipfile declares."""
    data, lines = tomllib.loads(text), Lines(text)
    found = list(_table(data.get("packages", {}), lines, "production", "[packages]"))
    found += _table(data.get("dev-packages", {}), lines, "development", "[dev-packages]")
    wanted = data.get("requires", {}).get("python_version") or data.get("requires", {}).get("python_full_version")
    line = lines.find("requires")
    return found + ([Entry("python", str(wanted), line, details=(("runtime", "python"),))] if wanted else [])


def read_requirements(path: str, text: str) -> list[Entry]:
    """Return what a requirements file asks for; files that it names are read by themselves."""
    scope = group_scope(path.rpartition("/")[2].removesuffix(".txt").removesuffix(".in"))
    if re.search(r"(?m)^(-e|--editable)[\s=]+\.(\[|\s|$)", text) and re.search(r"(?m)^(pytest|tox|mypy)\b", text):
        scope = "development"  # the package itself beside its test tools: what its developers work in
    found: list[Entry] = []
    for line, said in _joined(text):
        if re.match(r"(-r|-c|--requirement|--constraint|-i|-f|--(?!hash|editable))", said):
            if re.match(r"(-i|--index-url|--extra-index-url)", said):
                place = said.partition("=")[2] or said.partition(" ")[2]
                found.append(Entry("(index)", "", line, scope, exact=True, details=(("source", place.strip()),)))
            continue
        plain = re.sub(r"^(-e|--editable)[\s=]+", "", said)
        hashes = tuple(("hash", value) for value in sorted(re.findall(r"--hash[=\s]+(\S+)", plain)))
        plain = re.sub(r"\s+#.*$", "", _OPTION.sub("", f" {plain}")).strip()
        entry = requirement(plain, line, scope) or _located(plain, line, scope)
        if entry is not None:
            found.append(Entry(entry.name, entry.version, line, scope, entry.exact, details=(*entry.details, *hashes)))
    return found


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a requirements file with the number of their first part."""
    start, said = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not said:
            start = number
        stripped = line.strip()
        if stripped.startswith("#"):
            continue
        if stripped.endswith("\\"):
            said += stripped[:-1] + " "
            continue
        said += stripped
        if said.strip():
            yield start, said.strip()
        said = ""
    if said.strip():
        yield start, said.strip()


def _located(plain: str, line: int, scope: Scope) -> Entry | None:
    """Return what is named by its place alone."""
    if wheel := _WHEEL.search(plain):
        return Entry(python_name(wheel[1]), wheel[2], line, scope, exact=True, details=(("source", plain),))
    if (egg := _EGG.search(plain)) or "://" in plain:
        name = egg[1] if egg else plain.partition("#")[0].rstrip("/").rpartition("/")[2].partition("@")[0]
        return Entry(python_name(name.removesuffix(".git")), "", line, scope, exact=True, details=(("source", plain),))
    return None


def read_setup_cfg(_path: str, text: str) -> list[Entry]:
    """Return what a setup.cfg declares."""
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    lines = Lines(text)
    wanted: list[tuple[str, Scope, str]] = []
    if parser.has_section("options"):
        options = dict(parser.items("options"))
        wanted += [(options.get("install_requires", ""), "production", "install_requires")]
        wanted += [(options.get(key, ""), "development", key) for key in ("setup_requires", "tests_require")]
        if "python_requires" in options:
            wanted.append((f"python{options['python_requires']}", "production", "python_requires"))
    if parser.has_section("options.extras_require"):
        wanted += [(items, group_scope(group), group) for group, items in parser.items("options.extras_require")]
    found: list[Entry] = []
    for items, scope, key in wanted:
        found += _listed([item for item in items.split("\n") if item.strip()], lines, scope, key)
    return found


def read_setup_py(_path: str, text: str) -> list[Entry]:
    """Return what the call of ``setup`` in a setup.py declares, as far as it is written there."""
    tree = parse(text.encode())
    if tree is None:
        raise ValueError("no Python")
    names = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: list[Entry] = []
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and dotted(call.func).rpartition(".")[2] == "setup"):
            continue
        for keyword in call.keywords:
            value = _resolved(keyword.value, names)
            if keyword.arg == "install_requires":
                found += _strings(value, names, "production")
            elif keyword.arg in ("setup_requires", "tests_require"):
                found += _strings(value, names, "development")
            elif keyword.arg == "extras_require" and isinstance(value, ast.Dict):
                for key, items in zip(value.keys, value.values, strict=True):
                    group = str(key.value) if isinstance(key, ast.Constant) else ""
                    found += _strings(items, names, group_scope(group), group)
            elif keyword.arg == "python_requires" and isinstance(value, ast.Constant):
                said = tidy_range(str(value.value))
                found.append(Entry("python", said, value.lineno, details=(("runtime", "python"),)))
    return found


def _resolved(node: ast.AST, names: Mapping[str, ast.AST]) -> ast.AST:
    for _ in range(5):
        if not isinstance(node, ast.Name) or node.id not in names:
            break
        node = names[node.id]
    return node


def _strings(
    node: ast.AST, names: Mapping[str, ast.AST], scope: Scope, group: str = "", depth: int = 0
) -> Iterator[Entry]:
    """Yield the requirements of a list that is written out, a name or sum of such."""
    value = _resolved(node, names)
    if depth > 20:
        return
    if isinstance(value, ast.BinOp):
        for side in (value.left, value.right):
            yield from _strings(side, names, scope, group, depth + 1)
    elif isinstance(value, ast.List | ast.Tuple | ast.Set):
        for item in value.elts:
            yield from _strings(item.value if isinstance(item, ast.Starred) else item, names, scope, group, depth + 1)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str):
        for line in value.value.splitlines():
            entry = requirement(line.strip(), value.lineno, scope, group=group)
            if entry is not None:
                yield entry


def read_environment(path: str, text: str) -> list[Entry]:
    """Return what a conda environment asks for, with the part that pip installs."""
    (document, *_) = [*read_yaml(text), None]
    found: list[Entry] = []
    items = document.get("dependencies") if isinstance(document, Section) else None
    scope = group_scope(path.rpartition("/")[2].rpartition(".")[0])
    for item in items if isinstance(items, Sequence) else []:
        if isinstance(item, Text):
            match = re.fullmatch(r"(?:([\w./-]+)::)?([\w.-]+)\s*([<>=!~ ].*)?", item.strip())
            if match is not None:
                said = tidy_range((match[3] or "").strip())
                pinned = re.fullmatch(r"={1,2}([^=*,<>|]+)(=[^=]+)?", said)
                details = kept({"channel": match[1], "build": pinned[2] if pinned else None})
                version = pinned[1] if pinned else said
                found.append(
                    Entry(match[2].lower(), version, item.line, scope, exact=pinned is not None, details=details)
                )
        elif isinstance(item, Section) and isinstance(item.get("pip"), Sequence):
            for inner in item["pip"]:
                entry = requirement(str(inner), getattr(inner, "line", None), scope)
                found += [entry] if entry is not None else []
    return found
