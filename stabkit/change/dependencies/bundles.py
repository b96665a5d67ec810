"""What Ruby, PHP, Dart, Elixir and Swift projects declare and resolve to."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from stabkit.change.dependencies.entries import Entry, Lines, group_scope, kept, tidy_range
from stabkit.change.facts import Scope
from stabkit.change.yaml_documents import Section, line_of, read_yaml

__all__ = [
    "read_composer",
    "read_composer_lock",
    "read_gemfile",
    "read_gemfile_lock",
    "read_gemspec",
    "read_mix",
    "read_mix_lock",
    "read_pubspec",
    "read_pubspec_lock",
    "read_swift_lock",
]

_MIX: Final = re.compile(r"""\{\s*:(\w+)\s*,\s*(?:"([^"]*)")?([^{}]*)\}""")
_QUOTED: Final = re.compile(r"""["']([^"']+)["']""")
_RUBY_SOURCE: Final = re.compile(r"""\b(git|github|path|branch|ref|tag|source)(?::|\s*=>)\s*["']([^"']+)["']""")


def read_gemfile(_path: str, text: str) -> list[Entry]:
    """Return what a Gemfile asks for, by the lines of its gems."""
    found: list[Entry] = []
    groups: list[str | None] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = re.sub(r"(^|\s)#.*$", "", raw).strip()
        if re.match(r"group\b.*\bdo\b", line):
            groups.append(" ".join(re.findall(r"[:\"'](\w+)", line)))
        elif re.search(r"\bdo\s*(\|.*\|)?$", line) or re.match(r"(if|unless|case|begin)\b", line):
            groups.append(None)
        elif line == "end" and groups:
            groups.pop()
        elif ruby := re.match(r"ruby\s+[\"']([^\"']+)", line):
            found.append(Entry("ruby", tidy_range(ruby[1]), number, details=(("runtime", "ruby"),)))
        elif gem := re.match(r"gem[\s(]+[\"']([^\"']+)[\"'](.*)$", line):
            found.append(_gem(gem[1], gem[2], number, [group for group in groups if group]))
    return found


def _gem(name: str, rest: str, line: int, groups: list[str]) -> Entry:
    own = re.findall(r"\bgroups?(?::|\s*=>)\s*\[?\s*:(\w+)", rest)
    ranges = re.match(r"(\s*,\s*\[?\s*[\"'][^\"']*[\"']\s*\]?)+(?!\s*=>)", rest)
    said = tidy_range(",".join(_QUOTED.findall(ranges[0]))) if ranges else ""
    exact = re.fullmatch(r"=?\s*(\d[\w.]*)", said)
    scope: Scope = (
        "development"
        if any(group_scope(name) != "production" for group in [*own, *groups] for name in group.split())
        else "production"
    )
    source = " ".join(f"{kind} {value}" for kind, value in _RUBY_SOURCE.findall(rest))
    version = exact[1] if exact else said
    return Entry(name, version, line, scope, exact=exact is not None, details=kept({"source": source}))


def read_gemspec(_path: str, text: str) -> list[Entry]:
    """Return what a gemspec declares, by pattern."""
    found: list[Entry] = []
    pattern = r"\.add(_runtime|_development)?_dependency[\s(]+[\"']([^\"']+)[\"']((?:\s*,\s*\[?\s*[\"'][^\"']*[\"'])*)"
    for number, match in Lines(text).starting(rf"[^#]*?{pattern}"):
        scope: Scope = "development" if match[1] == "_development" else "production"
        said = tidy_range(",".join(_QUOTED.findall(match[3])))
        found.append(Entry(match[2], said, number, scope, proven=False))
    return found


def read_gemfile_lock(_path: str, text: str) -> list[Entry]:
    """Return the gems of a Gemfile.lock."""
    found: list[dict[str, Any]] = []
    part, source = "", ""
    direct: set[str] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        if line and not line[0].isspace():
            part, source = line.strip(), ""
        elif part in ("GEM", "GIT", "PATH", "PLUGIN SOURCE"):
            if fact := re.match(r" {2}(remote|revision): (\S+)", line):
                source = f"{source} {fact[2]}".strip()
            elif gem := re.match(r" {4}(\S+) \(([^)]+)\)$", line):
                found.append({"name": gem[1], "version": gem[2], "line": number, "source": source, "requires": []})
            elif (wanted := re.match(r" {6}(\S+)", line)) and found:
                found[-1]["requires"].append(wanted[1])
        elif part == "DEPENDENCIES" and (name := re.match(r" {2}([^\s!(]+)", line)):
            direct.add(name[1])
    if not found and not re.search(r"(?m)^(GEM|GIT|PATH|DEPENDENCIES)", text):
        raise ValueError("no Gemfile.lock")
    return [
        Entry(
            gem["name"],
            gem["version"],
            gem["line"],
            None,
            exact=True,
            direct=gem["name"] in direct,
            details=kept({"source": gem["source"]}),
            requires=tuple(gem["requires"]),
        )
        for gem in found
    ]


