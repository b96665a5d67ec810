"""What Go, Rust, JVM and .NET projects declare and resolve to."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from stabkit.change.dependencies.entries import Entry, Lines, kept, tidy_range
from stabkit.change.dependencies.markup import elements, without
from stabkit.change.facts import Scope

__all__ = [
    "read_cargo",
    "read_cargo_lock",
    "read_dotnet",
    "read_dotnet_lock",
    "read_go_mod",
    "read_go_sum",
    "read_gradle",
    "read_gradle_lock",
    "read_gradle_properties",
    "read_pom",
    "read_version_catalog",
]

_TEST: Final = re.compile(r"(?i)test|kapt|annotationProcessor|ksp|lint|checkstyle|detekt|buildscript|classpath|jmh")


def read_go_mod(_path: str, text: str) -> list[Entry]:
    """Return what a go.mod asks for: of Go, these are the versions that are built."""
    found: list[Entry] = []
    block = ""
    for number, line in enumerate(text.splitlines(), start=1):
        said, _, comment = line.partition("//")
        words = said.split()
        if not words:
            continue
        if words == [")"]:
            block = ""
        elif words[-1] == "(":
            block = words[0]
        else:
            verb, rest = (block, words) if block else (words[0], words[1:])
            found += _go_line(verb, rest, number, direct="indirect" not in comment)
    return found


def _go_line(verb: str, words: list[str], line: int, *, direct: bool) -> Iterator[Entry]:
    if verb == "require" and len(words) == 2:
        yield Entry(words[0], words[1], line, exact=True, direct=direct)
    elif verb in ("go", "toolchain") and words:
        yield Entry(verb, words[0].removeprefix("go"), line, exact=True, details=(("runtime", verb),))
    elif verb == "replace" and "=>" in words:
        cut = words.index("=>")
        version = words[cut + 2] if len(words) > cut + 2 else ""
        yield Entry(words[0], version, line, exact=True, details=(("source", " ".join(words[cut + 1 : cut + 2])),))


def read_go_sum(_path: str, text: str) -> list[Entry]:
    """Return the modules of a go.sum with their hashes, those that are only looked at for what they need left out."""
    found: list[Entry] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if len(words) == 3 and not words[1].endswith("/go.mod"):
            hash_ = ("hash", words[2])
            found.append(Entry(words[0], words[1], number, None, exact=True, direct=False, details=(hash_,)))
        elif words and len(words) != 3:
            raise ValueError("no go.sum")
    return found


def read_cargo(_path: str, text: str) -> list[Entry]:
    """Return what a Cargo.toml declares."""
    data, lines = tomllib.loads(text), Lines(text)
    found = list(_crates(data, lines, ""))
    for target, tables in data.get("target", {}).items():
        found += _crates(tables, lines, target)
    found += _crates(data.get("workspace", {}), lines, "", prefix="workspace.")
    for source, table in data.get("patch", {}).items():
        for name, value in table.items():
            details = (("patch", source), ("source", _crate_source(value)))
            found.append(Entry(name, "", lines.find(name, after="[patch"), exact=True, details=details))
    wanted = data.get("package", {}).get("rust-version")
    if isinstance(wanted, str):
        found.append(Entry("rust", wanted, lines.find("rust-version"), details=(("runtime", "rust"),)))
    return found


def _crates(tables: Mapping[str, Any], lines: Lines, target: str, *, prefix: str = "") -> Iterator[Entry]:
    parts: tuple[tuple[str, Scope], ...] = (
        ("dependencies", "production"),
        ("build-dependencies", "development"),
        ("dev-dependencies", "development"),
    )
    for part, scope in parts:
        for name, value in tables.get(part, {}).items():
            facts = value if isinstance(value, Mapping) else {"version": value}
            said = tidy_range(str(facts.get("version", "")))
            exact = re.fullmatch(r"=(\d+\.\d+\.\d+.*)", said)
            header = f"[target.{target}.{part}" if target else f"[{prefix}{part}"
            line = lines.find(name, after=header) or lines.find(name)
            details = {
                "target": target,
                "source": _crate_source(facts),
                "features": ",".join(sorted(facts.get("features", []))),
                "package": facts.get("package"),
                "default-features": "off" if facts.get("default-features") is False else "",
            }
            version = exact[1] if exact else said.removeprefix("^")
            yield Entry(name, version, line, scope, exact=exact is not None, details=kept(details))


def _crate_source(facts: Any) -> str:
    kinds = ("git", "branch", "tag", "rev", "path", "registry")
    return " ".join(f"{kind} {facts[kind]}" for kind in kinds if facts.get(kind))


def read_cargo_lock(_path: str, text: str) -> list[Entry]:
    """Return the crates of a Cargo.lock."""
    data = tomllib.loads(text)
    packages = data.get("package", [])
    starts = [line for line, _ in Lines(text).starting(r"\s*\[\[package\]\]")]
    own = [package for package in packages if "source" not in package]
    direct = {str(wanted).split()[0] for package in own for wanted in package.get("dependencies", [])}
    old = data.get("metadata", {})
    found: list[Entry] = []
    for number, package in enumerate(packages):
        if "source" not in package:
            continue
        source = str(package["source"])
        checksum = package.get("checksum") or old.get(f"checksum {package['name']} {package['version']} ({source})")
        source = (
            "the registry"
            if "github.com/rust-lang/crates.io-index" in source or "index.crates.io" in source
            else source
        )
        found.append(
            Entry(
                package["name"],
                str(package["version"]),
                starts[number] + 1 if len(starts) == len(packages) else None,
                None,
                exact=True,
                direct=package["name"] in direct,
                details=(("source", source), *kept({"hash": checksum})),
                requires=tuple(str(wanted).split()[0] for wanted in package.get("dependencies", [])),
            )
        )
    return found


_FACT: Final = re.compile(r"<([\w.-]+)>([^<>]*)</\1>")


def read_pom(_path: str, text: str) -> list[Entry]:
    """Return what a pom.xml declares, properties put in."""
    plain = without(text, "<!--", "-->")
    if "<project" not in plain:
        raise ValueError("no pom.xml")
    properties = {name: value.strip() for name, value in _FACT.findall(plain)}
    found: list[Entry] = []
    for start, match, body in elements(plain, r"<(dependency|plugin|parent|extension)>"):
        own = "".join(re.split(r"<exclusions>|</exclusions>", body)[::2])
        facts = {name: value.strip() for name, value in reversed(_FACT.findall(own))}
        if "artifactId" not in facts:
            continue
        said = facts.get("version", "")
        for _ in range(3):
            said = re.sub(r"\$\{([\w.-]+)\}", lambda match: properties.get(match[1], match[0])[:200], said)[:200]
        tools = match[1] in ("plugin", "extension")
        scope: Scope = "development" if tools or facts.get("scope") == "test" else "production"
        offset = max(body.find("<version>"), 0) or body.find("<artifactId>")
        line = plain.count("\n", 0, start + len(match[0]) + offset) + 1
        name = f"{facts.get('groupId', 'org.apache.maven.plugins' if tools else '')}:{facts['artifactId']}"
        details = kept({"classifier": facts.get("classifier"), "type": facts.get("type")})
        found.append(Entry(name, said, line, scope, exact=_pinned(said), details=details))
    for name in {"java.version", "maven.compiler.release", "maven.compiler.source"} & properties.keys():
        found += [Entry("java", properties[name], Lines(text).find(name), details=(("runtime", name),))]
    return found


def _pinned(version: str) -> bool:
    return bool(version) and not re.search(r"[\[\](),+*$]|latest|SNAPSHOT", version)


_GRADLE: Final = re.compile(
    r"""(?m)^[ \t]*(?:add\(["'])?(\w+)["']?[ \t,(]+(?:\w+[ \t]*\(\s*)*"""
    r"""["']([\w.-]+):([\w.-]+)(?::([^"'@]+))?(?:@\w+)?["']"""
    r"""|^[ \t]*(\w+)[ \t(]+group\s*[:=]\s*["']([^"']+)["'],\s*name\s*[:=]\s*["']([^"']+)["']"""
    r"""(?:,\s*version\s*[:=]\s*["']([^"']+)["'])?"""
    r"""|\bid[ \t(]+["']([\w.-]+)["']\)?[ \t]+version[ \t(]+["']([^"']+)["']"""
)


def read_gradle(_path: str, text: str) -> list[Entry]:
    """Return what a build.gradle or build.gradle.kts declares, by pattern: it is a program."""
    plain = without(text, "/*", "*/")
    plain = re.sub(r"(?m)(?<!:)//.*$", "", plain)
    values = dict(re.findall(r"""\b(?:def |val |var |ext\.|set\(["'])?(\w+)["']?\s*[=,]\s*["']([^"'\n]+)["']""", plain))
    found: list[Entry] = []
    for match in _GRADLE.finditer(plain):
        kind = match[1] or match[5] or "plugins"
        name = match[9] or f"{match[2] or match[6]}:{match[3] or match[7]}"
        said = match[10] or match[4] or match[8] or ""
        said = re.sub(r"\$\{?(\w+)\}?", lambda inner: values.get(inner[1], inner[0]), said)
        scope: Scope = "development" if match[9] or _TEST.search(kind) else "production"
        line = plain.count("\n", 0, match.start() + len(match[0]) - len(match[0].lstrip())) + 1
        found.append(Entry(name, said, line, scope, exact=_pinned(said), proven=False))
    return found


def read_gradle_properties(_path: str, text: str) -> list[Entry]:
    """Return the versions that properties of Gradle name for its builds, and that of Gradle itself."""
    found: list[Entry] = []
    for number, match in Lines(text).starting(r"\s*([\w.-]*[vV]ersion[\w.-]*|distributionUrl)\s*[=:]\s*(\S+)"):
        if match[1] == "distributionUrl":
            name = re.search(r"/?(apache-maven|gradle)-([\d.]+(?:-rc-\d+)?)-", match[2])
            found += [Entry(name[1], name[2], number, "development", exact=True)] if name else []
        elif match[1].lower() not in ("version", "projectversion", "app.version", "appversion", "version_name"):
            found.append(Entry(match[1], match[2], number, exact=True, proven=False))
    return found


def read_gradle_lock(_path: str, text: str) -> list[Entry]:
    """Return the modules of a gradle.lockfile."""
    found: list[Entry] = []
    for number, line in enumerate(text.splitlines(), start=1):
        coordinates, _, uses = line.strip().partition("=")
        parts = coordinates.split(":")
        if line.startswith("#") or len(parts) != 3:
            continue
        running = any(not re.match(r"(?i)test|annotation|kapt|ksp", use) for use in uses.split(","))
        found.append(
            Entry(":".join(parts[:2]), parts[2], number, "production" if running else "development", exact=True)
        )
    return found


def read_version_catalog(_path: str, text: str) -> list[Entry]:
    """Return what a version catalogue (libs.versions.toml) declares."""
    data, lines = tomllib.loads(text), Lines(text)
    versions = data.get("versions", {})
    found: list[Entry] = []
    parts: tuple[tuple[str, Scope], ...] = (("libraries", "production"), ("plugins", "development"))
    for part, scope in parts:
        for alias, value in data.get(part, {}).items():
            facts = value if isinstance(value, Mapping) else {"module": str(value).rpartition(":")[0]}
            name = facts.get("module") or facts.get("id") or f"{facts.get('group', '')}:{facts.get('name', alias)}"
            version = facts.get("version", "" if isinstance(value, Mapping) else str(value).rpartition(":")[2])
            line = lines.find(alias, after=f"[{part}]")
            if isinstance(version, Mapping) and "ref" in version:
                line = lines.find(str(version["ref"]), after="[versions]") or line
                version = versions.get(version["ref"], "")
            if isinstance(version, Mapping):
                version = ",".join(f"{key} {said}" for key, said in sorted(version.items()))
            found.append(Entry(str(name), str(version), line, scope, exact=_pinned(str(version))))
    return found


_PACKAGE: Final = r"<(PackageReference|PackageVersion|GlobalPackageReference|package|DotNetCliToolReference)\b([^<>]*)>"


def read_dotnet(path: str, text: str) -> list[Entry]:
    """Return the packages that a .NET project file asks for."""
    plain = without(text, "<!--", "-->")
    scope: Scope = "development" if "test" in path.lower().rpartition("/")[2] else "production"
    found: list[Entry] = []
    for start, match, body in elements(plain, _PACKAGE):
        facts = {name.lower(): value for name, value in re.findall(r'(\w+)\s*=\s*"([^"]*)"', match[2])}
        facts |= {name.lower(): value.strip() for name, value in _FACT.findall(body)}
        name = facts.get("include") or facts.get("update") or facts.get("id")
        if name:
            said = facts.get("versionoverride") or facts.get("version", "")
            exact = re.fullmatch(r"\[?(\d[\w.+-]*)\]?", said)
            line = plain.count("\n", 0, start) + 1
            found.append(Entry(name.lower(), exact[1] if exact else said, line, scope, exact=exact is not None))
    for match in re.finditer(r"<TargetFrameworks?>([^<]+)</", plain):
        line = plain.count("\n", 0, match.start()) + 1
        found.append(Entry("dotnet", match[1].strip(), line, exact=True, details=(("runtime", "dotnet"),)))
    return found


def read_dotnet_lock(_path: str, text: str) -> list[Entry]:
    """Return the packages of a packages.lock.json."""
    data, lines = json.loads(text), Lines(text)
    places = lines.first(r'\s*"([^"]+)"\s*:\s*\{')
    return [
        Entry(
            name.lower(),
            str(package.get("resolved", "")),
            places.get(name),
            exact=True,
            direct=package.get("type") == "Direct",
            details=kept({"hash": package.get("contentHash")}),
        )
        for packages in data.get("dependencies", {}).values()
        for name, package in packages.items()
        if package.get("type") != "Project"
    ]
