"""What JavaScript projects declare and resolve to: package.json, and the locks of npm, yarn, pnpm and bun."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from stabkit.change.dependencies.entries import Entry, Lines, kept, tidy_range
from stabkit.change.facts import Scope
from stabkit.change.yaml_documents import Section, line_of, read_yaml

__all__ = ["read_bun_lock", "read_package_json", "read_package_lock", "read_pnpm_lock", "read_yarn_lock"]

_PARTS: Final[tuple[tuple[str, Scope], ...]] = (
    ("dependencies", "production"),
    ("optionalDependencies", "production"),
    ("peerDependencies", "production"),
    ("devDependencies", "development"),
)
_SAME_REGISTRY: Final = re.compile(r"^https?://registry\.(npmjs\.org|yarnpkg\.com)/.*")
_KEY: Final = r'\s*"([^"]+)"\s*:'


def read_package_json(_path: str, text: str) -> list[Entry]:
    """Return what a package.json declares."""
    data, lines = json.loads(text), Lines(text)
    found: list[Entry] = []
    for part, scope in _PARTS:
        table = data.get(part) or {}
        places = lines.first(_KEY, behind=(lines.find(f'"{part}"') or 1) - 1) if table else {}
        detail = {"kind": part} if part in ("peerDependencies", "optionalDependencies") else {}
        for name, said in table.items():
            if name in data.get("optionalDependencies", {}) and part == "dependencies":
                continue
            found.append(_declared(name, str(said), places.get(name), scope, detail))
    for part in ("resolutions", "overrides"):
        found += _overrides(data.get(part) or {}, lines, part)
    pnpm = data.get("pnpm") or {}
    found += _overrides(pnpm.get("overrides") or {}, lines, "overrides")
    places = lines.first(_KEY, behind=lines.find('"engines"') or 0)
    for name, said in (data.get("engines") or {}).items():
        found.append(Entry(name, tidy_range(str(said)), places.get(name), details=(("runtime", name),)))
    if data.get("packageManager"):
        name, _, version = str(data["packageManager"]).partition("@")
        line = lines.find('"packageManager"')
        found.append(Entry(name, version.partition("+")[0], line, "development", exact=True, details=(("tool", name),)))
    return found


def _declared(name: str, said: str, line: int | None, scope: Scope, details: Mapping[str, str]) -> Entry:
    if said.startswith("npm:"):
        details = {**details, "source": said.rpartition("@")[0]}
        said = said.rpartition("@")[2]
    elif re.match(r"(git|https?|github|file|link|workspace|portal|catalog|[\w.-]+/[\w.-]+)[:+#/]?.*[/:]", said):
        details, said = {**details, "source": said}, ""
    version = tidy_range(said)
    exact = re.fullmatch(r"[v=]*(\d+\.\d+\.\d+[\w.+-]*)", version)
    return Entry(name, exact[1] if exact else version, line, scope, exact=exact is not None, details=kept(details))


def _overrides(table: Any, lines: Lines, part: str) -> Iterator[Entry]:
    for name, said in table.items() if isinstance(table, Mapping) else ():
        line = lines.find(f'"{name}"', after=lines.find(f'"{part}"'))
        yield Entry(
            name, tidy_range(said if isinstance(said, str) else json.dumps(said)), line, details=((part, "yes"),)
        )


def read_package_lock(_path: str, text: str) -> list[Entry]:
    """Return the packages of a package-lock.json of any version, or of an npm-shrinkwrap.json."""
    data, lines = json.loads(text), Lines(text)
    places = lines.first(r'\s*"([^"]*)"\s*:\s*\{')
    if "packages" not in data:
        return list(_nested(data.get("dependencies") or {}, places, top=True))
    root = data["packages"].get("", {})
    direct = {name for part, _ in _PARTS for name in root.get(part) or {}}
    found: list[Entry] = []
    for place, package in data["packages"].items():
        if not place.rpartition("node_modules/")[1] or package.get("link"):
            continue
        name = place.rpartition("node_modules/")[2]
        top = place == f"node_modules/{name}"
        asked = package.get("name") or name
        found.append(_resolved(asked, package, places.get(place), direct=top and name in direct))
    return found


def _nested(table: Mapping[str, Any], places: Mapping[str, int], *, top: bool, depth: int = 0) -> Iterator[Entry]:
    if depth > 50:
        raise ValueError("too deep")
    for name, package in table.items():
        yield _resolved(name, package, places.get(name), direct=top and depth == 0)
        yield from _nested(package.get("dependencies") or {}, places, top=False, depth=depth + 1)


def _resolved(name: str, package: Mapping[str, Any], line: int | None, *, direct: bool) -> Entry:
    version = str(package.get("version", ""))
    scope: Scope = "development" if package.get("dev") or package.get("devOptional") else "production"
    source = _place(str(package.get("resolved") or ""))
    if not re.match(r"\d", version):
        version, source = "", version
    hashes = tuple(("hash", value) for value in str(package.get("integrity") or "").split())
    return Entry(name, version, line, scope, exact=True, direct=direct, details=(*kept({"source": source}), *hashes))


def _place(url: str) -> str:
    """Return where a package comes from, without its version: that is told as such."""
    if not url or _SAME_REGISTRY.match(url):
        return "the registry" if url else ""
    if re.match(r"https?://", url) and "/-/" in url:
        return "/".join(url.split("/")[:3])
    return url.partition("#")[0] if url.startswith("http") else url


def read_yarn_lock(_path: str, text: str) -> list[Entry]:
    """Return the packages of a yarn.lock, of the first yarn or a later one."""
    found: list[Entry] = []
    for block in re.finditer(r'(?m)^(?!#|\s)(["\w@].*):[ \t]*\r?\n((?:[ \t]+.*\r?\n?|\r?\n(?=[ \t]))+)', text):
        spec = re.split(r",\s*", block[1].strip().strip('"'))[0].strip('"')
        name = re.match(r"(@?[^@]+)@", spec)
        facts = dict(re.findall(r'(?m)^ {2}"?(\w+)"?:? "?([^"\n]*?)"?\r?$', block[2]))
        if name is None or "version" not in facts or name[1] == "__metadata" or facts.get("linkType") == "soft":
            continue
        source = _place(facts.get("resolved", "").partition("#")[0])
        if "resolution" in facts:
            place = facts["resolution"].partition("@npm:")
            source = "the registry" if place[1] else facts["resolution"]
        checksum = facts.get("checksum", "")
        hashes = [f"{checksum.partition('/')[0]}:{checksum}"] if checksum else facts.get("integrity", "").split()
        wanted = re.findall(r'(?m)^ {4}"?(@?[\w./-]+)"?:? ', block[2])
        line = text.count("\n", 0, block.start()) + 1
        found.append(
            Entry(
                name[1],
                facts["version"],
                line,
                None,
                exact=True,
                details=(*kept({"source": source}), *(("hash", value) for value in hashes)),
                requires=tuple(wanted),
            )
        )
    if not found and re.search(r"^\S+@", text, re.MULTILINE):
        raise ValueError("no yarn.lock")
    return found


def read_pnpm_lock(_path: str, text: str) -> list[Entry]:
    """Return the packages of a pnpm-lock.yaml."""
    (document, *_) = [*read_yaml(text), None]
    if not isinstance(document, Section):
        raise TypeError("no pnpm-lock.yaml")
    roots: dict[str, Scope] = {}
    importers = document.get("importers") or {".": document}
    for importer in importers.values():
        for part, scope in reversed(_PARTS):
            for name in (importer.get(part) or {}) if isinstance(importer, Section) else ():
                roots[str(name)] = scope if roots.get(str(name)) != "production" else "production"
    snapshots = document.get("snapshots") or {}
    edges: dict[str, set[str]] = {}
    for key, inner in [*snapshots.items(), *(document.get("packages") or {}).items()]:
        name = _pnpm_name(key)[0]
        for part in ("dependencies", "optionalDependencies"):
            edges.setdefault(name, set()).update(map(str, inner.get(part) or {}))
    return list(_pnpm_packages(document, roots, edges))


def _pnpm_packages(document: Section, roots: Mapping[str, Scope], edges: Mapping[str, set[str]]) -> Iterator[Entry]:
    needed: set[str] = set()
    waiting = [name for name, scope in roots.items() if scope == "production"]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += edges.get(name, ())
    for key, package in (document.get("packages") or {}).items():
        name, version = _pnpm_name(key)
        resolution = package.get("resolution") or {}
        source = str(resolution.get("tarball") or resolution.get("repo") or "")
        hashes = (("hash", str(resolution["integrity"])),) if resolution.get("integrity") else ()
        scope: Scope = "production" if not roots or name in needed else "development"
        yield Entry(
            name,
            version,
            line_of(key),
            scope,
            exact=True,
            direct=name in roots,
            details=(*kept({"source": source, "commit": resolution.get("commit")}), *hashes),
        )


def _pnpm_name(key: str) -> tuple[str, str]:
    plain = key.lstrip("/").partition("(")[0]
    name, at, version = plain.rpartition("@")
    if not at or not name:  # before version 6: /name/1.2.3_peer
        name, _, version = plain.rpartition("/")
    return name, version.partition("_")[0]


def read_bun_lock(_path: str, text: str) -> list[Entry]:
    """Return the packages of a bun.lock, which is JSON with commas at the end."""
    data = json.loads(re.sub(r",(\s*[}\]])", r"\1", text))
    places = Lines(text).first(_KEY, behind=Lines(text).find('"packages"') or 0)
    found: list[Entry] = []
    for key, package in data.get("packages", {}).items():
        name, _, version = str(package[0]).rpartition("@")
        hashes = tuple(("hash", value) for value in package if isinstance(value, str) and value.startswith("sha"))
        found.append(Entry(name, version, places.get(key), None, exact=True, details=hashes))
    return found
