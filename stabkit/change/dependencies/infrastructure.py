"""What charts, Terraform, Nix and version files of tools ask for."""

from __future__ import annotations

import json
import re
from typing import Final

from stabkit.change.dependencies.entries import Entry, Lines, kept, tidy_range
from stabkit.change.yaml_documents import Section, Sequence, read_yaml

__all__ = ["read_chart", "read_flake_lock", "read_runtime", "read_terraform", "read_terraform_lock"]

_TERRAFORM: Final = re.compile(
    r'(?m)^\s*(?:module\s+"([^"]+)"|\w[\w-]*\s*=)\s*\{([^{}]{0,2000}?\bsource\s*=[^{}]{0,2000})\}'
)
_ALONE: Final = {".python-version": "python", ".nvmrc": "node", ".node-version": "node", ".ruby-version": "ruby"}


def read_chart(_path: str, text: str) -> list[Entry]:
    """Return the charts that a Chart.yaml, requirements.yaml or their lock names."""
    (document, *_) = [*read_yaml(text), None]
    wanted = document.get("dependencies") if isinstance(document, Section) else None
    found: list[Entry] = []
    for one in wanted if isinstance(wanted, Sequence) else []:
        if isinstance(one, Section) and one.get("name"):
            said = one.get("version") or ""
            line = getattr(said, "line", one.line)
            version = tidy_range(str(said))
            exact = re.fullmatch(r"v?\d+\.\d+\.\d+.*", version) is not None
            details = kept({"source": one.get("repository")})
            found.append(Entry(str(one["name"]), version, line, exact=exact, details=details))
    return found


def read_terraform_lock(_path: str, text: str) -> list[Entry]:
    """Return the providers of a .terraform.lock.hcl."""
    found: list[Entry] = []
    line = 1
    for block in re.split(r"(?m)^(?=provider )", text):
        if match := re.match(r'provider "([^"]+)"', block):
            version = re.search(r'\bversion *= *"([^"]+)"', block)
            hashes = tuple(("hash", value) for value in sorted(re.findall(r'"((?:h1|zh):[^"]+)"', block)))
            found.append(Entry(match[1], version[1] if version else "", line, exact=True, details=hashes))
        line += block.count("\n")
    return found


def read_terraform(_path: str, text: str) -> list[Entry]:
    """Return the providers that a Terraform file requires, and the modules that it takes from elsewhere."""
    found: list[Entry] = []
    for match in _TERRAFORM.finditer(text):
        source, version = (re.search(rf'\b{name}\s*=\s*"([^"]*)"', match[2]) for name in ("source", "version"))
        if source is None or source[1].startswith("."):
            continue
        stated = version or source
        line = text.count("\n", 0, match.start(2) + stated.start(1)) + 1
        wanted = version[1] if version else source[1].partition("?ref=")[2]
        name = source[1].partition("?")[0]
        exact = re.fullmatch(r"v?\d+(\.\d+)*", wanted) is not None
        found.append(Entry(name, tidy_range(wanted), line, exact=exact, proven=False))
    return found


def read_flake_lock(_path: str, text: str) -> list[Entry]:
    """Return the inputs of a flake.lock."""
    data, lines = json.loads(text), Lines(text)
    places = lines.first(r'\s*"([^"]+)"\s*:\s*\{')
    return [
        Entry(name, str(node["locked"].get("rev", "")), places.get(name), "development", exact=True)
        for name, node in data.get("nodes", {}).items()
        if "locked" in node
    ]


def read_runtime(path: str, text: str) -> list[Entry]:
    """Return the versions of languages and tools that a file names: .python-version, .tool-versions, runtime.txt."""
    name = path.rpartition("/")[2]
    found: list[Entry] = []
    if name.startswith(("rust-toolchain", "global")):
        stated = re.search(r"channel\s*=\s*\"([^\"]+)\"|\"version\"\s*:\s*\"([^\"]+)\"", text)
        version = (stated[1] or stated[2]) if stated else text.strip()[:40]
        tool = "rust" if name.startswith("rust") else "dotnet"
        place = Lines(text).find(version) if version else None
        return [Entry(tool, version, place, exact=True, details=(("runtime", tool),))]
    for number, line in enumerate(text.splitlines(), start=1):
        said = line.partition("#")[0].strip()
        if not said:
            continue
        if name in _ALONE:
            tool, version = _ALONE[name], said.lstrip("v")
        elif name == "runtime.txt":
            tool, _, version = said.partition("-")
        else:
            tool, _, version = said.partition(" ")
        details = (("runtime", tool),)
        found.append(
            Entry(
                {"nodejs": "node", "golang": "go"}.get(tool, tool), version.strip(), number, exact=True, details=details
            )
        )
    return found