def read_composer(_path: str, text: str) -> list[Entry]:
    """Return what a composer.json declares."""
    data, lines = json.loads(text), Lines(text)
    found: list[Entry] = []
    parts: tuple[tuple[str, Scope], ...] = (("require", "production"), ("require-dev", "development"))
    for part, scope in parts:
        table = data.get(part) or {}
        places = lines.first(r'\s*"([^"]+)"\s*:', behind=(lines.find(f'"{part}"') or 1) - 1)
        for name, said in table.items():
            version = tidy_range(str(said))
            exact = re.fullmatch(r"v?(\d+\.\d+\.\d+.*)", version)
            details = (("runtime", "php"),) if name == "php" else ()
            version = exact[1] if exact else version
            found.append(
                Entry(name.lower(), version, places.get(name), scope, exact=exact is not None, details=details)
            )
    return found


def read_composer_lock(_path: str, text: str) -> list[Entry]:
    """Return the packages of a composer.lock."""
    data, lines = json.loads(text), Lines(text)
    places = lines.first(r'\s*"name"\s*:\s*"([^"]+)"')
    found: list[Entry] = []
    parts: tuple[tuple[str, Scope], ...] = (("packages", "production"), ("packages-dev", "development"))
    for part, scope in parts:
        for package in data.get(part) or []:
            dist, source = package.get("dist") or {}, package.get("source") or {}
            details = kept({"source": source.get("url"), "commit": source.get("reference"), "hash": dist.get("shasum")})
            version = str(package.get("version", "")).removeprefix("v")
            name = package["name"]
            requires = tuple(package.get("require") or ())
            line = places.get(name)
            found.append(Entry(name, version, line, scope, exact=True, details=details, requires=requires))
    return found


def read_pubspec(_path: str, text: str) -> list[Entry]:
    """Return what a pubspec.yaml declares."""
    (document, *_) = [*read_yaml(text), None]
    found: list[Entry] = []
    parts: tuple[tuple[str, Scope], ...] = (
        ("dependencies", "production"),
        ("dependency_overrides", "production"),
        ("dev_dependencies", "development"),
    )
    for part, scope in parts:
        for name, said in (document.get(part) or {}).items() if isinstance(document, Section) else ():
            facts = said if isinstance(said, Section) else {"version": said}
            source = " ".join(f"{key} {value}" for key, value in facts.items() if key not in ("version", "sdk"))
            version = tidy_range(str(facts.get("version") or ""))
            exact = re.fullmatch(r"\d+\.\d+\.\d+.*", version) is not None
            found.append(Entry(name, version, line_of(name), scope, exact=exact, details=kept({"source": source})))
    return found


def read_pubspec_lock(_path: str, text: str) -> list[Entry]:
    """Return the packages of a pubspec.lock."""
    (document, *_) = [*read_yaml(text), None]
    found: list[Entry] = []
    for name, package in (document.get("packages") or {}).items() if isinstance(document, Section) else ():
        said = str(package.get("dependency", ""))
        scope: Scope = "development" if "dev" in said else "production"
        about = package.get("description")
        facts: Mapping[str, Any] = about if isinstance(about, Section) else {}
        details = kept({"source": facts.get("url"), "hash": facts.get("sha256"), "commit": facts.get("resolved-ref")})
        version = str(package.get("version", ""))
        direct = said.startswith("direct")
        found.append(Entry(name, version, line_of(name), scope, exact=True, direct=direct, details=details))
    return found


def read_mix(_path: str, text: str) -> list[Entry]:
    """Return what a mix.exs asks for."""
    found: list[Entry] = []
    for number, line in enumerate(text.splitlines(), start=1):
        for match in _MIX.finditer(line.partition("#")[0]):
            only = re.search(r"\bonly:\s*\[?([^\]}]*)", match[3])
            aside = only is not None and ":prod" not in only[1] and re.search(r":(?:dev|test)\b", only[1]) is not None
            place = re.search(r'\b(?:git|github|path):\s*"([^"]*)"', match[3])
            tag = re.search(r'\b(?:tag|ref|branch):\s*"([^"]*)"', match[3])
            version = match[2] or (tag[1] if tag else "")
            exact = re.fullmatch(r"(?:==\s*)?\d+\.\d+\.\d+", version) is not None
            details = kept({"source": place[1] if place else ""})
            scope: Scope = "development" if aside else "production"
            found.append(Entry(match[1], tidy_range(version), number, scope, exact, details=details, proven=False))
    return found


def read_mix_lock(_path: str, text: str) -> list[Entry]:
    """Return the packages of Elixir's mix.lock."""
    found: list[Entry] = []
    for number, match in Lines(text).starting(r'\s*"([\w-]+)":\s*\{:(hex|git),\s*(?::\w+|"([^"]+)"),\s*"([^"]+)"(.*)$'):
        hash_ = re.match(r',\s*"([0-9a-f]{40,})"', match[5])
        details = kept({"source": match[3], "hash": hash_ and hash_[1]})
        found.append(Entry(match[1], match[4], number, exact=True, details=details))
    return found


def read_swift_lock(_path: str, text: str) -> list[Entry]:
    """Return the packages of a Package.resolved."""
    data, lines = json.loads(text), Lines(text)
    found: list[Entry] = []
    for pin in data.get("pins") or data.get("object", {}).get("pins", []):
        name, state = pin.get("identity") or pin.get("package"), pin.get("state", {})
        line = lines.find(f'"{name}"')
        details = kept({"source": pin.get("location") or pin.get("repositoryURL"), "commit": state.get("revision")})
        version = state.get("version") or state.get("branch") or ""
        found.append(Entry(str(name), str(version), line, exact=True, details=details))
    return found
